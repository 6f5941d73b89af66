package report_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager/pagertest"
	"saltmine/listener/report"
)

func TestFormBecomesAContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	resp, _ := w.fill(url.Values{"by": {" 020 7946 0018 "}, "how": {"text"}, "when": {"just now"}, "knew": {"ticket 4711-22"}, "said": {"he was rude"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/report/thanks" {
		t.Fatalf("status %d, to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	c := w.only()
	if c.Channel != canary.Report || c.Ear != canary.EarReport || c.Source != "" || c.At != start() || !strings.HasPrefix(c.Peer, "127.0.0.1:") || len(c.Targets) != 0 {
		t.Errorf("%+v", c)
	}
	if c.Text != "020 7946 0018 \nticket 4711-22\nhe was rude" {
		t.Errorf("text %q", c.Text)
	}
	if f := c.Facts; len(f) != 3 || f[canary.ReportedBy] != "020 7946 0018" || f[canary.ReportedHow] != "text" || f[canary.ReportedDay] != "just now" {
		t.Errorf("facts %v", f)
	}
	if raw := string(c.Raw); !strings.HasPrefix(raw, "POST /report HTTP/1.1\r\nHost: ") || !strings.Contains(raw, "&said=he+was+rude&") {
		t.Errorf("evidence: %s", raw)
	}
	_, thanks := w.do(http.MethodGet, "/report/thanks", "")
	if !strings.Contains(thanks, "We have written down what you told us.") || strings.Contains(thanks, "<form") {
		t.Errorf("thanks: %s", thanks)
	}
}

// TestLongInAnyScript: what the form lets a person write is not too long for us, in
// whatever script.
func TestLongInAnyScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, page := w.do(http.MethodGet, "/report", "")
	for _, one := range []string{"x", "ж", "本", "😀", "\r\n"} {
		fields := url.Values{}
		for _, box := range regexp.MustCompile(`name="(\w+)"[^>]* maxlength="(\d+)"`).FindAllStringSubmatch(page, -1) {
			most, err := strconv.Atoi(box[2])
			must(t, err)
			if len(one) == 4 { // maxlength counts it twice (HTML, length of UTF-16)
				most /= 2
			}
			if one != "\r\n" || box[1] == "said" || box[1] == "knew" { // and a new line once, in a box of lines
				fields.Set(box[1], strings.Repeat(one, most))
			}
		}
		if one == "\r\n" {
			fields.Set("by", "1")
		}
		if len(fields) < 3 {
			t.Fatalf("boxes %v", len(fields))
		}
		if resp, text := w.fill(fields); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: status %d: %.1200s", one, resp.StatusCode, text)
		}
		w.clock.Add(121)
	}
}

// TestReportersAreKeptApart: how a person can be reached is in one contact, and
// nowhere in the other.
func TestReportersAreKeptApart(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*world) (*http.Response, string){
		"form": func(w *world) (*http.Response, string) {
			return w.fill(url.Values{"said": {"hello"}, "contact": {"Dana, 01632 960011"}})
		},
		"api": func(w *world) (*http.Response, string) {
			return w.post(`{"said":"hello","contact":"Dana, 01632 960011","at":"2026-08-05T09:00:00+01:00"}`)
		},
	} {
		w := newWorld(t, nil)
		if resp, text := send(w); resp.StatusCode >= 400 {
			t.Fatalf("%s: %d: %s", name, resp.StatusCode, text)
		}
		list := w.heard()
		if len(list) != 2 {
			t.Fatalf("%s: %d contacts", name, len(list))
		}
		c, own := list[0], list[1]
		if own.Ear != canary.EarReporter || !own.Reporter() || own.Text != "Dana, 01632 960011" || own.Facts["of"] != string(c.ID) || len(own.Raw) != 0 {
			t.Errorf("%s: %+v", name, own)
		}
		all, err := c.MarshalBinary()
		must(t, err)
		if bytes.Contains(all, []byte("01632")) || bytes.Contains(all, []byte("Dana")) || !bytes.Contains(c.Raw, []byte("kept")) || c.Facts[canary.ReporterIn] != string(own.ID) || c.Text != "hello" {
			t.Errorf("%s: %s", name, all)
		}
		if name == "api" && (c.Facts[canary.ReportedAt] != "2026-08-05T08:00:00Z" || c.Source != "j.doe") {
			t.Errorf("%v %q", c.Facts, c.Source)
		}
		if bytes.Contains(all, []byte(agentToken)) {
			t.Error("the token is in the evidence")
		}
	}
}

