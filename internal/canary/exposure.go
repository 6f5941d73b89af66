package canary

import (
	"slices"
	"time"
)

// How long back the placebos' contacts are counted.
const (
	LongPast   = 365 * 24 * time.Hour
	RecentPast = 72 * time.Hour
)

// Exposure is what is known of a cell at one moment.
type Exposure struct {
	Planted  int // tokens of the cell that have been planted
	Placebos int
	Total    int // planted tokens of all cells
	// Past and Recent are how much the placebos were heard, in token-years, and how
	// many sources reached one as their first: for a year, and for 72 hours.
	PastYears, RecentYears float64
	PastHits, RecentHits   int
	// Judged is how many of the past hits were on planted tokens, in incidents that
	// responders found to be noise.
	Judged int
	// Same reports that all of the past was one source at one placebo; By is which.
	Same bool
	By   string
}

// Add takes in a hit of the past.
func (x *Exposure) Add(by string, recent bool) {
	x.Same = x.PastHits == 0 || x.Same && x.By == by
	x.By = by
	x.PastHits++
	if recent {
		x.RecentHits++
	}
}

// Reach is a contact of noise: on a placebo, or on a planted token where responders
// found that it was.
type Reach struct {
	At     time.Time
	By     string // which source reached which token
	Judged bool   // responders found it
}

// Registered is how many tokens were registered at a time.
type Registered struct {
	At     time.Time
	Tokens int
}

// Heard is what is known of a cell over a time: its exposure at each moment of it
// follows without asking again.
type Heard struct {
	Planted, Placebos []Registered
	// Hits are when placebos were reached by contacts that count, and planted tokens by
	// what was found to be noise, the oldest first, from a year before on.
	Hits []Reach
}

// Pooled is what is known of all cells of one channel and kind together.
type Pooled struct {
	// Reached are the strata of which a placebo was reached within a year.
	Reached  map[string]bool
	Placebos []Registered
}

// Elsewhere counts the other strata that were reached, and gives for how many
// token-years all placebos have been heard, of a year at most.
func (p *Pooled) Elsewhere(stratum string, at time.Time) (reached int, placeboYears float64) {
	for _, r := range p.Placebos {
		if !r.At.After(at) {
			placeboYears += float64(r.Tokens) * years(min(at.Sub(r.At), LongPast))
		}
	}
	reached = len(p.Reached)
	if p.Reached[stratum] {
		reached--
	}
	return reached, placeboYears
}

// At is the exposure at a moment, without the total.
func (h *Heard) At(at time.Time) (x Exposure) {
	x.Planted = TokensBy(h.Planted, at)
	for _, r := range h.Placebos {
		if r.At.After(at) {
			continue
		}
		heard := at.Sub(r.At)
		x.Placebos += r.Tokens
		x.PastYears += float64(r.Tokens) * years(min(heard, LongPast))
		x.RecentYears += float64(r.Tokens) * years(min(heard, RecentPast))
	}
	until, from := h.before(at.Add(1)), h.before(at.Add(-LongPast))
	x.PastHits, x.RecentHits = until-from, until-h.before(at.Add(-RecentPast))
	for _, r := range h.Hits[from:until] {
		if r.Judged {
			x.Judged++
		}
	}
	if past := h.Hits[from:until]; len(past) > 0 {
		x.By = past[0].By
		x.Same = !slices.ContainsFunc(past, func(r Reach) bool { return r.By != x.By })
	}
	return x
}

// before counts the hits before a moment.
func (h *Heard) before(at time.Time) int {
	n, _ := slices.BinarySearchFunc(h.Hits, at, func(r Reach, at time.Time) int { return r.At.Compare(at) })
	return n
}

// TokensBy counts the tokens that were registered by a moment.
func TokensBy(list []Registered, at time.Time) (n int) {
	for _, r := range list {
		if !r.At.After(at) {
			n += r.Tokens
		}
	}
	return n
}

func years(d time.Duration) float64 { return d.Hours() / (365.25 * 24) }
