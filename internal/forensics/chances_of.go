package forensics

import (
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"math/bits"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/forensics/posterior"
)

// extracts tells the posterior of those that explain a hit, with all that their
// actors took, and sums up the others.
func (w *weighing) extracts() {
	perCanary := w.rowsPerCanary()
	rows := func(x *weighed) float64 {
		if x.from.Rows > 0 {
			return float64(x.from.Rows)
		}
		return float64(x.Holds) * perCanary
	}
	involved := map[string]bool{}
	for i := range w.ranked {
		involved[w.ranked[i].Actor] = involved[w.ranked[i].Actor] || w.ranked[i].Explains > 0
	}
	w.others(involved, rows)
	actors := map[string]int{}
	for i := range w.ranked {
		x := w.ranked[i]
		if !involved[x.Actor] {
			continue
		}
		a, known := actors[x.Actor]
		if !known {
			a = len(w.who)
			actors[x.Actor] = a
			w.who = append(w.who, x.Actor)
		}
		w.what = append(w.what, i)
		w.Extracts = append(w.Extracts, posterior.Extract{Actor: a, At: w.at(x), Rows: rows(x), More: x.Holds})
	}
	w.held()
}

// rowsPerCanary is how many rows there are to a canary, by the extracts of which both
// numbers are known.
func (w *weighing) rowsPerCanary() float64 {
	var rows, canaries float64
	for i := range w.ranked {
		if x := w.ranked[i]; x.from.Rows > 0 {
			rows += float64(x.from.Rows)
			canaries += float64(x.Holds)
		}
	}
	if rows == 0 || canaries == 0 {
		return 1
	}
	return max(rows/canaries, 1)
}

// at is when an extract was taken, in days: where only an interval is known, in the
// middle of it, or as soon before the first contact that it explains as it may be.
func (w *weighing) at(x *weighed) float64 {
	latest := daysOf(x.Taken.Latest.UnixMicro())
	if x.Taken.Earliest.Equal(x.Taken.Latest) {
		return latest
	}
	earliest := w.Since
	if !x.Taken.Earliest.IsZero() {
		earliest = daysOf(x.Taken.Earliest.UnixMicro())
	}
	at := (earliest + latest) / 2
	for i := range w.Hits {
		if hit := w.Hits[i].At; hit > earliest && hit <= at {
			at = (earliest + hit) / 2
		}
	}
	return at
}

// others sums up the extracts of those who explain nothing, by day and size.
func (w *weighing) others(involved map[string]bool, rows func(*weighed) float64) {
	type sort struct{ day, size int }
	sums := map[sort]*posterior.Others{}
	add := func(at float64, holds int) *posterior.Others {
		key := sort{int(math.Floor(at)), bits.Len(uint(holds))}
		if sums[key] == nil {
			sums[key] = &posterior.Others{At: float64(key.day) + .5, Holds: math.Floor(.75 * float64(int(1)<<key.size))}
		}
		return sums[key]
	}
	type taken struct {
		n, holds int
		rows     float64
		last     float64

		worth, squares float64
	}
	of := map[string]*taken{}
	for i := range w.ranked {
		x := w.ranked[i]
		if involved[x.Actor] {
			continue
		}
		at := w.at(x)
		worth := posterior.Worth(rows(x))
		sum := add(at, x.Holds)
		sum.Weight, sum.Squares = sum.Weight+worth, sum.Squares+worth*worth
		t := of[x.Actor]
		if t == nil {
			t = &taken{}
			of[x.Actor] = t
		}
		t.n, t.holds, t.rows, t.last = t.n+1, t.holds+x.Holds, t.rows+rows(x), max(t.last, at)
		t.worth, t.squares = t.worth+worth, t.squares+worth*worth
	}
	for _, actor := range slices.Sorted(maps.Keys(of)) { // sums of fractions have an order
		if t := of[actor]; t.n > 1 {
			sum := add(t.last, t.holds)
			sum.Actors += posterior.ActorWorth(t.rows)
			sum.Pairs += (t.worth*t.worth - t.squares) / 2
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(sums), func(a, b sort) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.size, b.size)) }) {
		w.Others = append(w.Others, *sums[key])
	}
}

// held writes down what the extracts held: of the best all of it, as far as there is
// room, so that what several of them held is counted once; of the rest what was hit.
func (w *weighing) held() {
	order := make([]int, len(w.Extracts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := w.ranked[w.what[a]], w.ranked[w.what[b]]
		return cmp.Or(cmp.Compare(y.Explains, x.Explains), cmp.Compare(y.evidence, x.evidence))
	})
	left := mostHeld
	for _, i := range order {
		x := w.ranked[w.what[i]]
		e := &w.Extracts[i]
		whole := x.Explains > 0 && x.Holds <= left
		e.Held = w.holds(x, whole)
		if whole {
			left -= len(e.Held)
		}
		e.More = max(x.Holds-len(e.Held), 0)
	}
}

