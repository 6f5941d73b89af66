package registry

import (
	"context"
	"database/sql"
	"fmt"

	"saltmine/internal/canary"
)

// ImportExtracts files extracts in one transaction. An extract whose id is
// already there replaces the older one; added counts those that were new.
func (r *Registry) ImportExtracts(ctx context.Context, list []canary.Extract) (added int, err error) {
	return r.importExtracts(ctx, list, func(*sql.Tx, int) error { return nil })
}

// ImportExtractsFrom files extracts that came in a file, and puts on the evidence log with
// them who did that and the SHA-256 of the file, in hex digits: extracts are plain rows,
// and the file that somebody kept shows later whether another actor was put in.
func (r *Registry) ImportExtractsFrom(ctx context.Context, list []canary.Extract, file string, by By) (added int, err error) {
	return r.importExtracts(ctx, list, func(tx *sql.Tx, added int) error {
		outcome := fmt.Sprintf("%d, of which %d were new, sha256 %s", len(list), added, file)
		return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActImport, About: "extracts", Outcome: outcome})
	})
}

func (r *Registry) importExtracts(ctx context.Context, list []canary.Extract, last func(tx *sql.Tx, added int) error) (added int, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for i := range list {
			fresh, err := saveExtract(ctx, tx, &list[i])
			if err != nil {
				return fmt.Errorf("registry: extract %s: %w", list[i].ID, err)
			}
			if fresh {
				added++
			}
		}
		return last(tx, added)
	})
	return added, err
}

func saveExtract(ctx context.Context, tx *sql.Tx, e *canary.Extract) (fresh bool, err error) {
	if err := e.Validate(); err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM extracts WHERE id = ?", e.ID)
	if err != nil {
		return false, err
	}
	gone, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	if gone > 0 {
		if _, err := tx.ExecContext(ctx, "DELETE FROM extract_canaries WHERE extract_id = ?", e.ID); err != nil {
			return false, err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO extracts (id, actor, taken_from, taken_until, place, segment, n_rows, listed) VALUES (?,?,?,?,?,?,?,?)",
		e.ID, e.Actor, micros(e.Taken.Earliest), micros(e.Taken.Latest), e.Place, e.Segment, e.Rows, e.Held != nil)
	if err != nil {
		return false, err
	}
	seen := map[canary.ID]bool{}
	for _, id := range e.Held {
		if seen[id] {
			continue
		}
		seen[id] = true
		if _, err := tx.ExecContext(ctx, "INSERT INTO extract_canaries (extract_id, canary) VALUES (?,?)", e.ID, id); err != nil {
			return false, err
		}
	}
	return gone == 0, nil
}

// Extracts returns all known extracts in the order of their ids.
func (r *Registry) Extracts(ctx context.Context) ([]canary.Extract, error) {
	var list []canary.Extract
	at := map[canary.ExtractID]int{}
	err := r.each(ctx, "SELECT id, actor, taken_from, taken_until, place, segment, n_rows, listed FROM extracts ORDER BY id", nil, func(row *sql.Rows) error {
		var e canary.Extract
		var from, until int64
		var listed bool
		if err := row.Scan(&e.ID, &e.Actor, &from, &until, &e.Place, &e.Segment, &e.Rows, &listed); err != nil {
			return err
		}
		e.Taken = canary.Moment{Earliest: fromMicros(from), Latest: fromMicros(until)}
		if listed {
			e.Held = []canary.ID{}
		}
		at[e.ID] = len(list)
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: extracts: %w", err)
	}
	err = r.each(ctx, "SELECT extract_id, canary FROM extract_canaries ORDER BY extract_id, canary", nil, func(row *sql.Rows) error {
		var e canary.ExtractID
		var id canary.ID
		if err := row.Scan(&e, &id); err != nil {
			return err
		}
		list[at[e]].Held = append(list[at[e]].Held, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: extracts: %w", err)
	}
	return list, nil
}
