package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"saltmine/internal/canary"
)

const incidentColumns = `i.id, i.place, i.severity, i.verdict, i.merged, i.opened, i.updated, i.reasons, i.weight,
 i.contacts, (SELECT COUNT(DISTINCT s.canary) FROM standings s WHERE s.incident = i.id AND s.stratum NOT LIKE '` + canary.VariantStratum + `%'), i.support`

func scanIncident(row scanner) (inc canary.Incident, err error) {
	var severity int
	var opened, updated int64
	var reasons, weight string
	if err := row.Scan(&inc.ID, &inc.Place, &severity, &inc.Verdict, &inc.Merged, &opened, &updated, &reasons, &weight, &inc.Contacts, &inc.Canaries, &inc.Support); err != nil {
		return inc, err
	}
	inc.Severity, inc.Opened, inc.Updated = canary.Severity(severity), fromMicros(opened), fromMicros(updated)
	if weight != "" {
		if err := json.Unmarshal([]byte(weight), &inc.Weight); err != nil {
			return inc, err
		}
	}
	return inc, json.Unmarshal([]byte(reasons), &inc.Reasons)
}

// marshalWeight is empty where there is none.
func marshalWeight(w *canary.Weight) (string, error) {
	if w == nil {
		return "", nil
	}
	b, err := json.Marshal(w)
	return string(b), err
}

// Incidents returns the newest incidents first, at most limit; 0 is no limit.
func (r *Registry) Incidents(ctx context.Context, limit int) ([]canary.Incident, error) {
	if limit <= 0 {
		return r.queryIncidents(ctx, "ORDER BY i.opened DESC, i.id")
	}
	return r.queryIncidents(ctx, "ORDER BY i.opened DESC, i.id LIMIT ?", limit)
}

// Incident returns one incident.
func (r *Registry) Incident(ctx context.Context, id canary.IncidentID) (canary.Incident, error) {
	list, err := r.queryIncidents(ctx, "WHERE i.id = ?", id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("incident %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return canary.Incident{}, err
	}
	return list[0], nil
}

func (r *Registry) queryIncidents(ctx context.Context, rest string, args ...any) ([]canary.Incident, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT "+incidentColumns+" FROM incidents i "+rest, args...) //nolint:gosec // rest is written in this package
	if err != nil {
		return nil, fmt.Errorf("registry: incidents: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []canary.Incident
	for rows.Next() {
		inc, err := scanIncident(rows)
		if err != nil {
			return nil, fmt.Errorf("registry: incidents: %w", err)
		}
		list = append(list, inc)
	}
	return list, rows.Err()
}

// SetVerdict closes an incident, and the routes that were told of it are told. A
// verdict that is changed later is told to nobody. It is on the evidence log with
// the change, or neither is.
func (r *Registry) SetVerdict(ctx context.Context, id canary.IncidentID, v canary.Verdict, by By) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.unchanged(ctx, tx, id, by.Version); err != nil {
			return err
		}
		before, err := r.lockVerdict(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE incidents SET verdict = ?, updated = ? WHERE id = ?", v, micros(r.now()), id); err != nil {
			return err
		}
		if before == "" {
			if err := r.resolve(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActVerdict, About: string(id), Outcome: string(v)}); err != nil || v != canary.Leak {
			return err
		}
		return r.hold(ctx, tx, string(id), "it is a leak", by) // a court may ask for it years later
	})
	if err != nil {
		return fmt.Errorf("registry: verdict on %s: %w", id, err)
	}
	return nil
}

// lockVerdict reads the verdict on an incident.
func (r *Registry) lockVerdict(ctx context.Context, tx *sql.Tx, id canary.IncidentID) (v canary.Verdict, err error) {
	return v, notFound(tx.QueryRowContext(ctx, r.locking("SELECT verdict FROM incidents WHERE id = ?"), id).Scan(&v))
}

// stillOpen is [ErrMoved] for an incident that has a verdict, or was merged into
// another: what comes then opens another, or a leak would join what wakes nobody.
func (r *Registry) stillOpen(ctx context.Context, tx *sql.Tx, id canary.IncidentID) error {
	v, err := r.lockVerdict(ctx, tx, id)
	if err == nil && v != "" {
		return ErrMoved
	}
	var merged canary.IncidentID
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT merged FROM incidents WHERE id = ?", id).Scan(&merged)
	}
	if err == nil && merged != "" {
		return ErrMoved
	}
	return err
}

