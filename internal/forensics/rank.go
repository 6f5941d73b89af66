package forensics

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"saltmine/internal/canary"
)

// weighed is a suspect with what its silent canaries say about it.
type weighed struct {
	Suspect
	from     *canary.Extract // nil where none is known
	why      tally
	evidence float64
	events   int // independent hits that it explains
}

// Parameters of the Beta prior of the share of an extract's canaries that get
// contacted: both one half, which favours shares near nothing and near all.
const priorA, priorB = 0.5, 0.5

// evidence is the logarithm of the probability that of an extract's k canaries
// exactly these h are contacted, with the share f integrated out under its
// prior: ln B(h+a, k-h+b) - ln B(a, b). For the same h it falls as k grows,
// about as (k_small/k_big)^h: silence weighs against large extracts.
func evidence(h, k int) float64 {
	return lnBeta(float64(h)+priorA, float64(k-h)+priorB) - lnBeta(priorA, priorB)
}

func lnBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// weighAll judges every extract, adds "not in the log" and ranks them: independent
// hits explained, any before none, then evidence, known before unknown, then time and id.
func (a *Answer) weighAll(ix *index, extracts []canary.Extract) []weighed {
	ranked := make([]weighed, 0, len(extracts)+1)
	for n := range extracts {
		e := &extracts[n]
		if e.Validate() != nil {
			a.Unusable++
			continue
		}
		w := a.weighOne(ix, n, e)
		switch w.Verdict {
		case ExplainsAll:
			a.All++
		case ExplainsSome:
			a.Some++
		default:
			a.None++
		}
		ranked = append(ranked, w)
	}
	return append(ranked, a.unlogged(ix))
}

// Of a long log hardly any extract has to do with the hits: those that explain none
// are listed where they are few, and so many are at all.
const (
	mostSuspects = 1000 + 1 // with what is in no log
	mostOthers   = 10_000
)

// first puts the suspects in their order, and gives those that are listed.
func first(ranked []weighed) []weighed {
	n := 0
	for i := range ranked {
		if x := &ranked[i]; x.Unlogged || x.Explains > 0 || x.P > 0 {
			ranked[n], ranked[i] = ranked[i], ranked[n]
			n++
		}
	}
	list := ranked[:n]
	if n < mostSuspects && len(ranked) <= mostOthers {
		list = ranked
	}
	order(list)
	if len(list) <= mostSuspects {
		return list
	}
	for i := mostSuspects; i < len(list); i++ {
		if list[i].Unlogged { // it is always one of them
			list[mostSuspects-1], list[i] = list[i], list[mostSuspects-1]
		}
	}
	return list[:mostSuspects]
}

// chances gives the suspects their probabilities, puts them in their order, and says
// what speaks for and against the first.
func (a *Answer) chances(q *Question, ix *index, ranked []weighed) []weighed {
	f := weighChances(q, ix, ranked, a.Now)
	a.Chances = f.Chances
	for i := range ranked {
		if x := &ranked[i]; x.Unlogged {
			x.P = f.Unlogged
		} else {
			x.P = f.p[x.from]
		}
	}
	a.size(ranked, f.rows)
	a.left = f.left
	list := first(ranked)
	a.explain(list)
	var best *weighed
	for i := range list {
		x := &list[i]
		if x.Unlogged || x.P == 0 || x.Explains == 0 {
			continue
		}
		if best == nil {
			best = x
		}
		x.more(best, f.others[x.from])
	}
	return list
}

// explain says of suspects that are listed why they are.
func (a *Answer) explain(list []weighed) {
	for i := range list {
		if x := &list[i]; !x.Unlogged {
			x.Reasons = x.why.words(len(a.Hits))
		}
	}
}

// more adds to the reasons of a suspect what a leak of it would have brought besides,
// and whom else the same hits would accuse.
func (x *weighed) more(first *weighed, others int) {
	hit, held := first.Holds-first.Silent, first.Holds
	mine := x.Holds - x.Silent
	if want := float64(x.Holds) * float64(hit) / float64(max(held, 1)); x != first && want >= 2*float64(mine) && want >= float64(mine)+2 {
		x.Reasons = append(x.Reasons, fmt.Sprintf("contacted like the first suspect's, %d of %d, its %s would have brought about %.0f; there were %d",
			hit, held, count(x.Holds, "canary"), want, mine))
	}
	switch {
	case others == 1:
		x.Reasons = append(x.Reasons, "innocent explanation: an extract of one other actor explains exactly the same hits")
	case others > 1:
		x.Reasons = append(x.Reasons, fmt.Sprintf("innocent explanation: extracts of %d other actors explain exactly the same hits", others))
	}
}

func order(ranked []weighed) {
	slices.SortFunc(ranked, func(x, y weighed) int {
		return cmp.Or(
			cmp.Compare(y.P, x.P),
			cmp.Compare(y.events, x.events),
			cmp.Compare(min(y.Explains, 1), min(x.Explains, 1)),
			boolCompare(x.Unlogged, y.Unlogged),
			cmp.Compare(y.evidence, x.evidence),
			cmp.Compare(y.Explains, x.Explains),
			x.Taken.Earliest.Compare(y.Taken.Earliest),
			cmp.Compare(x.Extract, y.Extract),
			cmp.Compare(x.Actor, y.Actor),
		)
	})
}

func boolCompare(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	}
	return -1
}

func (a *Answer) weighOne(ix *index, n int, e *canary.Extract) weighed {
	t := ix.weigh(n, e)
	of := len(ix.hits)
	s := Suspect{
		Extract: e.ID, Actor: e.Actor, Taken: e.Taken,
		Explains: t.explained, Of: of, Holds: t.holds, Silent: t.holds - t.canaries,
		Verdict: verdict(t.explained, of),
	}
	return weighed{s, e, t, evidence(t.canaries, t.holds), t.events}
}

// unlogged is the assumption of one extract that no log shows. It explains as
// many hits as fit one moment.
func (a *Answer) unlogged(ix *index) weighed {
	of := len(a.Hits)
	s := Suspect{Unlogged: true, Explains: of, Of: of, Reasons: []string{
		"an extract that no log shows may have held any of them; nothing here can rule it out",
	}}
	n := ix.events
	if len(a.Window) == 0 {
		s.Explains, n = 0, 0
		if len(a.Peaks) > 0 {
			s.Explains = a.Peaks[0].Tokens
			fits := map[int]bool{}
			for i, h := range ix.hits {
				fits[i] = !slices.Contains(a.Peaks[0].Without, h.Token)
			}
			n = ix.whole(fits)
		}
	}
	s.Verdict = verdict(s.Explains, of)
	return weighed{Suspect: s, events: n}
}

func verdict(explains, of int) Verdict {
	switch explains {
	case 0:
		return ExplainsNone
	case of:
		return ExplainsAll
	default:
		return ExplainsSome
	}
}

// words says why an extract explains what it explains.
func (t tally) words(of int) []string {
	out := []string{fmt.Sprintf("explains %d of %s", t.explained, count(of, "hit"))}
	if t.unheld > 0 {
		out = append(out, fmt.Sprintf("%s on canaries that it did not hold", count(t.unheld, "hit")))
	}
	if t.unreadable > 0 {
		out = append(out, fmt.Sprintf("%s on tokens that could not be read when it was taken", count(t.unreadable, "hit")))
	}
	if t.early > 0 {
		out = append(out, fmt.Sprintf("%s came before it was taken", count(t.early, "hit")))
	}
	if t.explained > 0 {
		out = append(out, fmt.Sprintf("held %s, %d of them silent", count(t.holds, "canary"), t.holds-t.canaries))
	}
	return out
}
