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

// event is the generic form; the package comment describes it.
type event struct {
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

func parseEvent(body []byte) (event, error) {
	var ev event
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ev); err != nil {
		return event{}, fmt.Errorf("%w: %w", errEvent, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return event{}, fmt.Errorf("%w: something follows the object", errEvent)
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
		return event{}, errors.Join(faults...)
	}
	return ev, nil
}

func (e *Ear) hearGeneric(r *http.Request, body []byte) hearing {
	err := webhook.Verify(e.secrets, r.Header, body, e.cfg.Now())
	ev, fault := parseEvent(body)
	h := hearing{contact: canary.Contact{Channel: canary.Voice, Ear: earName(r.URL.Path), Facts: map[string]string{}}}
	if fault == nil {
		h.contact = ev.contact(h.contact.Ear, r.Header.Get(webhook.HeaderID))
	}
	switch {
	case err != nil:
		h.contact.Unverified = true
		h.contact.Facts[factRefused] = refusal(err)
		h.answer = forbidden()
	case fault != nil:
		// Signed by one of ours: a fault to mend, and perhaps a call to a canary.
		h.contact.ID = eventID("ge", "malformed", r.Header.Get(webhook.HeaderID))
		h.contact.Facts[factMalformed] = fault.Error()
		h.answer = answer{http.StatusUnprocessableEntity, jsonType, faultJSON(fault)}
	default:
		h.answer = answer{http.StatusOK, jsonType, `{"status":"recorded"}` + "\n"}
	}
	return h
}

// contact gives the event's contact. The id of the signed message is in its id:
// an exchange that uses one event id for a call and then for its transcript, or
// starts counting anew, must not have the second dropped as a repeat. Nothing
// that was said or dialled is in it, because ids are not sealed.
func (ev event) contact(ear, message string) canary.Contact {
	c := canary.Contact{
		ID:      eventID("ge", ev.Type, ev.ID, message),
		Channel: canary.Channel(ev.Type),
		Ear:     ear,
		Source:  ev.From,
		Targets: []canary.Target{{Kind: canary.Phone, Text: ev.To}},
		Text:    ev.Text,
		Facts:   map[string]string{"event": ev.ID},
	}
	if ev.CallerName != "" {
		c.Facts["caller_name"] = ev.CallerName
	}
	if ev.At != nil {
		c.Facts["sent_at"] = ev.At.UTC().Format(time.RFC3339Nano)
	}
	return c
}

func faultJSON(fault error) string {
	b, err := json.Marshal(map[string]string{"status": "recorded", "error": fault.Error()})
	if err != nil {
		return `{"status":"recorded","error":"not an event"}` + "\n"
	}
	return string(b) + "\n"
}
