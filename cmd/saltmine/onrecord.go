package main

import (
	"context"
	"errors"
	"time"

	"saltmine/internal/canary"
)

// recordLimit bounds how long a change waits to be put on the evidence log.
const recordLimit = 30 * time.Second

// onRecord puts what somebody changes in a support database on the evidence log:
// that it was begun, before anything is changed, and then what came of it. A dry run
// changes nothing. What was begun and has no outcome was cut off.
func (c *core) onRecord(ctx context.Context, what, about string, dryRun bool, do func() (outcome string, err error)) error {
	if dryRun {
		_, err := do()
		return err
	}
	by := here()
	act := canary.Act{Who: by.Who, Via: by.Via, What: what, About: about, Outcome: "begun"}
	if err := c.reg.Record(ctx, act); err != nil {
		return err
	}
	outcome, err := do()
	if err != nil {
		outcome = "failed"
	}
	act.Outcome = outcome
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit) // who breaks it off has changed something
	defer cancel()
	return errors.Join(err, c.reg.Record(ctx, act))
}
