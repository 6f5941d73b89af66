// Package pagerduty sends pages to PagerDuty by its Events API v2.
//
// A page is a "trigger" event whose dedup_key is the incident's id and how urgent
// it is. So the pages of one incident are one alert, a page that is sent twice
// changes nothing, and an incident that gets more urgent, or proves something anew,
// calls somebody again: an alert that has been acknowledged never rings a second time.
//
//	{"routing_key":"…","event_action":"trigger","dedup_key":"i_mfrggzdfmztwq2lk/P1",
//	 "client":"Saltmine","client_url":"https://…",
//	 "payload":{"summary":"…","source":"db:main","severity":"critical",
//	   "timestamp":"2026-08-05T10:00:00Z","class":"P1","custom_details":{…}}}
//
// P1 is critical, P2 error, P3 warning, P4 info. The summary is cut to 1024
// characters; an event above 512000 bytes, which PagerDuty refuses, is sent
// without its long texts and says so.
//
// 202 is the only yes: it means accepted, not that a person was called. 400 is
// final (the event or the routing key is wrong, PagerDuty says not to repeat
// it) and given up loudly. 429 and 5xx are tried again; so is everything else,
// with longer pauses (see post.Refusal).
//
// An update is a change event, of which PagerDuty notifies nobody (change.go).
//
// When an incident gets its verdict "resolve" events close its alerts. What people acknowledge at PagerDuty comes back by its webhooks
// (version 3, see [Acks]).
package pagerduty

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
)

// EventsURL is where PagerDuty takes events.
const EventsURL = "https://events.pagerduty.com/v2/enqueue"

const (
	maxSummary = 1024   // characters
	maxEvent   = 512000 // bytes
	maxDedup   = 255    // characters
	between    = "/"    // the parts of an alert's name
	anew       = "anew"
)

// Key is an integration's routing key. It masks itself when printed.
type Key string

const masked = "(secret)"

// String masks the key.
func (Key) String() string { return masked }

// GoString masks the key.
func (Key) GoString() string { return masked }

// MarshalText masks the key.
func (Key) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue masks the key.
func (Key) LogValue() slog.Value { return slog.StringValue(masked) }

// Config is what a route to PagerDuty needs. RoutingKey and Now must be set.
type Config struct {
	RoutingKey Key
	URL        string // empty is EventsURL
	Now        func() time.Time
	Poster     post.Config // its Now may be left out
}

// Route sends pages to one PagerDuty service.
type Route struct {
	key    Key
	to     *url.URL
	change *url.URL
	now    func() time.Time
	poster *post.Poster
}

// New returns a route, or an error when the key or the clock is missing or the
// URL is none.
func New(cfg Config) (*Route, error) {
	if cfg.RoutingKey == "" || cfg.Now == nil {
		return nil, errors.New("pagerduty: no routing key or no clock")
	}
	to, err := post.ParseURL(cmp.Or(cfg.URL, EventsURL))
	if err != nil {
		return nil, fmt.Errorf("pagerduty: url: %w", err)
	}
	cfg.Poster.Now = cfg.Now
	return &Route{key: cfg.RoutingKey, to: to, change: changesAt(to), now: cfg.Now, poster: post.New(cfg.Poster)}, nil
}

// Send is the route (see pager.Send).
func (r *Route) Send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	switch d.Kind {
	case pager.Update:
		body, err := r.encodeChange(d)
		return r.post(ctx, r.change, body, err)
	case pager.Trigger:
		return r.send(ctx, d)
	}
	// Which alerts it has had is not known here; to close one that there is not is no fault.
	var receipt pager.Receipt
	for i := range 2 * canary.P4 {
		d.Page.Severity, d.Page.Anew = i/2+canary.P1, i%2 == 1
		var err error
		if receipt, err = r.send(ctx, d); err != nil {
			return "", err
		}
	}
	return receipt, nil
}

func (r *Route) send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	body, err := r.encode(d)
	return r.post(ctx, r.to, body, err)
}

// post sends what was encoded, if it could be.
func (r *Route) post(ctx context.Context, to *url.URL, body []byte, err error) (pager.Receipt, error) {
	if err != nil {
		return "", &pager.Error{Class: "page cannot be encoded", Err: err}
	}
	a, err := r.poster.Do(ctx, to, nil, body)
	switch {
	case err != nil:
		return "", err
	case a.Status == http.StatusAccepted:
		return "status 202", nil
	case a.Status == http.StatusBadRequest:
		return "", &pager.Error{Class: "status 400, the event or the routing key is wrong"}
	}
	return "", post.Refusal(a)
}

