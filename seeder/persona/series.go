package persona

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Series draws one unused number for each of the times, which are in order.
// recent are the numbers that were given last, used tells of further numbers
// that may not be drawn.
//
// A running counter gives numbers that it skipped: for a time that lies between
// recent ones those skipped at that time, for a later one those skipped shortly
// before. When there are too few of them, it gives those that would come next:
// continued counts these, and [Numbers.Gaps] tells beforehand whether numbers are
// skipped at all. Numbers grow with the times. A counter without order gives any
// number in the range that it has.
func (n *Numbers) Series(rng *rand.Rand, recent []Numbered, times []time.Time, used func(string) bool) (numbers []string, continued int, err error) {
	if !n.Running {
		numbers, err = n.scattered(rng, times, used)
		return numbers, 0, err
	}
	seen := map[string][]given{}
	for _, r := range recent {
		if period, counter, ok := n.Read(r.Text); ok {
			run := n.series(period)
			seen[run] = append(seen[run], given{counter, r.Created})
		}
	}
	for len(times) > 0 {
		period, same := n.period(times[0]), 1
		for same < len(times) && n.period(times[same]) == period {
			same++
		}
		run := n.series(period)
		got, more := n.running(rng, seen[run], times[:same], used)
		for i, text := range got { // a later period may go on with the same counter
			_, counter, _ := n.Read(text)
			seen[run] = append(seen[run], given{counter, times[i]})
		}
		numbers, continued, times = append(numbers, got...), continued+more, times[same:]
	}
	return numbers, continued, nil
}

// given is a counter with its date.
type given struct {
	counter int64
	at      time.Time
}

// Of a running counter only what it skipped among its last numbers is drawn:
// a number much older than its ticket would show. The very last numbers may
// belong to tickets that are being opened now.
const (
	nearGap   = 300
	inFlight  = 5
	maxSpread = 1000
)

// running picks skipped numbers, then continues. It picks one number for each
// time, all of one period.
func (n *Numbers) running(rng *rand.Rand, seen []given, times []time.Time, used func(string) bool) (numbers []string, continued int) {
	slices.SortFunc(seen, func(a, b given) int { return cmp.Compare(a.counter, b.counter) })
	have := map[int64]bool{}
	for _, g := range seen {
		have[g.counter] = true
	}
	free := func(c int64, at time.Time) bool { return !have[c] && !used(n.Write(at, c)) }
	past := 0
	for len(seen) > 0 && past < len(times) && times[past].Before(seen[len(seen)-1].at) {
		past++
	}
	var out []int64
	low := int64(-1)
	for _, at := range times[:past] {
		c, ok := skippedAt(rng, seen, at, low, free)
		if !ok { // this one and all later ones go to the end
			break
		}
		out, low = append(out, c), c
	}
	more, continued := n.atEnd(rng, seen, times[len(out):], low, free)
	for i, c := range append(out, more...) {
		numbers = append(numbers, n.Write(times[i], c))
	}
	return numbers, continued
}

// skippedAt finds a number above low that was skipped at about a time.
func skippedAt(rng *rand.Rand, seen []given, at time.Time, low int64, free func(int64, time.Time) bool) (int64, bool) {
	const choice, reach = 3, nearGap / 2
	i, _ := slices.BinarySearchFunc(seen, at, func(g given, at time.Time) int { return g.at.Compare(at) })
	middle := seen[min(i, len(seen)-1)].counter
	var some []int64
	for step := int64(0); step < reach && len(some) < choice; step++ {
		for _, c := range []int64{middle - step, middle + step} {
			inside := c > max(low, seen[0].counter) && c < seen[len(seen)-1].counter-inFlight
			if inside && !slices.Contains(some, c) && free(c, at) {
				some = append(some, c)
			}
		}
	}
	if len(some) == 0 {
		return 0, false
	}
	return some[rng.IntN(len(some))], true
}

