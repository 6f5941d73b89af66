package incident_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
	"saltmine/internal/spool"
)

var errLine = errors.New("the line broke")

// badLine gives one record, and breaks before the next.
type badLine struct {
	*spool.Spool
	broken bool
	breaks int
}

func (b *badLine) Read(ctx context.Context, from spool.Cursor, _ int) ([]spool.Record, error) {
	if b.broken = !b.broken; b.broken {
		return b.Spool.Read(ctx, from, 1)
	}
	b.breaks++
	return nil, errLine
}

// TestALineThatBreaks: as long as each try brings something, the next is soon.
func TestALineThatBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 12 // with pauses that grow they would take most of a minute
	var list []canary.Contact
	for range n {
		list = append(list, w.mail("nobody@example.net"))
	}
	w.hear(list...)
	line := &badLine{Spool: w.spool}
	w.cfg.Source = line
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	intake := incident.New(w.cfg)
	done := make(chan error, 1)
	go func() { done <- intake.Run(ctx) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		counts, err := w.reg.ContactCounts(t.Context())
		must(t, err)
		if counts["smtp"] == n {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d are taken in after 15 s", counts["smtp"], n)
		case <-tick.C:
		}
	}
	cancel()
	if err := <-done; err != nil || line.breaks < n-1 {
		t.Errorf("%v, the line broke %d times", err, line.breaks)
	}
}
