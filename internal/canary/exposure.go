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
	// Judged are contacts on planted tokens, in incidents that responders found to be
	// noise, beside what these tokens were heard.
	JudgedYears, JudgedRecentYears float64
	Judged, JudgedRecent           int
	// Same reports that all noise of the past was one source at one token; By is which.
	Same bool
	By   string
}

// Add takes in a hit on a placebo.
func (x *Exposure) Add(by string, recent bool) {
	x.Same = x.PastHits+x.Judged == 0 || x.Same && x.By == by
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

// Pooled is what is known of all cells of one channel and kind at one moment, by
// their strata.
type Pooled map[string]CellSum

// CellSum is what is known of a cell in sum: what is planted of it, and how its placebos were
// heard and reached, for a year and for 72 hours.
type CellSum struct {
	Planted, Placebos      int
	PastYears, RecentYears float64
	PastHits, RecentHits   int
}

// Reached counts the strata of which a placebo was reached, and gives for how many
// token-years the placebos of all have been heard.
func (p Pooled) Reached() (strata int, placeboYears float64) {
	for _, s := range p {
		placeboYears += s.PastYears
		if s.PastHits > 0 {
			strata++
		}
	}
	return strata, placeboYears
}

// At is the exposure at a moment, without the total.
func (h *Heard) At(at time.Time) (x Exposure) {
	x.Planted, x.JudgedYears, x.JudgedRecentYears = heard(h.Planted, at)
	x.Placebos, x.PastYears, x.RecentYears = heard(h.Placebos, at)
	recent := at.Add(-RecentPast)
	past := h.Hits[h.before(at.Add(-LongPast)):h.before(at.Add(1))]
	for _, r := range past {
		late := 0
		if !r.At.Before(recent) {
			late = 1
		}
		if r.Judged {
			x.Judged++
			x.JudgedRecent += late
		} else {
			x.PastHits++
			x.RecentHits += late
		}
	}
	if len(past) > 0 {
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

// heard counts the tokens that were registered by a moment, and the token-years for
// which they were heard, of a year and of 72 hours at most.
func heard(list []Registered, at time.Time) (tokens int, past, recent float64) {
	for _, r := range list {
		if r.At.After(at) {
			continue
		}
		d := at.Sub(r.At)
		tokens += r.Tokens
		past += float64(r.Tokens) * years(min(d, LongPast))
		recent += float64(r.Tokens) * years(min(d, RecentPast))
	}
	return tokens, past, recent
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
