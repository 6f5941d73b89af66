package registry

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// Board returns the incidents without a verdict that were updated since a time.
func (r *Registry) Board(ctx context.Context, since time.Time) ([]canary.Standing, error) {
	list, err := r.queryIncidents(ctx, "WHERE i.verdict = '' AND i.merged = '' AND (i.updated >= ? OR i.held = 1) ORDER BY i.opened, i.id", micros(since))
	if err != nil {
		return nil, err
	}
	return r.standings(ctx, list)
}

// Standings returns those of some incidents that are open, however old.
func (r *Registry) Standings(ctx context.Context, ids []canary.IncidentID) ([]canary.Standing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	list, err := r.queryIncidents(ctx, "WHERE i.verdict = '' AND i.merged = '' AND i.id IN ("+marks(len(ids))+") ORDER BY i.opened, i.id", args...)
	if err != nil {
		return nil, err
	}
	return r.standings(ctx, list)
}

func (r *Registry) standings(ctx context.Context, list []canary.Incident) ([]canary.Standing, error) {
	board := make([]canary.Standing, len(list))
	of, ids := map[canary.IncidentID]*canary.Standing{}, make([]canary.IncidentID, len(list))
	for i, inc := range list {
		board[i] = canary.Standing{Incident: inc, Clean: map[canary.ID]time.Time{}, Touched: map[canary.ID]time.Time{}, Domains: map[string]time.Time{}, Paged: map[string]canary.Severity{}}
		of[inc.ID], ids[i] = &board[i], inc.ID
	}
	if err := r.fillBoard(ctx, of, ids); err != nil {
		return nil, fmt.Errorf("registry: open incidents: %w", err)
	}
	return board, nil
}

// fillBoard reads what open incidents are compared by, a few hundred at a time.
func (r *Registry) fillBoard(ctx context.Context, of map[canary.IncidentID]*canary.Standing, ids []canary.IncidentID) error {
	err := selectIn(ctx, r.db, "SELECT incident, canary, domain, clean, channel, stratum, counts, heard FROM standings WHERE incident IN", ids, func(row *sql.Rows) error {
		var id canary.IncidentID
		var h canary.Hit
		var at int64
		err := row.Scan(&id, &h.Canary, &h.Domain, &h.Clean, &h.Cell.Channel, &h.Cell.Stratum, &h.Counts, &at)
		h.At = fromMicros(at)
		takeInto(of[id], &h)
		return err
	})
	if err != nil {
		return err
	}
	err = selectIn(ctx, r.db, "SELECT i.id, i.held, COALESCE(a.severity, 0) FROM incidents i LEFT JOIN acks a ON a.about = i.id WHERE i.id IN", ids, func(row *sql.Rows) error {
		var id canary.IncidentID
		var held bool
		var acked canary.Severity
		err := row.Scan(&id, &held, &acked)
		of[id].Held, of[id].Acked = held, acked
		return err
	})
	if err != nil {
		return err
	}
	err = selectIn(ctx, r.db, "SELECT DISTINCT merged, place FROM incidents WHERE merged IN", ids, func(row *sql.Rows) error {
		var id canary.IncidentID
		var place canary.Place
		err := row.Scan(&id, &place)
		of[id].Also = append(of[id].Also, place)
		return err
	})
	if err != nil {
		return err
	}
	// A step that was dropped counts: it was for an acknowledgement, or for a page
	// that came later, and what is more urgent than these is paged anew.
	return selectIn(ctx, r.db, "SELECT p.incident, d.route, p.severity FROM pages p JOIN deliveries d ON d.page = p.id WHERE d.kind = 'trigger' AND p.incident IN", ids, func(row *sql.Rows) error {
		var id canary.IncidentID
		var route string
		var severity canary.Severity
		err := row.Scan(&id, &route, &severity)
		if last, told := of[id].Paged[route]; !told || severity < last {
			of[id].Paged[route] = severity
		}
		return err
	})
}