func (r *Registry) each(ctx context.Context, query string, args []any, fn func(*sql.Rows) error) error {
	return eachOf(ctx, r.db, query, args, fn)
}

// IncidentHits returns the hits of an incident, oldest first.
func (r *Registry) IncidentHits(ctx context.Context, id canary.IncidentID) ([]canary.Hit, error) {
	list, err := r.hits(ctx, "incident = ? ORDER BY heard, contact, token", id)
	if err != nil {
		return nil, fmt.Errorf("registry: hits of %s: %w", id, err)
	}
	return list, nil
}

// HitsOf returns the hits of a contact.
func (r *Registry) HitsOf(ctx context.Context, id canary.ContactID) ([]canary.Hit, error) {
	list, err := r.hits(ctx, "contact = ? ORDER BY token", id)
	if err != nil {
		return nil, fmt.Errorf("registry: hits of %s: %w", id, err)
	}
	return list, nil
}

const hitColumns = "contact, token, canary, role, origin, domain, incident, clean, class, channel, stratum, counts, heard, content"

func (r *Registry) hits(ctx context.Context, where string, args ...any) (list []canary.Hit, err error) {
	err = r.each(ctx, "SELECT "+hitColumns+" FROM hits WHERE "+where, args, func(row *sql.Rows) error {
		var h canary.Hit
		var at int64
		if err := row.Scan(&h.Contact, &h.Token, &h.Canary, &h.Role, &h.Origin, &h.Domain, &h.Incident, &h.Clean, &h.Class, &h.Cell.Channel, &h.Cell.Stratum, &h.Counts, &at, &h.Content); err != nil {
			return err
		}
		h.At = fromMicros(at)
		list = append(list, h)
		return nil
	})
	return list, err
}

// Supports returns the supporting contacts of an incident, oldest first.
func (r *Registry) Supports(ctx context.Context, id canary.IncidentID) ([]canary.ContactID, error) {
	var list []canary.ContactID
	err := r.each(ctx, "SELECT s.contact FROM supports s, contacts c WHERE c.id = s.contact AND s.incident = ? ORDER BY c.heard, c.id", []any{id}, func(row *sql.Rows) error {
		var c canary.ContactID
		err := row.Scan(&c)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: support of %s: %w", id, err)
	}
	return list, nil
}

// PlantedTokens returns every planted token with its window, of all states.
func (r *Registry) PlantedTokens(ctx context.Context) ([]canary.DatedToken, error) {
	list, err := r.queryTokens(ctx, r.db, "1=1 ORDER BY id", nil)
	if err != nil {
		return nil, fmt.Errorf("registry: planted tokens: %w", err)
	}
	return list, nil
}

// ContactCounts counts the contacts by channel, and "unverified", "pending".
func (r *Registry) ContactCounts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for _, query := range []string{
		"SELECT channel, COUNT(*) FROM contacts GROUP BY channel",
		"SELECT 'unverified', COUNT(*) FROM contacts WHERE unverified = 1",
		"SELECT 'pending', COUNT(*) FROM contacts WHERE pending = 1",
	} {
		if err := r.countInto(ctx, query, out); err != nil {
			return nil, fmt.Errorf("registry: count contacts: %w", err)
		}
	}
	return out, nil
}

// Reveal records that somebody opens the identities of canaries, before they are
// shown.
func (r *Registry) Reveal(ctx context.Context, by By, ids ...canary.ID) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		outcome, err := r.underApproval(ctx, tx, by, "opened")
		if err != nil {
			return err
		}
		for _, id := range ids {
			_, err := tx.ExecContext(ctx, "INSERT INTO reveals (id, canary, who, revealed) VALUES (?,?,?,?)", canary.NewID("v"), id, short(by.Who, 200), micros(r.now()))
			if err != nil {
				return err
			}
			if err := r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActReveal, About: string(id), Outcome: outcome}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("registry: record the opening of %d identities: %w", len(ids), err)
	}
	return nil
}

// Channels returns the channel of each contact that hit a token of an incident.
func (r *Registry) Channels(ctx context.Context, id canary.IncidentID) (map[canary.ContactID]canary.Channel, error) {
	out := map[canary.ContactID]canary.Channel{}
	err := r.each(ctx, "SELECT DISTINCT c.id, c.channel FROM hits h, contacts c WHERE c.id = h.contact AND h.incident = ?", []any{id}, func(row *sql.Rows) error {
		var contact canary.ContactID
		var ch canary.Channel
		err := row.Scan(&contact, &ch)
		out[contact] = ch
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: channels of %s: %w", id, err)
	}
	return out, nil
}
