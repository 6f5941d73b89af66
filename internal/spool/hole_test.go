package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"saltmine/internal/spool"
)

// wide is a record that lies in three or four sectors.
func wide(n int) []byte { return bytes.Repeat([]byte{byte(n), 0xa5, byte(n), 0}, 300+n) }

// batches makes a spool of one segment, with a batch of each size, as a process
// that was killed leaves it, and gives the segment after each batch.
func batches(t *testing.T, sizes ...int) (name string, images [][]byte) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Hooks: quick()})
	n := 0
	for _, size := range sizes {
		var items []spool.Item
		for range size {
			items = append(items, spool.Item{Key: key(n), Sealed: wide(n)})
			n++
		}
		if err := errors.Join(s.AppendAll(t.Context(), items)...); err != nil {
			t.Fatal(err)
		}
		path := segmentFiles(t, dir, ".seg")[0]
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, images = filepath.Base(path), append(images, b[:20_000])
	}
	return name, images
}

// differing gives the sectors in which two images differ.
func differing(a, b []byte) (offs []int) {
	for off := 0; off < len(a); off += sector {
		if end := min(off+sector, len(a)); !bytes.Equal(a[off:end], b[off:end]) {
			offs = append(offs, off)
		}
	}
	return offs
}

// TestAPowerCutLeavesAnySectorsOfTheLastBatch: the durable records stay, those
// of the last batch that can be read before the first that cannot stay too, and
// nothing is called damage. Tried is every set of sectors.
func TestAPowerCutLeavesAnySectorsOfTheLastBatch(t *testing.T) {
	t.Parallel()
	name, images := batches(t, 2, 3)
	offs := differing(images[0], images[1])
	if len(offs) < 8 || len(offs) > 11 {
		t.Fatalf("the batch lies in %d sectors", len(offs))
	}
	ends := map[int]int{} // records to how often they were left
	for set := range 1 << len(offs) {
		b := bytes.Clone(images[0])
		for i, off := range offs {
			if set>>i&1 == 1 {
				copy(b[off:off+sector], images[1][off:])
			}
		}
		dir := spoolOf(t, name, b)
		s, _ := reopened(t, dir)
		if st := s.Stats(); st.Damaged != 0 || st.Next < 3 || st.Next > 6 {
			t.Fatalf("sectors %b: %+v", set, st)
		}
		verified(t, s)
		n := len(all(t, s, 0))
		ends[n]++
		for i := n; i < 7; i++ {
			if err := s.Append(t.Context(), key(i), wide(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, _ = reopened(t, dir)
		verified(t, s)
		for i, r := range all(t, s, 0) {
			if r.Key != key(i) || !bytes.Equal(r.Sealed, wide(i)) {
				t.Fatalf("sectors %b: record %d is not number %d", set, r.Seq, i)
			}
		}
		if st := s.Stats(); st.Damaged != 0 || st.Records != 7 {
			t.Fatalf("sectors %b: %+v after going on", set, st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ends[5] != 1 || ends[2] < 1<<(len(offs)-2) || ends[3] == 0 || ends[4] == 0 {
		t.Errorf("records left: %v of %d sets", ends, 1<<len(offs))
	}
}

// TestASectorThatIsLostBeforeTheLastBatchIsDamage: what was durable when a later
// batch was begun is never taken for unfinished, but in the sector where that
// batch begins.
func TestASectorThatIsLostBeforeTheLastBatchIsDamage(t *testing.T) {
	t.Parallel()
	name, images := batches(t, 2, 3, 1)
	first := differing(images[1], images[2])[0] // where the last batch begins, too: both are gone with it
	for _, off := range differing(images[0], images[1]) {
		if off == first {
			continue
		}
		for _, change := range []func([]byte){func(b []byte) { clear(b) }, func(b []byte) { b[0] ^= 1 }} {
			b := bytes.Clone(images[2])
			change(b[off:min(off+sector, len(b))])
			s, _ := reopened(t, spoolOf(t, name, b))
			st := s.Stats()
			if err := s.Verify(t.Context()); !errors.Is(err, spool.ErrCorrupt) || st.Damaged != 1 || st.Next < 7 {
				t.Fatalf("sector at %d: Verify = %v, %+v", off, err, st)
			}
		}
	}
}

// TestAChangedByteOfTheLastBatchIsDamage: of the last batch, too, only what is
// missing is unfinished; what was changed is told.
func TestAChangedByteOfTheLastBatchIsDamage(t *testing.T) {
	t.Parallel()
	name, images := batches(t, 2, 3)
	for off := spool.HeaderLen; off < len(images[1]); off++ {
		if images[1][off] == images[0][off] {
			continue
		}
		b := bytes.Clone(images[1])
		b[off] ^= 0xff
		got := spool.Scan(bytes.NewReader(b), int64(len(b)), 0)
		if got.Faults == 0 {
			t.Fatalf("%s: byte %d was changed, and no fault is found: %+v", name, off, got)
		}
	}
}

// TestRoomIsMadeReadyAhead: after the first batch the file grows no more until
// its room is used up, the room is counted as nobody's, and Close gives it back.
func TestRoomIsMadeReadyAhead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, Hooks: quick()})
	var sizes []int64
	for n := range 150 {
		if err := s.Append(t.Context(), key(n), make([]byte, 20_000)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(segmentFiles(t, dir, ".seg")[0])
		if err != nil {
			t.Fatal(err)
		}
		if st.Size() < s.Stats().Bytes {
			t.Fatalf("%d bytes of %d", st.Size(), s.Stats().Bytes)
		}
		if len(sizes) == 0 || sizes[len(sizes)-1] != st.Size() {
			sizes = append(sizes, st.Size())
		}
	}
	if len(sizes) != 3 { // 3 MB, a MiB at a time
		t.Errorf("the file grew to %v", sizes)
	}
	for n := range 3 { // what is large makes the file grow by itself
		if err := s.Append(t.Context(), key(200+n), make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := os.Stat(segmentFiles(t, dir, ".seg")[0]); err != nil || st.Size() != s.Stats().Bytes {
		t.Errorf("%d bytes, %d in use, %v", st.Size(), s.Stats().Bytes, err)
	}
	verified(t, s)
	want := s.Stats().Bytes
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(segmentFiles(t, dir, ".seg")[0])
	if err != nil || st.Size() != want {
		t.Errorf("%d bytes after Close, want %d: %v", st.Size(), want, err)
	}
}

// TestRoomIsNotMadeReadyBeyondTheBounds: neither MaxBytes nor the reserve of the
// disk is touched for it.
func TestRoomIsNotMadeReadyBeyondTheBounds(t *testing.T) {
	t.Parallel()
	d := healthy()
	for name, cfg := range map[string]spool.Config{
		"bytes": {MaxBytes: 40_000, SegmentBytes: 1 << 20},
		"disk":  {MinFree: 100_000},
	} {
		cfg.Dir, cfg.Hooks = t.TempDir(), d.hooks()
		d.free.Store(110_000)
		s := open(t, cfg)
		add(t, s, 0, 1)
		st, err := os.Stat(segmentFiles(t, cfg.Dir, ".seg")[0])
		if err != nil || st.Size() > 10_300 {
			t.Errorf("%s: %d bytes, %v", name, st.Size(), err)
		}
	}
}
