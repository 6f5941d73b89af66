package response

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// failsFor is how long looks go wrong before somebody is told.
const failsFor = 5 * time.Minute

// looked tells a person what has changed, and that looks go wrong where they have for
// some time.
func (k *Keeper) looked(ctx context.Context, err error) error {
	if ctx.Err() != nil && err != nil { // the program is ended
		return errors.Join(err, k.tell(ctx))
	}
	switch {
	case err == nil:
		k.failing = time.Time{}
	case k.failing.IsZero():
		k.failing = k.Now()
	}
	return errors.Join(err, k.tell(ctx))
}

// tell shows a person what waits for them and what went wrong, where that is not what was
// told last. What changes it may be another process: a person's yes or no.
func (k *Keeper) tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writes)
	defer cancel()
	open, err := k.Begin.In(ctx, k.Rule.Name, canary.ResponseWaiting, canary.ResponseFailed, canary.ResponseUnknown)
	failing := time.Time{}
	if !k.failing.IsZero() && k.Now().Sub(k.failing) >= failsFor {
		failing = k.failing
	}
	var all strings.Builder
	fmt.Fprintf(&all, "failing %t\n", !failing.IsZero())
	for i := range open {
		fmt.Fprintf(&all, "%s %s %d\n", open[i].ID, open[i].State, open[i].Attempts)
	}
	if all.String() == k.told {
		return err
	}
	told := k.Tell(ctx, k.Rule.Name, open, failing)
	if told == nil {
		k.told = all.String()
	}
	return errors.Join(err, told)
}
