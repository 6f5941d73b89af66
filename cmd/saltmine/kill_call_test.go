package main

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/strike"
)

// kills says how many of the kills below are done: "all", or some in make test.
var kills = flag.String("kills", "some", `"all": kill at every system call, and 1,000 times under load`)

// wiping is the edge as it starts itself once more: so it starts once.
func (e *farEdge) wiping() *exec.Cmd {
	e.t.Helper()
	cmd := e.command("edge")
	cmd.Env = append(os.Environ(), "GODEBUG="+wiper)
	return cmd
}

// wiped starts it.
func (e *farEdge) wiped() *running {
	e.t.Helper()
	r, ready := launch(e.t, e.wiping())
	if !ready {
		e.t.Fatalf("the edge ended:\n%s", r.log)
	}
	return r
}

// strikeEdge starts the edge under a tracer.
func (e *farEdge) strikeEdge(first strike.Order) (*running, *strike.Striker, bool) {
	e.t.Helper()
	cmd := e.wiping()
	st, err := strike.Wrap(cmd, first)
	if err != nil {
		e.t.Fatal(err)
	}
	r, ready := launch(e.t, cmd)
	return r, st, ready
}

// arm gives an order to a running edge.
func arm(t *testing.T, r *running, st *strike.Striker, o strike.Order) {
	t.Helper()
	if err := st.Arm(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, r.log)
	}
}

// TestKillAtEveryCall kills the edge at the beginning and at the end of every
// system call of one mail, one webhook and one query, starts it again each time,
// and has the provider send its webhook again: acknowledged ⊆ recorded ⊆ tried,
// nothing twice, raw bytes equal to the sender's.
func TestKillAtEveryCall(t *testing.T) {
	t.Parallel()
	step := map[bool]int{true: 1, false: 13}[*kills == "all"]
	e := newLoneEdge(t, "20GiB")
	c := e.client(3000)
	l := newLedger(t)
	next := 0
	for name, do := range map[string]doing{"mail": c.mail, "webhook": c.call, "query": c.ask} {
		struck := map[string]int{}
		again := ""
		n, outlived := 1, 0
		for ; outlived < 3; n += step { // the order of calls is not quite the same each time
			edge, st, ready := e.strikeEdge(strike.Order{})
			if !ready {
				t.Fatalf("after the kill at %d of a %s the edge does not start:\n%s", n-step, name, edge.log)
			}
			if again != "" {
				d := c.call(t.Context(), edge.addrs, again)
				if !d.yes {
					t.Errorf("a webhook that is sent again: %s", d.told)
				}
				l.did(d)
			}
			arm(t, edge, st, strike.Order{Kill: n})
			next++
			mark := deedMark(next)
			d := do(t.Context(), edge.addrs, mark)
			l.did(d)
			if again = ""; name == "webhook" && !d.yes {
				again = mark
			}
			if seen, err := st.Seen(t.Context()); err == nil && seen.Points < n {
				outlived++
				if !d.yes {
					t.Errorf("a %s to an edge that lives: %q", name, d.told)
				}
			}
			st.End()    //nolint:errcheck // it may have ended
			<-edge.done //nolint:errcheck // it was killed
			for _, at := range st.Struck() {
				struck[at]++
			}
		}
		where := slices.Sorted(maps.Keys(struck))
		t.Logf("%s: %d points; kills at %s", name, n, strings.Join(where, ", "))
		for _, want := range []string{"pwrite64 begins", "pwrite64 ends", "fsync begins", "fsync ends"} {
			if *kills == "all" && struck[want] == 0 {
				t.Errorf("%s: no kill where %s", name, want)
			}
		}
	}
	l.read(e.take())
	yes, recorded := l.balance()
	if yes == 0 || yes == len(l.deeds) {
		t.Errorf("%d of %d were acknowledged: nothing was killed in time, or all was", yes, len(l.deeds))
	}
	t.Logf("%d tried, %d acknowledged, %d recorded", len(l.deeds), yes, recorded)
}
