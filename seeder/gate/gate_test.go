package gate_test

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
)

func TestOracleHolds(t *testing.T) {
	t.Parallel()
	r := measure(t, newWorld(t, 2400, 400, 5).input())
	if r.Verdict != gate.Held {
		t.Errorf("verdict %q\n%s", r.Verdict, r.Text())
	}
}

// L0: names and numbers as a library of fakes makes them, inserted at the end.
func TestNaiveFakesFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1200, 200, 6)
	owned := w.own(5)
	key := 1500
	w.each(func(c *view.Row) {
		key++
		at := now.Add(-time.Duration(w.r.IntN(3600)) * time.Second)
		c.Values[id] = text(strconv.Itoa(key))
		c.Values[phone] = text("555-01" + strconv.Itoa(10+w.r.IntN(90)))
		c.Values[created], c.Values[updated] = date(at), date(at)
		c.Tickets = nil
	})
	in := w.input()
	in.Owned = owned
	r := measure(t, in)
	if r.Verdict != gate.Failed {
		t.Fatalf("verdict %q", r.Verdict)
	}
	for attack, column := range map[string]string{
		"boosted trees, everything derived": "",
		"boosted trees, phone":              "phone",
		"boosted trees, keys":               "id",
		"boosted trees, dates":              "created_at",
		"boosted trees, tickets":            "ticket",
		"dropping small e-mail domains":     "domain",
		"single predicates":                 "phone",
		"isolation forest":                  "",
		"rules of a careful reader":         "block of 1,000",
		"removing 90 % of the canaries":     "",
	} {
		a := r.Attack(attack)
		if a == nil || a.Verdict != gate.Failed || !names(a, column) {
			t.Errorf("%s: %+v, want a failure that names %q", attack, a, column)
		}
	}
}

// L1: back-dated, fifty domains, one block of numbers; keys from the end.
func TestBackDatedFakesFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1200, 200, 7)
	in := w.input()
	in.Owned = w.own(50)
	key := 1500
	w.each(func(c *view.Row) {
		key += 1 + w.r.IntN(3)
		c.Values[id] = text(strconv.Itoa(key))
		if !c.Values[phone].Null {
			c.Values[phone] = text("+1 415 263 " + strconv.Itoa(4000+w.r.IntN(1000)))
		}
	})
	in.Canaries = w.canaries
	r := measure(t, in)
	for attack, column := range map[string]string{
		"boosted trees, everything derived": "",
		"boosted trees, keys":               "id",
		"boosted trees, phone":              "phone",
		"boosted trees, e-mail":             "domain",
	} {
		if a := r.Attack(attack); a == nil || a.Verdict != gate.Failed || !names(a, column) {
			t.Errorf("%s: %+v, want a failure that names %q", attack, a, column)
		}
	}
	if a := r.Attack("boosted trees, dates"); a.Verdict == gate.Failed {
		t.Errorf("the dates are real: %+v", a)
	}
}

// L2: real rows but for the domain: only that can be told, and the bound says how well.
func TestOwnedDomainsAloneCannotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2400, 400, 8)
	in := w.input()
	in.Owned = w.own(50)
	in.Owned[0] = "mail." + in.Owned[0] // what is registered is seen
	r := measure(t, in)
	if r.Verdict != gate.Failed || r.Owned == nil {
		t.Fatalf("verdict %q, %+v", r.Verdict, r.Owned)
	}
	o := r.Owned
	if o.Owned != 400 || o.Domains != 50 || o.ShareCanaries != 1 {
		t.Errorf("%+v", o)
	}
	if want := .5 + (1-o.ShareReal)/2; math.Abs(o.Bound-want) > 1e-9 || o.ShareReal != smallShare(w, o.Small) {
		t.Errorf("bound %.3f, want %.3f", o.Bound, want)
	}
	if want := int(math.Ceil(400 * (.9 - o.ShareReal))); o.Mailboxes != want {
		t.Errorf("%d mailboxes, want %d", o.Mailboxes, want)
	}
	if !strings.Contains(r.Text(), "THIS CANNOT HOLD") {
		t.Error("the report does not say plainly that this cannot hold")
	}
	if a := r.Attack("all learners together"); a.Value < o.Bound-.02 {
		t.Errorf("trees get %.3f, less than whoever drops small domains: %.3f", a.Value, o.Bound)
	}
	if a := r.Attack("boosted trees, columns but the e-mail domain"); a.Verdict != gate.Held {
		t.Errorf("all but the domain is real: %+v", a)
	}
}

