package seeder

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// Weight makes the strata with a value count as if they had Factor times as
// many rows.
type Weight struct {
	Word, Value string
	Factor      float64 // above 0
}

// Bounds of dividing a table.
const (
	strataRows   = 20_000 // read to learn how many customers each stratum has
	mostStrata   = 200
	strataDonors = 60 // of one stratum at least, where there are so many
)

// division is how the canaries of a batch are spread over the strata of the
// table. It is registered with the batch, so that a run which resumes it
// comes to the same counts.
type division struct {
	by   supportdb.Divider
	list []canary.Stratum
	keys map[canary.Segment][]string // of customers, from which donors are read
	have map[canary.Segment]int      // canaries that stand, or are registered to stand
}

// divide learns the strata, allots the canaries of a new batch to them, and
// counts those that it has.
func (r *planting) divide(ctx context.Context, all []canary.Planting) error {
	words := r.cfg.Strata
	if r.opened {
		words = r.batch.By
	}
	if len(words) == 0 {
		return nil
	}
	by, err := r.s.cfg.Desk.Divider(words...)
	if err != nil {
		return err
	}
	v := &division{by: by, keys: map[canary.Segment][]string{}, have: map[canary.Segment]int{}}
	rows := map[canary.Segment]int{}
	survey := supportdb.Survey{Want: strataRows, Segment: r.cfg.Segment, Divide: by}
	err = r.s.cfg.Desk.Survey(ctx, source(r.batch.Seed, "strata", 0), survey, func(facts supportdb.Row) error {
		of := canary.Segment(facts.Get("stratum").Text())
		rows[of]++
		if len(rows) > mostStrata {
			return fmt.Errorf("%w: %v divide the customers into more than %d strata: take columns with fewer values", ErrConfig, words, mostStrata)
		}
		if len(v.keys[of]) < max(3*r.cfg.Count, strataDonors) {
			v.keys[of] = append(v.keys[of], facts.Get("key").Text())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !r.opened {
		r.batch.By = by.Words()
		if r.batch.Strata, err = allot(r.cfg.Count, rows, r.cfg.Weights); err != nil {
			return err
		}
	}
	v.list = r.batch.Strata
	for i := range all {
		if all[i].State != canary.Retired {
			if err := v.count(&all[i], 1); err != nil {
				return err
			}
		}
	}
	r.division = v
	return nil
}

// differs reports whether a batch was begun with other settings.
func (cfg *PlantConfig) differs(b *canary.Batch) bool {
	return b.Count != cfg.Count || b.Segment != cfg.Segment || b.Over != cfg.Over ||
		cfg.Strata != nil && !slices.Equal(b.By, cfg.Strata) || cfg.Seed != nil && !slices.Equal(b.Seed, cfg.Seed)
}

// allot gives each stratum canaries in proportion to its rows times its weight,
// what is left of the whole numbers to the largest remainders.
func allot(count int, rows map[canary.Segment]int, weights []Weight) ([]canary.Stratum, error) {
	var list []canary.Stratum
	met := make([]bool, len(weights))
	total := 0.0
	for _, of := range slices.Sorted(maps.Keys(rows)) {
		s := canary.Stratum{Segment: of, Rows: rows[of], Weight: 1}
		pairs := of.Pairs()
		for i, w := range weights {
			if pairs[w.Word] == w.Value {
				s.Weight, met[i] = s.Weight*w.Factor, true
			}
		}
		total += float64(s.Rows) * s.Weight
		list = append(list, s)
	}
	if i := slices.Index(met, false); i >= 0 {
		return nil, fmt.Errorf("%w: no customer that was read has %s=%s, which has a weight", ErrConfig, weights[i].Word, weights[i].Value)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: nobody is in the segment", ErrSample)
	}
	left := count
	rest := make([]float64, len(list))
	order := make([]int, len(list))
	for i := range list {
		whole, fraction := math.Modf(float64(count) * float64(list[i].Rows) * list[i].Weight / total)
		list[i].Count, rest[i], order[i] = int(whole), fraction, i
		left -= list[i].Count
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:min(max(left, 0), len(order))] {
		list[i].Count++
	}
	return list, nil
}

// count adds canaries to what their stratum has.
func (v *division) count(p *canary.Planting, n int) error {
	if v == nil {
		return nil
	}
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return fmt.Errorf("canary %s: %w", p.ID, err)
	}
	v.have[v.by.Of(&image)] += n
	return nil
}

// next says to which strata the next n canaries belong: those that lack some,
// in random order, because in a table that grows nobody comes by stratum.
func (v *division) next(rng *rand.Rand, n int) []canary.Segment {
	if v == nil {
		return nil
	}
	var out []canary.Segment
	for _, s := range v.list {
		for range s.Count - v.have[s.Segment] {
			out = append(out, s.Segment)
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// strataDonors takes the donors of each stratum from itself, in place of those
// that were drawn from the whole table.
func (s *Seeder) strataDonors(ctx context.Context, cfg *PlantConfig, l *lessons, v *division) error {
	l.donors = nil
	for _, stratum := range v.list {
		if stratum.Count == 0 {
			continue
		}
		before, enough := len(l.donors), max(min(3*stratum.Count, maxDonors), strataDonors)
		for group := range slices.Chunk(v.keys[stratum.Segment], 100) {
			if len(l.donors)-before >= enough {
				break
			}
			donors, err := s.cfg.Desk.Donors(ctx, group)
			if err != nil {
				return err
			}
			for i := range donors {
				if s.usable(&donors[i]) && s.has(&donors[i], cfg.With) && v.by.Of(&donors[i].Image) == stratum.Segment {
					l.donors = append(l.donors, donors[i])
					l.strata = append(l.strata, stratum.Segment)
				}
			}
		}
		if len(l.donors) == before {
			return fmt.Errorf("%w: of %d customers in stratum %q none can be copied whole", ErrSample, len(v.keys[stratum.Segment]), stratum.Segment)
		}
	}
	return nil
}

// turn says for which stratum the n-th draft of a group is made.
func (m *minter) turn(n int) {
	if n < len(m.wanted) {
		m.stratum = m.wanted[n]
	}
}

// suits reports whether a donor belongs to the stratum whose turn it is.
func (m *minter) suits(donor int) bool {
	return len(m.wanted) == 0 || m.l.strata[donor] == m.stratum
}

// chooser is suits, nil where everybody does.
func (m *minter) chooser() func(donor int) bool {
	if len(m.wanted) == 0 {
		return nil
	}
	return m.suits
}

// stays makes sure that a draft belongs to the stratum of its donor still.
func (m *minter) stays(d *draft) error {
	if len(m.wanted) > 0 && m.by.Of(&d.image) != m.stratum {
		return errDonor
	}
	return nil
}

// spread says to which strata the next n canaries belong.
func (r *planting) spread(n int) {
	if r.division != nil {
		r.m.by, r.m.wanted = r.division.by, r.division.next(source(r.batch.Seed, "turn", r.minted), n)
	}
}

// bring is one, and gives the place in its stratum back when the canary ended
// as nobody's.
func (r *planting) bring(ctx context.Context, p *canary.Planting, fresh bool) error {
	before := r.report.Retired
	err := r.one(ctx, p, fresh)
	if err == nil && r.report.Retired > before {
		err = r.division.count(p, -1)
	}
	return err
}

// reportStrata says how many canaries stand in each stratum.
func (r *planting) reportStrata() {
	if r.division == nil {
		return
	}
	r.report.Strata = nil
	for _, s := range r.division.list {
		r.report.Strata = append(r.report.Strata, StratumReport{s, r.division.have[s.Segment]})
	}
}

// StratumReport is a stratum with the canaries that it has.
type StratumReport struct {
	canary.Stratum
	Live int `json:"live"`
}
