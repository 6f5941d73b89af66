package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// ErrMoved is returned by Commit when the registry is not what the outcome was
// worked out from: another core was faster and has moved the spool's position, or
// an incident has been closed.
var ErrMoved = errors.New("the registry has moved on meanwhile")

// Position returns how far a spool has been taken in, "" at the beginning.
func (r *Registry) Position(ctx context.Context, spool string) (string, error) {
	var at string
	err := r.db.QueryRowContext(ctx, "SELECT position FROM cursors WHERE name = ?", spool).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("registry: position of %s: %w", spool, err)
	}
	return at, nil
}

// Match looks up the targets of a contact, in their order. What reaches the
// address to which a mailbox forwards has reached the mailbox. A target may have
// several tokens, one after another, and then the last comes first. Targets that
// are no token, or are refused by the canonical form, have no match.
func (r *Registry) Match(ctx context.Context, targets []canary.Target) ([]canary.Match, error) {
	var out []canary.Match
	seen := map[canary.TokenID]bool{}
	for i, t := range targets {
		if t.Kind == "" {
			continue
		}
		text, err := token.Canon(t.Kind, t.Text)
		if err != nil {
			continue // what strangers write need not be an address
		}
		tokens, err := r.reached(ctx, t.Kind, text)
		if err != nil {
			return nil, err
		}
		for _, tok := range tokens {
			if seen[tok.ID] {
				continue
			}
			seen[tok.ID] = true
			m := canary.Match{Target: i, Token: tok}
			if tok.Role == canary.RolePlanted {
				if err := r.fillMatch(ctx, &m); err != nil {
					return nil, err
				}
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// reached finds the tokens of a text, or of the mailbox that forwards there.
func (r *Registry) reached(ctx context.Context, kind canary.Kind, text string) ([]canary.DatedToken, error) {
	tokens, err := r.tokensOf(ctx, kind, text)
	if err != nil || len(tokens) > 0 || kind != canary.Email {
		return tokens, err
	}
	from, err := r.queryPool(ctx, r.db, only("landing", r.vault.Blind("landing", text)))
	if err != nil {
		return nil, fmt.Errorf("registry: look up where mail was forwarded from: %w", err)
	}
	if len(from) == 0 {
		return nil, nil
	}
	return r.tokensOf(ctx, kind, from[0].Text)
}

func (r *Registry) fillMatch(ctx context.Context, m *canary.Match) error {
	list, err := r.Plantings(ctx, canary.Filter{IDs: []canary.ID{m.Token.Canary}})
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("registry: canary %s of %s: %w", m.Token.Canary, m.Token.Token, ErrNotFound)
	}
	p := list[0]
	m.Place, m.State, m.Name = p.Place, p.State, p.Name
	for _, t := range p.Tokens {
		if t.Kind == canary.Ticket {
			m.Tickets = append(m.Tickets, t.Text)
		}
	}
	return nil
}

// BlindOrigin is the blind index of a contact's origin.
func (r *Registry) BlindOrigin(origin string) string { return r.vault.Blind("origin", origin) }

// Filed says which of the contacts are in the registry: true for those that are
// complete, false for those of which only records written ahead are there, also
// when they were closed as cut off.
func (r *Registry) Filed(ctx context.Context, ids []canary.ContactID) (map[canary.ContactID]bool, error) {
	out := map[canary.ContactID]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := r.db.QueryContext(ctx, "SELECT id, pending <> 0 FROM contacts WHERE id IN ("+marks(len(ids))+")", args...) //nolint:gosec // only marks are added
	if err != nil {
		return nil, fmt.Errorf("registry: look up contacts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var id canary.ContactID
		var pending bool
		if err := rows.Scan(&id, &pending); err != nil {
			return nil, fmt.Errorf("registry: look up contacts: %w", err)
		}
		out[id] = !pending
	}
	return out, rows.Err()
}

// PlaceboHits counts the placebos that an origin has contacted since a time.
func (r *Registry) PlaceboHits(ctx context.Context, origin string, since time.Time) (int, error) {
	var n int
	err := r.db.QueryRowContext(ctx, "SELECT COUNT(DISTINCT token) FROM hits WHERE origin = ? AND role = ? AND heard >= ?",
		origin, canary.RolePlacebo, micros(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("registry: placebo hits: %w", err)
	}
	return n, nil
}

// Queries returns the DNS contacts that named a domain in [from, until).
func (r *Registry) Queries(ctx context.Context, domain string, from, until time.Time) ([]canary.ContactID, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id FROM contacts WHERE domain = ? AND channel = ? AND heard >= ? AND heard < ? ORDER BY heard, id LIMIT 200",
		domain, canary.DNS, micros(from), micros(until))
	if err != nil {
		return nil, fmt.Errorf("registry: dns contacts: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var ids []canary.ContactID
	for rows.Next() {
		var id canary.ContactID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("registry: dns contacts: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// EachCall hands over the complete, verified contacts of calls that an ear under
// the given name heard ("phone/twilio") and that were filed since a time, the
// oldest first, without those that cannot be read.
func (r *Registry) EachCall(ctx context.Context, ear string, since time.Time, fn func(*canary.Contact) error) error {
	const query = "SELECT " + contactColumns + contactTables + " WHERE c.channel = ? AND c.received >= ? AND c.ear = ? AND c.pending = 0 AND c.unverified = 0 ORDER BY c.received, c.id"
	err := r.each(ctx, query, []any{canary.Voice, micros(since), ear}, func(row *sql.Rows) error {
		var k kept
		if err := row.Scan(k.fields()...); err != nil {
			return err
		}
		c, err := r.openContact(&k)
		if errors.Is(err, canary.ErrUnreadable) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(c)
	})
	if err != nil {
		return fmt.Errorf("registry: calls: %w", err)
	}
	return nil
}

// Pending returns up to limit contacts of a spool of which only records written
// ahead came, and which were heard before a time: dialogues that were cut off.
// One that cannot be read stays pending and holds up no other.
func (r *Registry) Pending(ctx context.Context, spool string, before time.Time, limit int) ([]canary.Contact, error) {
	const query = "SELECT " + contactColumns + contactTables + " WHERE c.pending = 1 AND c.spool = ? AND c.heard < ? ORDER BY c.heard, c.id LIMIT ? OFFSET ?"
	var list []canary.Contact
	for read, seen := limit, 0; len(list) < limit && read == limit; seen += read {
		read = 0
		err := r.each(ctx, query, []any{spool, micros(before), limit, seen}, func(row *sql.Rows) error {
			read++
			var k kept
			if err := row.Scan(k.fields()...); err != nil {
				return err
			}
			c, err := r.openContact(&k)
			if errors.Is(err, canary.ErrUnreadable) {
				return nil
			}
			if err == nil && len(list) < limit {
				list = append(list, *c)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("registry: pending contacts: %w", err)
		}
	}
	return list, nil
}

// Commit files an outcome, all of it or nothing.
func (r *Registry) Commit(ctx context.Context, o canary.Outcome) error {
	return r.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.moveCursor(ctx, tx, o); err != nil {
			return err
		}
		leaves, err := r.fileEntries(ctx, tx, o)
		if err != nil {
			return err
		}
		if err := errors.Join(r.saveSearched(ctx, tx, o), r.saveSpent(ctx, tx, o.Spent)); err != nil {
			return err
		}
		if err := saveOwn(ctx, tx, o.Own); err != nil {
			return err
		}
		if err := r.saveIncidents(ctx, tx, o); err != nil {
			return err
		}
		if err := r.saveHits(ctx, tx, o.Hits); err != nil {
			return err
		}
		if err := saveStronger(ctx, tx, o.Stronger); err != nil {
			return err
		}
		if err := errors.Join(r.saveLookers(ctx, tx, o.Lookers), saveClues(ctx, tx, o.Clues)); err != nil {
			return err
		}
		if err := r.freshUpdates(ctx, tx, o.Pages); err != nil {
			return err
		}
		if err := savePages(ctx, tx, o); err != nil {
			return err
		}
		pages, err := pageLeaves(o.Pages)
		if err != nil {
			return err
		}
		return r.recordLeaves(ctx, tx, append(leaves, pages...))
	})
}

func (r *Registry) moveCursor(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	if o.Spool == "" {
		return nil
	}
	var at string
	err := tx.QueryRowContext(ctx, "SELECT position FROM cursors WHERE name = ?", o.Spool).Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if o.From != "" {
			return ErrMoved
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO cursors (name, position) VALUES (?,?)", o.Spool, o.To)
		return err
	case err != nil:
		return err
	case at != o.From:
		return ErrMoved
	case o.From == o.To:
		return nil
	}
	err = one(tx.ExecContext(ctx, "UPDATE cursors SET position = ? WHERE name = ? AND position = ?", o.To, o.Spool, o.From))
	if errors.Is(err, ErrNotFound) {
		return ErrMoved
	}
	return err
}

func (r *Registry) saveIncidents(ctx context.Context, tx *sql.Tx, o canary.Outcome) error {
	for _, inc := range o.Incidents {
		reasons, err := json.Marshal(inc.Reasons)
		if err != nil {
			return err
		}
		weight, err := marshalWeight(inc.Weight)
		if err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM incidents WHERE id = ?", inc.ID).Scan(&n); err != nil {
			return fmt.Errorf("registry: incident %s: %w", inc.ID, err)
		}
		if n == 0 {
			_, err = tx.ExecContext(ctx, "INSERT INTO incidents (id, place, severity, verdict, opened, updated, reasons, weight, held) VALUES (?,?,?,'',?,?,?,?,0)",
				inc.ID, inc.Place, int(inc.Severity), micros(inc.Opened), micros(inc.Updated), string(reasons), weight)
		} else if err = r.stillOpen(ctx, tx, inc.ID); err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE incidents SET severity = ?, updated = ?, reasons = ?, weight = ? WHERE id = ?",
				int(inc.Severity), micros(inc.Updated), string(reasons), weight, inc.ID)
		}
		if err != nil {
			return fmt.Errorf("registry: incident %s: %w", inc.ID, err)
		}
	}
	for _, s := range o.Supports {
		if err := saveSupport(ctx, tx, s); err != nil {
			return fmt.Errorf("registry: support of %s: %w", s.Incident, err)
		}
	}
	return nil
}

func saveSupport(ctx context.Context, tx *sql.Tx, s canary.Support) error {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM supports WHERE incident = ? AND contact = ?", s.Incident, s.Contact).Scan(&n); err != nil || n > 0 {
		return err
	}
	return runAll(ctx, tx, []statement{
		{"INSERT INTO supports (incident, contact, why) VALUES (?,?,?)", []any{s.Incident, s.Contact, short(s.Why, 200)}},
		{"UPDATE incidents SET support = support + 1 WHERE id = ?", []any{s.Incident}},
	})
}

// ContactIDs returns the ids of all filed contacts, oldest first.
func (r *Registry) ContactIDs(ctx context.Context) ([]canary.ContactID, error) {
	var list []canary.ContactID
	err := r.each(ctx, "SELECT id FROM contacts ORDER BY heard, id", nil, func(row *sql.Rows) error {
		var id canary.ContactID
		err := row.Scan(&id)
		list = append(list, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: contacts: %w", err)
	}
	return list, nil
}
