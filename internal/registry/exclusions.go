package registry

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/exclude"
	"saltmine/internal/token"
)

// Exclusions answers which customers the company's own jobs are to leave out.
type Exclusions struct {
	r      *Registry
	byKey  bool
	decoys float64
}

// Exclusions returns the registry's side of package exclude. Customers are named
// by primary key or by e-mail address; decoys is the share of real customers who
// are left out too.
func (r *Registry) Exclusions(byKey bool, decoys float64) Exclusions {
	return Exclusions{r, byKey, decoys}
}

// Ask counts a question against the caller's day, records it, and answers it,
// in one transaction; a question over the budget is counted as refused, and the
// error is [exclude.ErrBudget].
func (x Exclusions) Ask(ctx context.Context, q exclude.Question) ([]bool, error) {
	blinds := make([]int64, len(q.Customers))
	for i, text := range q.Customers {
		blinds[i] = x.index(text)
	}
	refused := false
	var drop []bool
	err := x.r.inTx(ctx, func(tx *sql.Tx) error {
		refused = false
		allowed, err := x.spend(ctx, tx, &q)
		if err != nil || !allowed {
			refused = err == nil
			return err
		}
		if err := x.record(ctx, tx, &q, blinds); err != nil {
			return err
		}
		drop, err = x.answer(ctx, tx, q.Exact, blinds)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("registry: exclusion for %s: %w", q.Caller, err)
	case refused:
		return nil, exclude.ErrBudget
	}
	return drop, nil
}

// index is the blind index of what names a customer: that of an address is its
// token's, so that a rotated address is known too.
func (x Exclusions) index(text string) int64 {
	if x.byKey {
		return x.r.rowIndex(strings.TrimSpace(text))
	}
	canon, err := token.Canon(canary.Email, text)
	if err != nil { // it is no canary's
		canon = strings.ToLower(strings.TrimSpace(text))
	}
	return x.r.vault.Index(string(canary.Email), canon)
}

func (r *Registry) rowIndex(key string) int64 { return r.vault.Index("row", key) }

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// spend takes the question out of the day's budget, or counts it as refused.
func (x Exclusions) spend(ctx context.Context, tx *sql.Tx, q *exclude.Question) (bool, error) {
	day, n := dayOf(q.At), len(q.Customers)
	var asked int
	err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM exclusion_days WHERE caller = ? AND day = ?", q.Caller, day).Scan(&asked)
	if err == nil && asked == 0 {
		_, err = tx.ExecContext(ctx, "INSERT INTO exclusion_days (caller, day, asked, refused) VALUES (?,?,0,0)", q.Caller, day)
	}
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, "UPDATE exclusion_days SET asked = asked + ? WHERE caller = ? AND day = ? AND asked + ? <= ?", n, q.Caller, day, n, q.PerDay)
	if err != nil {
		return false, err
	}
	if changed, err := res.RowsAffected(); err != nil || changed == 1 {
		return err == nil, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE exclusion_days SET refused = refused + ? WHERE caller = ? AND day = ?", n, q.Caller, day)
	return false, err
}

// record keeps who asked about whom. Whom is a keyed hash: with the keys one can
// ask later who asked about a canary.
func (x Exclusions) record(ctx context.Context, tx *sql.Tx, q *exclude.Question, blinds []int64) error {
	id := canary.NewID("x")
	rows := make([]any, 0, 5*len(blinds))
	for n, blind := range blinds {
		rows = append(rows, id, n, q.Caller, micros(q.At), blind)
	}
	return insertRows(ctx, tx, "exclusions (id, n, caller, asked, blind)", 5, rows)
}

// answer looks all of them up and adds decoys, the same work for each.
func (x Exclusions) answer(ctx context.Context, tx *sql.Tx, exact bool, blinds []int64) ([]bool, error) {
	found := map[int64]bool{}
	query, of := "SELECT blind FROM blinds WHERE cohort = 0 AND blind IN", blinds
	if x.byKey {
		query = "SELECT blind_row FROM canaries WHERE state <> 'retired' AND blind_row IN"
	}
	err := selectIn(ctx, tx, query, of, func(row *sql.Rows) error {
		var blind int64
		err := row.Scan(&blind)
		found[blind] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	drop := make([]bool, len(blinds))
	for i, blind := range blinds {
		decoy := x.isDecoy(blind)
		drop[i] = found[blind] || decoy && !exact
	}
	return drop, nil
}

// isDecoy reports whether a customer is one of those who are left out to hide
// the canaries: a keyed function, so it is always the same ones.
func (x Exclusions) isDecoy(blind int64) bool {
	draw := uint64(x.r.vault.Index("decoy", fmt.Sprint(blind))) //nolint:gosec // all 64 bits
	return float64(draw>>11)/(1<<53) < x.decoys
}

// ExclusionDay is what one caller asked on one day.
type ExclusionDay struct {
	Caller  string `json:"caller"`
	Day     string `json:"day"`
	Asked   int    `json:"asked"`   // customers
	Refused int    `json:"refused"` // customers over the budget
}

// ExclusionDays returns who asked about how many customers, the newest days first.
func (r *Registry) ExclusionDays(ctx context.Context, limit int) ([]ExclusionDay, error) {
	var list []ExclusionDay
	err := r.each(ctx, "SELECT caller, day, asked, refused FROM exclusion_days ORDER BY day DESC, caller LIMIT ?", []any{limit}, func(row *sql.Rows) error {
		var d ExclusionDay
		err := row.Scan(&d.Caller, &d.Day, &d.Asked, &d.Refused)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: exclusions: %w", err)
	}
	return list, nil
}
