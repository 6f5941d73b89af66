package seeder

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// RotateConfig says what to change.
type RotateConfig struct {
	Kind canary.Kind // email or phone
	// IDs chooses canaries, changed in this order; nil is all of the place, those
	// with the oldest token first. Changes of any canary of the place that were cut
	// off are brought to an end besides.
	IDs []canary.ID
	// Count canaries at most are changed; 0 is all that are chosen.
	Count int
	// PlacebosPerEmail and PlacebosPerScarce are as in PlantConfig.
	PlacebosPerEmail  int
	PlacebosPerScarce float64
	Seed              []byte // nil draws one
	DryRun            bool
	Progress          func(done, total int) // may be nil
}

// RotateReport says what was changed.
type RotateReport struct {
	Rotated  int `json:"rotated"`
	Finished int `json:"finished"` // begun by a run that was cut off
	Placebos int `json:"placebos"`
	// Waiting counts those that keep their token, because the pool has nothing
	// free that could take its place: a mailbox is changed for a mailbox, a number
	// for a number. WaitsFor says until when, where that is known.
	Waiting    int       `json:"waiting,omitempty"`
	WaitsFor   string    `json:"waits_for,omitempty"`
	Findings   []Finding `json:"findings,omitempty"`
	Statements []string  `json:"statements,omitempty"` // of a dry run

	waits []canary.ID // the Waiting
}

// Rotate changes e-mail addresses or phone numbers in place: the old token's
// window closes, the new one's opens, the row, its key and its tickets stay.
// The new token and its placebos are registered and the old one's end is
// announced in one amendment before the UPDATE; the row itself decides after a
// crash:
//
//	died                            row holds  next run
//	before the amendment            old        begins anew
//	after it, before the UPDATE     old        sends the UPDATE again
//	in the UPDATE, or answer lost   old / new  as the row says
//	after it, before the stamps     new        stamps [announced, now]
//
// A row that holds neither value was changed by somebody else: a finding, and
// the new token never came.
func (s *Seeder) Rotate(ctx context.Context, cfg RotateConfig) (RotateReport, error) {
	r := &rotation{s: s, cfg: cfg}
	if err := r.run(ctx); err != nil {
		return r.report, fmt.Errorf("rotate: %w", err)
	}
	return r.report, nil
}

// rotation is one run of Rotate.
type rotation struct {
	s      *Seeder
	cfg    RotateConfig
	word   string // of the recipe: email or phone
	m      *minter
	report RotateReport
}

func (r *rotation) run(ctx context.Context) error {
	r.word = map[canary.Kind]string{canary.Email: "email", canary.Phone: "phone"}[r.cfg.Kind]
	if _, named := r.s.cfg.Desk.Fact(r.word); !named {
		return fmt.Errorf("%w: kind %q has no column in the recipe that could be changed", ErrConfig, r.cfg.Kind)
	}
	all, err := r.s.standing(ctx, nil)
	if err != nil {
		return err
	}
	begun, due := r.choose(all)
	if !r.cfg.DryRun && len(begun)+len(due) > 0 {
		if err := r.s.cfg.Desk.CheckWrite(ctx); err != nil {
			return err
		}
	}
	if err := r.finishAll(ctx, begun); err != nil || len(due) == 0 {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	return r.changeAll(ctx, due)
}

func (r *rotation) changeAll(ctx context.Context, due []canary.Planting) error {
	for group := range slices.Chunk(due, checkGroup) {
		subjects, err := r.s.subjects(ctx, group)
		if err != nil {
			return err
		}
		for i := range subjects {
			if err := r.one(ctx, &subjects[i], i); err != nil {
				return fmt.Errorf("canary %s: %w", subjects[i].p.ID, err)
			}
			r.progress(len(due))
		}
	}
	return nil
}

func (r *rotation) progress(total int) {
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.report.Rotated+len(r.report.Findings), total)
	}
}

// choose parts the canaries into those with an unfinished rotation and those
// that are to be changed, in that order.
func (r *rotation) choose(all []canary.Planting) (begun, due []canary.Planting) {
	place := map[canary.ID]int{}
	for i, id := range r.cfg.IDs {
		place[id] = i
	}
	since := map[canary.ID]time.Time{}
	for i := range all {
		if _, _, pending := unfinished(&all[i], r.cfg.Kind); pending {
			begun = append(begun, all[i])
			continue
		}
		if _, chosen := place[all[i].ID]; !chosen && r.cfg.IDs != nil {
			continue
		}
		if t, ok := current(&all[i], r.cfg.Kind); ok {
			since[all[i].ID] = t.Window.From.Latest
			due = append(due, all[i])
		}
	}
	slices.SortStableFunc(due, func(a, b canary.Planting) int {
		return cmp.Or(cmp.Compare(place[a.ID], place[b.ID]), since[a.ID].Compare(since[b.ID]))
	})
	if r.cfg.Count > 0 && len(due) > r.cfg.Count {
		due = due[:r.cfg.Count]
	}
	return begun, due
}

// unfinished finds a rotation that was announced and not stamped: a new token
// that has not come and an old one whose end has not.
func unfinished(p *canary.Planting, kind canary.Kind) (old, next canary.DatedToken, pending bool) {
	var left, right bool
	for _, t := range p.Tokens {
		switch {
		case t.Kind != kind:
		case t.Window.Until.IsZero() && !t.Window.From.Come():
			next, right = t, true
		case !t.Window.Until.IsZero() && !t.Window.Until.Come():
			old, left = t, true
		}
	}
	return old, next, left && right
}

