package posterior_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"saltmine/internal/forensics/posterior"
)

const (
	segments = 4
	watched  = 150
	logged   = 90
	lifetime = 30
	rows     = 1200 // each with a token after the other
)

// world makes a database, its extracts and the noise of half a year.
func world(r *rand.Rand) *posterior.Case {
	c := &posterior.Case{Since: 0, Until: watched}
	var all []int
	for s := range segments {
		c.Scopes = append(c.Scopes, []int{s})
		all = append(all, s)
	}
	c.Scopes = append(c.Scopes, all)
	for range rows {
		segment := r.IntN(segments)
		for from := -lifetime * r.Float64(); from < logged; from += lifetime {
			c.Tokens = append(c.Tokens, posterior.Token{From: from, Until: from + lifetime, Segment: segment, Domain: r.IntN(40), Guessable: r.IntN(2) == 0})
		}
	}
	for range 3000 {
		c.Controls = append(c.Controls, posterior.Control{Domain: r.IntN(40), Guessable: r.IntN(2) == 0})
	}
	for e := range 800 {
		x := posterior.Extract{Actor: e % 90, At: logged * r.Float64(), Rows: math.Ceil(300 * math.Exp(1.5*r.NormFloat64()))}
		segment, share := r.IntN(segments), min(x.Rows/3000, 1)
		for t := range c.Tokens {
			if k := &c.Tokens[t]; k.Segment == segment && k.From <= x.At && x.At < k.Until && r.Float64() < share {
				x.Held = append(x.Held, int32(t))
			}
		}
		c.Extracts = append(c.Extracts, x)
	}
	source := 0
	touch := func(n int, at float64, k posterior.Content) {
		touched := posterior.Contact{Token: n, Control: -1, Source: source, At: at, Content: k}
		if n >= len(c.Tokens) {
			touched.Token, touched.Control = -1, n-len(c.Tokens)
		}
		c.Contacts = append(c.Contacts, touched)
	}
	for range 60 { // strays
		source++
		touch(r.IntN(len(c.Tokens)+len(c.Controls)), watched*r.Float64(), posterior.Generic)
	}
	for range 20 { // dictionaries
		source++
		at, domain := watched*r.Float64(), r.IntN(40)
		for n := range len(c.Tokens) + len(c.Controls) {
			here := n < len(c.Tokens) && c.Tokens[n].Domain == domain || n >= len(c.Tokens) && c.Controls[n-len(c.Tokens)].Domain == domain
			if here && r.IntN(30) == 0 {
				touch(n, at+r.Float64()/24, posterior.Generic)
			}
		}
	}
	return c
}

// sell makes the contacts of a leak.
func sell(c *posterior.Case, r *rand.Rand, held []int32, at, share float64) (contacts int) {
	for _, t := range held {
		if when := at + 4 + 15*r.ExpFloat64(); r.Float64() < share && when < c.Until {
			c.Contacts = append(c.Contacts, posterior.Contact{
				Token: int(t), Control: -1, Source: 1000 + r.IntN(3), At: when, Content: posterior.Content(r.IntN(3)),
			})
			contacts++
		}
	}
	return contacts
}

func of(list []posterior.Share, index int) float64 {
	for _, s := range list {
		if s.Index == index {
			return s.P
		}
	}
	return 0
}

func sane(t *testing.T, a *posterior.Answer) {
	t.Helper()
	if a.None < 0 || a.Unlogged < 0 || a.None+a.Unlogged > 1+1e-9 {
		t.Errorf("none %v, unlogged %v", a.None, a.Unlogged)
	}
	for _, s := range slices.Concat(a.Actors, a.Extracts) {
		if s.P < 0 || s.P > 1 || s.P > 1-a.None-a.Unlogged+1e-9 {
			t.Errorf("%d has %v beside %v and %v", s.Index, s.P, a.None, a.Unlogged)
		}
	}
	for i, v := range a.Intervals {
		if v.Until <= v.From || i > 0 && v.From <= a.Intervals[i-1].Until {
			t.Errorf("intervals %v", a.Intervals)
		}
	}
}

// whole wants times of access to be told without the holes of a grid that is coarser
// than they are.
func whole(t *testing.T, a *posterior.Answer) {
	t.Helper()
	var days float64
	for _, i := range a.Intervals {
		days += i.Until - i.From
	}
	if n := float64(len(a.Intervals)); days < n/2-.25 { // the last step may be taken in half
		t.Errorf("%v intervals have %v days", n, days)
	}
}

// large picks an extract that held some tokens.
func large(c *posterior.Case, r *rand.Rand) int {
	for {
		if e := r.IntN(len(c.Extracts)); len(c.Extracts[e].Held) >= 40 {
			return e
		}
	}
}

