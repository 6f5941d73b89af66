package registry

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// How long back the placebos' contacts are counted.
const (
	pastHits   = 365 * 24 * time.Hour
	recentHits = 72 * time.Hour
)

// Stratum is the sort of a token: its kind, with the blind index of an address's
// domain or of a number's block.
func (r *Registry) Stratum(kind canary.Kind, text string) string {
	switch kind {
	case canary.Email:
		return string(kind) + "|" + r.domainOf(kind, text)
	case canary.Phone:
		return string(kind) + "|" + r.vault.Blind("block", block(text))
	default:
		return string(kind)
	}
}

// block is the thousands of a number: providers give them out so, and who dials at
// random goes through one after another.
func block(number string) string { return number[:max(0, len(number)-4)] }

// tally counts what is registered, by its sort.
type tally struct {
	stratum string
	role    canary.Role
}

// count counts a token or a placebo; that of an item which was used before has been
// counted then.
func (g *registration) count(role canary.Role, kind canary.Kind, text string, index int64) {
	if g.tallies == nil {
		g.tallies, g.strata = map[tally]map[int64]bool{}, map[string]string{}
	}
	sort := string(kind)
	switch kind {
	case canary.Ticket: // all of them are one
	case canary.Email:
		_, domain, _ := token.SplitEmail(text)
		sort = domain
	case canary.Phone:
		sort = block(text)
	}
	stratum, ok := g.strata[sort]
	if !ok {
		stratum = g.r.Stratum(kind, text)
		g.strata[sort] = stratum
	}
	t := tally{stratum, role}
	if g.tallies[t] == nil {
		g.tallies[t] = map[int64]bool{}
	}
	g.tallies[t][index] = true
}

// writeTallies adds what was counted. All who register at once take the rows in
// the same order.
func (g *registration) writeTallies(ctx context.Context, tx *sql.Tx) error {
	hour := micros(g.r.now().Truncate(time.Hour))
	for _, t := range slices.SortedFunc(maps.Keys(g.tallies), func(a, b tally) int {
		return cmp.Or(cmp.Compare(a.stratum, b.stratum), cmp.Compare(a.role, b.role))
	}) {
		n := 0
		for index := range g.tallies[t] {
			if t.role == canary.RolePlacebo || !g.known[index] {
				n++
			}
		}
		if n == 0 {
			continue
		}
		err := one(tx.ExecContext(ctx, "UPDATE exposures SET tokens = tokens + ? WHERE stratum = ? AND role = ? AND registered = ?", n, t.stratum, t.role, hour))
		if errors.Is(err, ErrNotFound) {
			_, err = tx.ExecContext(ctx, "INSERT INTO exposures (stratum, role, registered, tokens) VALUES (?,?,?,?)", t.stratum, t.role, hour, n)
		}
		if err != nil {
			return fmt.Errorf("count what is registered: %w", err)
		}
	}
	return nil
}

// Exposure returns what is known of a cell at a moment: the tokens and placebos
// that were registered by then, for how long the placebos had been heard, and how
// many sources had reached one.
func (r *Registry) Exposure(ctx context.Context, cell canary.Cell, at time.Time) (canary.Exposure, error) {
	x, err := r.exposure(ctx, cell, at)
	if err != nil {
		return x, fmt.Errorf("registry: placebos of %s: %w", cell.Channel, err)
	}
	return x, nil
}

func (r *Registry) exposure(ctx context.Context, cell canary.Cell, at time.Time) (x canary.Exposure, err error) {
	err = r.each(ctx, "SELECT role, registered, tokens FROM exposures WHERE stratum = ? AND registered <= ?", []any{cell.Stratum, micros(at)}, func(row *sql.Rows) error {
		var role canary.Role
		var registered int64
		var n int
		if err := row.Scan(&role, &registered, &n); err != nil {
			return err
		}
		if role == canary.RolePlanted {
			x.Planted += n
			return nil
		}
		heard := at.Sub(fromMicros(registered))
		x.Placebos += n
		x.PastYears += float64(n) * years(min(heard, pastHits))
		x.RecentYears += float64(n) * years(min(heard, recentHits))
		return nil
	})
	if err == nil {
		err = r.db.QueryRowContext(ctx, "SELECT COALESCE(SUM(tokens), 0) FROM exposures WHERE role = ? AND registered <= ?", canary.RolePlanted, micros(at)).Scan(&x.Total)
	}
	for _, c := range []struct {
		into *int
		back time.Duration
	}{{&x.PastHits, pastHits}, {&x.RecentHits, recentHits}} {
		if err == nil {
			err = r.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM hits WHERE stratum = ? AND channel = ? AND role = ? AND counts = 1 AND heard >= ? AND heard <= ?",
				cell.Stratum, cell.Channel, canary.RolePlacebo, micros(at.Add(-c.back)), micros(at)).Scan(c.into)
		}
	}
	return x, err
}

func years(d time.Duration) float64 { return d.Hours() / (365.25 * 24) }

// PagesSince counts the pages about incidents that were written since a time,
// without those of drills: of P1 and P2, and the others.
func (r *Registry) PagesSince(ctx context.Context, since time.Time) (urgent, note int, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT COALESCE(SUM(CASE WHEN p.severity <= 2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN p.severity > 2 THEN 1 ELSE 0 END), 0)"+
		" FROM pages p JOIN incidents i ON i.id = p.incident WHERE p.written >= ? AND i.place NOT LIKE 'drill:%'", micros(since)).Scan(&urgent, &note)
	if err != nil {
		err = fmt.Errorf("registry: count pages: %w", err)
	}
	return urgent, note, err
}
