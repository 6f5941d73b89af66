package conf

import (
	"fmt"
	"strings"
	"time"
)

// Audit is an audit log of a support database that audit watch follows.
type Audit struct {
	// Name tells logs apart; the place in each is kept under it. Default "audit-1",
	// by the log's number.
	Name string `json:"name"`
	// Support is the NAME of [support.NAME]; it may be left out where there is one.
	Support string `json:"support,omitempty"`
	// File is the absolute path of the log. Files that it is rotated to are looked
	// for beside it.
	File string `json:"file"`
	// Format is that of package audit; empty is told by the first bytes.
	Format string `json:"format,omitempty"`
	// TimeZone is that of times without one, and of the sessions: the server's.
	// Default UTC.
	TimeZone string `json:"time_zone"`
	// TextLimit is the server's server_audit_query_log_limit. Default 1024.
	TextLimit int `json:"text_limit"`
	// Ignore are accounts, user@host, that read everything by design: backups,
	// replication. A % at an end stands for anything. What the seeder reads in its own
	// sessions is ignored besides.
	Ignore []string `json:"ignore,omitempty"`
	// Every is how often it is looked for more. Default 30 s.
	Every time.Duration `json:"every"`
	// ClockError is how far the clock of the log may be from ours. Default 2 s.
	ClockError time.Duration `json:"clock_error"`
	// Longest is how long a statement may have run before or after its time in the log:
	// rows that changed so near it are only possible. Default 1 h: a dump of a large
	// table takes its time.
	Longest time.Duration `json:"longest"`
}

// Ignored reports whether an account is one of those that read everything.
func (a *Audit) Ignored(user, host string) bool {
	for _, pattern := range a.Ignore {
		at := strings.LastIndexByte(pattern, '@')
		if fits(pattern[:at], user) && fits(pattern[at+1:], host) {
			return true
		}
	}
	return false
}

// fits compares with a pattern that may begin or end in %.
func fits(pattern, text string) bool {
	front, open := strings.CutSuffix(pattern, "%")
	back, openFront := strings.CutPrefix(front, "%")
	switch {
	case open && openFront:
		return strings.Contains(text, back)
	case open:
		return strings.HasPrefix(text, front)
	case openFront:
		return strings.HasSuffix(text, back)
	}
	return text == pattern
}

func (c *Config) decodeAudits(list []*table) {
	for i, t := range list {
		a := Audit{Name: fmt.Sprintf("audit-%d", i+1), TimeZone: "UTC", TextLimit: 1024, Every: 30 * time.Second, ClockError: 2 * time.Second, Longest: time.Hour}
		t.text("name", &a.Name)
		t.text("support", &a.Support)
		t.file("file", &a.File)
		t.text("format", &a.Format)
		t.text("time_zone", &a.TimeZone)
		t.whole("text_limit", &a.TextLimit)
		t.texts("ignore", &a.Ignore)
		t.duration("every", &a.Every)
		t.duration("clock_error", &a.ClockError)
		t.duration("longest", &a.Longest)
		t.finish()
		c.Audits = append(c.Audits, a)
	}
}

func (c *Config) checkAudits(k *checks) {
	names := map[string]bool{}
	for i := range c.Audits {
		a, key := &c.Audits[i], fmt.Sprintf("audit[%d]", i)
		k.name(key, a.Name, names)
		if _, there := c.Support[a.Support]; a.Support != "" && !there {
			k.bad(key+".support", "there is no section [support.%s]", a.Support)
		} else if a.Support == "" && len(c.Support) != 1 {
			k.bad(key+".support", "missing: there are %d support databases", len(c.Support))
		}
		a.check(k, key)
	}
}

func (a *Audit) check(k *checks, key string) {
	if a.File == "" {
		k.bad(key+".file", "missing")
	}
	k.zone(key+".time_zone", a.TimeZone)
	if a.TextLimit < 1 {
		k.bad(key+".text_limit", "%d is no number of bytes", a.TextLimit)
	}
	for n, account := range a.Ignore {
		if user, host, two := strings.Cut(account, "@"); !two || user == "" || host == "" || account == "%@%" {
			k.bad(fmt.Sprintf("%s.ignore[%d]", key, n), "%q is not user@host", account)
		}
	}
	a.checkTimes(k, key)
}

func (a *Audit) checkTimes(k *checks, key string) {
	if a.Every < time.Second || a.Every > time.Hour {
		k.bad(key+".every", "%s is not between 1s and 1h", a.Every)
	}
	if a.ClockError < 0 || a.ClockError > time.Hour {
		k.bad(key+".clock_error", "%s is not between 0s and 1h", a.ClockError)
	}
	if a.Longest < time.Second || a.Longest > 24*time.Hour {
		k.bad(key+".longest", "%s is not between 1s and 24h", a.Longest)
	}
}

func (p printer) audits(c *Config) {
	for i := range c.Audits {
		a, key := &c.Audits[i], fmt.Sprintf("audit[%d].", i)
		p.value(key+"name", a.Name)
		p.value(key+"support", a.Support)
		p.value(key+"file", a.File)
		p.value(key+"format", a.Format)
		p.value(key+"time_zone", a.TimeZone)
		p.value(key+"text_limit", a.TextLimit)
		p.value(key+"ignore", a.Ignore)
		p.value(key+"every", a.Every.String())
		p.value(key+"clock_error", a.ClockError.String())
		p.value(key+"longest", a.Longest.String())
	}
}
