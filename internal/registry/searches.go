package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saltmine/internal/canary"
)

// awaitSearch notes that what a contact says is to be searched for tokens.
func (r *Registry) awaitSearch(ctx context.Context, tx *sql.Tx, c *canary.Contact) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO searches (contact, due, size) VALUES (?,?,?)", c.ID, micros(r.now()), len(c.Raw)+len(c.Text))
	return err
}

// SearchesDue returns up to limit contacts that wait to be searched: first the
// smallest, and as the last the one that waits longest. A flood of large ones
// so holds up none but its like, and no contact waits for ever.
func (r *Registry) SearchesDue(ctx context.Context, limit int) ([]canary.ContactID, error) {
	var list []canary.ContactID
	keep := func(row *sql.Rows) error {
		var id canary.ContactID
		err := row.Scan(&id)
		list = append(list, id)
		return err
	}
	err := r.each(ctx, "SELECT contact FROM searches WHERE due > 0 ORDER BY size, due, contact LIMIT ?", []any{limit}, keep)
	if err == nil && len(list) == limit {
		list = list[:limit-1]
		err = r.each(ctx, "SELECT contact FROM searches WHERE due > 0 ORDER BY due, size, contact LIMIT 1", nil, keep)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: contacts to search: %w", err)
	}
	for i := range list[:max(0, len(list)-1)] {
		if list[i] == list[len(list)-1] {
			return list[:len(list)-1], nil
		}
	}
	return list, nil
}

// PutSearchAside takes a contact that cannot be read out of the queue of searches.
func (r *Registry) PutSearchAside(ctx context.Context, id canary.ContactID) error {
	return r.putAside(ctx, "UPDATE searches SET due = -1 WHERE contact = ?", id)
}

// PutMailAside takes a contact that cannot be read out of the queue of mails.
func (r *Registry) PutMailAside(ctx context.Context, id canary.ContactID) error {
	return r.putAside(ctx, "UPDATE mails SET due = -1 WHERE contact = ?", id)
}

func (r *Registry) putAside(ctx context.Context, query string, id canary.ContactID) error {
	// Another core may have done it, and then no row changes.
	if _, err := r.db.ExecContext(ctx, query, id); err != nil {
		return fmt.Errorf("registry: put %s aside: %w", id, err)
	}
	return nil
}

// Queued counts what waits for the work behind the page, and what was put aside
// because it cannot be read.
type Queued struct {
	Searches, Mails int
	Aside           int // contacts
}

// Queued counts the queues.
func (r *Registry) Queued(ctx context.Context) (q Queued, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM searches WHERE due > 0), (SELECT COUNT(*) FROM mails WHERE due > 0),
 (SELECT COUNT(*) FROM (SELECT contact FROM searches WHERE due < 0 UNION SELECT contact FROM mails WHERE due < 0) a)`).Scan(&q.Searches, &q.Mails, &q.Aside)
	if err != nil {
		return q, fmt.Errorf("registry: count the queues: %w", err)
	}
	return q, nil
}

// saveSearched takes contacts out of the queue of searches, and puts mails into
// that of mails unless they are there.
func (r *Registry) saveSearched(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	for _, id := range o.Searched {
		err := one(tx.ExecContext(ctx, "DELETE FROM searches WHERE contact = ?", id))
		if errors.Is(err, ErrNotFound) {
			return ErrMoved
		}
		if err != nil {
			return fmt.Errorf("registry: search of %s: %w", id, err)
		}
	}
	for _, id := range o.Judge {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM mails WHERE contact = ?", id).Scan(&n)
		if err == nil && n == 0 {
			err = r.awaitMail(ctx, tx, id)
		}
		if err != nil {
			return fmt.Errorf("registry: mail of %s: %w", id, err)
		}
	}
	return nil
}
