package main

import (
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
)

// partitionContacts is what an edge hears while the core is away. A contact every
// ten seconds is much for a site; ten times that for 72 hours are 259,200.
var partitionContacts = flag.Int("partition", 6000, "contacts that TestEdgePartition has an edge hold")

// TestEdgePartition has an edge come out of three days on its own: everything that
// it holds is taken in once, and pages for what it hits.
func TestEdgePartition(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "40", "--batch", "first")
	reg := s.open()
	tokens, err := reg.PlantedTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := s.enrollEdge()
	e.hold(*partitionContacts, func(i int) string {
		if tok := tokens[(i/1000)%len(tokens)]; i%1000 == 0 && tok.Kind == canary.Email {
			return tok.Text
		}
		return fmt.Sprintf("guess%d@%s", i, testDomains()[i%5])
	})
	s.serve()
	start := time.Now()
	e.start("edge")
	n := 0
	eventually(t, "the core has what the edge held", func() bool {
		counts, err := reg.ContactCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n = counts["smtp"]
		return n >= *partitionContacts
	})
	took := time.Since(start)
	if n != *partitionContacts {
		t.Errorf("%d contacts are filed, %d were held", n, *partitionContacts)
	}
	eventually(t, "somebody is paged", func() bool {
		pages, _ := s.hook.received()
		return len(pages) > 0
	})
	rate := float64(n) / took.Seconds()
	t.Logf("%d contacts of 72 hours taken in %s: %.0f a second, %.0f times as fast as they came", n, took.Round(time.Millisecond), rate, rate*(72*time.Hour).Seconds()/float64(n))
}

// hold gives the edge's spool contacts as its mail ear would have. They are of now:
// the canaries have not stood for longer.
func (e *farEdge) hold(n int, address func(i int) string) {
	e.t.Helper()
	keys, err := seal.LoadEdge(e.path("keys"))
	if err != nil {
		e.t.Fatal(err)
	}
	sp, err := spool.Open(spool.Config{Dir: e.path("spool"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() {
		if err := sp.Close(); err != nil {
			e.t.Error(err)
		}
	}()
	road := newRoad(keys.Lid, sp)
	var next atomic.Int64
	var lanes sync.WaitGroup
	for range 64 {
		lanes.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				c := canary.Contact{
					ID: canary.ContactID(canary.NewID("k")), Channel: canary.SMTP, At: time.Now(), Ear: "smtpd", Peer: "192.0.2.9:4711",
					Targets: []canary.Target{{Kind: canary.Email, Text: address(i)}}, Facts: map[string]string{"end": "quit"}, Raw: make([]byte, 2000),
				}
				if err := road.Hear(e.t.Context(), c); err != nil {
					e.t.Error(err)
					return
				}
			}
		})
	}
	lanes.Wait()
}