// TestNoThanksBeforeItIsDurable: while the store is down nobody is thanked, nothing
// that was written is lost to who wrote it, and afterwards it comes through once.
func TestNoThanksBeforeItIsDurable(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(c *report.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.down.Store(true)
	resp, text := w.fill(url.Values{"by": {"+442079460018"}, "said": {"zz- <marked> zz-"}, "contact": {"zz-own"}})
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(text, ">zz- &lt;marked&gt; zz-</textarea>") || !strings.Contains(text, `value="zz-own"`) {
		t.Errorf("form: %d: %s", resp.StatusCode, text)
	}
	if resp, _ := w.post(`{"said":"zz-"}`); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("api: %d", resp.StatusCode)
	}
	if n := len(w.heard()); n != 0 {
		t.Fatalf("%d contacts", n)
	}
	if strings.Contains(log.String(), "zz-") || strings.Contains(log.String(), "79460018") || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("log: %s", log.String())
	}
	w.down.Store(false)
	key := keyForm.FindStringSubmatch(text)[1]
	for range 3 {
		if resp, _ := w.fill(url.Values{"said": {"zz"}, "key": {key}}); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	if n := len(w.heard()); n != 1 {
		t.Errorf("one report, sent three times, is %d contacts", n)
	}
	w.fill(url.Values{"said": {"other words"}, "key": {key}})
	if n := len(w.heard()); n != 2 {
		t.Errorf("another report under an old key: %d contacts", n)
	}
}

// TestSameAnswer: whatever is told, the answer has the same bytes.
func TestSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	seen := map[string]bool{}
	for n, said := range []string{"x", "Dana Whitfield and TK-2025-004711", strings.Repeat("long ", 800), "' OR 1=1", "{{.}}"} {
		resp, text := w.fill(url.Values{"said": {said}}, "X-Forwarded-For", fmt.Sprint("192.0.2.", n))
		resp.Header.Del("Date")
		seen[fmt.Sprint(resp.StatusCode, resp.Header, text)] = true
		quoted := fmt.Sprintf(`{"said":%q}`, said)
		resp, text = w.post(quoted)
		resp.Header.Del("Date")
		seen[fmt.Sprint(resp.StatusCode, resp.Header, text)] = true
		w.clock.Add(600)
	}
	if len(seen) != 2 || len(w.heard()) != 10 {
		t.Errorf("%d answers, %d contacts: %v", len(seen), len(w.heard()), seen)
	}
}

// TestGuarded: headers that let nothing in, no cookie, and no form of another site.
func TestGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	form := url.Values{"said": {"x"}}.Encode()
	for path, method := range map[string]string{"/report": http.MethodGet, "/report/thanks": http.MethodGet, "/": http.MethodGet, "/report?": http.MethodPost} {
		resp, text := w.do(method, path, form)
		h := resp.Header
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || !strings.HasSuffix(csp, "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" || len(h.Values("Set-Cookie")) != 0 {
			t.Errorf("%s: %v", path, h)
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "http") {
			t.Errorf("%s: %s", path, text)
		}
	}
	before := len(w.heard())
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"}} {
		if resp, _ := w.do(http.MethodPost, "/report", form, header[0], header[1]); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%v: status %d", header, resp.StatusCode)
		}
	}
	if resp, _ := w.do(http.MethodPost, "/report", form, "Sec-Fetch-Site", "same-origin"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("our own form: status %d", resp.StatusCode)
	}
	if n := len(w.heard()); n != before+1 {
		t.Errorf("%d contacts", n)
	}
}

