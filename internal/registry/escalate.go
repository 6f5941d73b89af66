package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// step is a delivery that is held back.
type step struct {
	pager.Escalated
	about   string
	written int64
	quiet   bool // nobody needs it any more
}

// Escalate lets go what is held back and whose time has come (see pager.Outbox).
func (o Outbox) Escalate(ctx context.Context, now time.Time) ([]pager.Escalated, error) {
	steps, err := o.steps(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("registry: escalate: %w", err)
	}
	if len(steps) == 0 {
		return nil, nil
	}
	var list []pager.Escalated
	err = o.r.inTx(ctx, func(tx *sql.Tx) error {
		list = nil
		for _, s := range steps {
			gone, err := s.take(ctx, tx, now)
			if err != nil {
				return err
			}
			if gone && !s.quiet {
				list = append(list, s.Escalated)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: escalate: %w", err)
	}
	return list, nil
}

// steps reads what is held back and shall be no longer. A page that no route
// has accepted goes out at its fallback, and its first step at once when none
// is trying any more. Logs accept nothing. One written
// far in the future was so while the clock was wrong, and goes out.
func (o Outbox) steps(ctx context.Context, now time.Time) ([]step, error) {
	at := micros(now)
	var list []step
	err := o.r.each(ctx, `SELECT page, route, about, written, quiet, next_try > ? FROM (
		SELECT d.page, d.route, d.about, d.written, d.next_try, d.fallback,
			CASE WHEN EXISTS (SELECT 1 FROM incidents i WHERE i.id = d.about AND i.verdict <> '')
				OR EXISTS (SELECT 1 FROM acks a, pages p WHERE a.about = d.about AND p.id = d.page AND a.severity <= p.severity AND p.anew = 0) THEN 1 ELSE 0 END AS quiet,
			(SELECT COUNT(*) FROM deliveries s WHERE s.page = d.page AND s.kind = d.kind AND s.state = 'sent' AND s.log = 0) AS sent,
			(SELECT COUNT(*) FROM deliveries s WHERE s.page = d.page AND s.kind = d.kind AND s.state = 'due' AND s.log = 0) AS trying,
			(SELECT MIN(s.fallback) FROM deliveries s WHERE s.page = d.page AND s.state = 'held') AS first
		FROM deliveries d WHERE d.state = 'held') AS waiting
		WHERE quiet = 1 OR next_try <= ? OR written > ? OR sent = 0 AND (fallback <= ? OR trying = 0 AND fallback = first)
		ORDER BY written DESC, page, next_try`, []any{at, at, micros(now.Add(furthest)), at}, func(row *sql.Rows) error {
		var s step
		if err := row.Scan(&s.Page, &s.Route, &s.about, &s.written, &s.quiet, &s.Unaccepted); err != nil {
			return err
		}
		list = append(list, s)
		return nil
	})
	return list, err
}

// take writes what becomes of a step, and reports whether it still stood. What
// was held back earlier for the same route, about the same, goes with it: the
// later page says more. What is more urgent stays.
func (s *step) take(ctx context.Context, tx *sql.Tx, now time.Time) (bool, error) {
	state, fault := due, ""
	if s.quiet {
		state, fault = skipped, "acknowledged or closed"
	}
	res, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, next_try = ?, fault = ? WHERE page = ? AND route = ? AND state = ?",
		state, micros(now), fault, s.Page, s.Route, held)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 || s.quiet {
		return n > 0, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, fault = 'a later page went out' WHERE about = ? AND route = ? AND state = ? AND written < ?"+
		" AND (SELECT p.severity FROM pages p WHERE p.id = deliveries.page) >= (SELECT p.severity FROM pages p WHERE p.id = ?)",
		skipped, s.about, s.Route, held, s.written, s.Page)
	return true, err
}

// Ack is that somebody said to be at an incident or a notice.
type Ack struct {
	Severity canary.Severity `json:"severity"` // when it was said
	At       time.Time       `json:"at"`
	Who      string          `json:"who"`
	Via      string          `json:"via"` // the route it came back on, or "cli"
}

// word is an acknowledgement on its way in.
type word struct {
	Ack
	saw sight
}

// sight is what somebody saw of an incident before an acknowledgement.
type sight int

const (
	itself   sight = iota // the incident
	itsPages              // what any route but a log had accepted
	itsRoute              // what the provider's route had accepted by then
)

// Acknowledge records that somebody is at an incident. What is no more urgent
// than what people were told of it wakes nobody any more, and no further step goes
// out for it; a page that reached nobody yet is not among that, unless there is no
// other. Who was first stays, until it has become more urgent. With a version,
// what was shown is the incident itself.
func (r *Registry) Acknowledge(ctx context.Context, id canary.IncidentID, by By) error {
	if by.Version != "" {
		return r.acknowledge(ctx, id, by.Version, word{Ack{At: r.now(), Who: by.Who, Via: by.Via}, itself}, question{"SELECT severity FROM incidents WHERE id = ?", []any{id}})
	}
	return r.acknowledge(ctx, id, "", word{Ack{At: r.now(), Who: by.Who, Via: by.Via}, itsPages},
		question{"SELECT p.severity" + told + "d.state = 'sent' AND d.log = 0 ORDER BY p.severity LIMIT 1", []any{id}},
		question{"SELECT severity FROM pages WHERE incident = ? ORDER BY severity DESC LIMIT 1", []any{id}},
		question{"SELECT severity FROM incidents WHERE id = ?", []any{id}})
}

// told are the pages of an incident with their deliveries.
const told = " FROM pages p JOIN deliveries d ON d.page = p.id WHERE p.incident = ? AND d.kind = 'trigger' AND "

// question asks how urgent an incident was, as far as somebody knew.
type question struct {
	query string
	args  []any
}

// clocks is how far a provider's clock may be behind ours.
const clocks = 30 * time.Second

// AcknowledgeAt records that somebody said elsewhere, at that time, to be at an
// incident: what they knew of it were the pages that the route had accepted by
// then, and of those none that is more urgent than what was shown (0: any; a
// service may show each urgency by itself). So an old word that is sent again says nothing about what came later, nor
// one about what only other routes showed. Where clocks differ, or an acceptance
// was never heard of, they knew of the least urgent page that had been written for
// the route. It is [ErrNotFound] when there was none.
func (r *Registry) AcknowledgeAt(ctx context.Context, id canary.IncidentID, at time.Time, shown canary.Severity, by By) error {
	const onRoute = told + "d.route = ? AND p.severity >= ? AND "
	return r.acknowledge(ctx, id, "", word{Ack{At: at, Who: by.Who, Via: by.Via}, itsRoute},
		question{"SELECT p.severity" + onRoute + "d.state = 'sent' AND d.next_try <= ? ORDER BY p.severity LIMIT 1", []any{id, by.Via, int(shown), micros(at)}},
		question{"SELECT p.severity" + onRoute + "d.state IN ('due', 'sent', 'failed') AND p.written <= ? ORDER BY p.severity DESC LIMIT 1",
			[]any{id, by.Via, int(shown), micros(at.Add(clocks))}})
}

// acknowledge takes the answer of the first question that has one.
func (r *Registry) acknowledge(ctx context.Context, id canary.IncidentID, shown string, a word, ask ...question) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.unchanged(ctx, tx, id, shown); err != nil {
			return err
		}
		for _, q := range ask {
			err := notFound(tx.QueryRowContext(ctx, q.query, q.args...).Scan(&a.Severity))
			if err == nil {
				return errors.Join(a.know(ctx, tx, id), r.ack(ctx, tx, string(id), a.Ack))
			}
			if !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return ErrNotFound
	})
	if err != nil {
		return fmt.Errorf("registry: acknowledge %s: %w", id, err)
	}
	return nil
}

