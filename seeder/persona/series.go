package persona

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Series draws one unused number for each of the times, which are in order.
// recent are the numbers that were given last, used tells of further numbers
// that may not be drawn.
//
// A running counter gives numbers that it skipped shortly before, and when
// there are too few of them, those that it would give next: continued counts
// these. Numbers grow with the times. A counter without order gives any
// number in the range that it has.
func (n *Numbers) Series(rng *rand.Rand, recent []Numbered, times []time.Time, used func(string) bool) (numbers []string, continued int, err error) {
	if !n.Running {
		numbers, err = n.scattered(rng, times, used)
		return numbers, 0, err
	}
	seen := map[string][]int64{}
	for _, r := range recent {
		if period, counter, ok := n.Read(r.Text); ok {
			run := n.series(period)
			seen[run] = append(seen[run], counter)
		}
	}
	for len(times) > 0 {
		period, same := n.period(times[0]), 1
		for same < len(times) && n.period(times[same]) == period {
			same++
		}
		run := n.series(period)
		slices.Sort(seen[run])
		got, more := n.running(rng, seen[run], times[:same], used)
		for _, text := range got { // a later period may go on with the same counter
			_, counter, _ := n.Read(text)
			seen[run] = append(seen[run], counter)
		}
		numbers, continued, times = append(numbers, got...), continued+more, times[same:]
	}
	return numbers, continued, nil
}

// Of a running counter only what it skipped among its last numbers is drawn:
// a number much older than its ticket would show. The very last numbers may
// belong to tickets that are being opened now.
const (
	nearGap   = 300
	inFlight  = 5
	maxSpread = 1000
)

// running picks skipped numbers near the end, then continues. It picks one
// number for each time, all of one period.
func (n *Numbers) running(rng *rand.Rand, counters []int64, times []time.Time, used func(string) bool) (numbers []string, continued int) {
	var free []int64
	next := int64(1)
	if last := len(counters) - 1; last >= 0 {
		next = counters[last] + 1
		have := map[int64]bool{}
		for _, c := range counters {
			have[c] = true
		}
		for c := max(counters[0], counters[last]-nearGap) + 1; c < counters[last]-inFlight; c++ {
			if !have[c] && !used(n.Write(times[0], c)) {
				free = append(free, c)
			}
		}
	}
	for len(free) > len(times) { // any of them, in order
		i := rng.IntN(len(free))
		free = slices.Delete(free, i, i+1)
	}
	gaps := min(gapsOf(counters), 0.5)
	for len(free) < len(times) {
		if text := n.Write(times[0], next); !used(text) && rng.Float64() >= gaps {
			free = append(free, next)
			continued++
		}
		next++
	}
	for i, c := range free {
		numbers = append(numbers, n.Write(times[i], c))
	}
	return numbers, continued
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

// Skipped lists the numbers that a running counter left out among those given
// last, all of which it will not give any more.
func (n *Numbers) Skipped(recent []Numbered, used func(string) bool) []string {
	if !n.Running || len(recent) == 0 {
		return nil
	}
	newest := slices.MaxFunc(recent, func(a, b Numbered) int { return a.Created.Compare(b.Created) })
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
