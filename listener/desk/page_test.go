package desk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// browser is a client that keeps cookies as browsers do, before a server with TLS.
type browser struct {
	t      testing.TB
	client *http.Client
	home   string
	spool  *spool
}

func browse(t testing.TB, change func(*desk.Config)) *browser {
	t.Helper()
	e, s := open(t, change)
	srv := httptest.NewTLSServer(e)
	t.Cleanup(srv.Close)
	b := &browser{t: t, client: srv.Client(), home: srv.URL, spool: s}
	b.client.Jar, _ = cookiejar.New(nil)
	return b
}

// stranger is another browser at the same server.
func (b *browser) stranger() *browser {
	other := *b.client
	other.Jar, _ = cookiejar.New(nil)
	return &browser{b.t, &other, b.home, b.spool}
}

func (b *browser) do(method, path, body string, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.home+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(text)
}

func (b *browser) login(token string) string {
	b.t.Helper()
	resp, page := b.do("POST", "/login", url.Values{"token": {token}}.Encode())
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/" {
		b.t.Fatalf("log in: status %d at %s", resp.StatusCode, resp.Request.URL.Path)
	}
	return formOf(page)
}

// formOf finds the secret of the page's forms.
func formOf(page string) string {
	found := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return found[1]
}

func (b *browser) enter(form, ticket string) (*http.Response, string) {
	b.t.Helper()
	return b.do("POST", "/", url.Values{"form": {form}, "ticket": {ticket}, "caller": {"Dana"}, "note": {"knew <b>the product</b>"}}.Encode())
}

func TestPageRecords(t *testing.T) {
	t.Parallel()
	b := browse(t, nil)
	resp, page := b.do("GET", "/", "")
	if formOf(page) != "" || strings.Contains(page, "ticket\"") || resp.StatusCode != http.StatusOK {
		t.Errorf("a stranger sees: %s", page)
	}
	form := b.login(annToken)
	resp, page = b.enter(form, "[#TK-2025/0042]")
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/recorded" || resp.Request.Method != http.MethodGet ||
		!strings.Contains(page, "Recorded, thank you.") || strings.Contains(page, "0042") {
		t.Errorf("status %d at %s: %s", resp.StatusCode, resp.Request.URL, page)
	}
	c := b.spool.last(t, 1)
	if c.Channel != canary.ByTicket || c.Source != "ann" || c.Text != "Dana\nknew <b>the product</b>" || c.Facts["caller"] != "Dana" ||
		c.Targets[0] != (canary.Target{Kind: canary.Ticket, Text: "[#TK-2025/0042]"}) || !bytes.Contains(c.Raw, []byte("0042")) || !bytes.Contains(c.Raw, []byte("Cookie: [hidden]")) {
		t.Errorf("contact %+v\n%s", c, c.Raw)
	}
	if page := b.logout(form); formOf(page) != "" {
		t.Error("still logged in")
	}
	if resp, _ := b.enter(form, "1"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("logged out: status %d", resp.StatusCode)
	}
	b.spool.last(t, 1)
}

func (b *browser) logout(form string) string {
	_, page := b.do("POST", "/logout", url.Values{"form": {form}}.Encode())
	return page
}

// TestPageIsTheSameWhateverIsEntered holds the answers to planted, free and
// malformed numbers, and those over the rate, against one another byte by byte.
func TestPageIsTheSameWhateverIsEntered(t *testing.T) {
	t.Parallel()
	b := browse(t, func(c *desk.Config) { c.Rate = desk.Rate{PerMinute: 1, Burst: 3} })
	form := b.login(annToken)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	seen := map[string]bool{}
	for i, ticket := range []string{"TK-2025-0042", "1", "no such", "--", "'; DROP TABLE tickets; --", "\x00\x1b[2J", strings.Repeat("9", 200), "<script>", "12\r\nX: y"} {
		resp, text := b.enter(form, ticket)
		resp.Header.Del("Date")
		_, after := b.do("GET", resp.Header.Get("Location"), "")
		seen[fmt.Sprint(resp.StatusCode, resp.Header, text, after)] = true
		if c := b.spool.last(t, i+1); c.Targets[0].Text != ticket || (c.Facts["over_rate"] != "") != (i >= 3) {
			t.Errorf("%q: contact %+v", ticket, c.Facts)
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d different answers: %v", len(seen), seen)
	}
}

// TestPageTakesTheSameTime compares the times of the answers to two kinds of
// numbers, asked for in turn.
func TestPageTakesTheSameTime(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *desk.Config) { c.Rate = desk.Rate{PerMinute: 1e6, Burst: 1e6, Keep: 1e6} })
	id, form := logIn(t, e)
	var took [2][]float64
	for i := range 6000 {
		kind := i * 7 % 3 % 2
		body := url.Values{"form": {form}, "ticket": {[]string{"TK-2025-0042", "-- nothing -"}[kind]}}.Encode()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.AddCookie(id)
		began := time.Now()
		w := do(e, r)
		took[kind] = append(took[kind], time.Since(began).Seconds())
		if w.Code != http.StatusSeeOther {
			t.Fatalf("status %d", w.Code)
		}
	}
	s.last(t, 6000)
	if score := welch(took[0], took[1]); math.Abs(score) > 4.5 {
		t.Errorf("Welch t = %.1f", score)
	}
}

