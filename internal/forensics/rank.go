package forensics

import (
	"cmp"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/parallel"
)

// weighed is an extract with what it has to do with the hits.
type weighed struct {
	from *canary.Extract // nil where it is in no log
	why  tally
	p    float64 // of having taken part
	// actor is the probability that its actor did, lead what it is listed by: of the
	// best of an actor's extracts the actor's.
	actor, lead float64
}

func (x *weighed) explains() bool { return x.why.explained > 0 }

// weighAll judges every extract, and "not in the log".
func (a *Answer) weighAll(ix *index, r *roll) []weighed {
	ranked := make([]weighed, len(r.extracts), len(r.extracts)+1)
	parallel.Each(len(ranked), ix.weigher, func(w *weigher, n int) {
		ranked[n] = weighed{from: r.extracts[n], why: w.weigh(r.extracts[n])}
	})
	a.Unusable = r.unusable
	for i := range ranked {
		switch verdict(int(ranked[i].why.explained), len(ix.hits)) {
		case ExplainsAll:
			a.All++
		case ExplainsSome:
			a.Some++
		case ExplainsNone:
			a.None++
		}
	}
	return append(ranked, a.unlogged(ix))
}

// Of a long log hardly any extract has to do with the hits: those that explain none
// are listed where they are few, and so many are at all.
const (
	mostSuspects = 1000 + 1 // with what is in no log
	mostOthers   = 10_000
)

// first gives the suspects that are listed, in their order: independent hits explained,
// any before none, then evidence, known before unknown, then time and id.
func (ix *index) first(ranked []weighed) []weighed {
	n := 0
	for i := range ranked {
		if ranked[i].involved() {
			n++
		}
	}
	all := n < mostSuspects && len(ranked) <= mostOthers
	var list, unlogged []weighed
	sorted := 0
	for i := range ranked {
		x := &ranked[i]
		switch {
		case x.from == nil: // is always listed
			unlogged = append(unlogged, *x)
		case !all && !x.involved(), sorted > 0 && ix.compare(*x, list[sorted-1]) >= 0:
		default:
			if list = append(list, *x); len(list) == 2*mostSuspects {
				slices.SortFunc(list, ix.compare)
				sorted = mostSuspects
				list = list[:sorted]
			}
		}
	}
	slices.SortFunc(list, ix.compare)
	list = append(list[:min(len(list), mostSuspects-len(unlogged))], unlogged...)
	slices.SortFunc(list, ix.compare)
	return list
}

func (x *weighed) involved() bool { return x.explains() || x.p > 0 }

// chances gives the suspects their probabilities, puts them in their order, and says
// what speaks for and against the first.
func (a *Answer) chances(w *weighing, r *roll, ranked []weighed) {
	ix := w.ix
	f := w.weigh(r, ranked)
	a.Chances = f.Chances
	a.size(ranked, f.rows)
	a.left, a.lacks = f.left, f.lacks
	list := ix.first(ranked)
	a.suspects(list)
	var best *Suspect
	judge := ix.weigher()
	for i := range list {
		x, s := &list[i], &a.Suspects[i]
		if x.from == nil || x.p == 0 || !x.explains() {
			continue
		}
		if best == nil {
			best = s
		}
		if missed := judge.missed(x.from); missed != "" {
			s.Reasons = append(s.Reasons, "does not explain "+missed)
		}
		s.more(best, f.others[x.from])
		s.Reasons = append(s.Reasons, f.shared[x.from]...)
	}
}

// suspects writes down those that are listed, and why they are.
func (a *Answer) suspects(list []weighed) {
	a.Suspects = make([]Suspect, 0, len(list))
	for i := range list {
		a.Suspects = append(a.Suspects, list[i].suspect(len(a.Hits)))
	}
}

func (x *weighed) suspect(of int) Suspect {
	t, e := &x.why, x.from
	s := Suspect{P: x.p, ActorP: x.actor, Explains: int(t.explained), Of: of, Verdict: verdict(int(t.explained), of)}
	if e == nil {
		s.Unlogged = true
		s.Reasons = []string{"an extract that no log shows may have held any of them; nothing here can rule it out"}
		return s
	}
	s.Extract, s.Actor, s.Taken = e.ID, e.Actor, e.Taken
	s.Holds, s.Silent = int(t.holds), int(t.holds-t.canaries)
	s.Reasons = t.words(of)
	return s
}

// more adds to the reasons of a suspect what a leak of it would have brought besides,
// and whom else the same hits would accuse.
func (s *Suspect) more(first *Suspect, others int) {
	hit, held := first.Holds-first.Silent, first.Holds
	mine := s.Holds - s.Silent
	if want := float64(s.Holds) * float64(hit) / float64(max(held, 1)); s != first && want >= 2*float64(mine) && want >= float64(mine)+2 {
		s.Reasons = append(s.Reasons, fmt.Sprintf("contacted like the first suspect's, %d of %d, its %s would have brought about %.0f; there were %d",
			hit, held, count(s.Holds, "canary"), want, mine))
	}
	switch {
	case others == 1:
		s.Reasons = append(s.Reasons, "innocent explanation: an extract of one other actor explains exactly the same hits")
	case others > 1:
		s.Reasons = append(s.Reasons, fmt.Sprintf("innocent explanation: extracts of %d other actors explain exactly the same hits", others))
	}
}

func (ix *index) compare(x, y weighed) int {
	a, b := &x.why, &y.why
	if by := cmp.Or(
		cmp.Compare(y.lead, x.lead),
		cmp.Compare(b.events, a.events),
		cmp.Compare(min(b.explained, 1), min(a.explained, 1)),
		boolCompare(x.from == nil, y.from == nil),
	); by != 0 || x.from == nil {
		return by
	}
	if by := cmp.Compare(ix.silent.evidence(b), ix.silent.evidence(a)); by != 0 {
		return by
	}
	return cmp.Or(
		cmp.Compare(b.explained, a.explained),
		x.from.Taken.Earliest.Compare(y.from.Taken.Earliest),
		cmp.Compare(x.from.ID, y.from.ID),
		cmp.Compare(x.from.Actor, y.from.Actor),
	)
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

// unlogged is the assumption of one extract that no log shows. It explains as
// many hits as fit one moment.
func (a *Answer) unlogged(ix *index) weighed {
	t := tally{explained: int32(len(a.Hits)), events: int32(ix.events)} //nolint:gosec // hits
	if len(a.Window) == 0 {
		t = tally{}
		if len(a.Peaks) > 0 {
			t.explained = int32(a.Peaks[0].Tokens) //nolint:gosec // hits
			w := ix.weigher()
			for i, h := range ix.hits {
				w.explained[i] = !slices.Contains(a.Peaks[0].Without, h.Token)
			}
			t.events = w.whole()
		}
	}
	return weighed{why: t}
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
func (t *tally) words(of int) []string {
	out := []string{fmt.Sprintf("explains %d of %s", t.explained, count(of, "hit"))}
	if t.unheld > 0 {
		out = append(out, fmt.Sprintf("%s on canaries that it did not hold", count(int(t.unheld), "hit")))
	}
	if t.unreadable > 0 {
		out = append(out, fmt.Sprintf("%s on tokens that could not be read when it was taken", count(int(t.unreadable), "hit")))
	}
	if t.early > 0 {
		out = append(out, fmt.Sprintf("%s came before it was taken", count(int(t.early), "hit")))
	}
	if t.explained > 0 {
		out = append(out, fmt.Sprintf("held %s, %d of them silent", count(int(t.holds), "canary"), t.holds-t.canaries))
	}
	return out
}
