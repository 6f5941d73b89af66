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
	d.coreAgain.note = fmt.Sprintf("a question takes saltmine %.1f µs of the processor", median(d.spentAgain))
	d.fresh.note = fmt.Sprintf("a question takes saltmine %.1f µs of the processor", median(d.spentFresh))
	return []comparison{d.nsdAgain, d.coreAgain, d.fresh}, nil
}

type dnsRounds struct {
	*plan
	ear                        *ear
	nsd, coredns               string
	known                      string // file of names
	nsdAgain, coreAgain, fresh comparison
	spentAgain, spentFresh     []float64 // microseconds of the processor for a question
}

// again asks for the same names.
func (d *dnsRounds) again(ctx context.Context) error {
	long := []string{"-l", strconv.Itoa(d.seconds)}
	ours, _, err := d.asked(ctx, &d.spentAgain, d.known, waiting, long...)
	if err != nil {
		return err
	}
	var theirs [2]float64
	for i, addr := range []string{d.nsd, d.coredns} {
		if theirs[i], err = query(ctx, addr, d.known, waiting, long...); err != nil {
			return fmt.Errorf("%s: %w", addr, err)
		}
	}
	d.nsdAgain.add(ours, theirs[0])
	d.coreAgain.add(ours, theirs[1])
	return nil
}

// asked asks the ear, adds the processor's time for a question to spent, in
// microseconds, and gives the answers per second and the records there are more.
func (d *dnsRounds) asked(ctx context.Context, spent *[]float64, file string, underWay int, args ...string) (rate float64, recorded int64, err error) {
	before, err := d.ear.counted()
	if err != nil {
		return 0, 0, err
	}
	text, err := allAnswered(ctx, d.ear.at.DNS, file, underWay, args...)
	if err != nil {
		return 0, 0, err
	}
	after, err := d.ear.counted()
	if err != nil {
		return 0, 0, err
	}
	questions, err := figure(text, "Queries completed")
	if err != nil {
		return 0, 0, err
	}
	*spent = append(*spent, (after.Processor-before.Processor).Seconds()*1e6/questions)
	rate, err = answerRate(text)
	return rate, after.DNS - before.DNS, err
}

// new asks for names that nobody has asked for.
func (d *dnsRounds) new(ctx context.Context, round int) error {
	file, err := names(d.dir, fmt.Sprintf("new%d", round), d.names)
	if err != nil {
		return err
	}
	ours, recorded, err := d.asked(ctx, &d.spentFresh, file, deep, "-n", "1")
	if err != nil {
		return err
	}
	// MX and A of every name; counts of repeats may come beside them.
	if recorded < int64(2*d.names) {
		return fmt.Errorf("of %d new questions %d are in the spool", 2*d.names, recorded)
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

// query runs dnsperf and returns the answers per second.
func query(ctx context.Context, addr, file string, underWay int, args ...string) (float64, error) {
	text, err := allAnswered(ctx, addr, file, underWay, args...)
	if err != nil {
		return 0, err
	}
	return answerRate(text)
}

// allAnswered runs dnsperf. Anything but an answer of NOERROR to every question
// is an error.
func allAnswered(ctx context.Context, addr, file string, underWay int, args ...string) (string, error) {
	text, err := dnsperf(ctx, addr, file, underWay, args...)
	if err != nil {
		return "", err
	}
	if !strings.Contains(text, "Queries lost:         0 ") || !regexp.MustCompile(`Response codes: +NOERROR \d+ \(100\.00%\)`).MatchString(text) {
		return "", fmt.Errorf("not every question was answered:\n%s", text)
	}
	return text, nil
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

func answerRate(text string) (float64, error) { return figure(text, "Queries per second") }

// figure is one line of what dnsperf prints at its end.
func figure(text, name string) (float64, error) {
	found := regexp.MustCompile(name + `: +([0-9.]+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("dnsperf gave no %q:\n%s", name, text)
	}
	return strconv.ParseFloat(found[1], 64)
}
