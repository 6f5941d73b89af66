package posterior_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"saltmine/internal/forensics/posterior"
)

// TestPair: of two people who sold together both are named, over five worlds.
func TestPair(t *testing.T) {
	t.Parallel()
	const seeds = 5
	found := 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 11)) // a test's dice
		c := world(r)
		a := large(c, r)
		b := large(c, r)
		for c.Extracts[a].Actor == c.Extracts[b].Actor {
			b = large(c, r)
		}
		held := slices.Concat(c.Extracts[a].Held, c.Extracts[b].Held)
		slices.Sort(held)
		sell(c, r, slices.Compact(held), max(c.Extracts[a].At, c.Extracts[b].At), .25)
		answer := posterior.Weigh(c)
		sane(t, &answer)
		for _, e := range []int{a, b} {
			if of(answer.Actors, c.Extracts[e].Actor) > .5 {
				found++
			} else {
				t.Logf("world %d: actor %d of two has %.2f", seed, c.Extracts[e].Actor, of(answer.Actors, c.Extracts[e].Actor))
			}
		}
	}
	if found < 8 {
		t.Errorf("%d of %d named", found, 2*seeds)
	}
}

// TestAFaultyList: of a list that lacks two of the records that were contacted, and
// somebody else's that has them beside four times as many, the short one is the likelier:
// who has nearly the same tells what it will have held.
func TestAFaultyList(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 9)) // a test's dice
	c := &posterior.Case{Until: 100, Scopes: [][]int{{0}}}
	for range 3000 {
		c.Tokens = append(c.Tokens, posterior.Token{Until: 200})
	}
	list := func(actor int, at float64, held []int) {
		x := posterior.Extract{Actor: actor, At: at, Rows: 100 * float64(len(held))}
		for _, n := range held {
			x.Held = append(x.Held, int32(n))
		}
		slices.Sort(x.Held)
		c.Extracts = append(c.Extracts, x)
	}
	large := r.Perm(len(c.Tokens))[:120]
	list(0, 50, large[2:30])
	list(1, 50.2, large)
	for i := range 60 {
		list(2+i%20, 30+30*r.Float64(), r.Perm(len(c.Tokens))[:60])
	}
	for i, n := range large[:8] {
		c.Hits = append(c.Hits, posterior.Hit{Tokens: []int{n}, Source: i, At: 56 + 3*float64(i), Weight: 1e6})
	}
	a := posterior.Weigh(c)
	sane(t, &a)
	if of(a.Actors, 0) < .8 {
		t.Errorf("it has %.3f, the larger one %.3f", of(a.Actors, 0), of(a.Actors, 1))
	}
}

// TestFaultsAreLearnt: who ran the report that leaked, and whose list lacks one of the
// records that were contacted, is as good as cleared where the lists of other reports
// lack nothing, and is not where these lack one record in seven.
func TestFaultsAreLearnt(t *testing.T) {
	t.Parallel()
	const reports, runs, records, hits = 30, 6, 40, 7
	share := func(lacks float64) float64 {
		r := rand.New(rand.NewPCG(5, 6)) // a test's dice
		c := &posterior.Case{Until: 100, Scopes: [][]int{{0}}, Tokens: slices.Repeat([]posterior.Token{{Until: 200}}, 1000)}
		for report := range reports {
			held := r.Perm(len(c.Tokens))[:records]
			for run := range runs {
				x := posterior.Extract{Actor: report*runs + run, At: 50 + float64(run)/10, Rows: 100 * records}
				for i, n := range held {
					if first := report == 0 && run == 0; first && i != 0 || !first && r.Float64() >= lacks {
						x.Held = append(x.Held, int32(n))
					}
				}
				slices.Sort(x.Held)
				c.Extracts = append(c.Extracts, x)
			}
			for i := 0; report == 0 && i < hits; i++ {
				c.Hits = append(c.Hits, posterior.Hit{Tokens: []int{held[i]}, Source: i, At: 56 + 3*float64(i), Weight: 1e6})
			}
		}
		a := posterior.Weigh(c)
		sane(t, &a)
		return of(a.Actors, 0) / a.Actors[0].P
	}
	sure, faulty := share(0), share(.15)
	t.Logf("who lacks one is %.4f as probable as the first where lists lack nothing, %.3f where they have faults", sure, faulty)
	if sure > .02 || faulty < .05 {
		t.Error("lists that are nearly the same do not tell how many faults there are")
	}
}

