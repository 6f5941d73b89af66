package conf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Redacted gives the configuration in force, defaults included, one
// "key = value" a line in a fixed order, with every secret masked.
func (c *Config) Redacted() string {
	var b strings.Builder
	p := printer{&b}
	p.value("registry.dsn", c.Registry.Source.String())
	p.value("registry.dsn_file", c.Registry.DSNFile)
	p.value("registry.keys", c.Registry.Keys)
	for _, name := range slices.Sorted(maps.Keys(c.Support)) {
		s := c.Support[name]
		p.value("support."+name+".dsn", s.Source.String())
		p.value("support."+name+".dsn_file", s.DSNFile)
		p.value("support."+name+".recipe", s.Recipe)
		p.value("support."+name+".change_rate", s.ChangeRate)
		p.value("support."+name+".change_rate_max", s.ChangeRateMax)
		p.value("support."+name+".read_rate_max", s.ReadRateMax)
		p.value("support."+name+".statement_time_max", s.StatementTimeMax.String())
		p.value("support."+name+".connection_attributes", s.Attributes)
		p.value("support."+name+".time_zone", s.TimeZone)
	}
	p.value("pool.domains", c.Pool.Domains)
	p.value("pool.mailboxes", c.Pool.Mailboxes)
	p.value("pool.phones", c.Pool.Phones)
	p.value("pool.soak", c.Pool.Soak.String())
	p.value("pool.quarantine", c.Pool.Quarantine.String())
	p.value("pool.domain_capacity", c.Pool.DomainCapacity)
	p.value("pool.block_lists", c.Pool.BlockLists)
	p.value("pool.disposable", c.Pool.Disposable)
	p.value("pool.placebos_per_email", c.Pool.PlacebosPerEmail)
	p.value("pool.accept_one_in", c.Pool.AcceptOneIn)
	p.edge(c)
	p.watch(c)
	p.life(c)
	p.exclude(c.Exclude)
	p.own(c.Own)
	p.ears(c)
	p.recordings(c.Recordings)
	p.mailbox(c.Mailbox)
	p.value("spool.dir", c.Spool.Dir)
	p.value("spool.max_bytes", c.Spool.MaxBytes)
	p.retention(c.Retention)
	p.routes(c)
	p.witnesses(c)
	p.evidence(&c.Evidence)
	p.responses(c)
	p.audits(c)
	p.deadman(c)
	if r := c.Rotate; r != nil {
		p.value("rotate.schedule", r.Schedule)
		p.value("rotate.lifetime", r.Lifetime.String())
		p.value("rotate.presence_lifetime", r.PresenceLifetime.String())
		p.value("rotate.horizon", r.Horizon.String())
		p.value("rotate.measure", r.Measure)
		p.value("rotate.measure_rows", r.MeasureRows)
	}
	p.value("gate.off", c.Gate.Off)
	p.value("gate.rows", c.Gate.Rows)
	p.value("gate.max_auc", c.Gate.MaxAUC)
	return b.String()
}

// String gives what Redacted gives, so that a configuration that is printed
// by accident shows no secret.
func (c *Config) String() string { return c.Redacted() }

type printer struct{ w io.Writer }

// value prints one line; what is empty was not set and is left out.
func (p printer) value(key string, v any) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	}
	text, err := json.Marshal(v)
	if err != nil { // strings, numbers and lists of strings always marshal
		text = []byte(`"?"`)
	}
	_, _ = fmt.Fprintf(p.w, "%s = %s\n", key, text) // a strings.Builder never fails
}

func (p printer) ears(c *Config) {
	if c.SMTP != nil {
		p.smtp(c.SMTP)
	}
	if c.DNS != nil {
		p.dns(c.DNS)
	}
	if f := c.Phone; f != nil {
		p.value("phone.listen", f.Listen)
		p.value("phone.public_url", f.PublicURL)
		for _, country := range slices.Sorted(maps.Keys(f.Notices)) {
			fmt.Fprintf(p.w, "phone.notice.%s = %q\n", country, f.Notices[country]) //nolint:errcheck // a strings.Builder never fails
		}
		for i, one := range f.Providers {
			key := fmt.Sprintf("phone.provider[%d].", i)
			p.value(key+"kind", one.Kind)
			p.value(key+"name", one.Name)
			p.value(key+"secret_file", one.SecretFile)
			p.value(key+"secret", one.Secret.String())
			for _, more := range [][2]string{{"user", one.User}, {"public_key", one.PublicKey}, {"sms_signature", one.SMSSignature}, {"answer", one.Answer}, {"greeting", one.Greeting}, {"language", one.Language}} {
				if more[1] != "" {
					p.value(key+more[0], more[1])
				}
			}
		}
	}
	if t := c.Ticket; t != nil {
		p.value("ticket.listen", t.Listen)
		p.value("ticket.agents_file", t.AgentsFile)
		p.value("ticket.agents", len(t.Agents))
		p.value("ticket.per_minute", t.PerMinute)
		p.value("ticket.burst", t.Burst)
	}
	p.report(c.Report)
	if a := c.API; a != nil {
		p.value("api.listen", a.Listen)
		p.value("api.public_url", a.PublicURL)
		p.value("api.people_file", a.PeopleFile)
		p.value("api.people", len(a.People))
	}
	p.value("approval.second_person", c.Approval.SecondPerson)
	p.value("approval.valid", c.Approval.Valid.String())
	if a := c.Admin; a != nil {
		p.value("admin.listen", a.Listen)
	}
}

func (p printer) edge(c *Config) {
	for _, domain := range slices.Sorted(maps.Keys(c.Pool.Accept)) {
		p.value("pool.accept."+domain, c.Pool.Accept[domain])
	}
	if c.Edge != nil {
		p.value("edge.listen", c.Edge.Listen)
		p.value("edge.keys", c.Edge.Keys)
	}
	if c.MailAuth != nil {
		p.value("core.mailauth.resolver", c.MailAuth.Resolver)
	}
	for i, one := range c.Core.Edges() {
		p.value(fmt.Sprintf("core.pull[%d].url", i), one.URL)
		p.value(fmt.Sprintf("core.pull[%d].name", i), one.Name)
	}
}
