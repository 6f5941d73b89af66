package pagerduty

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"saltmine/internal/canary"
)

const (
	signatureHeader = "X-PagerDuty-Signature"
	maxWebhook      = 2 << 20 // bytes; PagerDuty's own library reads as many
	maxSignatures   = 16      // of one request: several while the secret is changed
)

// Acks takes PagerDuty's webhooks (version 3). Who acknowledges an incident
// there, or closes it, is at it: what is closed here is decided by a verdict.
// Whatever is not signed is answered with 401 and changes nothing.
type Acks struct {
	// Secret is that of the webhook subscription. Without one every request is refused.
	Secret string
	// Acknowledge is told what the alert was about that a person dealt with, how
	// urgent it was shown there (0: not known), who it was and when. Its error is
	// answered with 500: PagerDuty sends the webhook again.
	Acknowledge func(ctx context.Context, key string, shown canary.Severity, who string, at time.Time) error
	Log         *slog.Logger
}

// webhook is what is read of a webhook.
type webhook struct {
	Event struct {
		ID    string    `json:"id"`
		Type  string    `json:"event_type"`
		At    time.Time `json:"occurred_at"`
		Agent *struct {
			Summary string `json:"summary"`
			Type    string `json:"type"`
		} `json:"agent"`
		Data struct {
			Key string `json:"incident_key"`
		} `json:"data"`
	} `json:"event"`
}

// ServeHTTP takes one webhook.
func (a *Acks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		http.Error(w, "too large or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	if err := verify(a.Secret, r.Header, body); err != nil {
		a.Log.WarnContext(r.Context(), "webhook refused", "error", err)
		http.Error(w, "not signed by PagerDuty", http.StatusUnauthorized)
		return
	}
	var hook webhook
	if err := json.Unmarshal(body, &hook); err != nil {
		http.Error(w, "no webhook of version 3", http.StatusBadRequest)
		return
	}
	if err := a.take(r.Context(), &hook); err != nil {
		a.Log.ErrorContext(r.Context(), "acknowledgement cannot be written", "error", err)
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (a *Acks) take(ctx context.Context, hook *webhook) error {
	e := &hook.Event
	if e.Type != "incident.acknowledged" && e.Type != "incident.resolved" || e.Data.Key == "" {
		return nil
	}
	if e.Agent == nil || e.Agent.Type != "user_reference" && e.Agent.Type != "user" {
		return nil // no person: a time-out, an integration, or our own resolve come back
	}
	key, shown := about(e.Data.Key)
	return a.Acknowledge(ctx, key, shown, e.Agent.Summary, e.At)
}

// verify checks that one signature of the header is that of the body.
func verify(secret string, h http.Header, body []byte) error {
	values := h.Values(signatureHeader)
	if secret == "" {
		return errors.New("no secret is configured")
	}
	if len(values) != 1 {
		return errors.New("no signature, or several headers")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	want := mac.Sum(nil)
	for i, one := range strings.Split(values[0], ",") {
		text, v1 := strings.CutPrefix(strings.TrimSpace(one), "v1=")
		got, err := hex.DecodeString(text)
		if i < maxSignatures && v1 && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
