package forensics

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/forensics/posterior"
	"saltmine/internal/parallel"
)

// extracts tells the posterior of those that explain a hit, with all that their
// actors took, and sums up the others.
func (w *weighing) extracts() {
	involved := make([]bool, len(w.names))
	n := 0
	for i, k := range w.order {
		involved[w.actors[i]] = involved[w.actors[i]] || w.ranked[k].explains()
	}
	for i := range w.order {
		if involved[w.actors[i]] {
			n++
		}
	}
	rows := w.rowsOf()
	w.others(involved, rows)
	numbers := slices.Repeat([]int32{-1}, len(w.names))
	w.Within = map[int][]posterior.Interval{}
	w.what, w.Extracts = make([]int32, 0, n), make([]posterior.Extract, 0, n)
	for i, k := range w.order {
		actor := w.actors[i]
		if !involved[actor] {
			continue
		}
		if numbers[actor] < 0 {
			numbers[actor] = int32(len(w.who)) //nolint:gosec // fewer than extracts
			w.who = append(w.who, w.names[actor])
		}
		x := &w.ranked[k]
		w.what = append(w.what, k)
		at, within := w.at(x, w.taken[i])
		if within != nil {
			w.Within[len(w.Extracts)] = within
		}
		w.Extracts = append(w.Extracts, posterior.Extract{Actor: int(numbers[actor]), At: at, Rows: rows(x), More: int(x.why.holds), Whole: x.from.Held == nil || x.from.Complete})
	}
	w.held()
}

// rowsOf says how many rows an extract has: those of which nobody knows as many to a
// canary as the others.
func (w *weighing) rowsOf() func(*weighed) float64 {
	var rows, canaries float64
	for _, k := range w.order {
		if x := &w.ranked[k]; x.from.Rows > 0 {
			rows += float64(x.from.Rows)
			canaries += float64(x.why.holds)
		}
	}
	perCanary := 1.
	if rows > 0 && canaries > 0 {
		perCanary = max(rows/canaries, 1)
	}
	return func(x *weighed) float64 {
		if x.from.Rows > 0 {
			return float64(x.from.Rows)
		}
		return float64(x.why.holds) * perCanary
	}
}

// others sums up the extracts of those who explain nothing, by day and size.
func (w *weighing) others(involved []bool, rows func(*weighed) float64) {
	type sort struct{ day, size int }
	sums := map[sort]*posterior.Others{}
	var order []sort
	add := func(at float64, holds int) *posterior.Others {
		key := sort{int(math.Floor(at)), bits.Len(uint(holds))}
		if sums[key] == nil {
			sums[key] = &posterior.Others{At: float64(key.day) + .5, Holds: math.Floor(.75 * float64(int(1)<<key.size))}
			order = append(order, key)
		}
		return sums[key]
	}
	type taken struct {
		n, holds int
		rows     float64
		last     float64

		worth, squares float64
	}
	of := make([]taken, len(w.names))
	for i, k := range w.order {
		if involved[w.actors[i]] {
			continue
		}
		x := &w.ranked[k]
		holds, r := int(x.why.holds), rows(x)
		at, _ := w.at(x, w.taken[i])
		worth := posterior.Worth(r)
		sum := add(at, holds)
		sum.Weight, sum.Squares = sum.Weight+worth, sum.Squares+worth*worth
		t := &of[w.actors[i]]
		t.n, t.holds, t.rows, t.last = t.n+1, t.holds+holds, t.rows+r, max(t.last, at)
		t.worth, t.squares = t.worth+worth, t.squares+worth*worth
	}
	for a := range of {
		if t := &of[a]; t.n > 1 {
			sum := add(t.last, t.holds)
			sum.Actors += posterior.ActorWorth(t.rows)
			sum.Pairs += (t.worth*t.worth - t.squares) / 2
		}
	}
	for _, key := range order {
		w.Others = append(w.Others, *sums[key])
	}
}

// mostScanned bounds the work of writing down what extracts held, in units.
const mostScanned = 2 << 20

