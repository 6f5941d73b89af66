package forensics_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// TestRanItAgain: who took the same three times is as much a suspect as who took it once.
func TestRanItAgain(t *testing.T) {
	t.Parallel()
	q, culprit := sold(rand.New(rand.NewPCG(2, 3)), true) // a test's dice
	for i := range 2 {
		again := culprit
		again.ID, again.Taken = canary.ExtractID(fmt.Sprintf("again-%d", i)), canary.At(culprit.Taken.Latest.Add(time.Duration(i+1)*time.Minute))
		q.Extracts = append(q.Extracts, again)
	}
	a := forensics.Trace(q)
	first := a.Suspects[0]
	if first.Actor != culprit.Actor || first.ActorP < .9 || first.P > .5 {
		t.Errorf("%s has %.2f, and %.2f by %s", first.Actor, first.ActorP, first.P, first.Extract)
	}
	if want := "Suspect, over 99.9 %: " + culprit.Actor + ", by one of 3 extracts"; !strings.HasPrefix(a.Conclusion, want) {
		t.Errorf("%s; want %s", a.Conclusion, want)
	}
}

// TestBothTookPart: two extracts that each explain what the other cannot are no
// alternatives, whoever took them.
func TestBothTookPart(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"actor00", "actor01"} {
		q := apart(100, 0)
		q.Extracts[1].Actor = second
		for n := range 6 {
			q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(100+float64(n), 0)), hit(10+n, open(day(0, 0), time.Time{}), day(100.5+float64(n), 0)))
		}
		a := forensics.Trace(q)
		if strings.Contains(a.Conclusion, "cannot tell") || !strings.Contains(a.Conclusion, "E-000") || !strings.Contains(a.Conclusion, "E-001") {
			t.Errorf("%s: %s", second, a.Conclusion)
		}
	}
}

// TestTakenSometime: of an extract that was taken within three weeks the times in which
// it explains the hits are told, and no less.
func TestTakenSometime(t *testing.T) {
	t.Parallel()
	q, culprit := sold(rand.New(rand.NewPCG(2, 3)), true) // a test's dice
	at := culprit.Taken.Latest
	for i := range q.Extracts {
		if q.Extracts[i].ID == culprit.ID {
			q.Extracts[i].Taken = canary.Between(at.Add(-9*24*time.Hour), at.Add(13*24*time.Hour))
		}
	}
	a := forensics.Trace(q)
	if first := a.Suspects[0]; first.Extract != culprit.ID || first.P < .9 {
		t.Fatalf("the first is %s with %.2f", first.Extract, first.P)
	}
	in := func(list []forensics.TimeSpan) (days float64, met bool) {
		for _, s := range list {
			days += s.Until.Sub(s.From).Hours() / 24
			met = met || !at.Before(s.From) && at.Before(s.Until)
		}
		return days, met
	}
	half, _ := in(a.Chances.Half)
	nearly, met := in(a.Chances.Nearly)
	if !met || half >= nearly || nearly > 15 {
		t.Errorf("%v is among the 99 %%: %v; %.1f days are the half, %.1f nearly all: %v", at, met, half, nearly, a.Chances.Nearly)
	}
}

// TestAtOnce: contacts that come within seconds tell the one small extract that has
// them all from the many large ones as well as contacts of weeks do.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	const rows, many = 200, 900
	q := forensics.Question{Now: day(10, .0003)}
	var all []int
	for n := range rows {
		q.Tokens = append(q.Tokens, forensics.Live{Token: tokenID(n), Canary: canaryID(n), Window: open(day(0, 0), time.Time{})})
		all = append(all, n)
	}
	for i := range many {
		e := extract(fmt.Sprintf("E-%03d", i), fmt.Sprintf("actor%02d", i%20), canary.At(day(10, -float64(i+many/2)/many/1800)), all...)
		e.Place = main
		q.Extracts = append(q.Extracts, e)
	}
	e := extract("sale", "seller", canary.At(day(10, -1./1800)), all[:20]...)
	e.Place = main
	q.Extracts = append(q.Extracts, e)
	for n := range 12 {
		q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(10, float64(n)/12/3600)))
	}
	a := forensics.Trace(q)
	if first := a.Suspects[0]; first.Extract != "sale" || first.P < .9 {
		t.Errorf("%s has %.3f: %s", first.Extract, first.P, a.Conclusion)
	}
}

