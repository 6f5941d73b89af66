package gate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"saltmine/seeder/gate/learn"
	"saltmine/seeder/gate/view"
)

// A predicate is what a DBA could write after WHERE about one column or one
// derived number: =, ≤, ≥, BETWEEN, IS NULL. It is found on one half of the
// rows and measured on the other, both ways round.

// Support is how many canaries a predicate has to hold for: fullSupport, less
// where there are few canaries.
const (
	fullSupport  = 50
	leastSupport = 10
	supportShare = 20 // of the canaries: one in
)

// luck is the chance that thousands of conditions may have: a bound on a few
// canaries is no proof. Of 25 canaries none has it that is above the limit.
const luck = 1e-5

// predicate is a condition, found and measured.
type predicate struct {
	says     string
	feature  int // -1 for equality of words
	canaries int // of the measured half, for which it holds
	rows     int
	low      float64 // lower bound of the precision, over the base rate
	high     float64
	lift     float64
}

// halves are the rows of each half with what they hold.
type halves struct {
	half           []uint8 // by row
	canaries, rows [2]int
	least          int // canaries in a half
}

func (a *arena) halve() *halves {
	h := &halves{half: make([]uint8, a.view.Rows)}
	h.least = (min(fullSupport, max(leastSupport, len(a.in.Canaries)/supportShare)) + 1) / 2
	r := a.random(2)
	for _, part := range [][2]int{{0, len(a.in.Real)}, {len(a.in.Real), a.view.Rows}} {
		for i, j := range r.Perm(part[1] - part[0]) {
			h.half[part[0]+j] = uint8(i % 2)
		}
	}
	for row, half := range h.half {
		h.rows[half]++
		if a.isCanary(row) {
			h.canaries[half]++
		}
	}
	return h
}

func (h *halves) base(half int) float64 { return float64(h.canaries[half]) / float64(h.rows[half]) }

// predicates looks for single conditions.
func (a *arena) predicates(ctx context.Context) []Attack {
	h := a.halve()
	var found []predicate
	tried := 0
	for f := range a.view.Features {
		if ctx.Err() != nil {
			return nil
		}
		p, n := a.ofFeature(h, f)
		found, tried = append(found, p...), tried+n
	}
	for i := range a.view.Words {
		p, n := a.ofWords(h, &a.view.Words[i])
		found, tried = append(found, p...), tried+n
	}
	slices.SortStableFunc(found, func(x, y predicate) int { return cmp.Compare(y.low, x.low) })
	out := Attack{Name: "single predicates", Measure: lowMeasure, Limit: LimitLift}
	out.Note = fmt.Sprintf("%d conditions found on one half of the rows, measured on the other", tried)
	if len(found) > 0 {
		out.Value, out.Low, out.High = found[0].low, found[0].low, found[0].high
	}
	switch {
	case out.Value > LimitLift:
		out.Verdict, out.Tells = Failed, a.told(found)
	case len(a.in.Canaries) < leastSupport*supportShare/2:
		out.Verdict, out.Need = TooFew, leastSupport*supportShare/2
	default:
		out.Verdict = Held
	}
	return []Attack{out}
}

// told names predicates that give canaries away, a feature once.
func (a *arena) told(found []predicate) (out []Tell) {
	seen := map[string]bool{}
	for _, p := range found {
		if len(out) >= mostTells || p.low <= LimitLift {
			break
		}
		t := Tell{Feature: p.says, Says: p.says, Column: p.says}
		if p.feature >= 0 {
			t = a.tell(p.feature)
			t.Says += " " + p.says
		}
		if seen[t.Feature] {
			continue
		}
		seen[t.Feature] = true
		t.Canaries = fmt.Sprintf("%d", p.canaries)
		t.Real = fmt.Sprintf("%d (%.1f × the base rate)", p.rows-p.canaries, p.lift)
		out = append(out, t)
	}
	return out
}

// tallied are canaries and rows by bin, of each half.
type tallied struct{ canaries, rows [2][256]int }

func (a *arena) tally(h *halves, feature int) *tallied {
	t := &tallied{}
	for row, bin := range a.matrix.Bins(feature) {
		t.rows[h.half[row]][bin]++
		if a.isCanary(row) {
			t.canaries[h.half[row]][bin]++
		}
	}
	return t
}

