package phone

import (
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// sinch has two secrets: that of a voice application, whose key is the user, and
// that of the SMS webhooks, which has no user. They are two providers here.
func sinch() dialect {
	return dialect{
		kind: Sinch, prefix: "si", wait: 4 * time.Second,
		account: func(p Provider) (verifier, error) {
			text, err := secretText(p)
			secret := webhook.Hidden(text)
			if p.User == "" {
				return func(_ canary.Channel, q webhook.Request) (string, error) {
					return q.Header.Get(webhook.HeaderSinch), webhook.VerifySinchSMS(secret, q) //nolint:wrapcheck // the ear tells the sentinels apart
				}, err
			}
			if err == nil {
				secret, err = webhook.ParseSinchSecret(text)
			}
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				return q.Header.Get("Authorization"), webhook.VerifySinchVoice(p.User, secret, q) //nolint:wrapcheck // the same
			}, err
		},
		read:   readSinch,
		script: sinchScript,
	}
}

// sinchEvent is a callback of the Voice API (version 1) or of the SMS API.
type sinchEvent struct {
	Event string  `json:"event"`
	Call  string  `json:"callid"`
	CLI   string  `json:"cli"`
	To    numbers `json:"to"`
	At    string  `json:"timestamp"`
	RDNIS string  `json:"rdnis"`
	Menu  struct {
		Value string `json:"value"`
		Input string `json:"inputMethod"`
	} `json:"menuResult"`
	Notice      string `json:"type"` // of a notification, or of a message
	Destination string `json:"destination"`

	ID   string  `json:"id"`
	From numbers `json:"from"`
	Body string  `json:"body"`
	Sent string  `json:"sent_at"`
}

func readSinch(leg canary.Channel, q webhook.Request) []event {
	var e sinchEvent
	if err := json.Unmarshal(q.Body, &e); err != nil {
		return unreadable(leg, fmt.Errorf("not an event: %w", err))
	}
	if e.Event == "" {
		ev := event{channel: canary.SMS, id: named(e.ID), from: e.From.first(), text: e.Body, facts: map[string]string{"event_type": e.Notice, "sent_at": e.Sent}}
		switch e.Notice {
		case "mo_text", "mo_binary", "mo_media": // others tell of messages of ours
			ev.to = e.To
		}
		return []event{ev}
	}
	ev := event{
		channel: canary.Voice, id: named(e.Call), over: e.Event != "ice", from: e.CLI, to: e.To,
		facts: map[string]string{
			"call_sid": e.Call, "event_type": e.Event, "sent_at": e.At, "forwarded_from": e.RDNIS, "attestation": "none", "verdict": "unknown",
			"recording_url": e.Destination,
		},
	}
	switch {
	case e.Event == "pie":
		ev.text, ev.later = e.Menu.Value, []string{e.Event, e.At, e.Menu.Input, e.Menu.Value}
	case e.Event == "notify":
		ev.facts["event_type"] = e.Notice
		ev.later = []string{e.Event, e.Notice, e.Destination}
	}
	return []event{ev}
}

// sinchScript answers with SVAML. Sinch writes recordings only to a storage of
// the customer's own, so a caller is greeted and given time to speak, and
// nothing is recorded.
func sinchScript(p Provider, _ string) script {
	type object = map[string]any
	hangup := object{"name": "hangup"}
	s := script{end: jsonAnswer(object{"action": hangup}), message: jsonAnswer(struct{}{})}
	park := object{"name": "park", "maxDuration": holdTime}
	switch p.Answer {
	case Reject:
		s.greet = s.end
	case Silence:
		s.greet = jsonAnswer(object{"instructions": []object{{"name": "answer"}}, "action": park})
	default:
		park["maxDuration"] = maxSpoken
		s.greet = jsonAnswer(object{
			"instructions": []object{{"name": "answer"}, {"name": "say", "text": p.says(), "locale": p.Language}},
			"action":       park,
		})
	}
	return s
}
