package incident

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// window is 72 hours in years.
const window = float64(together) / (365.25 * 24 * float64(time.Hour))

// pool is all cells of one channel and kind: that an incident did not reach a cell is
// as much worth as that it did. Two canaries of fifty domains are on two domains, in
// any noise; it matters how seldom two of the fifty are.
type pool struct {
	canary.Pooled
	reached int     // strata of which a placebo was
	years   float64 // for which all placebos were heard
	levels  []level // the quietest first
}

// level is a cell as far as it is not reached.
type level struct {
	stratum string
	rate    baserate.Rate
	planted int
	noise   baserate.Background
	silence *baserate.Tally // once it was asked for
}

// silent is what it weighs that none of it was reached.
func (l *level) silent() *baserate.Tally {
	if l.silence == nil {
		l.silence = new(baserate.Tally)
		l.silence.Add(baserate.Evidence{Planted: baserate.Sample{Years: float64(l.planted) * window}, Placebo: l.noise})
	}
	return l.silence
}

// poolOf is all cells of the channel and kind of one.
func poolOf(cell canary.Cell) canary.Cell {
	return canary.Cell{Channel: cell.Channel, Stratum: string(cell.Kind())}
}

func newPool(channel canary.Channel, p canary.Pooled) *pool {
	out := &pool{Pooled: p}
	out.reached, out.years = p.Reached()
	for stratum, s := range p {
		if s.Planted == 0 {
			continue
		}
		b := baserate.Background{Past: baserate.Sample{Hits: s.PastHits, Years: s.PastYears}, Recent: baserate.Sample{Hits: s.RecentHits, Years: s.RecentYears}}
		rate := b.Rate(out.believed(canary.Cell{Channel: channel, Stratum: stratum}))
		out.levels = append(out.levels, level{stratum: stratum, rate: rate, planted: s.Planted, noise: b})
	}
	slices.SortFunc(out.levels, func(a, b level) int {
		return cmp.Or(cmp.Compare(a.rate.Mean(), b.rate.Mean()), cmp.Compare(a.stratum, b.stratum))
	})
	return out
}

// believed is the prior of a cell when others are known: where placebos of many
// domains are reached, noise is on its way to the next. One of them is a stray, and
// that they are silent makes no domain better than the prior.
func (p *pool) believed(cell canary.Cell) baserate.Rate {
	r := prior(cell)
	if cell.Spoken() {
		return r // it was measured
	}
	elsewhere := p.reached
	if p.Pooled[cell.Stratum].PastHits > 0 {
		elsewhere--
	}
	all := r.After(baserate.Sample{Hits: max(0, elsewhere-1), Years: p.years})
	r.Years = min(r.Years, r.Hits/all.Mean())
	return r
}

// reached is a cell with its canaries that were reached within 72 hours.
type reached struct {
	*rated
	canaries []canary.ID
	tally    baserate.Tally
}

func (r *reached) heard() float64 { return float64(r.Planted) * window }

func (r *reached) evidence() baserate.Evidence {
	return baserate.Evidence{
		Planted: baserate.Sample{Hits: len(r.canaries), Years: r.heard()}, Placebo: placebos(&r.Exposure),
		Judged: baserate.Sample{Hits: r.Judged, Years: r.judgedYears()},
	}
}

// judgedYears are those of which people have said anything.
func (x *rated) judgedYears() float64 {
	if x.Judged == 0 {
		return 0
	}
	return x.JudgedYears
}