// takeInto takes a hit, or the last of several that are alike, into how an incident stands.
func takeInto(s *canary.Standing, h *canary.Hit) {
	if h.Counts {
		s.Count(h.Cell, h.Canary, h.At)
	}
	if h.Cell.Variant() {
		return // it reached nothing
	}
	s.Touched[h.Canary] = later(s.Touched[h.Canary], h.At)
	if h.Clean {
		s.Clean[h.Canary] = later(s.Clean[h.Canary], h.At)
	}
	if h.Domain != "" {
		s.Domains[h.Domain] = later(s.Domains[h.Domain], h.At)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// saveHits files hits, and sums them up by their incidents, which are there.
func (r *Registry) saveHits(ctx context.Context, tx *sql.Tx, list []canary.Hit) error {
	more := map[canary.IncidentID]int{}
	for _, h := range list {
		if h.Incident != "" {
			first, err := firstOf(ctx, tx, h)
			if err != nil {
				return err
			}
			more[h.Incident] += first
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO hits ("+hitColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			h.Contact, h.Token, h.Canary, h.Role, h.Origin, h.Domain, h.Incident, h.Clean, h.Class, h.Cell.Channel, h.Cell.Stratum, h.Counts, micros(h.At), h.Content); err != nil {
			return fmt.Errorf("registry: hit of %s: %w", h.Contact, err)
		}
		if err := r.sumUp(ctx, tx, h); err != nil {
			return fmt.Errorf("registry: hit of %s: %w", h.Contact, err)
		}
	}
	for id, n := range more {
		if n == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, "UPDATE incidents SET contacts = contacts + ? WHERE id = ?", n, id); err != nil {
			return fmt.Errorf("registry: contacts of %s: %w", id, err)
		}
	}
	return nil
}

// saveStronger writes down what hits say more than was known of them.
func saveStronger(ctx context.Context, tx *sql.Tx, list []canary.Stronger) error {
	for _, s := range list {
		if _, err := tx.ExecContext(ctx, "UPDATE hits SET content = ? WHERE contact = ? AND token = ? AND content < ?", s.Content, s.Contact, s.Token, s.Content); err != nil {
			return fmt.Errorf("registry: hit of %s: %w", s.Contact, err)
		}
	}
	return nil
}

// firstOf is 1 when a contact has no hit in the incident of this one yet.
func firstOf(ctx context.Context, tx *sql.Tx, h canary.Hit) (first int, err error) {
	err = tx.QueryRowContext(ctx, "SELECT CASE WHEN EXISTS (SELECT 1 FROM hits WHERE contact = ? AND incident = ?) THEN 0 ELSE 1 END", h.Contact, h.Incident).Scan(&first)
	if err != nil {
		err = fmt.Errorf("registry: hits of %s: %w", h.Contact, err)
	}
	return first, err
}

func (r *Registry) sumUp(ctx context.Context, tx *sql.Tx, h canary.Hit) error {
	if h.Incident == "" {
		return nil
	}
	query := "INSERT INTO standings (" + standingsColumns + ") VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (incident, canary, domain, clean, channel, stratum, counts) DO UPDATE SET heard = MAX(heard, excluded.heard)"
	if r.mysql {
		query = "INSERT INTO standings (" + standingsColumns + ") VALUES (?,?,?,?,?,?,?,?) ON DUPLICATE KEY UPDATE heard = GREATEST(heard, VALUES(heard))"
	}
	_, err := tx.ExecContext(ctx, query, h.Incident, h.Canary, h.Domain, h.Clean, h.Cell.Channel, h.Cell.Stratum, h.Counts, micros(h.At))
	return err
}

const standingsColumns = "incident, canary, domain, clean, channel, stratum, counts, heard"

// sums sums up the hits of incidents between which some were moved, or lost some.
func sums(ids ...canary.IncidentID) (list []statement) {
	for _, id := range ids {
		list = append(list,
			statement{"DELETE FROM standings WHERE incident = ?", []any{id}},
			statement{"INSERT INTO standings (" + standingsColumns + ") SELECT incident, canary, domain, clean, channel, stratum, counts, MAX(heard) FROM hits WHERE incident = ? GROUP BY incident, canary, domain, clean, channel, stratum, counts", []any{id}},
			statement{"UPDATE incidents SET contacts = (SELECT COUNT(DISTINCT contact) FROM hits WHERE incident = ?), support = (SELECT COUNT(*) FROM supports WHERE incident = ?) WHERE id = ?", []any{id, id, id}})
	}
	return list
}

// dropHits takes out the hits of a contact that is filed anew.
func dropHits(ctx context.Context, tx *sql.Tx, contact canary.ContactID) error {
	var of []canary.IncidentID
	err := eachOf(ctx, tx, "SELECT DISTINCT incident FROM hits WHERE contact = ? AND incident <> ''", []any{contact}, func(row *sql.Rows) error {
		var id canary.IncidentID
		err := row.Scan(&id)
		of = append(of, id)
		return err
	})
	if err != nil {
		return err
	}
	return runAll(ctx, tx, append([]statement{{"DELETE FROM hits WHERE contact = ?", []any{contact}}}, sums(of...)...))
}