// know ends what pages prove anew, as far as it was known: by what somebody was
// sent, and of a provider's route by what it had accepted by then. It may tell whole
// seconds; the time of whoever is asked here does not matter.
func (a *word) know(ctx context.Context, tx *sql.Tx, id canary.IncidentID) error {
	query, args := "UPDATE pages SET anew = 0 WHERE incident = ? AND anew = 1", []any{id}
	const seen = " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.page = pages.id AND d.kind = 'trigger' AND d.state = 'sent' AND "
	switch a.saw {
	case itsPages:
		query += seen + "d.log = 0)"
	case itsRoute:
		query, args = query+seen+"d.route = ? AND d.next_try <= ?)", append(args, a.Via, micros(a.At.Add(time.Second)))
	case itself:
	}
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// ack writes an acknowledgement, and that it was said to the evidence log, also
// when somebody else was first.
func (r *Registry) ack(ctx context.Context, tx *sql.Tx, about string, a Ack) error {
	outcome, err := r.saveAck(ctx, tx, about, a)
	if err != nil {
		return err
	}
	return r.record(ctx, tx, canary.Act{Who: a.Who, Via: a.Via, What: canary.ActAcknowledge, About: about, Outcome: outcome})
}

func (r *Registry) saveAck(ctx context.Context, tx *sql.Tx, about string, a Ack) (outcome string, err error) {
	a.Who, a.Via = short(a.Who, 200), short(a.Via, 64)
	var before canary.Severity
	err = tx.QueryRowContext(ctx, "SELECT severity FROM acks WHERE about = ?", about).Scan(&before)
	switch err = notFound(err); {
	case err == nil && before <= a.Severity:
		return "somebody was first", nil
	case err == nil:
		_, err = tx.ExecContext(ctx, "UPDATE acks SET severity = ?, acknowledged = ?, who = ?, via = ? WHERE about = ?",
			int(a.Severity), micros(a.At), a.Who, a.Via, about)
	case errors.Is(err, ErrNotFound):
		_, err = tx.ExecContext(ctx, "INSERT INTO acks (about, severity, acknowledged, who, via) VALUES (?,?,?,?,?)",
			about, int(a.Severity), micros(a.At), a.Who, a.Via)
	}
	return a.Severity.String(), err
}

// AckOf returns who is at an incident or a notice; [ErrNotFound] when nobody is.
func (r *Registry) AckOf(ctx context.Context, about string) (Ack, error) {
	a, err := ackOf(ctx, r.db, about)
	if err != nil {
		return Ack{}, fmt.Errorf("registry: acknowledgement of %s: %w", about, err)
	}
	return *a, nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// resolve tells the routes that were told of an incident that it is closed. The
// last page of each stands for it.
func (r *Registry) resolve(ctx context.Context, tx *sql.Tx, id canary.IncidentID) error {
	type page struct {
		id      canary.PageID
		written int64
	}
	last := map[string]page{}
	err := eachOf(ctx, tx, "SELECT page, route, written FROM deliveries WHERE about = ? AND kind = ? AND state IN (?,?) ORDER BY written, page",
		[]any{id, pager.Trigger, due, sent}, func(row *sql.Rows) error {
			var t page
			var route string
			err := row.Scan(&t.id, &route, &t.written)
			last[route] = t
			return err
		})
	if err != nil {
		return err
	}
	for route, t := range last {
		now := r.now()
		if err := saveDelivery(ctx, tx, delivery{t.id, route, pager.Resolve, string(id), due, later(now, fromMicros(t.written)), now, now, false}); err != nil {
			return err
		}
	}
	return nil
}
