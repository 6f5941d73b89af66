package push_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/pager"
	"saltmine/internal/pager/hook"
	"saltmine/internal/pager/pagerduty"
	"saltmine/internal/pager/pagertest"
)

// hostile is a page with a payload in every field that a stranger may reach.
func hostile(d pager.Delivery, text string) pager.Delivery {
	d.Page = pagertest.Hostile(d.Page, text)
	return d
}

// wantInert looks at one text that somebody will read.
func wantInert(t *testing.T, where, s string) {
	t.Helper()
	if why := pagertest.Harms(s); why != "" {
		t.Errorf("%s: %s: %.300q", where, why, s)
	}
}

// texts gives every string of a JSON value, those of keys included.
func texts(v any, out *[]string) {
	switch v := v.(type) {
	case string:
		*out = append(*out, v)
	case []any:
		for _, one := range v {
			texts(one, out)
		}
	case map[string]any:
		for key, one := range v {
			*out = append(*out, key)
			texts(one, out)
		}
	}
}

// keys gives the names of a JSON value in their places: what a payload may not change.
func keys(v any) string {
	switch v := v.(type) {
	case []any:
		return fmt.Sprintf("[%d]", len(v))
	case map[string]any:
		var out []string
		for key, one := range v {
			if key != "body" && key != "blocks" { // one for each line of text
				out = append(out, key+keys(one))
			}
		}
		return fmt.Sprint(len(out))
	}
	return ""
}

func TestHostileContentIsInertOnEveryRoute(t *testing.T) {
	t.Parallel()
	list := pagertest.Payloads()
	for kind, c := range contracts() {
		s := serve(t, c.status, c.say)
		everyPayload(t, kind, list, s, route(t, kind, s.URL).Send)
	}
	s := serve(t, http.StatusAccepted, "")
	h, err := hook.New(hook.Config{URL: s.URL, Now: at, Sign: func(string, time.Time, []byte) string { return "v1,x" }})
	if err != nil {
		t.Fatal(err)
	}
	everyPayload(t, "webhook", list, s, h.Send)
	p, err := pagerduty.New(pagerduty.Config{RoutingKey: token, URL: s.URL, Now: at})
	if err != nil {
		t.Fatal(err)
	}
	everyPayload(t, "pagerduty", list, s, p.Send)
}

// everyPayload sends the payloads in pages, and in updates where there are any.
func everyPayload(t *testing.T, kind string, list []string, s *service, send pager.Send) {
	t.Helper()
	everyPayloadIn(t, kind, list, s, send, delivery())
	if kind != "twilio" {
		everyPayloadIn(t, kind, list, s, send, updated())
	}
}

func everyPayloadIn(t *testing.T, kind string, list []string, s *service, send pager.Send, d pager.Delivery) {
	t.Helper()
	shape := ""
	for n, text := range list {
		if _, err := send(t.Context(), hostile(d, text)); err != nil {
			t.Fatalf("%s, %.80q: %v", kind, text, err)
		}
		where := fmt.Sprintf("%s, payload %d %.60q", kind, n, text)
		if kind == "twilio" {
			wantSpoken(t, where, s)
			continue
		}
		var v any
		if err := json.Unmarshal(s.body, &v); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		var all []string
		texts(v, &all)
		for _, one := range all {
			wantInert(t, where, one)
			if strings.HasPrefix(kind, "slack") && regexp.MustCompile(`<[^>]`).MatchString(one) {
				t.Errorf("%s: Slack reads markup in %.200q", where, one)
			}
		}
		if got := keys(v); shape == "" {
			shape = got
		} else if got != shape {
			t.Errorf("%s: has the shape %s, want %s", where, got, shape)
		}
		if len(s.body) > 200_000 {
			t.Errorf("%s: %d bytes", where, len(s.body))
		}
	}
}

// wantSpoken wants a document of four elements, two of which say the same.
func wantSpoken(t *testing.T, where string, s *service) {
	t.Helper()
	form, err := url.ParseQuery(string(s.body))
	if err != nil || len(form) != 3 || form.Get("To") != "+14155550123" {
		t.Fatalf("%s: %v, %v", where, err, form)
	}
	dec, elements := xml.NewDecoder(strings.NewReader(form.Get("Twiml"))), ""
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			elements += tok.Name.Local + " "
		case xml.CharData:
			wantInert(t, where, string(tok))
		case xml.Directive, xml.ProcInst:
			t.Errorf("%s: %v", where, tok)
		}
	}
	if elements != "Response Pause Say Pause Say " {
		t.Errorf("%s: Twilio does %s", where, elements)
	}
}
