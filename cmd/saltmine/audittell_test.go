package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/follow"
	"saltmine/internal/audit/watch"
	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// TestASilentLog: a log that lacks the last time that canaries were read back makes one
// notice, which is over when it has the next; one that never had any is less urgent.
func TestASilentLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	_, reg := registryIn(t, dir, clock)
	defer reg.Close()
	path := filepath.Join(dir, "server_audit.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := follow.Open(path, audit.Config{}, audit.State{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	f := &follower{app: &app{now: clock}, core: &core{cfg: &conf.Config{}, reg: reg}, cfg: &conf.Audit{Name: "db1"}, log: slog.New(slog.DiscardHandler)}
	var kept canary.LogHealth
	// listen is a process that finds the log as it was, with what our account did in it.
	listen := func(logged bool) []canary.Notice {
		t.Helper()
		now = now.Add(5 * time.Minute)
		if err := reg.KeepOwnRead(t.Context(), "db:main", "saltmine@core", time.Second); err != nil {
			t.Fatal(err)
		}
		read := canary.LogSpan{From: now.Add(-time.Second), Until: now}
		if logged {
			kept.Own = append(kept.Own, read)
		}
		kept.ID, kept.Place, kept.Log, kept.Followed = "l_1", "db:main", "db1", true
		w, err := watch.New(watch.Config{Place: "db:main", Log: source, Now: clock, Health: kept, Own: "saltmine@core"}, canary.AuditLog{Name: "db1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.listen(t.Context(), w, false); err != nil { // too early to tell
			t.Fatal(err)
		}
		now = now.Add(2 * time.Minute)
		if err := f.listen(t.Context(), w, false); err != nil {
			t.Fatal(err)
		}
		kept = w.Health()
		list, err := reg.Notices(t.Context(), registry.NoticeFilter{})
		if err != nil {
			t.Fatal(err)
		}
		var standing []canary.Notice
		for _, n := range list {
			if n.Over.IsZero() {
				standing = append(standing, n)
			}
		}
		return standing
	}
	if list := listen(false); len(list) != 0 {
		t.Errorf("of a log that has not begun: %+v", list)
	}
	kept.First, kept.Last = now, now
	if list := listen(false); len(list) != 1 || list[0].Severity != canary.P3 || list[0].Kind != canary.NoticeSilent {
		t.Errorf("of a log that leaves us out: %+v", list)
	}
	if list := listen(true); len(list) != 0 {
		t.Errorf("of a log that has it: %+v", list)
	}
	list := listen(false)
	if len(list) != 1 || list[0].Severity != canary.P2 {
		t.Fatalf("of a log that fell silent: %+v", list)
	}
	if again := listen(false); len(again) != 1 || again[0].ID != list[0].ID {
		t.Errorf("it is told again: %+v", again)
	}
	if list := listen(true); len(list) != 0 {
		t.Errorf("it is over: %+v", list)
	}
	if kept.OwnReads != 5 || kept.OwnMet != 2 || len(kept.OwnMissing) != 3 {
		t.Errorf("%d of %d, missing %+v", kept.OwnMet, kept.OwnReads, kept.OwnMissing)
	}
}
