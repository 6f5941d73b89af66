package phone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// errEvent is wrapped by every fault of a generic event.
var errEvent = errors.New("not an event")

// genericEvent is the generic form; the package comment describes it.
type genericEvent struct {
	ID         string     `json:"id"`
	Type       string     `json:"type"`
	From       string     `json:"from"`
	To         string     `json:"to"`
	At         *time.Time `json:"at"`
	Text       string     `json:"text"`
	CallerName string     `json:"caller_name"`
}

// maxEventID bounds an event's id in bytes.
const maxEventID = 200

func parseGeneric(body []byte) (genericEvent, error) {
	var ev genericEvent
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ev); err != nil {
		return genericEvent{}, fmt.Errorf("%w: %w", errEvent, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return genericEvent{}, fmt.Errorf("%w: something follows the object", errEvent)
	}
	var faults []error
	if ev.ID == "" || len(ev.ID) > maxEventID {
		faults = append(faults, fmt.Errorf("%w: id of %d characters, want 1 to %d", errEvent, len(ev.ID), maxEventID))
	}
	if ev.Type != string(canary.Voice) && ev.Type != string(canary.SMS) {
		faults = append(faults, fmt.Errorf("%w: type is neither voice nor sms", errEvent))
	}
	if ev.To == "" {
		faults = append(faults, fmt.Errorf("%w: to is empty", errEvent))
	}
	if len(faults) > 0 {
		return genericEvent{}, errors.Join(faults...)
	}
	return ev, nil
}

func generic() dialect {
	return dialect{
		kind: Generic, prefix: "ge", one: true, wait: hearTimeout,
		account: func(p Provider) (verifier, error) {
			secret, err := webhook.ParseSecret(string(p.Secret))
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				return q.Header.Get(webhook.HeaderID), webhook.Verify([]webhook.Secret{secret}, q.Header, q.Body, q.Now) //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read: readGeneric,
		script: func(Provider, string) script {
			recorded := answer{http.StatusOK, jsonType, `{"status":"recorded"}` + "\n"}
			return script{greet: recorded, end: recorded, message: recorded, fault: faultJSON}
		},
	}
}

// readGeneric gives the event's contact. The id of the signed message is in its
// id: an exchange that uses one event id for a call and then for its transcript,
// or starts counting anew, must not have the second dropped as a repeat. Nothing
// that was said or dialled is in it, because ids are not sealed.
func readGeneric(_ canary.Channel, q webhook.Request) []event {
	g, err := parseGeneric(q.Body)
	if err != nil {
		// Signed by one of ours: a fault to mend, and perhaps a call to a canary.
		return unreadable("", err)
	}
	ev := event{
		channel: canary.Channel(g.Type), id: []string{g.ID, q.Header.Get(webhook.HeaderID)}, from: g.From, to: []string{g.To}, text: g.Text,
		facts: map[string]string{"event": g.ID, "caller_name": g.CallerName},
	}
	if g.At != nil {
		ev.facts["sent_at"] = g.At.UTC().Format(time.RFC3339Nano)
	}
	return []event{ev}
}

func faultJSON(fault string) answer {
	a := jsonAnswer(map[string]string{"status": "recorded", "error": fault})
	a.status = http.StatusUnprocessableEntity
	return a
}
