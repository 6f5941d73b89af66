package incident_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
)

// How much TestTrueHitInNoise takes in.
var (
	trials     = flag.Int("trials", 12, "true hits of TestTrueHitInNoise; 1000 for the whole")
	trialNoise = flag.Int("trials.noise", 1200, "contacts of noise that come between and before them; 100000 for the whole")
)

// trueHit is a contact that names what stands in the record of a canary.
func (w *world) trueHit(rng *rand.Rand, n int) canary.Contact {
	var c canary.Contact
	switch rng.IntN(5) {
	case 0:
		c = w.mail(address(n))
		c.Raw = mailRaw("hello", "about your ticket "+ticket(n))
	case 1:
		c = w.mail(address(n))
		c.Raw = mailRaw("hello", "Dear "+name(n)+", your case "+ticket(n)+" is open")
	case 2:
		c = w.call(canary.Voice, number(n), "am I speaking to "+name(n))
	case 3:
		c = w.call(canary.SMS, number(n), name(n)+", call us back")
	default:
		c = w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: ticket(n)})
		c.Text, c.Source, c.Facts = name(n)+" rang", "alex", map[string]string{"caller": fmt.Sprintf("+1646%07d", w.n)}
		return c
	}
	c.Peer, c.Source = fmt.Sprintf("203.0.%d.%d:25", w.n/250%250, w.n%250), fmt.Sprintf("caller%d@true%d.example.com", w.n, w.n)
	if c.Channel != canary.SMTP {
		c.Source = fmt.Sprintf("+1646%07d", w.n)
	}
	return c
}

// acknowledgeAll has somebody at every open incident.
func (w *world) acknowledgeAll() {
	w.t.Helper()
	board, err := w.reg.Board(w.ctx, w.now().Add(-canary.RecentPast))
	must(w.t, err)
	for _, s := range board {
		if s.Acked == 0 || s.Severity < s.Acked {
			must(w.t, w.reg.Acknowledge(w.ctx, s.ID, registry.By{Who: "dana", Via: "cli"}))
		}
	}
}

func (w *world) openAt(place canary.Place) []registry.Case {
	w.t.Helper()
	list, err := w.reg.Cases(w.ctx, registry.CaseFilter{Place: place, Open: true})
	must(w.t, err)
	return list
}

// rung are the pages of P1 that wait for a person's route, or were taken by it.
func (w *world) rung(place canary.Place) map[canary.PageID]time.Time {
	w.t.Helper()
	out := map[canary.PageID]time.Time{}
	for _, inc := range w.openAt(place) {
		for _, p := range w.pages(inc.ID) {
			if p.Route == "duty" && p.Page.Severity == canary.P1 && (p.State == "due" || p.State == "sent") {
				out[p.Page.ID] = p.Page.At
			}
		}
	}
	return out
}

// TestTrueHitInNoise: contacts of noise come in on forty databases, 100,000 an hour,
// through the spool into the registry. Everything that they open is acknowledged;
// then a true hit comes among the next of them, on one of the same databases. Each
// is paged within 60 seconds of the contact, by a page that wakes people and that the
// outbox gives out at once. -trials=1000 -trials.noise=100000 is the whole.
func TestTrueHitInNoise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shops()
	w.pass(240 * time.Hour)
	rng, in, box := rand.New(rand.NewPCG(3, 5)), incident.New(w.cfg), w.reg.Outbox()
	const step = time.Hour / 100_000
	each := *trialNoise / *trials
	next := 0
	come := func(n int) {
		for range n {
			w.pass(step)
			w.hear(w.noise(next))
			next++
		}
	}
	late, slowest, waited := 0, time.Duration(0), time.Duration(0)
	for trial := range *trials {
		come(each / 2)
		must(t, in.Drain(w.ctx))
		w.deliver(box)
		w.acknowledgeAll()
		shop := rng.IntN(shops)
		place := canary.Place(fmt.Sprintf("db:shop%d", shop))
		before := w.rung(place)
		here := rng.IntN(each - each/2)
		come(here)
		hit := w.trueHit(rng, 1+shop*inShop+rng.IntN(inShop))
		w.hear(hit)
		come(each - each/2 - here)
		began := time.Now()
		must(t, in.Drain(w.ctx))
		slowest = max(slowest, time.Since(began))
		after, woke := w.rung(place), w.deliver(box)
		for id := range before {
			delete(after, id)
		}
		if len(after) != 1 {
			t.Fatalf("trial %d, %s: %d pages of P1", trial, hit.Channel, len(after))
		}
		for id, at := range after {
			waited = max(waited, at.Sub(hit.At))
			if at.Sub(hit.At) > time.Minute {
				late++
			}
			if !woke[id] {
				t.Errorf("trial %d, %s: the page woke nobody", trial, hit.Channel)
			}
		}
		for _, inc := range w.openAt(place) { // what comes next is another leak's
			must(t, w.reg.SetVerdict(w.ctx, inc.ID, canary.Leak, registry.By{Who: "dana", Via: "cli"}))
		}
	}
	if late > 0 {
		t.Errorf("%d of %d true hits were paged after more than 60 s", late, *trials)
	}
	t.Logf("%d true hits in %d contacts of noise: paged %s after the contact at most; %s is the longest that a group with one took here", *trials, next, waited, slowest)
}

// deliver has the routes take what is due, as a pager does, and gives the pages that
// woke people.
func (w *world) deliver(box registry.Outbox) map[canary.PageID]bool {
	w.t.Helper()
	woke := map[canary.PageID]bool{}
	for {
		due, err := box.Due(w.ctx, w.now(), 1000)
		must(w.t, err)
		if len(due) == 0 {
			return woke
		}
		for _, d := range due {
			must(w.t, box.Sent(w.ctx, d, w.now(), "taken"))
			if d.Route == "duty" && d.Kind == pager.Trigger && !d.Quiet {
				woke[d.Page.ID] = true
			}
		}
	}
}