// atEnd picks numbers that were skipped near the end, in order, then those that
// come next.
func (n *Numbers) atEnd(rng *rand.Rand, seen []given, times []time.Time, low int64, free func(int64, time.Time) bool) (out []int64, continued int) {
	if len(times) == 0 {
		return nil, 0
	}
	next := max(low, 0) + 1
	var counters []int64
	if last := len(seen) - 1; last >= 0 {
		next = seen[last].counter + 1
		for c := max(seen[0].counter, seen[last].counter-nearGap, low) + 1; c < seen[last].counter-inFlight; c++ {
			if free(c, times[0]) {
				out = append(out, c)
			}
		}
		for _, g := range seen {
			counters = append(counters, g.counter)
		}
	}
	for len(out) > len(times) { // any of them, in order
		i := rng.IntN(len(out))
		out = slices.Delete(out, i, i+1)
	}
	gaps := min(gapsOf(counters), 0.5)
	for len(out) < len(times) {
		if free(next, times[0]) && rng.Float64() >= gaps {
			out = append(out, next)
			continued++
		}
		next++
	}
	return out, continued
}

// Gaps is the share of numbers that a running counter skipped among those given
// last: 0 when all are there, so that a canary's number could only be one that
// is still to come.
func (n *Numbers) Gaps(recent []Numbered) float64 {
	if !n.Running || len(recent) == 0 {
		return 0
	}
	return gapsOf(n.run(recent, newestOf(recent)))
}

func newestOf(recent []Numbered) Numbered {
	return slices.MaxFunc(recent, func(a, b Numbered) int { return a.Created.Compare(b.Created) })
}

// scattered draws numbers at random, each once.
func (n *Numbers) scattered(rng *rand.Rand, times []time.Time, used func(string) bool) ([]string, error) {
	var out []string
	drawn := map[string]bool{}
	for _, at := range times {
		found := false
		for range maxSpread {
			text := n.Write(at, n.random(rng))
			if !drawn[text] && !used(text) {
				drawn[text], found = true, true
				out = append(out, text)
				break
			}
		}
		if !found {
			return nil, fmt.Errorf("draw ticket numbers: %w: nearly all numbers of this form are in use", ErrVariety)
		}
	}
	return out, nil
}

// Ahead lists the next numbers of a running counter behind one that was given on
// a day; none of a counter without order.
func (n *Numbers) Ahead(text string, at time.Time, count int) []string {
	_, counter, ok := n.Read(text)
	if !n.Running || !ok {
		return nil
	}
	out := make([]string, count)
	for i := range out {
		out[i] = n.Write(at, counter+int64(i)+1)
	}
	return out
}

// Skipped lists the numbers that a running counter left out among those given
// last, all of which it will not give any more.
func (n *Numbers) Skipped(recent []Numbered, used func(string) bool) []string {
	if !n.Running || len(recent) == 0 {
		return nil
	}
	newest := newestOf(recent)
	counters := n.run(recent, newest)
	var out []string
	for i := 1; i < len(counters); i++ {
		for c := counters[i-1] + 1; c < counters[i] && c < counters[len(counters)-1]-inFlight; c++ {
			if text := n.Write(newest.Created, c); !used(text) {
				out = append(out, text)
			}
		}
	}
	return out
}

// run gives the counters of the series to which a number belongs, in order.
func (n *Numbers) run(recent []Numbered, of Numbered) []int64 {
	period, _, _ := n.Read(of.Text)
	var counters []int64
	for _, r := range recent {
		if p, c, ok := n.Read(r.Text); ok && n.series(p) == n.series(period) {
			counters = append(counters, c)
		}
	}
	slices.Sort(counters)
	return counters
}

// gapsOf is the share of numbers that are missing among those seen.
func gapsOf(counters []int64) float64 {
	if len(counters) < minNumbers {
		return 0
	}
	span := counters[len(counters)-1] - counters[0] + 1
	return max(0, 1-float64(len(counters))/float64(span))
}

// random draws counters in the range of those seen.
func (n *Numbers) random(rng *rand.Rand) int64 { return n.low + rng.Int64N(n.high-n.low+1) }
