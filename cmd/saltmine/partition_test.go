package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
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
// it holds is taken in once, over a line that breaks again and again, and pages for
// what it hits.
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
	addresses := slices.DeleteFunc(tokens, func(tok canary.DatedToken) bool { return tok.Kind != canary.Email })
	e := s.enrollEdge()
	e.hold(*partitionContacts, func(i int) string {
		if i%1000 == 0 {
			return addresses[(i/1000)%len(addresses)].Text
		}
		return fmt.Sprintf("guess%d@%s", i, testDomains()[i%5])
	})
	line := e.onABadLine()
	s.serve()
	start := time.Now()
	edge := e.start("edge")
	line.to.Store(edge.addrs["edge"])
	waitUpTo(t, time.Minute+time.Duration(*partitionContacts)*5*time.Millisecond, "the core has what the edge held", func() bool {
		return strings.Contains(get(t, edge.addrs["admin"], "/metrics"), "saltmine_spool_pending 0\n")
	})
	took := time.Since(start)
	counts, err := reg.ContactCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := counts["smtp"]
	if n != *partitionContacts {
		t.Errorf("%d contacts are filed, %d were held", n, *partitionContacts)
	}
	waitUpTo(t, 4*time.Minute, "somebody is paged", func() bool {
		pages, _ := s.hook.received()
		return len(pages) > 0
	})
	if line.cuts.Load() == 0 {
		t.Error("the line never broke")
	}
	rate := float64(n) / took.Seconds()
	t.Logf("%d contacts of 72 hours taken in %s over a line that broke %d times: %.0f a second, %.0f times as fast as they came", n, took.Round(time.Millisecond), line.cuts.Load(), rate, rate*(72*time.Hour).Seconds()/float64(n))
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

// badLine stands between core and edge and breaks in the middle of what it carries.
type badLine struct {
	t    *testing.T
	to   atomic.Value // string: where the edge is
	cuts atomic.Int64
}

// onABadLine has the edge listen elsewhere, and the line where the core looks for it.
func (e *farEdge) onABadLine() *badLine {
	e.t.Helper()
	before, rest, _ := strings.Cut(e.read("saltmine.toml"), "[edge]\nlisten = \"")
	addr, after, ok := strings.Cut(rest, "\"")
	if !ok {
		e.t.Fatalf("no [edge] in the edge's configuration: %s", before)
	}
	e.write("saltmine.toml", before+"[edge]\nlisten = \"127.0.0.1:0\""+after)
	ln, err := (&net.ListenConfig{}).Listen(e.t.Context(), "tcp", addr)
	if err != nil {
		e.t.Fatal(err)
	}
	l := &badLine{t: e.t}
	l.to.Store("")
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(conn) })
		}
	})
	e.t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
	return l
}

// carry takes up to some megabytes from the edge to the core, and breaks.
func (l *badLine) carry(core net.Conn) {
	defer core.Close()
	edge, err := (&net.Dialer{}).DialContext(l.t.Context(), "tcp", l.to.Load().(string))
	if err != nil {
		return // it is not there yet
	}
	defer edge.Close()
	defer context.AfterFunc(l.t.Context(), func() { core.Close(); edge.Close() })()
	go func() {
		io.Copy(edge, core) //nolint:errcheck // the line breaks
		edge.Close()
	}()
	if _, err := io.CopyN(core, edge, rand.Int64N(10<<20)); err == nil {
		l.cuts.Add(1)
	}
}
