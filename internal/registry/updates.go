package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// dropUpdates takes back what was on its way to a route: the next update says more.
func dropUpdates(ctx context.Context, tx *sql.Tx, about, route string) error {
	_, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, fault = 'a later update went out' WHERE about = ? AND route = ? AND kind = ? AND state = ?",
		skipped, about, route, pager.Update, due)
	if err != nil {
		return fmt.Errorf("registry: updates about %s: %w", about, err)
	}
	return nil
}

// freshUpdates is [ErrMoved] when another core wrote one of the updates already, or
// the incident has been closed or merged: to be told of it then would open it anew.
func (r *Registry) freshUpdates(ctx context.Context, tx *sql.Tx, pages []canary.Page) error {
	for _, p := range pages {
		if !p.Update {
			continue
		}
		if err := r.stillOpen(ctx, tx, p.Incident); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM pages WHERE id = ?", p.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrMoved
		}
	}
	return nil
}

// UpdatesSince counts the updates that were written since a time.
func (r *Registry) UpdatesSince(ctx context.Context, since time.Time) (n int, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT COUNT(DISTINCT page) FROM deliveries WHERE kind = ? AND written >= ?", pager.Update, micros(since)).Scan(&n)
	if err != nil {
		err = fmt.Errorf("registry: count updates: %w", err)
	}
	return n, err
}

// Untold returns the open incidents, no drills', to which contacts or people's
// reports have come since what was told of them last, which was not after told. Only
// those are looked at that were updated since a time. The one that has waited
// longest comes first.
func (r *Registry) Untold(ctx context.Context, updated, told time.Time) ([]canary.Untold, error) {
	var waiting []canary.Untold
	err := r.each(ctx, `SELECT id, last FROM (SELECT i.id, (SELECT MAX(p.written) FROM pages p WHERE p.incident = i.id) AS last
		FROM incidents i WHERE i.verdict = '' AND i.merged = '' AND i.updated >= ? AND i.place NOT LIKE 'drill:%') AS open
		WHERE last <= ? ORDER BY last, id`, []any{micros(updated), micros(told)}, func(row *sql.Rows) error {
		var u canary.Untold
		var at int64
		err := row.Scan(&u.Incident.ID, &at)
		u.Told = fromMicros(at)
		waiting = append(waiting, u)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: incidents to update: %w", err)
	}
	var list []canary.Untold
	for _, u := range waiting {
		if err := r.fillUntold(ctx, &u); err != nil {
			return nil, fmt.Errorf("registry: update of %s: %w", u.Incident.ID, err)
		}
		if len(u.Routes) > 0 && (u.Incident.Contacts > u.Contacts || u.Reports > u.Reported) {
			list = append(list, u)
		}
	}
	return list, nil
}

// fillUntold reads an incident, what was told of it and to whom.
func (r *Registry) fillUntold(ctx context.Context, u *canary.Untold) (err error) {
	if u.Incident, err = r.Incident(ctx, u.Incident.ID); err != nil {
		return err
	}
	err = r.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM supports s JOIN contacts c ON c.id = s.contact WHERE s.incident = ? AND s.why <> '' AND c.channel = ?", u.Incident.ID, canary.Report).Scan(&u.Reports)
	if err != nil {
		return err
	}
	err = r.each(ctx, "SELECT p.id, p.body FROM pages p WHERE p.incident = ? ORDER BY p.written, p.id", []any{u.Incident.ID}, func(row *sql.Rows) error {
		var body string
		var p canary.Page
		if err := row.Scan(&u.Last, &body); err != nil {
			return err
		}
		if json.Unmarshal([]byte(body), &p) == nil { // one that cannot be read told something
			u.Contacts, u.Reported = p.Contacts, max(u.Reported, p.Reports)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The last page of each route says how urgent it is there.
	at := map[string]int{}
	return r.each(ctx, "SELECT d.route, d.log, p.severity FROM deliveries d JOIN pages p ON p.id = d.page WHERE d.about = ? AND d.kind = ? AND d.state = ? ORDER BY d.written, d.page",
		[]any{u.Incident.ID, pager.Trigger, sent}, func(row *sql.Rows) error {
			var t canary.ToldRoute
			if err := row.Scan(&t.Route, &t.Log, &t.Severity); err != nil {
				return err
			}
			if i, again := at[t.Route]; again {
				u.Routes[i] = t
				return nil
			}
			at[t.Route] = len(u.Routes)
			u.Routes = append(u.Routes, t)
			return nil
		})
}
