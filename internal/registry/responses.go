package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// What a rule does about an incident is one row, whose id follows from the two. It is
// written, and on the evidence log, before anything is done: what was begun and has no
// end was cut off, and is begun again only when a person says so. A row is sealed, and
// begun only when the log says as often as the row that it was: one that is made up, or
// put back as it was, is not begun. What a rule goes by, as the severity and the verdict
// of an incident, is not sealed: whoever writes to the database can make a rule that asks
// nobody answer to an incident, once.

// ErrNotOpen is returned for a response that cannot be decided as it stands.
var ErrNotOpen = errors.New("nothing is to be decided about it: it waits for nobody, or is done")

func responseField(id canary.ResponseID) string { return "responses|" + string(id) }

// ResponseID gives the id of what a rule does about an incident.
func (r *Registry) ResponseID(rule string, id canary.IncidentID) canary.ResponseID {
	return canary.ResponseID("r_" + r.vault.Blind("response", rule+"\n"+string(id))[:16])
}

// causes are the conditions of what responses answer to. A drill is no cause, nor is
// what somebody has found to be nothing.
func causes() map[string]string {
	const open = " AND i.verdict IN ('', 'leak')"
	return map[string]string{
		"verdict:leak": " AND i.verdict = 'leak'",
		"severity:P1":  " AND i.severity <= 1" + open,
		"severity:P2":  " AND i.severity <= 2" + open,
		"tripwire":     " AND i.place LIKE 'reader:%'" + open,
	}
}

// fresh chooses the incidents that a rule fits and about which nothing was done.
func fresh(rule, cause string) (where string, args []any, err error) {
	condition, known := causes()[cause]
	if !known {
		return "", nil, fmt.Errorf("response %s: %w: cause %q", rule, canary.ErrInvalid, cause)
	}
	return "WHERE i.merged = '' AND i.place NOT LIKE 'drill:%'" + condition + " AND NOT EXISTS (SELECT 1 FROM responses a WHERE a.rule = ? AND a.incident = i.id)", []any{rule}, nil
}

// ArmResponse begins a rule: incidents that it fits and that stand already are passed.
// So they are when it answers to something else than before.
func (r *Registry) ArmResponse(ctx context.Context, rule, cause string) error {
	where, args, err := fresh(rule, cause)
	if err != nil {
		return err
	}
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		var was string
		err := tx.QueryRowContext(ctx, "SELECT cause FROM responders WHERE rule = ?", rule).Scan(&was)
		switch {
		case err == nil && was == cause:
			return nil
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		}
		var ids []canary.IncidentID
		if err := eachOf(ctx, tx, "SELECT i.id FROM incidents i "+where, args, func(row *sql.Rows) error {
			var id canary.IncidentID
			err := row.Scan(&id)
			ids = append(ids, id)
			return err
		}); err != nil {
			return err
		}
		for _, id := range ids {
			if err := r.insertResponse(ctx, tx, &canary.Response{Rule: rule, Incident: id, State: canary.ResponsePassed}); err != nil {
				return err
			}
		}
		if was == "" {
			_, err = tx.ExecContext(ctx, "INSERT INTO responders (rule, cause, armed) VALUES (?,?,?)", rule, cause, micros(r.now()))
		} else {
			_, err = tx.ExecContext(ctx, "UPDATE responders SET cause = ?, armed = ? WHERE rule = ?", cause, micros(r.now()), rule)
		}
		if err != nil {
			return err
		}
		return r.record(ctx, tx, canary.Act{Who: "-", Via: "serve", What: canary.ActResponse, About: rule, Outcome: fmt.Sprintf("armed on %s, %d incidents passed", cause, len(ids))})
	})
	if err != nil {
		return fmt.Errorf("registry: arm response %s: %w", rule, err)
	}
	return nil
}

// Unanswered returns the incidents that a rule fits and about which nothing was done,
// the oldest first.
func (r *Registry) Unanswered(ctx context.Context, rule, cause string, limit int) ([]canary.Incident, error) {
	where, args, err := fresh(rule, cause)
	if err != nil {
		return nil, err
	}
	list, err := r.queryIncidents(ctx, where+" ORDER BY i.opened, i.id LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("registry: response %s: %w", rule, err)
	}
	return list, nil
}

func (r *Registry) insertResponse(ctx context.Context, tx *sql.Tx, a *canary.Response) error {
	a.ID, a.Raised = r.ResponseID(a.Rule, a.Incident), canary.Micro(r.now())
	sealed, err := r.sealResponse(a)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO responses (id, rule, incident, state, raised, begun, ends, sealed) VALUES (?,?,?,?,?,0,0,?)",
		a.ID, a.Rule, a.Incident, a.State, micros(a.Raised), sealed)
	return err
}