// apart makes a log in which each contact's canary stands in one extract alone.
func apart(extracts, contacts int) forensics.Question {
	q := forensics.Question{Now: day(120, 0)}
	for n := range extracts * 10 {
		q.Tokens = append(q.Tokens, forensics.Live{Token: tokenID(n), Canary: canaryID(n), Window: open(day(0, 0), time.Time{})})
	}
	for i := range extracts {
		var held []int
		for n := range 10 {
			held = append(held, i*10+n)
		}
		e := extract(fmt.Sprintf("E-%03d", i), fmt.Sprintf("actor%02d", i), canary.At(day(50+float64(i)/10, 0)), held...)
		e.Place = main
		q.Extracts = append(q.Extracts, e)
	}
	for i := range contacts {
		q.Hits = append(q.Hits, hit(i*10, open(day(0, 0), time.Time{}), day(100+float64(i), 0)))
	}
	return q
}

// TestTwoContactsAccuseNobody: each of two people could have sold what one of two
// strangers has; that they did so together is a chance among all the pairs of the log.
func TestTwoContactsAccuseNobody(t *testing.T) {
	t.Parallel()
	a := forensics.Trace(apart(100, 2))
	if c := a.Chances; c.Actors[0].P > .5 || c.Unlogged < .5 {
		t.Errorf("%s has %.2f, in no log %.2f: %s", c.Actors[0].Name, c.Actors[0].P, c.Unlogged, a.Conclusion)
	}
}

// TestWhoGoesOnWorking: that somebody reads on after the sale does not clear them of
// what they had carried out bit by bit.
func TestWhoGoesOnWorking(t *testing.T) {
	t.Parallel()
	q := apart(60, 0)
	for i := range q.Extracts {
		q.Extracts[i].Actor = fmt.Sprintf("actor%02d", i/10)
		q.Extracts[i].Taken = canary.At(day(float64(50+5*(i%10)), float64(i)))
	}
	for i := range 6 {
		n := 200 + 17*i // of the first seven extracts of actor02, and of nobody else
		q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(112+float64(2*i), 0)))
	}
	again := extract("E-after", "actor02", canary.At(day(118, 0)), 599)
	again.Place = main
	q.Extracts = append(q.Extracts, again)
	if c := forensics.Trace(q).Chances; c.Actors[0].Name != "actor02" || c.Actors[0].P < .9 {
		t.Errorf("%s has %.3f, in no log %.3f", c.Actors[0].Name, c.Actors[0].P, c.Unlogged)
	}
}

// TestAFileIsFoundLate: that a file was found last night does not accuse who made a
// copy yesterday: what it holds was in both.
func TestAFileIsFoundLate(t *testing.T) {
	t.Parallel()
	q := apart(30, 0)
	q.Now = day(300, 0)
	old, fresh := q.Extracts[3], q.Extracts[3]
	fresh.ID, fresh.Actor, fresh.Taken = "E-fresh", "yesterday", canary.At(day(298, 0))
	q.Extracts = append(q.Extracts, fresh)
	for _, id := range old.Held {
		h := hit(0, open(day(0, 0), time.Time{}), day(299, 0))
		h.Canary, h.Channel = id, canary.Dump
		for _, l := range q.Tokens {
			if l.Canary == id {
				h.Token = l.Token
			}
		}
		q.Hits = append(q.Hits, h)
	}
	a := forensics.Trace(q)
	if x, y := find(t, a, old.ID).P, find(t, a, "E-fresh").P; y > 1.5*x {
		t.Errorf("yesterday's copy has %.2f, the old one %.2f", y, x)
	}
}

// TestOneContactIsTooFew: whoever alone explains one contact is a lead, no suspect.
func TestOneContactIsTooFew(t *testing.T) {
	t.Parallel()
	q := apart(1, 1)
	a := forensics.Trace(q)
	if strings.HasPrefix(a.Conclusion, "Suspect") || strings.Contains(a.Standing(.99), "suspect") {
		t.Errorf("%s", a.Conclusion)
	}
}