// lately are the cells that an incident reached within 72 hours, the quietest first.
func (w *work) lately(ctx context.Context, s *canary.Standing, now time.Time) ([]reached, error) {
	var out []reached
	for cell, hits := range s.Counted {
		if cell.Variant() {
			continue // it reached none
		}
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
		r := reached{rated: x, canaries: ids}
		r.tally.Add(r.evidence())
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b reached) int {
		return cmp.Or(cmp.Compare(a.rate.Mean(), b.rate.Mean()), cmp.Compare(a.cell.Channel, b.cell.Channel), cmp.Compare(a.cell.Stratum, b.cell.Stratum))
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
	silent, tally := w.silent(cells)
	evidence := make([]baserate.Evidence, len(cells))
	for i, r := range cells {
		evidence[i] = r.evidence()
		tally.Plus(&r.tally)
		out.Counts = append(out.Counts, canary.Counted{Channel: r.cell.Channel, Kind: r.cell.Kind(), Reached: len(r.canaries), Planted: r.Planted,
			Placebos: r.Placebos, PlaceboHits: r.RecentHits, PastHits: r.PastHits, PlaceboYears: r.PastYears, Judged: r.Judged, JudgedYears: r.judgedYears()})
	}
	out.Counts = append(out.Counts, silent...)
	got := baserate.Weigh(evidence, tally, out.Content)
	out.Factor, out.ByCount, out.Chance, out.Bound = got.Factor, got.Count, got.Chance, got.Bound
	sig, yearly := w.beyond(cells)
	out.Yearly = min(yearly, 1e300) // a number that JSON can hold
	s.Weight = &out
	return sig, nil
}

// among are the cells of some strata.
func among(cells []reached) map[canary.Cell]bool {
	out := map[canary.Cell]bool{}
	for _, r := range cells {
		out[r.cell] = true
	}
	return out
}

// silent sums up the cells that were not reached, of each pool that was.
func (w *work) silent(cells []reached) (counts []canary.Counted, tally baserate.Tally) {
	had, seen := among(cells), map[canary.Cell]bool{}
	for _, r := range cells {
		of := poolOf(r.cell)
		if seen[of] {
			continue
		}
		seen[of] = true
		sum := canary.Counted{Channel: r.cell.Channel, Kind: r.cell.Kind()}
		for i := range w.pools[of].levels {
			l := &w.pools[of].levels[i]
			if had[canary.Cell{Channel: r.cell.Channel, Stratum: l.stratum}] {
				continue
			}
			tally.Plus(l.silent())
			s := w.pools[of].Pooled[l.stratum]
			sum.Others++
			sum.Planted += s.Planted
			sum.Placebos += s.Placebos
			sum.PlaceboHits += s.RecentHits
			sum.PastHits += s.PastHits
			sum.PlaceboYears += s.PastYears
		}
		if sum.Others > 0 {
			counts = append(counts, sum)
		}
	}
	return counts, tally
}

// look is what is seen of an incident on all cells up to some noise.
type look struct {
	noise    baserate.Joint
	tally    baserate.Tally
	canaries map[canary.ID]bool
}

// with takes in a cell that was reached.
func (k *look) with(r *reached) {
	for _, id := range r.canaries {
		k.canaries[id] = true
	}
	k.noise.Add(r.rate, r.heard())
	k.tally.Plus(&r.tally)
}

// widen takes in the cells, not reached, that are as quiet as a rate, and returns
// the others.
func (k *look) widen(levels []level, channel canary.Channel, had map[canary.Cell]bool, rate float64) []level {
	for len(levels) > 0 && levels[0].rate.Mean() <= rate {
		l := &levels[0]
		levels = levels[1:]
		if had[canary.Cell{Channel: channel, Stratum: l.stratum}] {
			continue
		}
		k.noise.Add(l.rate, float64(l.planted)*window)
		k.tally.Plus(l.silent())
	}
	return levels
}

// beyond judges how many canaries of one place were reached lately by the
// placebos' rate, and gives how many times a year noise does the same. Noise on one
// domain or on the telephone must not hide what comes where all is quiet: the
// quietest cells are judged alone, then with the next, and so on, each time with
// all that are as quiet and were not reached. So many looks count as so many chances.
//
// Callers come in waves, and few placebos say little of their rate. Where nothing of
// what was said fits a record the e-value has to agree, which believes nothing of
// rates: noise makes it exceed A once in A windows at most.
func (w *work) beyond(cells []reached) (sig signal, yearly float64) {
	sig, yearly = signal{severity: canary.P4}, math.Inf(1)
	k, spoken, quiet, looks := look{canaries: map[canary.ID]bool{}}, true, true, float64(len(cells))
	had, left := among(cells), map[canary.Cell][]level{}
	for _, r := range cells {
		left[poolOf(r.cell)] = w.pools[poolOf(r.cell)].levels
	}
	for i := range cells {
		r := &cells[i]
		k.with(r)
		for of, levels := range left {
			left[of] = k.widen(levels, of.Channel, had, r.rate.Mean())
		}
		tokens := k.noise.Years() / window
		spoken, quiet = spoken && r.cell.Spoken(), quiet && r.quiet(w.in.cfg.singly())
		if quiet {
			tokens = max(tokens, float64(r.Total)) // it might have been any of these
		}
		often := k.noise.Rate().CrowdsPerYear(len(k.canaries), tokens, window) * looks
		yearly = min(yearly, often)
		if often > w.in.cfg.crowded() || spoken && k.tally.EValue() < looks/(window*w.in.cfg.crowded()) {
			continue
		}
		if found := several(len(k.canaries), spoken); found.severity < sig.severity {
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
	return signal{severity: canary.P1, reason: manyCanaries + ", above the rate at which placebos are"}
}
