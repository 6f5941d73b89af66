//go:build linux

package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/spool"
)

func newRing(t *testing.T) (*spool.Ring, func() (uint64, error)) {
	t.Helper()
	r, ends, err := spool.OpenRing()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, func() (uint64, error) { return soon(t, ends).What() }
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

// As many syncs as a spool has under way end, each by its number.
func TestRingSyncs(t *testing.T) {
	t.Parallel()
	r, end := newRing(t)
	f := someFile(t)
	for n := uint64(1); n < 100; n += spool.RingEvents {
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		ended := map[uint64]bool{}
		for i := range uint64(spool.RingEvents) {
			if err := r.Begin(f, n+i); err != nil {
				t.Fatal(err)
			}
		}
		for range spool.RingEvents {
			number, err := end()
			if err != nil {
				t.Error(err)
			}
			ended[number] = true
		}
		for i := range uint64(spool.RingEvents) {
			if !ended[n+i] {
				t.Errorf("sync %d has not ended, but %v", n+i, ended)
			}
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

// What no kernel syncs asynchronously is refused, so that a thread waits for it.
func TestRingRefuses(t *testing.T) {
	t.Parallel()
	r, end := newRing(t)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if err := r.Begin(out, 1); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("the sync of a pipe: %v", err)
	}
	if err := r.Begin(someFile(t), 2); err != nil {
		t.Error(err)
	}
	if n, err := end(); n != 2 || err != nil {
		t.Errorf("sync %d: %v", n, err)
	}
}

// A ring that is closed begins nothing: its end would never be told.
func TestRingThatIsClosed(t *testing.T) {
	t.Parallel()
	r, _, err := spool.OpenRing()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := r.Begin(someFile(t), 1); err == nil {
		t.Error("a closed ring begins a sync")
	}
}

// TestRingCollects: all ends are taken, a signal ends nothing, and of a fault all
// that is under way hears.
func TestRingCollects(t *testing.T) {
	t.Parallel()
	some := func(n int, e syscall.Errno) func() (int, syscall.Errno) {
		return func() (int, syscall.Errno) { return n, e }
	}
	numbers, errs := spool.Collect(some(0, syscall.EINTR), some(2, 0), some(0, syscall.EINTR), some(1, 0))
	if !slices.Equal(numbers, []uint64{1, 2, 3}) || errors.Join(errs...) != nil {
		t.Errorf("ends %v, %v", numbers, errs)
	}
	numbers, errs = spool.Collect(some(2, 0), some(0, syscall.EINVAL))
	if !slices.Equal(numbers, []uint64{1, 2, 0}) || !errors.Is(errors.Join(errs...), syscall.EINVAL) {
		t.Errorf("ends %v, %v", numbers, errs)
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
