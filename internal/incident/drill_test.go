package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func any36(string) bool { return true }

// drill registers a drill with tokens for its addresses and a number.
func (w *world) drill(id canary.DrillID, route string, texts ...string) {
	w.t.Helper()
	var list []canary.DrillToken
	for _, text := range texts {
		kind := canary.Email
		if text[0] == '+' {
			kind = canary.Phone
		}
		list = append(list, canary.DrillToken{Run: id, Token: canary.Token{
			ID: canary.TokenID(canary.NewID("t")), Kind: kind, Role: canary.RoleDrill, Canary: canary.ID(canary.NewID("c")), Text: text,
		}})
	}
	must(w.t, w.reg.BeginDrill(w.ctx, canary.Run{ID: id, Route: route}, list))
}

// shot issues a mark for a target.
func (w *world) shot(id canary.DrillID, front, target string) (canary.Shot, string) {
	w.t.Helper()
	s, mark, err := w.reg.Issue(w.ctx, id, front, target, any36)
	must(w.t, err)
	return s, mark
}

func tagged(address, mark string) string {
	local, domain, _ := strings.Cut(address, "@")
	return local + "+" + mark + "@" + domain
}

func (w *world) stands(id canary.DrillID, n canary.ShotID) canary.Shot {
	w.t.Helper()
	list, err := w.reg.Shots(w.ctx, id, time.Time{})
	must(w.t, err)
	for _, s := range list {
		if s.ID == n {
			return s
		}
	}
	w.t.Fatalf("no shot %s", n)
	return canary.Shot{}
}

// due are the routes of the deliveries that wait.
func (w *world) due() (routes []string) {
	w.t.Helper()
	w.pass(time.Second)
	list, err := w.reg.Outbox().Due(w.ctx, w.now(), 1000)
	must(w.t, err)
	for _, d := range list {
		routes = append(routes, d.Route)
	}
	slices.Sort(routes)
	return routes
}

const drillAddress = "mona.drill@example.net"

// TestShotIsMuted: a marked contact makes a page for nobody and no incident, on
// every channel; nothing of it counts against its origin.
func TestShotIsMuted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Marked = w.reg.Marked
	w.drill(canary.Deadman, canary.Muted, drillAddress, "+99912345678")
	mail, m1 := w.shot(canary.Deadman, "smtp a", drillAddress)
	call, m2 := w.shot(canary.Deadman, "phone b", "+99912345678")
	name, m3 := w.shot(canary.Deadman, "dns c", "example.net")
	q := w.query("example.net")
	q.Targets[0].Text = m3 + ".example.net"
	w.take(w.mail(tagged(drillAddress, m1)), w.call(canary.SMS, "+99912345678", m2), q)
	if list := w.incidents(); len(list) != 0 {
		t.Errorf("incidents of a dead-man's switch: %+v", list)
	}
	if got := w.due(); !slices.Equal(got, []string{canary.Muted, canary.Muted, canary.Muted}) {
		t.Errorf("pages to %q", got)
	}
	for _, s := range []canary.Shot{mail, call, name} {
		if now := w.stands(canary.Deadman, s.ID); now.Contact == "" || now.Page == "" || !now.Paged.IsZero() {
			t.Errorf("%+v", now)
		}
	}
	ids, err := w.reg.Queries(w.ctx, w.reg.BlindDomain("example.net"), start().Add(-time.Hour), w.now().Add(time.Hour))
	if must(t, err); len(ids) != 0 {
		t.Errorf("a drill's query would support incidents: %v", ids)
	}
	// What they left is forgotten, and the evidence log misses nothing.
	must(t, w.reg.PruneShots(w.ctx, w.now(), start()))
	w.filed(0)
	if kept, err := w.reg.CheckContacts(w.ctx); err != nil || kept != (registry.Kept{}) {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestNothingElseIsADrill: a mark that was used, forged, is for something else or
// is old, and none at all, are ordinary contacts, and people are paged.
func TestNothingElseIsADrill(t *testing.T) {
	t.Parallel()
	for name, carry := range map[string]func(w *world, mark string) canary.Contact{
		"no mark":      func(w *world, _ string) canary.Contact { return w.mail(drillAddress) },
		"forged":       func(w *world, m string) canary.Contact { return w.mail(tagged(drillAddress, m[:35]+"g")) },
		"other target": func(w *world, m string) canary.Contact { return w.mail(tagged("max.drill@example.net", m)) },
		"in the body":  func(w *world, m string) canary.Contact { c := w.mail(drillAddress); c.Raw = mailRaw(m, m); return c },
		"of yesterday": func(w *world, m string) canary.Contact {
			w.pass(24 * time.Hour)
			return w.mail(tagged(drillAddress, m))
		},
		"used up": func(w *world, m string) canary.Contact {
			w.take(w.mail(tagged(drillAddress, m)))
			return w.mail(tagged(drillAddress, m))
		},
		"twice at once": func(w *world, m string) canary.Contact {
			w.hear(w.mail(tagged(drillAddress, m)))
			return w.mail(tagged(drillAddress, m))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cfg.Marked = w.reg.Marked
			w.drill(canary.Deadman, canary.Muted, drillAddress, "max.drill@example.net")
			_, mark := w.shot(canary.Deadman, "smtp a", drillAddress)
			w.take(carry(w, mark))
			if inc := w.only(); inc.Place != canary.Unmarked || inc.Severity != canary.P2 || inc.Contacts != 1 {
				t.Errorf("%+v", inc)
			}
			if got := w.due(); !slices.Contains(got, "duty") {
				t.Errorf("pages to %q", got)
			}
		})
	}
}

