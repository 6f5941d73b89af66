package phone

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
)

// How a call is answered.
const (
	Voicemail = "voicemail" // greet, and take down what is said
	Reject    = "reject"    // do not pick up, or hang up at once
	Silence   = "silence"   // pick up, say nothing and record nothing
)

// Answers gives the ways in which a call is answered.
func Answers() []string { return []string{Voicemail, Reject, Silence} }

// The greeting must fit any persona and show nothing of us.
const (
	defaultGreeting = "Hello. I cannot come to the phone right now. Please say who is calling, for whom, and what it is about."
	defaultLanguage = "en-US"
	maxGreeting     = 1000 // bytes
)

// How long a caller is listened to, in seconds; silence means as long.
const (
	maxSpoken = 60
	endPause  = 3
	holdTime  = 10
)

var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?$`)

// script is what a provider is answered.
type script struct {
	greet   answer // when a call begins
	end     answer // to its later webhooks
	message answer // to a text message
	// fault answers a verified request that cannot be understood; nil: as above.
	fault func(string) answer
}

func (s *script) to(ev event) answer {
	switch {
	case ev.malformed != "" && s.fault != nil:
		return s.fault(ev.malformed)
	case ev.channel == "sms":
		return s.message
	case ev.over || ev.later != nil:
		return s.end
	}
	return s.greet
}

// withDefaults fills in how calls are answered and says what is wrong with it.
func (p Provider) withDefaults() (Provider, error) {
	if p.Answer == "" {
		p.Answer = Voicemail
	}
	if p.Greeting == "" {
		p.Greeting = defaultGreeting
	}
	if p.Language == "" {
		p.Language = defaultLanguage
	}
	switch {
	case p.Answer != Voicemail && p.Answer != Reject && p.Answer != Silence:
		return p, fmt.Errorf("answer %q is none of %v", p.Answer, Answers())
	case !spoken(p.Greeting):
		return p, fmt.Errorf("greeting of %d bytes, want up to %d of UTF-8 without control characters", len(p.Greeting), maxGreeting)
	case !languageForm.MatchString(p.Language):
		return p, fmt.Errorf("language %q is not of the form en-US", p.Language)
	}
	return p, nil
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// xmlAnswer gives a document whose element Response has the given content; the
// arguments are escaped.
func xmlAnswer(content string, args ...any) answer {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			var b bytes.Buffer
			_ = xml.EscapeText(&b, []byte(text)) // writing to memory does not fail
			args[i] = b.String()
		}
	}
	text := "<Response/>\n"
	if content != "" {
		text = "<Response>" + fmt.Sprintf(content, args...) + "</Response>\n"
	}
	return answer{http.StatusOK, xmlType, xmlHead + text}
}

func jsonAnswer(v any) answer {
	b, err := json.Marshal(v)
	if err != nil { // only for values that the callers do not make
		b = []byte("{}")
	}
	return answer{http.StatusOK, jsonType, string(b) + "\n"}
}

// cxml gives the answers of Twilio and of those who took its language over.
// transcribe names the attribute that asks for a transcript, and callback the
// one that says where it goes. Without action a provider would ask for the same
// document again, and the caller would go round in a circle.
func cxml(p Provider, back, transcribe, callback string) script {
	s := script{end: xmlAnswer("<Hangup/>"), message: xmlAnswer("")}
	switch p.Answer {
	case Reject:
		s.greet = xmlAnswer("<Reject/>")
	case Silence:
		s.greet = xmlAnswer(`<Pause length="%d"/><Hangup/>`, holdTime)
	default:
		s.greet = xmlAnswer(`<Say language="%s">%s</Say><Record maxLength="%d" timeout="%d" playBeep="true" action="%s" %s="true" %s="%s"/><Hangup/>`,
			p.Language, p.says(), 2*maxSpoken, endPause, back, transcribe, callback, back)
	}
	return s
}
