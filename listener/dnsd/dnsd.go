// Package dnsd is the DNS ear: an authoritative server for the owned domains
// that records who asks for them. Mail to a canary begins with a look-up of
// its domain, so a query is supporting evidence: it names a domain, never a
// token, and carries no token's weight.
//
// The ear answers for its zones alone and refuses everything else:
// other domains and classes, recursion, transfers, updates.
// Every name below an apex exists by wildcard, so names cannot be walked, and
// the answers say nothing about which names matter.
//
// The invariant: the first sighting of a (name, type, source network) within
// the period is durable before its answer is sent; equal queries meanwhile wait
// for the same record. Later ones are counted, and the counts are durable
// within a second. A network is the /24 of an IPv4 source, the /56 of an IPv6
// source. Above a rate, new names that neither stand in the zone nor pass the
// rule of acceptance are counted by zone, network and minute: a flood fills no
// disk, and names that a canary could have are recorded singly at any rate.
//
// A contact has Channel dns, Ear "dnsd", the source as Peer, the packet byte
// for byte as Raw, the name in lower case as its Target without a kind, and the
// Facts "qname" (the name with its letters' case), "qtype" ("MX"), "proto"
// ("udp", "tcp") and "zone". One that tells repeats has the zone as Target, the
// Facts "zone" and "repeats", their sum, and as Raw a line for each sighting:
// its contact, the count, and time, source, proto and qname of the last one:
//
//	k_3f9a… 17 2026-08-05T12:00:00.000001Z 198.51.100.1:5353 udp wWw.ExamPle.net
//
// One of a flood has the zone as Target, no Raw, the Facts of its last query,
// and "queries", how many there were, "network" ("198.51.100.0/24", or "other"
// for all that found no room) and "since", when the first came.
//
// When a contact cannot be made durable the answer is SERVFAIL; when too many
// wait for the store, packets are dropped. A fault in the handling of one
// packet is confined to it. Of the library only the message codec is used: the
// evidence is the bytes as they came, and the library's server starts any
// number of goroutines and does not survive a panic.
package dnsd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
)

// Config is what the ear needs.
type Config struct {
	// Zones are the owned domains; at least one.
	Zones []Zone
	// Hear makes contacts durable before it returns, with an answer for each:
	// nil is durable. It keeps nothing of them, for their memory is used again.
	Hear func(context.Context, []canary.Contact) []error
	// Accept reports whether a canary could have this name at this domain, both
	// in canonical form; it knows no canary. New names that pass it are recorded
	// singly at any rate. When nil, all names are.
	Accept func(local, domain string) bool
	// Now is the clock of the contacts' stamps.
	Now func() time.Time
	// Log gets the ear's state changes; it never gets a name that was asked.
	Log *slog.Logger
	// Limits bound what a stranger can grow. Zero fields take their defaults.
	Limits Limits
	// Seed is what the zones' profiles are drawn from (TTLs, serials, which of
	// the usual records there are). Edges with one seed answer alike.
	Seed []byte
	// Salt keys the digests by which repeats are recognised. Nothing durable
	// depends on it; when empty, a random one is used for the ear's life.
	Salt []byte
}

// Limits bound what a stranger can grow. Zero fields take the defaults; of Rate
// and Slip a negative value is none.
type Limits struct {
	Handlers    int           // UDP queries that may wait for the store at once; 1024
	Conns       int           // TCP connections open at once; 512. With half of them open, Idle is a fifth
	SourceConns int           // and of one network; 64
	ConnQueries int           // queries on one TCP connection; 1000
	Idle        time.Duration // time for one query on a TCP connection to arrive and be taken; 10 s
	HearWait    time.Duration // time for one contact to become durable; 3 s
	Drain       time.Duration // time to finish at the end, and again to record the repeats; 10 s
	Names       int           // sightings remembered at once; 100,000
	Period      time.Duration // how long a sighting makes equal ones repeats; 24 h
	Rate        int           // UDP answers of one kind a second to one network without a cookie; 200
	NewNames    int           // names a second that are recorded singly for one network though nobody should know them; 10
	AllNewNames int           // the same for all networks together; 50
	Slip        int           // over Rate, one answer in so many is sent, short; 2
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Handlers:    orDefault(l.Handlers, 1024),
		Conns:       orDefault(l.Conns, 512),
		SourceConns: orDefault(l.SourceConns, 64),
		ConnQueries: orDefault(l.ConnQueries, 1000),
		Idle:        orDefault(l.Idle, 10*time.Second),
		HearWait:    orDefault(l.HearWait, 3*time.Second),
		Drain:       orDefault(l.Drain, 10*time.Second),
		Names:       orDefault(l.Names, 100_000),
		Period:      orDefault(l.Period, 24*time.Hour),
		Rate:        cmp.Or(l.Rate, 200),
		Slip:        cmp.Or(l.Slip, 2),
		NewNames:    orDefault(l.NewNames, 10),
		AllNewNames: orDefault(l.AllNewNames, 50),
	}
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Server is the DNS ear. Make it with New and run it once.
type Server struct {
	cfg   Config
	zones map[string]*zone // by canonical name with its last dot
	seen  *sightings
	slots chan struct{} // one for each UDP query that waits for the store
	spare sync.Pool     // of *waiting
	// A goroutine that has done an errand waits for the next: its stack has the
	// size that it needs.
	errands chan errand
	idle    chan struct{}   // one for each that waits
	busy    *sync.WaitGroup // those queries
	conns   *connSet
	jar     jar
	rates   *buckets // nil when there is no limit

	floods *floods // nil when every name is recorded singly
	stats  counters
	down   atomic.Bool // the last Hear failed

	telling sync.Mutex
	owed    []summary // that the store did not take; guarded by telling
}

