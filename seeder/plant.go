package seeder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/supportdb"
)

// What stands where when the process dies at a point of Plant, and what the
// next run with the same batch id does about it:
//
//	died                                  registry            support db  next run
//	before the batch is open              nothing             nothing     begins
//	batch open, before Intend             batch               nothing     mints
//	after Intend, before the INSERT       intended            nothing     looks, finds nothing, dates the rows anew, inserts
//	in the transaction, before the keys   intended            rolled back as above
//	keys amended, before COMMIT           intended, keys      rolled back as above; new keys replace the old
//	in COMMIT, or its answer lost         intended, keys      row or not  looks by the e-mail address; a row of ours is adopted
//	after COMMIT, before the last Amend   intended, keys      row         adopts: keys are read back, window [stamp, now]
//	after the last Amend                  planted             row         counts it
//	all planted, before CloseBatch        planted             rows        closes
//
// Looking waits for a COMMIT that is still on its way (a locking read), and
// where the address is a unique key a second row cannot come to be at all. A
// row that has the address and is not ours is never touched: the canary is
// retired without having been inserted, and another one is minted.

// Bounds of one run.
const (
	groupSize   = 16     // canaries that are minted together
	bulkSize    = 10_000 // minted and inserted together, in bulk
	lostAnswers = 5      // commits of unknown outcome in a row before giving up
	dryShown    = 3      // canaries that a dry run shows in full
	lockWaits   = 3      // tries to get at rows that other sessions hold
	refusals    = 10     // canaries in a row that the server refuses before giving up
)

// Plant plants until Count canaries of the batch stand in the support
// database. Called again with the same batch it resumes, and does nothing when
// the batch is complete. See PlantConfig and PlantReport.
func (s *Seeder) Plant(ctx context.Context, cfg PlantConfig) (PlantReport, error) {
	r := &planting{s: s, cfg: cfg, report: PlantReport{Batch: cfg.Batch, Asked: cfg.Count, Placebos: map[canary.Kind]int{}, Seconds: map[string]float64{}}}
	err := r.run(ctx)
	if err != nil {
		err = fmt.Errorf("plant %s: %w", cfg.Batch, err)
	}
	return r.report, err
}

// planting is one run of Plant.
type planting struct {
	s      *Seeder
	cfg    PlantConfig
	batch  canary.Batch
	opened bool
	m      *minter
	report PlantReport
	minted int // canaries of the batch that were ever registered
	// arrivals are those of a batch that is planted over a span.
	arrivals []time.Time
	// refused counts canaries in a row that the server would not take.
	refused int
	// division spreads the canaries over strata; nil where they are not.
	division *division
}

func (r *planting) run(ctx context.Context) error {
	if err := r.checkConfig(); err != nil {
		return err
	}
	if err := r.findBatch(ctx); err != nil {
		return err
	}
	all, err := r.count(ctx)
	if err != nil || !r.batch.Closed.IsZero() {
		return err
	}
	if r.waits(all) {
		return r.reportOver(ctx)
	}
	if err := r.prepare(ctx, all); err != nil {
		return err
	}
	if err := r.judge(ctx); err != nil {
		return err
	}
	if r.cfg.DryRun {
		return r.dry(ctx)
	}
	return r.carryOut(ctx, all)
}

// carryOut writes what was prepared.
func (r *planting) carryOut(ctx context.Context, all []canary.Planting) error {
	if !r.opened {
		if err := r.s.cfg.Batches.OpenBatch(ctx, r.batch); err != nil {
			return fmt.Errorf("register the batch: %w", err)
		}
	}
	if err := r.resume(ctx, all); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	r.warn()
	r.reportStrata()
	if err := r.reportOver(ctx); err != nil || r.report.Live < r.cfg.Count {
		return err
	}
	if err := r.s.cfg.Batches.CloseBatch(ctx, r.batch.ID, r.s.now()); err != nil {
		return fmt.Errorf("close the batch: %w", err)
	}
	r.s.cfg.Log.InfoContext(ctx, "batch planted", "batch", r.batch.ID, "live", r.report.Live, "inserted", r.report.Inserted, "adopted", r.report.Adopted, "retired", r.report.Retired)
	return nil
}

func (r *planting) checkConfig() error {
	if r.cfg.Batch == "" || r.cfg.Count < 0 {
		return fmt.Errorf("%w: a batch id and a count of 1 or more are needed", ErrConfig)
	}
	return r.cfg.checkOver()
}

