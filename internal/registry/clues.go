package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// mostAlike bounds how many contacts are compared with one.
const mostAlike = 500

// BlindClue is the blind index of a trait's text.
func (r *Registry) BlindClue(trait canary.Trait, text string) int64 {
	return r.vault.Index("clue "+string(trait), text)
}

// Alike returns the contacts of [from, until] that have one of the clues, those of
// incidents and then reports, the newest first, each once for each trait and
// incident. Those of incidents that were found to be no leak are left out.
func (r *Registry) Alike(ctx context.Context, clues []int64, from, until time.Time) ([]canary.Alike, error) {
	if len(clues) == 0 {
		return nil, nil
	}
	list, err := r.sharing(ctx, clues, from, until)
	if err == nil && len(list) > 0 {
		list, err = r.ofLeaks(ctx, list)
	}
	if err == nil {
		err = r.joinedReports(ctx, list)
	}
	if err != nil {
		return nil, fmt.Errorf("registry: contacts that are alike: %w", err)
	}
	slices.SortFunc(list, func(a, b canary.Alike) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Contact, b.Contact), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Trait, b.Trait))
	})
	// Each for itself: many of the one sort hide none of the other.
	var told, reports []canary.Alike
	for _, a := range list {
		switch {
		case a.Incident == "" && len(reports) < mostAlike:
			reports = append(reports, a)
		case a.Incident != "" && len(told) < mostAlike:
			told = append(told, a)
		}
	}
	return append(told, reports...), nil
}

// sharing gives the contacts that have one of some clues, with how many of each trait.
func (r *Registry) sharing(ctx context.Context, clues []int64, from, until time.Time) ([]canary.Alike, error) {
	args := make([]any, 0, len(clues)+2)
	for _, b := range clues {
		args = append(args, b)
	}
	args = append(args, micros(from), micros(until))
	type of struct {
		contact  canary.ContactID
		incident canary.IncidentID
		trait    canary.Trait
	}
	var list []canary.Alike
	at := map[of]int{}
	err := r.each(ctx, "SELECT blind, trait, contact, incident, origin, heard FROM clues WHERE blind IN ("+marks(len(clues))+") AND heard >= ? AND heard <= ?", args, func(row *sql.Rows) error {
		a := canary.Alike{Common: 1}
		var heard int64
		if err := row.Scan(&a.Blind, &a.Trait, &a.Contact, &a.Incident, &a.Origin, &heard); err != nil {
			return err
		}
		a.At = fromMicros(heard)
		key := of{a.Contact, a.Incident, a.Trait}
		if i, known := at[key]; known {
			list[i].Common++
			list[i].Blind = min(list[i].Blind, a.Blind)
			return nil
		}
		at[key] = len(list)
		list = append(list, a)
		return nil
	})
	return list, err
}

// ofLeaks leaves out the contacts of incidents that were found to be no leak, and
// gives those of merged ones to the survivor.
func (r *Registry) ofLeaks(ctx context.Context, list []canary.Alike) ([]canary.Alike, error) {
	to := map[canary.IncidentID]canary.IncidentID{"": ""}
	var ids []canary.IncidentID
	for _, a := range list {
		if _, known := to[a.Incident]; !known {
			to[a.Incident] = ""
			ids = append(ids, a.Incident)
		}
	}
	err := selectIn(ctx, r.db, "SELECT id, verdict, merged FROM incidents WHERE id IN", ids, func(row *sql.Rows) error {
		var id, merged canary.IncidentID
		var v canary.Verdict
		err := row.Scan(&id, &v, &merged)
		if v == "" || v == canary.Leak {
			to[id] = cmp.Or(merged, id)
		}
		return err
	})
	kept := list[:0]
	for _, a := range list {
		if a.Incident == "" || to[a.Incident] != "" {
			a.Incident = to[a.Incident]
			kept = append(kept, a)
		}
	}
	return kept, err
}

