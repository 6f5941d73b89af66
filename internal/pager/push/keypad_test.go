package push_test

import (
	"context"
	"encoding/xml"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"saltmine/internal/pager/push"
	"saltmine/internal/webhook"
)

const keypadURL = "https://saltmine.example.net/v1/acks/call"

// asked makes a call and gives where Twilio is to tell the key.
func asked(t *testing.T) string {
	t.Helper()
	s := serve(t, http.StatusCreated, `{"sid":"CA0123456789abcdef0123456789abcdef"}`)
	c := config(t, "twilio", s.URL)
	c.AckURL = keypadURL
	r, err := push.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Send(t.Context(), delivery()); err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(s.body))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Gather struct {
			Action string   `xml:"action,attr"`
			Digits string   `xml:"numDigits,attr"`
			Say    []string `xml:"Say"`
		} `xml:"Gather"`
		Say []string `xml:"Say"`
	}
	if err := xml.Unmarshal([]byte(form.Get("Twiml")), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Gather.Say) != 4 || doc.Gather.Digits != "1" || doc.Gather.Say[0] != doc.Gather.Say[2] || !strings.Contains(doc.Gather.Say[1], "Press 1") || len(doc.Say) != 1 {
		t.Errorf("Twilio does %+v", doc)
	}
	return doc.Gather.Action
}

func TestWhoIsCalledAcknowledgesByAKey(t *testing.T) {
	t.Parallel()
	action := asked(t)
	pressed := func(digits string) url.Values {
		return url.Values{"CallSid": {"CA0123456789abcdef0123456789abcdef"}, "Digits": {digits}, "To": {"+14155550123"}}
	}
	elsewhere := strings.Replace(action, "i_incident00000001", "i_incident00000002", 1)
	for name, tt := range map[string]struct {
		at, signed string // the address, and the one that was signed
		form       url.Values
		later      time.Duration
		fails      error
		status     int
		says, acks string
	}{
		"1":                  {action, action, pressed("1"), 0, nil, 200, "Acknowledged. Thank you.", "i_incident00000001"},
		"1, an hour later":   {action, action, pressed("1"), time.Hour, nil, 200, "Acknowledged. Thank you.", "i_incident00000001"},
		"another key":        {action, action, pressed("2"), 0, nil, 200, "not acknowledged", ""},
		"none":               {action, action, pressed(""), 0, nil, 200, "not acknowledged", ""},
		"of another address": {elsewhere, action, pressed("1"), 0, nil, 403, "not signed", ""},
		"not signed":         {action, "", pressed("1"), 0, nil, 403, "not signed", ""},
		"much later":         {action, action, pressed("1"), 3 * time.Hour, nil, 200, "too old", ""},
		"without a query":    {keypadURL, keypadURL, pressed("1"), 0, nil, 403, "not signed", ""},
		"cannot be written":  {action, action, pressed("1"), 0, errors.New("down"), 200, "could not be written", "i_incident00000001"},
	} {
		var got string
		k := &push.Keypad{
			URL: keypadURL, Secret: token, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at().Add(tt.later) },
			Acknowledge: func(_ context.Context, key, who string, heard time.Time) error {
				if got = key; who == "" || heard.Sub(at()) > 2*time.Minute {
					t.Errorf("%s: %q at %v", name, who, heard)
				}
				return tt.fails
			},
		}
		_, query, _ := strings.Cut(tt.at, "?")
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/acks/call?"+query, strings.NewReader(tt.form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tt.signed != "" {
			req.Header.Set(webhook.HeaderTwilio, webhook.TwilioSignature(token, tt.signed, tt.form))
		}
		rec := httptest.NewRecorder()
		k.ServeHTTP(rec, req)
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.says) || got != tt.acks {
			t.Errorf("%s: %d %q, acknowledged %q", name, rec.Code, rec.Body, got)
		}
	}
}
