package incident

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
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

// called is the e-value from which calls and texts, of which nothing fits a record,
// are a sign: few placebos show little, and callers come in waves.
const called = 1000

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
	canary.Exposure
}

// believed is the prior of a cell when others are known: where placebos of many
// domains are reached, noise is on its way to the next. One of them is a stray, and
// that they are silent makes no domain better than the prior.
func believed(cell canary.Cell, p *canary.Pooled, at time.Time) baserate.Rate {
	r := prior(cell)
	if cell.Spoken() {
		return r // it was measured
	}
	reached, heard := p.Elsewhere(cell.Stratum, at)
	all := r.After(baserate.Sample{Hits: max(0, reached-1), Years: heard})
	r.Years = min(r.Years, r.Hits/all.Mean())
	return r
}

func (x *rated) background() baserate.Background {
	return baserate.Background{
		Past:   baserate.Sample{Hits: x.PastHits, Years: x.PastYears},
		Recent: baserate.Sample{Hits: x.RecentHits, Years: x.RecentYears},
	}
}

func (x *rated) rate() baserate.Rate { return x.background().Rate(x.before) }

// quiet reports whether one contact on the cell weighs by itself: noise brings so
// few that hardly a page a year would be made by it. One stray source at one placebo
// is no rate: it does not make a domain deaf for a year.
func (x *rated) quiet(budget float64) bool {
	r := x.rate()
	if x.Same && !x.cell.Spoken() {
		r = baserate.Rate{Hits: x.before.Hits, Years: x.before.Years + x.PastYears}
	}
	return r.Mean()*float64(min(max(x.Total, 1), onSome)) <= budget
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
	return &rated{cell, believed(cell, w.pooled[poolOf(cell)], at), x}, nil
}

// poolOf is all cells of the channel and kind of one.
func poolOf(cell canary.Cell) canary.Cell {
	return canary.Cell{Channel: cell.Channel, Stratum: string(cell.Kind())}
}

// heard asks what is known of a cell, once in a group: a page must not wait for a
// question for each hit and each cell of its incident.
func (w *work) heard(ctx context.Context, cell canary.Cell) (*canary.Heard, error) {
	if h, ok := w.cells[cell]; ok {
		return h, nil
	}
	if w.cells == nil {
		planted, err := w.in.cfg.Rates.Registered(ctx)
		if err != nil {
			return nil, err
		}
		w.planted, w.cells, w.pooled = planted, map[canary.Cell]*canary.Heard{}, map[canary.Cell]*canary.Pooled{}
	}
	if _, ok := w.pooled[poolOf(cell)]; !ok && !cell.Spoken() {
		p, err := w.in.cfg.Rates.Pooled(ctx, cell.Channel, cell.Kind(), w.first)
		if err != nil {
			return nil, err
		}
		w.pooled[poolOf(cell)] = &p
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
		return signal{severity: canary.P4, reason: "addresses and numbers of the same domain or block that were never planted are contacted as well: by itself it is no sign of a leak"}, nil
	case !sig.clean && x.cell.Channel == canary.SMS && sig.severity == canary.P3 && x.RecentHits > 0:
		return signal{severity: canary.P4, reason: "text messages reach numbers of the same block that were never planted as well"}, nil
	}
	return sig, nil
}

// singly is how many pages a year by one contact each are accepted.
func (cfg *Config) singly() float64 { return cmp.Or(cfg.FalsePages, singly) }

// crowded is how many by several together.
func (cfg *Config) crowded() float64 { return cfg.singly() * crowded / singly }

// reached is a cell with its canaries that were reached within 72 hours.
type reached struct {
	*rated
	canaries []canary.ID
}

func (r *reached) heard() float64 { return float64(r.Planted) * window }

func (r *reached) evidence() baserate.Evidence {
	return baserate.Evidence{Planted: baserate.Sample{Hits: len(r.canaries), Years: r.heard()}, Placebo: r.background()}
}

// window is 72 hours in years.
const window = float64(together) / (365.25 * 24 * float64(time.Hour))

