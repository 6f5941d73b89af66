package pagertest_test

import (
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
)

func TestBoxKeepsTheContract(t *testing.T) {
	t.Parallel()
	pagertest.TestOutbox(t, func(*testing.T) (pager.Outbox, pagertest.Seed) {
		b := &pagertest.Box{}
		return b, func(_ *testing.T, page canary.Page, at time.Time, routes ...string) { b.Write(page, at, routes...) }
	})
}
