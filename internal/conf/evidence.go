package conf

import (
	"fmt"
	"net/url"
	"time"

	"saltmine/internal/evidence/stamp"
)

// Evidence says who outside stamps checkpoints of the evidence log.
type Evidence struct {
	// TSA are time stamping authorities (RFC 3161).
	TSA []TSA `json:"tsa,omitempty"`
	// OTSCalendars are the addresses of OpenTimestamps calendars, https alone (http on
	// loopback).
	OTSCalendars []string `json:"ots_calendars,omitempty"`
	// Witnesses follow the log and cosign it (C2SP tlog-witness).
	Witnesses []LogWitness `json:"witnesses,omitempty"`
	// StampEvery is how often authorities and calendars are asked at most. Default 1h.
	StampEvery time.Duration `json:"stamp_every"`
	// CosignEvery is how often witnesses are. Default 1m.
	CosignEvery time.Duration `json:"cosign_every"`
}

// TSA is a time stamping authority.
type TSA struct {
	// Name tells it apart in logs and packs. Default "tsa-" and its number.
	Name string `json:"name"`
	URL  string `json:"url"`
	// RootsFile is the absolute path of a PEM file with the authorities that its
	// certificate must lead to. Those of the system are for web servers.
	RootsFile string `json:"roots_file"`
}

// LogWitness is a witness that cosigns.
type LogWitness struct {
	// Name tells it apart in logs and packs. Default "witness-" and its number.
	Name string `json:"name"`
	URL  string `json:"url"` // its submission prefix
	Key  string `json:"key"` // its verifier key, NAME+HASH+BASE64
}

// defaultEvidence stamps nothing.
func defaultEvidence() Evidence { return Evidence{StampEvery: time.Hour, CosignEvery: time.Minute} }

// stamped reports whether anybody is named.
func (e *Evidence) stamped() bool { return len(e.TSA)+len(e.OTSCalendars)+len(e.Witnesses) > 0 }

func (e *Evidence) decode(t *table) {
	if t == nil {
		return
	}
	for i, one := range t.subs("tsa") {
		a := TSA{Name: fmt.Sprintf("tsa-%d", i+1)}
		one.text("name", &a.Name)
		one.text("url", &a.URL)
		one.file("roots_file", &a.RootsFile)
		one.finish()
		e.TSA = append(e.TSA, a)
	}
	t.texts("ots_calendars", &e.OTSCalendars)
	for i, one := range t.subs("witnesses") {
		w := LogWitness{Name: fmt.Sprintf("witness-%d", i+1)}
		one.text("name", &w.Name)
		one.text("url", &w.URL)
		one.text("key", &w.Key)
		one.finish()
		e.Witnesses = append(e.Witnesses, w)
	}
	t.duration("stamp_every", &e.StampEvery)
	t.duration("cosign_every", &e.CosignEvery)
	t.finish()
}

// OTSName is the source that all calendars together are, in logs and packs.
const OTSName = "opentimestamps"

func (c *Config) checkEvidence(k *checks) {
	e := &c.Evidence
	if n := len(e.TSA) + len(e.OTSCalendars) + len(e.Witnesses); n > mostWitnesses {
		k.bad("evidence", "%d who stamp are more than %d", n, mostWitnesses)
	}
	names := map[string]bool{OTSName: true}
	for i, a := range e.TSA {
		key := fmt.Sprintf("evidence.tsa[%d]", i)
		k.name(key, a.Name, names)
		k.url(key+".url", a.URL) // http is common there, and what comes is signed
		if a.RootsFile == "" {
			k.bad(key+".roots_file", "missing: the file with the roots that the authority's certificate leads to")
		}
	}
	for i, u := range e.OTSCalendars {
		k.httpsURL(fmt.Sprintf("evidence.ots_calendars[%d]", i), u)
	}
	for i, w := range e.Witnesses {
		key := fmt.Sprintf("evidence.witnesses[%d]", i)
		k.name(key, w.Name, names)
		k.httpsURL(key+".url", w.URL)
		if _, err := stamp.ParseCosigner(w.Key); err != nil {
			k.bad(key+".key", "%w", err)
		}
	}
	if e.StampEvery < time.Minute {
		k.bad("evidence.stamp_every", "%v is shorter than a minute", e.StampEvery)
	}
	if e.CosignEvery < time.Second {
		k.bad("evidence.cosign_every", "%v is shorter than a second", e.CosignEvery)
	}
}

// httpsURL wants https but on loopback.
func (k *checks) httpsURL(key, text string) {
	k.url(key, text)
	if u, err := url.Parse(text); err == nil && u.Scheme == "http" && !Loopback(u.Hostname()) {
		k.bad(key, "want https")
	}
}

func (p printer) evidence(e *Evidence) {
	for i, a := range e.TSA {
		key := fmt.Sprintf("evidence.tsa[%d].", i)
		p.value(key+"name", a.Name)
		p.value(key+"url", a.URL)
		p.value(key+"roots_file", a.RootsFile)
	}
	p.value("evidence.ots_calendars", e.OTSCalendars)
	for i, w := range e.Witnesses {
		key := fmt.Sprintf("evidence.witnesses[%d].", i)
		p.value(key+"name", w.Name)
		p.value(key+"url", w.URL)
		p.value(key+"key", w.Key)
	}
	p.value("evidence.stamp_every", e.StampEvery.String())
	p.value("evidence.cosign_every", e.CosignEvery.String())
}
