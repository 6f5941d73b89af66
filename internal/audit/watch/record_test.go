package watch_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
	"saltmine/internal/audit/follow"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// written is a log on the disk that a watch follows.
type written struct {
	*world
	path string
	all  []byte // that was ever written
}

// says writes a statement of now.
func (w *written) says(text string) {
	w.seq++
	w.puts(fmt.Sprintf("%s,vm,eve,10.0.0.7,1,%d,QUERY,shop,'%s',0\n", w.now.Format("20060102 15:04:05"), w.seq, text))
}

func (w *written) puts(text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.all = append(w.all, text...)
}

// follows is a process that begins where the last one was.
func (w *written) follows() *watch.Watch {
	w.t.Helper()
	ctx := w.t.Context()
	kept, err := w.reg.AuditLog(ctx, "db1")
	if err != nil {
		w.t.Fatal(err)
	}
	state, err := watch.DecodeState(kept.State)
	if err != nil {
		w.t.Fatal(err)
	}
	id := w.reg.LogID("db:main", "watch|db1")
	health, err := w.reg.LogHealth(ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	health.ID, health.Place, health.Log, health.Followed = id, "db:main", "db1", true
	sum := sha256.New()
	source, err := follow.Open(w.path, audit.Config{Format: audit.ServerAudit, Zone: time.UTC, Sum: sum}, state)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { source.Close() })
	on, err := watch.New(watch.Config{
		Place: "db:main", Log: source, Store: w.reg, Ignored: func(string, string) bool { return false },
		Look: func(context.Context) (replay.Look, error) {
			v := w.view
			v.Before, v.After = w.now, w.now.Add(time.Millisecond)
			return v, nil
		},
		Feed: replay.FeedConfig{Zone: time.UTC, Slack: time.Second, Longest: time.Hour}, Now: func() time.Time { return w.now }, Logger: slog.New(slog.DiscardHandler),
		Own: "saltmine@core", Health: health, Sum: sum, Act: &canary.Act{Who: "watch", Via: "cli", What: canary.ActAuditWatch},
	}, kept)
	if err != nil {
		w.t.Fatal(err)
	}
	return on
}

