package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
)

// mergedFault is why a delivery of a merged incident is not sent, and heldFault why
// one that was held back is not.
const (
	mergedFault = "merged into another incident"
	heldFault   = "merged into another incident while it was held back"
)

// standing is what a merge changes of the survivor.
type standing struct {
	Severity        canary.Severity
	Opened, Updated int64
	Reasons, Weight string
	place           canary.Place
	merged          canary.IncidentID
	verdict         canary.Verdict
}

// lockIncident reads an incident, which stays as it is until the end of the transaction.
func (r *Registry) lockIncident(ctx context.Context, tx *sql.Tx, id canary.IncidentID) (s standing, err error) {
	if s.verdict, err = r.lockVerdict(ctx, tx, id); err != nil {
		return s, fmt.Errorf("incident %s: %w", id, err)
	}
	return s, tx.QueryRowContext(ctx, "SELECT severity, opened, updated, reasons, weight, place, merged FROM incidents WHERE id = ?", id).
		Scan(&s.Severity, &s.Opened, &s.Updated, &s.Reasons, &s.Weight, &s.place, &s.merged)
}

// lockTwo locks two incidents, in the same order whoever does it.
func (r *Registry) lockTwo(ctx context.Context, tx *sql.Tx, a, b canary.IncidentID) (x, y standing, err error) {
	if a > b {
		y, x, err = r.lockTwo(ctx, tx, b, a)
		return x, y, err
	}
	if x, err = r.lockIncident(ctx, tx, a); err == nil {
		y, err = r.lockIncident(ctx, tx, b)
	}
	return x, y, err
}

// apart reports why an incident can be neither merged nor split.
func (s *standing) apart(id canary.IncidentID) error {
	_, drill := s.place.Drill()
	_, desk := s.place.Agent()
	switch {
	case s.verdict != "":
		return fmt.Errorf("%w: incident %s is closed: %s", canary.ErrInvalid, id, s.verdict)
	case s.merged != "":
		return fmt.Errorf("%w: incident %s is merged into %s", canary.ErrInvalid, id, s.merged)
	case drill || desk:
		return fmt.Errorf("%w: incident %s is no leak of a database: %s", canary.ErrInvalid, id, s.place)
	}
	return nil
}

// Merge puts the contacts of one incident to another, and everything that comes for
// its place. The survivor is as urgent as the more urgent of both, and is paged where
// it was not; who is at either is at it. The routes that were told of the other are
// told that it is closed, and what is on its way to them does not go out. [Registry.Split] takes it
// back. Merged again, nothing happens. The version is that of the one that goes.
func (r *Registry) Merge(ctx context.Context, into, from canary.IncidentID, by By) error {
	err := r.inTx(ctx, func(tx *sql.Tx) error {
		if into == from {
			return fmt.Errorf("%w: an incident with itself", canary.ErrInvalid)
		}
		a, b, err := r.lockTwo(ctx, tx, into, from)
		if err == nil {
			err = r.unchanged(ctx, tx, from, by.Version)
		}
		if err != nil || b.merged == into {
			return err
		}
		if err := errors.Join(a.apart(into), b.apart(from)); err != nil {
			return err
		}
		became, err := a.with(b)
		if err != nil {
			return err
		}
		if err := r.move(ctx, tx, into, from, &a, became); err != nil {
			return err
		}
		if err := r.follow(ctx, tx, into, from); err != nil {
			return err
		}
		return errors.Join(r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActMerge, About: string(into), Outcome: "took " + string(from)}),
			r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActMerge, About: string(from), Outcome: "into " + string(into)}))
	})
	if err != nil {
		return fmt.Errorf("registry: merge: %w", err)
	}
	return nil
}

// with is a survivor with what another has. How much both weigh together is
// worked out when the next contact comes: until then it is what the heavier does.
func (s *standing) with(o standing) (*standing, error) {
	out := *s
	out.Severity, out.Opened, out.Updated = min(s.Severity, o.Severity), min(s.Opened, o.Opened), max(s.Updated, o.Updated)
	var mine, theirs []string
	var w, v canary.Weight
	if err := errors.Join(json.Unmarshal([]byte(s.Reasons), &mine), json.Unmarshal([]byte(o.Reasons), &theirs), weightOf(s.Weight, &w), weightOf(o.Weight, &v)); err != nil {
		return nil, err
	}
	for _, why := range theirs {
		if !slices.Contains(mine, why) {
			mine = append(mine, why)
		}
	}
	slices.SortStableFunc(mine, func(a, b string) int { return cmp.Compare(a[:min(2, len(a))], b[:min(2, len(b))]) })
	if v.Factor > w.Factor {
		out.Weight = o.Weight
	}
	text, err := json.Marshal(mine)
	out.Reasons = string(text)
	return &out, err
}

