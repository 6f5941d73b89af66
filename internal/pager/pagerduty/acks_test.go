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

	"saltmine/internal/canary"
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
	return &pagerduty.Acks{Secret: secret, Log: slog.New(slog.DiscardHandler), Acknowledge: func(_ context.Context, key string, shown canary.Severity, who string, at time.Time) error {
		k.got = append(k.got, key+" "+shown.String()+" "+who+" "+at.Format(time.RFC3339))
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
	about := func(key, kind, agent string) string {
		return `{"event":{"id":"e1","event_type":"` + kind + `","occurred_at":"2026-08-05T10:01:00.458Z","agent":` + agent + `,"data":{"id":"PGR0VU2","incident_key":"` + key + `"}}}`
	}
	event := func(kind, agent string) string { return about("i_incident00000001/P2", kind, agent) }
	for body, want := range map[string]string{
		event("incident.acknowledged", agent): "i_incident00000001 P2 Dana Duty 2026-08-05T10:01:00Z",
		event("incident.resolved", agent):     "i_incident00000001 P2 Dana Duty 2026-08-05T10:01:00Z",
		event("incident.resolved", "null"):    "",
		event("incident.acknowledged", `{"summary":"Monitoring","type":"integration_reference"}`): "",
		event("incident.acknowledged", `{"summary":"Dana Duty"}`):                                 "",
		event("incident.unacknowledged", agent):                                                   "",
		event("incident.triggered", agent):                                                        "",
		about("i_incident00000001/P1/anew", "incident.acknowledged", agent):                       "i_incident00000001 P1 Dana Duty 2026-08-05T10:01:00Z",
		about("another's", "incident.acknowledged", agent):                                        "another's P0 Dana Duty 2026-08-05T10:01:00Z",
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

// TestResolveClosesTheAlerts: also those of when it was less urgent.
func TestResolveClosesTheAlerts(t *testing.T) {
	t.Parallel()
	var keys []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got struct {
			Action string `json:"event_action"`
			Key    string `json:"dedup_key"`
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.Action != "resolve" {
			t.Errorf("%+v, %v", got, err)
		}
		keys = append(keys, got.Key)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	r, err := pagerduty.New(pagerduty.Config{RoutingKey: key, URL: srv.URL, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Send(t.Context(), pager.Delivery{Page: page(), Route: "duty", Kind: pager.Resolve, DedupKey: "i_1"}); err != nil {
		t.Fatal(err)
	}
	if want := "i_1/P1 i_1/P1/anew i_1/P2 i_1/P2/anew i_1/P3 i_1/P3/anew i_1/P4 i_1/P4/anew"; strings.Join(keys, " ") != want {
		t.Errorf("closed %q, want %q", keys, want)
	}
	if _, _, err := sendKind(t, page(), pager.Resolve, http.StatusServiceUnavailable); err == nil {
		t.Error("an alert that could not be closed is called closed")
	}
}
