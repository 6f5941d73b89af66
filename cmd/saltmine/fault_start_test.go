package main

import (
	"os"
	"syscall"
	"testing"

	"saltmine/internal/strike"
)

// TestDiskFaultsAtStart has every call fail by which the edge opens a spool, when
// there is none, and when there is one with a torn end. It starts all the same or
// it says why not; nothing that was acknowledged before is lost, and the next start
// is a good one.
func TestDiskFaultsAtStart(t *testing.T) {
	t.Parallel()
	e := newLoneEdge(t, "20GiB")
	c := e.client(3000)
	step, errnos := 4, []syscall.Errno{syscall.EIO}
	if *kills == "all" {
		step, errnos = 1, []syscall.Errno{syscall.EIO, syscall.ENOSPC}
	}
	next := 0
	do := func(edge *running, l *ledger) deed {
		next++
		d := c.call(t.Context(), edge.addrs, deedMark(next))
		l.did(d)
		return d
	}
	for _, torn := range []bool{false, true} {
		for _, errno := range errnos {
			ended, last := 0, 0
			for n := 1; last == 0; n += step {
				if err := os.RemoveAll(e.path("spool")); err != nil {
					t.Fatal(err)
				}
				l := newLedger(t)
				if torn {
					edge := e.wiped()
					do(edge, l)
					edge.kill()
					tear(t, e.path("spool/0000000000000001.seg"))
				}
				edge, st, ready := e.strikeEdge(strike.Order{Fail: n, Dir: e.path("spool"), Errno: errno})
				if ready {
					seen, err := st.Seen(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if seen.Sites < n {
						last = seen.Sites
					}
					arm(t, edge, st, strike.Order{})
					if d := do(edge, l); !d.yes {
						t.Errorf("after %s at %v, and with a good disk: %q", errno, st.Struck(), d.told)
					}
					st.End() //nolint:errcheck // it is there
				}
				if err := <-edge.done; !ready {
					ended++
					wants(t, edge.log.String(), "saltmine: ", "spool")
					if err == nil {
						t.Errorf("%s at %v: ended without a fault", errno, st.Struck())
					}
				}
				edge = e.wiped()
				if d := do(edge, l); !d.yes {
					t.Errorf("started again after %s at %v: %q", errno, st.Struck(), d.told)
				}
				edge.kill()
				l.read(e.take())
				l.balance()
			}
			t.Logf("torn %t, %s: %d calls, ended %d times", torn, errno, last, ended)
		}
	}
}

// tear adds half a frame to a segment, as a kill in a write does.
func tear(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("SMf2\x00\x00\x10\x00 and no more"); err != nil {
		t.Fatal(err)
	}
}
