// Package tripwire judges whether somebody reads more customers than is plausible,
// by the canaries among what the statements returned.
//
// Canaries are a sample of the table: of N customers with K canaries, who reads n
// reads about n·K/N of them. How many an actor reads in an hour is taken as
// negative binomial: a Poisson number whose rate is known from the actor's own
// hours and, as far as those are few, from the others' (a Gamma prior whose mean
// is that of a typical actor). An hour is implausible when so many or more would
// come up in less than [Never] of all hours:
//
//	an agent whose 100 hours had 4 canaries reads 2     plausible
//	the same agent reads 12                             implausible
//	a nightly report that always has 300 reads 310      plausible
//
// Several hours are judged like one that is so many times as long: who reads two an
// hour and never more is seen by the day.
//
// It is arithmetic: it knows no log and no registry. The invariant: fewer than
// [Least] canaries never trip it, because one customer looked up may be one.
package tripwire

import (
	"math"

	"saltmine/internal/canary"
)

// Never is the share of hours in which an honest actor may trip the wire: one in a
// thousand years of 2,000 working hours. With 100 actors that is one in ten years.
const Never = 5e-7

// Least is how many canaries of an hour it takes.
const Least = 3

// The prior: as much as half an hour of a typical actor, and at least one canary in 50
// hours.
const (
	priorHours = 0.5
	leastRate  = 0.02
)

// History is what is known of how much is read.
type History struct {
	Own      float64 // canaries of the actor's hours before
	OwnHours int
	// Most is the most in one of them. An account whose work is a report every night
	// and little else reads far above its mean then, and that is usual.
	Most float64
	// Usual is what others read in an hour. Where some of them make dumps it is to be
	// what a typical one reads: the mean would say that dumps are.
	Usual float64
}

// above is how far above its largest hour an account is to be, at least.
const above = 1.25

// Finding is what an hour comes to.
type Finding struct {
	Canaries int
	Hours    float64
	Expected float64 // the mean of such a time
	Chance   float64 // that an honest one has so many or more
	Most     float64 // that were read in such a time before
	Rows     Interval
}

// Interval is an estimate with its 95 % interval.
type Interval struct{ Low, Middle, High float64 }

// Implausible reports whether it trips the wire.
func (f *Finding) Implausible() bool {
	return f.Canaries >= Least && f.Chance < Never && float64(f.Canaries) > above*f.Most
}

// Judge weighs so many different canaries in some hours of work, in a table with so
// many customers to one canary.
func Judge(canaries, hours float64, h History, customersEach float64) Finding {
	shape, rate := math.Max(leastRate, h.Usual)*priorHours+h.Own, priorHours+float64(h.OwnHours)
	k := int(math.Floor(canaries + 1e-9))
	f := Finding{
		Canaries: k, Hours: hours, Expected: shape / rate * hours, Chance: tail(k, shape, rate/hours), Most: h.Most,
		Rows: Interval{Middle: float64(k) * customersEach},
	}
	f.Rows.Low, f.Rows.High = bounds(k)
	f.Rows.Low, f.Rows.High = f.Rows.Low*customersEach, f.Rows.High*customersEach
	return f
}

// tail is the chance of k or more where the rate of a Poisson number has a Gamma
// distribution.
func tail(k int, shape, rate float64) float64 {
	if k <= 0 {
		return 1
	}
	sum, term := 0.0, 0.0
	for x := k; ; x++ {
		term = math.Exp(logGamma(float64(x)+shape) - logGamma(shape) - logGamma(float64(x)+1) +
			shape*math.Log(rate/(rate+1)) - float64(x)*math.Log(rate+1))
		sum += term
		if mode := shape / rate; float64(x) > mode && term <= sum*1e-9 {
			return math.Min(1, sum)
		}
	}
}

func logGamma(x float64) float64 {
	g, _ := math.Lgamma(x)
	return g
}

// bounds are the exact 95 % limits of the mean of a Poisson number that came out
// as k (Garwood 1936).
func bounds(k int) (low, high float64) {
	if k > 0 {
		low = solve(func(mean float64) bool { return atLeast(k, mean) < 0.025 }, float64(k))
	}
	return low, solve(func(mean float64) bool { return 1-atLeast(k+1, mean) > 0.025 }, 2*float64(k)+10)
}

// solve finds where a condition on a mean ceases to hold.
func solve(below func(float64) bool, high float64) float64 {
	low := 0.0
	for range 60 {
		if middle := (low + high) / 2; below(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// atLeast is the chance that a Poisson number with a mean is k or more.
func atLeast(k int, mean float64) float64 {
	below := 0.0
	for x := range k {
		below += math.Exp(float64(x)*math.Log(mean) - mean - logGamma(float64(x)+1))
	}
	return 1 - below
}

// Severity is that of an incident about an implausible hour: bulk reads are P2,
// a few canaries too many P3.
func (f *Finding) Severity() canary.Severity {
	if f.Canaries >= bulk {
		return canary.P2
	}
	return canary.P3
}

// bulk is how many canaries are no run of bad luck in looking customers up.
const bulk = 5
