package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"saltmine/internal/spool"
)

// sick is a disk that fails on demand. A fault strikes segments, not the
// directory or the file acked.
type sick struct {
	short    atomic.Int64 // a write stops after so many bytes, with no error
	writeErr atomic.Pointer[error]
	syncErr  atomic.Pointer[error]
	cutErr   atomic.Pointer[error]
	fresh    atomic.Bool // faults strike new segments too
	free     atomic.Int64
	syncs    sync.Map // failed files by name
	again    atomic.Int64
}

func healthy() *sick {
	d := &sick{}
	d.short.Store(-1)
	d.free.Store(1 << 40)
	return d
}

func (d *sick) heal() {
	d.short.Store(-1)
	for _, p := range []*atomic.Pointer[error]{&d.writeErr, &d.syncErr, &d.cutErr} {
		p.Store(nil)
	}
}

func set(p *atomic.Pointer[error], err error) {
	if err == nil {
		p.Store(nil)
		return
	}
	p.Store(&err)
}

func (d *sick) strikes(f *os.File, off int64) bool {
	return strings.HasSuffix(f.Name(), ".seg") && (off > 0 || d.fresh.Load())
}

func (d *sick) hooks() spool.Hooks {
	return spool.Hooks{
		Write: func(f *os.File, b []byte, off int64) (int, error) {
			if n := int(d.short.Load()); n >= 0 && d.strikes(f, off) {
				return f.WriteAt(b[:min(n, len(b))], off)
			}
			if err := d.writeErr.Load(); err != nil && d.strikes(f, off) {
				n, _ := f.WriteAt(b[:len(b)/2], off)
				return n, *err
			}
			return f.WriteAt(b, off)
		},
		Sync: func(f *os.File) error {
			st, err := f.Stat()
			if err != nil {
				return err
			}
			if _, failed := d.syncs.Load(f.Name()); failed {
				d.again.Add(1)
			}
			if err := d.syncErr.Load(); err != nil && d.strikes(f, st.Size()-spool.HeaderLen) {
				d.syncs.Store(f.Name(), true)
				return *err
			}
			return nil
		},
		Truncate: func(f *os.File, size int64) error {
			if err := d.cutErr.Load(); err != nil {
				return *err
			}
			return f.Truncate(size)
		},
		Free: func(string) (int64, error) { return d.free.Load(), nil },
	}
}

func TestADiskThatFailsAndRecovers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		strike func(*sick)
		want   error
		give   bool // the segment is given up
	}{
		"short write":          {func(d *sick) { d.short.Store(11) }, spool.ErrBroken, true},
		"nothing written":      {func(d *sick) { d.short.Store(0) }, spool.ErrBroken, true},
		"no space":             {func(d *sick) { set(&d.writeErr, syscall.ENOSPC) }, spool.ErrFull, false},
		"quota":                {func(d *sick) { set(&d.writeErr, syscall.EDQUOT) }, spool.ErrFull, false},
		"no space, no cut":     {func(d *sick) { set(&d.writeErr, syscall.ENOSPC); set(&d.cutErr, syscall.EIO) }, spool.ErrFull, true},
		"write error":          {func(d *sick) { set(&d.writeErr, syscall.EIO) }, spool.ErrBroken, true},
		"sync error":           {func(d *sick) { set(&d.syncErr, syscall.EIO) }, spool.ErrBroken, true},
		"sync error, no cut":   {func(d *sick) { set(&d.syncErr, syscall.EIO); set(&d.cutErr, syscall.EIO) }, spool.ErrBroken, true},
		"write error anywhere": {func(d *sick) { d.fresh.Store(true); set(&d.writeErr, syscall.EIO) }, spool.ErrBroken, true},
		"no space anywhere":    {func(d *sick) { d.fresh.Store(true); set(&d.writeErr, syscall.ENOSPC) }, spool.ErrFull, false},
		"sync error anywhere":  {func(d *sick) { d.fresh.Store(true); set(&d.syncErr, syscall.EIO) }, spool.ErrBroken, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := healthy()
			cfg := spool.Config{Dir: t.TempDir(), Hooks: d.hooks()}
			s := open(t, cfg)
			add(t, s, 0, 3)
			c.strike(d)
			for range 3 {
				if err := s.Append(t.Context(), key(3), body(3)); !errors.Is(err, c.want) {
					t.Fatalf("Append = %v, want %v", err, c.want)
				}
			}
			holds(t, s, 0, 3)
			verified(t, s)
			if n := len(segmentFiles(t, cfg.Dir, ".seg")); n > 5 {
				t.Errorf("%d segments after three faults", n)
			}

			// A copy is what a kill at this moment would leave.
			left := open(t, spool.Config{Dir: copyOf(t, cfg.Dir), Hooks: quick()})
			if n := len(all(t, left, 0)); n < 3 || n > 4 {
				t.Errorf("%d records after a kill in the fault, want 3 or 4", n)
			}
			add(t, left, 3, 5)
			holds(t, left, 0, 5)

			d.heal()
			add(t, s, 3, 6)
			holds(t, s, 0, 6)
			verified(t, s)
			if d.again.Load() > 0 && !d.fresh.Load() {
				t.Error("a file was synced again after its sync had failed")
			}
			if st := s.Stats(); c.give != (st.Segments > 1) || st.Broken {
				t.Errorf("%d segments, given up: want %t", st.Segments, c.give)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, spool.Config{Dir: cfg.Dir})
			holds(t, s, 0, 6)
			verified(t, s)
			if st := s.Stats(); st.Damaged != 0 {
				t.Errorf("%+v: a fault that was handled is not damage", st)
			}
		})
	}
}