func logIn(t *testing.T, e *desk.Ear) (*http.Cookie, string) {
	t.Helper()
	w := do(e, httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+annToken)))
	id := w.Result().Cookies()[0]
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.AddCookie(id)
	return id, formOf(do(e, r).Body.String())
}

// welch is the t of two samples without their slowest tenth, which the machine's
// other work makes.
func welch(a, b []float64) float64 {
	mean := func(list []float64) (m, v float64) {
		list = slices.Sorted(slices.Values(list))
		list = list[:len(list)*9/10]
		for _, x := range list {
			m += x / float64(len(list))
		}
		for _, x := range list {
			v += (x - m) * (x - m) / float64(len(list)-1) / float64(len(list))
		}
		return m, v
	}
	ma, va := mean(a)
	mb, vb := mean(b)
	return (ma - mb) / math.Sqrt(va+vb)
}

func TestPageRefusesForgedForms(t *testing.T) {
	t.Parallel()
	b := browse(t, nil)
	form := b.login(annToken)
	good := url.Values{"form": {form}, "ticket": {"1"}}.Encode()
	for name, c := range map[string]struct {
		body   string
		want   int
		header []string
	}{
		"without its secret":    {"ticket=1", 403, nil},
		"of another session":    {url.Values{"form": {b.stranger().login(annToken)}, "ticket": {"1"}}.Encode(), 403, nil},
		"from another site":     {good, 403, []string{"Sec-Fetch-Site", "cross-site"}},
		"from another origin":   {good, 403, []string{"Origin", "https://evil.example"}},
		"secret twice":          {good + "&form=" + form, 400, nil},
		"number twice":          {good + "&ticket=2", 400, nil},
		"no form":               {"%zz", 400, nil},
		"not utf-8":             {good + "&note=%ff", 400, nil},
		"far too long":          {good + "&note=" + strings.Repeat("x", 70000), 400, nil},
		"a note too long":       {good + "&note=" + strings.Repeat("x", 9000), 422, nil},
		"a number too long":     {strings.Replace(good, "ticket=1", "ticket="+strings.Repeat("1", 201), 1), 422, nil},
		"a caller too long":     {good + "&caller=" + strings.Repeat("1", 201), 422, nil},
		"no number":             {strings.Replace(good, "ticket=1", "ticket=+%09", 1), 422, nil},
		"log in from elsewhere": {"token=" + bobToken, 403, []string{"Sec-Fetch-Site", "cross-site", "path", "/login"}},
	} {
		path := "/"
		if len(c.header) > 2 {
			path = c.header[3]
		}
		resp, page := b.do("POST", path, c.body, c.header...)
		if resp.StatusCode != c.want || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, c.want)
		}
	}
	b.spool.last(t, 0)
	if resp, _ := b.enter(form, "1"); resp.StatusCode != http.StatusOK {
		t.Errorf("after them: status %d", resp.StatusCode)
	}
	b.spool.last(t, 1)
}

