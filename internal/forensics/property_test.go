package forensics_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// drawWorld makes a small world; some extracts become intervals, some lists.
func drawWorld(t *rapid.T) (world, *rand.Rand) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) // a test's dice
	w := makeWorld(r, rapid.IntRange(10, 80).Draw(t, "canaries"), rapid.IntRange(1, 20).Draw(t, "extracts"), rapid.IntRange(0, 12).Draw(t, "contacts"))
	for i := range w.extracts {
		e := &w.extracts[i]
		if r.IntN(3) == 0 {
			e.Taken.Latest = e.Taken.Latest.Add(time.Duration(r.IntN(40*24)) * time.Hour)
		}
		if r.IntN(3) > 0 {
			continue
		}
		e.Held = []canary.ID{}
		for _, l := range w.tokens {
			if e.Segment.Covers(l.Segment) && overlaps(l.Window, e.Taken) {
				e.Held = append(e.Held, l.Canary)
			}
		}
		if r.IntN(2) == 0 {
			e.Place, e.Segment = "", ""
		}
	}
	return w, r
}

// overlaps says the slow way whether a token may have been readable in a moment.
func overlaps(w canary.Window, m canary.Moment) bool {
	return w.Possible(m.Earliest) || w.Possible(m.Latest) || m.Earliest.Before(w.From.Earliest) && !m.Latest.Before(w.From.Earliest)
}

// seen is what an answer says, as bytes.
func seen(t *rapid.T, a forensics.Answer) string {
	out, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, r := drawWorld(t)
		w.hits = append(w.hits, w.hits...) // repeats too
		want := seen(t, forensics.Trace(w.question()))
		r.Shuffle(len(w.hits), func(i, j int) { w.hits[i], w.hits[j] = w.hits[j], w.hits[i] })
		r.Shuffle(len(w.tokens), func(i, j int) { w.tokens[i], w.tokens[j] = w.tokens[j], w.tokens[i] })
		r.Shuffle(len(w.extracts), func(i, j int) { w.extracts[i], w.extracts[j] = w.extracts[j], w.extracts[i] })
		if got := seen(t, forensics.Trace(w.question())); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestTheTrueExtractExplainsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, _ := drawWorld(t)
		a := forensics.Trace(w.question())
		if len(a.Hits) == 0 {
			return
		}
		if len(a.Window) == 0 {
			t.Fatal("the hits of one extract do not fit together")
		}
		taken, inside := w.culprit.Taken.Earliest, false
		for _, in := range a.Window {
			inside = inside || !taken.Before(in.From) && taken.Before(in.Until)
		}
		if !inside {
			t.Fatalf("taken %v is outside of %v", taken, a.Window)
		}
		for _, s := range a.Suspects {
			if s.Extract == w.culprit.ID && s.Verdict != forensics.ExplainsAll {
				t.Fatalf("the culprit: %+v", s)
			}
			if s.Verdict == forensics.ExplainsAll && s.Explains != s.Of {
				t.Fatalf("all is not all: %+v", s)
			}
		}
	})
}

func TestAHitNeverWidensTheWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, r := drawWorld(t)
		for range 4 { // hits of other leaks and noise among them
			l := w.tokens[r.IntN(len(w.tokens))]
			w.hits = append(w.hits, forensics.Hit{Token: l.Token, Canary: l.Canary, Window: l.Window, Segment: l.Segment, At: day(r.Float64()*100, 0), Contact: "k_noise"})
		}
		for n := 1; n < len(w.hits); n++ {
			q := w.question()
			q.Hits = w.hits[:n]
			less := forensics.Trace(q)
			q.Hits = w.hits[:n+1]
			more := forensics.Trace(q)
			if !covered(more.Window, less.Window) || !covered(more.Certain, less.Certain) || !covered(more.Certain, more.Window) {
				t.Fatalf("%d hits: %v, certain %v\nthen %v, certain %v", n, less.Window, less.Certain, more.Window, more.Certain)
			}
		}
	})
}

// covered: every interval of inner lies within one of outer.
func covered(inner, outer []forensics.Interval) bool {
	for _, in := range inner {
		ok := false
		for _, out := range outer {
			ok = ok || in.Place == out.Place && !in.From.Before(out.From) && !out.Until.Before(in.Until)
		}
		if !ok || !in.From.Before(in.Until) {
			return false
		}
	}
	return true
}

// TestIndexAgreesWithCounting compares with the definition, counted the slow way.
func TestIndexAgreesWithCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, _ := drawWorld(t)
		a := forensics.Trace(w.question())
		byID := map[canary.ExtractID]canary.Extract{}
		for _, e := range w.extracts {
			byID[e.ID] = e
		}
		for _, s := range a.Suspects {
			if s.Unlogged {
				continue
			}
			e := byID[s.Extract]
			holds, explains, hitCanaries := slow(w, e)
			if s.Holds != holds || s.Explains != explains || s.Silent != holds-hitCanaries {
				t.Fatalf("%+v\nholds %d, explains %d, of %d canaries", s, holds, explains, hitCanaries)
			}
		}
		for _, step := range a.Steps {
			n := 0
			for _, h := range w.hits {
				if h.Window.Possible(step.From) && step.From.Before(canary.Micro(h.At)) {
					n++
				}
			}
			if n != step.Tokens {
				t.Fatalf("%+v: %d could be read", step, n)
			}
		}
	})
}

// slow counts the canaries an extract held, the hits it explains, and on how
// many canaries these are.
func slow(w world, e canary.Extract) (holds, explains, canaries int) {
	held := map[canary.ID]bool{}
	for _, id := range e.Held {
		held[id] = true
	}
	if e.Held == nil {
		for _, l := range w.tokens {
			if e.Segment.Covers(l.Segment) && overlaps(l.Window, e.Taken) {
				held[l.Canary] = true
			}
		}
	}
	hit := map[canary.ID]bool{}
	for _, h := range w.hits {
		if held[h.Canary] && overlaps(h.Window, e.Taken) && e.Taken.Earliest.Before(canary.Micro(h.At)) {
			explains++
			hit[h.Canary] = true
		}
	}
	return len(held), explains, len(hit)
}
