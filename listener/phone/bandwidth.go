package phone

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// bandwidth signs nothing: whoever knows user and password is believed, so the
// ear must be reached over TLS.
func bandwidth() dialect {
	return dialect{
		kind: Bandwidth, prefix: "bw", wait: 8 * time.Second, // it gives up after 10 s
		account: func(p Provider) (verifier, error) {
			password, err := secretText(p)
			if p.User == "" {
				err = errors.Join(err, errors.New("no user"))
			}
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				err := webhook.VerifyBasic(p.User, webhook.Hidden(password), q.Header)
				mac := hmac.New(sha256.New, []byte(password))
				mac.Write(q.Body)
				return hex.EncodeToString(mac.Sum(nil)), err //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read:   readBandwidth,
		script: bandwidthScript,
	}
}

// bandwidthEvent is an event of a call, or one of a list about messages.
type bandwidthEvent struct {
	Event         string  `json:"eventType"`
	Call          string  `json:"callId"`
	From          numbers `json:"from"`
	To            numbers `json:"to"`
	Direction     string  `json:"direction"`
	Start         string  `json:"startTime"`
	Account       string  `json:"accountId"`
	Recording     string  `json:"recordingId"`
	Media         string  `json:"mediaUrl"`
	Transcription struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	} `json:"transcription"`
	Shaken struct {
		Verstat string `json:"verstat"`
		Letter  string `json:"attestationIndicator"`
	} `json:"stirShaken"`

	Type    string `json:"type"`
	Time    string `json:"time"`
	Message struct {
		ID   string  `json:"id"`
		From numbers `json:"from"`
		To   numbers `json:"to"`
		Text string  `json:"text"`
	} `json:"message"`
}

func readBandwidth(leg canary.Channel, q webhook.Request) []event {
	body := bytes.TrimSpace(q.Body)
	if !bytes.HasPrefix(body, []byte("[")) {
		body = slices.Concat([]byte("["), body, []byte("]"))
	}
	var list []bandwidthEvent
	if err := json.Unmarshal(body, &list); err != nil {
		return unreadable(leg, fmt.Errorf("not an event: %w", err))
	}
	if len(list) == 0 || len(list) > maxEvents {
		return unreadable(leg, fmt.Errorf("%d events, want 1 to %d", len(list), maxEvents))
	}
	var events []event
	for i := range list {
		if list[i].Type != "" {
			events = append(events, list[i].message())
		} else {
			events = append(events, list[i].call())
		}
	}
	return events
}

func (e *bandwidthEvent) message() event {
	ev := event{
		channel: canary.SMS, from: e.Message.From.first(), text: e.Message.Text,
		facts: map[string]string{"event_type": e.Type, "sent_at": e.Time, "message_sid": e.Message.ID},
	}
	if e.Type == "message-received" {
		ev.to = append(e.Message.To, e.To...)
		slices.Sort(ev.to)
		ev.to = slices.Compact(ev.to)
	}
	if e.Message.ID != "" {
		ev.id = []string{e.Message.ID, e.Type}
	}
	return ev
}

func (e *bandwidthEvent) call() event {
	ev := event{
		channel: canary.Voice, id: named(e.Call), over: e.Event != "initiate", from: e.From.first(), to: e.To,
		facts: map[string]string{
			"account": e.Account, "call_sid": e.Call, "event_type": e.Event, "direction": e.Direction, "sent_at": e.Start,
			"recording": e.Recording, "recording_url": e.Media, "transcription_url": e.Transcription.URL,
		},
	}
	ev.facts["attestation"], ev.facts["verdict"] = attestation(e.Shaken.Verstat)
	if level, _ := graded(e.Shaken.Letter, ""); level != "none" {
		ev.facts["attestation"] = level
	}
	if e.Direction == "outbound" {
		ev.to = nil
	}
	if e.Recording != "" {
		ev.later = []string{e.Event, e.Recording, e.Transcription.ID}
	}
	return ev
}

// bandwidthScript answers with BXML. Later webhooks carry the credentials that
// the document names, so they stand in it: it goes to the one who has them.
func bandwidthScript(p Provider, back string) script {
	s := script{end: xmlAnswer("<Hangup/>"), message: jsonAnswer(struct{}{})}
	switch p.Answer {
	case Reject:
		s.greet = s.end
	case Silence:
		s.greet = xmlAnswer(`<Pause duration="%d"/><Hangup/>`, holdTime)
	default:
		s.greet = xmlAnswer(`<SpeakSentence locale="%s">%s</SpeakSentence><Record maxDuration="%d" silenceTimeout="%d" recordCompleteUrl="%s" recordingAvailableUrl="%s" transcribe="true" transcriptionAvailableUrl="%s" username="%s" password="%s"/><Hangup/>`,
			strings.ReplaceAll(p.Language, "-", "_"), p.says(), 2*maxSpoken, endPause, back, back, back, p.User, strings.TrimSpace(string(p.Secret)))
	}
	return s
}
