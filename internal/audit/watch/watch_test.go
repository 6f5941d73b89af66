package watch_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// world is a support database of 40 canaries among 2,000 customers, as far as a
// watch sees it, and a real registry.
type world struct {
	t    *testing.T
	now  time.Time
	reg  *registry.Registry
	view replay.Look
	log  *lines
	seq  uint64
	past func(context.Context) (replay.Look, error)
}

// lines are the events that nobody has read yet.
type lines struct {
	list []audit.Event
	read int64
}

func (l *lines) Next() (*audit.Event, error) {
	if len(l.list) == 0 {
		return nil, io.EOF
	}
	e := l.list[0]
	l.list = l.list[1:]
	l.read++
	return &e, nil
}

func (l *lines) State() audit.State { return audit.State{Offset: l.read} }
func (l *lines) Lost() bool         { return false }

const canaries = 40

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), log: &lines{}}
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	w.reg, err = registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(dir, "r.db"), Vault: keys.Vault, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.reg.Close(); err != nil {
			t.Error(err)
		}
	})
	w.view = replay.Look{Each: 50, Account: "saltmine@core", Planted: map[canary.ID]canary.Moment{}, Schema: replay.Schema{
		Database: "shop", Others: []string{"orders"}, Tables: []replay.Table{{Name: "customers", Columns: []replay.Column{
			{Name: "id", Type: "int", Domain: 1, NotNull: true, Unique: true}, {Name: "email", Type: "varchar", Collation: "utf8mb4_bin"},
		}}},
	}}
	for i := range canaries {
		id := canary.ID(fmt.Sprintf("c_%016d", i))
		key, email := fmt.Sprint(50*i), fmt.Sprintf("someone%d@example.net", i)
		w.view.Planted[id] = canary.At(w.now.AddDate(0, 0, -90))
		w.view.Rows = append(w.view.Rows, replay.Row{Canary: id, Table: "customers", Key: key, Values: []*string{&key, &email}})
	}
	return w
}

// start is a process that watches, from what is kept.
func (w *world) start() *watch.Watch {
	w.t.Helper()
	kept, err := w.reg.AuditLog(w.t.Context(), "db1")
	if err != nil {
		w.t.Fatal(err)
	}
	if state, err := watch.DecodeState(kept.State); err != nil || state.Offset != w.log.read {
		w.t.Fatalf("kept is %+v, %v; %d were read", state, err, w.log.read)
	}
	on, err := watch.New(watch.Config{
		Place: "db:main", Log: w.log, Store: w.reg, Ignored: func(user, _ string) bool { return user == "backup" },
		Look: func(context.Context) (replay.Look, error) {
			v := w.view
			v.Before, v.After = w.now, w.now.Add(time.Millisecond)
			return v, nil
		},
		Past: w.past,
		Feed: replay.FeedConfig{Zone: time.UTC, Slack: time.Second, Longest: time.Hour}, Now: func() time.Time { return w.now }, Logger: slog.New(slog.DiscardHandler),
	}, kept)
	if err != nil {
		w.t.Fatal(err)
	}
	return on
}

// asks is a statement that an account sends now.
func (w *world) asks(user, text string, change ...func(*audit.Event)) {
	w.seq++
	e := audit.Event{
		At: w.now, Precision: time.Second, Stamp: w.now.String(), Kind: audit.Query, User: user, Host: "10.0.0.7", Connection: 1, Sequence: w.seq,
		Database: "shop", Text: []byte(text), Code: 0, RowsSent: audit.Unknown, RowsExamined: audit.Unknown,
	}
	for _, fn := range change {
		fn(&e)
	}
	w.log.list = append(w.log.list, e)
}