// findBatch reads the batch, or makes up the one that will be opened.
func (r *planting) findBatch(ctx context.Context) error {
	b, found, err := r.s.cfg.Batches.Batch(ctx, r.cfg.Batch)
	if err != nil {
		return fmt.Errorf("read the batch: %w", err)
	}
	if found {
		r.batch, r.opened, r.arrivals = b, true, Arrivals(&b)
		r.report.Gate.Judgement = b.Gate
		r.cfg.resume(&b)
		if b.Form != r.cfg.form {
			return formFault(&b)
		}
		if b.Place != r.s.cfg.Place || r.cfg.differs(&b) {
			return fmt.Errorf("%w: it was begun for %d canaries in %s, segment %q%s", ErrBatch, b.Count, b.Place, b.Segment, overText(b.Over))
		}
		return nil
	}
	if r.cfg.Count == 0 {
		return fmt.Errorf("%w: there is no batch of this name yet, and a new one needs a count", ErrConfig)
	}
	seed := r.cfg.Seed
	if seed == nil {
		seed = make([]byte, 32)
		rand.Read(seed) // crypto/rand.Read never fails since Go 1.24
	}
	r.batch = canary.Batch{ID: r.cfg.Batch, Place: r.s.cfg.Place, Segment: r.cfg.Segment, Count: r.cfg.Count, Seed: seed, With: r.cfg.With, Over: r.cfg.Over, Form: r.cfg.form, Opened: r.s.now()}
	return r.beginOver(ctx)
}

// count reads what the batch has so far.
func (r *planting) count(ctx context.Context) ([]canary.Planting, error) {
	if !r.opened {
		return nil, nil
	}
	all, err := r.s.cfg.Ledger.Plantings(ctx, canary.Filter{Batch: r.batch.ID})
	if err != nil {
		return nil, fmt.Errorf("read the batch's canaries: %w", err)
	}
	r.minted = len(all)
	for _, p := range all {
		if p.State == canary.Planted || p.State == canary.Verified {
			r.report.Live++
		}
	}
	return all, nil
}

// prepare checks and learns everything that could fail, before a thing is written.
func (r *planting) prepare(ctx context.Context, all []canary.Planting) error {
	at := r.s.cfg.Now()
	defer func() { r.spent("learn", at) }()
	if err := r.checkDesk(ctx); err != nil {
		return err
	}
	waiting := len(slices.DeleteFunc(slices.Clone(all), func(p canary.Planting) bool { return p.State != canary.Intended }))
	p, err := r.s.newPool(ctx, share{r.cfg.PlacebosPerEmail, r.cfg.PlacebosPerScarce})
	if err != nil {
		return err
	}
	missing := max(r.cfg.Count-r.report.Live-waiting, 0)
	withPhone, err := r.usesPhones(p)
	if err != nil {
		return err
	}
	if err := r.divide(ctx, all); err != nil {
		return err
	}
	l, err := r.s.learn(ctx, source(r.batch.Seed, "learn", 0), &r.cfg, r.division)
	if err != nil {
		return err
	}
	if withPhone {
		if err := p.need(l.withPhone(missing)); err != nil {
			return err
		}
	}
	if err := p.allot(l.mix, missing); err != nil {
		return err
	}
	r.report.Pool = p.report(l.mix, missing)
	if err := r.choosePast(ctx, l, missing); err != nil {
		return err
	}
	r.m = &minter{s: r.s, batch: r.batch, form: r.cfg.form, pool: p, l: l, withPhone: withPhone, away: turnedAway{most: patience}, pastOnly: r.cfg.Dates == DatesPast, emails: map[string]bool{}, unfit: map[string]int{}, numbers: map[string]bool{}, polled: map[inventory.ID]bool{}, misfits: map[inventory.ID]int{}}
	return nil
}

// choosePast decides where in time the missing canaries are put.
func (r *planting) choosePast(ctx context.Context, l *lessons, missing int) (err error) {
	if missing == 0 {
		return nil
	}
	r.report.Dates = DatesNow
	if r.cfg.Dates == DatesNow || r.batch.Over > 0 {
		return nil
	}
	if l.past, err = r.s.newHistory(ctx, source(r.batch.Seed, "past", r.minted), l, missing); err != nil {
		return err
	}
	switch {
	case l.past != nil:
		r.report.Dates = DatesPast
	case r.cfg.Dates == DatesPast:
		return fmt.Errorf("%w: %w: plant with dates of now", ErrSample, errNoRoom)
	}
	return nil
}