// TestKinds: over ten worlds each, a leak is taken for what it is.
func TestKinds(t *testing.T) {
	t.Parallel()
	const seeds = 10
	right := map[string]int{}
	for seed := range uint64(seeds) {
		for _, kind := range []string{"none", "single", "union", "unlogged"} {
			r := rand.New(rand.NewPCG(seed, 7)) // a test's dice
			c := world(r)
			e := large(c, r)
			x := c.Extracts[e]
			var held []int32
			at := x.At
			switch kind {
			case "single":
				held = x.Held
			case "union":
				for _, y := range c.Extracts {
					if y.Actor == x.Actor {
						held, at = append(held, y.Held...), max(at, y.At)
					}
				}
				slices.Sort(held)
				held = slices.Compact(held)
			case "unlogged":
				at = 20 + 50*r.Float64()
				for i := range c.Tokens {
					if k := &c.Tokens[i]; k.Segment == 1 && k.From <= at && at < k.Until && r.IntN(2) == 0 {
						held = append(held, int32(i))
					}
				}
			}
			contacts := sell(c, r, held, at, .25)
			a := posterior.Weigh(c)
			sane(t, &a)
			ok := false
			switch kind {
			case "none":
				ok = a.None > .3 && (len(a.Actors) == 0 || a.Actors[0].P < .5)
			case "single":
				ok = of(a.Actors, x.Actor) > .9 && a.Extracts[0].Index == e
			case "union":
				ok = of(a.Actors, x.Actor) > .9
			case "unlogged":
				if a.Unlogged > .9 { // else it is also told when some extract was taken
					whole(t, &a)
				}
				ok = a.Unlogged > .7 && slices.ContainsFunc(a.Intervals, func(i posterior.Interval) bool { return i.From-.25 <= at && at <= i.Until+.25 })
			}
			if ok {
				right[kind]++
			} else {
				t.Logf("%s %d: %d contacts; none %.2f, unlogged %.2f, actor %.2f", kind, seed, contacts, a.None, a.Unlogged, of(a.Actors, x.Actor))
			}
		}
	}
	for kind, least := range map[string]int{"none": 10, "single": 9, "union": 8, "unlogged": 7} {
		if right[kind] < least {
			t.Errorf("%s: %d of %d right, want %d", kind, right[kind], seeds, least)
		}
	}
}

// TestOneContactIsTooFew: a single contact that knows nothing accuses nobody.
func TestOneContactIsTooFew(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4)) // a test's dice
	c := world(r)
	e := large(c, r)
	c.Contacts = append(c.Contacts, posterior.Contact{Token: int(c.Extracts[e].Held[0]), Control: -1, Source: 1000, At: c.Extracts[e].At + 9})
	a := posterior.Weigh(c)
	sane(t, &a)
	if a.Actors[0].P > .5 {
		t.Errorf("actor %d has %.2f", a.Actors[0].Index, a.Actors[0].P)
	}
}

// TestNamesDoNotMatter: other numbers for tokens, extracts, actors and sources give
// the same answer, to the last digit that matters.
func TestNamesDoNotMatter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6)) // a test's dice
	c := world(r)
	e := large(c, r)
	sell(c, r, c.Extracts[e].Held, c.Extracts[e].At, .2)
	a := posterior.Weigh(c)
	if b := posterior.Weigh(c); !reflect.DeepEqual(a, b) {
		t.Fatal("the same case gave another answer")
	}
	tokens, extracts := r.Perm(len(c.Tokens)), r.Perm(len(c.Extracts))
	d := *c
	d.Tokens, d.Extracts, d.Contacts = make([]posterior.Token, len(tokens)), make([]posterior.Extract, len(extracts)), slices.Clone(c.Contacts)
	for i, j := range tokens {
		d.Tokens[j] = c.Tokens[i]
	}
	for i, j := range extracts {
		x := c.Extracts[i]
		x.Actor, x.Held = 1000-x.Actor, nil
		for _, k := range c.Extracts[i].Held {
			x.Held = append(x.Held, int32(tokens[k]))
		}
		slices.Sort(x.Held)
		d.Extracts[j] = x
	}
	for i := range d.Contacts {
		if k := &d.Contacts[i]; k.Token >= 0 {
			k.Token = tokens[k.Token]
		}
		d.Contacts[i].Source = 5000 - d.Contacts[i].Source
	}
	r.Shuffle(len(d.Contacts), func(i, j int) { d.Contacts[i], d.Contacts[j] = d.Contacts[j], d.Contacts[i] })
	b := posterior.Weigh(&d)
	said := func(a posterior.Answer, actor int) string {
		return fmt.Sprintf("%.6f %.6f %.6f %v", a.None, a.Unlogged, of(a.Actors, actor), a.Intervals)
	}
	if x, y := said(a, c.Extracts[e].Actor), said(b, 1000-c.Extracts[e].Actor); x != y {
		t.Errorf("%s became %s", x, y)
	}
}

// TestNothing: no tokens, no extracts, no contacts.
func TestNothing(t *testing.T) {
	t.Parallel()
	a := posterior.Weigh(&posterior.Case{Until: 10})
	sane(t, &a)
	if math.Abs(a.None-1) > 1e-9 || len(a.Actors) != 0 || len(a.Intervals) != 0 {
		t.Errorf("%+v", a)
	}
}
