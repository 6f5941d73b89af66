package pagertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// Rig is an outbox under test with its owner's side.
type Rig struct {
	Outbox pager.Outbox
	// Write writes a page of an open incident at the time given.
	Write func(t *testing.T, page canary.Page, at time.Time, steps ...canary.Delivery)
	// Acknowledge says that somebody is at an incident, which is as urgent as its
	// last page.
	Acknowledge func(t *testing.T, id canary.IncidentID)
	// Close closes an incident, at any time.
	Close func(t *testing.T, id canary.IncidentID, v canary.Verdict)
}

// Page returns the n-th page of a test, with every field set. The same n gives
// the same page.
func Page(n int, at time.Time) canary.Page {
	return canary.Page{
		ID:        canary.PageID(fmt.Sprintf("p_page%012d", n)),
		Incident:  canary.IncidentID(fmt.Sprintf("i_incident%08d", n)),
		Severity:  canary.P2,
		At:        canary.Micro(at),
		Place:     "db:main",
		Summary:   "A stranger wrote to a planted address <urgent> & more",
		Reasons:   []string{"one clean message to a planted, soaked address"},
		Proves:    "Somebody has the address, which stood in db:main alone.",
		ProvesNot: "Who took it, or that more than this record was taken.",
		Next:      []string{"Look at the incident", "Run saltmine trace"},
		Link:      fmt.Sprintf("https://saltmine.example.net/incident/%d", n),
		Contacts:  1,
		Canaries:  1,
	}
}

// box is an outbox under test with helpers that fail the test.
type box struct {
	pager.Outbox
	rig Rig
}

func (b box) seed(t *testing.T, page canary.Page, at time.Time, routes ...string) {
	t.Helper()
	b.rig.Write(t, page, at, Steps(routes...)...)
}

func (b box) due(t *testing.T, now time.Time, limit int) []pager.Delivery {
	t.Helper()
	d, err := b.Due(t.Context(), now, limit)
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	return d
}

// names gives "page route" of deliveries, sorted.
func names(list []pager.Delivery) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, string(d.Page.ID)+" "+d.Route)
	}
	slices.Sort(out)
	return out
}

func (b box) wantDue(t *testing.T, now time.Time, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := names(b.due(t, now, 100)); !slices.Equal(got, want) {
		t.Errorf("due at %s: %q, want %q", now.Format(time.TimeOnly), got, want)
	}
}

// wantNext checks Next; the zero time stands for "none".
func (b box) wantNext(t *testing.T, want time.Time) {
	t.Helper()
	got, some, err := b.Next(t.Context())
	if err != nil || some == want.IsZero() || some && !got.Equal(want) {
		t.Errorf("Next: %v, %v, %v; want %v", got, some, err, want)
	}
}

func (b box) sent(t *testing.T, page canary.Page, route string, at time.Time) {
	t.Helper()
	if err := b.Sent(t.Context(), pager.Delivery{Page: page, Route: route, Kind: pager.Trigger}, at, "status 202"); err != nil {
		t.Errorf("Sent: %v", err)
	}
}

// failed records a failure on the route "hook".
func (b box) failed(t *testing.T, page canary.Page, f pager.Failure) {
	t.Helper()
	if err := b.Failed(t.Context(), pager.Delivery{Page: page, Route: "hook", Kind: pager.Trigger}, f); err != nil {
		t.Errorf("Failed: %v", err)
	}
}

// TestOutbox runs the contract of pager.Outbox. Each call of open gives a new,
// empty outbox.
func TestOutbox(t *testing.T, open func(t *testing.T) Rig) {
	t.Helper()
	at := time.Date(2026, 8, 5, 10, 0, 0, 123456000, time.UTC)
	for name, test := range map[string]func(*testing.T, box, time.Time){
		"new page is due whole":          newPage,
		"sent is done on its route":      sentIsDone,
		"failed waits and is counted":    failedWaits,
		"given up is never due again":    givenUp,
		"limit counts per route, oldest": limitPerRoute,
		"order of one incident":          orderKept,
		"steps by the clock":             stepsByClock,
		"steps when none accepts":        stepsWhenNoneAccepts,
		"steps when all give up":         stepsWhenAllGiveUp,
		"a log accepts nothing":          logAcceptsNothing,
		"acknowledged":                   acknowledged,
		"acknowledged and proved anew":   acknowledgedAnew,
		"closed":                         closed,
		"a later step takes the earlier": laterStep,
		"a later step leaves the worse":  laterStepLeavesTheWorse,
		"the worse page goes first":      worseFirst,
		"a clock that was ahead":         clockAhead,
		"updates":                        updates,
		"updates come last":              updatesLast,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := open(t)
			test(t, box{rig.Outbox, rig}, at)
		})
	}
}

