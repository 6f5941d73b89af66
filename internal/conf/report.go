package conf

import (
	"net/netip"
	"net/url"
)

// Report is the ear of people who tell of a suspicious call or message: a form for
// anybody, and an interface for the help desk's programs. Without the section it is off.
type Report struct {
	Listen string `json:"listen"`
	// PublicURL is where people reach the form, a scheme and a host. Without it the
	// Host that the proxy passes on is believed to be that.
	PublicURL string `json:"public_url,omitempty"`
	// AgentsFile names who may use the interface, see [Agents]; without it there is
	// the form alone.
	AgentsFile string  `json:"agents_file,omitempty"`
	Agents     []Agent `json:"agents,omitempty"`
	// ProxyFrom are the proxies in front, which say in X-Forwarded-For for whom they
	// ask; of all others that is not believed.
	ProxyFrom []netip.Prefix `json:"proxy_from,omitempty"`
	// PerMinute bounds what is recorded of all strangers. Default 30.
	PerMinute int `json:"per_minute"`
}

// maxReports bounds what strangers can fill a disk with: 64 KiB each.
const maxReports = 1000

func (c *Config) decodeReport(t *table) {
	if t == nil {
		return
	}
	c.Report = &Report{PerMinute: 30}
	t.text("listen", &c.Report.Listen)
	t.text("public_url", &c.Report.PublicURL)
	t.file("agents_file", &c.Report.AgentsFile)
	t.prefixes("proxy_from", &c.Report.ProxyFrom)
	t.whole("per_minute", &c.Report.PerMinute)
	t.finish()
}

func (r *Report) loadAgents(b *book) {
	if r != nil {
		loadAgents(b, "report.agents_file", r.AgentsFile, &r.Agents)
	}
}

func (k *checks) report(r *Report) {
	if r == nil {
		return
	}
	k.listen("report.listen", r.Listen)
	if r.PublicURL != "" {
		k.url("report.public_url", r.PublicURL)
		if u, err := url.Parse(r.PublicURL); err == nil && u.Path != "" && u.Path != "/" {
			k.bad("report.public_url", "has a path, and the form is always at /report")
		}
	}
	if r.PerMinute < 1 || r.PerMinute > maxReports {
		k.bad("report.per_minute", "%d is not between 1 and %d", r.PerMinute, maxReports)
	}
}

func (p printer) report(r *Report) {
	if r == nil {
		return
	}
	p.value("report.listen", r.Listen)
	p.value("report.public_url", r.PublicURL)
	p.value("report.agents_file", r.AgentsFile)
	p.value("report.agents", len(r.Agents))
	p.value("report.proxy_from", texts(r.ProxyFrom))
	p.value("report.per_minute", r.PerMinute)
}