// joinedReports tells of reports which incident of reports they were joined to.
func (r *Registry) joinedReports(ctx context.Context, list []canary.Alike) error {
	of := map[canary.ContactID][]*canary.Alike{}
	for i, a := range list {
		if a.Incident == "" {
			of[a.Contact] = append(of[a.Contact], &list[i])
		}
	}
	const query = "SELECT s.contact, i.id, i.merged, i.verdict FROM supports s JOIN incidents i ON i.id = s.incident WHERE i.place LIKE 'report:%' AND s.contact IN"
	return selectIn(ctx, r.db, query, slices.Sorted(maps.Keys(of)), func(row *sql.Rows) error {
		var contact canary.ContactID
		var id, merged canary.IncidentID
		var v canary.Verdict
		err := row.Scan(&contact, &id, &merged, &v)
		for _, a := range of[contact] {
			switch v {
			case "":
				a.Joined = cmp.Or(merged, id)
			case canary.Noise, canary.Own, canary.Drill:
				a.Judged = true
			case canary.Leak:
			}
		}
		return err
	})
}

// Of one clue so many contacts are kept within 72 hours. What more of them have tells
// the same: a mailing, or somebody who calls everybody. The work of comparing then
// stays the same however many come.
const (
	mostOfWords = 8 // each text has many runs of words
	mostOfClue  = 100
	mostReports = 200 // that have one, beside
)

// saveClues keeps what contacts are known by, in place of what was known before.
func saveClues(ctx context.Context, tx *sql.Tx, list []canary.Clue) error {
	type of struct {
		contact  canary.ContactID
		incident canary.IncidentID
	}
	groups := map[of][]canary.Clue{}
	var order []of
	for _, c := range list {
		key := of{c.Contact, c.Incident}
		if groups[key] == nil {
			order = append(order, key)
		}
		if !slices.ContainsFunc(groups[key], func(old canary.Clue) bool { return old.Blind == c.Blind }) {
			groups[key] = append(groups[key], c)
		}
	}
	for _, key := range order {
		if _, err := tx.ExecContext(ctx, "DELETE FROM clues WHERE contact = ? AND incident = ?", key.contact, key.incident); err != nil {
			return fmt.Errorf("registry: clues of %s: %w", key.contact, err)
		}
		if err := keepClues(ctx, tx, groups[key]); err != nil {
			return fmt.Errorf("registry: clues of %s: %w", key.contact, err)
		}
	}
	return nil
}

// keepClues keeps the clues of one contact that not too many others have.
func keepClues(ctx context.Context, tx *sql.Tx, list []canary.Clue) error {
	have := map[int64]int{}
	args := make([]any, 0, len(list)+2)
	for _, c := range list {
		args = append(args, c.Blind)
	}
	args = append(args, micros(list[0].At.Add(-canary.RecentPast)), micros(list[0].At.Add(canary.RecentPast)))
	query := "SELECT blind FROM clues WHERE blind IN (" + marks(len(list)) + ") AND heard >= ? AND heard <= ? AND incident <> ''"
	if list[0].Incident == "" {
		query = strings.Replace(query, "<>", "=", 1)
	}
	err := eachOf(ctx, tx, query, args, func(row *sql.Rows) error {
		var b int64
		err := row.Scan(&b)
		have[b]++
		return err
	})
	if err != nil {
		return err
	}
	var rows []any
	for _, c := range list {
		most := mostOfClue
		switch {
		case c.Incident == "":
			most = mostReports
		case c.Trait == canary.SameWords:
			most = mostOfWords
		}
		if have[c.Blind] < most {
			rows = append(rows, c.Blind, c.Contact, c.Incident, c.Trait, c.Origin, micros(c.At))
		}
	}
	return insertRows(ctx, tx, "clues (blind, contact, incident, trait, origin, heard)", 6, rows)
}

// JoinedTo returns the contacts that were joined to an incident by what they have in
// common with it (reports of people, and what its author sent elsewhere), the newest
// first, at most limit.
func (r *Registry) JoinedTo(ctx context.Context, id canary.IncidentID, limit int) ([]canary.Joined, error) {
	var list []canary.Joined
	err := r.each(ctx, "SELECT s.contact, c.channel, c.heard, s.why FROM supports s JOIN contacts c ON c.id = s.contact WHERE s.incident = ? AND s.why <> '' ORDER BY c.heard DESC, c.id LIMIT ?",
		[]any{id, limit}, func(row *sql.Rows) error {
			var j canary.Joined
			var at int64
			err := row.Scan(&j.Contact, &j.Channel, &at, &j.Why)
			j.At = fromMicros(at)
			list = append(list, j)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("registry: what joined %s: %w", id, err)
	}
	return list, nil
}
