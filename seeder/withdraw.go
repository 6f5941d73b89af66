package seeder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// WithdrawConfig says which canaries to take out of the support database: a
// batch, some ids, or all of the place.
type WithdrawConfig struct {
	Batch    canary.BatchID
	IDs      []canary.ID
	All      bool
	DryRun   bool
	Progress func(done, total int) // may be nil
}

// WithdrawReport says what was taken out.
type WithdrawReport struct {
	Withdrawn  int       `json:"withdrawn"` // deleted by this run
	Gone       int       `json:"gone"`      // found deleted already
	Never      int       `json:"never"`     // were never inserted
	Findings   []Finding `json:"findings,omitempty"`
	Statements []string  `json:"statements,omitempty"` // of a dry run
	// Notes say what of the canaries stays in the support database all the same.
	Notes []string `json:"notes,omitempty"`
}

// Withdraw deletes canaries by their recorded keys, each with its tickets in
// one transaction, and only while the row still has our address. The windows'
// ends are announced before and stamped after; the tokens stay registered and
// are listened for. Run again it finishes what was begun:
//
//	died                        support db  next run
//	after the announcement      row         deletes
//	in COMMIT                   row or not  reads; deletes, or closes with [announced, now]
//	after COMMIT                no row      closes with [announced, now]
//
// A row that was changed, or on which rows of others depend, is left where it
// is and is a finding.
func (s *Seeder) Withdraw(ctx context.Context, cfg WithdrawConfig) (WithdrawReport, error) {
	var report WithdrawReport
	if cfg.Batch == "" && len(cfg.IDs) == 0 && !cfg.All {
		return report, fmt.Errorf("withdraw: %w: name a batch or ids, or say all", ErrConfig)
	}
	if !cfg.DryRun {
		if err := s.cfg.Desk.CheckWrite(ctx); err != nil {
			return report, fmt.Errorf("withdraw: %w", err)
		}
	}
	all, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{
		Place: s.cfg.Place, Batch: cfg.Batch, IDs: cfg.IDs, States: []canary.State{canary.Intended, canary.Planted, canary.Verified},
	})
	if err != nil {
		return report, fmt.Errorf("withdraw: read the registry: %w", err)
	}
	if len(all) > 0 {
		report.Notes = s.cfg.Desk.Remains()
	}
	for i := range all {
		if err := s.withdraw(ctx, &all[i], cfg.DryRun, &report); err != nil {
			return report, fmt.Errorf("withdraw %s: %w", all[i].ID, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(all))
		}
	}
	return report, nil
}

func (s *Seeder) withdraw(ctx context.Context, p *canary.Planting, dry bool, report *WithdrawReport) error {
	if p.State == canary.Intended {
		var err error
		if p, err = s.arrived(ctx, p, dry, report); p == nil || err != nil {
			return err
		}
	}
	found, err := s.subjects(ctx, []canary.Planting{*p})
	if err != nil {
		return err
	}
	c := &found[0]
	if c.row == nil {
		return s.gone(ctx, c, dry, report)
	}
	if at, _ := s.cfg.Desk.Fact("email"); !s.asWritten(c, "email", canary.Email) {
		report.Findings = append(report.Findings, Finding{Canary: p.ID, Problem: Edited, Kind: canary.Email, Column: at.Column, Detail: "the row has another address now and was not deleted"})
		return nil
	}
	if err := s.resolve(ctx, c, dry); err != nil {
		return err
	}
	if dry {
		report.Statements = append(report.Statements, s.cfg.Desk.RemoveStatements(&c.image, c.keys, s.fact(&c.row.Image, "email"))...)
		return nil
	}
	return s.remove(ctx, c, s.fact(&c.row.Image, "email"), report)
}

// arrived looks whether an intended canary stands after all, and reads it anew
// if it does. One that does not is given up, and nil.
func (s *Seeder) arrived(ctx context.Context, p *canary.Planting, dry bool, report *WithdrawReport) (*canary.Planting, error) {
	if dry {
		report.Never++
		return nil, nil
	}
	end, err := s.ending(ctx, p, report)
	switch {
	case err != nil:
		return nil, err
	case end == adopted:
		return s.again(ctx, p.ID) // it has keys and windows now
	case end == absent:
		err = s.retire(ctx, p, unwanted)
	}
	report.Never++
	return nil, err
}