func weightOf(text string, w *canary.Weight) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), w)
}

// move moves hits and supporting contacts, and remembers which.
func (r *Registry) move(ctx context.Context, tx *sql.Tx, into, from canary.IncidentID, was, became *standing) error {
	before, err := json.Marshal(was)
	if err != nil {
		return err
	}
	after, err := json.Marshal(became)
	if err != nil {
		return err
	}
	return runAll(ctx, tx, append([]statement{
		{"INSERT INTO merges (merged, survivor, made, was, became) VALUES (?,?,?,?,?)", []any{from, into, micros(r.now()), string(before), string(after)}},
		{"INSERT INTO moves (merged, contact, token) SELECT incident, contact, token FROM hits WHERE incident = ?", []any{from}},
		{"INSERT INTO moves (merged, contact, token) SELECT s.incident, s.contact, '' FROM supports s WHERE s.incident = ? AND NOT EXISTS (SELECT 1 FROM supports o WHERE o.incident = ? AND o.contact = s.contact)", []any{from, into}},
		{"UPDATE hits SET incident = ? WHERE incident = ?", []any{into, from}},
		{"UPDATE supports SET incident = ? WHERE incident = ? AND contact IN (SELECT contact FROM moves WHERE merged = ? AND token = '')", []any{into, from, from}},
		{"UPDATE incidents SET merged = ? WHERE merged = ? OR id = ?", []any{into, from, from}},
		{"UPDATE incidents SET severity = ?, opened = ?, updated = ?, reasons = ?, weight = ?, held = 1 WHERE id = ?",
			[]any{int(became.Severity), became.Opened, became.Updated, became.Reasons, became.Weight, into}},
	}, sums(into, from)...))
}

// statement is one step of a transaction.
type statement struct {
	query string
	args  []any
}

func runAll(ctx context.Context, tx *sql.Tx, list []statement) error {
	for _, s := range list {
		if _, err := tx.ExecContext(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// follow has pages and acknowledgements follow the survivor.
func (r *Registry) follow(ctx context.Context, tx *sql.Tx, into, from canary.IncidentID) error {
	err := runAll(ctx, tx, []statement{
		{"UPDATE deliveries SET state = ?, fault = ? WHERE about = ? AND state = ?", []any{skipped, mergedFault, from, due}},
		{"UPDATE deliveries SET state = ?, fault = ? WHERE about = ? AND state = ?", []any{skipped, heldFault, from, held}},
	})
	if err != nil {
		return err
	}
	if err := r.resolve(ctx, tx, from); err != nil {
		return err
	}
	ack, err := ackOf(ctx, tx, string(from))
	if err == nil {
		_, err = r.saveAck(ctx, tx, string(into), *ack)
	}
	if errors.Is(err, ErrNotFound) {
		return nil // nobody is at it
	}
	return err
}

// Split takes back a merge, when it is given no contacts: what was moved goes back,
// and the survivor is what it was, unless something has come since. With contacts,
// these make an incident of their own, as urgent as the one that they leave; whoever
// splits is at it. It returns the incident that stands by itself now. Split again,
// nothing happens.
func (r *Registry) Split(ctx context.Context, id canary.IncidentID, contacts []canary.ContactID, by By) (out canary.IncidentID, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.unchanged(ctx, tx, id, by.Version); err != nil {
			return err
		}
		if len(contacts) == 0 {
			out = id
			return r.unmerge(ctx, tx, id, by)
		}
		var err error
		out, err = r.splitOff(ctx, tx, id, contacts, by)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("registry: split %s: %w", id, err)
	}
	return out, nil
}

func (r *Registry) unmerge(ctx context.Context, tx *sql.Tx, id canary.IncidentID, by By) error {
	s, err := r.lockIncident(ctx, tx, id)
	if err != nil || s.merged == "" {
		return err
	}
	from := s.merged
	last, err := r.lockIncident(ctx, tx, from)
	if err != nil {
		return err
	}
	if last.verdict != "" {
		return last.apart(from)
	}
	var before, after string
	var made int64
	if err := tx.QueryRowContext(ctx, "SELECT was, became, made FROM merges WHERE merged = ?", id).Scan(&before, &after, &made); err != nil {
		return err
	}
	list := []statement{
		{"UPDATE hits SET incident = ? WHERE incident = ? AND EXISTS (SELECT 1 FROM moves m WHERE m.merged = ? AND m.contact = hits.contact AND m.token = hits.token)", []any{id, from, id}},
		{"UPDATE supports SET incident = ? WHERE incident = ? AND contact IN (SELECT contact FROM moves WHERE merged = ? AND token = '')", []any{id, from, id}},
		{"UPDATE incidents SET merged = ? WHERE merged = ? AND id IN (SELECT merged FROM merges WHERE survivor = ?)", []any{id, from, id}},
		{"UPDATE incidents SET merged = '', held = 1 WHERE id = ?", []any{id}},
		{"DELETE FROM moves WHERE merged = ?", []any{id}},
		{"DELETE FROM merges WHERE merged = ?", []any{id}},
		{"UPDATE deliveries SET state = ?, next_try = ?, fault = '' WHERE about = ? AND state = ? AND fault = ?", []any{due, micros(r.now()), id, skipped, mergedFault}},
		// What was held back waits on from where it was: nobody had that time.
		{"UPDATE deliveries SET state = ?, next_try = next_try + ?, fallback = fallback + ?, fault = '' WHERE about = ? AND state = ? AND fault = ?",
			[]any{held, max(0, micros(r.now())-made), max(0, micros(r.now())-made), id, skipped, heldFault}},
	}
	now, err := json.Marshal(&last)
	if err != nil {
		return err
	}
	if string(now) == after {
		var was standing
		if err := json.Unmarshal([]byte(before), &was); err != nil {
			return err
		}
		list = append(list, statement{"UPDATE incidents SET severity = ?, opened = ?, updated = ?, reasons = ?, weight = ? WHERE id = ?",
			[]any{int(was.Severity), was.Opened, was.Updated, was.Reasons, was.Weight, from}})
	}
	if err := runAll(ctx, tx, append(list, sums(id, from)...)); err != nil {
		return err
	}
	return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActSplit, About: string(id), Outcome: "out of " + string(from)})
}

