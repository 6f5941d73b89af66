package phone

import (
	"errors"
	"net/url"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// factSigned says what of a verified request its provider has signed, where
// that is not all of it.
const factSigned = "signed"

// plivo signs calls by its scheme V3 and text messages by V2, which covers the
// address alone: a message under V2 says so in the fact "signed".
func plivo() dialect {
	return dialect{
		kind: Plivo, prefix: "pl", get: true, wait: hearTimeout,
		account: func(p Provider) (verifier, error) {
			token, err := secretText(p)
			return func(leg canary.Channel, q webhook.Request) (string, error) {
				err := webhook.VerifyPlivo(token, q)
				if errors.Is(err, webhook.ErrHeader) && leg == canary.SMS {
					err = webhook.VerifyPlivoV2(token, q)
				}
				return q.Header.Get(webhook.HeaderPlivoV3) + q.Header.Get(webhook.HeaderPlivoV2), err //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read:   readPlivo,
		script: plivoScript,
	}
}

func readPlivo(leg canary.Channel, q webhook.Request) []event {
	form, err := q.Values()
	if err != nil {
		return unreadable(leg, err)
	}
	s := shape{
		call: []string{"CallUUID", "call_uuid"}, message: []string{"MessageUUID"}, from: []string{"From"}, to: []string{"To"},
		spoken: []string{"Speech", "transcription"}, written: []string{"Text"},
		later: []string{"Speech", "transcription", "RecordingID", "recording_id", "RecordUrl"},
		facts: [][2]string{
			{"CallUUID", "call_sid"}, {"MessageUUID", "message_sid"}, {"CallStatus", "call_status"}, {"Direction", "direction"}, {"Event", "event_type"},
			{"CallerName", "caller_name"}, {"RecordingID", "recording"}, {"RecordUrl", "recording_url"}, {"RecordingDuration", "recording_seconds"},
		},
		level: func(form url.Values) (string, string) {
			switch form.Get("STIRVerification") {
			case "Verified":
				return "none", "passed" // Plivo does not say which letter
			case "Not Verified":
				return "none", "failed"
			case "Not Applicable":
				return "none", "none"
			}
			return "none", "unknown"
		},
	}
	ev := s.read(leg, form)
	ev.over = form.Get("Event") == "Hangup"
	if ev.channel == canary.SMS && q.Header.Get(webhook.HeaderPlivoV3) == "" {
		ev.facts[factSigned] = "address"
	}
	return []event{ev}
}

// plivoScript takes down what is said with speech recognition: its callback has
// the numbers and the words together, as that of a recording has not.
func plivoScript(p Provider, back string) script {
	s := script{end: xmlAnswer("<Hangup/>"), message: xmlAnswer("")}
	notice, args := "", []any(nil)
	if p.notice != "" {
		notice, args = `<Speak language="%s">%s</Speak>`, []any{p.Language, p.notice}
	}
	switch p.Answer {
	case Reject:
		s.greet = xmlAnswer(`<Hangup reason="rejected"/>`)
	case Silence:
		s.greet = xmlAnswer(`<Wait length="%d"/><Hangup/>`, holdTime)
	default:
		// It listens while it greets, so the notice comes before that.
		s.greet = xmlAnswer(notice+`<GetInput action="%s" method="POST" inputType="speech" language="%s" executionTimeout="%d" speechEndTimeout="%d"><Speak language="%s">%s</Speak></GetInput><Hangup/>`,
			append(args, back, p.Language, maxSpoken, endPause, p.Language, p.Greeting)...)
	}
	return s
}
