package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// To shred a contact is to write over its key, and with it the salt of its leaf, and
// to take away its sealed content, what was found of its sender, the index of whom
// it came from, and what of it is compared with people's reports. When and how it
// came, how large it was and what it hit stay. On SQLite every connection has
// secure_delete, and the WAL is emptied afterwards: the files then hold none of it. A
// MySQL server keeps old versions in its undo log and binary log, and in free pages,
// for as long as it is told to; and every backup of before holds contact and key:
// that the master key opens no contact by itself helps only where backups have
// contact_keys apart, in a file that each new one replaces (saltmine backup --keys), or
// do not outlive the retention. What a restore brings back it gives up again, see load.go.

// ErrShredded is returned for a contact whose content was given up.
var ErrShredded = errors.New("its content was given up, as the evidence log says")

// ErrHeld is returned where a contact is kept: by a hold, or by an open incident.
var ErrHeld = errors.New("it is kept: by a hold, or by an incident that has no verdict yet")

// reportOf is the report to which a contact c belongs: where a reporter's own way to be
// reached was kept apart, it is joined to nothing, and stays while the report does.
const reportOf = "CASE WHEN c.ear = '" + canary.EarReporter + "' THEN SUBSTR(c.id, 1, LENGTH(c.id) - LENGTH('" + canary.OwnSuffix + "')) ELSE c.id END"

// free is the condition under which a contact c may be given up.
const free = ` NOT EXISTS (SELECT 1 FROM holds o WHERE o.about = c.id OR o.about = ` + reportOf + `)
 AND NOT EXISTS (SELECT 1 FROM hits h JOIN incidents i ON i.id = h.incident WHERE h.contact = ` + reportOf + ` AND (i.verdict = '' OR EXISTS (SELECT 1 FROM holds o WHERE o.about = i.id)))
 AND NOT EXISTS (SELECT 1 FROM supports s JOIN incidents i ON i.id = s.incident WHERE s.contact = ` + reportOf + ` AND (i.verdict = '' OR EXISTS (SELECT 1 FROM holds o WHERE o.about = i.id)))`

// Shred gives up the content of contacts, all of them or none, and with a report how
// its reporter can be reached. One that is kept is [ErrHeld]; one that was given up
// before stays as it is. [Registry.EmptyJournal] is to follow.
func (r *Registry) Shred(ctx context.Context, by By, reason string, ids ...canary.ContactID) (n int, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		// Whoever puts a hold on something records that: it is seen, or waits.
		if _, err := r.lockHead(ctx, tx); err != nil {
			return err
		}
		reason, err := r.underApproval(ctx, tx, by, reason)
		if err != nil {
			return err
		}
		all, err := withOwn(ctx, tx, ids)
		if err != nil {
			return err
		}
		n = 0
		for _, id := range all {
			done, err := r.shredOne(ctx, tx, id)
			if err == nil && done {
				n++
				err = r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActShred, About: string(id), Outcome: reason})
			}
			if err != nil {
				return fmt.Errorf("contact %s: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("registry: shred: %w", err)
	}
	return n, nil
}

// withOwn adds to contacts what was kept apart from those that are reports.
func withOwn(ctx context.Context, tx *sql.Tx, ids []canary.ContactID) ([]canary.ContactID, error) {
	own := make([]canary.ContactID, len(ids))
	for i, id := range ids {
		own[i] = id + canary.OwnSuffix
	}
	all := slices.Clone(ids)
	err := selectIn(ctx, tx, "SELECT id FROM contacts WHERE ear = '"+canary.EarReporter+"' AND id IN", own, func(row *sql.Rows) error {
		var id canary.ContactID
		err := row.Scan(&id)
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
		return err
	})
	return all, err
}

func (r *Registry) shredOne(ctx context.Context, tx *sql.Tx, id canary.ContactID) (bool, error) {
	return r.shredNow(ctx, tx, id, true)
}