func TestPageKnowsNoOtherToken(t *testing.T) {
	t.Parallel()
	hashed := webhook.HashToken(annToken)
	b := browse(t, func(c *desk.Config) { c.Agents[0].Token = webhook.Hidden(hashed) })
	for _, token := range []string{"", "ann", annToken[1:], annToken + "x", hashed, strings.TrimPrefix(hashed, "sha256:")} {
		resp, page := b.do("POST", "/login", url.Values{"token": {token}}.Encode())
		if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 || formOf(page) != "" {
			t.Errorf("token %q: status %d", token, resp.StatusCode)
		}
	}
	if b.login(annToken) == "" {
		t.Error("the token that was hashed is not known")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	b := browse(t, nil)
	alive := func() bool {
		_, page := b.do("GET", "/", "")
		return formOf(page) != ""
	}
	pass := func(d time.Duration) { b.spool.set(func(s *spool) { s.now = s.now.Add(d) }) }
	b.login(annToken)
	for range 12 {
		pass(59 * time.Minute)
		if !alive() {
			t.Fatal("ended while in use")
		}
	}
	if pass(12 * time.Minute); alive() {
		t.Error("lives for more than 12 hours")
	}
	b.login(annToken)
	if pass(time.Hour); alive() {
		t.Error("lives after an hour without use")
	}
	b.login(annToken)
	for range 8 { // the oldest of nine makes way
		pass(time.Second)
		b.stranger().login(annToken)
	}
	if alive() {
		t.Error("one agent has more than 8 sessions")
	}
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	e, _ := open(t, nil)
	id, _ := logIn(t, e)
	if !id.HttpOnly || !id.Secure || id.SameSite != http.SameSiteStrictMode || id.Path != "/" || id.Domain != "" || !strings.HasPrefix(id.Name, "__Host-") || len(id.Value) < 22 {
		t.Errorf("cookie %+v", id)
	}
	again, _ := logIn(t, e)
	if again.Value == id.Value {
		t.Error("two sessions have one id")
	}
}

func TestPageFaults(t *testing.T) {
	t.Parallel()
	b := browse(t, func(c *desk.Config) { c.Rate = desk.Rate{Keep: 1} })
	form := b.login(annToken)
	b.spool.set(func(s *spool) { s.fail = errFull })
	if resp, page := b.enter(form, "1"); resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(page, "thank you") {
		t.Errorf("store full: status %d", resp.StatusCode)
	}
	b.spool.set(func(s *spool) { s.fail = nil })
	if resp, page := b.enter(form, "1"); resp.StatusCode != http.StatusTooManyRequests || strings.Contains(page, "thank you") || resp.Header.Get("Retry-After") == "" {
		t.Errorf("not recorded: status %d", resp.StatusCode)
	}
	b.spool.last(t, 0)
}

// TestPageIsWellFormed reads every form of the page as XML, and holds it to what
// its policy and its readers need.
func TestPageIsWellFormed(t *testing.T) {
	t.Parallel()
	name := `o'neil.<"&>`
	b := browse(t, func(c *desk.Config) { c.Agents[0].Name = name })
	first, text := b.do("GET", "/", "")
	_, wrong := b.do("POST", "/login", "token=x")
	form := b.login(annToken)
	_, in := b.do("GET", "/", "")
	_, done := b.enter(form, "1")
	_, fault := b.enter("", "1")
	for _, page := range []string{text, wrong, in, done, fault} {
		labels, ids := map[string]bool{}, map[string]bool{}
		dec := xml.NewDecoder(strings.NewReader(page))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, page)
			}
			start, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range start.Attr {
				switch {
				case a.Name.Local == "for":
					labels[a.Value] = true
				case a.Name.Local == "id" && (start.Name.Local == "input" || start.Name.Local == "textarea"):
					ids[a.Value] = true
				case a.Name.Local == "src", a.Name.Local == "href", strings.HasPrefix(a.Name.Local, "on"), a.Name.Local == "style", start.Name.Local == "script":
					t.Errorf("<%s %s>", start.Name.Local, a.Name.Local)
				}
			}
		}
		if len(ids) == 0 || fmt.Sprint(ids) != fmt.Sprint(labels) {
			t.Errorf("labels %v of fields %v", labels, ids)
		}
	}
	style := text[strings.Index(text, "<style>")+7 : strings.Index(text, "</style>")]
	sum := sha256.Sum256([]byte(style))
	policy := first.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	if got := first.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q: a browser that sends no Sec-Fetch-Site is refused its own form, or others are told where it was", got)
	}
	if !strings.Contains(style, "-scheme: dark)") || strings.Contains(style, "ZgotmplZ") || strings.Contains(in, name) {
		t.Error("no dark colours, or something is not escaped")
	}
}

func FuzzPage(f *testing.F) {
	f.Add("form=F&ticket=1&note=x", "/")
	f.Add("form=F&ticket=%00%ff", "/")
	f.Add("form=F&form=F&ticket=1;2", "/")
	f.Add("token="+annToken, "/login")
	f.Add("form=F", "/logout")
	f.Fuzz(func(t *testing.T, body, path string) {
		e, s := open(t, nil)
		w := do(e, httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+annToken)))
		id := w.Result().Cookies()[0]
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.AddCookie(id)
		form := formOf(do(e, r).Body.String())
		target, err := url.Parse("https://desk.example" + path)
		if err != nil {
			return
		}
		r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.ReplaceAll(body, "=F", "="+form)))
		r.URL, r.RequestURI = target, path
		r.AddCookie(id)
		w = do(e, r)
		s.mu.Lock()
		heard := len(s.list)
		s.mu.Unlock()
		if (heard == 1) != (w.Code == http.StatusSeeOther && w.Header().Get("Location") == "/recorded") {
			t.Errorf("status %d, %d contacts", w.Code, heard)
		}
	})
}
