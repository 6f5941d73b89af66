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
	if g.strata == nil {
		g.strata = map[string]string{}
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
	g.tally(tally{stratum, role}, index)
}

func (g *registration) tally(t tally, index int64) {
	if g.tallies == nil {
		g.tallies = map[tally]map[int64]bool{}
	}
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

// mostHeard is how many contacts on the placebos of a cell are told apart, the newest:
// a stranger can make any number, and so many already say that all is noise.
const mostHeard = 50_000

// Heard returns what is known of a cell, for its exposure at any moment from then
// on: the tokens and placebos, and the sources that reached one. What responders found
// to be noise counts with those, as long as they say so.
func (r *Registry) Heard(ctx context.Context, cell canary.Cell, from time.Time) (h canary.Heard, err error) {
	err = r.each(ctx, "SELECT role, registered, tokens FROM exposures WHERE stratum = ?", []any{cell.Stratum}, func(row *sql.Rows) error {
		var role canary.Role
		var reg canary.Registered
		var at int64
		err := row.Scan(&role, &at, &reg.Tokens)
		reg.At = fromMicros(at)
		if role == canary.RolePlanted {
			h.Planted = append(h.Planted, reg)
		} else {
			h.Placebos = append(h.Placebos, reg)
		}
		return err
	})
	if err == nil {
		since := micros(from.Add(-canary.LongPast))
		err = r.noises(ctx, &h, false, "SELECT heard, origin, token FROM hits WHERE stratum = ? AND channel = ? AND role = ? AND counts = 1 AND heard >= ? ORDER BY heard DESC LIMIT ?",
			cell.Stratum, cell.Channel, canary.RolePlacebo, since, mostHeard)
		if err == nil {
			err = r.noises(ctx, &h, true, "SELECT h.heard, h.origin, h.token FROM hits h JOIN incidents i ON i.id = h.incident WHERE h.stratum = ? AND h.channel = ? AND h.role = ? AND h.counts = 1 AND h.heard >= ? AND i.verdict = ? ORDER BY h.heard DESC LIMIT ?",
				cell.Stratum, cell.Channel, canary.RolePlanted, since, canary.Noise, mostHeard)
		}
	}
	if err != nil {
		return h, fmt.Errorf("registry: placebos of %s: %w", cell.Channel, err)
	}
	slices.SortStableFunc(h.Hits, func(a, b canary.Reach) int { return a.At.Compare(b.At) })
	return h, nil
}

// noises adds what a query gives of contacts of noise.
func (r *Registry) noises(ctx context.Context, h *canary.Heard, judged bool, query string, args ...any) error {
	return r.each(ctx, query, args, func(row *sql.Rows) error {
		var at int64
		var origin, token string
		err := row.Scan(&at, &origin, &token)
		h.Hits = append(h.Hits, canary.Reach{At: fromMicros(at), By: origin + " " + token, Judged: judged})
		return err
	})
}

// Pooled returns what is known of all cells of a channel and kind at a moment.
func (r *Registry) Pooled(ctx context.Context, channel canary.Channel, kind canary.Kind, at time.Time) (canary.Pooled, error) {
	p := canary.Pooled{}
	now, like := micros(at), string(kind)+"|%"
	// How long tokens have been heard, at most so many seconds: their sum over many
	// tokens would not fit in microseconds.
	heard := "SUM(tokens * (CASE WHEN registered < ? THEN ? ELSE (? - registered) / 1000000.0 END))"
	long, short := at.Add(-canary.LongPast), at.Add(-canary.RecentPast)
	err := r.each(ctx, "SELECT stratum, role, SUM(tokens), "+heard+", "+heard+" FROM exposures WHERE registered <= ? AND (stratum = ? OR stratum LIKE ?) GROUP BY stratum, role",
		[]any{micros(long), canary.LongPast.Seconds(), now, micros(short), canary.RecentPast.Seconds(), now, now, string(kind), like}, func(row *sql.Rows) error {
			var stratum string
			var role canary.Role
			var tokens int
			var past, recent float64
			err := row.Scan(&stratum, &role, &tokens, &past, &recent)
			s := p[stratum]
			if role == canary.RolePlanted {
				s.Planted = tokens
			} else {
				s.Placebos, s.PastYears, s.RecentYears = tokens, past/secondsOfYear, recent/secondsOfYear
			}
			p[stratum] = s
			return err
		})
	if err == nil {
		hits := "(SELECT COUNT(*) FROM hits h WHERE h.stratum = e.stratum AND h.channel = ? AND h.role = ? AND h.counts = 1 AND h.heard >= ? AND h.heard <= ?)"
		err = r.each(ctx, "SELECT e.stratum, "+hits+", "+hits+" FROM (SELECT DISTINCT stratum FROM exposures WHERE role = ? AND (stratum = ? OR stratum LIKE ?)) e",
			[]any{channel, canary.RolePlacebo, micros(long), now, channel, canary.RolePlacebo, micros(short), now, canary.RolePlacebo, string(kind), like}, func(row *sql.Rows) error {
				var stratum string
				var past, recent int
				err := row.Scan(&stratum, &past, &recent)
				if s, known := p[stratum]; known {
					s.PastHits, s.RecentHits = past, recent
					p[stratum] = s
				}
				return err
			})
	}
	if err != nil {
		return nil, fmt.Errorf("registry: placebos of all %ss: %w", kind, err)
	}
	return p, nil
}

const secondsOfYear = 365.25 * 24 * 3600

// Registered returns how many planted tokens were registered, and when.
func (r *Registry) Registered(ctx context.Context) (list []canary.Registered, err error) {
	err = r.each(ctx, "SELECT registered, SUM(tokens) FROM exposures WHERE role = ? AND stratum NOT LIKE '"+canary.VariantStratum+"%' GROUP BY registered", []any{canary.RolePlanted}, func(row *sql.Rows) error {
		var reg canary.Registered
		var at int64
		err := row.Scan(&at, &reg.Tokens)
		reg.At = fromMicros(at)
		list = append(list, reg)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: count planted tokens: %w", err)
	}
	return list, nil
}

// PagesSince counts the pages about incidents that were written since a time,
// without updates, those of drills and those that went to logs alone: of P1 and P2, and the others.
func (r *Registry) PagesSince(ctx context.Context, since time.Time) (urgent, note int, err error) {
	err = r.db.QueryRowContext(ctx, "SELECT COALESCE(SUM(CASE WHEN p.severity <= 2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN p.severity > 2 THEN 1 ELSE 0 END), 0)"+
		" FROM pages p JOIN incidents i ON i.id = p.incident WHERE p.written >= ? AND i.place NOT LIKE 'drill:%'"+
		" AND EXISTS (SELECT 1 FROM deliveries d WHERE d.page = p.id AND d.log = 0 AND d.kind = 'trigger')", micros(since)).Scan(&urgent, &note)
	if err != nil {
		err = fmt.Errorf("registry: count pages: %w", err)
	}
	return urgent, note, err
}