// shredNow gives one up; ask says whether what holds it does.
func (r *Registry) shredNow(ctx context.Context, tx *sql.Tx, id canary.ContactID, ask bool) (bool, error) {
	var shredded int64
	var may bool
	var length sql.NullInt64 // none where the keys were left out of a backup
	err := tx.QueryRowContext(ctx, "SELECT c.shredded, LENGTH(k.sealed), CASE WHEN "+free+" THEN 1 ELSE 0 END"+contactTables+" WHERE c.id = ?", id).Scan(&shredded, &length, &may)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, ErrNotFound
	case err != nil:
		return false, err
	case shredded != 0:
		return false, nil
	case ask && !may:
		return false, ErrHeld
	}
	for _, s := range []struct {
		query string
		args  []any
	}{
		{"UPDATE contact_keys SET sealed = ? WHERE contact = ?", []any{make([]byte, length.Int64), id}},
		{"UPDATE contacts SET sealed = '', origin = '', shredded = ? WHERE id = ?", []any{micros(r.now()), id}},
		{"UPDATE hits SET origin = '' WHERE contact = ?", []any{id}},
		{"DELETE FROM mails WHERE contact = ?", []any{id}},
		{"DELETE FROM searches WHERE contact = ?", []any{id}},
		{"DELETE FROM clues WHERE contact = ?", []any{id}},
	} {
		if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ErrJournal is returned while SQLite's journal still holds what was given up.
var ErrJournal = errors.New("the journal (-wal) of the registry still holds what was given up, because somebody reads the database: the next 'saltmine retention run' tries again")

// EmptyJournal writes what SQLite's journal holds into the file and cuts it off: else
// the keys that were given up, now or before the process was ended, would stand there
// until it is written over. It is [ErrJournal] while somebody reads the database.
func (r *Registry) EmptyJournal(ctx context.Context) error {
	if r.mysql {
		return nil
	}
	var busy, frames, done int
	if err := r.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done); err != nil {
		return fmt.Errorf("registry: empty the journal: %w", err)
	}
	if busy != 0 {
		return ErrJournal
	}
	return nil
}

// shreds are the contacts that were given up, by the evidence log.
func shreds(ctx context.Context, q querier) (map[canary.ContactID]bool, error) {
	out := map[canary.ContactID]bool{}
	err := eachAct(ctx, q, "what = ?", []any{canary.ActShred}, func(a canary.Act) error {
		out[canary.ContactID(a.About)] = true
		return nil
	})
	return out, err
}

// Keep says how long contacts are kept after they were filed. An empty channel, or
// country, is any: of two rules that fit the one that names the channel goes first,
// and of those the one that names the country.
type Keep struct {
	Channel canary.Channel
	Country string // of the number that was reached, ISO 3166-1 alpha-2
	For     time.Duration
}

// ruleFor finds the rule for contacts of a channel and a country.
func ruleFor(rules []Keep, channel canary.Channel, country string) (best Keep, found bool) {
	points := -1
	for _, k := range rules {
		p := 0
		if k.Channel != "" {
			p += 2
		}
		if k.Country != "" {
			p++
		}
		if (k.Channel == "" || k.Channel == channel) && (k.Country == "" || k.Country == country) && p > points {
			best, points = k, p
		}
	}
	return best, points >= 0
}

// Due are contacts of one channel and country whose time is over.
type Due struct {
	Channel canary.Channel     `json:"channel"`
	Country string             `json:"country,omitempty"`
	For     time.Duration      `json:"-"`
	Free    []canary.ContactID `json:"-"`
	Count   int                `json:"count"` // of Free
	Held    int                `json:"held"`  // kept all the same
}

// DueContacts finds what the rules would have given up now.
func (r *Registry) DueContacts(ctx context.Context, rules []Keep) ([]Due, error) {
	var list []Due
	err := r.each(ctx, "SELECT DISTINCT channel, country FROM contacts WHERE shredded = 0 ORDER BY channel, country", nil, func(row *sql.Rows) error {
		var d Due
		if err := row.Scan(&d.Channel, &d.Country); err != nil {
			return err
		}
		if rule, found := ruleFor(rules, d.Channel, d.Country); found {
			d.For = rule.For
			list = append(list, d)
		}
		return nil
	})
	for i := 0; i < len(list) && err == nil; i++ {
		err = r.fillDue(ctx, &list[i])
	}
	if err != nil {
		return nil, fmt.Errorf("registry: contacts whose time is over: %w", err)
	}
	return slices.DeleteFunc(list, func(d Due) bool { return d.Count+d.Held == 0 }), nil
}