// TestMarkMutesNothingElse: a mark, even in an attacker's hand, takes nothing from
// what the contact says of planted records.
func TestMarkMutesNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Marked = w.reg.Marked
	w.plant("db:main", 1, 2)
	w.drill(canary.Deadman, canary.Muted, drillAddress)
	_, mark := w.shot(canary.Deadman, "smtp a", drillAddress)
	c := w.mail(tagged(drillAddress, mark), address(1))
	c.Raw = mailRaw("about "+ticket(2), "dear "+name(2)+", "+ticket(2))
	w.take(c)
	inc := w.only()
	if inc.Place != "db:main" || inc.Severity != canary.P1 || inc.Canaries != 2 {
		t.Errorf("%+v", inc)
	}
	if got := w.due(); !slices.Contains(got, "duty") {
		t.Errorf("pages to %q", got)
	}
}

// TestStagedLeak: the contacts of a drill make an incident of their own, weighed
// as a leak's would be, and its page goes to the chosen route alone. The base
// rates, the placebos and the incidents of the database know nothing of it.
func TestStagedLeak(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Marked = w.reg.Marked
	w.plant("db:main", 1)
	const run = "d_aaaaaaaaaaaaaaaa"
	texts := []string{"mona.drill@example.net", "max.drill@example.net", "mia.drill@example.net"}
	w.drill(run, "duty", texts...)
	before, err := w.reg.Counts(w.ctx)
	must(t, err)
	for i, text := range texts {
		_, mark := w.shot(run, "smtp a", text)
		w.take(w.mail(tagged(text, mark)))
		want := []canary.Severity{canary.P2, canary.P2, canary.P1}[i]
		if inc := w.only(); inc.Place != canary.AtDrill(run) || inc.Severity != want || inc.Canaries != i+1 {
			t.Errorf("after %d: %+v", i+1, inc)
		}
	}
	if got := w.due(); !slices.Equal(got, []string{"duty"}) {
		t.Errorf("pages to %q", got)
	}
	hits, err := w.reg.IncidentHits(w.ctx, w.only().ID)
	must(t, err)
	for _, h := range hits {
		if n, err := w.reg.PlaceboHits(w.ctx, h.Origin, start().Add(-time.Hour)); n != 0 || err != nil || h.Role != canary.RoleDrill {
			t.Errorf("%+v: %d placebo hits, %v", h, n, err)
		}
	}
	if after, err := w.reg.Counts(w.ctx); err != nil || len(after) != len(before) || after["planted email"] != before["planted email"] || after["placebo email"] != before["placebo email"] {
		t.Errorf("counts %v, before %v", after, before)
	}
	pages, err := w.reg.PagesOf(w.ctx, w.only().ID)
	must(t, err)
	for _, p := range pages {
		if p.Page.Drill != run || !strings.HasPrefix(p.Page.Summary, "DRILL P") {
			t.Errorf("%+v", p.Page)
		}
	}
	w.take(w.mail(address(1))) // a real one meanwhile
	list := w.incidents()
	if len(list) != 2 || !slices.ContainsFunc(list, func(i canary.Incident) bool { return i.Place == "db:main" && i.Severity == canary.P2 }) {
		t.Errorf("%+v", list)
	}
}
