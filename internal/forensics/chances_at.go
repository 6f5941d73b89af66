package forensics

import (
	"slices"

	"saltmine/internal/forensics/posterior"
)

// at is when an extract was taken, in days. Where only an interval is known, it lies
// within those parts of it in which the extract explains most hits; it is weighed as of
// the middle of the longest.
func (w *weighing) at(x *weighed, taken int64) (at float64, within []posterior.Interval) {
	latest := daysOf(taken)
	t := &x.from.Taken
	if t.Earliest.Equal(t.Latest) {
		return latest, nil
	}
	earliest := min(w.Since, latest)
	if !t.Earliest.IsZero() {
		earliest = daysOf(t.Earliest.UnixMicro())
	}
	if !x.explains() {
		return (earliest + latest) / 2, nil
	}
	at = (earliest + latest) / 2
	longest := 0.
	for _, s := range w.best(x, span{microOf(earliest), t.Latest.UnixMicro() + 1}) {
		from, until := daysOf(s.from), daysOf(s.until)
		if until-from > longest {
			longest, at = until-from, (from+until)/2
		}
		within = append(within, posterior.Interval{From: from, Until: until})
	}
	return at, within
}

// best gives the parts of an interval in which an extract explains most hits.
func (w *weighing) best(x *weighed, in span) (out []span) {
	first, last := w.edges.until(in.from), w.edges.until(in.until-1)
	fits := w.fitting(x, first, last)
	most := slices.Max(fits)
	for i, n := range fits {
		s := in
		if i > 0 {
			s.from = w.edges[first+i-1]
		}
		if i < len(fits)-1 {
			s.until = w.edges[first+i]
		}
		switch k := len(out) - 1; {
		case n < most || s.empty():
		case k >= 0 && out[k].until == s.from:
			out[k].until = s.until
		default:
			out = append(out, s)
		}
	}
	return out
}

// fitting says how many of the hits an extract explains, had it been taken after the
// first so many edges, or one more, and so on.
func (w *weighing) fitting(x *weighed, first, last int) []int32 {
	if x.from.Held != nil {
		return w.fits(w.reachedBy(x))[first : last+1]
	}
	c := w.coverOf(x.from)
	if c.fits == nil {
		var all []int32
		for _, u := range w.reached {
			if c.areas[w.Tokens[u].Segment] {
				all = append(all, u)
			}
		}
		c.fits = w.fits(all)
	}
	return c.fits[first : last+1]
}

// fits counts, by edges before a moment, which of some units could be read then.
func (w *weighing) fits(units []int32) []int32 {
	n := make([]int32, len(w.edges)+1)
	for _, u := range units {
		if s := w.known[int(u)]; !s.empty() {
			n[w.edges.until(s.from)]++
			n[w.edges.until(s.until)]--
		}
	}
	for i := 1; i < len(n); i++ {
		n[i] += n[i-1]
	}
	return n
}
