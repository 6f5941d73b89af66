package spool_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/spool"
)

// The package comment is the specification, so its example is read from there:
// it must scan, and it must be what the spool itself writes.
func TestTheExampleInThePackageCommentHolds(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("spool.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, m := range regexp.MustCompile(`(?m)^//\t([0-9a-f]{20,})$`).FindAllStringSubmatch(string(src), -1) {
		b, err := hex.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, b...)
	}
	got := spool.Scan(bytes.NewReader(want), int64(len(want)), 0)
	if len(got.Seqs) != 1 || got.Faults != 0 || got.Torn {
		t.Fatalf("the example does not scan: %+v", got)
	}

	// A spool that finds the example continues it.
	dir := t.TempDir()
	name := filepath.Join(dir, "0000000000000001.seg")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1_700_000_000, 0).UTC()
	s := open(t, spool.Config{Dir: dir, Now: func() time.Time { return start }})
	recs, err := s.Read(t.Context(), 0, 10)
	if err != nil || len(recs) != 1 {
		t.Fatalf("Read = %d records, %v", len(recs), err)
	}
	r := recs[0]
	if string(r.Sealed) != "hello" || hex.EncodeToString(r.Key[:]) != "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" || r.Seq != 1 ||
		!r.At.Equal(start.Add(time.Microsecond)) {
		t.Errorf("the example reads as %+v", r)
	}
	if id := s.ID(); hex.EncodeToString(id[:]) != "000102030405060708090a0b0c0d0e0f" {
		t.Errorf("id = %x", id)
	}

	// Written anew, it comes out byte for byte.
	if fresh := spool.OneRecord(s.ID(), start, r.Key, []byte("hello")); !bytes.Equal(fresh, want) {
		t.Errorf("written:\n%s", wrap(fresh))
	}
}

func wrap(b []byte) string {
	var lines []string
	for len(b) > 0 {
		n := min(48, len(b))
		lines, b = append(lines, "//\t"+hex.EncodeToString(b[:n])), b[n:]
	}
	return strings.Join(lines, "\n")
}

// open opens a spool that is closed with the test. Now and a small reserve are
// filled in.
func open(t testing.TB, cfg spool.Config) *spool.Spool {
	t.Helper()
	s, err := spool.Open(filled(cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func filled(cfg spool.Config) spool.Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MinFree == 0 {
		cfg.MinFree = -1
	}
	return cfg
}

// quick leaves out the sync, for tests that do not turn on it.
func quick() spool.Hooks { return spool.Hooks{Sync: func(*os.File) error { return nil }} }

func key(n int) (k [16]byte) {
	k[0], k[1], k[2], k[15] = byte(n), byte(n>>8), byte(n>>16), 0xee
	return k
}

func body(n int) []byte { return bytes.Repeat([]byte{byte(n), byte(n >> 8), 0x5a}, 7+n%23) }

func add(t testing.TB, s *spool.Spool, from, until int) {
	t.Helper()
	for n := from; n < until; n++ {
		if err := s.Append(t.Context(), key(n), body(n)); err != nil {
			t.Fatalf("append %d: %v", n, err)
		}
	}
}

// all reads everything, in pieces.
func all(t testing.TB, s *spool.Spool, from spool.Cursor) []spool.Record {
	t.Helper()
	var out []spool.Record
	for {
		recs, err := s.Read(t.Context(), from, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(recs) == 0 {
			return out
		}
		for _, r := range recs {
			if r.Seq < uint64(from) || r.Next != spool.Cursor(r.Seq+1) {
				t.Fatalf("record %d after cursor %s, next %s", r.Seq, from, r.Next)
			}
			from = r.Next
		}
		out = append(out, recs...)
	}
}

func keys(recs []spool.Record) map[[16]byte]int {
	m := map[[16]byte]int{}
	for _, r := range recs {
		m[r.Key]++
	}
	return m
}

// holds checks that the spool has exactly the records from until, once each.
func holds(t testing.TB, s *spool.Spool, from, until int) {
	t.Helper()
	recs := all(t, s, 0)
	if len(recs) != until-from {
		t.Fatalf("%d records, want %d", len(recs), until-from)
	}
	for i, r := range recs {
		if r.Key != key(from+i) || !bytes.Equal(r.Sealed, body(from+i)) {
			t.Fatalf("record %d is not number %d", i, from+i)
		}
	}
}

func verified(t testing.TB, s *spool.Spool) {
	t.Helper()
	if err := s.Verify(context.WithoutCancel(t.Context())); err != nil {
		t.Fatalf("verify: %v", err)
	}
}

func segmentFiles(t testing.TB, dir, suffix string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
