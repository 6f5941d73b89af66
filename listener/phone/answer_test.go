package phone_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/listener/phone"
)

const odd = `Grüß "Gott" & <Break/> 'wer' ]]> %s %d {}`

// element is any XML element.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inner   []element  `xml:",any"`
}

// flat lists an answer's elements, or the names of its actions, in order, and
// everything that is spoken.
func flat(t *testing.T, text string) (names []string, spoken string) {
	t.Helper()
	if strings.HasPrefix(text, "<?xml") {
		var doc element
		dec := xml.NewDecoder(strings.NewReader(text))
		if err := dec.Decode(&doc); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("something follows: %v", err)
		}
		walk(doc, &names, &spoken)
		return names, spoken
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	collect(v, &names, &spoken)
	return names, spoken
}

func walk(e element, names *[]string, spoken *string) {
	*names = append(*names, e.XMLName.Local)
	*spoken += strings.TrimSpace(e.Text)
	for _, inner := range e.Inner {
		walk(inner, names, spoken)
	}
}

func collect(v any, names *[]string, spoken *string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			collect(one, names, spoken)
		}
	case map[string]any:
		for _, key := range []string{"action", "name"} {
			if name, ok := v[key].(string); ok {
				*names = append(*names, name)
			}
		}
		if text, ok := v["text"].(string); ok {
			*spoken += text
		}
		collect(v["instructions"], names, spoken)
		collect(v["action"], names, spoken)
	}
}

func calls() []hook {
	var list []hook
	for _, s := range sayings() {
		list = append(list, s.call)
	}
	return list
}

// TestHowCallsAreAnswered: each provider has its words for the three ways.
func TestHowCallsAreAnswered(t *testing.T) {
	t.Parallel()
	want := map[string][]string{ // in the order of sayings
		phone.Voicemail: {"Response Say Record Hangup", "Response Say Record Hangup", "Response GetInput Speak Hangup", "talk input", "Response SpeakSentence Record Hangup", "answer say park"},
		phone.Reject:    {"Response Reject", "Response Reject", "Response Hangup", "", "Response Hangup", "hangup"},
		phone.Silence:   {"Response Pause Hangup", "Response Pause Hangup", "Response Wait Hangup", "talk", "Response Pause Hangup", "answer park"},
	}
	if got := phone.Answers(); len(got) != len(want) {
		t.Errorf("answers %v", got)
	}
	for mode, names := range want {
		e, _ := open(t, func(c *phone.Config) {
			all(func(p *phone.Provider) { p.Answer, p.Greeting, p.Language = mode, odd, "de-DE" })(c)
			c.Notices = map[string]string{"*": ""} // see TestNotice
		})
		base := serve(t, e)
		for i, call := range calls() {
			_, text := send(t, call.request(t, base))
			got, spoken := flat(t, text)
			if strings.Join(got, " ") != names[i] {
				t.Errorf("%s, %s: %v, want %s", call.uri, mode, got, names[i])
			}
			if mode == phone.Voicemail && spoken != odd {
				t.Errorf("%s says %q", call.uri, spoken)
			}
			if mode != phone.Voicemail && (strings.Contains(spoken, "wer") || strings.Contains(text, "ecord")) {
				t.Errorf("%s, %s: %s", call.uri, mode, text)
			}
			if mode == phone.Voicemail && !strings.Contains(text, "de-DE") && !strings.Contains(text, "de_DE") {
				t.Errorf("%s has no language: %s", call.uri, text)
			}
		}
	}
}

// TestTheDialogueComesBack: what is said goes to an address of ours, by which
// the provider is known.
func TestTheDialogueComesBack(t *testing.T) {
	t.Parallel()
	e, _ := open(t, all(nil))
	base := serve(t, e)
	for _, call := range calls() {
		_, text := send(t, call.request(t, base))
		kind := strings.Split(call.uri, "/")[1]
		if back := public + "/" + kind + "/voice"; kind != phone.Sinch && !strings.Contains(text, `"`+back+`"`) {
			t.Errorf("%s: nothing goes to %s: %s", call.uri, back, text)
		}
		if !strings.Contains(text, "who is calling, for whom, and what it is about") {
			t.Errorf("%s does not ask: %s", call.uri, text)
		}
		if strings.Contains(text, token) != (kind == phone.Bandwidth) {
			t.Errorf("%s: only Bandwidth's own credentials belong into its document: %s", call.uri, text)
		}
	}
}

func TestAnswerFaults(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*phone.Provider){
		"unknown answer":    func(p *phone.Provider) { p.Answer = "sing" },
		"long greeting":     func(p *phone.Provider) { p.Greeting = strings.Repeat("a", 1001) },
		"control character": func(p *phone.Provider) { p.Greeting = "a\x00b" },
		"bad utf-8":         func(p *phone.Provider) { p.Greeting = "a\xff" },
		"language":          func(p *phone.Provider) { p.Language = `en"/><x` },
	} {
		p := phone.Provider{Kind: phone.Twilio, Secret: token}
		change(&p)
		_, err := phone.New(phone.Config{PublicURL: public, Providers: []phone.Provider{p}, Now: noon, Hear: func(context.Context, canary.Contact) error { return nil }})
		if !errors.Is(err, phone.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDeadlines: a store that hangs is given up in time for the provider to hear
// of it, and to try again.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	longest := map[string]time.Duration{phone.Telnyx: 2 * time.Second, phone.Vonage: 5 * time.Second, phone.Sinch: 5 * time.Second, phone.Bandwidth: 10 * time.Second}
	var left time.Duration
	e, _ := open(t, func(c *phone.Config) {
		all(nil)(c)
		c.Hear = func(ctx context.Context, _ canary.Contact) error {
			until, ok := ctx.Deadline()
			left = time.Until(until)
			if !ok {
				left = 0
			}
			return context.DeadlineExceeded
		}
	})
	for _, s := range sayings() {
		limit := longest[s.kind]
		if limit == 0 {
			limit = 15 * time.Second
		}
		w := httptest.NewRecorder()
		r := s.call.request(t, "http://calls.example.net")
		r.RequestURI = s.call.uri
		e.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || left <= 0 || left >= limit {
			t.Errorf("%s: status %d, %s left, less than %s wanted", s.kind, w.Code, left, limit)
		}
	}
}

func TestKindsAreAllConfigured(t *testing.T) {
	t.Parallel()
	var c phone.Config
	all(nil)(&c)
	for _, kind := range phone.Kinds() {
		if !slices.ContainsFunc(c.Providers, func(p phone.Provider) bool { return p.Kind == kind }) {
			t.Errorf("%s is not tested", kind)
		}
	}
}
