package phone

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// dialect is what one kind of provider does in its own way.
type dialect struct {
	kind   string
	prefix string        // of the ids of its contacts
	one    bool          // there is one path alone, for calls and messages
	get    bool          // a GET is a webhook too
	wait   time.Duration // how long the provider waits for an answer, less the way
	// again is set where the provider now and then forgets to sign, and tries
	// again when it is told to.
	again bool

	// account takes a provider's credentials and gives what checks requests.
	account func(Provider) (verifier, error)
	// read gives what a request says, verified or not; never nothing.
	read func(leg canary.Channel, q webhook.Request) []event
	// script gives what is answered; back is the address of a call's later webhooks.
	script func(p Provider, back string) script
}

// verifier checks one request. The proof is something in a verified request
// that nobody can guess: it names an event that nothing else names.
type verifier func(leg canary.Channel, q webhook.Request) (proof string, err error)

// event is what a webhook says, whoever sent it.
type event struct {
	channel canary.Channel
	// id names the call or the message at the provider; empty when nothing does.
	// It is hashed into the contact's id, so it must not be guessable.
	id []string
	// later tells a later webhook of a call (a recording, a transcript) from the
	// others; nil for the webhook that the call begins with, and for those that
	// say nothing new about it.
	later     []string
	over      bool // the webhook does not ask what to do with the call
	from      string
	to        []string
	text      string
	facts     map[string]string
	malformed string
}

// maxEvents bounds the events in one request.
const maxEvents = 20

func dialects() []dialect {
	return []dialect{twilio(), signalWire(), telnyx(), vonage(), plivo(), bandwidth(), sinch(), generic()}
}

// Kinds gives the kinds of provider that the ear knows.
func Kinds() []string {
	var kinds []string
	for _, d := range dialects() {
		kinds = append(kinds, d.kind)
	}
	return kinds
}

// contact gives an event's contact.
func (d *dialect) contact(ev event, proof string) canary.Contact {
	c := canary.Contact{Channel: ev.channel, Ear: "phone/" + d.kind, Source: ev.from, Text: ev.text, Facts: map[string]string{}}
	for k, v := range ev.facts {
		if v != "" {
			c.Facts[k] = v
		}
	}
	for _, to := range ev.to {
		if to != "" {
			c.Targets = append(c.Targets, canary.Target{Kind: canary.Phone, Text: to})
		}
	}
	switch {
	case len(ev.id) == 0:
		c.ID = eventID(d.prefix, "unnamed", proof)
		if ev.malformed == "" {
			ev.malformed = "nothing names the call or the message"
		}
	case ev.later != nil:
		c.Facts[factCall] = string(eventID(d.prefix, parts(string(canary.Voice), ev.id)...))
		c.ID = eventID(d.prefix, append(parts("later", ev.id), ev.later...)...)
	default:
		c.ID = eventID(d.prefix, parts(string(ev.channel), ev.id)...)
	}
	if ev.malformed != "" {
		c.Facts[factMalformed] = ev.malformed
	}
	return c
}

func parts(first string, rest []string) []string { return append([]string{first}, rest...) }

// unreadable is the event of a request that cannot be understood.
func unreadable(leg canary.Channel, err error) []event {
	if leg == "" {
		leg = canary.Voice
	}
	return []event{{channel: leg, over: true, malformed: err.Error()}}
}

// shape says how a dialect names the fields of its forms.
type shape struct {
	call, message   []string    // name the call, the message
	from, to        []string    // the first that is there; all that are there
	spoken, written []string    // what was said in a call; a message's text
	later           []string    // fields of a call's later webhooks alone
	facts           [][2]string // field, fact
	level           func(url.Values) (level, verdict string)
}

func (s shape) read(leg canary.Channel, form url.Values) event {
	ev := event{from: first(form, s.from...), facts: map[string]string{}}
	for _, name := range s.to {
		ev.to = append(ev.to, form[name]...)
	}
	for _, f := range s.facts {
		ev.facts[f[1]] = form.Get(f[0])
	}
	call, message := first(form, s.call...), first(form, s.message...)
	if leg == canary.SMS || leg == "" && (call == "" || message != "") {
		ev.channel, ev.text = canary.SMS, first(form, s.written...)
		if message != "" {
			ev.id = []string{message}
		}
		return ev
	}
	ev.channel, ev.text = canary.Voice, first(form, s.spoken...)
	ev.facts["attestation"], ev.facts["verdict"] = s.level(form)
	if call != "" {
		ev.id = []string{call}
	}
	ev.later = present(form, s.later)
	return ev
}

// present gives the values of the fields, nil when none of them is there.
func present(form url.Values, names []string) []string {
	var values []string
	found := false
	for _, name := range names {
		v := form.Get(name)
		values = append(values, v)
		found = found || v != ""
	}
	if !found {
		return nil
	}
	return values
}

func first(form url.Values, keys ...string) string {
	for _, k := range keys {
		if v := form.Get(k); v != "" {
			return v
		}
	}
	return ""
}

// numbers reads what providers write for numbers: a text, an object that has
// one, or a list of these.
type numbers []string

// UnmarshalJSON takes the numbers out of any of the forms.
func (n *numbers) UnmarshalJSON(b []byte) error {
	var one any
	if err := json.Unmarshal(b, &one); err != nil {
		return fmt.Errorf("numbers: %w", err)
	}
	list, ok := one.([]any)
	if !ok {
		list = []any{one}
	}
	*n = nil
	for _, v := range list {
		if object, ok := v.(map[string]any); ok {
			v = object["phone_number"]
			for _, key := range []string{"number", "endpoint"} {
				if v == nil {
					v = object[key]
				}
			}
		}
		if text, ok := v.(string); ok && text != "" {
			*n = append(*n, text)
		}
	}
	return nil
}

func (n numbers) first() string {
	if len(n) == 0 {
		return ""
	}
	return n[0]
}

// attestation brings a SIP verstat value to two words: how far the caller's
// carrier vouches for the number (A, B, C or none) and what became of the check
// (passed, failed, none: not signed, unknown: not said). It is a hint, never an
// identity (ATIS-1000074; North America alone).
func attestation(verstat string) (level, verdict string) {
	level = "none"
	rest, passed := strings.CutPrefix(verstat, "TN-Validation-Passed")
	failed := false
	if !passed {
		rest, failed = strings.CutPrefix(verstat, "TN-Validation-Failed")
	}
	if len(rest) >= 2 && rest[0] == '-' && (len(rest) == 2 || rest[2] == '-') && strings.Contains("ABC", rest[1:2]) {
		level = rest[1:2]
	}
	switch {
	case passed:
		return level, "passed"
	case failed:
		return level, "failed"
	case strings.HasPrefix(verstat, "No-TN-Validation"):
		return "none", "none"
	}
	return "none", "unknown"
}

// graded brings a letter and a yes or no of their own to the same two words.
func graded(letter, validated string) (level, verdict string) {
	level, verdict = "none", "unknown"
	if len(letter) == 1 && strings.Contains("ABC", strings.ToUpper(letter)) {
		level = strings.ToUpper(letter)
	}
	switch strings.ToLower(validated) {
	case "true":
		verdict = "passed"
	case "false":
		verdict = "failed"
		if level == "none" {
			verdict = "none" // nothing was signed that could have failed
		}
	}
	return level, verdict
}
