package dnsd_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// differences is the written list of what is meant to be different from NSD
// and Knot: a word, a colon, why.
const differences = "testdata/differences.txt"

// asked is one query of the differential and what it may be excused with.
type asked struct {
	wire  []byte
	name  string
	kind  uint16
	class uint16
	bits  uint16
	opt   bool
}

// makeQueries makes n queries, the same in every run: names that exist, that
// exist by wildcard, that do not, empty non-terminals, deep and long names,
// other zones; every type; flags, opcodes, classes and EDNS now and then.
func makeQueries(t *testing.T, n int) []asked {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 9))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	label := func() string {
		return pick("www", "mail", "shop", "*", "_dmarc", "_domainkey", "selector", "a", "x-1", "lost", "away", "about", "deep", "_tcp", "ns1", strings.Repeat("l", 63), `a\.b`, `\007`, "_MTA-sts")
	}
	out := make([]asked, 0, n)
	for len(out) < n {
		name := pick("example.net.", "example.net.", "example.net.", "example.net.", "example.com.", "net.", ".")
		for range rnd.IntN(4) {
			name = label() + "." + strings.TrimPrefix(name, ".")
		}
		if rnd.IntN(4) == 0 {
			name = mixed(rnd, name)
		}
		a := asked{name: name, kind: kinds(rnd), class: dns.ClassINET}
		if rnd.IntN(25) == 0 {
			a.class = []uint16{dns.ClassCHAOS, dns.ClassHESIOD, dns.ClassANY, dns.ClassNONE, 0, 99}[rnd.IntN(6)]
		}
		m := question(name, a.kind)
		m.Question[0].Qclass, m.RecursionDesired = a.class, false
		if a.opt = rnd.IntN(2) == 0; a.opt {
			m.SetEdns0(uint16(rnd.IntN(5000)), rnd.IntN(2) == 0)
		}
		if rnd.IntN(4) == 0 {
			a.bits = uint16(rnd.IntN(8))<<4 | uint16(rnd.IntN(8))<<8 // Z, AD, CD, RD, TC, AA
		}
		if rnd.IntN(40) == 0 {
			a.bits |= uint16(rnd.IntN(16)) << 11
		}
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint16(wire[2:], a.bits)
		a.wire = wire
		out = append(out, a)
	}
	return out
}

func kinds(rnd *rand.Rand) uint16 {
	if rnd.IntN(4) > 0 {
		return []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeNS, dns.TypeSOA, dns.TypeCNAME, dns.TypeANY, dns.TypeDS, dns.TypeCAA, dns.TypeHTTPS}[rnd.IntN(11)]
	}
	return uint16(rnd.IntN(270))
}

func mixed(rnd *rand.Rand, name string) string {
	b := []byte(name)
	for i, c := range b {
		if rnd.IntN(2) == 0 && c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
	}
	return string(b)
}

// peer is a real server, or ours, and a connection to it.
type peer struct {
	addr string
	conn net.Conn
}

// ask gives the answer, nil when the other side says nothing.
func (p *peer) ask(t *testing.T, wire []byte) *dns.Msg {
	t.Helper()
	for range 2 { // a server may have closed the last connection
		if p.conn == nil {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			p.conn = conn
		}
		_ = p.conn.SetDeadline(time.Now().Add(patience))
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
		got, err := p.roundTrip(framed)
		if err == nil {
			return got
		}
		_ = p.conn.Close()
		p.conn = nil
	}
	return nil
}

func (p *peer) roundTrip(framed []byte) (*dns.Msg, error) {
	if _, err := p.conn.Write(framed); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(p.conn, length[:]); err != nil {
		return nil, err
	}
	out := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(p.conn, out); err != nil {
		return nil, err
	}
	got := new(dns.Msg)
	return got, got.Unpack(out)
}

// said is an answer in words, so that two can be compared: the header, the
// question with its letters' case, answer and authority as sets, OPT.
func said(m *dns.Msg) string {
	if m == nil {
		return "nothing"
	}
	set := func(rrs []dns.RR) []string {
		var out []string
		for _, rr := range rrs {
			out = append(out, strings.ToLower(rr.String()))
		}
		slices.Sort(out)
		return out
	}
	opt := "no opt"
	if o := m.IsEdns0(); o != nil {
		opt = fmt.Sprintf("opt version %d do %v", o.Version(), o.Do())
	}
	var names strings.Builder
	for _, q := range m.Question {
		fmt.Fprintf(&names, "%s %d %d ", q.Name, q.Qtype, q.Qclass)
	}
	return fmt.Sprintf("%s opcode %d aa %v tc %v rd %v ra %v ad %v cd %v z %v | %s| %q | %q | %s",
		dns.RcodeToString[m.Rcode], m.Opcode, m.Authoritative, m.Truncated, m.RecursionDesired, m.RecursionAvailable, m.AuthenticatedData,
		m.CheckingDisabled, m.Zero, names.String(), set(m.Answer), set(m.Ns), opt)
}

