package conf

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"saltmine/internal/token"
)

// Edge is the pull server of a machine that faces the internet and knows
// nothing. Its configuration names its domains and its ears, and neither a
// support database nor anything of the pool but these domains.
type Edge struct {
	Listen string `json:"listen"`
	// Keys is the absolute path of the folder that saltmine edge enroll has
	// filled. Default "keys/".
	Keys string `json:"keys"`
}

// Core is what takes contacts from edges.
type Core struct {
	Pull []Pull `json:"pull"`
}

// Edges are the edges; a core without a section has none.
func (c *Core) Edges() []Pull {
	if c == nil {
		return nil
	}
	return c.Pull
}

// Pull is one edge.
type Pull struct {
	URL string `json:"url"` // https://host:port
	// Name stands for the edge in logs and metrics. Default: host and port.
	Name string `json:"name"`
	// Silence is how long it may fail to answer before somebody is told.
	Silence time.Duration `json:"silence"`
}

// leastSilence lets an edge be asked four times, a second each.
const leastSilence = 4 * time.Second

// Host is the host and the port of the edge; the certificate is for the host.
func (p Pull) Host() (host, port string) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return "", ""
	}
	return u.Hostname(), u.Port()
}

// Valid reports whether the address is https://host:port and nothing else.
func (p Pull) Valid() bool {
	host, port := p.Host()
	return strings.HasPrefix(p.URL, "https://") && host != "" && port != "" && strings.Count(p.URL, "/") == 2
}

// FileName stands for the edge in names of files.
func (p Pull) FileName() string {
	host, port := p.Host()
	return strings.ReplaceAll(host, ":", "_") + "_" + port
}

func (c *Config) decodeEdge(t *table) {
	if t == nil {
		return
	}
	c.Edge = &Edge{Keys: resolve(t.dir, "keys")}
	t.text("listen", &c.Edge.Listen)
	t.file("keys", &c.Edge.Keys)
	t.finish()
}

func (c *Config) decodeCore(t *table) {
	if t == nil {
		return
	}
	c.decodeMailAuth(t.sub("mailauth"))
	if _, pulls := t.vals["pull"]; !pulls && c.MailAuth != nil {
		t.finish()
		return // a core of its own ears
	}
	c.Core = &Core{}
	for _, one := range t.subs("pull") {
		var p Pull
		one.text("url", &p.URL)
		p.URL = strings.TrimRight(p.URL, "/")
		host, port := p.Host()
		p.Name = strings.Trim(host+"-"+port, "-")
		one.text("name", &p.Name)
		p.Silence = 15 * time.Minute
		one.duration("silence", &p.Silence)
		one.finish()
		c.Core.Pull = append(c.Core.Pull, p)
	}
	t.finish()
}

// decodeAccept reads [pool.accept]: a domain's own rate, or "all".
func (p *Pool) decodeAccept(t *table) {
	if t == nil {
		return
	}
	p.Accept = map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(t.vals)) {
		domain, err := token.Domain(name)
		if err != nil {
			domain = name // which is no domain of the pool, and is told so
		}
		v, _ := t.take(name)
		switch n := v.(type) {
		case int64:
			p.Accept[domain] = int(min(max(n, -1), 1<<32))
		case string:
			if n != acceptAll {
				t.book.add(t.key(name), "%q is neither a number nor %q", n, acceptAll)
				continue
			}
			p.Accept[domain] = 1
		default:
			t.wrong(name, "a number or \""+acceptAll+"\"", v)
		}
	}
}

// acceptAll is the rate of a catch-all.
const acceptAll = "all"

func (c *Config) checkEdge(k *checks) {
	c.Pool.checkAccept(k)
	if c.Edge != nil {
		k.listen("edge.listen", c.Edge.Listen)
	}
	if c.Core != nil {
		c.Core.check(k)
	}
	c.checkMailAuth(k)
}

func (p *Pool) checkAccept(k *checks) {
	for _, domain := range slices.Sorted(maps.Keys(p.Accept)) {
		key := "pool.accept." + domain
		if !slices.Contains(p.Domains, domain) {
			k.bad(key, "is not one of the pool's domains")
		}
		if n := p.Accept[domain]; n < 1 || n > 1<<20 {
			k.bad(key, "%d is not between 1 and %d", n, 1<<20)
		}
	}
}

func (c *Core) check(k *checks) {
	if len(c.Pull) == 0 {
		k.bad("core.pull", "missing; give at least one [[core.pull]]")
	}
	names, urls := map[string]bool{}, map[string]bool{}
	for i, p := range c.Pull {
		key := fmt.Sprintf("core.pull[%d]", i)
		k.url(key+".url", p.URL)
		k.name(key, p.Name, names)
		if p.URL != "" && !p.Valid() {
			k.bad(key+".url", "want https://host:port and nothing behind it")
		}
		if p.Silence < leastSilence {
			k.bad(key+".silence", "%s is less than %s", p.Silence, leastSilence)
		}
		if urls[p.URL] {
			k.bad(key+".url", "is given twice")
		}
		urls[p.URL] = true
	}
}

// Blind reports what a configuration names that an edge must not have: a stolen
// edge tells everything that is on it.
func (c *Config) Blind() error {
	k := &checks{}
	for _, x := range []struct {
		has  bool
		what string
	}{
		{len(c.Support) > 0, "support"}, {c.Pool.Mailboxes != "", "pool.mailboxes"}, {c.Pool.Phones != "", "pool.phones"},
		{c.Ticket != nil, "ticket"}, {c.API != nil, "api"}, {len(c.Routes) > 0, "route"}, {len(c.Witnesses) > 0, "witness"}, {len(c.Responses) > 0, "response"}, {c.Evidence.stamped(), "evidence"}, {len(c.Audits) > 0, "audit"}, {c.Rotate != nil, "rotate"},
		{c.Exclude != nil, "exclude"}, {len(c.Own) > 0, "own"}, {len(c.Recordings) > 0, "recording"}, {c.Mailbox != nil, "mailbox"}, {c.Core != nil, "core"}, {c.MailAuth != nil, "core.mailauth"}, {c.Deadman != nil, "deadman"}, {c.Drill.Schedule != "", "drill"}, {c.Registry.DSNFile != "", "registry.dsn_file"},
	} {
		if x.has {
			k.bad(x.what, "an edge must not know it; it belongs on the core")
		}
	}
	return joinFaults(k.found)
}
