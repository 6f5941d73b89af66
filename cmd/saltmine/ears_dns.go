package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/listener/dnsd"
)

// dnsZones are the pool's domains as the DNS ear serves them.
func dnsZones(cfg *conf.Config) []dnsd.Zone {
	var zones []dnsd.Zone
	for _, name := range cfg.Pool.Domains {
		own := cfg.DNS.Zone(name)
		z := dnsd.Zone{
			Name: name, Nameservers: own.Nameservers, MailHosts: own.MailHosts, Addrs: own.Addresses,
			TXT: own.TXT, Records: own.Records, Omit: own.Omit,
		}
		if len(z.Nameservers) == 0 {
			z.Nameservers = cfg.DNS.Nameservers
		}
		if len(z.MailHosts) == 0 && cfg.SMTP != nil {
			z.MailHosts = []string{cfg.SMTP.Hostname}
		}
		if len(z.Addrs) == 0 {
			z.Addrs = cfg.DNS.Addresses
		}
		zones = append(zones, z)
	}
	return zones
}

// checkZones reports every fault of the zones without taking a port.
func (a *app) checkZones(cfg *conf.Config, seed []byte) error {
	_, err := dnsd.New(dnsd.Config{
		Zones: dnsZones(cfg), Seed: seed, Now: a.now, Log: slog.New(slog.DiscardHandler),
		Hear: func(context.Context, []canary.Contact) []error { return nil }, // never called: nothing is run
	})
	return err
}

func (e *ears) dns(ctx context.Context) error {
	c := e.cfg.DNS
	if c == nil {
		return nil
	}
	srv, err := dnsd.New(dnsd.Config{
		Zones: dnsZones(e.cfg), Seed: e.seed, Accept: e.rule.Passes, Hear: e.road.HearAll, Now: e.now, Log: e.log.With("ear", "dnsd"),
		Limits: dnsd.Limits{Rate: cmp.Or(c.AnswersPerSecond, -1), Slip: cmp.Or(c.Slip, -1)},
	})
	if err != nil {
		return fmt.Errorf("[dns]: %w", err)
	}
	var packets []net.PacketConn
	var streams []net.Listener
	for _, addr := range c.Listen {
		pc, ln, err := e.listenBoth(ctx, addr)
		if err != nil {
			return err
		}
		packets, streams = append(packets, pc), append(streams, ln)
	}
	e.jobs = append(e.jobs, job{"dnsd", func(ctx context.Context) error { return srv.Run(ctx, packets, streams) }})
	e.stats = append(e.stats, func() (string, map[string]float64) { return "dnsd", dnsStats(srv.Stats()) })
	return nil
}

func dnsStats(s dnsd.Stats) map[string]float64 {
	return map[string]float64{
		"udp": float64(s.UDP), "tcp": float64(s.TCP), "malformed": float64(s.Malformed), "refused": float64(s.Refused),
		"first": float64(s.First), "repeats": float64(s.Repeats), "summed": float64(s.Summed), "unheard": float64(s.Unheard), "dropped": float64(s.Dropped),
		"lost": float64(s.Lost), "limited": float64(s.Limited), "truncated": float64(s.Truncated),
	}
}

// listenBoth takes one port for UDP and TCP. Port 0 takes any port that is free
// for both.
func (e *ears) listenBoth(ctx context.Context, addr string) (net.PacketConn, net.Listener, error) {
	ln, err := e.listen(ctx, "dns", addr)
	if err != nil {
		return nil, nil, err
	}
	pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", ln.Addr().String())
	if err != nil {
		return nil, nil, fmt.Errorf("[dns] listen: %w", err)
	}
	e.opened = append(e.opened, pc)
	return pc, ln, nil
}