// ofFeature finds the best thresholds and intervals of a feature.
func (a *arena) ofFeature(h *halves, feature int) (out []predicate, tried int) {
	t := a.tally(h, feature)
	edges := a.matrix.Edges(feature)
	for half := range 2 {
		for _, span := range t.spans(h, half, len(edges)) {
			tried++
			k, n := t.sum(1-half, span)
			if p, ok := h.judge(1-half, k, n); ok {
				p.feature, p.says = feature, spoken(&a.view.Features[feature], edges, span)
				out = append(out, p)
			}
		}
	}
	return out, tried
}

// span is an interval of bins, both ends in.
type span struct{ from, to int }

func (t *tallied) sum(half int, s span) (canaries, rows int) {
	for b := s.from; b <= s.to; b++ {
		canaries += t.canaries[half][b]
		rows += t.rows[half][b]
	}
	return canaries, rows
}

// spans finds in one half the most telling condition of each form: not there,
// up to, from, between.
func (t *tallied) spans(h *halves, half, bins int) (out []span) {
	var best [4]float64
	var at [4]span
	for from := range bins + 1 {
		k, n := 0, 0
		for to := from; to <= bins; to++ {
			k += t.canaries[half][to]
			n += t.rows[half][to]
			form := formOf(span{from, to}, bins)
			if k < h.least || float64(k) < float64(n)*h.base(half) || form < 0 {
				continue
			}
			if low, _ := learn.Wilson(k, n, z95); low > best[form] {
				best[form], at[form] = low, span{from, to}
			}
		}
	}
	for form := range best {
		if best[form] > h.base(half) {
			out = append(out, at[form])
		}
	}
	return out
}

// formOf tells NULL, ≤, ≥ and between apart; -1 mixes NULL with values.
func formOf(s span, bins int) int {
	switch {
	case s.to == 0:
		return 0
	case s.from == 0:
		return -1
	case s.from == 1:
		return 1
	case s.to == bins:
		return 2
	default:
		return 3
	}
}

// judge measures a condition on a half.
func (h *halves) judge(half, k, n int) (predicate, bool) {
	if k < h.least {
		return predicate{}, false
	}
	low, high := learn.Wilson(k, n, z95)
	base := h.base(half)
	if low > LimitLift*base && learn.Fisher(k, n, h.canaries[half], h.rows[half]) > luck {
		low = LimitLift * base
	}
	return predicate{feature: -1, canaries: k, rows: n, low: low / base, high: high / base, lift: float64(k) / float64(n) / base}, true
}

func spoken(f *view.Feature, edges []float32, s span) string {
	show := func(bin int) string { return f.Scale.Print(edges[bin-1]) }
	switch formOf(s, len(edges)) {
	case 0:
		return "is not there"
	case 1:
		return "≤ " + show(s.to)
	case 2:
		return "> " + show(s.from-1)
	default:
		if s.from == s.to && s.from > 1 && math.Abs(float64(edges[s.from-1]-edges[s.from-2])) >= 1 {
			return "= " + show(s.from)
		}
		return "> " + show(s.from-1) + " and ≤ " + show(s.to)
	}
}

// ofWords looks for values that give canaries away.
func (a *arena) ofWords(h *halves, w *view.Words) (out []predicate, tried int) {
	var canaries, rows [2][]int
	for half := range 2 {
		canaries[half], rows[half] = make([]int, len(w.Texts)), make([]int, len(w.Texts))
	}
	for row, id := range w.IDs {
		if id < 0 {
			continue
		}
		rows[h.half[row]][id]++
		if a.isCanary(row) {
			canaries[h.half[row]][id]++
		}
	}
	for id, text := range w.Texts {
		for half := range 2 {
			k, n := canaries[half][id], rows[half][id]
			if k < h.least || float64(k) < float64(n)*h.base(half) || a.ownsText(w, text) {
				continue
			}
			tried++
			if p, ok := h.judge(1-half, canaries[1-half][id], rows[1-half][id]); ok {
				p.says = equals(w, text)
				out = append(out, p)
			}
		}
	}
	return out, tried
}

// equals puts a condition into words. Names and numbers are not repeated: a
// report is read by people who may not see them.
func equals(w *view.Words, text string) string {
	if w.Group == view.Names || w.Group == view.Phones || w.Group == view.Keys {
		return "one value of " + w.Name
	}
	return fmt.Sprintf("%s = %q", w.Name, text)
}

// ownsText tells whether a text names an owned domain, which a thief cannot know.
func (a *arena) ownsText(w *view.Words, text string) bool {
	return w.Group == view.Mail && a.owns[view.Registered(text)]
}
