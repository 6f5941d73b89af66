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

// Front is how a front of the dead-man's switch stands.
type Front struct {
	// Came is when a contact that was made there last came out at the pager; zero
	// is never.
	Came time.Time
	// Open is when the first contact since the last that came through was made;
	// zero when there is none.
	Open time.Time
}

// Fronts returns how the fronts of the dead-man's switch stand, by name.
func (r *Registry) Fronts(ctx context.Context) (map[string]Front, error) {
	out := map[string]Front{}
	// By the order in which they were made: where the clock was set back, the times of
	// those that come to nothing now lie before that of the last that came through.
	// That one may be of those whose contacts are forgotten: of a front that is silent
	// for long all are.
	const query = `SELECT s.front, MAX(l.came), MIN(CASE WHEN s.paged = 0 AND s.seq > l.last THEN s.issued END)
		FROM drill_shots s JOIN (SELECT front, MAX(paged) AS came, MAX(CASE WHEN paged <> 0 THEN seq ELSE 0 END) AS last FROM drill_shots WHERE run = ? GROUP BY front) AS l ON l.front = s.front
		WHERE s.run = ? AND s.gone = 0 GROUP BY s.front`
	err := r.each(ctx, query, []any{canary.Deadman, canary.Deadman}, func(row *sql.Rows) error {
		var name string
		var came int64
		var open sql.NullInt64
		err := row.Scan(&name, &came, &open)
		out[name] = Front{fromMicros(came), fromMicros(open.Int64)}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: fronts: %w", err)
	}
	return out, nil
}

// Untried returns the pages about silent fronts that were written before a time and
// that no pager has tried to send since.
func (r *Registry) Untried(ctx context.Context, before time.Time) (list []pager.Delivery, err error) {
	const query = `SELECT p.body, d.route, d.written FROM deliveries d JOIN pages p ON p.id = d.page JOIN notices n ON n.id = d.about
		WHERE n.kind = ? AND n.ended = 0 AND d.kind = ? AND d.state = ? AND d.attempts = 0 AND d.written <= ? ORDER BY d.written, d.page, d.route`
	err = r.each(ctx, query, []any{canary.NoticeDeadman, pager.Trigger, due, micros(before)}, func(row *sql.Rows) error {
		d := pager.Delivery{Kind: pager.Trigger}
		var body string
		var written int64
		if err := row.Scan(&body, &d.Route, &written); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(body), &d.Page)
		d.First, d.NextTry, d.DedupKey = fromMicros(written), fromMicros(written), d.Page.About()
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: pages that nobody tried: %w", err)
	}
	return list, nil
}

// shotsAtOnce is how many shots are forgotten in one transaction.
const shotsAtOnce = 100

// PruneShots forgets what the dead-man's switch did before a time: the pages of its
// shots, and the contacts that used them up. Our own contacts, of which there are a
// thousand a day, are evidence of nothing once they are over. A contact that reached
// or says anything else, or of which that is not known yet, is evidence, and stays
// with its shot, which says why it paged nobody; and one that is on the evidence log
// is for retention to give up, which leaves word there. The shots themselves stay until
// another time: an edge that could not be reached for long brings contacts with their
// marks.
//
// It deletes one key after the other, and in pieces: MariaDB scans, and so holds, all
// of the contacts for a condition, and where it likes for a list of keys too. What
// ends early goes on at the next call.
func (r *Registry) PruneShots(ctx context.Context, before, marks time.Time) error {
	for _, step := range []func(*sql.Tx) (int, error){
		func(tx *sql.Tx) (int, error) { return pruneShots(ctx, tx, before) },
		func(tx *sql.Tx) (int, error) { return pruneMarks(ctx, tx, marks) },
	} {
		for n := shotsAtOnce; n == shotsAtOnce; {
			err := r.inTx(ctx, func(tx *sql.Tx) (err error) {
				n, err = step(tx)
				return err
			})
			if err != nil {
				return fmt.Errorf("registry: forget old shots: %w", err)
			}
		}
	}
	return nil
}

// pruneMarks forgets a piece of what is kept of old shots.
func pruneMarks(ctx context.Context, tx *sql.Tx, before time.Time) (int, error) {
	var shots []string
	err := eachOf(ctx, tx, "SELECT id FROM drill_shots WHERE run = ? AND gone = 1 AND issued < ? ORDER BY issued, id LIMIT ?", []any{canary.Deadman, micros(before), shotsAtOnce}, func(row *sql.Rows) error {
		var shot string
		err := row.Scan(&shot)
		shots = append(shots, shot)
		return err
	})
	for i := 0; i < len(shots) && err == nil; i++ {
		_, err = tx.ExecContext(ctx, "DELETE FROM drill_shots WHERE id = ?", shots[i])
	}
	return len(shots), err
}

// pruneShots forgets a piece of them and returns how many these were.
func pruneShots(ctx context.Context, tx *sql.Tx, before time.Time) (int, error) {
	const old = `SELECT s.id, CASE WHEN EXISTS (SELECT 1 FROM leaves l WHERE l.contact = s.contact) THEN '' ELSE s.contact END, s.page FROM drill_shots s WHERE s.run = ? AND s.gone = 0 AND s.issued < ?
		AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.contact = s.contact) AND NOT EXISTS (SELECT 1 FROM supports u WHERE u.contact = s.contact)
		AND NOT EXISTS (SELECT 1 FROM searches q WHERE q.contact = s.contact) ORDER BY s.issued, s.id LIMIT ?`
	var shots, contacts, pages []string
	err := eachOf(ctx, tx, old, []any{canary.Deadman, micros(before), shotsAtOnce}, func(row *sql.Rows) error {
		var shot, contact, page string
		err := row.Scan(&shot, &contact, &page)
		shots = append(shots, shot)
		if contact != "" {
			contacts = append(contacts, contact)
		}
		if page != "" {
			pages = append(pages, page)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, d := range []struct {
		query string
		keys  []string
	}{
		{"DELETE FROM deliveries WHERE page = ?", pages}, {"DELETE FROM pages WHERE id = ?", pages},
		{"DELETE FROM mails WHERE contact = ?", contacts}, {"DELETE FROM contacts WHERE id = ?", contacts},
		{"DELETE FROM contact_keys WHERE contact = ?", contacts},
		{"UPDATE drill_shots SET gone = 1 WHERE id = ?", shots},
	} {
		for _, key := range d.keys {
			if _, err := tx.ExecContext(ctx, d.query, key); err != nil {
				return 0, err
			}
		}
	}
	return len(shots), nil
}
