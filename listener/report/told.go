package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// Bounds of a report: of the whole in bytes, of which the form needs up to nine for a
// character, and of the fields in characters, as the form and the description count.
const (
	maxBody = 64 << 10
	maxLine = 200      // of a number, a time, a way to be reached, a key
	maxKnew = 2 << 10  // of what the caller knew
	maxSaid = 12 << 10 // of the rest
)

// Bounds of the time of a call.
const (
	earliest = 2 * 365 * 24 * time.Hour // before it is reported
	ahead    = 10 * time.Minute         // so far another's clock may be
)

// keptApart stands in the evidence for how a person can be reached.
const keptApart = "[kept apart]"

var (
	errLong = fmt.Errorf("the body is over %d bytes", maxBody)
	errBody = errors.New("not recorded")
)

// Told is what a person tells.
type Told struct {
	By      string     `json:"by,omitempty"`      // the number or address that it came from
	How     string     `json:"how,omitempty"`     // "call", "text", "mail", "letter", "other"
	At      *time.Time `json:"at,omitempty"`      // when that was
	When    string     `json:"when,omitempty"`    // the same in words
	Knew    string     `json:"knew,omitempty"`    // what the caller knew
	Said    string     `json:"said,omitempty"`    // the rest, in the person's words
	Contact string     `json:"contact,omitempty"` // how the person can be reached
	Key     string     `json:"key,omitempty"`     // makes sending it again the same report
}

func ways() []string { return []string{"", "call", "text", "mail", "letter", "other"} }

// readTold reads a report as a program sends it; it gives the bytes as well.
func readTold(w http.ResponseWriter, r *http.Request) (*Told, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, nil, errLong
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the body breaks off", errBody)
	}
	t, err := parseTold(body)
	return t, body, err
}

func parseTold(body []byte) (*Told, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: the body is not UTF-8", errBody)
	}
	if err := once(body); err != nil {
		return nil, err
	}
	var t *Told
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil || t == nil {
		return nil, fmt.Errorf("%w: the body is not an object of the fields that /v1/openapi.json names", errBody)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the object", errBody)
	}
	return t, nil
}

// once refuses a field that stands twice, or in another case: encoding/json takes
// the last of them, and how a person can be reached would stay in the evidence under
// the first.
func once(body []byte) error {
	dec, seen := json.NewDecoder(bytes.NewReader(body)), map[string]bool{}
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil //nolint:nilerr // no object; whoever decodes it says so
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		field, _ := name.(string)
		if seen[field] || !slices.Contains(fields(), field) && field != "at" {
			return fmt.Errorf("%w: a field stands twice, or is none of those that /v1/openapi.json names", errBody)
		}
		seen[field] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil //nolint:nilerr // as above
		}
	}
	return nil
}

// faults says in plain words why a report cannot be taken, without repeating it.
func (t *Told) faults(now time.Time) (list []string) {
	if strings.TrimSpace(t.By+t.Knew+t.Said) == "" {
		list = append(list, "Please tell us the number or address, or what happened.")
	}
	for what, field := range map[string]struct {
		text string
		most int
	}{
		"The number or address": {t.By, maxLine}, "The time": {t.When, maxLine}, "What they knew": {t.Knew, maxKnew},
		"What happened": {t.Said, maxSaid}, "How we can reach you": {t.Contact, maxLine}, "The key": {t.Key, maxLine},
	} {
		if utf8.RuneCountInString(field.text) > field.most {
			list = append(list, what+" is too long for us. Please shorten it.")
		}
	}
	slices.Sort(list) // the order of a map is none
	if !slices.Contains(ways(), t.How) {
		list = append(list, "How it came is none of call, text, mail, letter and other.")
	}
	if t.At != nil && (t.At.After(now.Add(ahead)) || t.At.Before(now.Add(-earliest))) {
		list = append(list, "The time lies ahead, or more than two years back.")
	}
	return list
}

// contacts are what becomes durable: the report, and apart from it how the person
// can be reached.
func (t *Told) contacts(r *http.Request, agent string, body []byte) []canary.Contact {
	c := canary.Contact{
		ID: t.id(agent), Channel: canary.Report, Ear: canary.EarReport, Source: agent,
		Text: strings.TrimSpace(t.By + "\n" + t.Knew + "\n" + t.Said), Facts: map[string]string{},
	}
	for fact, text := range map[string]string{canary.ReportedBy: strings.TrimSpace(t.By), canary.ReportedHow: t.How, canary.ReportedDay: t.When} {
		if text != "" {
			c.Facts[fact] = text
		}
	}
	if t.At != nil {
		c.Facts[canary.ReportedAt] = t.At.UTC().Format(time.RFC3339)
	}
	contact := strings.TrimSpace(t.Contact)
	if contact == "" {
		c.Raw = webhook.Transcript(r, body, hidden()...)
		return []canary.Contact{c}
	}
	own := canary.Contact{
		ID: c.ID + canary.OwnSuffix, Channel: canary.Report, Ear: canary.EarReporter, Source: agent, Text: contact, Facts: map[string]string{"of": string(c.ID)},
	}
	c.Facts[canary.ReporterIn] = string(own.ID)
	c.Raw = webhook.Transcript(r, t.without(agent), hidden()...)
	return []canary.Contact{c, own}
}

// hidden are the headers that are no evidence. The length is that of the body as it
// came, which tells how long a way to be reached was.
func hidden() []string {
	return []string{"Authorization", "Proxy-Authorization", "Cookie", "Content-Length"}
}

// without writes the report again without how the person can be reached.
func (t *Told) without(agent string) []byte {
	rest := *t
	rest.Contact = keptApart
	if agent != "" {
		if b, err := json.Marshal(&rest); err == nil {
			return b
		}
		return nil // cannot be: it was read from such an object
	}
	return []byte(rest.values().Encode())
}

func (t *Told) values() url.Values {
	return url.Values{"by": {t.By}, "how": {t.How}, "when": {t.When}, "knew": {t.Knew}, "said": {t.Said}, "contact": {t.Contact}, "key": {t.Key}}
}

// id names the report: the same for one that is sent again. The words are in it, so
// that nobody has another's report dropped as a repeat, and the key, which is
// random, so that it cannot be guessed from the words.
func (t *Told) id(agent string) canary.ContactID {
	if len(t.Key) < minKey {
		return canary.ContactID(canary.NewID("k"))
	}
	h := sha256.New()
	for _, s := range []string{agent, t.Key, t.By, t.How, t.When, t.Knew, t.Said, t.Contact} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	if t.At != nil {
		_, _ = fmt.Fprint(h, t.At.UnixMicro())
	}
	return canary.ContactID("k_report-" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// minKey is the fewest characters of a key: shorter ones are not random.
const minKey = 16
