package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// BeginResponse writes down that something is about to be done, with what it is given.
// When it returns without error the core may do it, and nobody else does. [ErrMoved]: it
// is not due any more.
func (r *Registry) BeginResponse(ctx context.Context, id canary.ResponseID, core string, facts json.RawMessage, within time.Duration) (canary.Response, error) {
	return r.moveResponse(ctx, id, served(), func(tx *sql.Tx, a *canary.Response) (string, error) {
		if a.State != canary.ResponseDue {
			return "", ErrMoved
		}
		if err := r.begunAsOften(ctx, tx, a); err != nil {
			return "", err
		}
		a.State, a.Core, a.Facts, a.Attempts = canary.ResponseBegun, core, facts, a.Attempts+1
		a.Begun, a.Outcome, a.Output, a.OutputBytes, a.Ended = canary.Micro(r.now()), "", "", 0, time.Time{}
		a.Ends = a.Begun.Add(within)
		return fmt.Sprintf("begun: %s about %s", a.Rule, a.Incident), nil
	})
}

// begunAsOften holds a row against the evidence log.
func (r *Registry) begunAsOften(ctx context.Context, tx *sql.Tx, a *canary.Response) error {
	var n int
	err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM acts WHERE about = ? AND what = ? AND outcome LIKE 'begun%'", string(a.ID), canary.ActResponse).Scan(&n)
	if err == nil && n != a.Attempts {
		err = fmt.Errorf("%w: response %s was begun %d times by the evidence log, %d times by its row", ErrTampered, a.ID, n, a.Attempts)
	}
	return err
}

// EndResponse writes down what came of what was begun: the state, the outcome and the
// output of end. [ErrMoved]: it was found to be unknown meanwhile.
func (r *Registry) EndResponse(ctx context.Context, id canary.ResponseID, end canary.Response) (canary.Response, error) {
	return r.moveResponse(ctx, id, served(), func(_ *sql.Tx, a *canary.Response) (string, error) {
		if a.State != canary.ResponseBegun {
			return "", ErrMoved
		}
		a.State, a.Outcome, a.Output, a.OutputBytes, a.Ended = end.State, short(end.Outcome, 200), end.Output, end.OutputBytes, canary.Micro(r.now())
		outcome := fmt.Sprintf("%s: %s", a.State, a.Outcome)
		if a.OutputBytes > 0 { // so that the output that is kept can be proved to be the one
			sum := sha256.Sum256([]byte(a.Output))
			outcome = short(outcome, 160) + " output " + hex.EncodeToString(sum[:8])
		}
		return outcome, nil
	})
}

// DecideResponse lets one that waits, failed or is unknown be done, or not; one that is
// due can be refused. One that is none of these is [ErrNotOpen].
func (r *Registry) DecideResponse(ctx context.Context, id canary.ResponseID, yes bool, by By) (canary.Response, error) {
	return r.moveResponse(ctx, id, by, func(tx *sql.Tx, a *canary.Response) (string, error) {
		if !a.Open() && (yes || a.State != canary.ResponseDue) {
			return "", ErrNotOpen
		}
		word := "confirmed"
		a.By, a.State = by.Who, canary.ResponseDue
		if !yes {
			word, a.State = "refused", canary.ResponseRefused
		}
		return r.underApproval(ctx, tx, by, word)
	})
}

// DropResponse does not do what is due, for a reason.
func (r *Registry) DropResponse(ctx context.Context, id canary.ResponseID, why string) error {
	_, err := r.moveResponse(ctx, id, served(), func(_ *sql.Tx, a *canary.Response) (string, error) {
		if a.State != canary.ResponseDue {
			return "", ErrMoved
		}
		a.State, a.Outcome = canary.ResponseRefused, why
		return "refused: " + why, nil
	})
	return err
}

// HoldResponse lets what is due wait for a person, unless one has said yes to it: its
// rule asks now, and did not when it was written down.
func (r *Registry) HoldResponse(ctx context.Context, id canary.ResponseID) error {
	_, err := r.moveResponse(ctx, id, served(), func(_ *sql.Tx, a *canary.Response) (string, error) {
		if a.State != canary.ResponseDue || a.By != "" {
			return "", ErrMoved
		}
		a.State = canary.ResponseWaiting
		return "waiting: the rule asks a person now", nil
	})
	return err
}

// RestoredResponses is called on a registry that was put back: nobody knows what was
// done after it was copied. What was due, begun, waited or failed is unknown, and the
// rules are armed anew, so that the incidents which stand are passed. It counts the rules.
func (r *Registry) RestoredResponses(ctx context.Context) (rules int, err error) {
	list, err := r.Responses(ctx, ResponseFilter{States: []canary.ResponseState{canary.ResponseDue, canary.ResponseBegun, canary.ResponseWaiting, canary.ResponseFailed}})
	if err != nil {
		return 0, err
	}
	for i := range list {
		if _, err := r.moveResponse(ctx, list[i].ID, By{Who: "-", Via: "cli"}, func(_ *sql.Tx, a *canary.Response) (string, error) {
			a.State, a.Outcome = canary.ResponseUnknown, "the registry was put back from a copy: whether it was done meanwhile is not known"
			return "unknown: " + a.Outcome, nil
		}); err != nil {
			return 0, err
		}
	}
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM responders").Scan(&rules); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM responders")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("registry: restored responses: %w", err)
	}
	return rules, nil
}

// moveResponse changes one, and puts that on the evidence log, or does neither.
func (r *Registry) moveResponse(ctx context.Context, id canary.ResponseID, by By, change func(*sql.Tx, *canary.Response) (string, error)) (a canary.Response, err error) {
	query := r.locking("SELECT id, state, sealed FROM responses WHERE id = ?")
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		if a, err = r.scanResponse(tx.QueryRowContext(ctx, query, id)); err != nil {
			return notFound(err)
		}
		before := a.State
		outcome, err := change(tx, &a)
		if err != nil {
			return err
		}
		sealed, err := r.sealResponse(&a)
		if err != nil {
			return err
		}
		err = one(tx.ExecContext(ctx, "UPDATE responses SET state = ?, begun = ?, ends = ?, sealed = ? WHERE id = ? AND state = ?",
			a.State, micros(a.Begun), micros(a.Ends), sealed, a.ID, before))
		if errors.Is(err, ErrNotFound) {
			err = ErrMoved
		}
		if err != nil {
			return err
		}
		return r.recordResponse(ctx, tx, by, &a, outcome)
	})
	if err != nil {
		return a, fmt.Errorf("registry: response %s: %w", id, err)
	}
	return a, nil
}
