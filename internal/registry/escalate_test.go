package registry_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
)

// TestAcknowledgements: an old word is not taken for one about what came later.
func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		must(t, r.Commit(ctx, o))
		id, paged := o.Incidents[0].ID, o.Pages[0].At
		if err := r.AcknowledgeAt(ctx, id, paged.Add(-time.Hour), 0, registry.By{Who: "dana", Via: "duty"}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("acknowledged before it was paged: %v", err)
		}
		for _, unknown := range []error{r.Acknowledge(ctx, "i_nobody", registry.By{Who: "dana", Via: "cli"}), r.AcknowledgeAt(ctx, "i_nobody", paged, 0, registry.By{Who: "dana", Via: "duty"})} {
			if !errors.Is(unknown, registry.ErrNotFound) {
				t.Errorf("an unknown incident: %v", unknown)
			}
		}
		said := paged.Add(-time.Second) // their clock is behind
		must(t, r.AcknowledgeAt(ctx, id, said, 0, registry.By{Who: "dana", Via: "duty"}))
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "somebody else", Via: "cli"}))
		want := registry.Ack{Severity: canary.P2, At: said, Who: "dana", Via: "duty"}
		if got, err := r.AckOf(ctx, string(id)); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		must(t, r.Outbox().Sent(ctx, pager.Delivery{Page: o.Pages[0], Route: "hook", Kind: pager.Trigger}, paged, "status 202"))
		worse := o.Incidents[0]
		worse.Severity = canary.P1
		page := o.Pages[0]
		page.ID, page.Severity, page.At = "p_later", canary.P1, paged.Add(time.Hour)
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{worse}, Pages: []canary.Page{page},
			Deliveries: []canary.Delivery{{Page: page.ID, Route: "hook"}}}))
		must(t, r.AcknowledgeAt(ctx, id, said, 0, registry.By{Who: "dana", Via: "duty"})) // the same webhook again
		if got, err := r.AckOf(ctx, string(id)); err != nil || got != want {
			t.Errorf("sent again: %+v, %v; want %+v", got, err, want)
		}
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "sam", Via: "cli"}))
		if got, err := r.AckOf(ctx, string(id)); err != nil || got != want {
			t.Errorf("acknowledged what nobody was told: %+v, %v; want %+v", got, err, want)
		}
		must(t, r.Outbox().Sent(ctx, pager.Delivery{Page: page, Route: "hook", Kind: pager.Trigger}, page.At, "status 202"))
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "sam", Via: "cli"}))
		if got, err := r.AckOf(ctx, string(id)); err != nil || got.Severity != canary.P1 || got.Who != "sam" {
			t.Errorf("acknowledged as it is now: %+v, %v", got, err)
		}
	})
}

// TestAcknowledgedIsWhatTheRouteShowed: who acknowledges there knows of nothing
// that the route has not accepted, though it was written, or went elsewhere.
func TestAcknowledgedIsWhatTheRouteShowed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		id, first, worse := o.Incidents[0].ID, o.Pages[0], o.Pages[0]
		worse.ID, worse.Severity, worse.At = "p_worse", canary.P1, first.At.Add(time.Minute)
		accept := func(page canary.Page, route string, at time.Time) {
			t.Helper()
			must(t, r.Outbox().Sent(ctx, pager.Delivery{Page: page, Route: route, Kind: pager.Trigger}, at, "status 202"))
		}
		alert := canary.Severity(0) // which one is not known
		said := func(at time.Time, want canary.Severity) {
			t.Helper()
			must(t, r.AcknowledgeAt(ctx, id, at, alert, registry.By{Who: "dana", Via: "duty"}))
			if got, err := r.AckOf(ctx, string(id)); err != nil || got.Severity != want {
				t.Errorf("said at %s: %v, %v; want %v", at.Format(time.TimeOnly), got, err, want)
			}
		}
		inc := o.Incidents[0]
		inc.Severity = canary.P1
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{inc}, Pages: []canary.Page{worse},
			Deliveries: []canary.Delivery{{Page: worse.ID, Route: "duty"}, {Page: worse.ID, Route: "hook"}}}))
		later := worse.At.Add(time.Minute)
		accept(worse, "hook", worse.At)
		said(worse.At, canary.P2) // nothing was accepted as far as is known: the least of what may be shown
		accept(first, "duty", first.At)
		said(later, canary.P2)
		accept(worse, "duty", later)
		said(later.Add(-time.Second), canary.P2)
		alert = canary.P2 // the one of before; the worse one was not touched
		said(later, canary.P2)
		alert = canary.P1
		said(later, canary.P1)
	})
}

// TestProofIsKnownWhereItWasSent: an acknowledgement mutes the page of a proof only
// where its route had accepted that page by then; one of the incident itself mutes it.
func TestProofIsKnownWhereItWasSent(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		id, first := o.Incidents[0].ID, o.Pages[0]
		sent := func(page canary.Page, route string, at time.Time) {
			t.Helper()
			must(t, r.Outbox().Sent(ctx, pager.Delivery{Page: page, Route: route, Kind: pager.Trigger}, at, "status 202"))
		}
		sent(first, "duty", first.At)
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "dana", Via: "cli"}))
		at := first.At.Add(time.Hour)
		proof := func(pageID canary.PageID) canary.Page {
			t.Helper()
			page := first
			page.ID, page.At, page.Anew = pageID, at, true
			must(t, r.Commit(ctx, canary.Outcome{Pages: []canary.Page{page}, Deliveries: []canary.Delivery{
				{Page: pageID, Route: "duty"}, {Page: pageID, Route: "hook"}, {Page: pageID, Route: "log", Log: true}, {Page: pageID, Route: string(pageID)}}}))
			return page
		}
		loud := func(page canary.Page, what string, want bool) {
			t.Helper()
			list, err := r.Outbox().Due(ctx, at.Add(24*time.Hour), 100)
			must(t, err)
			i := slices.IndexFunc(list, func(d pager.Delivery) bool { return d.Route == string(page.ID) })
			if i < 0 || list[i].Quiet == want {
				t.Errorf("%s: %+v, want that it wakes people: %v", what, list, want)
			}
		}
		elsewhere := func(route string, said time.Time) {
			t.Helper()
			must(t, r.AcknowledgeAt(ctx, id, said, 0, registry.By{Who: "dana", Via: route}))
		}
		one := proof("p_one")
		sent(one, "log", at)
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "dana", Via: "cli"}))
		loud(one, "only a log has it", true)
		sent(one, "hook", at.Add(time.Minute))
		elsewhere("duty", at.Add(time.Hour))
		loud(one, "another route has it", true)
		sent(one, "duty", at.Add(2*time.Minute))
		elsewhere("duty", at.Add(time.Minute))
		loud(one, "it was said before it was sent", true)
		elsewhere("duty", at.Add(2*time.Minute).Truncate(time.Second)) // whole seconds
		loud(one, "it was said on its route", false)
		two := proof("p_two")
		cases, err := r.Cases(ctx, registry.CaseFilter{ID: id})
		must(t, err)
		must(t, r.Acknowledge(ctx, id, registry.By{Who: "dana", Via: "cli", Version: cases[0].Version}))
		loud(two, "the incident itself was shown", false)
	})
}
