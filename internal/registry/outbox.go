package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

func savePages(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	for _, p := range o.Pages {
		body, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO pages (id, incident, severity, written, body) VALUES (?,?,?,?,?)",
			p.ID, p.Incident, int(p.Severity), micros(p.At), string(body)); err != nil {
			return fmt.Errorf("registry: page %s: %w", p.ID, err)
		}
	}
	for _, d := range o.Deliveries {
		if _, err := tx.ExecContext(ctx, "INSERT INTO deliveries (page, route, state, attempts, first_try, next_try, receipt, fault) VALUES (?,?,'due',0,0,?,'','')",
			d.Page.ID, d.Route, micros(d.NextTry)); err != nil {
			return fmt.Errorf("registry: page %s to %s: %w", d.Page.ID, d.Route, err)
		}
	}
	return nil
}

// Due returns deliveries whose next attempt has come, oldest first, at most limit.
func (r *Registry) Due(ctx context.Context, now time.Time, limit int) ([]canary.Delivery, error) {
	var list []canary.Delivery
	err := r.each(ctx, `SELECT p.body, d.route, d.attempts, d.first_try, d.next_try FROM deliveries d, pages p
		WHERE p.id = d.page AND d.state = 'due' AND d.next_try <= ? ORDER BY d.next_try, d.page LIMIT ?`, []any{micros(now), limit}, func(row *sql.Rows) error {
		var d canary.Delivery
		var body string
		var first, next int64
		if err := row.Scan(&body, &d.Route, &d.Attempts, &first, &next); err != nil {
			return err
		}
		d.First, d.NextTry = fromMicros(first), fromMicros(next)
		list = append(list, d)
		return json.Unmarshal([]byte(body), &list[len(list)-1].Page)
	})
	if err != nil {
		return nil, fmt.Errorf("registry: due pages: %w", err)
	}
	return list, nil
}

// NextDue returns when the next delivery is due; ok is false when none waits.
func (r *Registry) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	var next sql.NullInt64
	if err := r.db.QueryRowContext(ctx, "SELECT MIN(next_try) FROM deliveries WHERE state = 'due'").Scan(&next); err != nil {
		return time.Time{}, false, fmt.Errorf("registry: next page: %w", err)
	}
	return fromMicros(next.Int64), next.Valid, nil
}

// PageSent records that a route accepted a page.
func (r *Registry) PageSent(ctx context.Context, page canary.PageID, route string, at time.Time, receipt string) error {
	err := one(r.db.ExecContext(ctx, "UPDATE deliveries SET state = 'sent', attempts = attempts + 1, next_try = ?, receipt = ?, fault = '' WHERE page = ? AND route = ?",
		micros(at), cut(receipt, 200), page, route))
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", page, route, err)
	}
	return nil
}

// PageFailed records a failed attempt: when to try again, or, with gaveUp, that
// it is not tried again.
func (r *Registry) PageFailed(ctx context.Context, page canary.PageID, route string, f canary.PageFault) error {
	state := "due"
	if f.GaveUp {
		state = "failed"
	}
	err := one(r.db.ExecContext(ctx, `UPDATE deliveries SET state = ?, attempts = attempts + 1, next_try = ?, fault = ?,
		first_try = CASE WHEN first_try = 0 THEN ? ELSE first_try END WHERE page = ? AND route = ?`,
		state, micros(f.NextTry), cut(f.Class, 200), micros(f.At), page, route))
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", page, route, err)
	}
	return nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// PageStatus is how far one page has come on one route.
type PageStatus struct {
	Page     canary.Page `json:"page"`
	Route    string      `json:"route"`
	State    string      `json:"state"` // due, sent, failed
	Attempts int         `json:"attempts"`
	Fault    string      `json:"fault,omitempty"`
}

// PagesOf returns the pages of an incident with their deliveries.
func (r *Registry) PagesOf(ctx context.Context, id canary.IncidentID) ([]PageStatus, error) {
	var list []PageStatus
	err := r.each(ctx, "SELECT p.body, d.route, d.state, d.attempts, d.fault FROM pages p, deliveries d WHERE d.page = p.id AND p.incident = ? ORDER BY p.written, p.id, d.route", []any{id}, func(row *sql.Rows) error {
		var s PageStatus
		var body string
		if err := row.Scan(&body, &s.Route, &s.State, &s.Attempts, &s.Fault); err != nil {
			return err
		}
		list = append(list, s)
		return json.Unmarshal([]byte(body), &list[len(list)-1].Page)
	})
	if err != nil {
		return nil, fmt.Errorf("registry: pages of %s: %w", id, err)
	}
	return list, nil
}

// DeliveryCounts counts deliveries by state.
func (r *Registry) DeliveryCounts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	if err := r.countInto(ctx, "SELECT state, COUNT(*) FROM deliveries GROUP BY state", out); err != nil {
		return nil, fmt.Errorf("registry: count deliveries: %w", err)
	}
	return out, nil
}
