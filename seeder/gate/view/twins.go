package view

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A canary made by copying a customer shares with it what strangers hardly
// share: the second of a sign-up, a ticket's wording, the time between two
// events, a long row of ordinary values that is rare as a whole.

const (
	mostHolders = 16 // rows that may share a thing for it to mean much
	mostOfOne   = 64 // tickets of one customer that are looked at
)

// twins emits how much a row has in common with the row that is most like it.
func (b *builder) twins() {
	held := b.ownTokens()
	all := b.likeness(held, true)
	b.c.emitOf(Feature{Name: "twin", Says: "how much rare detail the row shares with one other row", Column: "whole row", Group: Copies, Values: all})
	behaviour := b.likeness(held, false)
	b.c.emitOf(Feature{Name: "twin.behaviour", Says: "how much rare detail, names and addresses aside, the row shares with one other row", Column: "whole row", Group: Copies, Values: behaviour})
}

// holding is a rare value with the rows that hold it.
type holding struct {
	identity bool
	weight   float32
	rows     []int32
}

// ownTokens collects the rare things, and which rows hold them.
func (b *builder) ownTokens() []holding {
	var out []holding
	add := func(identity bool, values func(row int) []string) {
		out = append(out, b.shared(identity, values)...)
	}
	for _, c := range b.c.cols {
		if c.Kind == Word || c.Role == Key {
			continue
		}
		identity := c.group == Names || c.group == Mail || c.group == Phones || c.group == Keys
		add(identity, func(row int) []string { return []string{c.text(row)} })
	}
	add(false, b.combinations)
	add(false, b.intervals)
	if b.t != nil {
		for _, c := range b.t.cols {
			if c.Kind == Word || c.Role == Key || c.Role == Serial {
				continue
			}
			add(false, func(row int) []string { return b.ticketTexts(c, row) })
		}
		add(false, b.course)
	}
	return out
}

// shared finds the values that few rows hold, but more than the one that looks.
func (b *builder) shared(identity bool, values func(row int) []string) []holding {
	var names interned
	var ids, rows, holders []int32
	looks := int32(0) // who looks holds it as well
	if b.c.apart() {
		looks = 1
	}
	for row := range b.c.n {
		from := len(ids)
		for _, v := range values(row) {
			id := names.id(v)
			if v == "" || slices.Contains(ids[from:], id) {
				continue
			}
			ids, rows = append(ids, id), append(rows, small(row))
			for int(id) >= len(holders) {
				holders = append(holders, looks)
			}
			if b.c.counted[row] {
				holders[id]++
			}
		}
	}
	place := map[int32]int{}
	var out []holding
	for i, id := range ids {
		if n := holders[id]; n < 2 || n > mostHolders {
			continue
		}
		at, known := place[id]
		if !known {
			at = len(out)
			place[id] = at
			out = append(out, holding{identity: identity, weight: float32(math.Log(float64(b.c.population()) / float64(holders[id])))})
		}
		out[at].rows = append(out[at].rows, rows[i])
	}
	return out
}

// some are the tickets of a row, not more than are worth looking at.
func (b *builder) some(row int) []int { return b.of[row][:min(mostOfOne, len(b.of[row]))] }

func (b *builder) ticketTexts(c *column, row int) []string {
	var out []string
	for _, i := range b.some(row) {
		out = append(out, c.text(i))
	}
	return out
}

// wordsOf is all words of a row in one.
func (b *builder) wordsOf(row int) string {
	var s strings.Builder
	for _, c := range b.c.cols {
		if c.Kind == Word {
			s.WriteString(c.text(row))
			s.WriteByte(0)
		}
	}
	return s.String()
}

// combinations are a row's words together with the day and the hour of each of
// its dates: a copy under a new time of day still has them.
func (b *builder) combinations(row int) (out []string) {
	all := b.wordsOf(row)
	for _, c := range b.c.cols {
		if c.Kind != Time {
			continue
		}
		if t := c.text(row); len(t) >= len(dateForm) {
			out = append(out, c.Name+t[:len(dateForm)]+all)
		}
	}
	return out
}

// intervals are the times between a row's dates, which survive when all of
// them are moved.
func (b *builder) intervals(row int) (out []string) {
	var times []float64
	for _, c := range b.c.cols {
		if c.Kind == Time {
			times = append(times, c.num(row))
		}
	}
	if b.t != nil {
		for _, i := range b.some(row) {
			for _, c := range b.t.cols {
				if c.Kind == Time {
					times = append(times, c.num(i))
				}
			}
		}
	}
	for k := range times {
		for j := range k {
			if gap := times[k] - times[j]; gap != 0 && !math.IsNaN(gap) && k-j <= 4 {
				out = append(out, strconv.Itoa(min(k, 9))+" "+number0(gap*1e3))
			}
		}
	}
	return out
}

// course is what happened to a customer's tickets, in order, without dates.
func (b *builder) course(row int) []string {
	if len(b.of[row]) < 2 {
		return nil
	}
	var s strings.Builder
	s.WriteString(b.wordsOf(row))
	for _, i := range b.some(row) {
		for _, c := range b.t.cols {
			if c.Kind == Word || c.Kind == Text && c.Role != Serial {
				s.WriteString(c.text(i))
				s.WriteByte(0)
			}
		}
	}
	return []string{s.String()}
}

// likeness is the weight of what a row shares with the row it shares most with.
func (b *builder) likeness(held []holding, identity bool) []float32 {
	mine := make([][]int32, b.c.n)
	for h := range held {
		if identity || !held[h].identity {
			for _, row := range held[h].rows {
				mine[row] = append(mine[row], small(h))
			}
		}
	}
	out := make([]float32, b.c.n)
	weight := make([]float32, b.c.n)
	var touched []int32
	for row := range out {
		for _, h := range mine[row] {
			for _, other := range held[h].rows {
				if other == small(row) || !b.c.counted[other] {
					continue
				}
				if weight[other] == 0 {
					touched = append(touched, other)
				}
				weight[other] += held[h].weight
			}
		}
		for _, other := range touched {
			out[row] = max(out[row], weight[other])
			weight[other] = 0
		}
		touched = touched[:0]
	}
	return out
}
