package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"saltmine/internal/strike"
)

// faults are calls that fail while an edge hears one kind of deed.
type faults struct {
	*farEdge
	name string
	do   doing
	next int // of the deeds

	edge    *running
	striker *strike.Striker
	ledger  *ledger
	refused int
}

// TestDiskFaults has every call fail by which the edge writes a mail, a webhook or
// a query, or makes it durable: once, and from there on until the disk is well
// again, with no space and with an error of the device. Nobody gets a yes for
// what is not recorded, the edge goes on, and what was acknowledged is there. The
// spool is small: the mail begins a segment of its own.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	e := newLoneEdge(t, "1MiB")
	c := e.client(300_000)
	orders := []strike.Order{{Errno: syscall.ENOSPC}, {Errno: syscall.EIO, On: true}, {Errno: syscall.EIO}, {Errno: syscall.ENOSPC, On: true}}
	if *kills != "all" {
		orders = orders[:2]
	}
	for name, do := range map[string]doing{"mail": c.mail, "webhook": c.call, "query": c.ask} {
		for i, o := range orders {
			if name == "mail" && i > 0 && *kills != "all" {
				continue // an edge for each call
			}
			f := &faults{farEdge: e, name: name, do: do}
			f.begin()
			sites := f.each(o)
			t.Logf("%s, %s, on %t: %d calls, %d refused: %s", name, o.Errno, o.On, len(sites), f.refused, strings.Join(sites, ", "))
			if len(sites) < 2 || f.refused == 0 {
				t.Errorf("%s: only %d calls failed, %d were refused", name, len(sites), f.refused)
			}
		}
	}
}

// each strikes one call after the other, until there is none, and names them.
func (f *faults) each(o strike.Order) (sites []string) {
	f.t.Helper()
	for n := 1; ; n++ {
		o.Fail, o.Dir = n, f.path("spool")
		was := len(f.striker.Struck())
		more := f.strike(o)
		if more {
			sites = append(sites, f.striker.Struck()[was])
		}
		if !more || f.name == "mail" { // the spool is full of mails
			f.end()
		}
		if !more {
			return sites
		}
		if f.name == "mail" {
			f.begin()
		}
	}
}

// begin starts an edge with an empty spool.
func (f *faults) begin() {
	f.t.Helper()
	if err := os.RemoveAll(f.path("spool")); err != nil {
		f.t.Fatal(err)
	}
	ready := false
	if f.edge, f.striker, ready = f.strikeEdge(strike.Order{}); !ready {
		f.t.Fatalf("the edge ended:\n%s", f.edge.log)
	}
	f.ledger = newLedger(f.t)
}

// end compares what is left.
func (f *faults) end() {
	f.t.Helper()
	f.striker.End() //nolint:errcheck // it may have ended
	<-f.edge.done   //nolint:errcheck // it was killed
	f.ledger.read(f.take())
	f.ledger.balance()
}

// strike has one call fail in a deed, and then none in the next. It reports
// whether there was such a call.
func (f *faults) strike(o strike.Order) bool {
	f.t.Helper()
	arm(f.t, f.edge, f.striker, o)
	f.next += 2
	d := f.do(f.t.Context(), f.edge.addrs, deedMark(f.next))
	f.ledger.did(d)
	seen, err := f.striker.Seen(f.t.Context())
	if err != nil {
		f.t.Fatalf("%s, %s at %d: %v\n%s", f.name, o.Errno, o.Fail, err, f.edge.log)
	}
	if !d.yes {
		f.refused++
		if want := map[string]string{"mail": "4", "webhook": "503", "query": "SERVFAIL"}[f.name]; !strings.HasPrefix(d.told, want) {
			f.t.Errorf("a %s that cannot be recorded is answered with %q", f.name, d.told)
		}
	}
	arm(f.t, f.edge, f.striker, strike.Order{}) // the disk is well again
	d = f.do(f.t.Context(), f.edge.addrs, deedMark(f.next+1))
	if f.ledger.did(d); !d.yes {
		f.t.Errorf("a %s after %s at %v has gone: %q", f.name, o.Errno, f.striker.Struck(), d.told)
	}
	return seen.Sites >= o.Fail
}
