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

// The states of a delivery.
const (
	due    = "due"
	sent   = "sent"
	failed = "failed"
)

func savePages(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	written := map[canary.PageID]time.Time{}
	for _, p := range o.Pages {
		body, err := json.Marshal(p)
		if err != nil {
			return err
		}
		written[p.ID] = p.At
		if _, err := tx.ExecContext(ctx, "INSERT INTO pages (id, incident, severity, written, body) VALUES (?,?,?,?,?)",
			p.ID, p.Incident, int(p.Severity), micros(p.At), string(body)); err != nil {
			return fmt.Errorf("registry: page %s: %w", p.ID, err)
		}
	}
	for _, d := range o.Deliveries {
		if _, err := tx.ExecContext(ctx, "INSERT INTO deliveries (page, route, state, attempts, next_try, receipt, fault) VALUES (?,?,?,0,?,'','')",
			d.Page, d.Route, due, micros(written[d.Page])); err != nil {
			return fmt.Errorf("registry: page %s to %s: %w", d.Page, d.Route, err)
		}
	}
	return nil
}

// Outbox is the registry's side of the pager: the pages written by Commit, each
// with the routes it goes to.
type Outbox struct{ r *Registry }

// Outbox returns the pages on their way.
func (r *Registry) Outbox() Outbox { return Outbox{r} }

// Due returns deliveries whose next attempt has come: of each route at most
// limit, the oldest first.
func (o Outbox) Due(ctx context.Context, now time.Time, limit int) ([]pager.Delivery, error) {
	var list []pager.Delivery
	err := o.r.each(ctx, `SELECT body, route, attempts, written, next_try FROM (
		SELECT p.body, p.written, d.route, d.attempts, d.next_try, d.page,
			ROW_NUMBER() OVER (PARTITION BY d.route ORDER BY d.next_try, d.page) AS place_in_line
		FROM deliveries d, pages p WHERE p.id = d.page AND d.state = ? AND d.next_try <= ?) AS waiting
		WHERE place_in_line <= ? ORDER BY next_try, page`, []any{due, micros(now), limit}, func(row *sql.Rows) error {
		d := pager.Delivery{Kind: pager.Trigger}
		var body string
		var first, next int64
		if err := row.Scan(&body, &d.Route, &d.Attempts, &first, &next); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &d.Page); err != nil {
			return err
		}
		d.First, d.NextTry, d.DedupKey = fromMicros(first), fromMicros(next), d.Page.About()
		list = append(list, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: due pages: %w", err)
	}
	return list, nil
}

// Next returns when the next delivery is due, and false when none waits.
func (o Outbox) Next(ctx context.Context) (time.Time, bool, error) {
	var next sql.NullInt64
	if err := o.r.db.QueryRowContext(ctx, "SELECT MIN(next_try) FROM deliveries WHERE state = ?", due).Scan(&next); err != nil {
		return time.Time{}, false, fmt.Errorf("registry: next page: %w", err)
	}
	return fromMicros(next.Int64), next.Valid, nil
}

// Sent records that a route accepted a page.
func (o Outbox) Sent(ctx context.Context, page canary.PageID, route string, at time.Time, receipt string) error {
	_, err := o.r.db.ExecContext(ctx, "UPDATE deliveries SET state = ?, attempts = attempts + 1, next_try = ?, receipt = ?, fault = '' WHERE page = ? AND route = ? AND state <> ?",
		sent, micros(at), cut(receipt, 200), page, route, sent)
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", page, route, err)
	}
	return nil
}

// Failed records a failed attempt, and that it is tried again or given up.
func (o Outbox) Failed(ctx context.Context, page canary.PageID, route string, f pager.Failure) error {
	state := due
	if f.GaveUp {
		state = failed
	}
	_, err := o.r.db.ExecContext(ctx, "UPDATE deliveries SET state = ?, attempts = attempts + 1, next_try = ?, fault = ? WHERE page = ? AND route = ? AND state <> ?",
		state, micros(f.Next), cut(f.Class, 200), page, route, sent)
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
