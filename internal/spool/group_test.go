package spool_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"saltmine/internal/spool"
)

func item(n int) spool.Item { return spool.Item{Key: key(n), Sealed: body(n)} }

// TestAppendAll: a group is answered record by record, what is held already or
// twice in the group is held once, and the order is the group's.
func TestAppendAll(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir()})
	add(t, s, 0, 1)
	large := spool.Item{Key: key(99), Sealed: make([]byte, spool.MaxRecord+1)}
	errs := s.AppendAll(t.Context(), []spool.Item{item(1), item(0), large, item(2), item(1), item(3)})
	for i, err := range errs {
		if want := i == 2; errors.Is(err, spool.ErrTooLarge) != want || (err != nil) != want {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if len(errs) != 6 {
		t.Errorf("%d answers", len(errs))
	}
	holds(t, s, 0, 4)
	if got := s.Stats().Syncs; got != 2 {
		t.Errorf("%d syncs of a record and a group", got)
	}
	if errs := s.AppendAll(t.Context(), nil); len(errs) != 0 {
		t.Errorf("%v of nothing", errs)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range s.AppendAll(ended, []spool.Item{item(7), item(8)}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	holds(t, s, 0, 4)
}

// TestAGroupIsLargerThanASegment: it goes into several.
func TestAGroupIsLargerThanASegment(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir(), SegmentBytes: 400})
	var items []spool.Item
	for n := range 100 {
		items = append(items, item(n))
	}
	if err := errors.Join(s.AppendAll(t.Context(), items)...); err != nil {
		t.Fatal(err)
	}
	holds(t, s, 0, 100)
	if n := s.Stats().Segments; n < 10 {
		t.Errorf("%d segments", n)
	}
}

// TestGroupsAtOnce: each record of every group is held once, though groups
// share some.
func TestGroupsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir()})
	var wg sync.WaitGroup
	const groups, each = 20, 50
	for g := range groups {
		wg.Go(func() {
			var items []spool.Item
			for n := range each {
				items = append(items, item(g*each/2+n))
			}
			if err := errors.Join(s.AppendAll(t.Context(), items)...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := s.Read(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[16]byte]bool{}
	for _, r := range all {
		seen[r.Key] = true
	}
	if want := (groups + 1) * each / 2; len(all) != want || len(seen) != want {
		t.Errorf("%d records of %d keys, want %d", len(all), len(seen), want)
	}
}