// held writes down what the extracts held: of the best all of it, as far as there is
// time, so that what several of them held is counted once; of the rest what was hit.
func (w *weighing) held() {
	by := make([][]int32, len(w.ix.hits)+1) // by how many hits they explain
	for i, k := range w.what {
		n := w.ranked[k].why.explained
		by[n] = append(by[n], int32(i))
	}
	left := mostScanned
	var whole []int32
	for n := len(by) - 1; n > 0; n-- {
		if left > 0 {
			slices.SortStableFunc(by[n], func(a, b int32) int { return w.better(w.what[a], w.what[b]) })
		}
		for _, i := range by[n] {
			x := &w.ranked[w.what[i]]
			cost := len(w.units)
			if x.from.Held != nil {
				cost = len(x.from.Held)
			}
			if left -= cost; left >= 0 {
				whole = append(whole, i)
			} else {
				w.hold(i, w.reachedBy(x))
			}
		}
	}
	areas := make([][]bool, len(whole))
	for n, i := range whole {
		areas[n] = w.coverOf(w.ranked[w.what[i]].from).areas
	}
	parallel.Each(len(whole), func() *[]int32 { return new([]int32) }, func(room *[]int32, n int) {
		x := &w.ranked[w.what[whole[n]]]
		w.hold(whole[n], w.among(x.from, 0, areas[n], room))
	})
}

func (w *weighing) hold(i int32, held []int32) {
	e := &w.Extracts[i]
	e.Held, e.More = held, max(e.More-len(held), 0)
}

func (w *weighing) better(a, b int32) int {
	x, y := w.ix.silent.evidence(&w.ranked[a].why), w.ix.silent.evidence(&w.ranked[b].why)
	switch {
	case x > y:
		return -1
	case x < y:
		return 1
	}
	return 0
}

// reachedBy gives the units that an extract held of those that were hit. Extracts of
// one place and segment, taken between the same edges, share one list.
func (w *weighing) reachedBy(x *weighed) []int32 {
	first := int32(len(w.units) - len(w.reached)) //nolint:gosec // fewer than windows
	c := w.coverOf(x.from)
	if x.from.Held != nil {
		return w.among(x.from, first, c.areas, &w.room)
	}
	t := &x.from.Taken
	key := [2]int{w.edges.until(t.Earliest.UnixMicro()), w.edges.until(t.Latest.UnixMicro())}
	held, known := c.held[key]
	if !known {
		held = w.among(x.from, first, c.areas, &w.room)
		c.held[key] = held
	}
	return held
}

