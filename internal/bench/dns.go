package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The load of DNS.
const (
	known   = 500 // names that come again
	clients = 4
	waiting = 100 // questions under way
	// deep is how many are under way at an ear that makes each durable: a flood
	// does not wait for the disk. More are lost in the queue of CoreDNS's socket,
	// and make it no faster.
	deep = 800
)

// compareDNS measures dnsd beside NSD and CoreDNS with names that it has seen
// before, and beside CoreDNS with names of which every one is new and has to be
// recorded.
func compareDNS(ctx context.Context, p *plan, e *ear) (list []comparison, err error) {
	n, err := startNSD(ctx, filepath.Join(p.dir, "nsd"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	c, err := startCoreDNS(ctx, filepath.Join(p.dir, "coredns"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	old, err := names(p.dir, "known", known)
	if err != nil {
		return nil, err
	}
	for _, addr := range []string{e.at.DNS, n.addr, c.addr} { // now they are
		if _, err := query(ctx, addr, old, waiting, "-n", "1"); err != nil {
			return nil, err
		}
	}
	d := &dnsRounds{
		plan: p, ear: e, nsd: n.addr, coredns: c.addr, known: old,
		nsdAgain:  comparison{what: "dns, names seen before", peer: "nsd", wanted: wantedNSD},
		coreAgain: comparison{what: "dns, names seen before", peer: "coredns", wanted: wantedCoreDNS},
		fresh:     comparison{what: "dns, every name new and durable before the answer", peer: "coredns, which records nothing", wanted: wantedFresh},
	}
	for round := range p.rounds {
		if err := d.again(ctx); err != nil {
			return nil, err
		}
		if err := d.new(ctx, round); err != nil {
			return nil, err
		}
	}
	return []comparison{d.nsdAgain, d.coreAgain, d.fresh}, nil
}

type dnsRounds struct {
	*plan
	ear                        *ear
	nsd, coredns               string
	known                      string // file of names
	nsdAgain, coreAgain, fresh comparison
}

// again asks for the same names.
func (d *dnsRounds) again(ctx context.Context) error {
	var rates [3]float64
	for i, addr := range []string{d.ear.at.DNS, d.nsd, d.coredns} {
		var err error
		if rates[i], err = query(ctx, addr, d.known, waiting, "-l", strconv.Itoa(d.seconds)); err != nil {
			return fmt.Errorf("%s: %w", addr, err)
		}
	}
	d.nsdAgain.add(rates[0], rates[1])
	d.coreAgain.add(rates[0], rates[2])
	return nil
}

// new asks for names that nobody has asked for.
func (d *dnsRounds) new(ctx context.Context, round int) error {
	file, err := names(d.dir, fmt.Sprintf("new%d", round), d.names)
	if err != nil {
		return err
	}
	before, err := d.ear.counted()
	if err != nil {
		return err
	}
	ours, err := query(ctx, d.ear.at.DNS, file, deep, "-n", "1")
	if err != nil {
		return err
	}
	after, err := d.ear.counted()
	if err != nil {
		return err
	}
	// MX and A of every name; counts of repeats may come beside them.
	if got := after.DNS - before.DNS; got < int64(2*d.names) {
		return fmt.Errorf("of %d new questions %d are in the spool", 2*d.names, got)
	}
	theirs, err := query(ctx, d.coredns, file, waiting, "-n", "1")
	if err != nil {
		return fmt.Errorf("coredns: %w", err)
	}
	d.fresh.add(ours, theirs)
	return nil
}

// names writes a file of questions: MX and A of n names.
func names(dir, prefix string, n int) (path string, err error) {
	path = filepath.Join(dir, prefix+".txt")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, "%[1]s-%[2]d.%[3]s MX\n%[1]s-%[2]d.%[3]s A\n", prefix, i, domain) //nolint:errcheck // Flush tells
	}
	return path, errors.Join(w.Flush(), f.Close())
}

// query runs dnsperf and returns the answers per second. Anything but an
// answer of NOERROR to every question is an error.
func query(ctx context.Context, addr, file string, underWay int, args ...string) (float64, error) {
	text, err := dnsperf(ctx, addr, file, underWay, args...)
	if err != nil {
		return 0, err
	}
	if !strings.Contains(text, "Queries lost:         0 ") || !regexp.MustCompile(`Response codes: +NOERROR \d+ \(100\.00%\)`).MatchString(text) {
		return 0, fmt.Errorf("not every question was answered:\n%s", text)
	}
	return answerRate(text)
}

func dnsperf(ctx context.Context, addr, file string, underWay int, args ...string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	args = append([]string{"-s", host, "-p", port, "-d", file, "-c", strconv.Itoa(clients), "-T", "1", "-b", "2048", "-q", strconv.Itoa(underWay)}, args...)
	out, err := onLoadCores(ctx, program("dnsperf"), args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	return string(out), nil
}

func answerRate(text string) (float64, error) {
	found := regexp.MustCompile(`Queries per second: +([0-9.]+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("dnsperf gave no rate:\n%s", text)
	}
	return strconv.ParseFloat(found[1], 64)
}