// acts are those about the log, the first first.
func (w *written) acts() (list []canary.Act) {
	w.t.Helper()
	list, err := w.reg.Acts(w.t.Context(), registry.ActFilter{What: []string{canary.ActAuditWatch}})
	if err != nil {
		w.t.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func (w *written) health() canary.LogHealth {
	w.t.Helper()
	list, err := w.reg.LogsOf(w.t.Context(), "db:main")
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

// TestWhatIsReadIsRecorded: each part of the log whose reads were filed has one act with
// the hash of just those bytes, a minute apart, across restarts and rotations.
func TestWhatIsReadIsRecorded(t *testing.T) {
	t.Parallel()
	w := &written{world: newWorld(t), path: filepath.Join(t.TempDir(), "audit.log")}
	w.says("SELECT 1")
	w.says("SELECT * FROM customers WHERE id < 500")
	on := w.follows()
	w.pass(on)
	if list := w.acts(); len(list) != 0 {
		t.Fatalf("before the minute is over: %+v", list)
	}
	w.says("SELECT * FROM customers WHERE id < 501")
	w.pass(w.follows()) // another process
	w.puts("nonsense\n")
	if err := os.Rename(w.path, w.path+".1"); err != nil {
		t.Fatal(err)
	}
	w.says("SELECT * FROM customers WHERE id < 502")
	on = w.follows()
	w.pass(on)
	first := len(w.all)
	w.now = w.now.Add(time.Minute)
	w.pass(on) // nothing new
	list := w.acts()
	if len(list) != 1 {
		t.Fatalf("%d acts: %+v", len(list), list)
	}
	holds := func(a canary.Act, part []byte, also ...string) {
		t.Helper()
		for _, want := range append(also, fmt.Sprintf("sha256 %x", sha256.Sum256(part))) {
			if !strings.Contains(a.Outcome, want) {
				t.Errorf("no %q in %s", want, a.Outcome)
			}
		}
	}
	holds(list[0], w.all, "3 reads, 1 malformed", "byte 0 ", "of audit.log")

	w.says("SELECT 2")
	w.says("SELECT * FROM customers WHERE id < 503")
	w.pass(on)
	if err := on.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list = w.acts(); len(list) != 2 {
		t.Fatalf("%d acts: %+v", len(list), list)
	}
	holds(list[1], w.all[first:], "2 statements, 1 reads")
	reads, err := w.reg.ReadsSince(t.Context(), "db:main", time.Time{})
	if err != nil || len(reads) != 4 {
		t.Fatalf("%d reads, %v", len(reads), err)
	}
	for i, r := range reads {
		want := list[0].About
		if i == 3 {
			want = list[1].About
		}
		if r.Source != want {
			t.Errorf("read %d is of %q, not of the act about %q", i, r.Source, want)
		}
	}
	if _, err := w.reg.CheckActs(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWhatTheLogShowsIsKept: gaps, a clock that goes back, pieces and losses are kept
// as they come, and not lost with the process.
func TestWhatTheLogShowsIsKept(t *testing.T) {
	t.Parallel()
	w := &written{world: newWorld(t), path: filepath.Join(t.TempDir(), "audit.log")}
	began := w.now
	for range 7 {
		w.says("SELECT 1")
		w.puts("customer Jane Doe\n")
	}
	on := w.follows()
	w.pass(on)
	w.now = began.Add(3 * time.Hour)
	w.says("SELECT 1")
	w.pass(on)
	w.now = began.Add(8 * time.Hour)
	w.says("SELECT 2")
	w.now = began.Add(7 * time.Hour)
	w.says("SELECT 3")
	w.now = began.Add(8 * time.Hour)
	on = w.follows()
	w.pass(on)
	h := w.health()
	if h.Log != "db1" || !h.First.Equal(began) || !h.Last.Equal(began.Add(8*time.Hour)) || h.Malformed != 7 || len(h.Pieces) != 7 || h.Backwards != 1 || len(h.Gaps) != 2 || h.Gaps[0].Length() != 4*time.Hour || h.Lost != 0 {
		t.Errorf("%+v", h)
	}
	if p := h.Pieces[6]; string(p.Raw) != "customer Jane Doe" || p.Offset == 0 || p.Line != 14 {
		t.Errorf("%+v", p)
	}
	if err := os.Truncate(w.path, 0); err != nil {
		t.Fatal(err)
	}
	if r := w.pass(on); !r.Lost {
		t.Fatalf("%+v", r)
	}
	w.pass(on)
	if h = w.health(); h.Lost != 1 || len(h.Losses) != 1 || !h.Losses[0].After.Equal(began.Add(8*time.Hour)) || h.Losses[0].Found.Before(h.Losses[0].After) {
		t.Errorf("%+v", h)
	}
}

// TestOwnReads: what we read ourselves is looked for in the log, and counted once, however
// often the watch begins anew.
func TestOwnReads(t *testing.T) {
	t.Parallel()
	w := &written{world: newWorld(t), path: filepath.Join(t.TempDir(), "audit.log")}
	ours := func() {
		w.seq++
		w.puts(fmt.Sprintf("%s,vm,saltmine,core,9,%d,QUERY,shop,'SELECT 1',0\n", w.now.Format("20060102 15:04:05"), w.seq))
	}
	reads := func(after time.Time) []canary.OwnRead {
		t.Helper()
		list, err := w.reg.OwnReads(t.Context(), "db:main", after, w.now)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	keep := func() {
		t.Helper()
		if err := w.reg.KeepOwnRead(t.Context(), "db:main", "saltmine@core", time.Second); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(10 * time.Minute)
	}
	keep() // before the log begins
	w.says("SELECT 1")
	w.now = w.now.Add(10 * time.Minute)
	ours()
	keep()
	w.says("SELECT 2")
	on := w.follows()
	w.pass(on)
	if missing := on.Hold(reads(on.Health().OwnUntil)); len(missing) != 0 {
		t.Errorf("missing: %+v", missing)
	}
	keep() // while it was switched off
	if missing := on.Hold(reads(on.Health().OwnUntil)); len(missing) != 1 {
		t.Errorf("missing: %+v", missing)
	}
	w.pass(on) // nothing follows in the log
	if h := w.health(); len(h.OwnMissing) != 1 {
		t.Errorf("what is missing in a log that stays silent is not kept: %+v", h)
	}
	ours()
	keep()
	w.says("SELECT 3")
	w.pass(on)
	on = w.follows()
	if missing := on.Hold(reads(on.Health().OwnUntil)); len(missing) != 0 {
		t.Errorf("missing: %+v", missing)
	}
	w.says("SELECT 4")
	w.pass(on)
	h := w.health()
	if h.OwnReads != 3 || h.OwnMet != 2 || len(h.OwnMissing) != 1 || len(reads(h.OwnUntil)) != 0 {
		t.Errorf("%d of %d, missing %+v", h.OwnMet, h.OwnReads, h.OwnMissing)
	}
	if said := cover.Line(&h); !strings.Contains(said, "2 of 3 own reads that fall into it are in it (missing at 2026-11-26 ") {
		t.Error(said)
	}
}