// TestOwnOrigin sends the form as a browser does that says its origin and no more (on
// plain http each one, on TLS those of before 2023): it is taken from our own page,
// and what is refused is shown again, to be sent from there.
func TestOwnOrigin(t *testing.T) {
	t.Parallel()
	const public = "https://report.example.net"
	for name, test := range map[string]struct {
		public, host, origin string // empty: of the server itself
		want                 int
	}{
		"plain http":                       {"", "", "", 303},
		"a proxy that passes the Host on":  {"", "report.example.net", public, 303},
		"one that does not":                {"", "", public, 403},
		"one that does not, and is known":  {public + "/", "", public, 303},
		"spelt otherwise":                  {"HTTPS://Report.Example.net:443", "", public, 303},
		"another site":                     {public, "", "https://evil.example", 403},
		"another port of ours":             {public, "", public + ":8443", 403},
		"an origin that must not be known": {public, "", "null", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := newWorld(t, func(c *report.Config) {
				c.PublicURL, c.Log = test.public, slog.New(slog.NewTextHandler(&log, nil))
			})
			origin := test.origin
			if origin == "" {
				origin = w.srv.URL
			}
			w.host = test.host
			form := url.Values{"by": {"zz-by"}, "knew": {"zz <knew>"}, "said": {"zz-said"}, "contact": {"zz-own"}, "key": {"chosen by another"}}
			resp, text := w.fill(form, "Origin", origin)
			if resp.StatusCode != test.want || (len(w.heard()) > 0) != (test.want == 303) {
				t.Fatalf("status %d, %d contacts: %s", resp.StatusCode, len(w.heard()), text)
			}
			if test.want == 303 {
				return
			}
			for _, want := range []string{`value="zz-by"`, ">zz &lt;knew&gt;</textarea>", ">zz-said</textarea>", `value="zz-own"`, "nothing was recorded yet"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is lost: %s", want, text)
				}
			}
			if strings.Contains(text, "chosen by another") || w.ear.Stats().Refused != 1 || !strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "zz") {
				t.Errorf("%+v, log %s", w.ear.Stats(), log.String())
			}
			// A browser that says that it is another site's has nobody's words for us.
			if resp, text := w.fill(form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 || strings.Contains(text, "zz") {
				t.Errorf("status %d: %s", resp.StatusCode, text)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	long := strings.Repeat("x", 13<<10)
	for body, want := range map[string]int{
		`{}`: 422, `{"how":"call"}`: 422, `{"said":" \n"}`: 422, `{"said":"x","how":"pigeon"}`: 422, `{"said":"` + long + `"}`: 422,
		`{"said":"x","at":"2026-08-05T10:30:00Z"}`: 422, `{"said":"x","at":"2024-08-01T10:00:00Z"}`: 422,
		`{"said":"x","at":"yesterday"}`: 400, `{"said":"x","who":"y"}`: 400, `null`: 400, `[]`: 400, ``: 400, `{"said":"x"}{}`: 400, `{"said":"x","contact":"Dana","CONTACT":""}`: 400, `{"said":"x","contact":"Dana","contact":""}`: 400, `{"Said":"x"}`: 400, `{"said":"x","\u0063ontact":"Dana","contact":""}`: 400, "{\"said\":\"\xff\"}": 400,
		`{"said":"x"` + strings.Repeat(" ", 65<<10) + `}`: 413,
	} {
		if resp, text := w.post(body); resp.StatusCode != want || !strings.HasPrefix(text, `{"error":"`) {
			t.Errorf("%.40q: %d, want %d: %s", body, resp.StatusCode, want, text)
		}
	}
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"empty": {"by=&said=+", 422}, "long": {"said=" + long, 422}, "endless": {"said=" + strings.Repeat("x", 65<<10), 413}, "twice": {"said=x&said=y", 400},
		"unknown": {"said=x&role=admin", 400}, "no form": {"a;b", 400}, "half": {"said=%zz", 400}, "how": {"said=x&how=pigeon", 422},
	} {
		if resp, text := w.do(http.MethodPost, "/report", test.body); resp.StatusCode != test.want || !strings.Contains(text, `class="fault"`) {
			t.Errorf("%s: %d: %s", name, resp.StatusCode, text)
		}
	}
	for _, test := range []struct {
		method, path, token string
		want                int
	}{
		{"POST", "/v1/reports", "", 401}, {"POST", "/v1/reports", "Bearer wrong", 401}, {"GET", "/v1/reports", "Bearer " + agentToken, 405}, {"PUT", "/report", "", 405},
		{"POST", "/report/thanks", "", 405}, {"GET", "/v1/incidents", "", 404}, {"GET", "/report/..%2fkeys", "", 404}, {"POST", "/v1/openapi.json", "", 405},
	} {
		if resp, _ := w.do(test.method, test.path, `{"said":"x"}`, "Authorization", test.token); resp.StatusCode != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, resp.StatusCode, test.want)
		}
	}
	if n := len(w.heard()); n != 0 {
		t.Errorf("%d contacts of what was refused", n)
	}
}

