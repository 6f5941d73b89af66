// Package push sends pages to services that take one HTTP request a page:
//
//	slack          an incoming webhook, or chat.postMessage with a bot's token
//	teams          a Workflow of Microsoft Teams ("when a webhook request is received")
//	ntfy           a topic of ntfy.sh or of one's own server
//	alertmanager   Prometheus Alertmanager, API v2
//	ocsf           OCSF Detection Finding (class 2004) to any collector
//	twilio         a telephone call that reads the page out
//
// They are one table: a kind says how a page is encoded, which answer is a yes,
// and what can be asked to see that it would work without waking anybody
// ([Route.Check]). The bodies are written by encoders of JSON, XML and forms
// alone, never by putting strings together; texts come from package render.
//
// What wakes people: a page that is Quiet, an update or closes an incident goes to
// slack, teams, alertmanager and ocsf like any other, to ntfy at low priority, and is
// no call at all. An update stands in the thread of its page at slack where the API is
// used; to alertmanager it is the same alert with another text, which rings nobody.
//
// Secrets are in headers, or are the URL itself (slack, teams): errors hold
// neither (see package post). How it fails: like every route, see pager.Error.
// Statuses that no waiting mends are tried again all the same, a minute apart.
package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
	"saltmine/internal/pager/render"
)

// Config is what a route needs. Kind, Set and Now must be set, and of the rest
// what the kind needs.
type Config struct {
	Kind string
	// URL is where the service is; for slack without a Channel, and for teams, the
	// Secret is the URL.
	URL    string
	Secret string // webhook URL, token or password
	// Channel is that of slack's chat.postMessage, or ntfy's topic.
	Channel string
	User    string // twilio's account SID
	From    string // twilio's number
	To      string // twilio's number
	// AckURL is where Twilio reaches a [Keypad]; without it no key is asked for.
	AckURL string
	Set    *render.Set
	Now    func() time.Time
	Poster post.Config // its Now may be left out
}

// Route sends pages to one receiver.
type Route struct {
	cfg    Config
	kind   kind
	to     *url.URL
	form   *render.Form
	poster *post.Poster
}

// kind is how one service is spoken to.
type kind struct {
	base   string // whose default template is used; empty is the one for everybody
	escape render.Escape
	// encode gives header and body; ok false means that the page is not to be sent.
	encode func(ctx context.Context, r *Route, d pager.Delivery) (h http.Header, body []byte, ok bool, err error)
	// accept judges an answer, and keeps what names the page there.
	accept func(a post.Answer) (pager.Receipt, error)
	check  func(ctx context.Context, r *Route) error
}

func kinds() map[string]kind {
	return map[string]kind{
		"slack":        slackKind(),
		"teams":        teamsKind(),
		"ntfy":         ntfyKind(),
		"alertmanager": alertmanagerKind(),
		"ocsf":         ocsfKind(),
		"twilio":       twilioKind(),
	}
}

// New returns a route, or an error that shows neither the URL nor a secret.
func New(cfg Config) (*Route, error) {
	k, known := kinds()[cfg.Kind]
	if !known || cfg.Set == nil || cfg.Now == nil {
		return nil, fmt.Errorf("push: no kind %q, or no templates or clock", cfg.Kind)
	}
	cfg.Poster.Now = cfg.Now
	r := &Route{cfg: cfg, kind: k, form: cfg.Set.Form(cfg.Kind, k.base, k.escape), poster: post.New(cfg.Poster)}
	if cfg.Kind == "twilio" && (cfg.User == "" || cfg.From == "" || cfg.To == "") {
		return nil, errors.New("twilio: no account, or no numbers")
	}
	var err error
	if r.to, err = cfg.target(); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Kind, err)
	}
	return r, nil
}

// target is where pages are posted.
func (c *Config) target() (*url.URL, error) {
	address := c.URL
	if c.Kind == "teams" || c.Kind == "slack" && c.Channel == "" {
		address = c.Secret
	}
	to, err := post.ParseURL(address)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Kind == "alertmanager":
		return to.JoinPath("api", "v2", "alerts"), nil
	case c.Kind == "slack" && c.Channel != "":
		return to.JoinPath("chat.postMessage"), nil
	case c.Kind == "twilio":
		return to.JoinPath("2010-04-01", "Accounts", url.PathEscape(c.User), "Calls.json"), nil
	}
	return to, nil
}

// Send is the route (see pager.Send).
func (r *Route) Send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	header, body, ok, err := r.kind.encode(ctx, r, d)
	switch {
	case err != nil:
		return "", &pager.Error{Class: "page cannot be encoded", Err: err}
	case !ok:
		return "wakes nobody, not sent", nil
	}
	a, err := r.poster.Do(ctx, r.to, header, body)
	if err != nil {
		return "", err
	}
	return r.kind.accept(a)
}

// Check sees whether the route would work, as far as the service tells without
// waking anybody: that it answers and, where it can be asked, that it knows the
// secret.
func (r *Route) Check(ctx context.Context) error { return r.kind.check(ctx, r) }

// bearer is the header of a token, none when there is none.
func bearer(token string) http.Header {
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// statusOK takes some statuses for a yes.
func statusOK(yes func(int) bool) func(post.Answer) (pager.Receipt, error) {
	return func(a post.Answer) (pager.Receipt, error) {
		if yes(a.Status) {
			return pager.Receipt(fmt.Sprintf("status %d", a.Status)), nil
		}
		return "", post.Refusal(a)
	}
}

func reach(ctx context.Context, r *Route) error { return r.poster.Reach(ctx, r.to) }

// ask wants 200 to a GET.
func (r *Route) ask(ctx context.Context, at *url.URL, h http.Header) error {
	a, err := r.poster.Get(ctx, at, h)
	if err == nil && a.Status != http.StatusOK {
		err = post.Refusal(a)
	}
	return err
}