// serve starts a server of Debian's and waits until it answers.
func serve(t *testing.T, program string, args func(dir, port string) []string, conf string) *peer {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			t.Fatalf("%s (of the package %s): %v", program, strings.TrimSuffix(program, "d"), err)
		}
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	zone, err := dnsd.Master(zones()[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"zone": zone, "conf": strings.NewReplacer("DIR", dir, "PORT", port).Replace(conf)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, args(dir, port)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p := &peer{addr: addr}
	eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
	eventually(t, func() bool {
		got := p.ask(t, pack(t, question("example.net", dns.TypeSOA)))
		return got != nil && len(got.Answer) == 1
	})
	return p
}

const nsdConf = `server:
  ip-address: 127.0.0.1@PORT
  do-ip6: no
  username: ""
  zonesdir: "DIR"
  database: ""
  pidfile: "DIR/pid"
  zonelistfile: "DIR/zones"
  xfrdfile: "DIR/xfrd"
  xfrdir: "DIR"
  minimal-responses: yes
  tcp-query-count: 0
remote-control:
  control-enable: no
zone:
  name: example.net
  zonefile: zone
`

const knotConf = `server:
    rundir: DIR
    listen: 127.0.0.1@PORT
database:
    storage: DIR/db
log:
  - target: stderr
    any: error
zone:
  - domain: example.net
    file: DIR/zone
    storage: DIR
    journal-content: none
    zonefile-sync: -1
`

func TestAgreesWithNSDAndKnot(t *testing.T) {
	t.Parallel()
	const queries = 12_000
	cfg := config(new(store))
	cfg.Limits.ConnQueries = queries + 10
	cfg.Zones = cfg.Zones[:1]
	ours := &peer{addr: start(t, cfg).tcp}
	others := map[string]*peer{
		"nsd":  serve(t, "nsd", func(dir, _ string) []string { return []string{"-d", "-c", dir + "/conf"} }, nsdConf),
		"knot": serve(t, "knotd", func(dir, _ string) []string { return []string{"-c", dir + "/conf"} }, knotConf),
	}
	list := readDifferences(t)
	used, unexplained := map[string]int{}, 0
	for _, q := range makeQueries(t, queries) {
		our := said(ours.ask(t, q.wire))
		for name, p := range others {
			their := said(p.ask(t, q.wire))
			if our == their {
				used["agreed with "+name]++
				continue
			}
			why := excuse(q, our, their)
			used[why]++
			if list[why] == "" {
				if unexplained++; unexplained < 20 {
					t.Errorf("%s %s class %d bits %04x opt %v (%q)\n  we   %s\n  %s %s", q.name, dns.Type(q.kind), q.class, q.bits, q.opt, why, our, name, their)
				}
			}
		}
	}
	for why := range list {
		if used[why] == 0 {
			t.Errorf("%q is in the list of differences and never seen", why)
		}
	}
	t.Logf("%d queries: %v", queries, used)
}

// excuse names the difference that a query is an example of.
func excuse(q asked, our, their string) string {
	code := func(s string) string { return strings.SplitN(s, " ", 2)[0] }
	transfer := q.kind == dns.TypeAXFR || q.kind == dns.TypeIXFR
	switch {
	case q.bits>>11&15 != 0 && code(our) == "NOTIMP":
		return "opcode"
	case q.class == dns.ClassANY && code(our) == "REFUSED":
		return "class-any"
	case q.class != dns.ClassINET && code(our) == "REFUSED" && code(their) == "REFUSED":
		return "class-question"
	case q.kind == dns.TypeANY && code(our) == code(their):
		return "any"
	case q.kind == dns.TypeNone && code(their) == "NOTIMP":
		return "type-zero"
	case q.bits&(1<<9) != 0 && q.opt && code(their) == "FORMERR":
		return "tc-query"
	case transfer && code(our) == "REFUSED" && code(their) == "NOTAUTH":
		return "transfer-elsewhere"
	}
	return ""
}

func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(differences)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() // it was only read
	out := map[string]string{}
	for in := bufio.NewScanner(f); in.Scan(); {
		if word, why, ok := strings.Cut(in.Text(), ": "); ok && !strings.HasPrefix(word, "#") {
			out[word] = why
		}
	}
	return out
}
