package registry

import (
	"context"
	"database/sql"
	"fmt"

	"saltmine/internal/canary"
)

func saveOwn(ctx context.Context, tx *sql.Tx, list []canary.OwnMail) error {
	for _, m := range list {
		if _, err := tx.ExecContext(ctx, "INSERT INTO own (contact, sender, expected, heard) VALUES (?,?,?,?)", m.Contact, m.Sender, m.Expected, micros(m.At)); err != nil {
			return fmt.Errorf("registry: own mail %s: %w", m.Contact, err)
		}
	}
	return nil
}

// OwnCounts returns how many mails of the company's own reached planted tokens,
// by their senders.
func (r *Registry) OwnCounts(ctx context.Context) ([]canary.OwnCount, error) {
	var list []canary.OwnCount
	const query = "SELECT sender, COALESCE(SUM(CASE WHEN expected THEN 1 ELSE 0 END), 0), COUNT(*), MAX(heard) FROM own GROUP BY sender ORDER BY sender"
	err := r.each(ctx, query, nil, func(row *sql.Rows) error {
		var c canary.OwnCount
		var all int
		var last int64
		if err := row.Scan(&c.Sender, &c.Expected, &all, &last); err != nil {
			return err
		}
		c.Outside, c.Last = all-c.Expected, fromMicros(last)
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: own mails: %w", err)
	}
	return list, nil
}
