package push

import (
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"saltmine/internal/pager"
	"saltmine/internal/webhook"
)

// Keys that a person presses in a call.
const (
	takeKey   = "1"
	keypadAge = 2 * time.Hour // after the call was asked for, a key says nothing any more
	maxForm   = 64 << 10
	// takenWithin is how long Twilio may take to accept a call that was asked for.
	takenWithin = 10 * time.Second
)

// gather has Twilio wait for a key while it speaks
// (https://www.twilio.com/docs/voice/twiml/gather).
type gather struct {
	XMLName xml.Name `xml:"Gather"`
	Action  string   `xml:"action,attr"`
	Digits  int      `xml:"numDigits,attr"`
	Wait    int      `xml:"timeout,attr"`
	Do      []any
}

// ackURL is where Twilio tells which key was pressed, and about what.
func (r *Route) ackURL(d pager.Delivery) string {
	u, err := url.Parse(r.cfg.AckURL)
	if err != nil || r.cfg.AckURL == "" || d.DedupKey == "" || d.Test {
		return ""
	}
	u.RawQuery = url.Values{"about": {d.DedupKey}, "at": {strconv.FormatInt(r.cfg.Now().Unix(), 10)}}.Encode()
	return u.String()
}

// Keypad takes the key that somebody presses in a call: 1 acknowledges what the
// call was about. What is not signed by Twilio is answered with 403 and changes
// nothing; nor does a key that is told two hours after the call.
type Keypad struct {
	URL    string // as Twilio was given it, see [Config]
	Secret string // the account's auth token
	// Acknowledge is told the dedup key, who pressed the key, and when the call was
	// made: what rose since then was not in it. Its error is said in the call.
	Acknowledge func(ctx context.Context, key, who string, at time.Time) error
	Now         func() time.Time
	Log         *slog.Logger
}

// ServeHTTP answers with what Twilio says then.
func (k *Keypad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		http.Error(w, "too large or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	form, err := webhook.VerifyTwilio(k.Secret, k.URL+"?"+r.URL.RawQuery, r.Header, body)
	if err != nil {
		k.Log.WarnContext(r.Context(), "key of a call refused", "error", err)
		http.Error(w, "not signed by Twilio", http.StatusForbidden)
		return
	}
	doc, err := xml.Marshal(twiml{Do: []any{say{Text: k.take(r.Context(), r.URL.Query(), form)}}})
	if err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Write(doc) //nolint:errcheck // the call is over
}

// take acknowledges, and gives what is said of it.
func (k *Keypad) take(ctx context.Context, query, form url.Values) string {
	now := k.Now()
	at, err := strconv.ParseInt(query.Get("at"), 10, 64)
	switch about := query.Get("about"); {
	case form.Get("Digits") != takeKey:
		return "That was not 1. It is not acknowledged."
	case err != nil || about == "" || now.Sub(time.Unix(at, 0)).Abs() > keypadAge:
		return "That call is too old. It is not acknowledged."
	default:
		heard := time.Unix(at, 0).Add(takenWithin) // what came later was not in this call
		if err := k.Acknowledge(ctx, about, "a key in the call", heard); err != nil {
			k.Log.ErrorContext(ctx, "acknowledgement cannot be written", "error", err)
			return "The acknowledgement could not be written. Please use your screen."
		}
		return "Acknowledged. Thank you."
	}
}
