package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// A request for a second person's approval is bound to who asked and to what
// exactly: the blind index of all of it finds it again, and no other words do.
// Each step is an act with the request's id. A row is sealed, so that whoever can
// write to the database and has not the keys can approve nothing; and it is used
// only when the evidence log says once that it was approved, by the same person,
// and never that it was used or refused, so that an older row put back is no approval either.

// Why a request is not decided, or not used.
var (
	// ErrOwnRequest is returned to whoever would approve what they asked for.
	ErrOwnRequest = errors.New("nobody approves their own request")
	// ErrNotYours is returned to whoever would take back what another one asked for.
	ErrNotYours = errors.New("somebody else asked for it")
	// ErrDecided is returned when a request has been decided, used or has ended.
	ErrDecided = errors.New("the request is not open: it has been decided, used, or its time is over")
	// ErrNotApproved is returned when something is done under an approval that is
	// not there, or not any more.
	ErrNotApproved = errors.New("no second person has approved this")
)

func approvalField(id canary.ApprovalID) string { return "approvals|" + string(id) }

// blindApproval is the index of a request.
func (r *Registry) blindApproval(who, what string, args []string) (string, error) {
	text, err := json.Marshal([]any{who, what, args})
	return r.vault.Blind("approval", string(text)), err
}

func (r *Registry) scanApproval(row scanner) (a canary.Approval, err error) {
	var id canary.ApprovalID
	var state canary.ApprovalState
	var sealed []byte
	if err := row.Scan(&id, &state, &sealed); err != nil {
		return a, err
	}
	body, err := r.vault.Open(approvalField(id), sealed)
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err == nil && (a.ID != id || a.State != state) {
		err = ErrTampered
	}
	if err != nil {
		return a, fmt.Errorf("approval %s: %w", id, err)
	}
	return a, nil
}

// ApprovalOf finds the newest request of somebody for something that is open.
func (r *Registry) ApprovalOf(ctx context.Context, who, what string, args []string) (a canary.Approval, found bool, err error) {
	blind, err := r.blindApproval(who, what, args)
	if err == nil {
		a, err = r.scanApproval(r.db.QueryRowContext(ctx, "SELECT id, state, sealed FROM approvals WHERE blind = ? AND ends > ? AND state IN (?,?) ORDER BY asked DESC, id LIMIT 1",
			blind, micros(r.now()), canary.ApprovalAsked, canary.ApprovalGiven))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return canary.Approval{}, false, nil
	}
	if err != nil {
		return canary.Approval{}, false, fmt.Errorf("registry: %w", err)
	}
	return a, true, nil
}

// Ask registers a request, or gives the one that is open for the same.
func (r *Registry) Ask(ctx context.Context, by By, what string, args []string, valid time.Duration) (canary.Approval, error) {
	a, found, err := r.ApprovalOf(ctx, by.Who, what, args)
	if found || err != nil {
		return a, err
	}
	if args == nil {
		args = []string{}
	}
	now := canary.Micro(r.now())
	a = canary.Approval{ID: canary.ApprovalID(canary.NewID("a")), State: canary.ApprovalAsked, Who: by.Who, Via: by.Via, What: what, Args: args, Asked: now, Until: now.Add(valid)}
	blind, err := r.blindApproval(by.Who, what, args)
	if err != nil {
		return a, fmt.Errorf("registry: approval: %w", err)
	}
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		sealed, err := r.sealApproval(&a)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO approvals (id, blind, state, asked, ends, sealed) VALUES (?,?,?,?,?,?)",
			a.ID, blind, a.State, micros(a.Asked), micros(a.Until), sealed); err != nil {
			return err
		}
		return r.recordApproval(ctx, tx, by, a.ID, "asked "+blind[:16]+" "+what) // keyed: the log gives away no argument
	})
	if err != nil {
		return a, fmt.Errorf("registry: approval: %w", err)
	}
	return a, nil
}

func (r *Registry) sealApproval(a *canary.Approval) ([]byte, error) {
	body, err := json.Marshal(a)
	return r.vault.Seal(approvalField(a.ID), body), err
}