// TestListsWithFaults: that the lists of one report lack some of each other's canaries is
// said, and nothing where they do not.
func TestListsWithFaults(t *testing.T) {
	t.Parallel()
	for lacks, want := range map[float64]bool{0: false, .15: true} {
		r := rand.New(rand.NewPCG(3, 1)) // a test's dice
		q := forensics.Question{Now: day(60, 0)}
		stood := open(day(-10, 0), time.Time{})
		for n := range 400 {
			q.Tokens = append(q.Tokens, forensics.Live{Token: tokenID(n), Canary: canaryID(n), Window: stood})
		}
		for i := range 60 { // twelve reports of forty canaries, each run five times
			var held []int
			for n := range 40 {
				if r.Float64() >= lacks {
					held = append(held, i/5*30+n)
				}
			}
			q.Extracts = append(q.Extracts, extract(fmt.Sprintf("E-%02d", i), fmt.Sprintf("actor%02d", i), canary.At(day(float64(i%5), 0)), held...))
		}
		for n := range 5 {
			q.Hits = append(q.Hits, hit(n, stood, day(20+float64(n), 0)))
		}
		a := forensics.Trace(q)
		if said := strings.Contains(strings.Join(a.Reasons, "\n"), "have faults"); said != want {
			t.Errorf("where lists lack %v: %q", lacks, a.Reasons)
		}
	}
}

// TestCompleteLists: of an extract whose list names all that it can have held nobody
// supposes a record that it lacks, and a wider one is the likelier; of another list that
// is supposed.
func TestCompleteLists(t *testing.T) {
	t.Parallel()
	for complete, want := range map[bool]string{true: "actor01", false: "actor00"} {
		q := apart(100, 0)
		upTo := func(first, last int) (held []canary.ID) {
			for n := first; n < last; n++ {
				held = append(held, canaryID(n))
			}
			return held
		}
		q.Extracts[0].Held, q.Extracts[1].Held = upTo(1, 12), upTo(0, 35)
		for i := range q.Extracts {
			q.Extracts[i].Complete = complete
		}
		for n := range 8 {
			q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(100+float64(n), 0)))
		}
		if a := forensics.Trace(q); a.Chances.Actors[0].Name != want {
			t.Errorf("by lists of which it is %v that they are complete the first is %+v, want %s", complete, a.Chances.Actors[0], want)
		}
	}
}

// TestManyRecords: of more records than can be weighed in time some are left out, and
// the answer says so.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	q := apart(120, 0)
	var all []int
	for n := range 1200 {
		all = append(all, n)
	}
	q.Extracts = append(q.Extracts, extract("E-all", "dump", canary.At(day(70, 0)), all...))
	for n := range 1100 {
		q.Hits = append(q.Hits, hit(n, open(day(0, 0), time.Time{}), day(80+float64(n)/50, 0)))
	}
	a := forensics.Trace(q)
	if first, _ := a.Leading(); first.Extract != "E-all" {
		t.Errorf("%s", a.Conclusion)
	}
	if !slices.ContainsFunc(a.Reasons, func(s string) bool { return strings.Contains(s, "were not weighed") }) {
		t.Errorf("reasons %q", a.Reasons)
	}
}

// TestSpamBeforeTheCall: an address gets spam on day 10, and on day 60 a call names its
// customer and ticket: whoever took the row on day 40 explains the call, and that it
// was spammed before clears them no more than it accuses who had it on day 5.
func TestSpamBeforeTheCall(t *testing.T) {
	t.Parallel()
	q := apart(40, 0)
	for i, at := range []float64{5, 40} {
		e := q.Extracts[i]
		e.ID, e.Actor, e.Taken, e.Held = canary.ExtractID(fmt.Sprintf("E-day%.0f", at)), fmt.Sprintf("who%d", i), canary.At(day(at, 0)), q.Extracts[0].Held
		q.Extracts = append(q.Extracts, e)
	}
	for n := range 4 {
		spam, call := hit(n, open(day(0, 0), time.Time{}), day(10, 0)), hit(n, open(day(0, 0), time.Time{}), day(60+float64(n), 0))
		call.Contact, call.Content = canary.ContactID(fmt.Sprintf("k_call%d", n)), 1e5
		q.Hits = append(q.Hits, spam, call)
	}
	a := forensics.Trace(q)
	if s := find(t, a, "E-day40"); s.Verdict != forensics.ExplainsAll || s.P < find(t, a, "E-day5").P {
		t.Errorf("day 40 has %.2f and explains %s, day 5 has %.2f", s.P, s.Verdict, find(t, a, "E-day5").P)
	}
	if !slices.ContainsFunc(a.Reasons, func(s string) bool { return strings.HasPrefix(s, "4 contacts left out") }) {
		t.Errorf("reasons %q", a.Reasons)
	}
}