// ending looks what became of an intended canary. One whose form was entered is
// adopted first.
func (s *Seeder) ending(ctx context.Context, p *canary.Planting, report *WithdrawReport) (outcome, error) {
	b, found, err := s.cfg.Batches.Batch(ctx, p.Batch)
	switch {
	case err != nil:
		return absent, fmt.Errorf("read its batch: %w", err)
	case !found || !b.Form:
		return s.look(ctx, p)
	}
	r := adoption{s: s}
	if err := r.enter(ctx, p); err != nil {
		return absent, err
	}
	if r.report.Adopted > 0 {
		return adopted, nil
	}
	if r.doubled {
		report.Findings = append(report.Findings, r.report.Findings...)
		return retired, nil
	}
	if !slices.Contains(report.Notes, unentered) {
		report.Notes = append(report.Notes, unentered)
	}
	return absent, nil
}

// unentered is said of forms whose canaries are given up.
const unentered = "forms were exported that no row has the address of yet: they are given up, so see to it that nobody enters them any more"

// resolve ends rotations that were announced and not stamped, as the row says,
// without changing the row.
func (s *Seeder) resolve(ctx context.Context, c *subject, dry bool) error {
	for kind, word := range map[canary.Kind]string{canary.Email: "email", canary.Phone: "phone"} {
		old, next, pending := unfinished(c.p, kind)
		if !pending || dry {
			continue
		}
		if supportdb.SameText(s.fact(&c.row.Image, word).Text(), s.fact(&c.image, word).Text()) {
			at := settled(next.Window.From.Earliest, s.now())
			old.Window.Until, next.Window.From = at, at
		} else {
			next.Window, old.Window.Until = never(next.Window), canary.Moment{}
		}
		a := canary.Amendment{Canary: c.p.ID, Windows: map[canary.TokenID]canary.Window{old.ID: old.Window, next.ID: next.Window}}
		if err := s.amend(ctx, a); err != nil {
			return fmt.Errorf("end an unfinished rotation: %w", err)
		}
		fresh, err := s.again(ctx, c.p.ID)
		if err != nil {
			return err
		}
		c.p = fresh
	}
	return nil
}

// again reads one planting anew.
func (s *Seeder) again(ctx context.Context, id canary.ID) (*canary.Planting, error) {
	found, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{IDs: []canary.ID{id}})
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("read canary %s again: %w", id, errors.Join(err, ErrConfig))
	}
	return &found[0], nil
}

// gone closes the windows of a canary whose row does not stand any more. When
// the end was not announced, somebody else deleted it at an unknown time.
func (s *Seeder) gone(ctx context.Context, c *subject, dry bool, report *WithdrawReport) error {
	foreign := slices.ContainsFunc(c.p.Tokens, func(t canary.DatedToken) bool { return t.Window.Until.IsZero() })
	if foreign {
		report.Findings = append(report.Findings, Finding{Canary: c.p.ID, Problem: Deleted, Detail: "the customer row was gone before it was withdrawn"})
	}
	report.Gone++
	if dry {
		return nil
	}
	return s.amend(ctx, canary.Amendment{Canary: c.p.ID, State: canary.Retired, Windows: vanished(c.p, open(c.p), s.now())})
}

func (s *Seeder) remove(ctx context.Context, c *subject, email supportdb.Value, report *WithdrawReport) error {
	tokens, before := open(c.p), s.now()
	announced := canary.Amendment{Canary: c.p.ID, Windows: ended(tokens, canary.After(before))}
	if err := s.amend(ctx, announced); err != nil {
		return fmt.Errorf("announce the end: %w", err)
	}
	before = s.now()
	err := s.cfg.Desk.Remove(ctx, &c.image, c.keys, email)
	if errors.Is(err, supportdb.ErrUnknownOutcome) {
		rows, readErr := s.cfg.Desk.Read(ctx, []string{c.image.CustomerKey(c.keys)})
		if readErr != nil || len(rows) > 0 {
			return errors.Join(err, readErr)
		}
		err = nil
	}
	if errors.Is(err, supportdb.ErrConstraint) || errors.Is(err, supportdb.ErrStale) {
		problem := Held
		if errors.Is(err, supportdb.ErrStale) {
			problem = Edited
		}
		report.Findings = append(report.Findings, Finding{Canary: c.p.ID, Problem: problem, Detail: err.Error()})
		// It stands on: the announced end is taken back.
		undo := canary.Amendment{Canary: c.p.ID, Windows: ended(tokens, canary.Moment{})}
		return s.amend(ctx, undo)
	}
	if err != nil {
		return err
	}
	report.Withdrawn++
	until := settled(before, s.now())
	a := canary.Amendment{Canary: c.p.ID, State: canary.Retired, Windows: ended(tokens, until)}
	return s.amend(context.WithoutCancel(ctx), a)
}
