package phone_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener/phone"
)

func TestForgedIsRefusedAndKeptUnderARandomID(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	forged := webhook.TwilioSignature("a guess", public+"/twilio/voice", call())
	for range 2 {
		if resp, _ := send(t, twilioRequest(t, base, "/twilio/voice", call(), forged)); resp.StatusCode != http.StatusForbidden {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	c := s.last(t, 2)
	if !c.Unverified || c.Facts["refused"] != "signature" || c.Source != "+14155550100" || len(c.Targets) != 1 || !bytes.Contains(c.Raw, []byte(forged)) {
		t.Errorf("contact %+v", c)
	}
	// The forger must not have taken the place of the real call.
	send(t, twilioRequest(t, base, "/twilio/voice", call(), ""))
	if c := s.last(t, 3); c.Unverified {
		t.Error("the real call was dropped")
	}
	if st := e.Stats(); st.Heard != 1 || st.Unverified != 2 {
		t.Errorf("stats %+v", st)
	}
}

func TestWhyARequestIsUnverified(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*http.Request)
		why    string
	}{
		"no header":   {func(r *http.Request) { r.Header.Del("X-Twilio-Signature") }, "header"},
		"two headers": {func(r *http.Request) { r.Header.Add("X-Twilio-Signature", r.Header.Get("X-Twilio-Signature")) }, "header"},
		"no base64":   {func(r *http.Request) { r.Header.Set("X-Twilio-Signature", "%%") }, "header"},
		"not a form":  {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, "signature"},
		"other path":  {func(r *http.Request) { r.URL.Path, r.RequestURI = "/twilio/sms", "/twilio/sms" }, "signature"},
		"other query": {func(r *http.Request) { r.RequestURI += "?a=b" }, "signature"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, s := open(t, nil)
			r := serverRequest("/twilio/voice", call())
			c.change(r)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if got := s.last(t, 1); w.Code != http.StatusForbidden || !got.Unverified || got.Facts["refused"] != c.why {
				t.Errorf("status %d, refused %q, want 403 and %q", w.Code, got.Facts["refused"], c.why)
			}
		})
	}
}

func TestHostAndForwardingHeadersAreNotTrusted(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	// Signed for the address that the headers claim: must not verify.
	r := serverRequest("/twilio/voice", call())
	r.Host = "evil.example.org"
	r.Header.Set("X-Forwarded-Host", "evil.example.org")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Twilio-Signature", webhook.TwilioSignature(token, "https://evil.example.org/twilio/voice", call()))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !s.last(t, 1).Unverified {
		t.Errorf("status %d", w.Code)
	}
	// Signed for the configured address: the headers change nothing.
	r = serverRequest("/twilio/voice", call())
	r.Host = "10.0.0.7:8081"
	r.Header.Set("X-Forwarded-Host", "evil.example.org")
	w = httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusOK || s.last(t, 2).Unverified {
		t.Errorf("status %d", w.Code)
	}
}

func TestStoreFailedIs503(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"full": errFull, "down": errors.New("i/o error")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, s := open(t, nil)
			base := serve(t, e)
			s.set(func(s *memory) { s.fail = fault })
			for _, sig := range []string{"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
				if resp, _ := send(t, twilioRequest(t, base, "/twilio/sms", message(), sig)); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
					t.Errorf("signature %q: status %d", sig, resp.StatusCode)
				}
			}
			if resp, _ := send(t, genericRequest(t, base, "msg_1", `{"id":"1","type":"sms","to":"+1"}`)); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("generic: status %d", resp.StatusCode)
			}
			s.set(func(s *memory) { s.fail = nil })
			if resp, _ := send(t, twilioRequest(t, base, "/twilio/sms", message(), "")); resp.StatusCode != http.StatusOK {
				t.Errorf("after the fault: status %d", resp.StatusCode)
			}
			s.last(t, 1)
			if e.Stats().Failed != 3 {
				t.Errorf("stats %+v", e.Stats())
			}
		})
	}
}

