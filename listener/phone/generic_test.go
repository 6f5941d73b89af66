package phone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

func sign(tb testing.TB, r *http.Request, id string, at time.Time, body string) {
	tb.Helper()
	s, err := webhook.ParseSecret(whsec)
	if err != nil {
		tb.Fatal(err)
	}
	webhook.SetHeaders(r.Header, s, id, at, []byte(body))
}

func genericRequest(t *testing.T, base, id, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/generic", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sign(t, r, id, noon(), body)
	return r
}

const asterisk = `{"id":"1700000000.42","type":"voice","from":"+14155550100","to":"+14155550199","at":"2025-11-22T13:01:48+01:00","caller_name":"ACME"}`

func TestGenericCall(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	resp, text := send(t, genericRequest(t, base, "msg_1", asterisk))
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(text) != `{"status":"recorded"}` || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d: %s", resp.StatusCode, text)
	}
	c := s.last(t, 1)
	if c.Channel != canary.Voice || c.Ear != "phone/generic" || c.Source != "+14155550100" || c.Unverified || !c.At.Equal(noon()) ||
		c.Facts["sent_at"] != "2025-11-22T12:01:48Z" || c.Facts["caller_name"] != "ACME" || c.Facts["event"] != "1700000000.42" || c.Facts["call"] != "" {
		t.Errorf("contact %+v", c)
	}
	if len(c.Targets) != 1 || c.Targets[0] != (canary.Target{Kind: canary.Phone, Text: "+14155550199"}) {
		t.Errorf("targets %+v", c.Targets)
	}
}

func TestGenericRepeatsAndTranscripts(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	base := serve(t, e)
	send(t, genericRequest(t, base, "msg_1", asterisk))
	first := s.last(t, 1).ID
	// Sent again, even with another time: one contact.
	send(t, genericRequest(t, base, "msg_1", asterisk))
	send(t, genericRequest(t, base, "msg_1", strings.Replace(asterisk, "13:01:48", "13:01:50", 1)))
	s.last(t, 1)
	// What was said arrives later under the id of the call.
	said := strings.Replace(asterisk, `"caller_name"`, `"text":"about ticket 4711","caller_name"`, 1)
	send(t, genericRequest(t, base, "msg_3", said))
	if c := s.last(t, 2); c.ID == first || c.Facts["event"] != "1700000000.42" || c.Text != "about ticket 4711" {
		t.Errorf("contact %+v", c)
	}
	// A message with the same id is another event.
	send(t, genericRequest(t, base, "msg_3", strings.Replace(said, "voice", "sms", 1)))
	if c := s.last(t, 3); c.Channel != canary.SMS || c.Facts["call"] != "" {
		t.Errorf("contact %+v", c)
	}
}

// TestIDSaysNothing compares the ids of requests that differ in all that is
// secret: an id that depends on a number lets the number be guessed from it.
func TestIDSaysNothing(t *testing.T) {
	t.Parallel()
	id := func(body string) canary.ContactID {
		e, s := open(t, nil)
		send(t, genericRequest(t, serve(t, e), "msg_1", body))
		return s.last(t, 1).ID
	}
	other := `{"id":"1700000000.42","type":"voice","from":"+442079460000","to":"+442079460001","text":"about ticket 4711"}`
	if a, b := id(asterisk), id(other); a != b {
		t.Errorf("ids %s and %s depend on the numbers or the text", a, b)
	}
	if a, b := id(asterisk+"x"), id(other+"x"); a != b || a == id(asterisk) {
		t.Errorf("malformed: ids %s and %s depend on the body, or are the event's", a, b)
	}
}

func TestGenericMalformedIsKept(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no json":       `to=+14155550199`,
		"empty":         ``,
		"null":          `null`,
		"array":         `[` + asterisk + `]`,
		"unknown field": strings.Replace(asterisk, `"caller_name"`, `"callername"`, 1),
		"two objects":   asterisk + asterisk,
		"no id":         strings.Replace(asterisk, "1700000000.42", "", 1),
		"long id":       strings.Replace(asterisk, "1700000000.42", strings.Repeat("1", 201), 1),
		"other type":    strings.Replace(asterisk, "voice", "fax", 1),
		"no to":         strings.Replace(asterisk, `"to":"+14155550199",`, "", 1),
		"bad time":      strings.Replace(asterisk, "2025-11-22T13:01:48+01:00", "yesterday", 1),
		"number as id":  strings.Replace(asterisk, `"1700000000.42"`, `1700000000.42`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, s := open(t, nil)
			base := serve(t, e)
			for range 2 { // the sender tries again: kept once
				resp, text := send(t, genericRequest(t, base, "msg_1", body))
				var said struct{ Status, Error string }
				if err := json.Unmarshal([]byte(text), &said); err != nil || resp.StatusCode != http.StatusUnprocessableEntity || said.Status != "recorded" || said.Error == "" {
					t.Errorf("status %d: %s", resp.StatusCode, text)
				}
			}
			c := s.last(t, 1)
			if c.Unverified || len(c.Targets) != 0 || c.Facts["malformed"] == "" || !strings.HasSuffix(string(c.Raw), "\r\n\r\n"+body) {
				t.Errorf("contact %+v", c)
			}
		})
	}
}

func TestGenericUnverified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*http.Request)
		why    string
	}{
		"no headers": {func(r *http.Request) { r.Header = http.Header{} }, "header"},
		"too old":    {func(r *http.Request) { sign(t, r, "msg_1", noon().Add(-6*time.Minute), asterisk) }, "time"},
		"too new":    {func(r *http.Request) { sign(t, r, "msg_1", noon().Add(6*time.Minute), asterisk) }, "time"},
		"other id":   {func(r *http.Request) { r.Header.Set("webhook-id", "msg_2") }, "signature"},
		"other body": {func(r *http.Request) { sign(t, r, "msg_1", noon(), asterisk+" ") }, "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, s := open(t, nil)
			r := genericRequest(t, serve(t, e), "msg_1", asterisk)
			c.change(r)
			resp, _ := send(t, r)
			got := s.last(t, 1)
			if resp.StatusCode != http.StatusForbidden || !got.Unverified || got.Facts["refused"] != c.why || got.Source != "+14155550100" {
				t.Errorf("status %d, contact %+v", resp.StatusCode, got)
			}
		})
	}
}

// FuzzGeneric signs whatever the fuzzer finds: it is recorded, or recorded as
// malformed; unsigned it is refused.
func FuzzGeneric(f *testing.F) {
	f.Add(asterisk, true)
	f.Add(`{"id":"1","type":"sms","to":"\ud800","text":"\u0000","at":null}`, true)
	f.Add(fmt.Sprintf(`{"id":"1","type":"voice","to":"%s"}`, strings.Repeat("9", 2000)), true)
	f.Add(`{"ID":"1","id":"2"`, true)
	f.Add(asterisk, false)
	f.Fuzz(func(t *testing.T, body string, signed bool) {
		e, s := open(t, nil)
		r := httptest.NewRequest(http.MethodPost, "/generic", strings.NewReader(body))
		if signed {
			sign(t, r, "msg_1", noon(), body)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if signed == (w.Code == http.StatusForbidden) {
			t.Errorf("signed %v: status %d", signed, w.Code)
		}
		checkFuzz(t, w, s, body)
	})
}
