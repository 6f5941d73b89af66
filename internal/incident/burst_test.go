package incident_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/registry"
)

// burst is how many contacts of noise TestBurst takes in.
var burst = flag.Int("burst", 1500, "contacts of noise in TestBurst; 100000 for the whole")

// told are the pages of all incidents, without what is told twice of one page.
func (w *world) told() (list []registry.PageStatus) {
	w.t.Helper()
	for _, inc := range w.incidents() {
		for _, p := range w.pages(inc.ID) {
			if !slices.ContainsFunc(list, func(q registry.PageStatus) bool { return q.Page.ID == p.Page.ID }) {
				list = append(list, p)
			}
		}
	}
	return list
}

// Databases of a burst, and the canaries of each.
const shops, inShop = 40, 3

// shops plants the canaries of a burst.
func (w *world) shops() {
	w.t.Helper()
	for p := range shops {
		for n := range inShop {
			w.plant(canary.Place(fmt.Sprintf("db:shop%d", p)), 1+p*inShop+n)
		}
	}
}

// noise is contact i of a burst: of twenty one reaches a canary by mail, one a
// placebo, one each rings and writes, and the others reach nothing. Each has a
// source of its own.
func (w *world) noise(i int) canary.Contact {
	var c canary.Contact
	switch i % 20 {
	case 0:
		c = w.mail(address(1 + i/20%(shops*inShop)))
	case 1:
		c = w.mail(placebo(1 + i/20%(shops*inShop)))
	case 2:
		c = w.call(canary.Voice, number(1+i/20%(shops*inShop)), "hello")
	case 3:
		c = w.call(canary.SMS, number(1+i/20%(shops*inShop)), "you won")
	default:
		c = w.mail(fmt.Sprintf("info%d@example.net", i))
	}
	c.Peer = fmt.Sprintf("198.51.%d.%d:25", i/250%250, i%250)
	c.Source = fmt.Sprintf("bulk@d%d.example.org", i)
	return c
}

// TestBurst: a burst of noise on forty databases, from as many sources as there
// are contacts, makes ten pages in its hour at most. A true first hit in the middle
// pages by itself in the group that it comes in, though everything was acknowledged
// before.
func TestBurst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shops()
	w.plant("db:quiet", 900)
	w.pass(240 * time.Hour)
	for i := range *burst / 2 {
		w.hear(w.noise(i))
	}
	must(t, w.intake().Drain(w.ctx))
	for _, inc := range w.incidents() {
		must(t, w.reg.Acknowledge(w.ctx, inc.ID, registry.By{Who: "dana", Via: "cli"}))
	}
	before := len(w.told())
	for i := range *burst / 2 {
		if i == *burst/4 {
			hit := w.mail(address(900))
			hit.Raw = mailRaw("hello", "Dear Dana Whitfield900, your ticket "+ticket(900))
			w.hear(hit)
		}
		w.hear(w.noise(*burst/2 + i))
	}
	must(t, w.intake().Drain(w.ctx))
	all, truth := w.told(), 0
	for _, p := range all {
		if p.Page.Place == "db:quiet" && p.Page.Severity == canary.P1 {
			truth++
		}
	}
	if truth != 1 {
		t.Errorf("%d pages of the true hit", truth)
	}
	if n := len(all) - truth; n > 10 || before == 0 {
		t.Errorf("%d pages of noise in an hour (%d before the middle)", n, before)
	}
	w.pass(61 * time.Minute)
	must(t, w.intake().PageHeld(w.ctx))
	later := w.told()
	if n := len(later) - len(all); n < 1 || n > 10 {
		t.Errorf("%d pages that waited, in the next hour", n)
	}
	must(t, w.intake().PageHeld(w.ctx))
	if n := len(w.told()) - len(later); n != 0 && len(later)-len(all) == 10 {
		t.Errorf("%d more at once", n)
	}
}

