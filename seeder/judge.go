package seeder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// GateConfig says how a batch is judged before it is planted.
type GateConfig struct {
	// Off: the batch is not judged, and says so.
	Off bool
	// Rows bounds the customers that are read to compare with; 0 means 20,000.
	// Fewer are read for few canaries.
	Rows int
	// MaxAUC is what every classifier may reach; 0 means .55.
	MaxAUC float64
	// Force plants what is refused; By is who says so.
	Force    bool
	By       string
	Progress func(done, total int) // rows read; may be nil
}

// GateReport is what the gate said of a batch.
type GateReport struct {
	canary.Judgement
	// Report has the figures, when it was judged by this run.
	Report *gate.Report `json:"report,omitempty"`
}

// RefusedError says that the gate can tell the canaries that would be planted
// from customers. Nothing was written.
type RefusedError struct{ Report gate.Report }

// ErrRefused is what every RefusedError is.
var ErrRefused = errors.New("the gate refuses")

// Is makes it ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// Error names what gives the canaries away.
func (e *RefusedError) Error() string {
	return "the gate refuses: these canaries can be told from customers: " + strings.Join(e.Report.Reasons(), "; ")
}

const (
	leastTrial = 200  // canaries that are drafted to judge their making, where fewer are planted
	mostTrial  = 1000 // of more these are enough
	rowsEach   = 20   // real rows for each canary that is judged
	leastRows  = 4000
)

// judge lets the gate measure the canaries of a new batch before anything of it
// is written: as many drafts as will tell, made as the batch's own will be, from
// the same seed. A batch that was begun was judged then.
func (r *planting) judge(ctx context.Context) error {
	if r.opened {
		return nil
	}
	at := r.s.cfg.Now()
	if err := r.measure(ctx); err != nil {
		return err
	}
	r.spent("judge", at)
	r.report.Gate.Judgement = r.batch.Gate
	if r.cfg.DryRun || r.batch.Gate.Verdict != canary.Refused || r.batch.Gate.Forced {
		return nil
	}
	return &RefusedError{*r.report.Gate.Report}
}

// measure asks the gate, and writes what it says into the batch.
func (r *planting) measure(ctx context.Context) error {
	j := &r.batch.Gate
	j.At = r.s.now()
	if r.cfg.Gate.Off {
		j.Because = []string{"the gate is switched off in the configuration"}
		return nil
	}
	in, err := r.trial(ctx)
	if err != nil {
		return fmt.Errorf("judge the canaries: %w", err)
	}
	report, err := gate.Measure(ctx, in)
	if errors.Is(err, gate.ErrInput) {
		j.Because = []string{fmt.Sprintf("the table, or what canaries can be drafted from, is too small to judge in: %d customers and %d drafts", len(in.Real), len(in.Canaries))}
		return nil
	}
	if err != nil {
		return err
	}
	r.report.Gate.Report = &report
	j.Because = report.Reasons()
	switch report.Verdict {
	case gate.Held:
		j.Verdict = canary.Passed
	case gate.TooFew:
		j.Verdict = canary.Faint
	case gate.Failed:
		j.Verdict = canary.Refused
		if r.cfg.Gate.Force {
			j.Forced, j.By = true, r.cfg.Gate.By
		}
	}
	return nil
}

// trial drafts canaries and draws the customers to compare them with.
func (r *planting) trial(ctx context.Context) (gate.Input, error) {
	count := r.cfg.Count
	size, err := r.trialSize(ctx)
	if err != nil {
		return gate.Input{}, err
	}
	drafts, err := r.draftTrial(ctx, size)
	if err == nil && len(drafts) < count && count <= mostTrial {
		drafts, err = r.draftTrial(ctx, count) // where the past has room for no more
	}
	if err != nil {
		return gate.Input{}, err
	}
	flat := r.s.flattener(r.filledIn(drafts))
	v := survey{segment: r.batch.Segment, ours: map[string]bool{}, progress: r.cfg.Gate.Progress}
	v.wanted = min(cmp.Or(r.cfg.Gate.Rows, believeRows), max(leastRows, rowsEach*len(drafts)))
	v.rng, v.division = source(r.batch.Seed, "judge", 0), r.division
	standing, err := r.s.standing(ctx, nil)
	if err != nil {
		return gate.Input{}, err
	}
	for i := range standing {
		key, err := keyOf(&standing[i])
		if err != nil {
			return gate.Input{}, err
		}
		v.ours[key] = true
	}
	l, err := r.s.draw(ctx, v, flat)
	if err != nil {
		return gate.Input{}, err
	}
	l.strata = r.division.spread(drafts)
	in := l.amongPlanned(flattened(v.rng, flat, drafts), max(count, 1))
	in.Table, in.Now, in.Owned, in.Seed, in.Quick, in.MaxAUC = flat.table, r.s.now(), r.m.pool.ownDomains(), v.rng.Uint64(), true, r.cfg.Gate.MaxAUC
	in.Undated = r.report.Dates == DatesNow
	return in, nil
}