// TestBounds: a stranger has a rate, all have one, agents are not in it, and what was
// not recorded is told.
func TestBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *report.Config) {
		c.PerMinute, c.Proxies = 12, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	send := func(by string) int {
		resp, _ := w.fill(url.Values{"said": {"x"}}, "X-Forwarded-For", by)
		return resp.StatusCode
	}
	many := func(n int, by string) (codes []int) {
		for range n {
			codes = append(codes, send(by))
		}
		return codes
	}
	five := []int{303, 303, 303, 303, 303}
	if got := many(7, "203.0.113.9, 192.0.2.1, 10.1.1.1"); !slices.Equal(got, append(slices.Clone(five), 429, 429)) {
		t.Errorf("one source: %v", got)
	}
	if got := many(1, "192.0.2.1"); got[0] != 429 {
		t.Error("the same source by another way is another")
	}
	if got := many(6, "2001:db8:1:2:3::4"); !slices.Equal(got, append(slices.Clone(five), 429)) {
		t.Errorf("a network: %v", got)
	}
	if send("2001:db8:1:2:ffff::1") != 429 {
		t.Error("another address of a network is another source")
	}
	// Of a proxy that says nonsense the proxy is the source.
	if got := many(3, "nonsense"); !slices.Equal(got, []int{303, 303, 429}) {
		t.Errorf("all together: %v", got)
	}
	if resp, _ := w.post(`{"said":"an agent's"}`); resp.StatusCode != 202 {
		t.Errorf("an agent: %d", resp.StatusCode)
	}
	list := w.heard()
	var told []string
	for _, c := range list {
		if n := c.Facts["unrecorded"]; n != "" {
			told = append(told, n)
		}
	}
	if len(list) != 13 || !slices.Equal(told, []string{"3", "2", "1"}) || list[0].Peer != "192.0.2.1" || list[5].Peer != "2001:db8:1:2:3::4" || !strings.HasPrefix(list[10].Peer, "127.0.0.1:") {
		t.Errorf("%d contacts, not recorded %v, from %s, %s and %s", len(list), told, list[0].Peer, list[5].Peer, list[10].Peer)
	}
	w.clock.Add(121)
	if got := many(2, "192.0.2.1"); !slices.Equal(got, []int{303, 429}) {
		t.Errorf("two minutes later: %v", got)
	}
	if s := w.ear.Stats(); s.Heard != 14 || s.Unrecorded != 7 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	var log bytes.Buffer
	stranger := newWorld(t, func(c *report.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }) // whoever is no named proxy is believed nothing
	for n := range 6 {
		resp, _ := stranger.fill(url.Values{"said": {"x"}}, "X-Forwarded-For", fmt.Sprint("192.0.2.", n))
		if (resp.StatusCode == 303) != (n < 5) {
			t.Errorf("%d: status %d", n, resp.StatusCode)
		}
	}
	if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), "proxy_from") || strings.Contains(log.String(), "192.0.2.") {
		t.Errorf("log: %s", log.String())
	}
}

// TestForwardedWithPort: a port beside the address, as some proxies write it, makes
// nobody another source, nor all of them one.
func TestForwardedWithPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *report.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for said, want := range map[string]string{
		"192.0.2.1:4711": "192.0.2.1", "[2001:db8::1]:4711": "2001:db8::1", "[2001:db8::2]": "2001:db8::2", "::ffff:192.0.2.3": "192.0.2.3", "fe80::1%eth0": "fe80::1",
	} {
		w.fill(url.Values{"said": {said}}, "X-Forwarded-For", "198.51.100.1, "+said)
		if list := w.heard(); len(list) == 0 || list[len(list)-1].Text != said || list[len(list)-1].Peer != want {
			t.Errorf("%s: from %+v", said, list)
		}
	}
	for _, said := range []string{"", "unknown", "_hidden", "192.0.2.1:port", "192.0.2.256", "[2001:db8::1]:1:2", "1.2.3.4, "} {
		w.clock.Add(121)
		w.fill(url.Values{"said": {"odd " + said}}, "X-Forwarded-For", said)
		if list := w.heard(); list[len(list)-1].Text != strings.TrimSpace("odd "+said) || !strings.HasPrefix(list[len(list)-1].Peer, "127.0.0.1:") {
			t.Errorf("%q: from %s", said, list[len(list)-1].Peer)
		}
	}
}