// TestProofAfterAcknowledgedNoise: what was acknowledged as a crowd of generic
// messages, and may have been taken for noise, pages again when a record is named.
func TestProofAfterAcknowledgedNoise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1, 2, 3, 4)
	w.take(w.mail(address(1)), w.mail(address(2)), w.mail(address(3)))
	w.want(canary.P1, 3, 3, 0)
	must(t, w.reg.Acknowledge(w.ctx, w.only().ID, registry.By{Who: "dana", Via: "cli"}))
	w.take(w.mail(address(4)))
	if n := len(w.told()); n != 1 {
		t.Errorf("%d pages of one more", n)
	}
	w.pass(time.Minute)
	hit := w.mail(address(4))
	hit.Raw = mailRaw("hello", "about "+ticket(4))
	w.take(hit)
	list := w.told()
	if len(list) != 2 || !strings.Contains(strings.Join(list[1].Page.Reasons, "\n"), "quotes the ticket number") {
		t.Errorf("%d pages", len(list))
	}
	if woke := w.deliver(w.reg.Outbox()); !woke[list[len(list)-1].Page.ID] {
		t.Error("the page of the proof woke nobody")
	}
	w.take(hit)
	if n := len(w.told()); n != 2 {
		t.Errorf("%d pages when it comes again", n)
	}
}

// full fills the hour: ten pages of P2 go out, of places of their own.
func (w *world) full() {
	w.t.Helper()
	for n := range 10 {
		w.plant(canary.Place(fmt.Sprintf("db:full%d", n)), 700+n)
		w.take(w.mail(address(700 + n)))
	}
}

// routesTold counts the pages of a place at a severity, by route.
func (w *world) routesTold(place canary.Place, sev canary.Severity) map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, inc := range w.incidents() {
		for _, p := range w.pages(inc.ID) {
			if inc.Place == place && p.Page.Severity == sev {
				out[p.Route]++
			}
		}
	}
	return out
}

// TestHeldPageReachesPeople: that a log was told of an incident before, as of P4,
// keeps no page of P2 that had to wait from the people; and who was not asked when
// it was paged, is not told of it later.
func TestHeldPageReachesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:quiet", 1)
	w.plant("db:paged", 2)
	w.take(w.call(canary.Voice, number(1), "hello"), w.mail(address(2)))
	w.pass(2 * time.Hour)
	w.full()
	w.take(w.mail(address(1)))
	if got := w.routesTold("db:quiet", canary.P2); len(got) != 0 {
		t.Fatalf("a page beyond ten in the hour: %v", got)
	}
	w.cfg.Routes = append(w.cfg.Routes, incident.Route{Name: "new", Min: canary.P2})
	for range 6 {
		w.pass(time.Hour)
		must(t, w.intake().PageHeld(w.ctx))
	}
	if got := w.routesTold("db:quiet", canary.P2); got["duty"] != 1 || got["log"] != 1 {
		t.Errorf("the page that waited went to %v", got)
	}
	if got := w.routesTold("db:paged", canary.P2); got["duty"] != 1 || got["new"] != 0 {
		t.Errorf("what was paged long ago went to %v", got)
	}
}

// TestLikeliestIsHeldShortest: of pages that had to wait, the one of a hit that noise
// hardly makes is written before those that opened earlier.
func TestLikeliestIsHeldShortest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 12 {
		w.plant(canary.Place(fmt.Sprintf("db:shop%d", n)), 100+3*n, 101+3*n, 102+3*n)
	}
	w.pass(240 * time.Hour)
	w.full()
	for n := range 11 {
		w.pass(time.Second)
		w.take(w.mail(address(100 + 3*n)))
	}
	w.pass(time.Second)
	w.take(w.mail(address(133)), w.mail(address(134)))
	if got := w.routesTold("db:shop11", canary.P2); len(got) != 0 {
		t.Fatalf("a page beyond ten in the hour: %v", got)
	}
	w.pass(61 * time.Minute)
	must(t, w.intake().PageHeld(w.ctx))
	if got := w.routesTold("db:shop11", canary.P2); got["duty"] != 1 {
		t.Errorf("two canaries of a place wait behind single ones: %v", got)
	}
	if got := w.routesTold("db:shop10", canary.P2); len(got) != 0 {
		t.Errorf("the last of the others did not wait: %v", got)
	}
}

// asked counts what the registry is asked of the placebos.
type asked struct {
	incident.Rates
	heard, registered int
}

func (a *asked) Heard(ctx context.Context, cell canary.Cell, from time.Time) (canary.Heard, error) {
	a.heard++
	return a.Rates.Heard(ctx, cell, from)
}