func newPage(t *testing.T, b box, at time.Time) {
	b.wantDue(t, at)
	b.wantNext(t, time.Time{})
	page := Page(1, at)
	b.seed(t, page, at, "hook", "duty")
	b.wantNext(t, at)
	b.wantDue(t, at.Add(-time.Second))
	list := b.due(t, at, 100)
	if len(list) != 2 {
		t.Fatalf("%d deliveries due, want 2", len(list))
	}
	want, _ := json.Marshal(page) // a page always encodes
	for _, d := range list {
		got, _ := json.Marshal(d.Page) // a page always encodes
		if string(got) != string(want) {
			t.Errorf("page\n%s\nwant\n%s", got, want)
		}
		if d.Kind != pager.Trigger || d.Attempts != 0 || d.DedupKey != string(page.Incident) {
			t.Errorf("kind %q, %d attempts, dedup key %q", d.Kind, d.Attempts, d.DedupKey)
		}
		if !d.First.Equal(at) || !d.NextTry.Equal(at) {
			t.Errorf("first %v, next try %v, want %v", d.First, d.NextTry, at)
		}
	}
}

func sentIsDone(t *testing.T, b box, at time.Time) {
	page := Page(1, at)
	b.seed(t, page, at, "hook", "duty")
	b.sent(t, page, "hook", at)
	b.wantDue(t, at, string(page.ID)+" duty")
	b.sent(t, page, "hook", at.Add(time.Second)) // the same again after a restart
	b.failed(t, page, pager.Failure{At: at, Next: at, Class: "timeout"})
	b.wantDue(t, at.Add(time.Hour), string(page.ID)+" duty")
	b.sent(t, page, "duty", at)
	b.wantDue(t, at.Add(time.Hour))
	b.wantNext(t, time.Time{})
}

func failedWaits(t *testing.T, b box, at time.Time) {
	page, next := Page(1, at), at.Add(2*time.Second)
	b.seed(t, page, at, "hook", "duty")
	b.failed(t, page, pager.Failure{At: at, Next: next, Class: "status 503"})
	b.wantDue(t, next.Add(-time.Microsecond), string(page.ID)+" duty")
	b.wantNext(t, at)
	b.sent(t, page, "duty", at)
	b.wantNext(t, next)
	list := b.due(t, next, 100)
	if len(list) != 1 || list[0].Route != "hook" || list[0].Attempts != 1 ||
		!list[0].First.Equal(at) || !list[0].NextTry.Equal(next) {
		t.Errorf("due after a failure: %+v", list)
	}
	b.failed(t, page, pager.Failure{At: next, Next: next.Add(time.Second), Class: "status 503"})
	if list = b.due(t, next.Add(time.Second), 100); len(list) != 1 || list[0].Attempts != 2 {
		t.Errorf("due after two failures: %+v", list)
	}
}

func givenUp(t *testing.T, b box, at time.Time) {
	page := Page(1, at)
	b.seed(t, page, at, "hook", "duty")
	b.failed(t, page, pager.Failure{At: at, Class: "status 410", GaveUp: true})
	b.wantDue(t, at.AddDate(1, 0, 0), string(page.ID)+" duty")
	b.sent(t, page, "duty", at)
	b.wantNext(t, time.Time{})
}

func limitPerRoute(t *testing.T, b box, at time.Time) {
	var late []string
	for n := range 6 {
		when := at.Add(-time.Duration(n) * time.Minute) // the last written is the oldest
		page := Page(n, when)
		b.seed(t, page, when, "stuck")
		if n >= 4 {
			late = append(late, string(page.ID)+" stuck")
		}
	}
	page := Page(9, at)
	b.seed(t, page, at, "other")
	want := append(late, string(page.ID)+" other")
	slices.Sort(want)
	if got := names(b.due(t, at, 2)); !slices.Equal(got, want) {
		t.Errorf("two of each route due: %q, want %q", got, want)
	}
}