// draftTrial drafts up to so many canaries as the batch will, with a pool and
// a past of their own, so that the batch finds both untouched. It gives fewer
// where the pool or the past has no more.
func (r *planting) draftTrial(ctx context.Context, size int) ([]*draft, error) {
	m, err := r.trialMinter(ctx, size)
	if m == nil || err != nil {
		return nil, err
	}
	group := groupSize
	if r.cfg.Bulk {
		group = bulkSize
	}
	var out []*draft
	for len(out) < size {
		left := size - len(out)
		rng := source(r.batch.Seed, "mint", len(out))
		drafts, err := m.drafts(ctx, rng, min(left, group), left)
		if err == nil {
			_, err = m.number(ctx, rng, len(out), drafts)
		}
		if errors.Is(err, ErrPool) || errors.Is(err, ErrSample) || errors.Is(err, errNoRoom) {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, drafts...)
	}
	return out, r.giveKeys(ctx, out)
}

// trialMinter is a minter like the batch's own; nil when the past has no room.
func (r *planting) trialMinter(ctx context.Context, size int) (*minter, error) {
	p, err := r.trialPool(ctx, size)
	if err != nil {
		return nil, err
	}
	l := *r.m.l
	if l.past != nil {
		l.past, err = r.s.newHistory(ctx, source(r.batch.Seed, "past", 0), &l, size)
		if l.past == nil || err != nil {
			return nil, err
		}
	}
	return &minter{
		s: r.s, batch: r.batch, pool: p, l: &l, withPhone: r.m.withPhone, away: turnedAway{most: patience}, pastOnly: l.past != nil,
		emails: map[string]bool{}, unfit: map[string]int{}, numbers: map[string]bool{}, polled: map[inventory.ID]bool{}, misfits: map[inventory.ID]int{},
	}, nil
}

// trialPool is the pool, with seats allotted to so many canaries.
func (r *planting) trialPool(ctx context.Context, size int) (*pool, error) {
	p, err := r.s.newPool(ctx, share{r.cfg.PlacebosPerEmail, r.cfg.PlacebosPerScarce})
	if err != nil {
		return nil, err
	}
	return p, p.allot(r.m.l.mix, size)
}

// trialSize is how many canaries are drafted. More than will be planted tell
// more of how they are made, as long as the pool has addresses for them that are
// spread as well: the batch is not to answer for a pool that it does not empty.
func (r *planting) trialSize(ctx context.Context) (int, error) {
	count := r.cfg.Count
	size := min(max(count, leastTrial), mostTrial)
	for size > count {
		p, err := r.trialPool(ctx, size)
		if err == nil && p.lacking(size) <= r.m.pool.lacking(count)+sameSpread {
			break
		}
		if err != nil && !errors.Is(err, ErrPool) {
			return 0, err
		}
		size = max(count, size/2)
	}
	return size, nil
}

// sameSpread is the difference that two pools may have and still be spread alike.
const sameSpread = 0.02

// lacking is the share of n canaries that miss a mailbox at a large provider.
func (p *pool) lacking(n int) float64 {
	sum := 0
	for _, k := range p.lacks {
		sum += k
	}
	return float64(sum) / float64(max(n, 1))
}

// giveKeys gives drafts the keys that the server would count on.
func (r *planting) giveKeys(ctx context.Context, drafts []*draft) error {
	next := map[string]int64{}
	desk := r.s.cfg.Desk
	for _, d := range drafts {
		for n := range d.image.Items {
			p := desk.Part(d.image.Items[n].Part)
			if !p.Counted() || desk.Given(&d.image, n) {
				continue
			}
			if _, known := next[p.Name]; !known {
				_, high, err := desk.Extent(ctx, p)
				if err != nil {
					return err
				}
				next[p.Name] = high
			}
			next[p.Name]++
			desk.Give(&d.image, n, next[p.Name])
		}
	}
	return nil
}

// filledIn are the columns of customers and tickets that the database fills in:
// no draft has them.
func (r *planting) filledIn(drafts []*draft) map[recipe.Place]bool {
	out := map[recipe.Place]bool{}
	for _, part := range []string{recipe.CustomerPart, recipe.TicketPart} {
		p := r.s.cfg.Desk.Part(part)
		for i := range p.Table.Columns {
			out[recipe.Place{Part: part, Column: p.Table.Columns[i].Name}] = true
		}
	}
	for _, d := range drafts {
		for n := range d.image.Items {
			for _, column := range d.image.Items[n].Row.Columns {
				delete(out, recipe.Place{Part: d.image.Items[n].Part, Column: column})
			}
		}
	}
	return out
}

// of is the stratum of a customer.
func (v *division) of(i *supportdb.Image) canary.Segment {
	if v == nil {
		return ""
	}
	return v.by.Of(i)
}

// spread counts drafts by stratum.
func (v *division) spread(drafts []*draft) map[canary.Segment]int {
	if v == nil {
		return nil
	}
	out := map[canary.Segment]int{}
	for _, d := range drafts {
		out[v.by.Of(&d.image)]++
	}
	return out
}

// flattened are the drafts as rows of the gate, in random order.
func flattened(rng *rand.Rand, flat flattener, drafts []*draft) []view.Row {
	out := make([]view.Row, len(drafts))
	for i, at := range rng.Perm(len(drafts)) {
		out[i] = flat.row(&drafts[at].image)
	}
	return out
}
