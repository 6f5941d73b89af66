package phone

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// vonage hears the Voice API (answer and event URL), the Messages API and the
// SMS API. The first two sign alike; the SMS API does where the provider has a
// kind of signature.
func vonage() dialect {
	return dialect{
		kind: Vonage, prefix: "vo", get: true, again: true, wait: 4 * time.Second, // it gives up after 5 s
		account: func(p Provider) (verifier, error) {
			text, err := secretText(p)
			secret, kind := webhook.Hidden(text), p.Signature
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				if kind != "" {
					fields, err := webhook.VonageFields(q)
					if err != nil {
						return "", err //nolint:wrapcheck // the ear tells the sentinels apart
					}
					return fields.Get("sig"), webhook.VerifyVonageSMS(secret, kind, q) //nolint:wrapcheck // the same
				}
				return q.Header.Get("Authorization"), webhook.VerifyVonage(secret, q) //nolint:wrapcheck // the same
			}, err
		},
		read:   readVonage,
		script: vonageScript,
	}
}

// vonageEvent is what any of the three says.
type vonageEvent struct {
	From         numbers `json:"from"`
	To           numbers `json:"to"`
	MSISDN       numbers `json:"msisdn"`
	Call         string  `json:"uuid"`
	Conversation string  `json:"conversation_uuid"`
	Status       string  `json:"status"`
	Direction    string  `json:"direction"`
	Recording    string  `json:"recording_url"`
	RecordingID  string  `json:"recording_uuid"`
	SMS          string  `json:"messageId"`
	Message      string  `json:"message_uuid"`
	Text         string  `json:"text"`
	Sent         string  `json:"message-timestamp"`
	Speech       *struct {
		Results []struct {
			Text string `json:"text"`
		} `json:"results"`
		Recording string `json:"recording_url"`
	} `json:"speech"`
}

func readVonage(leg canary.Channel, q webhook.Request) []event {
	body := q.Body
	if !isJSON(q) {
		fields, err := q.Values()
		if err != nil {
			return unreadable(leg, err)
		}
		flat := map[string]string{}
		for key := range fields {
			flat[key] = fields.Get(key)
		}
		if body, err = json.Marshal(flat); err != nil {
			return unreadable(leg, err)
		}
	}
	var e vonageEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return unreadable(leg, fmt.Errorf("not an event: %w", err))
	}
	if message := e.SMS + e.Message; leg == canary.SMS || leg == "" && message != "" {
		return []event{{
			channel: canary.SMS, id: named(message), from: append(e.MSISDN, e.From...).first(), to: e.To, text: e.Text,
			facts: map[string]string{"sent_at": e.Sent, "message_status": e.Status},
		}}
	}
	return []event{e.call()}
}

func (e *vonageEvent) call() event {
	ev := event{
		channel: canary.Voice, id: named(e.Call), from: e.From.first(), to: e.To, over: e.Status != "",
		facts: map[string]string{"call_status": e.Status, "direction": e.Direction, "conversation": e.Conversation, "recording": e.RecordingID, "recording_url": e.Recording},
	}
	if e.Call == "" {
		ev.id = named(e.Conversation) // recordings name no more than this
	}
	if e.Direction == "outbound" {
		ev.to = nil
	}
	if e.Speech != nil {
		// Each result is another guess at the same words; the best stands first.
		for _, r := range e.Speech.Results {
			ev.text = strings.TrimSpace(ev.text + "\n" + r.Text)
		}
		if e.Speech.Recording != "" {
			ev.facts["recording_url"] = e.Speech.Recording
		}
	}
	if e.Speech != nil || e.Recording != "" {
		ev.later = []string{e.Recording, e.RecordingID, ev.text, ev.facts["recording_url"]}
	}
	return ev
}

// vonageScript answers with NCCO. An empty one ends the call.
func vonageScript(p Provider, back string) script {
	type object = map[string]any
	s := script{end: jsonAnswer([]object{}), message: jsonAnswer(struct{}{})}
	switch p.Answer {
	case Reject:
		s.greet = s.end
	case Silence:
		s.greet = jsonAnswer([]object{{"action": "talk", "text": fmt.Sprintf("<speak><break time='%ds'/></speak>", holdTime)}})
	default:
		s.greet = jsonAnswer([]object{
			{"action": "talk", "text": p.says(), "language": p.Language},
			{
				"action": "input", "type": []string{"speech"}, "eventUrl": []string{back}, "eventMethod": "POST",
				"speech": object{"language": p.Language, "endOnSilence": endPause, "startTimeout": holdTime, "maxDuration": maxSpoken, "saveAudio": true},
			},
		})
	}
	return s
}
