package registry

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// mostAlike bounds how many contacts are compared with one.
const mostAlike = 500

// BlindClue is the blind index of a trait's text.
func (r *Registry) BlindClue(trait canary.Trait, text string) int64 {
	return r.vault.Index("clue "+string(trait), text)
}

// Alike returns the contacts of [from, until] that have one of the clues, those of
// incidents and then reports, the newest first, each once for each trait and
// incident. Those of incidents that were found to be no leak are left out.
func (r *Registry) Alike(ctx context.Context, clues []int64, from, until time.Time) (list []canary.Alike, err error) {
	if len(clues) == 0 {
		return nil, nil
	}
	args := make([]any, 0, len(clues)+4)
	for _, b := range clues {
		args = append(args, b)
	}
	args = append(args, micros(from), micros(until))
	query := `SELECT MIN(c.blind), c.trait, c.contact, COALESCE(NULLIF(MIN(i.merged), ''), c.incident), c.origin, c.heard, COUNT(*) FROM clues c LEFT JOIN incidents i ON i.id = c.incident
		WHERE c.blind IN (` + marks(len(clues)) + `) AND c.heard >= ? AND c.heard <= ? AND `
	const rest = " GROUP BY c.trait, c.contact, c.incident, c.origin, c.heard ORDER BY c.heard DESC, c.contact LIMIT ?"
	// Each for itself: many of the one sort hide none of the other.
	for _, q := range []struct {
		which string
		more  []any
	}{{"(i.verdict = '' OR i.verdict = ?)", []any{canary.Leak, mostAlike}}, {"c.incident = ''", []any{mostAlike}}} {
		err := r.each(ctx, query+q.which+rest, append(slices.Clone(args), q.more...), func(row *sql.Rows) error {
			var a canary.Alike
			var at int64
			err := row.Scan(&a.Blind, &a.Trait, &a.Contact, &a.Incident, &a.Origin, &at, &a.Common)
			a.At = fromMicros(at)
			list = append(list, a)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("registry: contacts that are alike: %w", err)
		}
	}
	return list, nil
}

// saveClues keeps what contacts are known by, in place of what was known before.
func saveClues(ctx context.Context, tx *sql.Tx, list []canary.Clue) error {
	type of struct {
		contact  canary.ContactID
		incident canary.IncidentID
	}
	seen, twice := map[of]bool{}, map[canary.Clue]bool{}
	var rows []any
	for _, c := range list {
		key := of{c.Contact, c.Incident}
		if !seen[key] {
			seen[key] = true
			if _, err := tx.ExecContext(ctx, "DELETE FROM clues WHERE contact = ? AND incident = ?", c.Contact, c.Incident); err != nil {
				return fmt.Errorf("registry: clues of %s: %w", c.Contact, err)
			}
		}
		once := canary.Clue{Blind: c.Blind, Contact: c.Contact, Incident: c.Incident}
		if !twice[once] {
			twice[once] = true
			rows = append(rows, c.Blind, c.Contact, c.Incident, c.Trait, c.Origin, micros(c.At))
		}
	}
	if err := insertRows(ctx, tx, "clues (blind, contact, incident, trait, origin, heard)", 6, rows); err != nil {
		return fmt.Errorf("registry: clues: %w", err)
	}
	return nil
}

// ReportsOf returns the reports that were joined to an incident, the newest first,
// at most limit.
func (r *Registry) ReportsOf(ctx context.Context, id canary.IncidentID, limit int) ([]canary.Joined, error) {
	var list []canary.Joined
	err := r.each(ctx, "SELECT s.contact, c.heard, s.why FROM supports s JOIN contacts c ON c.id = s.contact WHERE s.incident = ? AND c.channel = ? ORDER BY c.heard DESC, c.id LIMIT ?",
		[]any{id, canary.Report, limit}, func(row *sql.Rows) error {
			var j canary.Joined
			var at int64
			err := row.Scan(&j.Contact, &at, &j.Why)
			j.At = fromMicros(at)
			list = append(list, j)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("registry: reports of %s: %w", id, err)
	}
	return list, nil
}