func (w *world) pass(on *watch.Watch) watch.Report {
	w.t.Helper()
	w.now = w.now.Add(5 * time.Second)
	r, err := on.Pass(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) incidents() []canary.Incident {
	w.t.Helper()
	list, err := w.reg.Incidents(w.t.Context(), 10)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// hour is what an account read in the hour of now.
func (w *world) hour() (h canary.ReadHour) {
	w.t.Helper()
	list, err := w.reg.ReadHours(w.t.Context(), "db:main", w.now.Truncate(time.Hour))
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

const all = "SELECT * FROM customers"

// TestARestartCountsNothingTwice: the hour, the incident and its page go on.
func TestARestartCountsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	on := w.start()
	w.asks("eve", "SELECT * FROM customers WHERE id < 500")
	if r := w.pass(on); r.Incidents != 0 || r.Reads != 1 { // ten, of an account that nobody knows
		t.Fatalf("%+v", r)
	}
	on = w.start()
	w.asks("eve", "SELECT * FROM customers WHERE id < 500")
	w.pass(on)
	if h := w.hour(); h.Canaries != 10 || h.Statements != 2 {
		t.Errorf("%+v", h)
	}
	on = w.start()
	w.asks("eve", all)
	if r := w.pass(on); r.Incidents != 1 {
		t.Errorf("%+v", r)
	}
	on = w.start()
	w.asks("eve", all)
	if r := w.pass(on); r.Incidents != 0 {
		t.Errorf("again: %+v", r)
	}
	if h := w.hour(); h.Canaries != canaries || h.Statements != 4 {
		t.Errorf("%+v", h)
	}
	list := w.incidents()
	if len(list) != 1 || list[0].Severity != canary.P2 || !strings.Contains(list[0].Reasons[0], `"eve@10.0.0.7" of db:main was given 40 planted records`) {
		t.Fatalf("%+v", list)
	}

	// What was judged stands, unless the hour doubles.
	if err := w.reg.SetVerdict(t.Context(), list[0].ID, canary.Noise, registry.By{Who: "d.ops"}); err != nil {
		t.Fatal(err)
	}
	w.asks("eve", all)
	if r := w.pass(on); r.Incidents != 0 || len(w.incidents()) != 1 {
		t.Errorf("after the verdict: %+v", r)
	}
	// And two days later it is what the account does.
	for range 6 {
		w.now = w.now.Add(12 * time.Hour)
		w.asks("eve", all)
		w.pass(w.start())
	}
	if list := w.incidents(); len(list) > 2 {
		t.Errorf("what was judged noise makes incidents: %+v", list)
	}
}

// TestARestartForgetsNothing: what was read before it adds up with what comes, and
// what anybody could have written stays a guess.
func TestARestartForgetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 4 {
		w.asks("eve", fmt.Sprintf("SELECT * FROM customers WHERE id >= %d AND id < %d", 500*n, 500*(n+1)))
		w.pass(w.start())
		if h := w.hour(); h.Canaries != float64(10*(n+1)) {
			t.Errorf("after %d processes: %+v", n+1, h)
		}
	}
	if list := w.incidents(); len(list) != 1 || list[0].Severity != canary.P2 {
		t.Errorf("%+v", list)
	}
	w = newWorld(t)
	w.asks("eve", all, func(e *audit.Event) { e.Low = true })
	w.pass(w.start())
	w.asks("eve", "SELECT * FROM customers WHERE id = 100")
	w.pass(w.start())
	list := w.incidents()
	if h := w.hour(); h.Canaries != 1 || h.Guessed != 1+39*.5 || len(list) != 1 || list[0].Severity != canary.P3 || !strings.Contains(strings.Join(list[0].Reasons, "\n"), "the log can be forged") {
		t.Errorf("what could be forged: %+v, %+v", h, list)
	}
	if got := w.filed(); got != "0/40 0/1" { // nobody had looked before
		t.Errorf("filed are %s", got)
	}
}

// TestASetClockHidesNothing: who sets a session's clock takes a statement's NOW() away,
// not the time at which it was read.
func TestASetClockHidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 4 {
		w.asks("eve", "SET timestamp=1000000000")
		w.asks("eve", fmt.Sprintf("SELECT * FROM customers WHERE id >= %d AND id < %d", 500*n, 500*(n+1)))
		w.pass(w.start())
		if h := w.hour(); h.Canaries != float64(10*(n+1)) {
			t.Errorf("after %d processes: %+v", n+1, h)
		}
	}
	if list := w.incidents(); len(list) != 1 || list[0].Severity != canary.P2 {
		t.Errorf("%+v", list)
	}
	reads, err := w.reg.ReadsSince(t.Context(), "db:main", time.Time{})
	if err != nil || len(reads) != 4 {
		t.Fatalf("%d reads, %v", len(reads), err)
	}
	for _, r := range reads {
		if r.Taken.Latest.Sub(r.Taken.Earliest) > 24*time.Hour {
			t.Errorf("it was taken at any time: %+v", r.Taken)
		}
	}
}