// resume brings canaries that an earlier run left intended to an end.
func (r *planting) resume(ctx context.Context, all []canary.Planting) error {
	for i := range all {
		if all[i].State != canary.Intended {
			continue
		}
		if err := r.bring(ctx, &all[i], false); err != nil {
			return err
		}
	}
	return nil
}

// fill mints, registers and inserts until the count stands.
func (r *planting) fill(ctx context.Context) error {
	for r.report.Live < r.goal() {
		if r.report.Retired > r.cfg.Count+groupSize {
			return fmt.Errorf("%w: %d canaries in this run", ErrClashes, r.report.Retired)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		left := r.goal() - r.report.Live
		size := groupSize
		if r.cfg.Bulk {
			size = bulkSize
		}
		r.m.due = r.due(min(left, size))
		group, err := r.mint(ctx, min(left, size), left)
		if err != nil {
			return err
		}
		at, amended := r.s.cfg.Now(), r.s.amended
		if err := r.insertGroup(ctx, group); err != nil {
			return err
		}
		amended = r.s.amended - amended
		r.spent("insert", at.Add(amended))
		r.spent("amend", r.s.cfg.Now().Add(-amended))
	}
	return nil
}

// spent notes the time since a moment for what was done, and gives the next one.
func (r *planting) spent(on string, since time.Time) time.Time {
	now := r.s.cfg.Now()
	if took := now.Sub(since).Seconds(); took > 0 {
		r.report.Seconds[on] += took
	}
	return now
}

// insertGroup inserts what was just registered, together or one by one.
func (r *planting) insertGroup(ctx context.Context, group []canary.Planting) error {
	if r.cfg.Bulk && len(r.s.cfg.Desk.Transactional()) == 0 {
		return r.bulk(ctx, group, r.m.images)
	}
	for i := range group {
		if err := r.bring(ctx, &group[i], !r.cfg.Bulk); err != nil {
			return err
		}
	}
	return nil
}

// bulk inserts the group in one transaction. When one of the canaries cannot go
// in, it tries each half; when the answer was lost, each is looked at by itself.
func (r *planting) bulk(ctx context.Context, group []canary.Planting, images []supportdb.Image) error {
	err := r.s.insertImages(ctx, group, images)
	lost := errors.Is(err, supportdb.ErrUnknownOutcome)
	half := len(group) / 2
	switch {
	case err == nil:
		r.report.Inserted += len(group)
		r.stands(len(group))
		return nil
	case !lost && !unwelcome(err) && !errors.Is(err, supportdb.ErrDuplicate) && !errors.Is(err, supportdb.ErrLocked) && !errors.Is(err, supportdb.ErrTooLarge):
		return err
	case !lost && half > 0:
		if err := r.bulk(ctx, group[:half], images[:half]); err != nil {
			return err
		}
		return r.bulk(ctx, group[half:], images[half:])
	}
	for i := range group {
		if err := r.bring(ctx, &group[i], false); err != nil {
			return err
		}
	}
	return nil
}

// one brings one intended canary to an end: planted or retired. A fresh one
// was registered a moment ago by this run, so its first look is left out.
func (r *planting) one(ctx context.Context, p *canary.Planting, fresh bool) error {
	var err error
	for range lostAnswers {
		if !fresh {
			var end outcome
			if end, err = r.s.settle(ctx, p); err != nil {
				return err
			}
			if r.ended(end) {
				return nil
			}
		}
		err = r.try(ctx, p)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, supportdb.ErrDuplicate):
			return r.clashed(ctx, p)
		case unwelcome(err):
			return r.refuse(ctx, p, err)
		case !errors.Is(err, supportdb.ErrUnknownOutcome):
			return err
		}
		fresh = false
	}
	return fmt.Errorf("canary %s: %w, %d times in a row", p.ID, err, lostAnswers)
}

// ended counts how a canary ended; it has not when it still has to be inserted.
func (r *planting) ended(end outcome) bool {
	switch end {
	case adopted:
		r.report.Adopted++
		r.stands(1)
	case retired:
		r.report.Retired++
	case absent:
		return false
	}
	return true
}

func (r *planting) stands(n int) {
	r.report.Live += n
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.report.Live, r.cfg.Count)
	}
}
