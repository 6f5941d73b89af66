package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// The states of a delivery.
const (
	due     = "due"
	held    = "held" // a step of an escalation whose time has not come
	sent    = "sent"
	failed  = "failed"
	skipped = "skipped" // it was held, and nobody needs it any more
)

func savePages(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	written := map[canary.PageID]canary.Page{}
	for _, p := range o.Pages {
		body, err := json.Marshal(p)
		if err != nil {
			return err
		}
		written[p.ID] = p
		if _, err := tx.ExecContext(ctx, "INSERT INTO pages (id, incident, severity, written, anew, body) VALUES (?,?,?,?,?,?)",
			p.ID, p.Incident, int(p.Severity), micros(p.At), p.Anew, string(body)); err != nil {
			return fmt.Errorf("registry: page %s: %w", p.ID, err)
		}
	}
	for _, d := range o.Deliveries {
		p := written[d.Page]
		state, kind := due, pager.Trigger
		if d.After > 0 {
			state = held
		}
		if p.Update {
			kind = pager.Update
			if err := dropUpdates(ctx, tx, p.About(), d.Route); err != nil {
				return err
			}
		}
		if err := saveDelivery(ctx, tx, delivery{d.Page, d.Route, kind, p.About(), state, p.At, p.At.Add(d.After), p.At.Add(d.Fallback), d.Log}); err != nil {
			return err
		}
	}
	return saveHeld(ctx, tx, o)
}

// saveHeld records the incidents that a page was refused, and those that have it now.
func saveHeld(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	for _, id := range o.Held {
		if _, err := tx.ExecContext(ctx, "UPDATE incidents SET held = 1 WHERE id = ?", id); err != nil {
			return fmt.Errorf("registry: hold the page of %s: %w", id, err)
		}
	}
	for _, id := range o.Freed {
		err := one(tx.ExecContext(ctx, "UPDATE incidents SET held = 0 WHERE id = ? AND held = 1", id))
		if errors.Is(err, ErrNotFound) {
			err = ErrMoved // another core wrote it
		}
		if err != nil {
			return fmt.Errorf("registry: the held page of %s: %w", id, err)
		}
	}
	return nil
}

// delivery is a new row of deliveries.
type delivery struct {
	page                    canary.PageID
	route, kind             string
	about, state            string
	written, next, fallback time.Time
	log                     bool // see [canary.Delivery]
}

func saveDelivery(ctx context.Context, tx *sql.Tx, d delivery) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO deliveries (page, route, kind, about, state, attempts, written, next_try, fallback, log, receipt, fault) VALUES (?,?,?,?,?,0,?,?,?,?,'','')",
		d.page, d.route, d.kind, d.about, d.state, micros(d.written), micros(d.next), micros(d.fallback), d.log)
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", d.page, d.route, err)
	}
	return nil
}

// Outbox is the registry's side of the pager: the pages written by Commit, each
// with the routes it goes to.
type Outbox struct{ r *Registry }

// Outbox returns the pages on their way.
func (r *Registry) Outbox() Outbox { return Outbox{r} }

// waits is a condition on deliveries d: an earlier one about the same goes first,
// unless d is more urgent. That it is closed is told last. No page waits for an update.
const waits = `EXISTS (SELECT 1 FROM deliveries e WHERE e.about = d.about AND e.route = d.route AND e.state = 'due'
	AND (e.kind <> 'update' OR d.kind <> 'trigger')
	AND (d.kind <> 'trigger' OR (SELECT q.severity FROM pages q WHERE q.id = e.page) <= (SELECT q.severity FROM pages q WHERE q.id = d.page))
	AND (e.written < d.written OR e.written = d.written AND (e.page < d.page OR e.page = d.page AND e.kind > d.kind)))`

// furthest is how far ahead an attempt is put at most, with some to spare. What lies
// further was written while the clock was wrong.
const furthest = time.Hour + 5*time.Minute