func (a *asked) Registered(ctx context.Context) ([]canary.Registered, error) {
	a.registered++
	return a.Rates.Registered(ctx)
}

// TestGroupAsksOnce: a group of hits on many domains asks for each domain once.
func TestGroupAsksOnce(t *testing.T) {
	t.Parallel()
	const hits, domains = 60, 12
	l, rates := newLedger(start(), domains, 5, 9, 0, 0, 0), &asked{}
	rates.Rates = l
	w := newWorld(t)
	w.cfg.Finder, w.cfg.Filer, w.cfg.Blind, w.cfg.Rates, w.cfg.Written = l, l, l, rates, nil
	w.cfg.Variants, w.cfg.Unmet = nil, nil
	var list []canary.Contact
	for n := range hits {
		list = append(list, w.mail(l.pool().Address(n%domains, n/domains)))
		list[n].Targets[0].Text = l.pool().Address(n%domains, n/domains)
	}
	must(t, w.intake().SettleAll(w.ctx, list))
	if len(l.hits) != hits || rates.heard != domains || rates.registered != 1 {
		t.Errorf("%d hits, asked %d times of %d domains, and %d times of all", len(l.hits), rates.heard, domains, rates.registered)
	}
}

// TestOneStrayIsNoRate: among 10,000 tokens elsewhere one stray mail to a placebo,
// however often it comes, keeps no clean mail of its domain from the people; a second
// source does, and so does one where many other domains are reached.
func TestOneStrayIsNoRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		domains, sources, elsewhere int
		want                        canary.Severity
	}{{2, 1, 0, canary.P2}, {175, 1, 0, canary.P2}, {250, 1, 0, canary.P2}, {250, 2, 0, canary.P4}, {250, 1, 20, canary.P4}, {250, 0, 1, canary.P2}} {
		l := newLedger(start(), c.domains, 40, 1, 0, 0, 0)
		w := newWorld(t)
		w.cfg.Finder, w.cfg.Filer, w.cfg.Blind, w.cfg.Rates, w.cfg.Written = l, l, l, l, nil
		w.cfg.Variants, w.cfg.Unmet = nil, nil
		to := func(n int) canary.Contact {
			m := w.mail()
			m.Targets = []canary.Target{{Kind: canary.Email, Text: l.pool().Address(0, n)}}
			return m
		}
		for d := range c.elsewhere {
			stray := w.mail()
			stray.Targets = []canary.Target{{Kind: canary.Email, Text: l.pool().Address(1+d, 50)}}
			must(t, w.intake().Settle(w.ctx, stray))
		}
		for range 2 {
			for n := range c.sources {
				stray := to(50 + n)
				stray.Peer, stray.Source = fmt.Sprintf("203.0.113.%d:25", n), fmt.Sprintf("news@s%d.example.org", n)
				must(t, w.intake().Settle(w.ctx, stray))
			}
			w.pass(150 * 24 * time.Hour)
		}
		must(t, w.intake().Settle(w.ctx, to(1)))
		if got := l.boards[l.hits[0].Incident].Severity; got != c.want {
			t.Errorf("%d tokens, %d sources: %s, want %s", c.domains*40, c.sources, got, c.want)
		}
	}
}

// TestLogsTakeNoRoom: pages that go to a log alone are written however many there
// are, and take no room from those that people get.
func TestLogsTakeNoRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Routes = []incident.Route{{Name: "duty", Min: canary.P2}, {Name: "log", Min: canary.P4, Log: true}}
	w.plant("db:quiet", 1)
	for n := range 12 {
		place := canary.Place(fmt.Sprintf("db:shop%d", n))
		w.plant(place, 10+n)
		w.take(w.call(canary.Voice, number(10+n), "hello"))
		if got := w.routesTold(place, canary.P4); got["log"] != 1 {
			t.Errorf("the log has %v of call %d", got, n)
		}
	}
	w.full()
	w.take(w.mail(address(1)))
	for n := range 10 {
		if got := w.routesTold(canary.Place(fmt.Sprintf("db:full%d", n)), canary.P2); got["duty"] != 1 {
			t.Errorf("%v of mail %d", got, n)
		}
	}
	if got := w.routesTold("db:quiet", canary.P2); len(got) != 0 {
		t.Errorf("the eleventh page went to %v", got)
	}
}