func (r *Registry) sealResponse(a *canary.Response) ([]byte, error) {
	body, err := json.Marshal(a)
	return r.vault.Seal(responseField(a.ID), body), err
}

func (r *Registry) recordResponse(ctx context.Context, tx *sql.Tx, by By, a *canary.Response, outcome string) error {
	return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActResponse, About: string(a.ID), Outcome: outcome})
}

// served is who does what nobody decided.
func served() By { return By{Who: "-", Via: "serve"} }

// AddResponse writes down what is to be done, due, waiting or dry. It is false when that
// was done already, by another core.
func (r *Registry) AddResponse(ctx context.Context, a canary.Response) (added bool, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM responses WHERE rule = ? AND incident = ?", a.Rule, a.Incident).Scan(&n); err != nil || n > 0 {
			added = false
			return err
		}
		added = true
		if err := r.insertResponse(ctx, tx, &a); err != nil {
			return err
		}
		return r.recordResponse(ctx, tx, served(), &a, fmt.Sprintf("%s: %s about %s", a.State, a.Rule, a.Incident))
	})
	if err != nil {
		return false, fmt.Errorf("registry: response %s to %s: %w", a.Rule, a.Incident, err)
	}
	return added, nil
}

func (r *Registry) scanResponse(row scanner) (a canary.Response, err error) {
	var id canary.ResponseID
	var state canary.ResponseState
	var sealed []byte
	if err := row.Scan(&id, &state, &sealed); err != nil {
		return a, err
	}
	body, err := r.vault.Open(responseField(id), sealed)
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err == nil && (a.ID != id || a.State != state) {
		err = ErrTampered
	}
	if err != nil {
		return a, fmt.Errorf("response %s: %w", id, err)
	}
	return a, nil
}

// ResponseFilter chooses responses. Zero fields choose all but those that were passed.
type ResponseFilter struct {
	Rule     string
	Incident canary.IncidentID
	States   []canary.ResponseState
	Limit    int // at most so many; 0 is no limit
}

// Responses returns responses, the newest first; with an error those that can be read.
func (r *Registry) Responses(ctx context.Context, f ResponseFilter) ([]canary.Response, error) {
	where, args := " WHERE state <> 'passed'", []any(nil)
	if f.Rule != "" {
		where, args = where+" AND rule = ?", append(args, f.Rule)
	}
	if f.Incident != "" {
		where, args = where+" AND incident = ?", append(args, f.Incident)
	}
	if len(f.States) > 0 {
		where += " AND state IN (?" + strings.Repeat(",?", len(f.States)-1) + ")"
		for _, s := range f.States {
			args = append(args, s)
		}
	}
	where += " ORDER BY raised DESC, id"
	if f.Limit > 0 {
		where, args = where+" LIMIT ?", append(args, f.Limit)
	}
	list := []canary.Response{}
	var faults []error
	err := r.each(ctx, "SELECT id, state, sealed FROM responses"+where, args, func(row *sql.Rows) error {
		a, err := r.scanResponse(row)
		if err != nil {
			faults = append(faults, err)
			return nil
		}
		list = append(list, a)
		return nil
	})
	if err = errors.Join(append(faults, err)...); err != nil {
		return list, fmt.Errorf("registry: responses: %w", err)
	}
	return list, nil
}

// Response returns one; [ErrNotFound] when there is none.
func (r *Registry) Response(ctx context.Context, id canary.ResponseID) (canary.Response, error) {
	a, err := r.scanResponse(r.db.QueryRowContext(ctx, "SELECT id, state, sealed FROM responses WHERE id = ?", id))
	if err != nil {
		return a, fmt.Errorf("registry: response %s: %w", id, notFound(err))
	}
	return a, nil
}

// ResponseCounts counts the responses by rule and state.
func (r *Registry) ResponseCounts(ctx context.Context) (map[[2]string]int, error) {
	out := map[[2]string]int{}
	err := r.each(ctx, "SELECT rule, state, COUNT(*) FROM responses WHERE state <> 'passed' GROUP BY rule, state", nil, func(row *sql.Rows) error {
		var key [2]string
		var n int
		err := row.Scan(&key[0], &key[1], &n)
		out[key] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: responses: %w", err)
	}
	return out, nil
}

// ResponseBegun is when a rule was begun last; zero when never.
func (r *Registry) ResponseBegun(ctx context.Context, rule string) (time.Time, error) {
	var at int64
	err := r.db.QueryRowContext(ctx, "SELECT COALESCE(MAX(begun), 0) FROM responses WHERE rule = ?", rule).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("registry: response %s: %w", rule, err)
	}
	return fromMicros(at), nil
}