func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestMaxBytesIsFullUntilTheCoreHasFetched(t *testing.T) {
	t.Parallel()
	// One small segment alone, and many: in the first case only a new segment
	// frees the room that has been acknowledged.
	for _, segment := range []int64{0, 300} {
		s := open(t, spool.Config{Dir: t.TempDir(), MaxBytes: 4000, SegmentBytes: segment, Hooks: quick()})
		n := fill(t, s, 0)
		if n < 10 {
			t.Fatalf("full after %d records", n)
		}
		if st := s.Stats(); st.Bytes > 4000+spool.HeaderLen {
			t.Errorf("%d bytes are held, 4,000 were allowed", st.Bytes)
		}
		add(t, s, 0, n) // what is held stays a success
		if err := s.Ack(t.Context(), s.Stats().Next); err != nil {
			t.Fatal(err)
		}
		if more := fill(t, s, 1000); more < 10 {
			t.Errorf("room for %d records after everything was acknowledged", more)
		}
		verified(t, s)
	}
}

// fill appends until the spool is full.
func fill(t *testing.T, s *spool.Spool, from int) (n int) {
	t.Helper()
	for ; n < 1000; n++ {
		err := s.Append(t.Context(), key(from+n), body(from+n))
		if errors.Is(err, spool.ErrFull) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("never full")
	return 0
}

func TestMaxRecordsBoundsTheIndex(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Dir: t.TempDir(), MaxRecords: 12, SegmentBytes: 400, Hooks: quick()}
	s := open(t, cfg)
	if n := fill(t, s, 0); n != 12 {
		t.Errorf("full after %d records, want 12", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxRecords = 5
	s = open(t, cfg)
	if n := fill(t, s, 100); n != 0 {
		t.Errorf("%d more records than allowed", n)
	}
	if err := s.Ack(t.Context(), 13); err != nil {
		t.Fatal(err)
	}
	if n := fill(t, s, 200); n < 1 || n > 5 || s.Stats().Records != 5 {
		t.Errorf("full after %d records: %+v, want 5 held", n, s.Stats())
	}
}

func TestAFullSegmentThatIsAcknowledgedIsLetGo(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir(), MaxRecords: 12, Hooks: quick()})
	for from := 0; from < 500; from += 100 {
		if n := fill(t, s, from); n != 12 {
			t.Fatalf("full after %d records, want 12", n)
		}
		if err := s.Ack(t.Context(), s.Stats().Next); err != nil {
			t.Fatal(err)
		}
	}
	verified(t, s)
	if st := s.Stats(); st.Segments != 1 {
		t.Errorf("%+v", st)
	}
}

func TestTheReserveOnTheDiskIsLeft(t *testing.T) {
	t.Parallel()
	for reserve, want := range map[int64]int64{0: 64 << 20, 1000: 1000, -1: 0} {
		d := healthy()
		cfg := filled(spool.Config{Dir: t.TempDir(), Hooks: d.hooks()})
		cfg.MinFree = reserve
		s := open2(t, cfg)
		d.free.Store(want + 50)
		if err := s.Append(t.Context(), key(0), body(0)); !errors.Is(err, spool.ErrFull) {
			t.Errorf("reserve %d: Append = %v, want ErrFull", reserve, err)
		}
		d.free.Store(want + 500)
		add(t, s, 0, 1)
	}
}

func open2(t *testing.T, cfg spool.Config) *spool.Spool {
	t.Helper()
	s, err := spool.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestOneRecordThatDoesNotFitKeepsNoOtherOut(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir(), MaxBytes: 4000, Hooks: quick()})
	if err := s.Append(t.Context(), key(0), random(5000)); !errors.Is(err, spool.ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
	add(t, s, 1, 3)
	holds(t, s, 1, 3)
}

func TestAnAcknowledgementThatFailsIsNotOne(t *testing.T) {
	t.Parallel()
	var bad atomic.Bool
	dir := t.TempDir()
	cfg := spool.Config{Dir: dir, SegmentBytes: 400, Hooks: spool.Hooks{Sync: func(f *os.File) error {
		if bad.Load() && strings.Contains(filepath.Base(f.Name()), "acked") {
			return syscall.EIO
		}
		return nil
	}}}
	s := open(t, cfg)
	add(t, s, 0, 20)
	before := s.Stats()
	bad.Store(true)
	for range 2 {
		if err := s.Ack(t.Context(), 15); !errors.Is(err, spool.ErrBroken) {
			t.Fatalf("Ack = %v, want ErrBroken", err)
		}
	}
	if st := s.Stats(); st != before {
		t.Errorf("a failed Ack changed %+v to %+v", before, st)
	}
	bad.Store(false)
	for _, c := range []spool.Cursor{15, 16, 17} {
		if err := s.Ack(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s := open(t, cfg); s.Acked() != 17 {
		t.Errorf("acked = %s after a restart", s.Acked())
	}
}

func TestASpoolOpensOnAFullDiskSoThatTheCoreCanFetch(t *testing.T) {
	t.Parallel()
	dir, names := many(t)
	last, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	last[len(last)-1] ^= 1 // a damaged end asks for a new segment
	if err := os.WriteFile(names[len(names)-1], last, 0o600); err != nil {
		t.Fatal(err)
	}
	d := healthy()
	d.fresh.Store(true)
	set(&d.writeErr, syscall.ENOSPC)
	s := open(t, spool.Config{Dir: dir, Hooks: d.hooks()})
	if recs := all(t, s, 0); len(recs) != 19 || !s.Stats().Broken {
		t.Errorf("%d records, %+v", len(recs), s.Stats())
	}
	if err := s.Append(t.Context(), key(50), nil); !errors.Is(err, spool.ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
	if err := s.Ack(t.Context(), 15); err != nil {
		t.Error(err)
	}
	set(&d.writeErr, nil)
	add(t, s, 50, 51)
}