// Check closes an alert that there never was: PagerDuty takes that from whoever
// has a routing key, and wakes nobody.
func (r *Route) Check(ctx context.Context) error {
	body, err := marshal(event{RoutingKey: string(r.key), Action: pager.Resolve, DedupKey: "saltmine-check", Client: "Saltmine", Payload: payload{
		Summary: "check of the route", Source: "saltmine", Severity: "info", Timestamp: r.now(),
	}})
	if err != nil {
		return err
	}
	a, err := r.poster.Do(ctx, r.to, nil, body)
	if err == nil && a.Status != http.StatusAccepted {
		err = post.Refusal(a)
	}
	return err
}

type event struct {
	RoutingKey string  `json:"routing_key"`
	Action     string  `json:"event_action"`
	DedupKey   string  `json:"dedup_key"`
	Client     string  `json:"client"`
	ClientURL  string  `json:"client_url,omitempty"`
	Links      []link  `json:"links,omitempty"`
	Payload    payload `json:"payload"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type payload struct {
	Summary   string    `json:"summary"`
	Source    string    `json:"source"`
	Severity  string    `json:"severity"`
	Timestamp time.Time `json:"timestamp"`
	Class     string    `json:"class"`
	Details   details   `json:"custom_details"`
}

type details struct {
	Page      canary.PageID     `json:"page"`
	Incident  canary.IncidentID `json:"incident,omitempty"`
	Notice    canary.NoticeID   `json:"notice,omitempty"`
	Reasons   []string          `json:"reasons,omitempty"`
	Proves    string            `json:"proves,omitempty"`
	ProvesNot string            `json:"proves_not,omitempty"`
	Sure      string            `json:"sure,omitempty"`
	Window    []string          `json:"window,omitempty"`
	Suspects  []string          `json:"suspects,omitempty"`
	Next      []string          `json:"next,omitempty"`
	Contacts  int               `json:"contacts"`
	Canaries  int               `json:"canaries"`
	Cut       string            `json:"cut,omitempty"`
}

// encode gives the event, shortened where PagerDuty would refuse it.
func (r *Route) encode(d pager.Delivery) ([]byte, error) {
	e := r.event(d)
	b, err := marshal(e)
	if err != nil || len(b) <= maxEvent {
		return b, err
	}
	e.Payload.Details = short(d.Page)
	return marshal(e)
}

// short is what stands for details that are too long.
func short(p canary.Page) details {
	return details{
		Page: p.ID, Incident: p.Incident, Notice: p.Notice, Contacts: p.Contacts, Canaries: p.Canaries,
		Cut: "The texts of this page are too long for PagerDuty; read them at the incident.",
	}
}

func (r *Route) event(d pager.Delivery) event {
	p := d.Page
	e := event{
		RoutingKey: string(r.key),
		Action:     d.Kind,
		DedupKey:   alert(d),
		Client:     "Saltmine",
		Payload: payload{
			Summary:   cut(p.Summary, maxSummary),
			Source:    string(p.Place),
			Severity:  severity(p.Severity),
			Timestamp: canary.Micro(p.At),
			Class:     p.Severity.String(),
			Details: details{
				Page: p.ID, Incident: p.Incident, Notice: p.Notice, Reasons: p.Reasons, Proves: p.Proves,
				ProvesNot: p.ProvesNot, Sure: p.Sure, Window: p.Window, Suspects: p.Suspects, Next: p.Next, Contacts: p.Contacts, Canaries: p.Canaries,
			},
		},
	}
	if d.Quiet {
		e.Payload.Severity = severity(canary.P4) // which PagerDuty's rules can keep from ringing
	}
	// An event with a link that is none is refused as a whole.
	if _, err := post.ParseURL(p.Link); err == nil {
		e.ClientURL = p.Link
		e.Links = []link{{Href: p.Link, Text: "Incident " + string(p.Incident)}}
		if p.Notice != "" {
			e.Links[0].Text = "Notice " + string(p.Notice)
		}
	}
	return e
}

// alert names the alert of a delivery: what it is about, how urgent that is, and
// whether it proves something that was acknowledged without.
func alert(d pager.Delivery) string {
	const rest = len(between+"P1"+between) + len(anew)
	name := cut(d.DedupKey, maxDedup-rest) + between + d.Page.Severity.String()
	if d.Page.Anew {
		name += between + anew
	}
	return name
}

// about reads the name of an alert; the severity is 0 where it has none.
func about(alert string) (key string, shown canary.Severity) {
	key, rest, _ := strings.Cut(alert, between)
	word, _, _ := strings.Cut(rest, between)
	shown, _ = canary.ParseSeverity(word) // another's key is nobody's here
	return key, shown
}

// severity gives PagerDuty's word. An unknown severity is the most urgent: a
// page that cannot be placed must not be the quiet one.
func severity(s canary.Severity) string {
	switch s {
	case canary.P2:
		return "error"
	case canary.P3:
		return "warning"
	case canary.P4:
		return "info"
	default:
		return "critical"
	}
}

// cut shortens s to n characters, the last of them an ellipsis.
func cut(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

func marshal(e any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
