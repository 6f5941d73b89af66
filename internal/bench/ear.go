package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
	"saltmine/listener"
	"saltmine/listener/dnsd"
	"saltmine/listener/smtpd"
)

const domain = "example.net"

// ear is the measured process as its parent sees it.
type ear struct {
	cmd       *exec.Cmd
	ask       io.WriteCloser
	answers   *bufio.Reader
	mail, dns string // where it listens
}

// count is what the ears have made durable so far.
type count struct {
	MailAddr, DNSAddr string // where they listen, in the first answer only
	Messages, DNS     int64
}

// startEar starts this program again as the ears. It ends when its standard
// input closes, so it ends with us in every case.
func startEar(ctx context.Context, dir string) (*ear, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e := &ear{cmd: exec.CommandContext(ctx, self, "-ear", filepath.Join(dir, "ear"))}
	e.cmd.Stderr = os.Stderr
	if e.ask, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.answers = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := e.read()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the ears did not start: %w", err), e.stop())
	}
	e.mail, e.dns = first.MailAddr, first.DNSAddr
	return e, nil
}

// counted asks for what is durable.
func (e *ear) counted() (count, error) {
	if _, err := io.WriteString(e.ask, "\n"); err != nil {
		return count{}, err
	}
	return e.read()
}

func (e *ear) read() (c count, err error) {
	text, err := e.answers.ReadBytes('\n')
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

func (e *ear) stop() error {
	return errors.Join(e.ask.Close(), e.cmd.Wait())
}

// beEar is the measured process: both ears on one spool, as serve wires them.
func beEar(ctx context.Context, dir string) error {
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
	road := listener.New(listener.Config{
		Seal:   keys.Core.Lid().Seal,
		Append: func(ctx context.Context, key listener.Key, sealed []byte) error { return sp.Append(ctx, key, sealed) },
		AppendAll: func(ctx context.Context, records []listener.Record) []error {
			items := make([]spool.Item, len(records))
			for i, r := range records {
				items[i] = spool.Item{Key: r.Key, Sealed: r.Sealed}
			}
			return sp.AppendAll(ctx, items)
		},
		Full: func(err error) bool { return errors.Is(err, spool.ErrFull) },
	})
	h := &hearing{road: road}
	addrs, wait, err := serve(ctx, keys, h)
	if err != nil {
		return errors.Join(err, sp.Close())
	}
	out := json.NewEncoder(os.Stdout)
	err = out.Encode(addrs)
	for asked := bufio.NewScanner(os.Stdin); err == nil && asked.Scan(); {
		err = out.Encode(count{Messages: h.messages.Load(), DNS: h.queries.Load()})
	}
	cancel()
	return errors.Join(err, wait(), sp.Close())
}

// hearing counts what has become durable.
type hearing struct {
	road              *listener.Road
	messages, queries atomic.Int64
}

func (h *hearing) hear(ctx context.Context, c canary.Contact) error {
	err := h.road.Hear(ctx, c)
	if err == nil && !c.Open && !c.Probe {
		h.messages.Add(1)
	}
	return err
}

func (h *hearing) hearAll(ctx context.Context, contacts []canary.Contact) []error {
	errs := h.road.HearAll(ctx, contacts)
	for _, err := range errs {
		if err == nil {
			h.queries.Add(1)
		}
	}
	return errs
}

// serve opens both ears; wait returns when they have ended with ctx.
func serve(ctx context.Context, keys *seal.Keys, h *hearing) (addrs count, wait func() error, err error) {
	rule, err := token.NewRule(keys.Accept(), 1) // the work of a name that passes, for every name
	if err != nil {
		return addrs, nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	mail, err := smtpd.New(smtpd.Config{Hostname: "mx." + domain, Domains: []string{domain}, Accept: rule.Passes, Hear: h.hear, Now: time.Now, Log: log})
	if err != nil {
		return addrs, nil, err
	}
	dns, err := dnsd.New(dnsd.Config{
		Zones: []dnsd.Zone{{Name: domain, MailHosts: []string{"mx." + domain}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}},
		Hear:  h.hearAll, Now: time.Now, Log: log,
		Limits: dnsd.Limits{Rate: -1}, // the load comes from one network; NSD has no limit either
	})
	if err != nil {
		return addrs, nil, err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return addrs, nil, err
	}
	pc, err := lc.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return addrs, nil, errors.Join(err, ln.Close())
	}
	var serving sync.WaitGroup // both end with ctx
	var failed [2]error
	serving.Go(func() { failed[0] = mail.Run(ctx, ln) })
	serving.Go(func() { failed[1] = dns.Run(ctx, []net.PacketConn{pc}, nil) })
	wait = func() error {
		serving.Wait()
		return errors.Join(failed[:]...)
	}
	return count{MailAddr: ln.Addr().String(), DNSAddr: pc.LocalAddr().String()}, wait, nil
}