// TestWhatCounts goes through ways to read, and what an hour of them comes to.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	low := func(e *audit.Event) { e.Low = true }
	for _, c := range []struct {
		name      string
		do        func(*world)
		low, high float64 // canaries
		incident  canary.Severity
	}{
		{"one customer, many times", func(w *world) {
			for range 30 {
				w.asks("eve", "SELECT * FROM customers WHERE id = 100")
			}
		}, 1, 1, 0},
		{"the first of a list, many times", func(w *world) {
			for range 30 {
				w.asks("eve", all+" ORDER BY id DESC LIMIT 50")
			}
		}, 0.9, 1.1, 0},
		{"the table, page by page", func(w *world) {
			for n := range 40 {
				w.asks("eve", fmt.Sprintf("%s ORDER BY id LIMIT 50 OFFSET %d", all, 50*n))
			}
		}, 20, 40, canary.P2},
		{"a limit that is none", func(w *world) { w.asks("eve", all+" LIMIT 1000000") }, 40, 40, canary.P2},
		{"cut off behind a comment", func(w *world) {
			w.asks("eve", "SELECT /* long */", func(e *audit.Event) { e.Truncated = true })
		}, 0, 0, canary.P3},
		{"a line that anybody can write", func(w *world) { w.asks("eve", all, low) }, 0, 0, canary.P3},
		{"a customer, in such a line", func(w *world) { w.asks("eve", "SELECT * FROM customers WHERE id = 100", low) }, 0, 0, 0},
		{"a backup", func(w *world) { w.asks("backup", all) }, -1, -1, 0},
		{"a right to read", func(w *world) { w.asks("dba", "GRANT SELECT ON shop.customers TO eve@localhost") }, 0, 0, 0},
		{"another table", func(w *world) { w.asks("eve", "SELECT * FROM orders") }, 0, 0, 0},
		{"a count", func(w *world) { w.asks("eve", "SELECT COUNT(*) FROM customers") }, 0, 0, 0},
		{"a copy", func(w *world) { w.asks("eve", "CREATE TABLE mine AS "+all) }, 40, 40, canary.P2},
	} {
		w := newWorld(t)
		on := w.start()
		c.do(w)
		w.pass(on)
		if c.low >= 0 {
			if h := w.hour(); h.Canaries < c.low || h.Canaries > c.high {
				t.Errorf("%s: %.2f canaries, want %.1f to %.1f", c.name, h.Canaries, c.low, c.high)
			}
		}
		list := w.incidents()
		if (c.incident != 0) != (len(list) == 1) || len(list) == 1 && list[0].Severity != c.incident {
			t.Errorf("%s: %+v", c.name, list)
		}
	}
}

// TestReadsAreOfTheirMoment: a value that came between two looks may have stood or
// not; what no look saw is possible only.
func TestReadsAreOfTheirMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	on := w.start()
	byEmail := func(text string) { w.asks("eve", "SELECT * FROM customers WHERE email = '"+text+"'") }
	byEmail("someone3@example.net") // before the first look
	w.pass(on)
	w.now = w.now.Add(2 * time.Hour)
	byEmail("someone3@example.net")
	w.pass(on)
	w.now = w.now.Add(2 * time.Hour)
	old, changed := w.view.Rows[3], "new3@example.net"
	old.Values = []*string{old.Values[0], &changed}
	w.view.Rows[3] = old
	byEmail("someone3@example.net")
	byEmail("new3@example.net")
	w.pass(on) // it changed since the last look
	w.now = w.now.Add(2 * time.Hour)
	byEmail("someone3@example.net")
	byEmail("new3@example.net")
	w.pass(on)
	reads, err := w.reg.ReadsSince(t.Context(), "db:main", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range reads {
		got = append(got, fmt.Sprintf("%d/%d", len(r.Returned), len(r.Possible)))
	}
	if want := "0/1 1/0 0/1 0/1 1/0"; strings.Join(got, " ") != want {
		t.Errorf("returned/possible: %s, want %s", got, want)
	}
}
