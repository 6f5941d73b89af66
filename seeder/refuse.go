package seeder

import (
	"context"
	"errors"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// try inserts a canary, again when other sessions hold the rows: then nothing
// was written.
func (r *planting) try(ctx context.Context, p *canary.Planting) (err error) {
	for range lockWaits {
		alone := []canary.Planting{*p}
		err = r.s.insert(ctx, alone)
		*p = alone[0]
		if err == nil {
			r.report.Inserted++
			r.refused = 0
			r.stands(1)
			return nil
		}
		if !errors.Is(err, supportdb.ErrLocked) {
			return err
		}
	}
	return err
}

func (r *planting) clashed(ctx context.Context, p *canary.Planting) error {
	end, err := r.s.settleClash(ctx, p)
	if err == nil {
		r.ended(end)
	}
	return err
}

// unwelcome reports whether the server will not take these rows, now or later:
// a row that the donor's depends on is gone, or a rule of the table is against
// a value.
func unwelcome(err error) bool {
	return errors.Is(err, supportdb.ErrConstraint) || errors.Is(err, supportdb.ErrRefused)
}

// refuse gives up a canary that the server refused, so that another one can be
// made. Several in a row have a common cause, which a person has to see to.
func (r *planting) refuse(ctx context.Context, p *canary.Planting, cause error) error {
	if err := r.s.retire(ctx, p, refused); err != nil {
		return err
	}
	r.ended(retired)
	if r.refused++; r.refused >= refusals {
		return fmt.Errorf("%d canaries in a row: %w", r.refused, cause)
	}
	return nil
}
