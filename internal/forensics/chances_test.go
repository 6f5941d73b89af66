package forensics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// sold makes a world of partial extracts, in which membership tells who it was, and
// sells one of them: every record of it is contacted with the same chance.
func sold(r *rand.Rand, logged bool) (forensics.Question, canary.Extract) {
	q := forensics.Question{Now: day(120, 0)}
	const rows = 600
	for n := range rows {
		from := -r.Float64() * 30
		for i := range 4 {
			q.Tokens = append(q.Tokens, forensics.Live{Token: tokenID(n*10 + i), Canary: canaryID(n), Segment: segmentOf(n), Window: open(day(from+float64(i)*30, 0), day(from+float64(i+1)*30, 0))})
		}
	}
	for i := range 300 {
		var held []int
		at := day(r.Float64()*80, 0)
		for n := range rows {
			if r.IntN(12) == 0 {
				held = append(held, n)
			}
		}
		e := extract(fmt.Sprintf("E-%03d", i), fmt.Sprintf("actor%02d", i%60), canary.At(at), held...)
		e.Place, e.Rows = main, int64(40*len(held))
		q.Extracts = append(q.Extracts, e)
	}
	culprit := q.Extracts[r.IntN(len(q.Extracts))]
	for _, l := range q.Tokens {
		if !slices.Contains(culprit.Held, l.Canary) || !l.Window.Possible(culprit.Taken.Latest) || r.IntN(6) > 0 {
			continue
		}
		q.Hits = append(q.Hits, forensics.Hit{
			Token: l.Token, Canary: l.Canary, Kind: canary.Email, Channel: canary.SMTP, Segment: l.Segment, Window: l.Window, Source: "s" + fmt.Sprint(r.IntN(3)),
			At: culprit.Taken.Latest.Add(time.Duration((3 + 15*r.ExpFloat64()) * 24 * float64(time.Hour))), Contact: canary.ContactID("k_" + string(l.Token)),
		})
	}
	if !logged {
		q.Extracts = slices.DeleteFunc(q.Extracts, func(e canary.Extract) bool { return e.ID == culprit.ID })
	}
	return q, culprit
}

// TestChancesAreRight: over forty leaks, half of them of extracts that nobody logged,
// the culprit comes first, nobody else is ever a suspect, and the time is told.
func TestChancesAreRight(t *testing.T) {
	t.Parallel()
	const leaks = 40
	right, inside, unlogged := 0, 0, 0
	for seed := range uint64(leaks) {
		logged := seed%2 == 0
		q, culprit := sold(rand.New(rand.NewPCG(seed, 3)), logged) // a test's dice
		a := forensics.Trace(q)
		at := culprit.Taken.Latest
		if slices.ContainsFunc(a.Chances.Likely, func(s forensics.TimeSpan) bool {
			return !at.Before(s.From.Add(-6*time.Hour)) && at.Before(s.Until.Add(6*time.Hour))
		}) {
			inside++
		}
		for _, c := range a.Chances.Actors {
			if c.P > .5 && (!logged || c.Name != culprit.Actor) {
				t.Errorf("leak %d: %s has %.2f, it was %s", seed, c.Name, c.P, culprit.Actor)
			}
		}
		switch {
		case logged && a.Suspects[0].Extract == culprit.ID && a.Suspects[0].P > .9:
			right++
		case !logged && a.Chances.Unlogged > .7:
			unlogged++
		default:
			t.Logf("leak %d, %d hits: %s", seed, len(q.Hits), a.Conclusion)
		}
	}
	if right < 19 || unlogged < 16 || inside < 36 {
		t.Errorf("%d of 20 culprits, %d of 20 that nobody logged, %d of 40 times", right, unlogged, inside)
	}
}

// TestNoiseIsNoLeak: where noise brings as much, a contact accuses nobody; what it
// says makes the difference.
func TestNoiseIsNoLeak(t *testing.T) {
	t.Parallel()
	q, culprit := sold(rand.New(rand.NewPCG(8, 3)), true) // a test's dice
	q.Hits = q.Hits[:2]
	for i := range q.Hits {
		q.Hits[i].Noise = 20 // a telephone number
	}
	if c := forensics.Trace(q).Chances; c.None < .3 || c.Actors[0].P > .5 {
		t.Errorf("two nameless calls: no leak %.2f, %s %.2f", c.None, c.Actors[0].Name, c.Actors[0].P)
	}
	for i := range q.Hits {
		q.Hits[i].Content = 1e5
	}
	if c := forensics.Trace(q).Chances; c.None > .01 || c.Actors[0].Name != culprit.Actor {
		t.Errorf("two calls that name the customer: no leak %.2f, first %s", c.None, c.Actors[0].Name)
	}
}

// TestHowMuch: the rows of the extract that leaked, and the records contacted.
func TestHowMuch(t *testing.T) {
	t.Parallel()
	q, culprit := sold(rand.New(rand.NewPCG(2, 3)), true) // a test's dice
	s := forensics.Trace(q).Size
	if s.Rows == nil || s.Rows.Best != culprit.Rows || s.Rows.From > s.Rows.Best || s.Rows.Until < s.Rows.Best {
		t.Errorf("rows %+v, the extract had %d", s.Rows, culprit.Rows)
	}
	if want := int64(40 * len(q.Hits)); s.Contacted == nil || s.Contacted.Best != want || s.Contacted.From >= want || s.Contacted.Until <= want {
		t.Errorf("contacted %+v, want about %d", s.Contacted, want)
	}
	n := 0
	for _, x := range s.Segments {
		n += x.Hits
	}
	if n != len(q.Hits) {
		t.Errorf("%d hits by segment, %d there are", n, len(q.Hits))
	}
}

// TestColleagues: who took the same is named beside the suspect.
func TestColleagues(t *testing.T) {
	t.Parallel()
	q, culprit := sold(rand.New(rand.NewPCG(2, 3)), true) // a test's dice
	for i := range 2 {
		twin := culprit
		twin.ID, twin.Actor = canary.ExtractID(fmt.Sprintf("twin-%d", i)), fmt.Sprintf("colleague%d", i)
		q.Extracts = append(q.Extracts, twin)
	}
	a := forensics.Trace(q)
	if a.Suspects[0].P > .5 {
		t.Errorf("one of three who took the same has %.2f", a.Suspects[0].P)
	}
	if want := "innocent explanation: extracts of 2 other actors explain exactly the same hits"; !slices.Contains(a.Suspects[0].Reasons, want) {
		t.Errorf("reasons %q", a.Suspects[0].Reasons)
	}
}
