package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
)

// DisarmResponses ends the rules that are not among those configured, and gives their
// names: what is due by them is not done, and one that is configured again is armed
// anew, so that it passes what came meanwhile.
func (r *Registry) DisarmResponses(ctx context.Context, configured []string) (gone []string, err error) {
	var rules []string
	if err := r.each(ctx, "SELECT rule FROM responders ORDER BY rule", nil, func(row *sql.Rows) error {
		var rule string
		err := row.Scan(&rule)
		rules = append(rules, rule)
		return err
	}); err != nil {
		return nil, fmt.Errorf("registry: responses: %w", err)
	}
	for _, rule := range rules {
		if slices.Contains(configured, rule) {
			continue
		}
		if err := r.disarm(ctx, rule); err != nil {
			return gone, fmt.Errorf("registry: disarm response %s: %w", rule, err)
		}
		gone = append(gone, rule)
	}
	return gone, nil
}

func (r *Registry) disarm(ctx context.Context, rule string) error {
	list, err := r.Responses(ctx, ResponseFilter{Rule: rule, States: []canary.ResponseState{canary.ResponseDue}})
	if err != nil && !errors.Is(err, ErrTampered) && !errors.Is(err, seal.ErrOpen) { // such a row is never begun
		return err
	}
	for i := range list {
		if err := r.DropResponse(ctx, list[i].ID, "its rule is not configured any more"); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	return r.inTx(ctx, func(tx *sql.Tx) error {
		err := one(tx.ExecContext(ctx, "DELETE FROM responders WHERE rule = ?", rule))
		if errors.Is(err, ErrNotFound) {
			return nil // another core did it
		}
		if err != nil {
			return err
		}
		return r.record(ctx, tx, canary.Act{Who: served().Who, Via: served().Via, What: canary.ActResponse, About: rule, Outcome: "disarmed: it is not configured any more"})
	})
}
