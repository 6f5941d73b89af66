package main

import (
	"context"
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
	e := newLoneEdge(t, "20GiB")
	c := e.client(3000)
	k := &killing{farEdge: e, client: c, step: map[bool]int{true: 1, false: 17}[*kills == "all"], ledger: newLedger(t)}
	for name, do := range map[string]doing{"mail": c.mail, "webhook": c.call, "query": c.ask} {
		struck, points := map[string]int{}, 0
		missed := wantedKills()
		for pass := 0; pass == 0 || pass < 5 && *kills == "all" && len(missed) > 0; pass++ { // the order of calls is not quite the same each time
			points = max(points, k.each(name, do, struck))
			missed = slices.DeleteFunc(wantedKills(), func(at string) bool { return struck[at] > 0 })
		}
		t.Logf("%s: %d points; kills at %s", name, points, strings.Join(slices.Sorted(maps.Keys(struck)), ", "))
		if *kills == "all" && len(missed) > 0 {
			t.Errorf("%s: no kill where %s", name, strings.Join(missed, ", "))
		}
	}
	k.ledger.read(e.take())
	yes, recorded := k.ledger.balance()
	if yes == 0 || yes == len(k.ledger.deeds) {
		t.Errorf("%d of %d were acknowledged: nothing was killed in time, or all was", yes, len(k.ledger.deeds))
	}
	t.Logf("%d tried, %d acknowledged, %d recorded", len(k.ledger.deeds), yes, recorded)
}

// wantedKills are those around what makes a contact durable.
func wantedKills() []string {
	return []string{"pwrite64 begins", "pwrite64 ends", "io_submit begins", "io_submit ends", "io_getevents begins", "io_getevents ends"}
}

// killing kills an edge at one point after the other.
type killing struct {
	*farEdge
	client *client
	step   int
	ledger *ledger
	next   int
	again  string // a webhook that was not answered
}

// each goes through the points of one kind of deed until the edge outlives it; it
// counts the kills by what was struck, and gives the number of points.
func (k *killing) each(name string, do doing, struck map[string]int) int {
	k.t.Helper()
	n := 1
	for outlived := 0; outlived < 3; n += k.step {
		edge, st, ready := k.strikeEdge(strike.Order{})
		if !ready {
			k.t.Fatalf("after the kill at %d of a %s the edge does not start:\n%s", n-k.step, name, edge.log)
		}
		k.sendAgain(edge)
		rest(k.t, st)
		arm(k.t, edge, st, strike.Order{Kill: n})
		k.next++
		ctx, cancel := context.WithCancel(k.t.Context())
		go func() { // ends with the edge, or with the deed
			defer cancel() // nothing more is answered to a packet
			select {
			case <-st.Gone():
			case <-ctx.Done():
			}
		}()
		d := do(ctx, edge.addrs, deedMark(k.next))
		cancel()
		k.ledger.did(d)
		if name == "webhook" && !d.yes {
			k.again = d.mark
		}
		if seen, err := st.Seen(k.t.Context()); err == nil && seen.Points < n {
			outlived++
			if !d.yes {
				k.t.Errorf("a %s to an edge that lives: %q", name, d.told)
			}
		}
		st.End()    //nolint:errcheck // it may have ended
		<-edge.done //nolint:errcheck // it was killed
		for _, at := range st.Struck() {
			struck[at]++
		}
	}
	return n
}

// sendAgain does what a provider does whose webhook was not answered.
func (k *killing) sendAgain(edge *running) {
	k.t.Helper()
	if k.again == "" {
		return
	}
	d := k.client.call(k.t.Context(), edge.addrs, k.again)
	if !d.yes {
		k.t.Errorf("a webhook that is sent again: %q", d.told)
	}
	k.ledger.did(d)
	k.again = ""
}

// rest waits until a process that has just started makes no more calls of its own.
func rest(t *testing.T, st *strike.Striker) {
	t.Helper()
	was := -1
	eventually(t, "the process is at rest", func() bool {
		seen, err := st.Seen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		calm := seen.Points == was
		was = seen.Points
		return calm
	})
}
