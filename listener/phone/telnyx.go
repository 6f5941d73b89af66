package phone

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// telnyx hears TeXML applications, whose calls it answers, and Call Control and
// messaging events. A Call Control call is only noted: what is to be done with it
// would have to be ordered with an API key, which an edge must not have.
func telnyx() dialect {
	return dialect{
		kind: Telnyx, prefix: "te", wait: 1500 * time.Millisecond, // it gives up after 2 s
		account: func(p Provider) (verifier, error) {
			key, err := webhook.ParseTelnyxKey(p.PublicKey)
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				err := webhook.VerifyTelnyx(key, q)
				return q.Header.Get(webhook.HeaderTelnyx), err //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read: readTelnyx,
		script: func(p Provider, back string) script {
			s := cxml(p, back, "transcription", "transcriptionCallback")
			s.message = jsonAnswer(struct{}{})
			return s
		},
	}
}

// telnyxEvent is what Telnyx says in JSON.
type telnyxEvent struct {
	Data struct {
		ID      string `json:"id"`
		Type    string `json:"event_type"`
		At      string `json:"occurred_at"`
		Payload struct {
			Leg           string  `json:"call_leg_id"`
			From          numbers `json:"from"`
			To            numbers `json:"to"`
			Text          string  `json:"text"`
			Direction     string  `json:"direction"`
			State         string  `json:"state"`
			CallerName    string  `json:"caller_id_name"`
			Letter        string  `json:"shaken_stir_attestation"`
			Validated     *bool   `json:"shaken_stir_validated"`
			Transcription struct {
				Transcript string `json:"transcript"`
			} `json:"transcription_data"`
			Recordings map[string]string `json:"recording_urls"`
		} `json:"payload"`
	} `json:"data"`
}

func readTelnyx(leg canary.Channel, q webhook.Request) []event {
	if !isJSON(q) {
		form, err := webhook.Form(q.Header, q.Body)
		if err != nil {
			return unreadable(leg, err)
		}
		return []event{twilioShape(texmlLevel).read(leg, form)}
	}
	var e telnyxEvent
	if err := json.Unmarshal(q.Body, &e); err != nil {
		return unreadable(leg, fmt.Errorf("not an event: %w", err))
	}
	d, p := &e.Data, &e.Data.Payload
	ev := event{
		channel: canary.Voice, over: true, from: p.From.first(), to: p.To,
		facts: map[string]string{"event": d.ID, "event_type": d.Type, "sent_at": d.At, "direction": p.Direction, "call_status": p.State, "caller_name": p.CallerName},
	}
	if strings.HasPrefix(d.Type, "message.") {
		ev.channel = canary.SMS
		if d.Type == "message.received" {
			ev.text = p.Text
		} else {
			ev.to = nil // what became of a message of ours reaches no token
		}
		ev.id = named(d.ID)
		return []event{ev}
	}
	validated := ""
	if p.Validated != nil {
		validated = strconv.FormatBool(*p.Validated)
	}
	ev.facts["attestation"], ev.facts["verdict"] = texmlGrade(p.Letter, validated)
	if p.Direction == "outgoing" {
		ev.to = nil
	}
	ev.id, ev.text, ev.facts["recording_url"] = named(p.Leg), p.Transcription.Transcript, first(one(p.Recordings), "mp3", "wav")
	if ev.text != "" || ev.facts["recording_url"] != "" {
		ev.later = []string{d.ID}
	}
	return []event{ev}
}

func texmlLevel(form url.Values) (level, verdict string) {
	return texmlGrade(form.Get("ShakenStirAttestation"), form.Get("ShakenStirValidated"))
}

// texmlGrade takes a letter or a SIP verstat; to Telnyx a bare "passed" is an A
// (telnyx.com, release note "new shaken/stir verstat parameters").
func texmlGrade(letter, validated string) (level, verdict string) {
	switch {
	case letter == "TN-Validation-Passed":
		return "A", "passed"
	case len(letter) > 1:
		return attestation(letter)
	}
	return graded(letter, validated)
}

// named gives the id of an event that one text names.
func named(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// one makes fields of texts.
func one(texts map[string]string) url.Values {
	v := url.Values{}
	for key, text := range texts {
		v.Set(key, text)
	}
	return v
}

func isJSON(q webhook.Request) bool {
	kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