// holds gives the units that an extract held, all of them or those that were hit.
func (w *weighing) holds(x *weighed, whole bool) (out []int32) {
	if x.Explains == 0 {
		return nil
	}
	took := span{x.Taken.Earliest.UnixMicro(), x.Taken.Latest.UnixMicro()}
	covers := w.covering(x.from)
	for u := range w.among(x.from, whole) {
		if k := &w.units[u]; k.from <= took.until && took.from < k.until && covers[w.Tokens[u].Segment] {
			out = append(out, u)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// among gives the units that an extract can have held by what is known of its rows.
func (w *weighing) among(e *canary.Extract, whole bool) iter.Seq[int32] {
	var from int32
	if !whole { // those that were hit are the last
		from = int32(len(w.units) - len(w.reached)) //nolint:gosec // fewer than windows
	}
	return func(yield func(int32) bool) {
		if e.Held == nil {
			for u := from; u < int32(len(w.units)); u++ { //nolint:gosec // fewer than windows
				if !yield(u) {
					return
				}
			}
			return
		}
		for _, id := range e.Held {
			for _, u := range w.of[w.ix.canary(id)] {
				if u >= from && !yield(u) {
					return
				}
			}
		}
	}
}

// covering says of which areas an extract had rows.
func (w *weighing) covering(e *canary.Extract) []bool {
	at := area{e.Place, e.Segment}
	if e.Held != nil {
		at.segment = "" // it names its rows
	}
	if w.covers[at] == nil {
		list := make([]bool, len(w.areas))
		for a, n := range w.areas {
			list[n] = (at.place == "" || a.place == at.place) && at.segment.Covers(a.segment)
		}
		w.covers[at] = list
	}
	return w.covers[at]
}

// answer names what the posterior numbers, and gives every extract its probability.
func (w *weighing) answer(a posterior.Answer) *found {
	c := &Chances{
		None: round(a.None), Unlogged: round(a.Unlogged), Known: round(max(1-a.None-a.Unlogged, 0)), Extracts: []Chance{}, Actors: []Chance{},
		Half: spans(a.Half), Likely: spans(a.Intervals), Nearly: spans(a.Nearly), Times: make([]TimeChance, 0, len(a.Times)),
	}
	out := &found{c, map[*canary.Extract]float64{}, map[*canary.Extract]int{}, a.Rows, w.left}
	sets, actors := w.explained()
	for _, s := range a.Extracts {
		x := w.ranked[w.what[s.Index]]
		out.p[x.from] = round(s.P)
		out.others[x.from] = len(actors[sets[s.Index]]) - 1
		c.Extracts = append(c.Extracts, Chance{string(x.Extract), round(s.P)})
	}
	for _, s := range a.Actors {
		c.Actors = append(c.Actors, Chance{w.who[s.Index], round(s.P)})
	}
	for _, t := range a.Times {
		if p := round(t.P); p > 0 {
			c.Times = append(c.Times, TimeChance{timeOf(t.From), p})
		}
	}
	return out
}

// explained names what each extract explains of the hits, and says which actors have
// one that explains that.
func (w *weighing) explained() (sets []string, actors map[string]map[int]bool) {
	of := make([]int, len(w.units))
	for i, c := range w.clusters {
		for _, u := range c.units {
			of[u] = i
		}
	}
	first := int32(len(w.units) - len(w.reached)) //nolint:gosec // fewer than windows
	actors = map[string]map[int]bool{}
	for _, e := range w.Extracts {
		var set []byte
		for _, u := range e.Held {
			if u >= first {
				set = binary.AppendUvarint(set, uint64(of[u])) //nolint:gosec // an index
			}
		}
		name := string(set)
		sets = append(sets, name)
		if actors[name] == nil {
			actors[name] = map[int]bool{}
		}
		actors[name][e.Actor] = true
	}
	return sets, actors
}

// round leaves of a probability what the arithmetic is good for.
func round(p float64) float64 { return math.Round(p*1e6) / 1e6 }

func spans(list []posterior.Interval) []TimeSpan {
	out := make([]TimeSpan, 0, len(list))
	for _, i := range list {
		out = append(out, TimeSpan{timeOf(i.From), timeOf(i.Until)})
	}
	return out
}