// lately are the cells that an incident reached within 72 hours, the quietest first.
func (w *work) lately(ctx context.Context, s *canary.Standing, now time.Time) ([]reached, error) {
	var out []reached
	for cell, hits := range s.Counted {
		var ids []canary.ID
		for id, at := range hits {
			if now.Sub(at) <= together {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		x, err := w.rates(ctx, cell, now)
		if err != nil {
			return nil, err
		}
		out = append(out, reached{x, ids})
	}
	slices.SortFunc(out, func(a, b reached) int {
		return cmp.Or(cmp.Compare(a.rate().Mean(), b.rate().Mean()), cmp.Compare(a.cell.Channel, b.cell.Channel), cmp.Compare(a.cell.Stratum, b.cell.Stratum))
	})
	return out, nil
}

// reckon weighs an incident against the placebos: the Bayes factor of a leak, and
// how often noise does the same. What it says of several canaries is returned.
func (w *work) reckon(ctx context.Context, s *canary.Standing, now time.Time, content float64) (signal, error) {
	cells, err := w.lately(ctx, s, now)
	if err != nil || len(cells) == 0 {
		return signal{severity: canary.P4}, err
	}
	out := canary.Weight{Content: content}
	if s.Weight != nil {
		out.Content = max(content, s.Weight.Content)
	}
	evidence := make([]baserate.Evidence, len(cells))
	for i, r := range cells {
		evidence[i] = r.evidence()
		out.Counts = append(out.Counts, canary.Counted{Channel: r.cell.Channel, Kind: r.cell.Kind(), Reached: len(r.canaries), Planted: r.Planted,
			Placebos: r.Placebos, PlaceboHits: r.RecentHits, PastHits: r.PastHits, Judged: r.Judged, PlaceboYears: r.PastYears})
	}
	got := baserate.Weigh(evidence, out.Content)
	out.Factor, out.ByCount, out.Chance, out.Bound = got.Factor, got.Count, got.Chance, got.Bound
	sig, yearly := w.in.beyond(cells)
	out.Yearly = min(yearly, 1e300) // a number that JSON can hold
	s.Weight = &out
	return sig, nil
}

// beyond judges how many canaries of one place were reached lately by the
// placebos' rate, and gives how many times a year noise does the same. Noise on one
// domain or on the telephone must not hide what comes where all is quiet: the
// quietest cells are judged alone, then with the next, and so on. So many looks
// count as so many chances.
func (in *Intake) beyond(cells []reached) (sig signal, yearly float64) {
	var rates []baserate.Rate
	var years []float64
	sig, yearly = signal{severity: canary.P4}, math.Inf(1)
	canaries, spoken, quiet, shown := map[canary.ID]bool{}, true, true, 1.0
	for _, r := range cells {
		for _, id := range r.canaries {
			canaries[id] = true
		}
		n := len(canaries)
		rates, years = append(rates, r.rate()), append(years, r.heard())
		rate, heard := baserate.Together(rates, years)
		tokens := heard / window
		spoken, quiet = spoken && r.cell.Spoken(), quiet && r.quiet(in.cfg.singly())
		if quiet {
			tokens = max(tokens, float64(r.Total)) // it might have been any of these
		}
		often := rate.CrowdsPerYear(n, tokens, window) * float64(len(cells))
		yearly = min(yearly, often)
		if spoken {
			shown *= r.evidence().EValue()
		}
		if often > in.cfg.crowded() || spoken && shown < called {
			continue
		}
		if found := several(n, spoken); found.severity < sig.severity {
			sig = found
		}
	}
	return sig, yearly
}

// several is what canaries of one place weigh that noise does not reach together.
func several(n int, spoken bool) signal {
	switch {
	case n < 2:
		return signal{severity: canary.P4}
	case spoken:
		return signal{severity: canary.P2, reason: "numbers of the place are called or written to far more than numbers that were never planted, though nothing that was said fits a record"}
	case n == 2:
		return signal{severity: canary.P2, reason: "two canaries of the place were contacted within 72 hours, above the rate at which placebos are"}
	}
	return signal{severity: canary.P1, reason: "three or more canaries of the place were contacted within 72 hours, above the rate at which placebos are"}
}

// weighed says a weight in words, with its inputs.
func weighed(w *canary.Weight) string {
	if w == nil {
		return ""
	}
	var parts []string
	for _, c := range w.Counts {
		judged := ""
		if c.Judged > 0 {
			judged = fmt.Sprintf(", with %d on planted ones that were found to be noise", c.Judged)
		}
		parts = append(parts, fmt.Sprintf("by %s %d of %d planted %ss in 72 hours and %d of %d placebos of the same sort (%d in %s placebo-years%s)",
			c.Channel, c.Reached, c.Planted, c.Kind, c.PlaceboHits, c.Placebos, c.PastHits, figures(c.PlaceboYears), judged))
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

// figures writes a number with two figures.
func figures(x float64) string {
	if x >= 100 && x < 1e6 {
		step := math.Pow(10, math.Floor(math.Log10(x))-1)
		return fmt.Sprintf("%.0f", math.Round(x/step)*step)
	}
	return fmt.Sprintf("%.2g", x)
}
