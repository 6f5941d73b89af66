package watch_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
)

// behind is a world whose registry remembers the past: canary 3 had another address until
// five days ago, in which it changed.
func behind(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	changed := canary.At(w.now.AddDate(0, 0, -5))
	var rows []replay.Row
	for i, row := range w.view.Rows {
		row.Window = canary.Window{From: w.view.Planted[row.Canary]}
		if i == 3 {
			old, was := row, "old3@example.net"
			old.Values = []*string{row.Values[0], &was}
			old.Window.Until, row.Window.From = changed, changed
			rows = append(rows, old)
		}
		rows = append(rows, row)
	}
	w.past = func(context.Context) (replay.Look, error) {
		v := w.view
		v.Rows = rows
		v.Before, v.After = w.now, w.now.Add(time.Millisecond)
		return v, nil
	}
	return w
}

func (w *world) imports(anew bool) {
	w.t.Helper()
	m, err := watch.NewImport(w.t.Context(), watch.Config{
		Place: "db:main", Store: w.reg, Ignored: func(user, _ string) bool { return user == "backup" }, Past: w.past,
		Feed: replay.FeedConfig{Zone: time.UTC, Slack: time.Second, Longest: time.Hour}, Now: func() time.Time { return w.now }, Logger: slog.New(slog.DiscardHandler),
	}, anew)
	if err != nil {
		w.t.Fatal(err)
	}
	for len(w.log.list) > 0 {
		m.Add(&w.log.list[0])
		w.log.list = w.log.list[1:]
	}
	m.End()
	if err := m.Commit(w.t.Context(), canary.AuditLog{}); err != nil {
		w.t.Fatal(err)
	}
}

// filed are the reads that are kept, returned/possible.
func (w *world) filed() string {
	w.t.Helper()
	reads, err := w.reg.ReadsSince(w.t.Context(), "db:main", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, r := range reads {
		got = append(got, fmt.Sprintf("%d/%d", len(r.Returned), len(r.Possible)))
	}
	return strings.Join(got, " ")
}

// TestALogThatLags: of a log that is read days after it was written, the rows are those
// of then, as they are for a log that is imported; whatever was read before it.
func TestALogThatLags(t *testing.T) {
	t.Parallel()
	then := func(days int) func(*audit.Event) {
		return func(e *audit.Event) { e.At = e.At.AddDate(0, 0, -days) }
	}
	const byOld = "SELECT * FROM customers WHERE email = 'old3@example.net'"
	for name, c := range map[string]struct {
		before func(w *world, on *watch.Watch)
		want   string
	}{
		"its first run": {func(*world, *watch.Watch) {}, "40/0 1/0"},
		"after what was written now": {func(w *world, on *watch.Watch) {
			w.asks("eve", "SELECT 1")
			w.pass(on)
			w.now = w.now.Add(time.Minute)
			changed := "new7@example.net"
			w.view.Rows = append([]replay.Row(nil), w.view.Rows...)
			w.view.Rows[7].Values = []*string{w.view.Rows[7].Values[0], &changed}
			w.asks("eve", "SELECT 1") // a look that sees a change, by which what is old is forgotten
			w.pass(on)
		}, "40/0 1/0"},
		"the rows of another time": {func(w *world, on *watch.Watch) {
			w.asks("eve", "SELECT 1")
			w.pass(on)
			w.now = w.now.Add(time.Minute)
			changed := "new7@example.net"
			w.view.Rows = append([]replay.Row(nil), w.view.Rows...)
			w.view.Rows[7].Values = []*string{w.view.Rows[7].Values[0], &changed}
			other := func(e *audit.Event) { e.Connection = 2 }
			w.asks("eve", "SET system_versioning_asof = '2026-11-16'", other)
			w.asks("eve", byOld, other)
			w.pass(on)
		}, "40/0 1/0 0/1"},
	} {
		w := behind(t)
		on := w.start()
		c.before(w, on)
		w.asks("eve", all, then(10))
		w.pass(on)
		w.asks("eve", byOld, then(10))
		w.pass(on)
		if got := w.filed(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestALaggingHourCountsOnce: an hour of days ago that is read in several passes, and by
// several processes, counts a canary once.
func TestALaggingHourCountsOnce(t *testing.T) {
	t.Parallel()
	w := behind(t)
	when := w.now.AddDate(0, 0, -10)
	for n := range 4 {
		w.asks("eve", fmt.Sprintf("SELECT * FROM customers WHERE id < 500 AND id > -%d", n+1), func(e *audit.Event) { e.At = when })
		on := w.start()
		w.pass(on)
		w.asks("eve", fmt.Sprintf("SELECT * FROM customers WHERE id < 500 AND %d", n+1), func(e *audit.Event) { e.At = when })
		w.pass(on)
	}
	hours, err := w.reg.ReadHours(t.Context(), "db:main", time.Time{})
	if err != nil || len(hours) != 1 || hours[0].Canaries != 10 || hours[0].Statements != 8 {
		t.Errorf("%+v, %v", hours, err)
	}
}

// TestAnImportMendsAWorseRead: what a watch without the past could only call possible an
// import knows, and nothing that was known is lost by it.
func TestAnImportMendsAWorseRead(t *testing.T) {
	t.Parallel()
	w := behind(t)
	past := w.past
	w.past = nil
	w.asks("eve", all, func(e *audit.Event) { e.At = e.At.AddDate(0, 0, -10) })
	again := append([]audit.Event(nil), w.log.list...)
	w.pass(w.start())
	if got := w.filed(); got != "0/40" {
		t.Fatalf("without the past: %s", got)
	}
	w.past, w.log.list = past, again
	w.imports(false)
	if got := w.filed(); got != "40/0" {
		t.Errorf("after an import: %s", got)
	}
	w.past = func(ctx context.Context) (replay.Look, error) { // one that knows less mends nothing
		v, err := past(ctx)
		v.Rows = v.Rows[20:]
		return v, err
	}
	w.log.list = again
	w.imports(false)
	if got := w.filed(); got != "40/0" {
		t.Errorf("after a worse import: %s", got)
	}
}