func (r *Registry) fillDue(ctx context.Context, d *Due) error {
	// What still waits to be searched, or has not come whole, is not over. Of an incident
	// that was closed the time begins with the verdict.
	const query = "SELECT c.id, CASE WHEN " + free + ` THEN 1 ELSE 0 END FROM contacts c WHERE c.shredded = 0 AND c.pending <> 1 AND c.channel = ? AND c.country = ? AND c.received <= ?
 AND NOT EXISTS (SELECT 1 FROM hits h JOIN incidents i ON i.id = h.incident WHERE h.contact = ` + reportOf + ` AND i.verdict <> '' AND i.updated > ?)
 AND NOT EXISTS (SELECT 1 FROM supports s JOIN incidents i ON i.id = s.incident WHERE s.contact = ` + reportOf + ` AND i.verdict <> '' AND i.updated > ?)
 AND NOT EXISTS (SELECT 1 FROM searches q WHERE q.contact = c.id AND q.due > 0) ORDER BY c.received, c.id`
	since := micros(r.now().Add(-d.For))
	return r.each(ctx, query, []any{d.Channel, d.Country, since, since, since}, func(row *sql.Rows) error {
		var id canary.ContactID
		var may bool
		if err := row.Scan(&id, &may); err != nil {
			return err
		}
		if may {
			d.Free, d.Count = append(d.Free, id), d.Count+1
		} else {
			d.Held++
		}
		return nil
	})
}

// Hold is what keeps a contact, or the contacts of an incident, whatever the rules
// of retention say.
type Hold struct {
	About  string    `json:"about"`
	Since  time.Time `json:"since"`
	Who    string    `json:"who"`
	Reason string    `json:"reason"`
}

// PutHold keeps a contact (k_…) or an incident (i_…). A hold that stands gets the new
// reason; the evidence log has both.
func (r *Registry) PutHold(ctx context.Context, about, reason string, by By) error {
	table := "contacts"
	if len(about) > 0 && about[0] == 'i' {
		table = "incidents"
	}
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		var there int
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE id = ?", about).Scan(&there)
		switch {
		case err != nil:
			return err
		case there == 0:
			return ErrNotFound
		}
		err = one(tx.ExecContext(ctx, "UPDATE holds SET who = ?, reason = ? WHERE about = ? AND reason <> ?", short(by.Who, 200), short(reason, 200), about, short(reason, 200)))
		if errors.Is(err, ErrNotFound) {
			return r.hold(ctx, tx, about, reason, by)
		}
		return errors.Join(err, r.recordHold(ctx, tx, about, reason, by))
	})
	if err != nil {
		return fmt.Errorf("registry: hold on %s: %w", about, err)
	}
	return nil
}

// hold puts a hold on what is there, unless one stands.
func (r *Registry) hold(ctx context.Context, tx *sql.Tx, about, reason string, by By) error {
	var held int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM holds WHERE about = ?", about).Scan(&held); err != nil || held > 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO holds (about, since, who, reason) VALUES (?,?,?,?)", about, micros(r.now()), short(by.Who, 200), short(reason, 200)); err != nil {
		return err
	}
	return r.recordHold(ctx, tx, about, reason, by)
}

func (r *Registry) recordHold(ctx context.Context, tx *sql.Tx, about, reason string, by By) error {
	return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActHold, About: about, Outcome: "held: " + reason})
}

// EndHold lets go of what a hold keeps.
func (r *Registry) EndHold(ctx context.Context, about string, by By) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		outcome, err := r.underApproval(ctx, tx, by, "ended")
		if err != nil {
			return err
		}
		if err := one(tx.ExecContext(ctx, "DELETE FROM holds WHERE about = ?", about)); err != nil {
			return err
		}
		return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActHold, About: about, Outcome: outcome})
	})
	if err != nil {
		return fmt.Errorf("registry: hold on %s: %w", about, err)
	}
	return nil
}

// Holds returns the holds, the oldest first.
func (r *Registry) Holds(ctx context.Context) ([]Hold, error) {
	list := []Hold{}
	err := r.each(ctx, "SELECT about, since, who, reason FROM holds ORDER BY since, about", nil, func(row *sql.Rows) error {
		var h Hold
		var since int64
		err := row.Scan(&h.About, &since, &h.Who, &h.Reason)
		h.Since = fromMicros(since)
		list = append(list, h)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: holds: %w", err)
	}
	return list, nil
}
