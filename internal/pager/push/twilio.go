package push

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"

	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
	"saltmine/internal/pager/render"
)

const (
	twimlBytes = 4000 // Twilio takes as many
	spokenText = 700  // characters, about a minute
)

// twiml is what Twilio does in the call. It says it twice: the first time people
// are still waking up.
type twiml struct {
	XMLName xml.Name `xml:"Response"`
	Do      []any
}

type say struct {
	XMLName xml.Name `xml:"Say"`
	Text    string   `xml:",chardata"`
}

type pause struct {
	XMLName xml.Name `xml:"Pause"`
	Length  int      `xml:"length,attr"`
}

func twilioKind() kind {
	return kind{base: "voice", encode: encodeCall, accept: acceptCall, check: checkTwilio}
}

// basic is Twilio's log-in.
func (r *Route) basic() http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(r.cfg.User+":"+r.cfg.Secret))}}
}

// encodeCall asks for a call. Nobody is called to be told that there is nothing to do.
func encodeCall(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	if d.Quiet || d.Kind == pager.Resolve {
		return nil, nil, false, nil
	}
	doc, err := r.spoken(ctx, d)
	h := r.basic()
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	form := url.Values{"To": {r.cfg.To}, "From": {r.cfg.From}, "Twiml": {string(doc)}}
	return h, []byte(form.Encode()), true, err
}

func (r *Route) spoken(ctx context.Context, d pager.Delivery) ([]byte, error) {
	t, keypad := r.form.Text(ctx, d, titleText, spokenText), r.ackURL(d)
	for most := spokenText; ; most /= 2 {
		text := say{Text: t.Title + " " + render.Cut(t.Body, most)}
		do := []any{pause{Length: 1}, text, pause{Length: 2}, text}
		if keypad != "" {
			press := say{Text: "Press " + takeKey + " if you are at it."}
			do = []any{gather{Action: keypad, Digits: 1, Wait: 10, Do: []any{pause{Length: 1}, text, press, pause{Length: 2}, text, press}}, say{Text: "It is not acknowledged."}}
		}
		doc, err := xml.Marshal(twiml{Do: do})
		if err != nil || len(doc) <= twimlBytes || most < 50 {
			return doc, err
		}
	}
}

var callSID = regexp.MustCompile(`^CA[0-9a-f]{32}$`)

// acceptCall takes 201 for a yes: the call is in Twilio's queue.
func acceptCall(a post.Answer) (pager.Receipt, error) {
	if a.Status != http.StatusCreated {
		return "", post.Refusal(a)
	}
	var call struct {
		SID string `json:"sid"`
	}
	if json.Unmarshal(a.Body, &call) == nil && callSID.MatchString(call.SID) {
		return pager.Receipt(call.SID), nil
	}
	return "status 201", nil
}

// checkTwilio reads the account.
func checkTwilio(ctx context.Context, r *Route) error {
	at := r.to.JoinPath("..")
	at.Path += ".json"
	return r.ask(ctx, at, r.basic())
}
