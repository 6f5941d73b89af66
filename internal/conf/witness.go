package conf

import (
	"fmt"
	"net/netip"
	"net/url"
)

// The kinds of a witness.
const (
	WitnessFile    = "file"
	WitnessWebhook = RouteWebhook
	WitnessSyslog  = RouteSyslog
)

// Witness is a place outside to which the end of the evidence log is told.
type Witness struct {
	Kind string `json:"kind"`
	// Name tells witnesses apart in logs and notices. Default: the kind and the
	// witness's number, "file-1".
	Name string `json:"name"`
	// Path is the absolute path of the file that notes are added to.
	Path string `json:"path,omitempty"`
	// URL receives notes: https for a webhook (http on loopback alone), and udp://,
	// tcp:// or tls://host:port for syslog.
	URL        string `json:"url,omitempty"`
	SecretFile string `json:"secret_file,omitempty"` // a webhook's, by which notes are signed
	Secret     Secret `json:"secret"`
	// Roots is the absolute path of a PEM file with the authorities of the receiver's
	// certificate. Default: those of the system.
	Roots string `json:"roots,omitempty"`
}

func (c *Config) decodeWitnesses(list []*table) {
	for i, t := range list {
		var w Witness
		t.text("kind", &w.Kind)
		w.Name = fmt.Sprintf("%s-%d", w.Kind, i+1)
		t.text("name", &w.Name)
		t.file("path", &w.Path)
		t.text("url", &w.URL)
		t.file("secret_file", &w.SecretFile)
		t.file("roots", &w.Roots)
		t.finish()
		c.Witnesses = append(c.Witnesses, w)
	}
}

func (c *Config) loadWitnesses(b *book) {
	for i := range c.Witnesses {
		if w := &c.Witnesses[i]; w.SecretFile != "" {
			w.Secret = loadSecret(b, fmt.Sprintf("witness[%d].secret_file", i), w.SecretFile)
		}
	}
}

// mostWitnesses bounds them: each is told twice a minute.
const mostWitnesses = 16

func (c *Config) checkWitnesses(k *checks) {
	if len(c.Witnesses) > mostWitnesses {
		k.bad("witness", "%d witnesses are more than %d", len(c.Witnesses), mostWitnesses)
	}
	names := map[string]bool{}
	for i := range c.Witnesses {
		w, key := &c.Witnesses[i], fmt.Sprintf("witness[%d]", i)
		k.kind(key, w.Kind, WitnessFile, WitnessWebhook, WitnessSyslog)
		k.name(key, w.Name, names)
		w.check(k, key)
	}
}

func (w *Witness) check(k *checks, key string) {
	for _, only := range []struct {
		key, value, kind string
	}{{"path", w.Path, WitnessFile}, {"secret_file", w.SecretFile, WitnessWebhook}} {
		switch {
		case w.Kind == only.kind && only.value == "":
			k.bad(key+"."+only.key, "missing")
		case w.Kind != only.kind && only.value != "":
			k.bad(key+"."+only.key, "%s has none", w.Kind)
		}
	}
	w.checkURL(k, key)
}

func (w *Witness) checkURL(k *checks, key string) {
	switch w.Kind {
	case WitnessFile:
		if w.URL != "" || w.Roots != "" {
			k.bad(key+".url", "file has none")
		}
	case WitnessWebhook:
		k.url(key+".url", w.URL)
		if u, err := url.Parse(w.URL); err == nil && u.Scheme == "http" && !Loopback(u.Hostname()) {
			k.bad(key+".url", "want https: whoever sits between could keep notes back")
		}
	case WitnessSyslog:
		if err := checkAddress(w.URL, []string{"udp", "tcp", "tls"}); err != nil {
			k.bad(key+".url", "%w", err)
		}
	}
}

// Loopback reports whether a host is reached from this machine alone.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (p printer) witnesses(c *Config) {
	for i := range c.Witnesses {
		w, key := &c.Witnesses[i], fmt.Sprintf("witness[%d].", i)
		p.value(key+"kind", w.Kind)
		p.value(key+"name", w.Name)
		p.value(key+"path", w.Path)
		p.value(key+"url", w.URL)
		p.value(key+"secret_file", w.SecretFile)
		p.value(key+"secret", w.Secret.String())
		p.value(key+"roots", w.Roots)
	}
}
