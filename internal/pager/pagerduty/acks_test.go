package pagerduty_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/pager"
	"saltmine/internal/pager/pagerduty"
)

// The secret and the signature of testdata/webhook.json are a vector of
// PagerDuty's own library (go-pagerduty v1.8.0, webhookv3).
const (
	hookSecret = "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK"
	vectorSign = "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd"
)

// took is what came of webhooks.
type took struct {
	got []string
	err error
}

func (k *took) acks(secret string) *pagerduty.Acks {
	return &pagerduty.Acks{Secret: secret, Log: slog.New(slog.DiscardHandler), Acknowledge: func(_ context.Context, key, who string, at time.Time) error {
		k.got = append(k.got, key+" "+who+" "+at.Format(time.RFC3339))
		return k.err
	}}
}

func deliver(t *testing.T, a *pagerduty.Acks, body string, signatures ...string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/acks/duty", strings.NewReader(body))
	for _, s := range signatures {
		req.Header.Add("X-PagerDuty-Signature", s)
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, req)
	return rec.Code
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/webhook.json")
	if err != nil {
		t.Fatal(err)
	}
	body := string(raw)
	wrong := "v1=" + strings.Repeat("00", 32)
	for name, tt := range map[string]struct {
		secret, body string
		signatures   []string
		want         int
	}{
		"the vector":          {hookSecret, body, []string{vectorSign}, 202},
		"the second of two":   {hookSecret, body, []string{wrong + "," + vectorSign}, 202},
		"another signature":   {hookSecret, body, []string{wrong}, 401},
		"another body":        {hookSecret, body + " ", []string{vectorSign}, 401},
		"no header":           {hookSecret, body, nil, 401},
		"two headers":         {hookSecret, body, []string{vectorSign, vectorSign}, 401},
		"another version":     {hookSecret, body, []string{"v2" + vectorSign[2:]}, 401},
		"cut short":           {hookSecret, body, []string{vectorSign[:20]}, 401},
		"empty":               {hookSecret, body, []string{""}, 401},
		"no secret":           {"", body, []string{vectorSign}, 401},
		"another secret":      {hookSecret + "x", body, []string{vectorSign}, 401},
		"signed, and no JSON": {hookSecret, "dana", []string{sign("dana")}, 400},
	} {
		k := &took{}
		if got := deliver(t, k.acks(tt.secret), tt.body, tt.signatures...); got != tt.want {
			t.Errorf("%s: status %d, want %d", name, got, tt.want)
		}
		if len(k.got) != 0 {
			t.Errorf("%s: acknowledged %q", name, k.got)
		}
	}
}

func TestAcknowledgementsAreRead(t *testing.T) {
	t.Parallel()
	const agent = `{"summary":"Dana Duty","type":"user_reference"}`
	event := func(kind, agent string) string {
		return `{"event":{"id":"e1","event_type":"` + kind + `","occurred_at":"2026-08-05T10:01:00.458Z","agent":` + agent + `,"data":{"id":"PGR0VU2","incident_key":"i_incident00000001"}}}`
	}
	for body, want := range map[string]string{
		event("incident.acknowledged", agent): "i_incident00000001 Dana Duty 2026-08-05T10:01:00Z",
		event("incident.resolved", agent):     "i_incident00000001 Dana Duty 2026-08-05T10:01:00Z",
		event("incident.resolved", "null"):    "",
		event("incident.acknowledged", `{"summary":"Monitoring","type":"integration_reference"}`): "",
		event("incident.acknowledged", `{"summary":"Dana Duty"}`):                                 "",
		event("incident.unacknowledged", agent):                                                   "",
		event("incident.triggered", agent):                                                        "",
		`{"event":{"event_type":"pagey.ping"}}`:                                                   "",
	} {
		k := &took{}
		if got := deliver(t, k.acks(hookSecret), body, sign(body)); got != 202 || strings.Join(k.got, ",") != want {
			t.Errorf("%s: status %d, acknowledged %q, want %q", body, got, k.got, want)
		}
	}
	k := &took{err: errors.New("down")}
	body := event("incident.acknowledged", agent)
	if got := deliver(t, k.acks(hookSecret), body, sign(body)); got != 500 {
		t.Errorf("status %d while nothing can be written, want 500: PagerDuty tries again", got)
	}
}

func TestResolveClosesTheAlert(t *testing.T) {
	t.Parallel()
	_, body, err := sendKind(t, page(), pager.Resolve, http.StatusAccepted)
	var got map[string]any
	if err := errors.Join(err, json.Unmarshal(body, &got)); err != nil || got["event_action"] != "resolve" || got["dedup_key"] != "i_incident00000001" {
		t.Errorf("%v: sent %v", err, got)
	}
}
