package conf

import (
	"net/url"
	"slices"
	"time"
)

// Deadman is the dead-man's switch of serve: contacts of its own through every
// front, and the word that serve is alive.
type Deadman struct {
	// Every is how often a contact is made at each front. Default 5 min.
	Every time.Duration `json:"every"`
	// Silence is for how long nothing has come out of a front at the pager until
	// somebody is told. Default 15 min.
	Silence time.Duration `json:"silence"`
	// Route is the name of the route that is told. Default: the second, which is
	// the first that waits, and else the second of the list, or the only one.
	Route string `json:"route,omitempty"`
	// SMTP, DNS ("host:port") and Phone (addresses of the web) are where the fronts
	// are reached. Default: this process's own. Those of edges are to be named.
	SMTP  []string `json:"smtp,omitempty"`
	DNS   []string `json:"dns,omitempty"`
	Phone []string `json:"phone,omitempty"`
	// PingFile holds the address that is asked as long as serve is well and no
	// front is silent; whoever watches it rings when nothing comes.
	PingFile string `json:"ping_file,omitempty"`
	Ping     Secret `json:"ping"`
}

// Drill says what "saltmine drill" stages, and when serve does.
type Drill struct {
	// Schedule is a cron text of five fields, read in UTC. Empty, the default, is never.
	Schedule string `json:"schedule,omitempty"`
	// Count is how many canaries a staged extract holds where none is named, and
	// Fraction how many of them are contacted. Default 5, and all.
	Count    int     `json:"count"`
	Fraction float64 `json:"fraction"`
	// Delay is the time over which contacts are spread. Default none.
	Delay time.Duration `json:"delay"`
	// Route is the name of the route for its pages. Default: none, nobody is told.
	Route string `json:"route,omitempty"`
}

func defaultDrill() Drill { return Drill{Count: 5, Fraction: 1} }

func (c *Config) decodeDeadman(t *table) {
	if t == nil {
		return
	}
	d := &Deadman{Every: 5 * time.Minute, Silence: 15 * time.Minute}
	t.duration("every", &d.Every)
	t.duration("silence", &d.Silence)
	t.text("route", &d.Route)
	t.texts("smtp", &d.SMTP)
	t.texts("dns", &d.DNS)
	t.texts("phone", &d.Phone)
	t.file("ping_file", &d.PingFile)
	t.finish()
	c.Deadman = d
}

func (d *Drill) decode(t *table) {
	if t == nil {
		return
	}
	t.perhaps("schedule", &d.Schedule)
	t.whole("count", &d.Count)
	t.number("fraction", &d.Fraction)
	t.duration("delay", &d.Delay)
	t.text("route", &d.Route)
	t.finish()
}

// mostStaged bounds the canaries of a staged extract: each has an address of its own.
const mostStaged = 1000

func (d *Drill) check(k *checks, routes []Route) {
	k.schedule("drill.schedule", d.Schedule)
	if d.Count < 1 || d.Count > mostStaged {
		k.bad("drill.count", "%d is not between 1 and %d", d.Count, mostStaged)
	}
	if !(d.Fraction > 0 && d.Fraction <= 1) { // also refuses NaN
		k.bad("drill.fraction", "%v is not above 0 and at most 1", d.Fraction)
	}
	if d.Delay < 0 || d.Delay > 24*time.Hour {
		k.bad("drill.delay", "%s is not between 0 and 24h", d.Delay)
	}
	k.route("drill.route", d.Route, routes)
}

func (c *Config) checkDeadman(k *checks) {
	c.Drill.check(k, c.Routes)
	d := c.Deadman
	if d == nil {
		return
	}
	if d.Every < time.Second || d.Every > time.Hour {
		k.bad("deadman.every", "%s is not between 1s and 1h", d.Every)
	}
	if d.Silence < 2*d.Every {
		k.bad("deadman.silence", "%s is less than twice every, %s: one contact that is lost is no silence", d.Silence, d.Every)
	}
	k.route("deadman.route", d.Route, c.Routes)
	for key, list := range map[string][]string{"deadman.smtp": d.SMTP, "deadman.dns": d.DNS} {
		for _, addr := range list {
			k.listen(key, addr)
		}
	}
	for _, addr := range d.Phone {
		k.url("deadman.phone", addr)
	}
}

// route wants the name of a route, or none.
func (k *checks) route(key, name string, routes []Route) {
	if name != "" && !slices.ContainsFunc(routes, func(r Route) bool { return r.Name == name }) {
		k.bad(key, "no [[route]] is called %q", name)
	}
}

// loadPing reads the address of the heartbeat. It may hold whatever its watcher
// wants in it.
func (d *Deadman) loadPing(b *book) {
	if d == nil || d.PingFile == "" {
		return
	}
	d.Ping = loadSecret(b, "deadman.ping_file", d.PingFile)
	if d.Ping.IsZero() {
		return
	}
	if u, err := url.Parse(d.Ping.Reveal()); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		b.add("deadman.ping_file", "holds no http or https address")
	}
}

func (p printer) deadman(c *Config) {
	if d := c.Deadman; d != nil {
		p.value("deadman.every", d.Every.String())
		p.value("deadman.silence", d.Silence.String())
		p.value("deadman.route", d.Route)
		p.value("deadman.smtp", d.SMTP)
		p.value("deadman.dns", d.DNS)
		p.value("deadman.phone", d.Phone)
		p.value("deadman.ping_file", d.PingFile)
		p.value("deadman.ping", d.Ping.String())
	}
	p.value("drill.schedule", c.Drill.Schedule)
	p.value("drill.count", c.Drill.Count)
	p.value("drill.fraction", c.Drill.Fraction)
	p.value("drill.delay", c.Drill.Delay.String())
	p.value("drill.route", c.Drill.Route)
}
