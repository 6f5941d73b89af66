package spool_test

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"saltmine/internal/spool"
)

// TestCopyOfABusySpool copies a spool while it is written to, read and trimmed: what
// was held when the copy was begun is in it, and it opens as the same spool.
func TestCopyOfABusySpool(t *testing.T) {
	t.Parallel()
	const before, after = 120, 400
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir, SegmentBytes: 600})
	add(t, s, 0, before)
	if err := s.Ack(t.Context(), 31); err != nil { // records 1 to 30
		t.Fatal(err)
	}
	c, err := spool.OpenCopy(dir)
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := before; i < after; i++ {
			if err := s.Append(t.Context(), key(i), body(i)); err != nil {
				t.Error(err)
			}
			if err := s.Ack(t.Context(), spool.Cursor(i)); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.Sight(); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	err = c.Each(func(name string, size int64, content io.Reader) error {
		if !spool.IsFile(name) {
			t.Errorf("%q is no name of a spool's file", name)
		}
		b, err := io.ReadAll(content)
		if err == nil && int64(len(b)) != size {
			t.Errorf("%s: %d bytes, want %d", name, len(b), size)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(into, name), b, 0o600)
		}
		return err
	})
	busy.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	back := open(t, spool.Config{Dir: into, SegmentBytes: 600})
	if back.ID() != s.ID() {
		t.Error("it is another spool")
	}
	got := all(t, back, 31)
	if len(got) < before-30 {
		t.Fatalf("%d records, want the %d that were held at least", len(got), before-30)
	}
	for i, r := range got {
		if r.Seq != uint64(31+i) || r.Key != key(30+i) || string(r.Sealed) != string(body(30+i)) {
			t.Fatalf("record %d is not what was appended", r.Seq)
		}
	}
	verified(t, back)
}

func TestCopyOfNoSpool(t *testing.T) {
	t.Parallel()
	c, err := spool.OpenCopy(filepath.Join(t.TempDir(), "none"))
	if err != nil || c.Size() != 0 {
		t.Fatalf("%v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"acked": true, "0000000000000001.seg": true, "../acked": false, "x": false, "0000000000000000.seg": false} {
		if spool.IsFile(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
