package conf

import (
	"strings"

	"saltmine/internal/canary"
)

// Verify says when canaries are read back and compared with the registry.
type Verify struct {
	// Schedule is a cron text of five fields, read in UTC. Default
	// "41 3 * * *"; empty is never. Whoever runs it parses it.
	Schedule string `json:"schedule"`
	// Severity is that of the notice of a canary that vanished; of several at
	// once it is one step more urgent. Default P3.
	Severity canary.Severity `json:"severity"`
}

// PoolCheck says when the pool is looked at from outside.
type PoolCheck struct {
	// Schedule is a cron text of five fields, read in UTC. Default
	// "29 5 * * *"; empty is never. At each time what runs out is looked for, and
	// those items are asked about whose last check is a month old.
	Schedule string `json:"check_schedule"`
	// Severity is that of its notices. Default P4.
	Severity canary.Severity `json:"check_severity"`
	// Registration asks the registration data of domains when they run out.
	Registration bool `json:"check_rdap"`
}

func defaultVerify() Verify { return Verify{Schedule: "41 3 * * *", Severity: canary.P3} }

func defaultPoolCheck() PoolCheck { return PoolCheck{Schedule: "29 5 * * *", Severity: canary.P4} }

func (v *Verify) decode(t *table) {
	if t == nil {
		return
	}
	t.perhaps("schedule", &v.Schedule)
	t.severity("severity", &v.Severity)
	t.finish()
}

func (p *PoolCheck) decode(t *table) {
	t.perhaps("check_schedule", &p.Schedule)
	t.severity("check_severity", &p.Severity)
	t.truth("check_rdap", &p.Registration)
}

func (c *Config) checkWatch(k *checks) {
	k.schedule("verify.schedule", c.Verify.Schedule)
	k.schedule("pool.check_schedule", c.Pool.Check.Schedule)
}

// schedule checks the form of a cron text that may be empty.
func (k *checks) schedule(key, text string) {
	if text != "" && len(strings.Fields(text)) != 5 {
		k.bad(key, "%q is not a cron text of five fields: minute hour day month weekday", text)
	}
}

func (p printer) watch(c *Config) {
	p.value("pool.check_schedule", c.Pool.Check.Schedule)
	p.value("pool.check_severity", c.Pool.Check.Severity.String())
	p.value("pool.check_rdap", c.Pool.Check.Registration)
	p.value("verify.schedule", c.Verify.Schedule)
	p.value("verify.severity", c.Verify.Severity.String())
}
