package incident_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// desk makes the world's intake remember agents.
func (w *world) desk() *world {
	w.cfg.Looker = w.reg.Looker
	return w
}

// quote is an agent's look-up of what a caller quoted, a minute after the last.
func (w *world) quote(agent, number string) canary.Contact {
	w.pass(time.Minute)
	c := w.contact(canary.ByTicket, canary.Target{Kind: canary.Ticket, Text: number})
	c.Source, c.Facts["caller"] = agent, fmt.Sprintf("+1212555%04d", w.n)
	return c
}

func (w *world) quotes(agent string, numbers ...string) {
	w.t.Helper()
	for _, n := range numbers {
		w.take(w.quote(agent, n)) // each by an intake that knows nothing yet
	}
}

// run is the incident about an agent, if there is one.
func (w *world) run(agent string) *canary.Incident {
	w.t.Helper()
	for _, inc := range w.incidents() {
		if inc.Place == canary.AtDesk(agent) {
			return &inc
		}
	}
	return nil
}

func TestLookUpsInARow(t *testing.T) {
	t.Parallel()
	shuffled := []string{}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(13) {
		shuffled = append(shuffled, fmt.Sprint("TK-", 4000+i))
	}
	for name, numbers := range map[string][]string{
		"one after another": {"TK-2025-0100", "tk 2025 0101", "TK20250102", "[#TK-2025-0103]", "TK-2025-0104"},
		"backwards":         {"905", "904", "903", "902", "901"},
		"by sevens":         {"100", "107", "114", "121", "128"},
		"with check digits": {"2002062310100011", "2002062310100029", "2002062310100037", "2002062310100045", "2002062310100053"},
		"in any order":      shuffled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).desk()
			w.quotes("ann", numbers[:3]...)
			if w.run("ann") != nil {
				t.Fatal("three numbers are no run")
			}
			w.quotes("ann", numbers[3:]...)
			inc := w.run("ann")
			if inc == nil || inc.Severity != canary.P2 || inc.Support != len(numbers) {
				t.Fatalf("incident %+v", inc)
			}
			pages := w.pages(inc.ID)
			if len(pages) != 2 || !strings.Contains(pages[0].Page.Summary, "agent ann") {
				t.Fatalf("pages %+v", pages)
			}
			for _, n := range numbers {
				if text := fmt.Sprint(pages, inc.Reasons); strings.Contains(text, n) {
					t.Errorf("a page shows %s: %s", n, text)
				}
			}
		})
	}
}

// TestARunIsToldOnce goes on with a run, in one group and with a restart before
// each look-up, and begins another later.
func TestARunIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t).desk()
	var group []canary.Contact
	for i := range 30 {
		group = append(group, w.quote("ann", fmt.Sprint(500+i)))
	}
	w.take(group...)
	w.take(group[3:7]...) // heard again
	w.quotes("ann", "530", "531")
	first := w.only()
	if first.Place != "desk:ann" || first.Support != 32 || len(w.pages(first.ID)) != 2 {
		t.Fatalf("incident %+v, %d pages", first, len(w.pages(first.ID)))
	}
	w.quotes("bob", "532", "533", "534") // another agent's are not this run
	if w.run("bob") != nil {
		t.Error("agents are mixed up")
	}
	must(t, w.reg.SetVerdict(w.ctx, first.ID, canary.Noise, registry.By{}))
	w.pass(25 * time.Hour)
	w.quotes("ann", "532") // the row is forgotten, one number begins none
	if n := len(w.incidents()); n != 1 {
		t.Errorf("%d incidents after a day", n)
	}
	w.quotes("ann", "533", "534", "535", "536", "537")
	if list := w.incidents(); len(list) != 2 || len(w.pages(list[0].ID)) != 2 {
		t.Errorf("a second run: %+v", list)
	}
}

func TestHonestAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t).desk()
	w.plant("db:main", 1, 2)
	r := rand.New(rand.NewPCG(3, 4))
	for range 3 { // days
		var group []canary.Contact
		for i := range 60 {
			number := fmt.Sprint(80000 + r.IntN(600))
			switch i {
			case 10, 11, 12, 13, 14, 15:
				number = "80042" // a caller who calls again
			case 20:
				number = "no number"
			case 30:
				number = strings.Repeat("9", 64)
			}
			group = append(group, w.quote("ann", number))
		}
		w.take(group...)
		w.pass(23 * time.Hour)
	}
	w.quotes("ann", ticket(1), ticket(1), ticket(2))
	if inc := w.run("ann"); inc != nil {
		t.Errorf("incident %+v", inc)
	}
}

func TestAgentWhoQuotesCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t).desk()
	w.plant("db:main", 1, 20, 300)
	w.quotes("ann", ticket(1), ticket(20))
	if w.run("ann") != nil {
		t.Fatal("two are no run")
	}
	w.quotes("ann", ticket(300))
	inc := w.run("ann")
	if inc == nil || inc.Severity != canary.P2 || len(inc.Reasons) != 1 {
		t.Fatalf("incident %+v", inc)
	}
	if list := w.incidents(); len(list) != 2 {
		t.Errorf("the leak has no incident of its own: %+v", list)
	}
}

// TestGoingThroughNumbersProvesNoLeak meets planted numbers in a row of others.
func TestGoingThroughNumbersProvesNoLeak(t *testing.T) {
	t.Parallel()
	w := newWorld(t).desk()
	w.plant("db:main", 5, 6, 7, 8, 9)
	w.quotes("ann", ticket(0), ticket(1), ticket(2), ticket(3), ticket(4), ticket(5), ticket(6), ticket(7), ticket(8))
	for _, inc := range w.incidents() {
		if inc.Place == "db:main" && inc.Severity != canary.P4 {
			t.Errorf("incident %+v", inc)
		}
	}
	// What only a reader of the row knows still weighs.
	c := w.quote("ann", ticket(9))
	c.Text = "the caller says he is " + name(9)
	w.take(c)
	for _, inc := range w.incidents() {
		if inc.Place == "db:main" && inc.Severity != canary.P1 {
			t.Errorf("incident %+v", inc)
		}
	}
}

func TestFarMoreLookUpsThanUsual(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ usual, today int }{"who looks up little": {5, 100}, "who is new": {0, 100}, "who looks up much": {40, 160}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).desk()
			r := rand.New(rand.NewPCG(5, 6))
			day := func(n int) {
				var group []canary.Contact
				for range n {
					group = append(group, w.quote("ann", fmt.Sprint(r.IntN(1e9))))
				}
				w.take(group...)
			}
			for range 4 {
				day(c.usual)
				w.pass(24*time.Hour - time.Duration(c.usual)*time.Minute)
			}
			day(c.today - 1)
			if w.run("ann") != nil {
				t.Error("too early")
			}
			day(1)
			if inc := w.run("ann"); inc == nil || inc.Severity != canary.P3 {
				t.Errorf("incident %+v", inc)
			}
		})
	}
}

func TestLookUpsOverTheRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t).desk()
	c := w.quote("ann", "1")
	c.Facts["over_rate"] = "yes"
	w.take(c)
	if inc := w.only(); inc.Place != "desk:ann" || inc.Severity != canary.P3 || inc.Support != 1 {
		t.Errorf("incident %+v", inc)
	}
}

// TestForgedAgents: contacts of a spool that is not ours make no agents, nor does
// a name that no place can hold.
func TestForgedAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.quotes("ann", "1", "2", "3", "4", "5", "6")
	w.desk().quotes(strings.Repeat("x", 65), "1", "2", "3", "4", "5", "6")
	w.quotes("", "1", "2", "3", "4", "5", "6")
	if list := w.incidents(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
