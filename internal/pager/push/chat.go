package push

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
	"saltmine/internal/pager/render"
)

// The most that the services take.
const (
	slackText  = 2900  // characters of a section; Slack takes 3000
	teamsBytes = 27000 // of the whole; Teams takes 28 KB
	teamsText  = 6000
	ntfyText   = 3500 // bytes of a message; ntfy takes 4096
	titleText  = 250
)

// mrkdwn takes away what Slack reads as markup: the three characters that it wants as
// entities, and those that change how text looks. An underscore stays, for ids.
func mrkdwn(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "'").Replace(s)
}

type slackMessage struct {
	Channel string       `json:"channel,omitempty"`
	Thread  string       `json:"thread_ts,omitempty"`
	Text    string       `json:"text"`
	Blocks  []slackBlock `json:"blocks"`
	Links   bool         `json:"unfurl_links"`
	Media   bool         `json:"unfurl_media"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackPart `json:"text"`
}

type slackPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func slackKind() kind {
	return kind{base: "slack", escape: mrkdwn, encode: encodeSlack, accept: acceptSlack, check: checkSlack}
}

func encodeSlack(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	t := r.form.Text(ctx, d, titleText, slackText)
	m := slackMessage{Channel: r.cfg.Channel, Text: t.Title}
	if d.Kind == pager.Update && r.cfg.Channel != "" { // a webhook's message has no name to answer to
		m.Thread = threadOf(d.Head.Receipt)
	}
	for _, text := range []string{"*" + t.Title + "*", t.Body} {
		if strings.Trim(text, "* ") != "" { // Slack refuses an empty section
			m.Blocks = append(m.Blocks, slackBlock{"section", slackPart{"mrkdwn", text}})
		}
	}
	body, err := json.Marshal(m)
	h := http.Header{}
	if r.cfg.Channel != "" {
		h = bearer(r.cfg.Secret)
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	return h, body, true, err
}

// slackStamp is the name that Slack gives a message in its channel.
var slackStamp = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,9}$`)

const okStamp = "ok, ts "

// threadOf finds the message that a page became.
func threadOf(r pager.Receipt) string {
	stamp, named := strings.CutPrefix(string(r), okStamp)
	if !named || !slackStamp.MatchString(stamp) {
		return ""
	}
	return stamp
}

var slackWord = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

// acceptSlack reads both forms: a webhook says 200 and "ok", the API always 200,
// and in JSON whether it was.
func acceptSlack(a post.Answer) (pager.Receipt, error) {
	if a.Status != http.StatusOK {
		return "", post.Refusal(a)
	}
	if strings.TrimSpace(string(a.Body)) == "ok" {
		return "ok", nil
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		Stamp string `json:"ts"`
	}
	if err := json.Unmarshal(a.Body, &said); err == nil && said.OK {
		if slackStamp.MatchString(said.Stamp) {
			return pager.Receipt(okStamp + said.Stamp), nil
		}
		return "ok", nil
	}
	if !slackWord.MatchString(said.Error) {
		said.Error = "no yes"
	}
	return "", &pager.Error{Class: "slack: " + said.Error, Retry: true, RetryAfter: post.Refusal(a).RetryAfter}
}

// checkSlack asks the API who we are. A webhook is posted a message without
// text, which Slack refuses as such when it knows the webhook, and shows nobody.
func checkSlack(ctx context.Context, r *Route) error {
	if r.cfg.Channel != "" {
		a, err := r.poster.Do(ctx, r.to.JoinPath("..", "auth.test"), bearer(r.cfg.Secret), nil)
		if err == nil {
			_, err = acceptSlack(a)
		}
		return err
	}
	a, err := r.poster.Do(ctx, r.to, nil, []byte(`{"text":""}`))
	if err != nil {
		return err
	}
	if said := strings.TrimSpace(string(a.Body)); a.Status == http.StatusBadRequest && (said == "no_text" || said == "invalid_payload") {
		return nil
	}
	return post.Refusal(a)
}

// A card's texts are runs of a RichTextBlock: unlike TextBlock it reads no Markdown.
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		Type    string    `json:"contentType"`
		Content teamsCard `json:"content"`
	}
	teamsCard struct {
		Schema  string        `json:"$schema"`
		Type    string        `json:"type"`
		Version string        `json:"version"`
		Body    []teamsBlock  `json:"body"`
		Actions []teamsAction `json:"actions,omitempty"`
		Teams   teamsWidth    `json:"msteams"`
	}
	teamsBlock struct {
		Type    string     `json:"type"`
		Inlines []teamsRun `json:"inlines"`
	}
	teamsRun struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Weight string `json:"weight,omitempty"`
		Size   string `json:"size,omitempty"`
		Colour string `json:"color,omitempty"` //nolint:misspell // the card's word
	}
	teamsAction struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
	teamsWidth struct {
		Width string `json:"width"`
	}
)

func teamsKind() kind {
	return kind{encode: encodeTeams, check: reach, accept: statusOK(func(s int) bool { return s >= 200 && s < 300 })}
}

func encodeTeams(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	for most := teamsText; ; most /= 2 {
		body, err := json.Marshal(teamsCardOf(d, r.form.Text(ctx, d, titleText, most)))
		if err != nil || len(body) <= teamsBytes || most < 100 {
			return nil, body, true, err
		}
	}
}

func teamsCardOf(d pager.Delivery, t render.Text) teamsMessage {
	colour := ""
	if d.Kind == pager.Trigger && d.Page.Severity.Reaches(canary.P2) {
		colour = "Attention"
	}
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Teams: teamsWidth{"Full"},
		Body: []teamsBlock{{"RichTextBlock", []teamsRun{{"TextRun", t.Title, "Bolder", "Medium", colour}}}},
	}
	for line := range strings.SplitSeq(t.Body, "\n") {
		if line != "" {
			card.Body = append(card.Body, teamsBlock{"RichTextBlock", []teamsRun{{Type: "TextRun", Text: line}}})
		}
	}
	if link := pager.Clean(d.Page).Link; link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open", link}}
	}
	return teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}}
}

type ntfyMessage struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags"`
	Click    string   `json:"click,omitempty"`
}

func ntfyKind() kind {
	return kind{encode: encodeNtfy, check: checkNtfy, accept: statusOK(func(s int) bool { return s == http.StatusOK })}
}

func encodeNtfy(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	t := r.form.Text(ctx, d, titleText, ntfyText)
	m := ntfyMessage{Topic: r.cfg.Channel, Title: t.Title, Message: t.Body, Tags: []string{"rotating_light", d.Page.Severity.String()}, Click: pager.Clean(d.Page).Link}
	for n := ntfyText; len(m.Message) > ntfyText; n /= 2 { // ntfy would make a file of it
		m.Message = render.Cut(m.Message, n)
	}
	m.Priority = max(2, 6-int(d.Page.Severity)) // P1 is 5, the highest
	if d.Quiet || d.Kind == pager.Resolve || d.Test {
		m.Priority, m.Tags[0] = 2, "information_source"
	}
	body, err := json.Marshal(m)
	return bearer(r.cfg.Secret), body, true, err
}

// checkNtfy asks whether we may use the topic; that wakes nobody.
func checkNtfy(ctx context.Context, r *Route) error {
	return r.ask(ctx, r.to.JoinPath(url.PathEscape(r.cfg.Channel), "auth"), bearer(r.cfg.Secret))
}