// TestManyAtOnce sends from many sources at once: what was thanked is in the spool,
// each once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *report.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	var all sync.WaitGroup
	var mu sync.Mutex
	thanked := map[string]bool{}
	for n := range 100 {
		all.Go(func() {
			said := fmt.Sprint("report ", n)
			resp, _ := w.do(http.MethodPost, "/report", url.Values{"said": {said}}.Encode(), "X-Forwarded-For", fmt.Sprint("198.51.100.", n))
			if resp.StatusCode == http.StatusSeeOther {
				mu.Lock()
				defer mu.Unlock()
				thanked[said] = true
			}
		})
	}
	all.Wait()
	list := w.heard()
	for _, c := range list {
		if !thanked[c.Text] {
			t.Errorf("%q is recorded and was not thanked for, or twice", c.Text)
		}
		delete(thanked, c.Text)
	}
	if len(thanked) > 0 || len(list) < 30 {
		t.Errorf("%d recorded, thanked and not recorded: %v", len(list), thanked)
	}
}

// TestHostile sends what is meant to do harm in every field: the page shows it as
// text, and the evidence has its bytes.
func TestHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *report.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	_, clean := w.do(http.MethodPost, "/report", url.Values{"how": {"call"}}.Encode())
	shape := tags(t, clean)
	_, clean = w.do(http.MethodPost, "/report", url.Values{"how": {"pigeon"}, "said": {"x"}}.Encode())
	unchosen := tags(t, clean)
	for n, p := range pagertest.Payloads() {
		p = p[max(0, len(p)-190):] // each ends in what does harm
		form := url.Values{"by": {p}, "when": {p}, "knew": {p}, "said": {p}, "contact": {p}, "key": {p}}
		by := fmt.Sprintf("2001:db8:%x::1", n)
		form.Set("how", "call")
		form.Set("said", strings.Repeat("x", 13<<10)+p) // too long: it is shown again
		resp, text := w.do(http.MethodPost, "/report", form.Encode(), "X-Forwarded-For", by)
		if strings.ContainsAny(text, "\x1b\u202e\u2066\u2028\x00") {
			t.Fatalf("payload %d: what cannot be seen comes back", n)
		}
		if resp.StatusCode != http.StatusUnprocessableEntity || !slices.Equal(tags(t, text), shape) {
			t.Fatalf("payload %d: status %d: %.3000s", n, resp.StatusCode, text)
		}
		form.Set("said", p)
		form.Set("key", fmt.Sprintf("key %016d", n))
		if resp, _ := w.do(http.MethodPost, "/report", form.Encode(), "X-Forwarded-For", by); resp.StatusCode != http.StatusSeeOther && strings.TrimSpace(p) != "" {
			t.Fatalf("payload %d: status %d", n, resp.StatusCode)
		}
		form.Set("how", p)
		if resp, text := w.do(http.MethodPost, "/report", form.Encode()); resp.StatusCode != http.StatusUnprocessableEntity || !slices.Equal(tags(t, text), unchosen) {
			t.Fatalf("payload %d as a choice: status %d", n, resp.StatusCode)
		}
		w.clock.Add(1)
	}
	if n := len(w.heard()); n < 2*490 {
		t.Errorf("%d contacts", n)
	}
}

// tags are the elements of a page with the names of their attributes; a page that is
// not well-formed fails.
func tags(t *testing.T, page string) (list []string) {
	t.Helper()
	page = strings.Replace(page, "<!DOCTYPE html>", "", 1)
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict, dec.Entity = true, xml.HTMLEntity
	faults := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%v in %.2000s", err, page)
		}
		if el, ok := tok.(xml.StartElement); ok {
			var text strings.Builder
			text.WriteString(el.Name.Local)
			for _, a := range el.Attr {
				text.WriteString(" " + a.Name.Local)
			}
			if text.String() == "p class role" { // how many faults there are is not its shape
				if faults++; faults > 1 {
					continue
				}
			}
			list = append(list, text.String())
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	hear := func(context.Context, []canary.Contact) []error { return nil }
	for name, cfg := range map[string]report.Config{"nothing": {}, "no clock": {Hear: hear}, "no road": {Now: time.Now}, "a negative rate": {Hear: hear, Now: time.Now, PerMinute: -1}, "a path": {Hear: hear, Now: time.Now, PublicURL: "https://a.example/help"}, "no scheme": {Hear: hear, Now: time.Now, PublicURL: "a.example"}} {
		if _, err := report.New(cfg); !errors.Is(err, report.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