func (r *Registry) recordApproval(ctx context.Context, tx *sql.Tx, by By, id canary.ApprovalID, outcome string) error {
	return r.record(ctx, tx, canary.Act{Who: by.Who, Via: by.Via, What: canary.ActApproval, About: string(id), Outcome: outcome})
}

// Approval returns a request; [ErrNotFound] when there is none.
func (r *Registry) Approval(ctx context.Context, id canary.ApprovalID) (canary.Approval, error) {
	a, err := r.scanApproval(r.db.QueryRowContext(ctx, "SELECT id, state, sealed FROM approvals WHERE id = ?", id))
	if err != nil {
		return a, fmt.Errorf("registry: approval %s: %w", id, notFound(err))
	}
	return a, nil
}

// Decide approves or refuses a request. Who asked for it can only take it back:
// [ErrOwnRequest]. One that was approved can be refused until it is used. One that is
// not open any more is [ErrDecided].
func (r *Registry) Decide(ctx context.Context, id canary.ApprovalID, approve bool, by By) (canary.Approval, error) {
	return r.settle(ctx, id, by, func(a *canary.Approval) (canary.ApprovalState, error) {
		switch {
		case !approve:
			return canary.ApprovalRefused, nil
		case a.Who == by.Who:
			return "", ErrOwnRequest
		case a.State != canary.ApprovalAsked:
			return "", ErrDecided
		}
		return canary.ApprovalGiven, nil
	})
}

