// Package baserate compares contacts on planted tokens with contacts on
// placebos: how often noise alone would do the same. Arithmetic only: no I/O, no
// clock, no knowledge of what a token is.
//
// A placebo is a token like the others that stands nowhere, so whoever reaches one
// is noise, and whoever guesses reaches a planted token as often as a placebo. A
// source that has reached a placebo is known and dropped by the caller; what is
// counted here is the first token that a source reaches. Under noise it is a
// planted one with the share that planted tokens have of all, which makes the
// placebos' count the estimate of what is left after dropping.
//
//	           tokens    heard for   first contacts   rate a token-year
//	placebos   990,000   1 year      12               1.2e-5
//	planted    10,000    1 year      0.12 by chance
//
// Three answers are given of it. A [Rate] is what is believed of the noise (a
// gamma distribution: the counts, after a prior of documented rates), with the
// exact distribution of how many contacts it will bring. [Above] and [Garwood]
// are the exact tests, that believe nothing beforehand. [EValue] is a Bayes factor
// of "planted tokens are contacted th times as often" against noise, th mixed over
// a grid fixed in advance; since its mean under noise is 1, it exceeds A by chance
// with probability 1/A at most.
//
// The honest limit: no contact in N placebo-years does not show a rate of zero,
// only that it is below 3/N, with 95 % confidence (see [Sample.Bound]). Noise that
// comes in bursts of many sources breaks every such rate, which is why the caller
// gives a recent count beside the long one, and [Background.Rate] takes the worse.
package baserate

import "math"

// Sample is what was counted on tokens of one sort.
type Sample struct {
	Hits  int     `json:"hits"`        // first contacts of a source
	Years float64 `json:"token_years"` // tokens times the years for which they were heard
}

// PerYear is the plain rate a token-year, 0 where nothing was heard.
func (s Sample) PerYear() float64 {
	if s.Years <= 0 {
		return 0
	}
	return float64(s.Hits) / s.Years
}

// Bound is the rate a token-year that the sample excludes with 95 % confidence:
// about 3/N when nothing came in N token-years, infinite when N is 0.
func (s Sample) Bound() float64 {
	if s.Years <= 0 {
		return math.Inf(1)
	}
	return upper(s.Hits, 0.05) / s.Years
}

// Rate is what is believed of a rate of noise a token-year: a gamma distribution
// with this shape (contacts) and this inverse scale (token-years).
type Rate struct {
	Hits  float64 `json:"hits"`
	Years float64 `json:"token_years"`
}

// After is what is believed when a sample has been seen as well.
func (r Rate) After(s Sample) Rate { return Rate{r.Hits + float64(s.Hits), r.Years + s.Years} }

// Mean is the expected rate a token-year.
func (r Rate) Mean() float64 { return r.Hits / r.Years }

// AtLeast is the probability that k or more contacts come in so many token-years:
// the negative binomial that follows from the gamma distribution, so a rate that
// is not well known has a long tail.
func (r Rate) AtLeast(k int, years float64) float64 {
	if k <= 0 {
		return 1
	}
	if years <= 0 {
		return 0
	}
	p := years / (r.Years + years)
	logPMF := func(j float64) float64 {
		return lgamma(r.Hits+j) - lgamma(r.Hits) - lgamma(j+1) + j*math.Log(p) + r.Hits*math.Log1p(-p)
	}
	up := func(j float64) float64 { return (r.Hits + j) / (j + 1) * p }
	return tail(k, r.Hits*years/r.Years, logPMF, up)
}

// Joint is the noise of several sorts of tokens together. What is believed of them is
// believed for the same reasons, so it is wrong of all of them at once: no number of
// sorts makes their sum better known than each of them.
type Joint struct {
	mean, spread, years float64
}

// Add takes in tokens that were heard for so many token-years.
func (j *Joint) Add(r Rate, years float64) {
	m := r.Mean() * years
	j.mean += m
	j.spread += m / math.Sqrt(r.Hits)
	j.years += years
}

// Rate is the gamma distribution of the rate of all, a token-year.
func (j *Joint) Rate() Rate {
	if j.mean == 0 {
		return Rate{Hits: 1, Years: math.Inf(1)}
	}
	shape := j.mean / j.spread * (j.mean / j.spread)
	return Rate{Hits: shape, Years: shape * j.years / j.mean}
}

// Years are the token-years of all.
func (j *Joint) Years() float64 { return j.years }

// CrowdsPerYear is how many times a year noise alone makes a crowd: k or more first
// contacts on tokens within a window of so many years.
func (r Rate) CrowdsPerYear(k int, tokens, window float64) float64 {
	return r.Mean() * tokens * r.AtLeast(k-1, tokens*window)
}

// Background is what the placebos of one sort of tokens were contacted.
type Background struct {
	Past   Sample `json:"past"`   // for a long time
	Recent Sample `json:"recent"` // just now, within the past
}

// moment is the shortest time, in years, for which tokens can have been heard.
const moment = 1e-9

// A burst is so many first contacts just now, that the past makes so improbable.
const (
	burstHits   = 3
	burstChance = 1e-3
)

// Bursts reports whether more comes just now than the past explains.
func (b Background) Bursts(prior Rate) bool {
	before := Sample{Hits: b.Past.Hits - b.Recent.Hits, Years: b.Past.Years - b.Recent.Years}
	return b.Recent.Hits >= burstHits && prior.After(before).AtLeast(b.Recent.Hits, b.Recent.Years) < burstChance
}

// Rate is what noise is to be expected now: what is believed by the past, or by
// the burst that goes on.
func (b Background) Rate(prior Rate) Rate {
	if b.Bursts(prior) {
		return Rate{Hits: float64(b.Recent.Hits) + 0.5, Years: max(b.Recent.Years, moment)}
	}
	return prior.After(b.Past)
}
