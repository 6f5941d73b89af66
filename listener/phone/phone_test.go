package phone_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener"
	"saltmine/listener/phone"
)

const (
	public = "https://calls.example.net/hooks"
	token  = "0123456789abcdef0123456789abcdef"
	whsec  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

func noon() time.Time { return time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC) }

// memory is a road's store in memory: the real road in front of a map.
type memory struct {
	mu   sync.Mutex
	held map[listener.Key]canary.Contact
	list []canary.Contact
	fail error
	now  time.Time
}

var errFull = errors.New("no space left on device")

func (s *memory) append(ctx context.Context, key listener.Key, plain []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, twice := s.held[key]; twice {
		return nil
	}
	var c canary.Contact
	if err := c.UnmarshalBinary(plain); err != nil {
		return err
	}
	s.held[key] = c
	s.list = append(s.list, c)
	return nil
}

func (s *memory) contacts() []canary.Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]canary.Contact(nil), s.list...)
}

func (s *memory) set(change func(*memory)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// last gives the contact heard last, and fails unless there are n.
func (s *memory) last(t *testing.T, n int) canary.Contact {
	t.Helper()
	list := s.contacts()
	if len(list) != n {
		t.Fatalf("%d contacts, want %d", len(list), n)
	}
	return list[n-1]
}

func open(tb testing.TB, change func(*phone.Config)) (*phone.Ear, *memory) {
	tb.Helper()
	s := &memory{held: map[listener.Key]canary.Contact{}, now: noon()}
	road := listener.New(listener.Config{
		Seal:   func(dst, plain []byte) ([]byte, error) { return append(dst, plain...), nil },
		Append: s.append,
		Full:   func(err error) bool { return errors.Is(err, errFull) },
	})
	cfg := phone.Config{
		PublicURL: public + "/",
		Providers: []phone.Provider{{Kind: phone.Twilio, Secret: token}, {Kind: phone.Generic, Secret: whsec}},
		Hear:      road.Hear,
		Now:       func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		Log:       slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	e, err := phone.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return e, s
}

func call() url.Values {
	return url.Values{
		"CallSid": {"CA0000000000000000000000000000000a"}, "AccountSid": {"AC1"}, "From": {"+14155550100"}, "To": {"+14155550199"},
		"CallStatus": {"ringing"}, "Direction": {"inbound"}, "StirVerstat": {"TN-Validation-Passed-B"}, "CallerName": {"ACME SUPPORT"}, "FromCountry": {"US"},
	}
}

func message() url.Values {
	return url.Values{"MessageSid": {"SM0000000000000000000000000000000b"}, "From": {"+14155550100"}, "To": {"+14155550199"}, "Body": {"Your ticket 4711 — call us\x00\x1b[31m"}, "NumMedia": {"0"}}
}

func twilioRequest(tb testing.TB, base, uri string, form url.Values, sig string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, base+uri, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Error(err)
		return &http.Request{}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	if sig == "" {
		sig = webhook.TwilioSignature(token, public+uri, form)
	}
	r.Header.Set("X-Twilio-Signature", sig)
	return r
}

// send runs a request through a real server and gives status and body.
func send(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func serve(t *testing.T, e *phone.Ear) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = webhook.Server(e, slog.New(slog.DiscardHandler))
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

type twiml struct {
	XMLName xml.Name `xml:"Response"`
	Say     string   `xml:"Say"`
	Record  []struct {
		Action   string `xml:"action,attr"`
		Callback string `xml:"transcribeCallback,attr"`
	} `xml:"Record"`
	Hangup []struct{} `xml:"Hangup"`
}

func parseTwiML(t *testing.T, resp *http.Response, text string) twiml {
	t.Helper()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		t.Fatalf("status %d, %s: %s", resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	var doc twiml
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTwilioCall(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	resp, text := send(t, twilioRequest(t, base, "/twilio/voice", call(), ""))
	doc := parseTwiML(t, resp, text)
	if !strings.Contains(doc.Say, "who is calling") || len(doc.Record) != 1 || doc.Record[0].Action != public+"/twilio/voice" || doc.Record[0].Callback != public+"/twilio/voice" {
		t.Errorf("no voicemail: %s", text)
	}
	c := s.last(t, 1)
	if c.Channel != canary.Voice || c.Ear != "phone/twilio" || c.Source != "+14155550100" || c.Unverified || !c.At.Equal(noon()) || c.Peer == "" {
		t.Errorf("contact %+v", c)
	}
	if len(c.Targets) != 1 || c.Targets[0] != (canary.Target{Kind: canary.Phone, Text: "+14155550199"}) {
		t.Errorf("targets %+v", c.Targets)
	}
	for k, want := range map[string]string{"call_status": "ringing", "attestation": "B", "verdict": "passed", "caller_name": "ACME SUPPORT",
		"from_country": "US", "call_sid": "CA0000000000000000000000000000000a", "call": "", "cut": ""} {
		if c.Facts[k] != want {
			t.Errorf("fact %s is %q, want %q", k, c.Facts[k], want)
		}
	}
	if !bytes.HasPrefix(c.Raw, []byte("POST /twilio/voice HTTP/1.1\r\nHost: ")) || !bytes.HasSuffix(c.Raw, []byte("\r\n\r\n"+call().Encode())) ||
		!bytes.Contains(c.Raw, []byte("\r\nX-Twilio-Signature: ")) {
		t.Errorf("raw is not the request: %q", c.Raw)
	}
}

func TestTwilioMessage(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	resp, text := send(t, twilioRequest(t, serve(t, e), "/twilio/sms?from=here%3A1", message(), ""))
	doc := parseTwiML(t, resp, text)
	if doc.Say != "" || len(doc.Record)+len(doc.Hangup) != 0 {
		t.Errorf("an answer to a message: %s", text)
	}
	c := s.last(t, 1)
	if c.Channel != canary.SMS || c.Text != message().Get("Body") || c.Facts["media"] != "0" || c.Facts["attestation"] != "" {
		t.Errorf("contact %+v", c)
	}
}

func TestPlainTwilioPathTellsCallsFromMessages(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	send(t, twilioRequest(t, base, "/twilio", call(), ""))
	if c := s.last(t, 1); c.Channel != canary.Voice {
		t.Errorf("a call became %s", c.Channel)
	}
	send(t, twilioRequest(t, base, "/twilio", message(), ""))
	if c := s.last(t, 2); c.Channel != canary.SMS {
		t.Errorf("a message became %s", c.Channel)
	}
}

func TestRepeatIsAnsweredAgainAndKeptOnce(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	status := call()
	status.Set("CallStatus", "completed")
	for _, form := range []url.Values{call(), call(), status} {
		if resp, text := send(t, twilioRequest(t, base, "/twilio/voice", form, "")); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d: %s", resp.StatusCode, text)
		}
	}
	if s.last(t, 1).Facts["call_status"] != "ringing" || e.Stats().Heard != 3 {
		t.Errorf("stats %+v", e.Stats())
	}
}

func TestLaterWebhooksOfACallAreLinked(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	send(t, twilioRequest(t, base, "/twilio/voice", call(), ""))
	firstID := s.last(t, 1).ID
	recording, transcript := call(), call()
	recording.Set("RecordingSid", "RE1")
	recording.Set("RecordingUrl", "https://api.twilio.com/RE1")
	transcript.Set("RecordingSid", "RE1")
	transcript.Set("TranscriptionText", "this is Dana about ticket 4711")
	for i, form := range []url.Values{recording, transcript, transcript} {
		resp, text := send(t, twilioRequest(t, base, "/twilio/voice", form, ""))
		if doc := parseTwiML(t, resp, text); len(doc.Record) != 0 || len(doc.Hangup) != 1 {
			t.Errorf("the caller would go round in a circle: %s", text)
		}
		c := s.last(t, min(i+2, 3)) // the repeat of the transcript is kept once
		if c.Facts["call"] != string(firstID) || c.ID == firstID {
			t.Errorf("contact %s of call %s, want another id and %s", c.ID, c.Facts["call"], firstID)
		}
	}
	if c := s.last(t, 3); c.Text != "this is Dana about ticket 4711" {
		t.Errorf("text %q", c.Text)
	}
}

func TestVerifiedWithoutEventIDIsKept(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	form := url.Values{"From": {"+14155550100"}}
	for range 2 {
		if resp, _ := send(t, twilioRequest(t, base, "/twilio/voice", form, "")); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	c := s.last(t, 1)
	if c.Facts["malformed"] == "" || c.Unverified || len(c.Targets) != 0 {
		t.Errorf("contact %+v", c)
	}
	// The id can be read in the spool: without the account's token nobody may
	// be able to find the number that makes it.
	other, heard := open(t, func(c *phone.Config) { c.Providers = []phone.Provider{{Kind: phone.Twilio, Secret: "another token"}} })
	sig := webhook.TwilioSignature("another token", public+"/twilio/voice", form)
	send(t, twilioRequest(t, serve(t, other), "/twilio/voice", form, sig))
	if again := heard.last(t, 1); again.Unverified || again.ID == c.ID {
		t.Errorf("id %s does not depend on the account's token", again.ID)
	}
}

func TestSecondAccountsToken(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *phone.Config) {
		c.Providers = append([]phone.Provider{{Kind: phone.Twilio, Secret: "another account's token"}}, c.Providers...)
	})
	if resp, _ := send(t, twilioRequest(t, serve(t, e), "/twilio/sms", message(), "")); resp.StatusCode != http.StatusOK || s.last(t, 1).Unverified {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestAttestation(t *testing.T) {
	t.Parallel()
	for verstat, want := range map[string][2]string{
		"TN-Validation-Passed-A":          {"A", "passed"},
		"TN-Validation-Passed-C":          {"C", "passed"},
		"TN-Validation-Passed-A-Diverted": {"A", "passed"},
		"TN-Validation-Passed":            {"none", "passed"},
		"TN-Validation-Failed-B":          {"B", "failed"},
		"TN-Validation-Failed":            {"none", "failed"},
		"No-TN-Validation":                {"none", "none"},
		"TN-Validation-Passed-X":          {"none", "passed"},
		"TN-Validation-Passed-AB":         {"none", "passed"},
		"":                                {"none", "unknown"},
		"A":                               {"none", "unknown"},
	} {
		e, s := open(t, nil)
		form := call()
		form.Set("StirVerstat", verstat)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, serverRequest("/twilio/voice", form))
		c := s.last(t, 1)
		if got := [2]string{c.Facts["attestation"], c.Facts["verdict"]}; got != want {
			t.Errorf("%s: got %v, want %v", verstat, got, want)
		}
	}
}

// serverRequest is a signed request as a server hands it on.
func serverRequest(uri string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, uri, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", webhook.TwilioSignature(token, public+uri, form))
	return r
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	hear := func(context.Context, canary.Contact) error { return nil }
	now := noon
	good := []phone.Provider{{Kind: phone.Twilio, Secret: token}}
	for name, cfg := range map[string]phone.Config{
		"no provider":        {PublicURL: public, Hear: hear, Now: now},
		"unknown kind":       {PublicURL: public, Hear: hear, Now: now, Providers: []phone.Provider{{Kind: "telegraph", Secret: token}}},
		"empty token":        {PublicURL: public, Hear: hear, Now: now, Providers: []phone.Provider{{Kind: phone.Twilio, Secret: " \n"}}},
		"empty secret":       {PublicURL: public, Hear: hear, Now: now, Providers: []phone.Provider{{Kind: phone.Generic}}},
		"short secret":       {PublicURL: public, Hear: hear, Now: now, Providers: []phone.Provider{{Kind: phone.Generic, Secret: "c2VjcmV0"}}},
		"no url":             {Hear: hear, Now: now, Providers: good},
		"relative url":       {PublicURL: "/twilio", Hear: hear, Now: now, Providers: good},
		"no host":            {PublicURL: "https:///x", Hear: hear, Now: now, Providers: good},
		"other scheme":       {PublicURL: "ftp://example.net", Hear: hear, Now: now, Providers: good},
		"query":              {PublicURL: public + "?a=b", Hear: hear, Now: now, Providers: good},
		"no road":            {PublicURL: public, Now: now, Providers: good},
		"no clock":           {PublicURL: public, Hear: hear, Providers: good},
		"negative body":      {PublicURL: public, Hear: hear, Now: now, Providers: good, MaxBody: -1},
		"negative unchecked": {PublicURL: public, Hear: hear, Now: now, Providers: good, UnverifiedPerMinute: -1},
	} {
		_, err := phone.New(cfg)
		if !errors.Is(err, phone.ErrConfig) {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "c2VjcmV0")) {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", good, good, good); strings.Contains(s, token) {
		t.Error("a provider prints its secret")
	}
}
