package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/spool"
)

// held is a disk whose syncs of segments end when they are told to.
type held struct {
	begun chan *os.File
	ends  chan error
}

// hooks hold every sync of what is more than a header.
func (h *held) hooks() spool.Hooks {
	h.begun, h.ends = make(chan *os.File, 8), make(chan error)
	return spool.Hooks{Sync: func(f *os.File) error {
		if _, size := inode(f); filepath.Ext(f.Name()) != ".seg" || size <= spool.HeaderLen {
			return nil
		}
		h.begun <- f
		return <-h.ends
	}}
}

// later appends a record and gives the answer when there is one.
func later(t *testing.T, s *spool.Spool, n int) <-chan error {
	t.Helper()
	out := make(chan error, 1)
	go func() { out <- s.Append(t.Context(), key(n), wide(n)) }()
	return out
}

// soon fails when nothing comes for a minute.
func soon[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	var v T
	select {
	case v = <-from:
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return v
}

// inFlight gives a spool with a record, and two more of which the syncs are
// under way.
func inFlight(t *testing.T) (s *spool.Spool, h *held, dir string, answers [2]<-chan error) {
	t.Helper()
	h, dir = &held{}, t.TempDir()
	s = open(t, spool.Config{Dir: dir, Hooks: h.hooks()})
	first := later(t, s, 0)
	soon(t, h.begun)
	h.ends <- nil
	if err := soon(t, first); err != nil {
		t.Fatal(err)
	}
	var files [2]*os.File
	for i := range answers {
		answers[i] = later(t, s, i+1)
		files[i] = soon(t, h.begun)
	}
	// The kernel tells an open file once of a failed write: one for both, and
	// the sync that comes second would hear that all is well.
	if files[0] == files[1] || files[0].Fd() == files[1].Fd() {
		t.Error("two syncs share an open file")
	}
	return s, h, dir, answers
}

func TestTwoSyncsAreUnderWayAtOnce(t *testing.T) {
	t.Parallel()
	s, h, _, answers := inFlight(t)
	third := later(t, s, 3)
	again := later(t, s, 2) // is recorded once
	if n := s.Stats().Records; n != 1 {
		t.Errorf("%d records are held before their sync has ended", n)
	}
	select {
	case <-h.begun:
		t.Error("a third sync is under way")
	case <-time.After(20 * time.Millisecond):
	}
	h.ends <- nil
	h.ends <- nil
	for _, answer := range answers {
		if err := soon(t, answer); err != nil {
			t.Error(err)
		}
	}
	soon(t, h.begun)
	h.ends <- nil
	for _, answer := range []<-chan error{third, again} {
		if err := soon(t, answer); err != nil {
			t.Error(err)
		}
	}
	if st := s.Stats(); st.Records != 4 || st.Syncs != 4 {
		t.Errorf("%+v", st)
	}
	verified(t, s)
}

// TestFlightsFail: of two syncs under way either fails first or second, or both
// do, in either order; what is answered yes is held, the rest is not and may
// come again.
func TestFlightsFail(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string][2]error{
		"one": {syscall.EIO, nil}, "both": {syscall.EIO, syscall.EIO}, "no room": {syscall.ENOSPC, nil}, "the later": {nil, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, h, dir, answers := inFlight(t)
			h.ends <- ends[0] // of either
			h.ends <- ends[1]
			yes := 1
			for i, answer := range answers {
				switch err := soon(t, answer); {
				case err == nil && i != yes-1:
					t.Error("the second was answered yes, the first no")
				case err == nil:
					yes++
				case !errors.Is(err, spool.ErrBroken):
					t.Error(err)
				}
			}
			if yes == 3 {
				t.Error("no sync that failed was told")
			}
			if st := s.Stats(); st.Records != yes || !st.Broken {
				t.Errorf("%+v, %d were answered yes", st, yes)
			}
			left := open(t, spool.Config{Dir: copyOf(t, dir), Hooks: quick()})
			if st := left.Stats(); st.Records != yes || st.Damaged != 0 {
				t.Errorf("a kill leaves %+v, %d were answered yes", st, yes)
			}
			for n := range 3 {
				answer := later(t, s, n)
				if n >= yes {
					soon(t, h.begun)
					h.ends <- nil
				}
				if err := soon(t, answer); err != nil {
					t.Error(err)
				}
			}
			verified(t, s)
			for i, r := range all(t, s, 0) {
				if r.Key != key(i) || !bytes.Equal(r.Sealed, wide(i)) {
					t.Errorf("record %d is not number %d", r.Seq, i)
				}
			}
			if n := s.Stats().Records; n != 3 {
				t.Errorf("%d records", n)
			}
		})
	}
}

