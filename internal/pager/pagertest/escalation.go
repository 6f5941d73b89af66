package pagertest

import (
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// of gives the n-th page of an incident that is always the same.
func of(n int, at time.Time) canary.Page {
	p := Page(n, at)
	p.Incident = "i_incident99999999"
	return p
}

// chain is one route at once, and two that are held back.
func chain() []canary.Delivery {
	return []canary.Delivery{
		{Route: "hook"},
		{Route: "second", After: 10 * time.Minute, Fallback: 100 * time.Second},
		{Route: "third", After: 20 * time.Minute, Fallback: 200 * time.Second},
	}
}

// wantEscalated runs Escalate and compares the routes that it let go, each with
// a "!" where no route had accepted.
func (b box) wantEscalated(t *testing.T, now time.Time, want ...string) {
	t.Helper()
	list, err := b.Escalate(t.Context(), now)
	if err != nil {
		t.Fatalf("Escalate: %v", err)
	}
	got := []string{}
	for _, e := range list {
		if e.Unaccepted {
			e.Route += "!"
		}
		got = append(got, e.Route)
	}
	if !slices.Equal(got, want) {
		t.Errorf("let go at %s: %q, want %q", now.Format(time.TimeOnly), got, want)
	}
}

func orderKept(t *testing.T, b box, at time.Time) {
	first, second, other := of(2, at), of(1, at.Add(time.Second)), Page(3, at)
	b.seed(t, first, at, "hook", "duty")
	b.seed(t, second, at.Add(time.Second), "hook", "duty")
	b.seed(t, other, at.Add(time.Second), "hook")
	b.sent(t, first, "duty", at)
	b.failed(t, first, pager.Failure{At: at, Next: at.Add(time.Hour), Class: "timeout"})
	b.wantDue(t, at.Add(time.Minute), string(second.ID)+" duty", string(other.ID)+" hook") // what waits for the first is not due
	b.sent(t, second, "duty", at)
	b.sent(t, other, "hook", at)
	b.wantNext(t, at.Add(time.Hour))
	b.wantDue(t, at.Add(time.Hour), string(first.ID)+" hook")
	b.failed(t, first, pager.Failure{At: at, Class: "status 410", GaveUp: true})
	b.wantDue(t, at.Add(time.Hour), string(second.ID)+" hook") // what is given up holds up nothing
}

func stepsByClock(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	b.rig.Write(t, page, at, chain()...)
	b.wantDue(t, at.Add(time.Hour), string(page.ID)+" hook")
	b.sent(t, page, "hook", at)
	b.wantNext(t, at.Add(10*time.Minute))
	b.wantEscalated(t, at.Add(10*time.Minute-time.Microsecond))
	b.wantEscalated(t, at.Add(10*time.Minute), "second")
	b.wantEscalated(t, at.Add(10*time.Minute))
	b.wantDue(t, at.Add(10*time.Minute), string(page.ID)+" second")
	b.wantEscalated(t, at.Add(20*time.Minute), "third")
	b.wantDue(t, at.Add(20*time.Minute), string(page.ID)+" second", string(page.ID)+" third")
}

func stepsWhenNoneAccepts(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	b.rig.Write(t, page, at, chain()...)
	b.failed(t, page, pager.Failure{At: at, Next: at.Add(time.Hour), Class: "status 500"})
	b.wantNext(t, at.Add(100*time.Second))
	b.wantEscalated(t, at.Add(99*time.Second))
	b.wantEscalated(t, at.Add(100*time.Second), "second!")
	b.wantDue(t, at.Add(100*time.Second), string(page.ID)+" second")
	b.sent(t, page, "second", at.Add(101*time.Second))
	b.wantEscalated(t, at.Add(200*time.Second)) // the second has it
	b.wantEscalated(t, at.Add(20*time.Minute), "third")
}

func stepsWhenAllGiveUp(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	b.rig.Write(t, page, at, chain()...)
	b.wantEscalated(t, at)
	b.failed(t, page, pager.Failure{At: at, Class: "status 410", GaveUp: true})
	b.wantEscalated(t, at.Add(time.Second), "second!")
	b.wantEscalated(t, at.Add(time.Second)) // the third waits for it
	alone := Page(7, at)
	b.rig.Write(t, alone, at, chain()[1:]...) // too low a severity for the first route
	b.wantEscalated(t, at.Add(2*time.Second), "second!")
}

// logAcceptsNothing: what a log took has reached nobody.
func logAcceptsNothing(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	b.rig.Write(t, page, at, append(chain(), canary.Delivery{Route: "siem", Log: true})...)
	b.failed(t, page, pager.Failure{At: at, Next: at.Add(time.Hour), Class: "status 500"})
	b.sent(t, page, "siem", at)
	b.wantNext(t, at.Add(100*time.Second))
	b.wantEscalated(t, at.Add(99*time.Second))
	b.wantEscalated(t, at.Add(100*time.Second), "second!")
	hopeless := Page(7, at)
	b.rig.Write(t, hopeless, at, append(chain(), canary.Delivery{Route: "siem", Log: true})...)
	b.failed(t, hopeless, pager.Failure{At: at, Class: "status 410", GaveUp: true})
	b.wantEscalated(t, at.Add(101*time.Second), "second!") // whatever the log does
}

func acknowledged(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	page.Severity = canary.P2
	b.rig.Write(t, page, at, chain()...)
	b.rig.Acknowledge(t, page.Incident)
	b.wantEscalated(t, at.Add(time.Hour))
	if list := b.due(t, at, 10); len(list) != 1 || !list[0].Quiet {
		t.Errorf("a page of what is acknowledged: %+v", list)
	}
	b.sent(t, page, "hook", at)
	b.wantNext(t, time.Time{})
	worse := of(2, at.Add(time.Minute))
	worse.Severity = canary.P1
	b.rig.Write(t, worse, at.Add(time.Minute), chain()...)
	if list := b.due(t, at.Add(time.Minute), 10); len(list) != 1 || list[0].Quiet {
		t.Errorf("a page of what has become more urgent since: %+v", list)
	}
	b.wantEscalated(t, at.Add(time.Hour), "second", "third")
}

// acknowledgedAnew: a page of a proof that came since wakes people, though it is no
// more urgent, until somebody acknowledges that.
func acknowledgedAnew(t *testing.T, b box, at time.Time) {
	page := of(1, at)
	b.rig.Write(t, page, at, chain()...)
	b.rig.Acknowledge(t, page.Incident)
	b.sent(t, page, "hook", at)
	b.wantEscalated(t, at.Add(time.Hour))
	proof := of(2, at.Add(time.Minute))
	proof.Severity, proof.Anew = page.Severity, true
	b.rig.Write(t, proof, at.Add(time.Minute), chain()...)
	if list := b.due(t, at.Add(time.Minute), 10); len(list) != 1 || list[0].Quiet {
		t.Errorf("a page of a proof that is new: %+v", list)
	}
	b.sent(t, proof, "hook", at.Add(time.Minute))
	b.wantEscalated(t, at.Add(time.Hour), "second", "third")
	later := at.Add(2 * time.Hour)
	last := of(3, later)
	last.Severity, last.Anew = page.Severity, true
	b.rig.Write(t, last, later, chain()...)
	b.rig.Acknowledge(t, page.Incident) // of the pages before
	if list := b.due(t, later, 10); !slices.ContainsFunc(list, func(d pager.Delivery) bool { return d.Page.ID == last.ID && !d.Quiet }) {
		t.Errorf("an acknowledgement before it was sent mutes the page of a proof: %+v", list)
	}
	b.sent(t, last, "hook", later)
	b.rig.Acknowledge(t, page.Incident)
	for _, d := range b.due(t, later, 10) {
		if !d.Quiet {
			t.Errorf("a page of a proof that was acknowledged: %+v", d)
		}
	}
	b.wantEscalated(t, at.Add(4*time.Hour))
}

func closed(t *testing.T, b box, at time.Time) {
	first, last := of(2, at), of(1, at.Add(time.Second))
	b.rig.Write(t, first, at, chain()...)
	b.rig.Write(t, last, at.Add(time.Second), Steps("hook", "duty")...)
	b.sent(t, first, "hook", at)
	b.sent(t, last, "duty", at)
	b.rig.Close(t, first.Incident, canary.Leak)
	now := at.AddDate(0, 0, 1)
	b.wantEscalated(t, now)
	b.wantDue(t, now, string(last.ID)+" hook", string(last.ID)+" duty")
	for _, d := range b.due(t, now, 10) {
		want := pager.Trigger
		if d.Route == "duty" {
			want = pager.Resolve
		}
		if d.Kind != want || !d.Quiet || d.Verdict != canary.Leak || d.DedupKey != string(first.Incident) {
			t.Errorf("%s after the verdict: %+v", d.Route, d)
		}
		if err := b.Sent(t.Context(), d, now, "status 202"); err != nil {
			t.Errorf("Sent: %v", err)
		}
	}
	if list := b.due(t, now, 10); len(list) != 1 || list[0].Kind != pager.Resolve || list[0].Route != "hook" {
		t.Errorf("after the last page: %+v, want that it is closed", list)
	}
}

func laterStep(t *testing.T, b box, at time.Time) {
	first, last := of(2, at), of(1, at.Add(time.Minute))
	b.rig.Write(t, first, at, chain()...)
	b.sent(t, first, "hook", at)
	b.rig.Write(t, last, at.Add(time.Minute), chain()...)
	b.wantEscalated(t, at.Add(time.Minute+100*time.Second), "second!")
	b.wantDue(t, at.Add(time.Hour), string(last.ID)+" hook", string(last.ID)+" second")
	b.wantEscalated(t, at.Add(time.Hour), "third") // once, with the last page
}

func laterStepLeavesTheWorse(t *testing.T, b box, at time.Time) {
	worse, last := of(1, at), of(2, at.Add(time.Minute))
	worse.Severity = canary.P1
	b.rig.Write(t, worse, at, chain()...)
	b.sent(t, worse, "hook", at)
	b.rig.Write(t, last, at.Add(time.Minute), chain()...)
	b.wantEscalated(t, at.Add(time.Minute+100*time.Second), "second!")
	b.sent(t, last, "second", at.Add(3*time.Minute))
	b.wantEscalated(t, at.Add(10*time.Minute), "second") // the page that is worse
}

// worseFirst: what is less urgent and never succeeds holds up nothing worse, and
// that it is closed is still told last.
func worseFirst(t *testing.T, b box, at time.Time) {
	first, worse := of(1, at), of(2, at.Add(time.Second))
	worse.Severity = canary.P1
	b.seed(t, first, at, "hook")
	b.failed(t, first, pager.Failure{At: at, Next: at.Add(time.Hour), Class: "status 400"})
	b.seed(t, worse, at.Add(time.Second), "hook")
	b.wantNext(t, at.Add(time.Second))
	b.wantDue(t, at.Add(time.Second), string(worse.ID)+" hook")
	b.sent(t, worse, "hook", at.Add(time.Second))
	b.rig.Close(t, first.Incident, canary.Leak)
	now := at.Add(2 * time.Hour)
	if list := b.due(t, now, 10); len(list) != 1 || list[0].Kind != pager.Trigger {
		t.Errorf("after the verdict: %+v, want the page that is open", list)
	}
}

// clockAhead: what was put off while the clock was years ahead is not lost when it
// is set right.
func clockAhead(t *testing.T, b box, at time.Time) {
	wrong := at.AddDate(3, 0, 0)
	page := of(1, wrong)
	b.rig.Write(t, page, wrong, chain()...)
	b.wantDue(t, at, string(page.ID)+" hook")
	b.wantEscalated(t, at, "second!", "third!")
	tried := Page(2, at)
	b.seed(t, tried, at, "hook")
	b.failed(t, tried, pager.Failure{At: at, Next: at.Add(65 * time.Minute), Class: "status 503"})
	b.wantDue(t, at, string(page.ID)+" hook", string(page.ID)+" second", string(page.ID)+" third") // as far as a receiver may ask for
}
