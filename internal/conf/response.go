package conf

import (
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// What a response answers to.
const (
	OnLeak     = "verdict:leak" // a person found it to be a leak
	OnP1       = "severity:P1"
	OnP2       = "severity:P2" // or P1
	OnTripwire = "tripwire"    // an account of a support database reads far more canaries than usual
)

// Response is what is done about an incident without waiting for anybody to do it: a
// command that is run, or a webhook that is told.
type Response struct {
	Name string `json:"name"`
	On   string `json:"on"`
	// Command is run without a shell; its first word is an absolute path.
	Command []string `json:"command,omitempty"`
	// URL receives the facts: https, or http on loopback alone.
	URL        string `json:"url,omitempty"`
	SecretFile string `json:"secret_file,omitempty"` // by which they are signed
	Secret     Secret `json:"secret"`
	// Roots is the absolute path of a PEM file with the authorities of the receiver's
	// certificate. Default: those of the system.
	Roots string `json:"roots,omitempty"`
	// DryRun only records what would be done. Default true.
	DryRun bool `json:"dry_run"`
	// Confirm waits for a person's yes; for two, where [approval] wants a second.
	// Default true.
	Confirm bool `json:"confirm"`
	// Timeout is after what time it is ended. Default 30 s.
	Timeout time.Duration `json:"timeout"`
	// MinInterval is how long it rests after it began. Default 1 minute.
	MinInterval time.Duration `json:"min_interval"`
}

func (c *Config) decodeResponses(list []*table) {
	for i, t := range list {
		r := Response{Name: fmt.Sprintf("response-%d", i+1), DryRun: true, Confirm: true, Timeout: 30 * time.Second, MinInterval: time.Minute}
		t.text("name", &r.Name)
		t.text("on", &r.On)
		t.texts("command", &r.Command)
		t.text("url", &r.URL)
		t.file("secret_file", &r.SecretFile)
		t.file("roots", &r.Roots)
		t.truth("dry_run", &r.DryRun)
		t.truth("confirm", &r.Confirm)
		t.duration("timeout", &r.Timeout)
		t.duration("min_interval", &r.MinInterval)
		t.finish()
		c.Responses = append(c.Responses, r)
	}
}

func (c *Config) loadResponses(b *book) {
	for i := range c.Responses {
		if r := &c.Responses[i]; r.SecretFile != "" {
			r.Secret = loadSecret(b, fmt.Sprintf("response[%d].secret_file", i), r.SecretFile)
		}
	}
}

// mostResponses bounds them: each looks at the incidents every few seconds.
const mostResponses = 16

func (c *Config) checkResponses(k *checks) {
	if len(c.Responses) > mostResponses {
		k.bad("response", "%d responses are more than %d", len(c.Responses), mostResponses)
	}
	names := map[string]bool{}
	for i := range c.Responses {
		r, key := &c.Responses[i], fmt.Sprintf("response[%d]", i)
		k.name(key, r.Name, names)
		k.word(key+".on", r.On, OnLeak, OnP1, OnP2, OnTripwire)
		if r.Timeout < time.Second || r.Timeout > 10*time.Minute {
			k.bad(key+".timeout", "%s is not between 1s and 10m", r.Timeout)
		}
		if r.MinInterval < 0 || r.MinInterval > 24*time.Hour {
			k.bad(key+".min_interval", "%s is not between 0 and 24h", r.MinInterval)
		}
		r.checkDeed(k, key)
	}
}

func (r *Response) checkDeed(k *checks, key string) {
	switch {
	case len(r.Command) > 0 && r.URL != "":
		k.bad(key+".url", "command is given too; keep one of them")
	case len(r.Command) > 0:
		if !filepath.IsAbs(r.Command[0]) {
			k.bad(key+".command", "its first word is not an absolute path; it is run without a shell and without a search path")
		}
		if r.SecretFile != "" || r.Roots != "" {
			k.bad(key+".secret_file", "a command has none")
		}
	case r.URL != "":
		k.url(key+".url", r.URL)
		k.secret(key, r.SecretFile, r.Secret)
		if u, err := url.Parse(r.URL); err == nil && u.Scheme == "http" && !Loopback(u.Hostname()) {
			k.bad(key+".url", "want https: who is suspected is nobody else's business")
		}
	default:
		k.bad(key+".command", "missing; want command or url")
	}
}

func (p printer) responses(c *Config) {
	for i := range c.Responses {
		r, key := &c.Responses[i], fmt.Sprintf("response[%d].", i)
		p.value(key+"name", r.Name)
		p.value(key+"on", r.On)
		p.value(key+"command", r.Command)
		p.value(key+"url", r.URL)
		p.value(key+"secret_file", r.SecretFile)
		p.value(key+"secret", r.Secret.String())
		p.value(key+"roots", r.Roots)
		p.value(key+"dry_run", r.DryRun)
		p.value(key+"confirm", r.Confirm)
		p.value(key+"timeout", r.Timeout.String())
		p.value(key+"min_interval", r.MinInterval.String())
	}
}