// head chooses the first page about the same that the route of d has accepted.
const head = ` FROM deliveries h WHERE h.about = d.about AND h.route = d.route AND h.kind = 'trigger' AND h.state = 'sent' ORDER BY h.written, h.page LIMIT 1`

// Due returns deliveries whose next attempt has come: of each route at most
// limit, the oldest first, and of those about one thing only the first and what is
// more urgent.
func (o Outbox) Due(ctx context.Context, now time.Time, limit int) ([]pager.Delivery, error) {
	var list []pager.Delivery
	err := o.r.each(ctx, `SELECT body, page, incident, severity, about, route, kind, attempts, written, next_try, acked, verdict, head, receipt FROM (
		SELECT p.body, p.incident, p.severity, d.about, d.written, d.route, d.kind, d.attempts, d.next_try, d.page, CASE WHEN p.anew = 1 THEN 0 ELSE COALESCE(a.severity, 0) END AS acked, COALESCE(i.verdict, '') AS verdict,
			COALESCE((SELECT h.page`+head+`), '') AS head, COALESCE((SELECT h.receipt`+head+`), '') AS receipt,
			ROW_NUMBER() OVER (PARTITION BY d.route ORDER BY d.next_try, d.page) AS place_in_line
		FROM deliveries d JOIN pages p ON p.id = d.page LEFT JOIN acks a ON a.about = d.about LEFT JOIN incidents i ON i.id = d.about
		WHERE d.state = ? AND (d.next_try <= ? OR d.next_try > ?) AND NOT `+waits+`) AS waiting
		WHERE place_in_line <= ? ORDER BY next_try, page`, []any{due, micros(now), micros(now.Add(furthest)), limit}, func(row *sql.Rows) error {
		var d pager.Delivery
		var body, about string
		var opened canary.PageID
		var first, next int64
		var acked canary.Severity
		var bare canary.Page
		if err := row.Scan(&body, &bare.ID, &bare.Incident, &bare.Severity, &about, &d.Route, &d.Kind, &d.Attempts, &first, &next, &acked, &d.Verdict, &opened, &d.Head.Receipt); err != nil {
			return err
		}
		if json.Unmarshal([]byte(body), &d.Page) != nil {
			// It goes out all the same, and keeps no other back.
			if bare.Incident == "" {
				bare.Notice = canary.NoticeID(about)
			}
			bare.At, bare.Summary = fromMicros(first), bare.Severity.String()+": the text of this page cannot be read any more; look at "+about
			d.Page = bare
		}
		d.First, d.NextTry, d.DedupKey = fromMicros(first), fromMicros(next), d.Page.About()
		d.Quiet = d.Kind == pager.Update || d.Verdict != "" || acked != 0 && acked <= d.Page.Severity
		if opened != "" {
			d.Head.ID = pager.Delivery{Page: canary.Page{ID: opened}, Route: d.Route, Kind: pager.Trigger}.ID()
		}
		list = append(list, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: due pages: %w", err)
	}
	return list, nil
}

// Next returns when the next delivery is due or may be let go, and false when
// none waits.
func (o Outbox) Next(ctx context.Context) (time.Time, bool, error) {
	var next sql.NullInt64
	err := o.r.db.QueryRowContext(ctx, `SELECT MIN(CASE WHEN d.state = 'held' AND d.fallback < d.next_try
			AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.page = d.page AND s.kind = d.kind AND s.state = 'sent' AND s.log = 0) THEN d.fallback ELSE d.next_try END)
		FROM deliveries d WHERE d.state = 'held' OR d.state = 'due' AND NOT `+waits).Scan(&next)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("registry: next page: %w", err)
	}
	return fromMicros(next.Int64), next.Valid, nil
}

// Sent records that a route accepted a page. That of an incident is on the evidence
// log.
func (o Outbox) Sent(ctx context.Context, d pager.Delivery, at time.Time, receipt string) error {
	err := o.r.inTx(ctx, func(tx *sql.Tx) error {
		err := one(tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, attempts = attempts + 1, next_try = ?, receipt = ?, fault = '' WHERE page = ? AND route = ? AND kind = ? AND state <> ?",
			sent, micros(at), cut(receipt, 200), d.Page.ID, d.Route, d.Kind, sent))
		switch {
		case errors.Is(err, ErrNotFound):
			return nil // it was said before
		case err != nil || d.Kind != pager.Trigger || d.Page.Drill != "" || d.Page.Incident == "":
			return err
		}
		return o.r.record(ctx, tx, canary.Act{Who: "-", Via: "pager", What: actSent, About: string(d.Page.Incident), Outcome: string(d.Page.ID) + " by " + d.Route})
	})
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", d.Page.ID, d.Route, err)
	}
	return nil
}

