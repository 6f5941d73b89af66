package phone

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// What the caller hears. It must fit any persona and show nothing of us.
const greeting = "Hello. I cannot come to the phone right now. Please say who is calling and what it is about, after the tone."

// voicemail makes the answer to a call. The recording and its transcript come
// back to the given address; without it Twilio would ask for this document
// again and the caller would go round in a circle.
func voicemail(back string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(back)) // writing to memory does not fail
	return xmlHead + `<Response><Say>` + greeting + `</Say>` +
		`<Record maxLength="120" timeout="5" playBeep="true" transcribe="true" action="` + b.String() +
		`" transcribeCallback="` + b.String() + `"/><Hangup/></Response>` + "\n"
}

func (e *Ear) hearTwilio(r *http.Request, body []byte) hearing {
	form, err := e.verifyTwilio(r, body)
	if err != nil {
		// What it claims is kept for whoever looks into the forgery.
		form, _ = webhook.Form(r.Header, body)
	}
	h := e.readTwilio(r.URL.Path, form)
	if err != nil {
		h.contact.Unverified = true
		h.contact.Facts[factRefused] = refusal(err)
		h.answer = forbidden()
		return h
	}
	if h.contact.ID == "" {
		// The signature stands for address and body, and is keyed: a number in
		// them could be guessed from a plain hash.
		h.contact.ID = eventID("tw", "unnamed", r.Header.Get(webhook.HeaderTwilio))
		h.contact.Facts[factMalformed] = "neither CallSid nor MessageSid"
	}
	return h
}

// verifyTwilio tries the token of each account; the last error stands for all.
func (e *Ear) verifyTwilio(r *http.Request, body []byte) (form url.Values, err error) {
	for _, token := range e.tokens {
		if form, err = webhook.VerifyTwilio(string(token), e.public+r.RequestURI, r.Header, body); err == nil {
			return form, nil
		}
	}
	return nil, err
}

func (e *Ear) readTwilio(path string, form url.Values) hearing {
	c := canary.Contact{Ear: earName(path), Source: form.Get("From"), Facts: twilioFacts(form)}
	for _, to := range form["To"] {
		if to != "" {
			c.Targets = append(c.Targets, canary.Target{Kind: canary.Phone, Text: to})
		}
	}
	call, message := form.Get("CallSid"), first(form, "MessageSid", "SmsSid")
	if path == pathSMS || path == pathTwilio && (call == "" || message != "") {
		c.Channel, c.Text = canary.SMS, form.Get("Body")
		if message != "" {
			c.ID = eventID("tw", "sms", message)
		}
		return hearing{c, answer{http.StatusOK, xmlType, xmlHead + "<Response/>\n"}}
	}
	c.Channel, c.Text = canary.Voice, first(form, "SpeechResult", "TranscriptionText", "Body")
	c.Facts["attestation"], c.Facts["verdict"] = attestation(form.Get("StirVerstat"))
	if call != "" {
		c.ID = eventID("tw", "voice", call)
	}
	later := laterPart(form)
	if later == nil {
		return hearing{c, answer{http.StatusOK, xmlType, e.voicemail}}
	}
	if call != "" {
		c.Facts[factCall] = string(c.ID)
		c.ID = eventID("tw", append([]string{"later", call}, later...)...)
	}
	return hearing{c, answer{http.StatusOK, xmlType, xmlHead + "<Response><Hangup/></Response>\n"}}
}

// laterPart gives what tells one later webhook of a call from another, nil for
// the webhook that a call begins with. Status callbacks, which say nothing new,
// count as the latter and so come to the same contact.
func laterPart(form url.Values) []string {
	var part []string
	found := false
	for _, key := range []string{"RecordingSid", "RecordingUrl", "RecordingStatus", "TranscriptionSid", "TranscriptionStatus", "TranscriptionText", "SpeechResult"} {
		v := form.Get(key)
		part = append(part, v)
		found = found || v != ""
	}
	if !found {
		return nil
	}
	return part
}

func first(form url.Values, keys ...string) string {
	for _, k := range keys {
		if v := form.Get(k); v != "" {
			return v
		}
	}
	return ""
}

func twilioFacts(form url.Values) map[string]string {
	facts := map[string]string{}
	for _, f := range [][2]string{
		{"AccountSid", "account"}, {"CallSid", "call_sid"}, {"MessageSid", "message_sid"}, {"CallStatus", "call_status"},
		{"Direction", "direction"}, {"CallerName", "caller_name"}, {"ForwardedFrom", "forwarded_from"},
		{"FromCity", "from_city"}, {"FromState", "from_state"}, {"FromZip", "from_zip"}, {"FromCountry", "from_country"},
		{"ToCountry", "to_country"}, {"RecordingSid", "recording"}, {"RecordingUrl", "recording_url"},
		{"RecordingDuration", "recording_seconds"}, {"TranscriptionStatus", "transcription_status"}, {"NumMedia", "media"},
	} {
		if v := form.Get(f[0]); v != "" {
			facts[f[1]] = v
		}
	}
	return facts
}

// attestation brings a SIP verstat value to two words: how far the caller's
// carrier vouches for the number (A, B, C or none) and what became of the check
// (passed, failed, none: not signed, unknown: not said). It is a hint, never an
// identity (ATIS-1000074; North America alone).
func attestation(verstat string) (level, verdict string) {
	level = "none"
	rest, passed := strings.CutPrefix(verstat, "TN-Validation-Passed")
	failed := false
	if !passed {
		rest, failed = strings.CutPrefix(verstat, "TN-Validation-Failed")
	}
	if len(rest) >= 2 && rest[0] == '-' && (len(rest) == 2 || rest[2] == '-') && strings.Contains("ABC", rest[1:2]) {
		level = rest[1:2]
	}
	switch {
	case passed:
		return level, "passed"
	case failed:
		return level, "failed"
	case strings.HasPrefix(verstat, "No-TN-Validation"):
		return "none", "none"
	}
	return "none", "unknown"
}
