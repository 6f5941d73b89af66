package pager_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
)

// stuck is an outbox that can be read and whose steps cannot be written.
type stuck struct{ *pagertest.Box }

func (stuck) Escalate(context.Context, time.Time) ([]pager.Escalated, error) {
	return nil, errors.New("database is full")
}

// TestStepsThatCannotBeLetGoHoldUpNothing: what is due goes out all the same, and
// the fault is told.
func TestStepsThatCannotBeLetGoHoldUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, rcv := &pagertest.Box{}, newReceiver(yes)
		pages(box, 1, "hook")
		p := run(t, box, map[string]pager.Send{"hook": rcv.send}, func(c *pager.Config) { c.Outbox = stuck{box} })
		time.Sleep(time.Minute)
		p.stop(t)
		if len(rcv.at) != 1 || rcv.at[0] > time.Second || !strings.Contains(p.log.String(), "database is full") {
			t.Errorf("attempts at %v; log:\n%s", rcv.at, p.log)
		}
	})
}

// TestWhatOnlyAddsHoldsUpNoPage: finding out what else is known may break, or
// never end.
func TestWhatOnlyAddsHoldsUpNoPage(t *testing.T) {
	t.Parallel()
	for name, enrich := range map[string]func(chan struct{}, canary.Page) canary.Page{
		"breaks":     func(chan struct{}, canary.Page) canary.Page { panic("index out of range") },
		"never ends": func(end chan struct{}, p canary.Page) canary.Page { <-end; return p },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box, rcv, end := &pagertest.Box{}, newReceiver(yes), make(chan struct{})
				pages(box, 1, "hook")
				p := run(t, box, map[string]pager.Send{"hook": rcv.send}, func(c *pager.Config) {
					c.Enrich = func(_ context.Context, page canary.Page) canary.Page { return enrich(end, page) }
				})
				time.Sleep(time.Minute)
				p.stop(t)
				close(end)
				if len(rcv.at) != 1 || rcv.at[0] > time.Second {
					t.Errorf("attempts at %v; log:\n%s", rcv.at, p.log)
				}
			})
		})
	}
}
