package phone

import (
	"net/url"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

func twilio() dialect {
	return dialect{
		kind: Twilio, prefix: "tw", wait: hearTimeout,
		account: func(p Provider) (verifier, error) {
			token, err := secretText(p)
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				_, err := webhook.VerifyTwilio(token, q.Address, q.Header, q.Body)
				return q.Header.Get(webhook.HeaderTwilio), err //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read:   readTwilio,
		script: func(p Provider, back string) script { return cxml(p, back, "transcribe", "transcribeCallback") },
	}
}

// secretText gives a secret that is used as the text it is.
func secretText(p Provider) (string, error) {
	text := strings.TrimSpace(string(p.Secret))
	if text == "" {
		return "", webhook.ErrSecret
	}
	return text, nil
}

func readTwilio(leg canary.Channel, q webhook.Request) []event {
	form, err := webhook.Form(q.Header, q.Body)
	if err != nil {
		return unreadable(leg, err)
	}
	return []event{twilioShape(func(form url.Values) (string, string) { return attestation(form.Get("StirVerstat")) }).read(leg, form)}
}

// twilioShape is the form of Twilio, SignalWire and Telnyx's TeXML.
func twilioShape(level func(url.Values) (string, string)) shape {
	return shape{
		call: []string{"CallSid"}, message: []string{"MessageSid", "SmsSid"},
		from: []string{"From"}, to: []string{"To"}, spoken: []string{"SpeechResult", "TranscriptionText", "Body"}, written: []string{"Body"},
		// Status callbacks say nothing new and come to the contact of the call.
		later: []string{"RecordingSid", "RecordingUrl", "RecordingStatus", "TranscriptionSid", "TranscriptionStatus", "TranscriptionText", "SpeechResult"},
		facts: [][2]string{
			{"AccountSid", "account"}, {"CallSid", "call_sid"}, {"MessageSid", "message_sid"}, {"CallStatus", "call_status"},
			{"Direction", "direction"}, {"CallerName", "caller_name"}, {"ForwardedFrom", "forwarded_from"},
			{"FromCity", "from_city"}, {"FromState", "from_state"}, {"FromZip", "from_zip"}, {"FromCountry", "from_country"},
			{"ToCountry", "to_country"}, {"RecordingSid", "recording"}, {"RecordingUrl", "recording_url"},
			{"RecordingDuration", "recording_seconds"}, {"TranscriptionStatus", "transcription_status"}, {"NumMedia", "media"},
		},
		level: level,
	}
}
