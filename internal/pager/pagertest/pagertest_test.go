package pagertest_test

import (
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager/pagertest"
)

func TestBoxKeepsTheContract(t *testing.T) {
	t.Parallel()
	pagertest.TestOutbox(t, func(*testing.T) pagertest.Rig {
		b := &pagertest.Box{}
		now, urgency := time.Time{}, map[canary.IncidentID]canary.Severity{}
		return pagertest.Rig{
			Outbox: b,
			Write: func(_ *testing.T, page canary.Page, at time.Time, steps ...canary.Delivery) {
				now, urgency[page.Incident] = at, page.Severity
				b.WriteSteps(page, at, steps...)
			},
			Acknowledge: func(_ *testing.T, id canary.IncidentID) { b.Acknowledge(string(id), urgency[id]) },
			Close:       func(_ *testing.T, id canary.IncidentID, v canary.Verdict) { b.Close(id, v, now) },
		}
	})
}
