package conf

import (
	"fmt"
	"slices"
)

// Recording is a provider from which the core fetches the recordings of calls.
type Recording struct {
	Kind string `json:"kind"` // "twilio", "signalwire", "telnyx", "plivo", "bandwidth" or "vonage"
	// User and the secret are sent as HTTP Basic credentials: the account's SID,
	// the project, the auth id, the API user. Telnyx wants none. Vonage wants an
	// application's id, and its private key in PEM as the secret.
	User       string `json:"user,omitempty"`
	SecretFile string `json:"secret_file,omitempty"`
	Secret     Secret `json:"secret"`
}

func (c *Config) decodeRecordings(tables []*table) {
	for _, t := range tables {
		var r Recording
		t.text("kind", &r.Kind)
		t.text("user", &r.User)
		t.file("secret_file", &r.SecretFile)
		t.finish()
		c.Recordings = append(c.Recordings, r)
	}
}

func (c *Config) checkRecordings(k *checks) {
	var kinds []string
	for i, r := range c.Recordings {
		key := fmt.Sprintf("recording[%d]", i)
		k.kind(key, r.Kind, ProviderTwilio, ProviderSignalWire, ProviderTelnyx, ProviderPlivo, ProviderBandwidth, ProviderVonage)
		if r.Kind == ProviderTelnyx {
			if r.User != "" || r.SecretFile != "" {
				k.bad(key+".user", "telnyx wants no credentials: they would go to a storage that is not its own")
			}
			continue
		}
		if r.User == "" {
			k.bad(key+".user", "missing")
		}
		k.secret(key, r.SecretFile, r.Secret)
		if slices.Contains(kinds, r.Kind) {
			k.bad(key+".kind", "%q stands twice", r.Kind)
		}
		kinds = append(kinds, r.Kind)
	}
}

func (c *Config) loadRecordings(b *book) {
	for i := range c.Recordings {
		r := &c.Recordings[i]
		r.Secret = loadSecret(b, fmt.Sprintf("recording[%d].secret_file", i), r.SecretFile)
	}
}

func (p *printer) recordings(list []Recording) {
	for i, r := range list {
		key := fmt.Sprintf("recording[%d].", i)
		p.value(key+"kind", r.Kind)
		p.value(key+"user", r.User)
		p.value(key+"secret_file", r.SecretFile)
		p.value(key+"secret", r.Secret.String())
	}
}