// Failed records a failed attempt, and that it is tried again or given up.
func (o Outbox) Failed(ctx context.Context, d pager.Delivery, f pager.Failure) error {
	state := due
	if f.GaveUp {
		state = failed
	}
	_, err := o.r.db.ExecContext(ctx, "UPDATE deliveries SET state = ?, attempts = attempts + 1, next_try = ?, fault = ? WHERE page = ? AND route = ? AND kind = ? AND state <> ?",
		state, micros(f.Next), cut(f.Class, 200), d.Page.ID, d.Route, d.Kind, sent)
	if err != nil {
		return fmt.Errorf("registry: page %s to %s: %w", d.Page.ID, d.Route, err)
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
	State    string      `json:"state"` // due, held, sent, failed, skipped
	Attempts int         `json:"attempts"`
	// Sent is when the route accepted it; zero while it has not.
	Sent  time.Time `json:"sent,omitzero"`
	Fault string    `json:"fault,omitempty"`
}

// PagesOf returns the pages of an incident, updates too, with their deliveries.
func (r *Registry) PagesOf(ctx context.Context, id canary.IncidentID) ([]PageStatus, error) {
	var list []PageStatus
	err := r.each(ctx, "SELECT p.body, d.route, d.state, d.attempts, d.fault, d.next_try FROM pages p, deliveries d WHERE d.page = p.id AND d.kind <> ? AND p.incident = ? ORDER BY p.written, p.id, d.route", []any{pager.Resolve, id}, func(row *sql.Rows) error {
		var s PageStatus
		var body string
		var at int64
		if err := row.Scan(&body, &s.Route, &s.State, &s.Attempts, &s.Fault, &at); err != nil {
			return err
		}
		if s.State == sent {
			s.Sent = fromMicros(at)
		}
		if json.Unmarshal([]byte(body), &s.Page) != nil { // it went out bare; the others are shown
			s.Page = canary.Page{Incident: id, Summary: "this page cannot be read in the registry any more"}
		}
		list = append(list, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: pages of %s: %w", id, err)
	}
	return list, nil
}

// Unaccepted returns when the oldest page was written that is on its way and that
// no route has accepted; zero when there is none.
func (r *Registry) Unaccepted(ctx context.Context) (time.Time, error) {
	var oldest sql.NullInt64
	err := r.db.QueryRowContext(ctx, `SELECT MIN(d.written) FROM deliveries d WHERE d.state = ? AND d.kind = ? AND d.log = 0
		AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.page = d.page AND s.kind = d.kind AND s.state = ? AND s.log = 0)`, due, pager.Trigger, sent).Scan(&oldest)
	if err != nil {
		return time.Time{}, fmt.Errorf("registry: pages that nobody accepted: %w", err)
	}
	return fromMicros(oldest.Int64), nil
}

// DeliveryCounts counts deliveries by state.
func (r *Registry) DeliveryCounts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	if err := r.countInto(ctx, "SELECT state, COUNT(*) FROM deliveries GROUP BY state", out); err != nil {
		return nil, fmt.Errorf("registry: count deliveries: %w", err)
	}
	return out, nil
}