// TestOneSender: the same three contacts in three domains speak more for a leak if
// one source made them all.
func TestOneSender(t *testing.T) {
	t.Parallel()
	weigh := func(one int) float64 {
		r := rand.New(rand.NewPCG(3, 4)) // a test's dice
		c := world(r)
		x := &c.Extracts[large(c, r)]
		domains := map[int]bool{}
		for _, n := range x.Held {
			if d := c.Tokens[n].Domain; !domains[d] && len(domains) < 3 {
				domains[d] = true
				c.Contacts = append(c.Contacts, posterior.Contact{Token: int(n), Control: -1, Source: 1000 + (1-one)*len(domains), At: x.At + 6 + 3*float64(len(domains))})
			}
		}
		a := posterior.Weigh(c)
		sane(t, &a)
		return a.None
	}
	one, three := weigh(1), weigh(0)
	t.Logf("no leak: %.3f by one source, %.3f by three", one, three)
	if one > three/2 {
		t.Errorf("no leak has %.3f when one source made the contacts, %.3f when three did", one, three)
	}
}

// TestContentIsJudgedByNoise: what only the leak's contacts know tells more the less
// of noise knows it; that most contacts are the leak's takes nothing from it.
func TestContentIsJudgedByNoise(t *testing.T) {
	t.Parallel()
	weigh := func(k posterior.Content) float64 {
		r := rand.New(rand.NewPCG(3, 4)) // a test's dice
		c := world(r)
		x := &c.Extracts[large(c, r)]
		for i, n := range x.Held[:2] {
			c.Contacts = append(c.Contacts, posterior.Contact{Token: int(n), Control: -1, Source: 1000 + i, At: x.At + 6 + 3*float64(i), Content: k})
		}
		a := posterior.Weigh(c)
		sane(t, &a)
		return a.None
	}
	knowing, generic := weigh(posterior.CitesTicket), weigh(posterior.Generic)
	t.Logf("no leak: %.4f if tickets are cited, %.4f if nothing is", knowing, generic)
	if knowing > generic/50 {
		t.Errorf("no leak has %.4f when tickets are cited, %.4f when nothing is", knowing, generic)
	}
}

// TestTwins: of two who took the same at about the same time neither is said to be
// more likely the one than not, and the order of what is said stays.
func TestTwins(t *testing.T) {
	t.Parallel()
	named := 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 31)) // a test's dice
		c := world(r)
		e := large(c, r)
		twin := c.Extracts[e]
		twin.Actor, twin.At = 5000, twin.At+.3
		again := twin // who ran the report twice has twice the share
		again.At += .3
		c.Extracts = append(c.Extracts, twin, again)
		sell(c, r, c.Extracts[e].Held, again.At, .25)
		a := posterior.Weigh(c)
		sane(t, &a)
		for _, s := range a.Actors {
			if s.Index != 5000 && s.Index != c.Extracts[e].Actor {
				continue
			}
			named++
			if s.P > .5 && s.P < 2./3 {
				t.Errorf("world %d: actor %d has %.3f", seed, s.Index, s.P)
			}
		}
		if !slices.IsSortedFunc(a.Actors, func(x, y posterior.Share) int { return cmp.Compare(y.P, x.P) }) {
			t.Errorf("world %d: %v", seed, a.Actors)
		}
	}
	if named < 12 {
		t.Errorf("%d of 12 named", named)
	}
}