// among gives the units, from one on, that an extract held by what is known of it. It works
// in a room that is used again.
func (w *weighing) among(e *canary.Extract, from int32, areas []bool, room *[]int32) []int32 {
	out := (*room)[:0]
	defer func() { *room = out }()
	took := span{e.Taken.Earliest.UnixMicro(), e.Taken.Latest.UnixMicro()}
	held := func(u int32) bool {
		k := &w.units[u]
		return k.from <= took.until && took.from < k.until && areas[w.Tokens[u].Segment]
	}
	if e.Held == nil {
		for u := from; u < int32(len(w.units)); u++ { //nolint:gosec // fewer than windows
			if held(u) {
				out = append(out, u)
			}
		}
		return slices.Clone(out)
	}
	for _, id := range e.Held {
		n, known := w.ix.number[id]
		if !known {
			continue
		}
		for _, u := range w.of[n] {
			if u >= from && held(u) {
				out = append(out, u)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.Clone(out)
}

func (w *weighing) coverOf(e *canary.Extract) *cover {
	at := area{e.Place, e.Segment}
	if e.Held != nil {
		at.segment = "" // it names its rows
	}
	c := w.covers[at]
	if c == nil {
		c = &cover{areas: make([]bool, len(w.areas)), held: map[[2]int][]int32{}}
		for n, a := range w.areas {
			c.areas[n] = (at.place == "" || a.place == at.place) && at.segment.Covers(a.segment)
		}
		w.covers[at] = c
	}
	return c
}

// answer names what the posterior numbers, and gives every extract its probability.
func (w *weighing) answer(a posterior.Answer) *found {
	c := &Chances{
		None: round(a.None), Unlogged: round(a.Unlogged), Known: round(max(1-a.None-a.Unlogged, 0)), Extracts: []Chance{}, Actors: []Chance{},
		Half: spans(a.Half), Likely: spans(a.Intervals), Nearly: spans(a.Nearly), Times: make([]TimeChance, 0, len(a.Times)),
	}
	out := &found{c, w.colleagues(a.Extracts), w.shared(a.Extracts), a.Rows, w.left, a.Lacking}
	for i := range w.ranked {
		if x := &w.ranked[i]; x.from == nil {
			x.p, x.lead = c.Unlogged, posterior.Careful(c.Unlogged) // as what it is listed among
		}
	}
	for e, p := range a.ByExtract {
		x := &w.ranked[w.what[e]]
		x.p = round(p)
		x.lead = x.p
	}
	for _, s := range a.Extracts {
		x := &w.ranked[w.what[s.Index]]
		c.Extracts = append(c.Extracts, Chance{string(x.from.ID), x.p})
	}
	for _, s := range a.Actors {
		c.Actors = append(c.Actors, Chance{w.who[s.Index], round(s.P)})
	}
	w.lead(a.ByActor)
	for _, t := range a.Times {
		if p := round(t.P); p > 0 {
			c.Times = append(c.Times, TimeChance{timeOf(t.From), p})
		}
	}
	return out
}

// lead gives the extracts of the probable actors their actors' probabilities, and has
// the best of each stand for its actor.
func (w *weighing) lead(actors []float64) {
	p := make([]float64, len(w.who))
	for a := range actors {
		p[a] = round(actors[a])
	}
	best := slices.Repeat([]int32{-1}, len(w.who))
	for i, k := range w.what {
		a, x := w.Extracts[i].Actor, &w.ranked[k]
		if x.actor = p[a]; p[a] > 0 && (best[a] < 0 || w.ix.compare(*x, w.ranked[best[a]]) < 0) {
			best[a] = k
		}
	}
	for a, k := range best {
		if k >= 0 {
			w.ranked[k].lead = p[a]
		}
	}
}

// colleagues counts of some extracts the other actors of whom one explains the same.
func (w *weighing) colleagues(of []posterior.Share) map[*canary.Extract]int {
	cluster := make([]int, len(w.units))
	for i, c := range w.clusters {
		for _, u := range c.units {
			cluster[u] = i
		}
	}
	first := int32(len(w.units) - len(w.reached)) //nolint:gosec // fewer than windows
	var text []byte
	set := func(held []int32) []byte {
		text = text[:0]
		for _, u := range held {
			if u >= first {
				text = binary.AppendUvarint(text, uint64(cluster[u])) //nolint:gosec // an index
			}
		}
		return text
	}
	actors := map[string]map[int]bool{} // by what is explained
	for _, s := range of {
		actors[string(set(w.Extracts[s.Index].Held))] = map[int]bool{}
	}
	type pair struct {
		list  *int32
		actor int
	}
	seen := map[pair]bool{} // many share one list
	for i := range w.Extracts {
		e := &w.Extracts[i]
		var at pair
		if len(e.Held) > 0 {
			at = pair{&e.Held[0], e.Actor}
		} else {
			at.actor = e.Actor
		}
		if seen[at] {
			continue
		}
		seen[at] = true
		if list := actors[string(set(e.Held))]; list != nil {
			list[e.Actor] = true
		}
	}
	out := map[*canary.Extract]int{}
	for _, s := range of {
		out[w.ranked[w.what[s.Index]].from] = len(actors[string(set(w.Extracts[s.Index].Held))]) - 1
	}
	return out
}

// shared says of some extracts who else took one by the same statement.
func (w *weighing) shared(of []posterior.Share) map[*canary.Extract][]string {
	actors := map[string]map[int32]bool{}
	for _, s := range of {
		if shape := w.ranked[w.what[s.Index]].from.Shape; shape != "" {
			actors[shape] = map[int32]bool{}
		}
	}
	out := map[*canary.Extract][]string{}
	if len(actors) == 0 {
		return out
	}
	for i, k := range w.order {
		if list := actors[w.ranked[k].from.Shape]; list != nil {
			list[w.actors[i]] = true
		}
	}
	for _, s := range of {
		e := w.ranked[w.what[s.Index]].from
		if n := len(actors[e.Shape]) - 1; n > 0 {
			out[e] = []string{fmt.Sprintf("innocent explanation: the same statement was sent by %s", count(n, "other actor"))}
		}
	}
	return out
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