func TestUnverifiedAreBounded(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *phone.Config) { c.UnverifiedPerMinute = 3 })
	forge := func() int {
		r := serverRequest("/twilio/sms", message())
		r.Header.Set("X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w.Code
	}
	for range 5 {
		if code := forge(); code != http.StatusForbidden {
			t.Errorf("status %d", code)
		}
	}
	s.last(t, 3)
	// Real ones are heard whatever forgers do.
	w := httptest.NewRecorder()
	e.ServeHTTP(w, serverRequest("/twilio/sms", message()))
	if s.last(t, 4).Unverified || w.Code != http.StatusOK {
		t.Error("a real message was dropped")
	}
	s.set(func(s *memory) { s.now = noon().Add(time.Minute) })
	forge()
	s.last(t, 5)
	if st := e.Stats(); st.Unverified != 4 || st.Dropped != 2 || st.Heard != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *phone.Config) { c.MaxBody = 64 << 10 })
	base := serve(t, e)
	form := message()
	form.Set("Body", strings.Repeat("x", 64<<10))
	resp, _ := send(t, twilioRequest(t, base, "/twilio/sms", form, ""))
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	c := s.last(t, 1)
	if !c.Unverified || c.Channel != canary.SMS || c.Facts["refused"] != "too_large" || c.Facts["cut"] != "raw" || len(c.Raw) != 16<<10 || !bytes.Contains(c.Raw, []byte("Body=xxx")) {
		t.Errorf("contact %s, facts %v, %d bytes", c.ID, c.Facts, len(c.Raw))
	}
	s.set(func(s *memory) { s.fail = errFull })
	if resp, _ := send(t, twilioRequest(t, base, "/twilio/sms", form, "")); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("store full: status %d", resp.StatusCode)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(serve(t, e), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /twilio/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nCallSid=CA1&Fro"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	c := s.last(t, 1)
	if resp.StatusCode != http.StatusBadRequest || !c.Unverified || c.Facts["refused"] != "incomplete" || !bytes.HasSuffix(c.Raw, []byte("CallSid=CA1&Fro")) {
		t.Errorf("status %d, contact %+v", resp.StatusCode, c)
	}
}

func TestFieldsThatDoNotFitAreCut(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	form := call()
	form.Set("TranscriptionText", strings.Repeat("\x01", 70<<10)) // six bytes each in JSON
	form.Set("CallerName", strings.Repeat("é", 3000))
	form.Set("From", strings.Repeat("9", 5000))
	form["To"] = nil
	for i := range 300 {
		form.Add("To", fmt.Sprintf("+1415555%04d", i))
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, serverRequest("/twilio/voice", form))
	c := s.last(t, 1)
	if w.Code != http.StatusOK || len(c.Text) != 64<<10 || len(c.Source) != 4<<10 || len(c.Targets) != 100 || c.Facts["cut"] != "caller_name source targets text" {
		t.Errorf("status %d, %d of text, %d of source, %d targets, facts %v", w.Code, len(c.Text), len(c.Source), len(c.Targets), c.Facts["cut"])
	}
	if !bytes.HasSuffix(c.Raw, []byte(form.Encode())) {
		t.Error("the evidence was cut too")
	}
}

func TestCallerWhoHangsUpIsHeard(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, serverRequest("/twilio/voice", call()).WithContext(ctx))
	s.last(t, 1)
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	onlyTwilio, _ := open(t, func(c *phone.Config) { c.Providers = c.Providers[:1] })
	for _, c := range []struct {
		ear          *phone.Ear
		method, path string
		want         int
	}{
		{e, "GET", "/twilio/voice", 405}, {e, "HEAD", "/twilio/sms", 405}, {e, "PUT", "/twilio", 405}, {e, "GET", "/generic", 405},
		{e, "GET", "/", 404}, {e, "POST", "/", 404}, {e, "POST", "/twilio/", 404}, {e, "POST", "/twilio/voice/..", 404},
		{e, "POST", "//twilio/voice", 404}, {onlyTwilio, "POST", "/generic", 404},
	} {
		w := httptest.NewRecorder()
		c.ear.ServeHTTP(w, httptest.NewRequest(c.method, c.path, http.NoBody))
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
		if w.Code == 405 && w.Header().Get("Allow") != "POST" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
	s.none(t)
}

