package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
)

const (
	floodRate  = 50_000 // questions a second
	floodNames = 200_000
	floodWaits = 5000 // questions under way; what the socket's queue does not take is lost
)

// measureFlood has an ear of its own hold idle connections and answer a flood of
// random names, while once a second a planted address and a planted name are
// tried from elsewhere. All of these must be in the spool; what is measured is
// the memory.
func measureFlood(ctx context.Context, p *plan) (b bound, err error) {
	e, err := startEar(ctx, p, true)
	if err != nil {
		return b, err
	}
	running := true
	defer func() {
		if running {
			err = errors.Join(err, e.stop())
		}
	}()
	planted, err := plantedNames(e, p.floodSeconds)
	if err != nil {
		return b, err
	}
	idle, err := holdIdle(ctx, e.at.Mail)
	defer func() {
		for _, c := range idle {
			_ = c.Close()
		}
	}()
	if err != nil {
		return b, err
	}
	rate, err := floodAndProbe(ctx, p, e, planted)
	if err != nil {
		return b, err
	}
	peak, err := e.peak()
	if err != nil {
		return b, err
	}
	running = false
	if err := e.stop(); err != nil {
		return b, err
	}
	if err := allRecorded(ctx, e, planted); err != nil {
		return b, err
	}
	return bound{
		what: fmt.Sprintf("peak memory, MB, under %d idle SMTP connections and a flood of names", idleConns), got: peak / (1 << 20), most: wantedResident,
		note: fmt.Sprintf("%.0f of %d questions a second were answered; %d probes by mail and %d by DNS, all recorded", rate, floodRate, len(planted), len(planted)),
	}, nil
}

// plantedNames are local parts that pass the rule, one for each second.
func plantedNames(e *ear, n int) (names []string, err error) {
	keys, err := seal.Load(e.keys())
	if err != nil {
		return nil, err
	}
	rule, err := token.NewRule(keys.Accept(), acceptOneIn)
	if err != nil {
		return nil, err
	}
	for i := 0; len(names) < n; i++ {
		if name := "planted" + strconv.Itoa(i); rule.Passes(name, domain) {
			names = append(names, name)
		}
	}
	return names, nil
}

// holdIdle opens connections from many addresses of this machine and reads the
// greeting of each.
func holdIdle(ctx context.Context, addr string) (conns []net.Conn, err error) {
	const perAddress = 40
	for i := range idleConns {
		from := net.IPv4(127, 1, byte(i/perAddress>>8), byte(i/perAddress))
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return conns, fmt.Errorf("idle connection %d: %w", i, err)
		}
		conns = append(conns, c)
		greeting := make([]byte, 4)
		if _, err := c.Read(greeting); err != nil || string(greeting) != "220 " {
			return conns, fmt.Errorf("idle connection %d was greeted %q: %w", i, greeting, err)
		}
	}
	return conns, nil
}

// floodAndProbe returns the questions a second that were answered.
func floodAndProbe(ctx context.Context, p *plan, e *ear, planted []string) (rate float64, err error) {
	file, err := names(p.dir, fmt.Sprintf("flood%d", time.Now().UnixNano()), floodNames)
	if err != nil {
		return 0, err
	}
	var flood sync.WaitGroup
	var failed error
	flood.Go(func() {
		var text string
		text, failed = dnsperf(ctx, e.at.DNS, file, floodWaits, "-Q", strconv.Itoa(floodRate), "-l", strconv.Itoa(p.floodSeconds), "-t", "1")
		if failed == nil {
			rate, failed = answerRate(text)
		}
	})
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var faults []error
	for _, name := range planted {
		<-tick.C
		faults = append(faults, probeMail(ctx, e.at.Mail, name), probeDNS(ctx, e.at.DNS, name))
	}
	flood.Wait()
	return rate, errors.Join(append(faults, failed)...)
}

// probeMail asks whether an address exists and leaves.
func probeMail(ctx context.Context, addr, name string) error {
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, 9, 9)}}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is under way
	answer := make([]byte, 512)
	for _, line := range []string{"", "HELO probe.example.org", "MAIL FROM:<>", "RCPT TO:<" + name + "@" + domain + ">", "QUIT"} {
		if line != "" {
			if _, err := fmt.Fprintf(c, "%s\r\n", line); err != nil {
				return err
			}
		}
		if n, err := c.Read(answer); err != nil || answer[0] != '2' {
			return fmt.Errorf("probe: %q was answered %q: %w", line, answer[:n], err)
		}
	}
	return nil
}

// probeDNS resolves a name as a resolver does, with its second tries.
func probeDNS(ctx context.Context, addr, name string) error {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 9, 9, 9)}}).DialContext(ctx, "udp", addr)
	}}
	_, err := r.LookupHost(ctx, name+"."+domain+".")
	return err
}

// allRecorded looks into the spool for the probes of either kind.
func allRecorded(ctx context.Context, e *ear, planted []string) (err error) {
	keys, err := seal.Load(e.keys())
	if err != nil {
		return err
	}
	sp, err := spool.Open(spool.Config{Dir: e.spool(), Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	missing := map[string]bool{}
	for _, name := range planted {
		missing[name+"@"+domain], missing[name+"."+domain] = true, true
	}
	for from := spool.Cursor(0); ; {
		records, err := sp.Read(ctx, from, 0)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			from = r.Next
			if err := strike(keys.Core, r.Sealed, missing); err != nil {
				return err
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d probes are not in the spool, %s among them", len(missing), 2*len(planted), slices.Sorted(maps.Keys(missing))[0])
	}
	return nil
}

func strike(core *seal.Opener, sealed []byte, missing map[string]bool) error {
	plain, err := core.Open(sealed)
	if err != nil {
		return err
	}
	var c canary.Contact
	if err := c.UnmarshalBinary(plain); err != nil {
		return err
	}
	for _, t := range c.Targets {
		delete(missing, t.Text)
	}
	return nil
}
