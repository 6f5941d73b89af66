package seeder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// LiveConfig says which canaries live on. Zero fields choose all that stand in
// the seeder's place.
type LiveConfig struct {
	IDs []canary.ID
	// PlacebosPerScarce is the share of placebos for ticket numbers; 0 means 0.1.
	PlacebosPerScarce float64
	DryRun            bool
	Progress          func(done, total int) // may be nil
}

// LiveReport says what became of them.
type LiveReport struct {
	Looked  int `json:"looked"`
	Changed int `json:"changed"` // canaries in whose rows something happened
	Tickets int `json:"tickets"` // that they opened
	Rows    int `json:"rows"`    // that were inserted, tickets among them
	Updates int `json:"updates"` // rows that were changed in place
	// Finished counts steps of a run that was cut off: found done, or taken back.
	Finished int `json:"finished"`
	Placebos int `json:"placebos"`
	// Alone counts canaries older than every customer: nobody leads them on.
	Alone int `json:"alone"`
	// Dropped counts steps that the database refused: they are not tried again.
	Dropped    int       `json:"dropped,omitempty"`
	Findings   []Finding `json:"findings,omitempty"`
	Statements []string  `json:"statements,omitempty"` // of a dry run
}

// Live lets canaries live on as customers do: tickets get replies, change their
// state and are closed, new ones are opened, dates of the last log-in and of the
// last change move. Nothing of it is made up: every canary follows a real
// customer, at the same age and the same hour of the week, and does what that
// customer did, so that canaries change as often as customers do. A step is
// registered before it is written, and the rows decide after a crash:
//
//	died                             rows     next run
//	before the amendment             old      begins anew
//	after it, before the COMMIT      old      takes the step back: the ticket never came
//	in COMMIT, or its answer lost    old/new  as the rows say
//	after it, before the stamps      new      stamps [announced, now]
//
// A row that others have changed is left alone from then on and is a finding,
// once. Mail is never sent: rows are written as the recipe sets them.
func (s *Seeder) Live(ctx context.Context, cfg LiveConfig) (LiveReport, error) {
	r := &liveRun{s: s, cfg: cfg}
	if err := r.run(ctx); err != nil {
		return r.report, fmt.Errorf("live: %w", err)
	}
	return r.report, nil
}

// liveRun is one run of Live.
type liveRun struct {
	s      *Seeder
	cfg    LiveConfig
	total  int
	low    time.Time // no new row is dated before it
	now    time.Time
	m      *minter // with the lessons; nil until something happens
	young  *young
	report LiveReport
}

// living is a canary with its rows and its life.
type living struct {
	subject
	life  life
	moved bool // the life has changed and is to be registered
}

func (r *liveRun) run(ctx context.Context) error {
	desk := r.s.cfg.Desk
	if without := desk.Transactional(); len(without) > 0 {
		return fmt.Errorf("%w: tables without transactions cannot be changed step by step: %v", ErrConfig, without)
	}
	if !r.cfg.DryRun {
		if err := desk.CheckWrite(ctx); err != nil {
			return err
		}
	}
	all, err := r.s.standing(ctx, r.cfg.IDs)
	if err != nil || len(all) == 0 {
		return err
	}
	r.total = len(all)
	for group := range slices.Chunk(all, checkGroup) {
		if err := r.group(ctx, group); err != nil {
			return err
		}
		if r.cfg.Progress != nil {
			r.cfg.Progress(r.report.Looked, r.total)
		}
	}
	return nil
}

// group lets some canaries live on, in the order in which things happen.
func (r *liveRun) group(ctx context.Context, plantings []canary.Planting) error {
	subjects, err := r.s.subjects(ctx, plantings)
	if err != nil {
		return err
	}
	var list []*living
	for i := range subjects {
		r.report.Looked++
		c, err := r.meet(ctx, subjects[i])
		if err != nil {
			return fmt.Errorf("canary %s: %w", plantings[i].ID, err)
		}
		if c != nil {
			list = append(list, c)
		}
	}
	if err := r.settleIn(ctx, list); err != nil {
		return err
	}
	if r.low, r.now, err = r.s.room(ctx); err != nil {
		return err
	}
	leads, err := r.leads(ctx, list)
	if err != nil {
		return err
	}
	var steps []*step
	for _, c := range list {
		st, err := r.plan(ctx, c, leads)
		if err != nil {
			return fmt.Errorf("canary %s: %w", c.p.ID, err)
		}
		steps = append(steps, st)
	}
	slices.SortStableFunc(steps, func(a, b *step) int { return a.first.Compare(b.first) })
	for _, st := range steps {
		if err := r.take(ctx, st); err != nil {
			return fmt.Errorf("canary %s: %w", st.c.p.ID, err)
		}
	}
	return nil
}

// meet reads the life of a canary and settles what an earlier run left. It is
// nil for one that cannot live on now.
func (r *liveRun) meet(ctx context.Context, found subject) (*living, error) {
	l, err := decodeLife(found.p.Life)
	if err != nil {
		return nil, err
	}
	c := &living{subject: found, life: l}
	if c.row == nil {
		r.find(c, Finding{Problem: Deleted, Detail: "the customer row is gone"})
		return nil, nil
	}
	for _, kind := range []canary.Kind{canary.Email, canary.Phone} {
		if _, _, pending := unfinished(c.p, kind); pending {
			return nil, nil // rotation comes first
		}
	}
	if c.life.Until.IsZero() { // planted before canaries had a life
		c.life.Until, c.life.Stands, c.moved = r.s.now(), len(c.image.Items), true
	}
	if c.life.Pending {
		if r.cfg.DryRun {
			return nil, nil
		}
		return c, r.settle(ctx, c)
	}
	return c, nil
}

