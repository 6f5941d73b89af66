package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
	"saltmine/internal/webhook"
	"saltmine/listener"
	"saltmine/listener/dnsd"
	"saltmine/listener/phone"
	"saltmine/listener/smtpd"
)

// Of a flooded process.
const (
	acceptOneIn = 64
	idleConns   = 10_000
)

// beEar is the measured process: the ears on one spool, as an edge wires them,
// with an edge's bounds of memory.
func beEar(ctx context.Context, dir string, flooded bool) error {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(400 << 20)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		return err
	}
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	sp, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "spool"), Now: time.Now})
	if err != nil {
		return err
	}
	h := newHearing(keys, sp)
	s := &ears{hearing: h, flooded: flooded, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	g := new(jobs)
	if err := s.open(ctx, g, keys); err != nil {
		cancel()
		return errors.Join(err, g.Wait(), sp.Close())
	}
	out := json.NewEncoder(os.Stdout)
	err = out.Encode(s.at)
	for asked := bufio.NewScanner(os.Stdin); err == nil && asked.Scan(); {
		err = out.Encode(h.counted())
	}
	cancel()
	return errors.Join(err, g.Wait(), sp.Close())
}

// jobs are what ends with the process, and their faults.
type jobs struct {
	all  sync.WaitGroup
	mu   sync.Mutex
	errs []error
}

// Go runs a job.
func (g *jobs) Go(job func() error) {
	g.all.Go(func() {
		err := job()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.errs = append(g.errs, err)
	})
}

// Wait returns when all have ended.
func (g *jobs) Wait() error {
	g.all.Wait()
	return errors.Join(g.errs...)
}

// hearing counts what has become durable.
type hearing struct {
	road                     *listener.Road
	messages, queries, hooks atomic.Int64
}

func newHearing(keys *seal.Keys, sp *spool.Spool) *hearing {
	return &hearing{road: listener.New(listener.Config{
		Seal:   keys.Core.Lid().AppendSealed,
		Append: func(ctx context.Context, key listener.Key, sealed []byte) error { return sp.Append(ctx, key, sealed) },
		AppendAll: func(ctx context.Context, records []listener.Record) []error {
			items := make([]spool.Item, len(records))
			for i, r := range records {
				items[i] = spool.Item{Key: r.Key, Sealed: r.Sealed}
			}
			return sp.AppendAll(ctx, items)
		},
		Full: func(err error) bool { return errors.Is(err, spool.ErrFull) },
	})}
}

func (h *hearing) counted() count {
	return count{Messages: h.messages.Load(), DNS: h.queries.Load(), Hooks: h.hooks.Load(), Processor: processorTime()}
}

func (h *hearing) mail(ctx context.Context, c canary.Contact) error {
	err := h.road.Hear(ctx, c)
	if err == nil && !c.Open && !c.Probe {
		h.messages.Add(1)
	}
	return err
}

func (h *hearing) dns(ctx context.Context, contacts []canary.Contact) []error {
	errs := h.road.HearAll(ctx, contacts)
	for _, err := range errs {
		if err == nil {
			h.queries.Add(1)
		}
	}
	return errs
}

func (h *hearing) hook(ctx context.Context, c canary.Contact) error {
	err := h.road.Hear(ctx, c)
	if err == nil {
		h.hooks.Add(1)
	}
	return err
}

// ears are the listeners of the measured process; they end with its context.
type ears struct {
	*hearing
	flooded bool
	log     *slog.Logger
	at      addresses
}

func (s *ears) open(ctx context.Context, g *jobs, keys *seal.Keys) error {
	oneIn := 1 // the work of a name that passes, for every name
	if s.flooded {
		oneIn = acceptOneIn
	}
	rule, err := token.NewRule(keys.Accept(), oneIn)
	if err != nil {
		return err
	}
	return errors.Join(s.serveMail(ctx, g, rule), s.serveDNS(ctx, g, rule), s.serveHooks(ctx, g, &s.at.Hooks, s.hook),
		s.serveHooks(ctx, g, &s.at.Bare, func(context.Context, canary.Contact) error { return nil }))
}

func listen(ctx context.Context, at *string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", "127.0.0.1:0") // as an edge listens
	if err == nil {
		*at = ln.Addr().String()
	}
	return ln, err
}

func (s *ears) serveMail(ctx context.Context, g *jobs, rule token.Rule) error {
	limits := smtpd.Limits{PerAddress: 200} // the load comes from one address
	if s.flooded {
		limits = smtpd.Limits{Connections: 2 * idleConns}
	}
	mail, err := smtpd.New(smtpd.Config{
		Hostname: "mx." + domain, Domains: []string{domain}, Accept: rule.Passes, Hear: s.mail, Now: time.Now, Log: s.log, Limits: limits,
	})
	if err != nil {
		return err
	}
	ln, err := listen(ctx, &s.at.Mail)
	if err == nil {
		g.Go(func() error { return mail.Run(ctx, ln) })
	}
	return err
}

func (s *ears) serveDNS(ctx context.Context, g *jobs, rule token.Rule) error {
	cfg := dnsd.Config{
		Zones: []dnsd.Zone{{Name: domain, MailHosts: []string{"mx." + domain}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}},
		Hear:  s.dns, Now: time.Now, Log: s.log,
		Limits: dnsd.Limits{Rate: -1}, // the load comes from one network; the others have no limit either
	}
	if s.flooded {
		cfg.Accept = rule.Passes
	}
	dns, err := dnsd.New(cfg)
	if err != nil {
		return err
	}
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.at.DNS = pc.LocalAddr().String()
	g.Go(func() error { return dns.Run(ctx, []net.PacketConn{pc}, nil) })
	return nil
}

func (s *ears) serveHooks(ctx context.Context, g *jobs, at *string, hear func(context.Context, canary.Contact) error) error {
	ear, err := phone.New(phone.Config{
		PublicURL: "https://calls." + domain, Providers: []phone.Provider{{Kind: phone.Generic, Secret: hookSecret}}, Hear: hear, Now: time.Now, Log: s.log,
	})
	if err != nil {
		return err
	}
	ln, err := listen(ctx, at)
	if err != nil {
		return err
	}
	srv := webhook.Server(ear, s.log)
	g.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { // ends the one above
		<-ctx.Done()
		return srv.Close()
	})
	return nil
}
