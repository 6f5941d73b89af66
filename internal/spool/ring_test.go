//go:build linux

package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/spool"
)

func newRing(t *testing.T) *spool.Ring {
	t.Helper()
	r, err := spool.OpenRing()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func someFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestRingSyncs(t *testing.T) {
	t.Parallel()
	r, f := newRing(t), someFile(t)
	for range 3 * spool.RingEvents {
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		if err := r.Sync(f); err != nil {
			t.Fatal(err)
		}
	}
}

// A spool without hooks, as it serves, has a ring: nothing else would tell.
func TestSpoolRings(t *testing.T) {
	t.Parallel()
	s, err := spool.Open(spool.Config{Dir: filepath.Join(t.TempDir(), "s"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Rings() {
		t.Error("a thread waits for each sync")
	}
}

// What no kernel syncs asynchronously is synced by a call that waits, whose error
// is the answer.
func TestRingFallsBack(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if err := r.Sync(out); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a pipe is synced: %v", err)
	}
	if err := r.Sync(someFile(t)); err != nil {
		t.Error(err)
	}
}

// The end of another sync, which nobody read, is not taken for that of this one.
func TestRingPassesOverAnotherEnd(t *testing.T) {
	t.Parallel()
	r, f := newRing(t), someFile(t)
	for range spool.RingEvents - 1 {
		if err := r.Begin(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Sync(f); err != nil {
		t.Error(err)
	}
}

func TestRingTellsWhatTheDeviceSays(t *testing.T) {
	t.Parallel()
	if err := spool.Ended(-int64(syscall.EIO)); !errors.Is(err, syscall.EIO) {
		t.Errorf("the end of a sync that failed: %v", err)
	}
	if err := spool.Ended(0); err != nil {
		t.Errorf("the end of one that did not: %v", err)
	}
}