// splitOff moves contacts to an incident whose id follows from them, so that it is
// made once.
func (r *Registry) splitOff(ctx context.Context, tx *sql.Tx, id canary.IncidentID, contacts []canary.ContactID, by By) (canary.IncidentID, error) {
	contacts = slices.Compact(slices.Sorted(slices.Values(contacts)))
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", id, contacts))
	out := canary.IncidentID("i_" + hex.EncodeToString(sum[:8]))
	s, err := r.lockIncident(ctx, tx, id)
	if err != nil {
		return out, err
	}
	args := make([]any, 0, len(contacts)+1)
	args = append(args, id)
	for _, c := range contacts {
		args = append(args, c)
	}
	in := " AND contact IN (" + marks(len(contacts)) + ")"
	var all, named int
	var first, last sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(DISTINCT contact) FROM hits WHERE incident = ?", id).Scan(&all); err != nil {
		return out, err
	}
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(DISTINCT contact), MIN(heard), MAX(heard) FROM hits WHERE incident = ?"+in, args...).Scan(&named, &first, &last); err != nil {
		return out, err
	}
	if named == 0 {
		_, err := r.lockVerdict(ctx, tx, out)
		return out, err // it was split before, or there is no such contact
	}
	if err := s.apart(id); err != nil {
		return out, err
	}
	if named < len(contacts) || named == all {
		return out, fmt.Errorf("%w: %d of the %d contacts reached a token in it, and it has %d: some must stay", canary.ErrInvalid, named, len(contacts), all)
	}
	why, err := json.Marshal([]string{s.Severity.String() + ": it was split from " + string(id) + " by hand, and is as urgent as that was"})
	if err != nil {
		return out, err
	}
	to := append([]any{out}, args...)
	err = runAll(ctx, tx, append([]statement{
		{"INSERT INTO incidents (id, place, severity, verdict, opened, updated, reasons, weight, held) VALUES (?,?,?,'',?,?,?,'',1)",
			[]any{out, s.place, int(s.Severity), first.Int64, last.Int64, string(why)}},
		{"UPDATE hits SET incident = ? WHERE incident = ?" + in, to},
	}, sums(id, out)...))
	if err != nil {
		return out, err
	}
	if _, err := r.saveAck(ctx, tx, string(out), Ack{Severity: s.Severity, At: r.now(), Who: by.Who, Via: by.Via}); err != nil {
		return out, err
	}
	return out, r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActSplit, About: string(out), Outcome: "out of " + string(id)})
}