// smallShare is the share of real rows at domains that at most so many rows have.
func smallShare(w *world, small int) float64 {
	domain := func(r view.Row) string {
		_, d, _ := strings.Cut(r.Values[email].Text, "@")
		return strings.ToLower(d)
	}
	rows, n := map[string]int{}, 0.0
	for _, r := range append(append([]view.Row(nil), w.real...), w.canaries...) {
		rows[domain(r)]++
	}
	for _, r := range w.real {
		if rows[domain(r)] <= small {
			n++
		}
	}
	return n / float64(len(w.real))
}

// Copies of a donor's behaviour under other names, moved to another day.
func TestCopiesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1200, 200, 9)
	for i := range w.canaries {
		c, donor := &w.canaries[i], w.real[w.r.IntN(len(w.real))]
		moved := when(c.Values[created]).Sub(when(donor.Values[created]))
		copy(c.Values[product:created], donor.Values[product:created])
		c.Values[updated] = date(when(donor.Values[updated]).Add(moved))
		c.Tickets = nil
		for _, ticket := range donor.Tickets {
			ticket = slices.Clone(ticket)
			ticket[ticketCreated], ticket[ticketUpdated] = date(when(ticket[ticketCreated]).Add(moved)), date(when(ticket[ticketUpdated]).Add(moved))
			c.Tickets = append(c.Tickets, ticket)
		}
	}
	r := measure(t, w.input())
	if a := r.Attack("boosted trees, copies"); a.Verdict != gate.Failed || !names(a, "shares with one other row") {
		t.Errorf("%+v", a)
	}
	if a := r.Attack("nearest neighbour"); a.Verdict != gate.Failed || !names(a, "copies of a donor") {
		t.Errorf("%+v", a)
	}
}

// Faults of one column each, in a canary that is real otherwise.
func TestSingleFaultsAreNamed(t *testing.T) {
	t.Parallel()
	w, strangers := newWorld(t, 1200, 200, 10), customers(t, 1000, 20)
	w.each(func(c *view.Row) {
		at := when(c.Values[created])
		c.Values[created] = date(time.Date(at.Year(), at.Month(), at.Day(), w.r.IntN(24), at.Minute(), at.Second(), 0, time.UTC))
		if at := when(c.Values[created]); when(c.Values[updated]).Before(at) {
			c.Values[updated] = c.Values[created]
		}
		for c.Values[phone].Null {
			if other := strangers[w.r.IntN(len(strangers))]; other.Values[country] == c.Values[country] {
				c.Values[phone] = other.Values[phone]
			}
		}
		for i := range c.Tickets {
			c.Tickets[i][ticketSubject] = text("Refund request")
		}
	})
	r := measure(t, w.input())
	for attack, column := range map[string]string{
		"boosted trees, columns":          "created_at",
		"boosted trees, dates":            "created_at",
		"boosted trees, phone":            "phone",
		"boosted trees, tickets":          "subject",
		"the most telling single feature": "created_at",
	} {
		if a := r.Attack(attack); a == nil || a.Verdict == gate.Held || !names(a, column) {
			t.Errorf("%s: %+v, want a failure that names %q", attack, a, column)
		}
	}
}

func TestFewCanariesTellLittle(t *testing.T) {
	t.Parallel()
	r := measure(t, newWorld(t, 1000, 60, 11).input())
	if r.Verdict != gate.TooFew || r.Need < 250 || r.Need > 5000 {
		t.Errorf("verdict %q, %d needed", r.Verdict, r.Need)
	}
	if !strings.Contains(r.Text(), strconv.Itoa(r.Need)) {
		t.Error("the report does not say how many would tell")
	}
}

func TestUnusableInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300, 30, 12)
	in := w.input()
	in.Canaries = in.Canaries[:10]
	if _, err := gate.Measure(t.Context(), in); !errors.Is(err, gate.ErrInput) {
		t.Errorf("ten canaries: %v", err)
	}
	in = w.input()
	in.Real = append(in.Real, view.Row{Values: in.Real[0].Values[:3]})
	if _, err := gate.Measure(t.Context(), in); !errors.Is(err, view.ErrTable) {
		t.Errorf("a row that is too short: %v", err)
	}
}
