package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"saltmine/internal/spool"
)

const (
	crashDir   = "SPOOL_CRASH_DIR"
	crashFirst = "SPOOL_CRASH_FIRST"
)

// TestMain is the child of the crash test when its directory is set.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		os.Exit(crashChild(dir))
	}
	os.Exit(m.Run())
}

// crashChild appends records until it is killed, from several goroutines, each
// record twice at once, and says of each when it is durable. Meanwhile it
// fetches records as a core does, says which, and acknowledges them.
func crashChild(dir string) int {
	first, err := strconv.Atoi(os.Getenv(crashFirst))
	if err != nil {
		return 2
	}
	s, err := spool.Open(filled(spool.Config{Dir: dir, SegmentBytes: 2000}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	var done sync.Map // a record that is trimmed before its twin comes is recorded again
	for w := range 2 {
		wg.Go(func() {
			for n := first + w; ; n += 2 {
				twin := make(chan error, 1)
				go func() { twin <- s.Append(ctx, key(n), body(n)) }()
				if err := errors.Join(s.Append(ctx, key(n), body(n)), <-twin); err != nil {
					return
				}
				done.Store(n, true)
				fmt.Printf("durable %d 0\n", n)
			}
		})
	}
	wg.Go(func() {
		for from := s.Acked(); s.Wait(ctx, from) == nil; {
			recs, err := s.Read(ctx, from, 5)
			if err != nil {
				return
			}
			settled := true
			for _, r := range recs {
				fmt.Printf("fetched %d %d\n", number(r), r.Seq)
				_, ok := done.Load(number(r))
				if settled = settled && (ok || number(r) < first); settled {
					from = r.Next
				}
			}
			if s.Ack(ctx, from) != nil {
				return
			}
		}
	})
	wg.Wait()
	return 1
}

func number(r spool.Record) int { return int(r.Key[0]) | int(r.Key[1])<<8 | int(r.Key[2])<<16 }

// said is what children said, and what was found when they were dead.
type said struct {
	durable map[int]bool
	seqs    map[int]uint64 // of the records that were fetched
	count   int
}

func (d *said) line(t *testing.T, text string) {
	t.Helper()
	var what string
	var n int
	var seq uint64
	if _, err := fmt.Sscanf(text, "%s %d %d", &what, &n, &seq); err != nil {
		t.Fatalf("the child said %q", text)
	}
	if what == "durable" {
		d.durable[n] = true
		d.count++
		return
	}
	d.fetched(t, n, seq)
}

func (d *said) fetched(t *testing.T, n int, seq uint64) {
	t.Helper()
	if old, ok := d.seqs[n]; ok && old != seq {
		t.Errorf("record %d is recorded twice, as %d and %d", n, old, seq)
	}
	d.seqs[n] = seq
}

func TestAKilledProcessLosesNothingItSaidWasDurable(t *testing.T) {
	t.Parallel()
	const rounds = 30
	dir, first := t.TempDir(), 0
	d := &said{durable: map[int]bool{}, seqs: map[int]uint64{}}
	for round := range rounds {
		d.runAndKill(t, dir, first, rand.IntN(150))
		s := open(t, spool.Config{Dir: dir, SegmentBytes: 2000})
		verified(t, s)
		if st := s.Stats(); st.Damaged != 0 {
			t.Fatalf("round %d: a kill left damage: %+v", round, st)
		}
		for _, r := range all(t, s, s.Acked()) {
			if !bytes.Equal(r.Sealed, body(number(r))) {
				t.Errorf("record %d is not what was written", r.Seq)
			}
			d.fetched(t, number(r), r.Seq)
		}
		// The next child begins with what is held but not yet acknowledged.
		for n, seq := range d.seqs {
			if seq < uint64(s.Acked()) {
				first = max(first, n+1)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range d.durable {
		if d.seqs[n] == 0 {
			t.Errorf("record %d was durable and is gone", n)
		}
	}
	if len(d.durable) < rounds {
		t.Errorf("only %d records in %d rounds", len(d.durable), rounds)
	}
}

// runAndKill starts a child and kills it when it has called so many records
// durable; what it got to say after that counts too.
func (d *said) runAndKill(t *testing.T, dir string, first, after int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashFirst+"="+strconv.Itoa(first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until := d.count + after
	for lines := bufio.NewScanner(out); lines.Scan(); {
		d.line(t, lines.Text())
		if d.count > until {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // it was killed
	if d.count <= until {
		t.Fatalf("the child ended by itself: %s", cmd.ProcessState)
	}
}
