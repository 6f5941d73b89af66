package incident

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// Pages that noise alone may make in a year.
const (
	singly  = 0.5    // by one contact each, on so many
	onSome  = 10_000 // tokens; as many on all where there are fewer
	crowded = 0.1    // by several together
)

// prior is what is believed of the noise on a channel before anything was counted:
// half a contact in the first years of an address that nobody guesses, and on the
// telephone what has been measured (.07 to .12 unsolicited calls a day on each
// number: Prasad et al., USENIX Security 2020).
func prior(cell canary.Cell) baserate.Rate {
	switch {
	case !cell.Spoken():
		return baserate.Rate{Hits: 0.5, Years: 20_000}
	case cell.Channel == canary.Voice:
		return baserate.Rate{Hits: 35, Years: 1}
	default:
		return baserate.Rate{Hits: 4, Years: 1} // an assumption: there is no measurement
	}
}

// rated is a cell with what is known of it at one moment.
type rated struct {
	cell   canary.Cell
	before baserate.Rate // what is believed by all that is known of others
	rate   baserate.Rate // of noise on it
	canary.Exposure
}

func newRated(cell canary.Cell, before baserate.Rate, x canary.Exposure) *rated {
	noise := placebos(&x)
	if x.Judged > 0 {
		noise.Past.Hits += x.Judged
		noise.Past.Years += x.JudgedYears
	}
	if x.JudgedRecent > 0 {
		noise.Recent.Hits += x.JudgedRecent
		noise.Recent.Years += x.JudgedRecentYears
	}
	return &rated{cell, before, noise.Rate(before), x}
}

// placebos is what the placebos of a cell were contacted.
func placebos(x *canary.Exposure) baserate.Background {
	return baserate.Background{
		Past:   baserate.Sample{Hits: x.PastHits, Years: x.PastYears},
		Recent: baserate.Sample{Hits: x.RecentHits, Years: x.RecentYears},
	}
}

// quiet reports whether one contact on the cell weighs by itself: noise brings so
// few that hardly a page a year would be made by it. One stray source at one token
// is no rate: it does not make a domain deaf for a year.
func (x *rated) quiet(budget float64) bool {
	return x.sober().Mean()*float64(min(max(x.Total, 1), onSome)) <= budget
}

// rates gives what is known of a cell: by the registry, and by this group.
func (w *work) rates(ctx context.Context, cell canary.Cell, at time.Time) (*rated, error) {
	heard, err := w.heard(ctx, cell)
	if err != nil {
		return nil, err
	}
	x := heard.At(at)
	x.Total = canary.TokensBy(w.planted, at)
	for _, h := range w.out.Hits {
		if h.Role != canary.RolePlacebo || !h.Counts || h.Cell != cell || h.At.After(at) {
			continue
		}
		x.Add(h.Origin+" "+string(h.Token), !h.At.Before(at.Add(-together)))
	}
	return newRated(cell, w.pools[poolOf(cell)].believed(cell), x), nil
}

// heard asks what is known of a cell and its pool, once in a group: a page must not
// wait for a question for each hit and each cell of its incident.
func (w *work) heard(ctx context.Context, cell canary.Cell) (*canary.Heard, error) {
	if h, ok := w.cells[cell]; ok {
		return h, nil
	}
	if w.cells == nil {
		planted, err := w.in.cfg.Rates.Registered(ctx)
		if err != nil {
			return nil, err
		}
		w.planted, w.cells, w.pools = planted, map[canary.Cell]*canary.Heard{}, map[canary.Cell]*pool{}
	}
	if of := poolOf(cell); w.pools[of] == nil {
		p, err := w.in.cfg.Rates.Pooled(ctx, cell.Channel, cell.Kind(), w.first)
		if err != nil {
			return nil, err
		}
		w.pools[of] = newPool(cell.Channel, p)
	}
	h, err := w.in.cfg.Rates.Heard(ctx, cell, w.first)
	if err != nil {
		return nil, err
	}
	w.cells[cell] = &h
	return &h, nil
}

// byRate takes from a signal what the placebos show to be noise. What is said, and
// fits the record, does not depend on how often strangers come.
func (w *work) byRate(ctx context.Context, sig signal, h canary.Hit) (signal, error) {
	if w.in.cfg.Rates == nil || sig.named || sig.guess {
		return sig, nil
	}
	x, err := w.rates(ctx, h.Cell, h.At)
	if err != nil {
		return sig, err
	}
	switch {
	case sig.clean && sig.severity != canary.P1 && !x.quiet(w.in.cfg.singly()):
		return signal{severity: canary.P4, reason: x.noisy() + ": by itself it is no sign of a leak"}, nil
	case !sig.clean && x.cell.Channel == canary.SMS && sig.severity == canary.P3 && x.RecentHits > 0:
		return signal{severity: canary.P4, reason: "text messages reach numbers of the same block that were never planted as well"}, nil
	}
	return sig, nil
}

// noisy says by what it is known that one contact on the cell weighs nothing.
func (x *rated) noisy() string {
	switch {
	case x.PastHits > 0:
		return "addresses and numbers of the same domain or block that were never planted are contacted as well"
	case x.Judged > 0:
		return "what reached planted ones of the same domain or block was found to be noise"
	default:
		return "addresses of many other domains that were never planted are contacted"
	}
}

// singly is how many pages a year by one contact each are accepted.
func (cfg *Config) singly() float64 { return cmp.Or(cfg.FalsePages, singly) }

// crowded is how many by several together.
func (cfg *Config) crowded() float64 { return cfg.singly() * crowded / singly }

// weighed says a weight in words, with its inputs.
func weighed(w *canary.Weight) string {
	if w == nil {
		return ""
	}
	var parts []string
	for _, c := range w.Counts {
		parts = append(parts, inWords(c))
	}
	text := fmt.Sprintf("Bayes factor of a leak against noise: %s, which is %s by count (%s)", figures(w.Factor), figures(w.ByCount), strings.Join(parts, "; "))
	if w.Content > 1 {
		text += fmt.Sprintf(" times %s by what was said", figures(w.Content))
	}
	text += fmt.Sprintf(". Noise alone would do the same %s times a year", figures(w.Yearly))
	if w.Bound < 1e300 {
		text += fmt.Sprintf("; the placebos exclude more than %s noise contacts a token-year", figures(w.Bound))
	} else {
		text += "; no placebos have been heard that could bound the noise"
	}
	return text + "."
}

// inWords says what was counted on one cell, or on all the others.
func inWords(c canary.Counted) string {
	sort := "of the same sort"
	if c.Others > 0 {
		sort = fmt.Sprintf("of %d other sorts", c.Others)
	}
	text := fmt.Sprintf("by %s %d of %d planted %ss in 72 hours and %d of %d placebos %s (%d in %s placebo-years)",
		c.Channel, c.Reached, c.Planted, c.Kind, c.PlaceboHits, c.Placebos, sort, c.PastHits, figures(c.PlaceboYears))
	if c.Judged > 0 {
		text += fmt.Sprintf(", and %d earlier contacts on planted ones, in %s token-years, were found to be noise", c.Judged, figures(c.JudgedYears))
	}
	return text
}

// figures writes a number with two figures.
func figures(x float64) string {
	if x >= 100 && x < 1e6 {
		step := math.Pow(10, math.Floor(math.Log10(x))-1)
		return fmt.Sprintf("%.0f", math.Round(x/step)*step)
	}
	return fmt.Sprintf("%.2g", x)
}
