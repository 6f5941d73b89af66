package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Extend inserts the rows of an image that have no keys yet, all behind those
// that have, and makes changes to rows that stand, in one transaction. Before
// COMMIT it calls before with all keys. Errors are those of [Desk.Insert] and
// [Desk.Update]; after [ErrUnknownOutcome] only reading can tell.
func (d *Desk) Extend(ctx context.Context, image Image, keys Keys, changes []Change, before func(context.Context, Keys) error) error {
	begun := len(keys.Rows)
	err := d.inQuiet(ctx, func(tx *sql.Tx) error {
		w := &writing{d: d, tx: tx, image: d.filled(&image, keys), keys: Keys{Rows: slices.Clone(keys.Rows), Numbers: slices.Clone(keys.Numbers)}, begun: begun}
		if begun < len(image.Items) {
			if err := d.reserve(ctx, tx, []Image{image}, begun); err != nil {
				return err
			}
		}
		if err := w.run(ctx); err != nil {
			return err
		}
		if err := w.proven(ctx); err != nil {
			return err
		}
		for _, c := range changes {
			s := d.update(c)
			result, err := tx.ExecContext(ctx, s.query, s.args...)
			if err != nil {
				return classify(err)
			}
			if err := one(result, c.Part); err != nil {
				return err
			}
		}
		return before(ctx, w.keys)
	})
	if err != nil {
		return fmt.Errorf("extend: %w", err)
	}
	return nil
}

// ExtendStatements gives the statements of Extend with their values written
// out, as [Desk.InsertStatements] does.
func (d *Desk) ExtendStatements(image Image, keys Keys, changes []Change) []string {
	out := append([]string{"START TRANSACTION"}, d.insertStatements(d.filled(&image, keys), len(keys.Rows))...)
	for _, c := range changes {
		out = append(out, d.UpdateStatement(c))
	}
	return append(out, "COMMIT")
}

// Order lists the numbers of a record's rows in the order in which Plan puts
// their copies.
func (d *Desk) Order(r *Record) []int {
	p := planner{d: d, from: &r.Image}
	p.emit(r.Customer())
	return p.order
}

// KeyOf gives the primary key of a part's row, empty where a column has none.
func (p *Part) KeyOf(r *Row) []string {
	out := make([]string, len(p.Key))
	for i, c := range p.Key {
		out[i] = r.Get(spelling(p.Table, c)).Text()
	}
	return out
}