const idleMost = 16 // goroutines that wait for an errand

// New returns an ear, or every fault of its configuration at once.
func New(cfg Config) (*Server, error) {
	var faults []error
	if cfg.Hear == nil || cfg.Now == nil || cfg.Log == nil {
		faults = append(faults, errors.New("dns ear: Hear, Now and Log must be set"))
	}
	if len(cfg.Zones) == 0 {
		faults = append(faults, errors.New("dns ear: no zones"))
	}
	zones := map[string]*zone{}
	for _, z := range cfg.Zones {
		built, err := newZone(z, cfg.Seed)
		if err != nil {
			faults = append(faults, fmt.Errorf("dns ear: zone %q: %w", z.Name, err))
			continue
		}
		if zones[built.name] != nil {
			faults = append(faults, fmt.Errorf("dns ear: zone %q is given twice", z.Name))
		}
		zones[built.name] = built
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if len(cfg.Salt) == 0 {
		cfg.Salt = make([]byte, 32)
		rand.Read(cfg.Salt) // crypto/rand.Read never fails since Go 1.24
	}
	s := &Server{
		cfg:   cfg,
		zones: zones,
		seen:  newSightings(cfg.Salt, cfg.Limits.Names, cfg.Limits.Period),
		slots: make(chan struct{}, cfg.Limits.Handlers), errands: make(chan errand), idle: make(chan struct{}, idleMost),
		busy:  new(sync.WaitGroup),
		conns: newConnSet(cfg.Limits.Conns, cfg.Limits.SourceConns),
	}
	if rate := float64(cfg.Limits.Rate); rate > 0 {
		s.rates = newBuckets(rate, rate)
	}
	if cfg.Accept != nil {
		s.floods = newFloods(cfg.Limits.NewNames, cfg.Limits.AllNewNames)
	}
	return s, nil
}

// Run serves all the sockets until ctx ends or one of them fails for good, then
// lets the queries in hand finish, records the repeats, closes the sockets and
// returns. It owns the sockets from the start and may be called once. At the
// end of ctx the result is nil, unless queries or repeats were left behind.
func (s *Server) Run(ctx context.Context, packets []net.PacketConn, streams []net.Listener) error {
	defer closeAll(packets, streams)
	if len(packets)+len(streams) == 0 {
		return errors.New("dns ear: no socket to listen on")
	}
	ports := make([]socket, 0, len(packets))
	for _, pc := range packets {
		port, err := newSocket(pc)
		if err != nil {
			return fmt.Errorf("dns ear: prepare %s: %w", pc.LocalAddr(), err)
		}
		ports = append(ports, port)
	}

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	serve := func(loop func() error) func() {
		return func() {
			if err := loop(); err != nil {
				stop(&socketError{err})
			}
		}
	}
	var loops sync.WaitGroup // owned here: every loop ends with ctx or its socket
	for _, port := range ports {
		for range min(runtime.GOMAXPROCS(0), 8) {
			loops.Go(serve(func() error { return s.readPackets(ctx, port) }))
		}
	}
	for _, ln := range streams {
		loops.Go(serve(func() error { return s.acceptStreams(ctx, ln) }))
	}
	loops.Go(func() { s.tellRepeats(ctx) })
	s.cfg.Log.Info("dns ear listening", "packet_sockets", len(packets), "stream_sockets", len(streams), "zones", len(s.zones))

	<-ctx.Done()
	wake(packets, streams)
	s.conns.hurry()
	s.cfg.Log.Info("dns ear stopping")
	drained := s.drain(&loops)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.Drain)
	defer cancel()
	told := s.tellDue(last, true)
	s.cfg.Log.Info("dns ear stopped")

	if broken, ok := errors.AsType[*socketError](context.Cause(ctx)); ok {
		return errors.Join(broken.err, drained, told)
	}
	return errors.Join(drained, told)
}

// socketError is the cause of a stop that was not asked for.
type socketError struct{ err error }

func (e *socketError) Error() string { return e.err.Error() }

// drain waits until loops and queries have ended, but not for ever: a store
// that ignores its deadline must not keep the process.
func (s *Server) drain(loops *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { // ends with the last handler
		loops.Wait()
		s.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(s.cfg.Limits.Drain):
		return errors.New("dns ear: queries still waited for the store when the time to drain was over")
	}
}

// wake ends blocked reads and accepts; answers can still be written.
func wake(packets []net.PacketConn, streams []net.Listener) {
	for _, pc := range packets {
		_ = pc.SetReadDeadline(longAgo()) // a socket that cannot is closed at the end
	}
	for _, ln := range streams {
		_ = ln.Close() // a second close at the end is harmless
	}
}

func closeAll(packets []net.PacketConn, streams []net.Listener) {
	for _, pc := range packets {
		_ = pc.Close()
	}
	for _, ln := range streams {
		_ = ln.Close()
	}
}

// longAgo is a deadline that has passed by any clock.
func longAgo() time.Time { return time.Unix(1, 0) }
