package canary

import "strings"

// Class is what a contact is, by what it reached and how. A hit has the class that
// it gives by itself; a contact has the one that says most about it.
type Class string

// The classes.
const (
	ClassPlanted Class = "planted" // it reached a token that stood in a table then
	ClassPlacebo Class = "placebo" // it reached what stands nowhere: who sent it guesses
	ClassRetired Class = "retired" // it reached a token that had been changed or taken away
	ClassVariant Class = "variant" // it reached a planted token in another spelling, or what is one letter off
	ClassUnknown Class = "unknown" // it reached an address, number or ticket that is no token
	ClassProbe   Class = "probe"   // it only tested whether a planted token exists
	ClassOwn     Class = "own"     // it is the company's own traffic
	ClassDrill   Class = "drill"   // it was staged
)

// Cell is a channel and a sort of tokens on it that noise treats alike: addresses
// of one domain, numbers of one block.
type Cell struct {
	Channel Channel
	Stratum string // made by the registry; it shows no domain and no number
}

// Kind is that of the cell's tokens.
func (c Cell) Kind() Kind {
	kind, _, _ := strings.Cut(c.Stratum, "|")
	return Kind(kind)
}

// VariantStratum begins the stratum of what is one letter off the addresses of a
// domain: such contacts reached no token, and are compared among themselves.
const VariantStratum = "variant|"

// Variant reports whether the cell is of what is one letter off tokens.
func (c Cell) Variant() bool { return strings.HasPrefix(c.Stratum, VariantStratum) }

// Spoken reports whether the cell is calls or text messages to numbers, which
// strangers make all the time.
func (c Cell) Spoken() bool { return c.Kind() == Phone && (c.Channel == Voice || c.Channel == SMS) }

// Weight is a Bayes factor of leak against noise, with its inputs.
type Weight struct {
	Factor  float64 `json:"bayes_factor"` // ByCount times Content
	ByCount float64 `json:"by_count"`     // planted tokens against placebos
	Content float64 `json:"by_content"`   // what the contacts say
	// Chance is the exact probability that noise gives planted tokens so many of the
	// contacts; Bound is the rate of noise a token-year that the placebos exclude.
	Chance float64 `json:"chance"`
	Bound  float64 `json:"noise_bound"`
	// Yearly is how many times a year noise alone would do the same: reach so many
	// canaries within 72 hours.
	Yearly float64   `json:"by_noise_yearly"`
	Counts []Counted `json:"counts,omitempty"`
}

// Counted is what a weight was worked out from on one cell, or on all the others of
// its channel and kind that the incident did not reach.
type Counted struct {
	Channel      Channel `json:"channel"`
	Kind         Kind    `json:"kind"`
	Others       int     `json:"others,omitempty"` // how many other cells these are
	Reached      int     `json:"reached"`          // canaries within 72 hours
	Planted      int     `json:"planted"`          // tokens of the same domain or block
	Placebos     int     `json:"placebos"`
	PlaceboHits  int     `json:"placebo_hits"` // within the same 72 hours
	PastHits     int     `json:"placebo_hits_past"`
	PlaceboYears float64 `json:"placebo_years"`
	// Judged is how many earlier contacts on planted tokens responders found to be
	// noise, in so many token-years.
	Judged      int     `json:"judged_noise,omitempty"`
	JudgedYears float64 `json:"judged_years,omitempty"`
}