func (r *rotation) prepare(ctx context.Context) error {
	p, err := r.s.newPool(ctx, share{r.cfg.PlacebosPerEmail, r.cfg.PlacebosPerScarce})
	if err != nil {
		return err
	}
	seed := r.cfg.Seed
	if seed == nil {
		seed = make([]byte, 32)
		rand.Read(seed) // crypto/rand.Read never fails since Go 1.24
	}
	rows, err := r.s.cfg.Desk.Sample(ctx, source(seed, "learn", 0), samplePeople, "")
	if err != nil {
		return err
	}
	people := make([]persona.Person, len(rows))
	for i := range rows {
		people[i] = person(&rows[i])
	}
	mix, err := persona.Learn(people)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSample, err)
	}
	// Where the number that has rested longest is always the next, spells come
	// round like a wheel, and tell less of when a copy was made.
	source(seed, "numbers", 0).Shuffle(len(p.numbers), func(i, j int) { p.numbers[i], p.numbers[j] = p.numbers[j], p.numbers[i] })
	p.measure(mix)
	r.m = &minter{s: r.s, batch: canary.Batch{Seed: seed}, pool: p, l: &lessons{mix: mix}, emails: map[string]bool{}, unfit: map[string]int{}}
	return nil
}

// one changes one canary.
func (r *rotation) one(ctx context.Context, c *subject, ordinal int) error {
	if c.row == nil || !r.s.asWritten(c, r.word, r.cfg.Kind) {
		r.find(c)
		return nil
	}
	old, _ := current(c.p, r.cfg.Kind)
	step, err := r.plan(ctx, c, ordinal)
	if errors.Is(err, ErrPool) {
		r.report.Waiting++
		r.report.waits = append(r.report.waits, c.p.ID)
		r.report.WaitsFor = r.m.pool.waits(r.cfg.Kind)
		return nil
	}
	if err != nil {
		return err
	}
	if r.cfg.DryRun {
		for _, ch := range step.changes {
			r.report.Statements = append(r.report.Statements, r.s.cfg.Desk.UpdateStatement(ch))
		}
		return nil
	}
	at := r.s.now()
	step.next.Window.From = canary.After(at)
	was := old.Window
	old.Window.Until = canary.After(at)
	a := canary.Amendment{
		Canary: c.p.ID, Rows: step.rows, Life: step.life, Tokens: []canary.DatedToken{step.next}, Placebos: step.placebos, Uses: step.uses,
		Windows: map[canary.TokenID]canary.Window{old.ID: old.Window},
	}
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	r.report.Placebos += len(step.placebos)
	before := r.s.now()
	err = r.s.cfg.Desk.Update(ctx, step.changes...)
	switch {
	case errors.Is(err, supportdb.ErrDuplicate): // somebody else has it: nothing was changed
		old.Window = was
		return r.cancel(ctx, c, old, step.next)
	case errors.Is(err, supportdb.ErrUnknownOutcome), errors.Is(err, supportdb.ErrStale):
		fresh, err := r.s.again(ctx, c.p.ID)
		if err != nil {
			return err
		}
		return r.finish(ctx, fresh)
	case err != nil:
		return err
	}
	r.report.Rotated++
	return r.stamp(ctx, c.p.ID, old, step.next, settled(before, r.s.now()))
}

func (r *rotation) columnName() string {
	at, _ := r.s.cfg.Desk.Fact(r.word)
	return at.Column
}

func (r *rotation) find(c *subject) {
	f := Finding{Canary: c.p.ID, Problem: Deleted, Detail: "the customer row is gone"}
	if c.row != nil {
		f = Finding{Canary: c.p.ID, Problem: Edited, Kind: r.cfg.Kind, Column: r.columnName(), Detail: "the value is not the one that was written, so it was not changed"}
	}
	r.report.Findings = append(r.report.Findings, f)
}

// stamp closes the old window and opens the new one.
func (r *rotation) stamp(ctx context.Context, id canary.ID, old, next canary.DatedToken, at canary.Moment) error {
	old.Window.Until, next.Window.From = at, at
	a := canary.Amendment{Canary: id, Windows: map[canary.TokenID]canary.Window{old.ID: old.Window, next.ID: next.Window}}
	if err := r.s.amend(context.WithoutCancel(ctx), a); err != nil {
		return fmt.Errorf("stamp: %w", err)
	}
	return nil
}

// cancel takes an announced rotation back: the new token never came.
func (r *rotation) cancel(ctx context.Context, c *subject, old, next canary.DatedToken) error {
	rows, err := c.image.Encode() // as they were before
	if err != nil {
		return err
	}
	a := canary.Amendment{Canary: c.p.ID, Rows: rows, Windows: map[canary.TokenID]canary.Window{old.ID: old.Window, next.ID: never(next.Window)}}
	if err := r.s.amend(ctx, a); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	r.report.Findings = append(r.report.Findings, Finding{Canary: c.p.ID, Problem: Duplicate, Kind: r.cfg.Kind, Detail: "another row has the new value already; the old one stays"})
	return nil
}
