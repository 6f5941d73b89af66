package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The load of DNS.
const (
	known   = 500 // names that come again
	clients = 4
)

// compareDNS measures dnsd beside NSD: with names that it has seen before, and
// with names of which every one is new and has to be recorded.
func compareDNS(ctx context.Context, p *plan, e *ear) (list []comparison, err error) {
	n, err := startNSD(ctx, filepath.Join(p.dir, "nsd"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	again := comparison{what: "dns, names seen before", peer: "nsd"}
	fresh := comparison{what: "dns, every name new and recorded", peer: "nsd"}
	old, err := names(p.dir, "known", known)
	if err != nil {
		return nil, err
	}
	if _, err := query(ctx, e.dns, old, "-n", "1"); err != nil { // now they are
		return nil, err
	}
	if _, err := query(ctx, n.addr, old, "-n", "1"); err != nil {
		return nil, err
	}
	for round := range p.rounds {
		if err := compareOnce(ctx, &again, e.dns, n.addr, old, "-l", strconv.Itoa(p.seconds)); err != nil {
			return nil, err
		}
		file, err := names(p.dir, fmt.Sprintf("new%d", round), p.names)
		if err != nil {
			return nil, err
		}
		before, err := e.counted()
		if err != nil {
			return nil, err
		}
		if err := compareOnce(ctx, &fresh, e.dns, n.addr, file, "-n", "1"); err != nil {
			return nil, err
		}
		after, err := e.counted()
		if err != nil {
			return nil, err
		}
		// MX and A of every name; counts of repeats may come beside them.
		if got := after.DNS - before.DNS; got < int64(2*p.names) {
			return nil, fmt.Errorf("of %d new questions %d are in the spool", 2*p.names, got)
		}
	}
	return []comparison{again, fresh}, nil
}

func compareOnce(ctx context.Context, c *comparison, ours, theirs, file string, args ...string) error {
	a, err := query(ctx, ours, file, args...)
	if err != nil {
		return fmt.Errorf("saltmine: %w", err)
	}
	b, err := query(ctx, theirs, file, args...)
	if err != nil {
		return fmt.Errorf("nsd: %w", err)
	}
	fmt.Printf("%s %d: saltmine %.0f/s, nsd %.0f/s\n", c.what, len(c.ours)+1, a, b)
	c.ours, c.theirs = append(c.ours, a), append(c.theirs, b)
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
func query(ctx context.Context, addr, file string, args ...string) (float64, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	args = append([]string{"-s", host, "-p", port, "-d", file, "-c", strconv.Itoa(clients), "-T", "1", "-q", "100"}, args...)
	out, err := exec.CommandContext(ctx, program("dnsperf"), args...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	text := string(out)
	if !strings.Contains(text, "Queries lost:         0 ") || !regexp.MustCompile(`Response codes: +NOERROR \d+ \(100\.00%\)`).MatchString(text) {
		return 0, fmt.Errorf("not every question was answered:\n%s", text)
	}
	found := regexp.MustCompile(`Queries per second: +([0-9.]+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("dnsperf gave no rate:\n%s", text)
	}
	return strconv.ParseFloat(found[1], 64)
}

// nsd is a private NSD with the zone that dnsd has.
type nsd struct {
	peer
	addr string
}

const zoneFile = `$ORIGIN %[1]s.
$TTL 300
@ 3600 SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 3600 NS ns1
@ 3600 NS ns2
@ MX 10 mx
@ A 192.0.2.25
@ TXT "v=spf1 mx -all"
* MX 10 mx
* A 192.0.2.25
mx A 192.0.2.25
ns1 A 192.0.2.25
ns2 A 192.0.2.25
`

const nsdConf = `server:
  ip-address: 127.0.0.1
  port: %[2]s
  do-ip6: no
  server-count: %[3]d
  reuseport: yes
  username: ""
  zonesdir: "%[1]s"
  database: ""
  pidfile: "%[1]s/pid"
  zonelistfile: "%[1]s/zones"
  xfrdfile: "%[1]s/xfrd"
  xfrdir: "%[1]s"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: %[4]s
  zonefile: zone
`

func startNSD(ctx context.Context, dir string) (*nsd, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	files := map[string]string{"zone": fmt.Sprintf(zoneFile, domain), "conf": fmt.Sprintf(nsdConf, dir, port, processors(), domain)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	n := &nsd{addr: addr}
	return n, n.start(ctx, "tcp", addr, program("nsd"), "-d", "-c", filepath.Join(dir, "conf"))
}
