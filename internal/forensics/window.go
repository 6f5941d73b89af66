package forensics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// maxPeaks bounds what is told of hits that do not fit together.
const maxPeaks = 20

const forever = math.MaxInt64

// span is a half-open interval of microseconds since 1970.
type span struct{ from, until int64 }

func (s span) empty() bool { return s.from >= s.until }

// hull is where the token may have been readable.
func hull(w canary.Window) span {
	s := span{w.From.Earliest.UnixMicro(), forever}
	if w.Until.Come() {
		s.until = w.Until.Latest.UnixMicro()
	}
	return s
}

// core is where the token could certainly be read.
func core(w canary.Window) span {
	if !w.From.Come() {
		return span{}
	}
	s := span{w.From.Latest.UnixMicro(), forever}
	if !w.Until.IsZero() {
		s.until = w.Until.Earliest.UnixMicro()
	}
	return s
}

// merge joins spans that touch or overlap; the result is sorted and disjoint, and takes
// the place of what was given.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	out := spans[:0]
	for _, s := range spans {
		switch last := len(out) - 1; {
		case s.empty():
		case last >= 0 && s.from <= out[last].until:
			out[last].until = max(out[last].until, s.until)
		default:
			out = append(out, s)
		}
	}
	return out
}

// rise is a step with what happens at its ends.
type rise struct {
	Step
	opens  bool // a token becomes readable at From
	closes bool // a token stops being readable, or is contacted, at Until
}

// access fills in when the extract must have been taken.
func (a *Answer) access(hits []*target) {
	a.Window, a.Certain, a.Steps = []Interval{}, []Interval{}, []Step{}
	var rises []rise
	for _, place := range places(hits) {
		possible := sweep(place, hits, func(p placed) span { return p.hull })
		rises = append(rises, possible...)
		a.Window = append(a.Window, full(possible, len(hits))...)
		sure := sweep(place, hits, func(p placed) span { return p.core })
		a.Certain = append(a.Certain, full(sure, len(hits))...)
	}
	for _, r := range rises {
		a.Steps = append(a.Steps, r.Step)
	}
	if len(a.Window) == 0 {
		a.Peaks = peaks(rises, hits)
	}
}

func places(hits []*target) []canary.Place {
	var out []canary.Place
	for _, h := range hits {
		for _, l := range h.lies {
			out = append(out, l.place)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sweep counts over time how many of the hit tokens could be read in a place
// and were contacted only later.
func sweep(place canary.Place, hits []*target, part func(placed) span) []rise {
	opens, closes := map[int64]int{}, map[int64]int{}
	var times []int64
	for _, h := range hits {
		var spans []span
		for _, l := range h.lies {
			if l.place == place {
				s := part(l)
				spans = append(spans, span{s.from, min(s.until, h.first)})
			}
		}
		for _, s := range merge(spans) {
			opens[s.from]++
			closes[s.until]++
			times = append(times, s.from, s.until)
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	var rises []rise
	tokens := 0
	for i, t := range times {
		tokens += opens[t] - closes[t]
		if tokens > 0 { // then something closes later
			end := times[i+1]
			step := Step{Interval{place, moment(t), moment(end)}, tokens}
			rises = append(rises, rise{step, opens[t] > 0, closes[end] > 0})
		}
	}
	return rises
}

func moment(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// full gives the intervals in which all could be read.
func full(rises []rise, of int) []Interval {
	var out []Interval
	for _, r := range rises {
		if r.Tokens == of {
			out = append(out, r.Interval)
		}
	}
	return out
}

// peaks gives the greatest sets of hits that fit one moment: of intervals on a
// line these lie exactly between an opening and the next closing.
func peaks(rises []rise, hits []*target) []Peak {
	var out []Peak
	for _, r := range rises {
		if r.opens && r.closes {
			out = append(out, Peak{Interval: r.Interval, Tokens: r.Tokens})
		}
	}
	slices.SortFunc(out, func(x, y Peak) int {
		return cmp.Or(cmp.Compare(y.Tokens, x.Tokens), x.From.Compare(y.From), cmp.Compare(x.Place, y.Place))
	})
	out = out[:min(len(out), maxPeaks)]
	for i := range out {
		out[i].Without = without(out[i].Interval, hits)
	}
	return out
}

// without lists the hits that an interval does not fit.
func without(in Interval, hits []*target) []canary.TokenID {
	at := in.From.UnixMicro()
	out := []canary.TokenID{}
	for _, h := range hits {
		fits := slices.ContainsFunc(h.lies, func(l placed) bool {
			return l.place == in.Place && l.hull.from <= at && at < min(l.hull.until, h.first)
		})
		if !fits {
			out = append(out, h.Token)
		}
	}
	slices.Sort(out)
	return out
}
