package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestKillUnderLoad kills the edge at random moments while mails, webhooks and
// queries come at once from clients that keep their own account of what was
// acknowledged. A client whose webhook is not answered sends it again.
func TestKillUnderLoad(t *testing.T) {
	t.Parallel()
	all := map[bool]int{true: 1000, false: 8}[*kills == "all"]
	e := newLoneEdge(t, "20GiB")
	l := newLedger(t)
	crowd := &crowd{client: e.client(2000), ledger: l}
	for done := 0; done < all; {
		round := min(50, all-done)
		for range round {
			crowd.storm(t.Context(), e.wiped(), time.Duration(20+rand.IntN(150))*time.Millisecond)
		}
		if done += round; done == all {
			crowd.finish(t.Context(), e.wiped())
		}
		l.read(e.take())
	}
	yes, recorded := l.balance()
	if yes < all {
		t.Errorf("only %d were acknowledged", yes)
	}
	t.Logf("%d kills: %d tried, %d acknowledged, %d recorded", all, len(l.deeds), yes, recorded)
}

// crowd is a number of clients.
type crowd struct {
	*client
	next atomic.Int64

	mu     sync.Mutex
	ledger *ledger
	again  []string // webhooks that were not answered
}

// storm lets them do what they do until the edge is killed.
func (c *crowd) storm(ctx context.Context, edge *running, after time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var dead atomic.Bool
	var lanes sync.WaitGroup
	lane := func(do doing) {
		for !dead.Load() {
			c.did(do(ctx, edge.addrs, deedMark(int(c.next.Add(1)))), false)
		}
	}
	for range 3 {
		lanes.Go(func() { lane(c.mail) })
		lanes.Go(func() { lane(c.ask) })
	}
	lanes.Go(func() {
		for !dead.Load() {
			mark, ok := c.unanswered()
			if !ok {
				mark = deedMark(int(c.next.Add(1)))
			}
			c.did(c.call(ctx, edge.addrs, mark), true)
		}
	})
	wait := time.NewTimer(after)
	<-wait.C
	edge.kill()
	dead.Store(true)
	cancel() // nothing more is answered to a packet
	lanes.Wait()
}

// finish has every webhook answered.
func (c *crowd) finish(ctx context.Context, edge *running) {
	for mark, ok := c.unanswered(); ok; mark, ok = c.unanswered() {
		d := c.call(ctx, edge.addrs, mark)
		if !d.yes {
			c.ledger.t.Fatalf("a webhook that is sent again: %q", d.told)
		}
		c.did(d, true)
	}
	edge.kill()
}

func (c *crowd) did(d deed, webhook bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.did(d)
	if webhook && !d.yes {
		c.again = append(c.again, d.mark)
	}
}

func (c *crowd) unanswered() (mark string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.again) == 0 {
		return "", false
	}
	mark, c.again = c.again[0], c.again[1:]
	return mark, true
}
