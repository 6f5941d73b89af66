package pagerduty

import (
	"net/url"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// changesAt is where PagerDuty takes change events: beside the others.
func changesAt(events *url.URL) *url.URL { return events.JoinPath("..", "change", "enqueue") }

// change is a change event. It has no alert and no urgency: PagerDuty shows it with
// the service and its open incidents, and tells nobody. A "trigger" under the key of
// the alert would not do for an update: where somebody has resolved the alert by
// hand it makes another one, which rings.
type change struct {
	RoutingKey string        `json:"routing_key"`
	Payload    changePayload `json:"payload"`
	Links      []link        `json:"links,omitempty"`
}

type changePayload struct {
	Summary   string    `json:"summary"`
	Source    string    `json:"source"`
	Timestamp time.Time `json:"timestamp"`
	Details   details   `json:"custom_details"`
}

// encodeChange gives the event, shortened where PagerDuty would refuse it.
func (r *Route) encodeChange(d pager.Delivery) ([]byte, error) {
	e := r.event(d)
	c := change{RoutingKey: e.RoutingKey, Links: e.Links, Payload: changePayload{
		Summary: cut("Update: "+d.Page.Summary, maxSummary), Source: e.Payload.Source, Timestamp: canary.Micro(d.Page.At), Details: e.Payload.Details,
	}}
	b, err := marshal(c)
	if err != nil || len(b) <= maxEvent {
		return b, err
	}
	c.Payload.Details = short(d.Page)
	return marshal(c)
}