func (s *memory) none(t *testing.T) {
	t.Helper()
	if n := len(s.contacts()); n != 0 {
		t.Errorf("%d contacts of scanners were kept", n)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *phone.Config) { c.UnverifiedPerMinute = 1000 })
	base := serve(t, e)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			form := message()
			form.Set("MessageSid", fmt.Sprintf("SM%d", i/2)) // each message twice
			sig := ""
			if i%3 == 0 {
				sig = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
			}
			want := map[bool]int{true: http.StatusForbidden, false: http.StatusOK}[sig != ""]
			resp, err := http.DefaultClient.Do(twilioRequest(t, base, "/twilio/sms", form, sig))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("message %d: status %d, want %d", i, resp.StatusCode, want)
			}
		})
	}
	wg.Wait()
	verified := 0
	for _, c := range s.contacts() {
		if !c.Unverified {
			verified++
		}
	}
	// 20 of 60 are forged; of each pair at least one is real.
	if verified != 30 || e.Stats() != (phone.Stats{Heard: 40, Unverified: 20}) {
		t.Errorf("%d verified contacts, stats %+v", verified, e.Stats())
	}
}

func TestLogsShowNoSecretAndNoTarget(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e, s := open(t, func(c *phone.Config) {
		c.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, fault := range []error{nil, errFull} {
		s.set(func(s *memory) { s.fail = fault })
		e.ServeHTTP(httptest.NewRecorder(), serverRequest("/twilio/sms", message()))
		r := serverRequest("/twilio/sms", message())
		r.Header.Set("X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	if out.Len() == 0 {
		t.Fatal("nothing was logged")
	}
	for _, text := range []string{token, "4155550199", "4155550100", "4711", "MfKQ9r8"} {
		if strings.Contains(out.String(), text) {
			t.Errorf("the log shows %q", text)
		}
	}
}

// FuzzTwilio sends what the holder of the token could send: whatever it is, it
// is either answered 200 and kept verified, or refused and kept unverified.
func FuzzTwilio(f *testing.F) {
	f.Add("/twilio/voice", call().Encode(), true)
	f.Add("/twilio/sms?x=%41&&;", message().Encode(), true)
	f.Add("/twilio?\xff", "CallSid=&MessageSid=%00&To=&To=%ff&StirVerstat=TN-Validation-Passed-", true)
	f.Add("/twilio", "%zz", false)
	f.Fuzz(func(t *testing.T, uri, body string, signed bool) {
		e, s := open(t, nil)
		path, _, _ := strings.Cut(uri, "?")
		if path != "/twilio" && path != "/twilio/sms" {
			path = "/twilio/voice"
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.RequestURI = uri
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form, err := url.ParseQuery(body)
		if signed && err == nil {
			r.Header.Set("X-Twilio-Signature", webhook.TwilioSignature(token, public+uri, form))
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		checkFuzz(t, w, s, body)
	})
}

func checkFuzz(t *testing.T, w *httptest.ResponseRecorder, s *memory, body string) {
	t.Helper()
	list := s.contacts()
	if len(list) != 1 {
		t.Fatalf("status %d, %d contacts kept", w.Code, len(list))
	}
	c := list[0]
	if c.Unverified != (w.Code == http.StatusForbidden) {
		t.Errorf("status %d, unverified %v", w.Code, c.Unverified)
	}
	if c.Facts["cut"] == "" && !bytes.HasSuffix(c.Raw, []byte(body)) {
		t.Error("the body is not in the evidence")
	}
}