// RestoredApprovals is called on a registry that was put back: an approval that was given
// may have been used after it was copied, and is one no more. It counts them.
func (r *Registry) RestoredApprovals(ctx context.Context) (ended int, err error) {
	var ids []canary.ApprovalID
	err = r.each(ctx, "SELECT id FROM approvals WHERE state = ? AND ends > ? ORDER BY id", []any{canary.ApprovalGiven, micros(r.now())}, func(row *sql.Rows) error {
		var id canary.ApprovalID
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("registry: approvals: %w", err)
	}
	for _, id := range ids {
		if _, err := r.settle(ctx, id, By{Who: "-", Via: "cli"}, func(*canary.Approval) (canary.ApprovalState, error) {
			return canary.ApprovalRefused, nil
		}); err != nil {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// TakeBack ends a request that is open, for who asked for it; for others it is
// [ErrNotYours], whatever its state.
func (r *Registry) TakeBack(ctx context.Context, id canary.ApprovalID, by By) (canary.Approval, error) {
	return r.settle(ctx, id, by, func(a *canary.Approval) (canary.ApprovalState, error) {
		if a.Who != by.Who {
			return "", ErrNotYours
		}
		return canary.ApprovalRefused, nil
	})
}

// settle moves a request to the state that is chosen for it.
func (r *Registry) settle(ctx context.Context, id canary.ApprovalID, by By, choose func(*canary.Approval) (canary.ApprovalState, error)) (a canary.Approval, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) error {
		if a, err = r.lockApproval(ctx, tx, id); err != nil {
			return err
		}
		before := a.State
		state, err := choose(&a)
		switch {
		case err != nil:
			return err
		case !a.Open(r.now()):
			return ErrDecided
		}
		a.State, a.By, a.Decided = state, by.Who, canary.Micro(r.now())
		if err := r.moveApproval(ctx, tx, &a, before); err != nil {
			return err
		}
		return r.recordApproval(ctx, tx, by, id, string(a.State))
	})
	if err != nil {
		return a, fmt.Errorf("registry: approval %s: %w", id, err)
	}
	return a, nil
}

func (r *Registry) lockApproval(ctx context.Context, tx *sql.Tx, id canary.ApprovalID) (canary.Approval, error) {
	a, err := r.scanApproval(tx.QueryRowContext(ctx, r.locking("SELECT id, state, sealed FROM approvals WHERE id = ?"), id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return a, err
}

func (r *Registry) moveApproval(ctx context.Context, tx *sql.Tx, a *canary.Approval, from canary.ApprovalState) error {
	sealed, err := r.sealApproval(a)
	if err != nil {
		return err
	}
	return one(tx.ExecContext(ctx, "UPDATE approvals SET state = ?, sealed = ? WHERE id = ? AND state = ?", a.State, sealed, a.ID, from))
}

// underApproval uses up the approval under which somebody does something, where
// there is one, and gives the outcome that goes on the log.
func (r *Registry) underApproval(ctx context.Context, tx *sql.Tx, by By, outcome string) (string, error) {
	if by.Approval == "" {
		return outcome, nil
	}
	a, err := r.lockApproval(ctx, tx, by.Approval)
	if errors.Is(err, ErrNotFound) || err == nil && (a.State != canary.ApprovalGiven || a.Who != by.Who || !a.Open(r.now())) {
		return "", ErrNotApproved
	}
	if err == nil {
		err = r.approvedOnce(ctx, tx, &a)
	}
	if err != nil {
		return "", err
	}
	a.State, a.Used = canary.ApprovalUsed, canary.Micro(r.now())
	if err := r.moveApproval(ctx, tx, &a, canary.ApprovalGiven); err != nil {
		return "", err
	}
	return outcome + " under " + string(a.ID), r.recordApproval(ctx, tx, by, a.ID, string(canary.ApprovalUsed))
}

// approvedOnce holds a row against the evidence log.
func (r *Registry) approvedOnce(ctx context.Context, tx *sql.Tx, a *canary.Approval) error {
	var yes, over int
	err := tx.QueryRowContext(ctx, "SELECT COUNT(CASE WHEN outcome = ? AND who = ? THEN 1 END), COUNT(CASE WHEN outcome IN (?,?) THEN 1 END) FROM acts WHERE about = ? AND what = ?",
		string(canary.ApprovalGiven), a.By, string(canary.ApprovalUsed), string(canary.ApprovalRefused), string(a.ID), canary.ActApproval).Scan(&yes, &over)
	if err == nil && (yes != 1 || over != 0) {
		err = fmt.Errorf("%w: approval %s is not as the evidence log has it", ErrTampered, a.ID)
	}
	return err
}

// ApprovalFilter chooses requests. Zero fields choose all.
type ApprovalFilter struct {
	// Open chooses those that can still be approved, or used.
	Open bool
	Who  string // those of this person
	// After is the last that was seen: what comes behind it in the order.
	After canary.Approval
	Limit int // at most so many; 0 is no limit
}

func (f *ApprovalFilter) rest(now time.Time) (string, []any) {
	rest, args := " WHERE 1=1", []any(nil)
	add := func(condition string, values ...any) { rest, args = rest+" AND "+condition, append(args, values...) }
	if f.Open {
		add("ends > ? AND state IN (?,?)", micros(now), canary.ApprovalAsked, canary.ApprovalGiven)
	}
	if f.Who != "" { // a row says it sealed, the evidence log openly; in hexadecimal no database takes Ann for ann
		add("EXISTS (SELECT 1 FROM acts l WHERE l.about = approvals.id AND l.what = ? AND HEX(l.who) = ? AND l.outcome LIKE 'asked %')",
			canary.ActApproval, fmt.Sprintf("%X", short(f.Who, 200)))
	}
	if f.After.ID != "" {
		add("(asked < ? OR asked = ? AND id > ?)", micros(f.After.Asked), micros(f.After.Asked), f.After.ID)
	}
	rest += " ORDER BY asked DESC, id"
	if f.Limit > 0 {
		rest, args = rest+" LIMIT ?", append(args, f.Limit)
	}
	return rest, args
}

// Approvals returns requests, the newest first, those of one moment by their ids.
func (r *Registry) Approvals(ctx context.Context, f ApprovalFilter) ([]canary.Approval, error) {
	rest, args := f.rest(r.now())
	list := []canary.Approval{}
	err := r.each(ctx, "SELECT id, state, sealed FROM approvals"+rest, args, func(row *sql.Rows) error {
		a, err := r.scanApproval(row)
		if err == nil && f.Who != "" && a.Who != f.Who { // a log that was changed shows nobody's requests to another
			return fmt.Errorf("%w: approval %s is not as the evidence log has it", ErrTampered, a.ID)
		}
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: approvals: %w", err)
	}
	return list, nil
}
