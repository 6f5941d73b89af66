package watch

import (
	"fmt"
	"math"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
)

// album is how the canaries' rows stood at several looks.
type album struct {
	replayer *replay.Replayer
	rows     map[string][]replay.Row // versions by canary, table and key, the oldest first
	first    time.Time               // the first look was over
	looked   time.Time               // the last one began
	// forgotten is before when versions that had ended are not held.
	forgotten time.Time
	each      float64
	account   string
	canaries  int
	schema    replay.Schema
	list      []replay.Row // what the replayer was made of
}

// begin takes in all that ever stood: from then on, nothing that a statement may have
// seen is taken on trust.
func (a *album) begin(v *replay.Look) error {
	a.rows, a.forgotten = map[string][]replay.Row{}, time.Time{}
	for i := range v.Rows {
		key := keyOf(&v.Rows[i])
		a.rows[key] = append(a.rows[key], v.Rows[i])
	}
	a.looked, a.each, a.account, a.canaries = v.Before, v.Each, v.Account, len(v.Planted)
	return a.renew(v.Schema, time.Time{})
}

func keyOf(r *replay.Row) string { return string(r.Canary) + "\x00" + r.Table + "\x00" + r.Key }

// add takes in a look. Versions that ended before some time are forgotten.
func (a *album) add(v *replay.Look, forget time.Time) error {
	changed := a.replayer == nil
	if a.rows == nil {
		a.rows, a.first = map[string][]replay.Row{}, v.After
	}
	seen := map[string]bool{}
	for i := range v.Rows {
		row := v.Rows[i]
		key := keyOf(&row)
		seen[key] = true
		versions := a.rows[key]
		if n := len(versions); n > 0 && versions[n-1].Window.Until.IsZero() && same(versions[n-1].Values, row.Values) {
			continue
		}
		changed = true
		a.end(key, v)
		row.Window = canary.Window{From: canary.Between(a.looked, v.After)}
		if a.looked.IsZero() {
			row.Window.From = v.Planted[row.Canary]
			if !row.Window.From.Come() {
				row.Window.From = canary.Between(time.Unix(0, 0), v.After)
			}
		}
		a.rows[key] = append(a.rows[key], row)
	}
	for key, versions := range a.rows {
		if !seen[key] && versions[len(versions)-1].Window.Until.IsZero() {
			changed = true
			a.end(key, v)
		}
	}
	a.looked, a.each, a.account, a.canaries = v.Before, v.Each, v.Account, len(v.Planted)
	if !changed {
		return nil
	}
	return a.renew(v.Schema, forget)
}

// end closes what stood until somewhen between two looks.
func (a *album) end(key string, v *replay.Look) {
	versions := a.rows[key]
	if n := len(versions); n > 0 && versions[n-1].Window.Until.IsZero() {
		versions[n-1].Window.Until = canary.Between(a.looked, v.After)
	}
}

// renew makes a replayer of all versions.
func (a *album) renew(schema replay.Schema, forget time.Time) (err error) {
	if forget.After(a.forgotten) {
		a.forgotten = forget
	}
	var rows []replay.Row
	for key, versions := range a.rows {
		for len(versions) > 0 && versions[0].Window.Until.Come() && versions[0].Window.Until.Latest.Before(forget) {
			versions = versions[1:]
		}
		if len(versions) == 0 {
			delete(a.rows, key)
			continue
		}
		a.rows[key] = versions
		rows = append(rows, versions...)
	}
	a.schema, a.list = schema, rows
	if a.replayer == nil {
		a.replayer, err = replay.New(schema, rows)
	} else {
		a.replayer, err = a.replayer.Renew(schema, rows)
	}
	if err != nil {
		return fmt.Errorf("take in a look at the canaries: %w", err)
	}
	return nil
}

func same(a, b []*string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && *a[i] != *b[i] {
			return false
		}
	}
	return true
}

// sent says about how many rows a statement sent.
func (a *album) sent(read *canary.Read, s *replay.Statement, result *replay.Result) int64 {
	if s.Sent >= 0 {
		return s.Sent
	}
	if result.Limit > 0 {
		return result.Limit
	}
	return int64(math.Round(float64(len(read.Returned)) * a.each))
}

// share says how likely each possible canary was returned. A LIMIT of n gives n of
// the rows that fit, of which there are about as many as canaries that may be among
// them, times the customers to each.
func (a *album) share(read *canary.Read, s *replay.Statement, result *replay.Result) {
	if len(read.Possible) == 0 {
		return
	}
	rows := result.Limit
	if s.Sent >= 0 && (rows == 0 || s.Sent < rows) {
		rows = s.Sent
	}
	if rows == 0 {
		read.Guess = true
		return
	}
	read.Share = min(1, float64(rows)/(float64(len(read.Possible))*a.each))
}