func (r *liveRun) find(c *living, f Finding) {
	f.Canary = c.p.ID
	r.report.Findings = append(r.report.Findings, f)
}

// settleIn finds leads and peers for those who have none.
func (r *liveRun) settleIn(ctx context.Context, list []*living) error {
	for _, c := range list {
		if c.life.whole() {
			continue
		}
		if err := r.learn(ctx); err != nil {
			return err
		}
		before := len(c.life.Follows)
		if err := r.s.settleIn(ctx, c, r.m.l); err != nil {
			return fmt.Errorf("canary %s: %w", c.p.ID, err)
		}
		if c.moved = true; !c.life.whole() && len(c.life.Follows) == before {
			r.report.Alone++
		}
	}
	return nil
}

// whole reports whether a canary has everybody whom it is to follow.
func (l *life) whole() bool {
	return l.Peer != "" && slices.ContainsFunc(l.Follows, func(f follow) bool { return f.New })
}

// learn prepares what new rows are made of, once.
func (r *liveRun) learn(ctx context.Context) error {
	if r.m != nil {
		return nil
	}
	seed := []byte("life " + string(r.s.cfg.Place) + r.s.now().Format(time.RFC3339))
	p, err := r.s.newPool(ctx, share{0, r.cfg.PlacebosPerScarce})
	if err != nil {
		return err
	}
	l, err := r.s.learn(ctx, source(seed, "learn", 0), &PlantConfig{Count: r.total}, nil)
	if err != nil {
		return err
	}
	r.m = &minter{s: r.s, batch: canary.Batch{Seed: seed}, pool: p, l: l, emails: map[string]bool{}, unfit: map[string]int{}, numbers: map[string]bool{}}
	return nil
}

// leads reads all who are followed, with everything that is theirs.
func (r *liveRun) leads(ctx context.Context, list []*living) (map[string]*supportdb.Record, error) {
	var err error
	if r.young == nil {
		if r.young, err = r.s.learnYoung(ctx, source([]byte(r.now.Format(time.RFC3339)), "young", 0)); err != nil {
			return nil, err
		}
	}
	keys := map[string]bool{}
	for _, c := range list {
		keys[c.life.Peer] = true
		for _, f := range c.life.Follows {
			keys[f.Lead] = true
		}
	}
	delete(keys, "")
	var all []string
	for k := range keys {
		all = append(all, k)
	}
	slices.Sort(all)
	records, err := r.s.cfg.Desk.Donors(ctx, all)
	if err != nil {
		return nil, err
	}
	out := map[string]*supportdb.Record{}
	for i := range records {
		if r.s.usable(&records[i]) {
			out[records[i].Key] = &records[i]
		}
	}
	return out, nil
}

// take registers a step and writes it.
func (r *liveRun) take(ctx context.Context, st *step) error {
	c := st.c
	if st.empty() {
		return r.keepLife(ctx, c)
	}
	if r.cfg.DryRun {
		r.report.Statements = append(r.report.Statements, r.s.cfg.Desk.ExtendStatements(st.image, c.keys, st.changes)...)
		r.count(st)
		return nil
	}
	a, err := st.announced()
	if err != nil {
		return err
	}
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	c.p.Tokens = append(c.p.Tokens, st.tokens...)
	c.life, c.image = st.life, st.image
	before := r.s.now()
	err = r.s.cfg.Desk.Extend(ctx, st.image, c.keys, st.changes, func(ctx context.Context, keys supportdb.Keys) error {
		if len(keys.Rows) == len(c.keys.Rows) {
			return nil
		}
		before = r.s.now()
		a, err := r.s.announce(c.p, keys, before)
		if err != nil {
			return err
		}
		if err := r.s.amend(ctx, a); err != nil {
			return fmt.Errorf("register the keys: %w", err)
		}
		c.keys = keys
		return nil
	})
	switch {
	case err == nil:
		r.count(st)
		return r.stamp(context.WithoutCancel(ctx), c, settled(before, r.s.now()))
	case errors.Is(err, supportdb.ErrAltered), errors.Is(err, supportdb.ErrConstraint), errors.Is(err, supportdb.ErrRefused):
		r.report.Dropped++
		return errors.Join(r.look(ctx, c), r.drop(ctx, c))
	case errors.Is(err, supportdb.ErrStale), errors.Is(err, supportdb.ErrDuplicate), errors.Is(err, supportdb.ErrUnknownOutcome):
		return r.look(ctx, c)
	}
	return err
}

func (r *liveRun) count(st *step) {
	r.report.Changed++
	r.report.Tickets += st.tickets
	r.report.Rows += len(st.image.Items) - st.life.Stands
	r.report.Updates += len(st.changes)
	r.report.Placebos += len(st.placebos)
}

// keepLife registers a life that has changed without a step.
func (r *liveRun) keepLife(ctx context.Context, c *living) error {
	if !c.moved || r.cfg.DryRun {
		return nil
	}
	encoded, err := c.life.encode()
	if err != nil {
		return err
	}
	return r.s.amend(ctx, canary.Amendment{Canary: c.p.ID, Life: encoded})
}

// drop leaves out what happened up to now.
func (r *liveRun) drop(ctx context.Context, c *living) error {
	c.life.Until, c.moved = r.now, true
	return r.keepLife(ctx, c)
}