// TestAFailedWriteLeavesTheFlightBeforeIt: a disk that is full for the second
// batch takes nothing from the first, whose sync is under way.
func TestAFailedWriteLeavesTheFlightBeforeIt(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		h, d := &held{}, healthy()
		hooks := h.hooks()
		hooks.Write = d.hooks().Write
		s := open(t, spool.Config{Dir: t.TempDir(), Hooks: hooks})
		first := later(t, s, 0)
		soon(t, h.begun)
		set(&d.writeErr, fault)
		second := later(t, s, 1)
		h.ends <- nil
		if err := soon(t, first); err != nil {
			t.Error(err)
		}
		if err := soon(t, second); !errors.Is(err, fault) {
			t.Errorf("the second: %v", err)
		}
		d.heal()
		second = later(t, s, 1)
		soon(t, h.begun)
		h.ends <- nil
		if err := soon(t, second); err != nil {
			t.Error(err)
		}
		verified(t, s)
		if n := len(all(t, s, 0)); n != 2 {
			t.Errorf("%d records", n)
		}
	}
}

// TestCloseWaitsForFlights: what is under way is answered.
func TestCloseWaitsForFlights(t *testing.T) {
	t.Parallel()
	s, h, dir, answers := inFlight(t)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	h.ends <- nil
	h.ends <- nil
	if err := soon(t, closed); err != nil {
		t.Error(err)
	}
	for _, answer := range answers {
		if err := soon(t, answer); err != nil {
			t.Error(err)
		}
	}
	left := open(t, spool.Config{Dir: dir, Hooks: quick()})
	if st := left.Stats(); st.Records != 3 || st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
}

// TestAPowerCutLeavesAnySectorsOfTwoFlights: as of one batch; what was durable
// stays, and nothing is called damage, whichever sectors of the two are there.
func TestAPowerCutLeavesAnySectorsOfTwoFlights(t *testing.T) {
	t.Parallel()
	_, h, dir, _ := inFlight(t)
	path := segmentFiles(t, dir, ".seg")[0]
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.ends <- nil
	h.ends <- nil
	after = after[:10_000]
	before := bytes.Clone(after)
	durable := spool.HeaderLen + spool.FrameOverhead + len(wide(0))
	clear(before[durable:])
	offs := differing(before, after)
	if len(offs) < 5 || len(offs) > 8 {
		t.Fatalf("the flights lie in %d sectors", len(offs))
	}
	ends := map[int]int{}
	for set := range 1 << len(offs) {
		b := bytes.Clone(before)
		for i, off := range offs {
			if set>>i&1 == 1 {
				copy(b[off:off+sector], after[off:])
			}
		}
		s, _ := reopened(t, spoolOf(t, filepath.Base(path), b))
		st := s.Stats()
		if st.Damaged != 0 || st.Records < 1 {
			t.Fatalf("sectors %b: %+v", set, st)
		}
		verified(t, s)
		ends[st.Records]++
	}
	if ends[3] != 1 || ends[2] == 0 || ends[1] < 1<<(len(offs)-1) {
		t.Errorf("records left: %v of %d sets", ends, 1<<len(offs))
	}
}

// TestFlightsCount: what is under way takes of the room there is.
func TestFlightsCount(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]spool.Config{"bytes": {MaxBytes: 4000}, "records": {MaxRecords: 4}} {
		h := &held{}
		cfg.Dir, cfg.Hooks = t.TempDir(), h.hooks()
		s := open(t, cfg)
		begin := func(n, size int) <-chan error {
			out := make(chan error, 1)
			go func() { out <- s.Append(t.Context(), key(n), make([]byte, size)) }()
			return out
		}
		for n := range 3 {
			answer := begin(n, 900)
			soon(t, h.begun)
			h.ends <- nil
			if err := soon(t, answer); err != nil {
				t.Fatal(err)
			}
		}
		last := begin(3, 300)
		soon(t, h.begun)
		if err := soon(t, begin(4, 300)); !errors.Is(err, spool.ErrFull) {
			t.Errorf("%s: more than there is room for: %v", name, err)
		}
		h.ends <- nil
		if err := soon(t, last); err != nil {
			t.Error(err)
		}
	}
}
