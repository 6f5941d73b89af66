package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
	"saltmine/internal/token"
)

// oracle is how many recipients and how many queries TestOracle tries; the promise
// is of 100,000 each.
var oracle = flag.Int("oracle", 3000, "recipients, and queries, with which TestOracle looks for a difference")

// The classes of names that pass the rule.
const (
	classPlanted = iota
	classPlacebo
	classOther
	classes
)

func className(class int) string { return []string{"planted", "placebo", "other"}[class] }

// mostT is the |t| from which on a difference is taken for one (Reparaz,
// Balasch, Verbauwhede: Dude, is my code constant time?, 2017).
const mostT = 4.5

// TestOracle asks for planted, placebo and other passing names in random order, by
// RCPT and by DNS: the replies are the same bytes, and their times show no
// difference by Welch's t, neither of the name that was asked for nor of the one
// before. The same test finds 20 µs that are added to one class.
func TestOracle(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.write("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "nameservers =", "answers_per_second = 0\nnameservers =", 1))
	s.run("plant", "--count", "60", "--batch", "first")
	names := s.classed(40)
	e := s.enrollEdge()
	// The less noise of a disk there is, the less can hide in it.
	if dir, err := os.MkdirTemp("/dev/shm", "saltmine-oracle-"); err == nil { //nolint:usetesting // no disk at all
		t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // it is temporary
		e.write("saltmine.toml", strings.Replace(e.read("saltmine.toml"), `dir = "spool/"`, `dir = "`+filepath.Join(dir, "spool")+`"`, 1))
	}
	edge := e.start("edge")
	// What was chance in some answers is gone in four times as many, and what was
	// not is twice as plain.
	if tells(t, edge, names, *oracle) && tells(t, edge, names, 4**oracle) {
		t.Error("the answers tell names apart")
	}
	for try := 1; ; try *= 2 { // on a busy machine it takes longer to see
		p := newProber(t, edge, names)
		p.probe(2000*try, 20*time.Microsecond)
		blind := ""
		for _, ear := range []string{"smtp", "dns"} {
			d := p.differences(ear)[0]
			t.Logf("%s with 20 µs for planted names: %s", ear, d)
			if d.t < mostT || d.a != classPlanted {
				blind = ear
			}
		}
		if blind == "" {
			return
		}
		if try == 8 {
			t.Fatalf("20 µs are not seen in the answers of %s", blind)
		}
	}
}

// tells reports whether n answers of each ear tell names apart.
func tells(t *testing.T, edge *running, names [classes][]name, n int) (found bool) {
	t.Helper()
	p := newProber(t, edge, names)
	p.probe(n, 0)
	for _, ear := range []string{"smtp", "dns"} {
		for _, d := range p.differences(ear) {
			t.Logf("%s: %s", ear, d)
			found = found || d.t > mostT
		}
	}
	return found
}

// TestOracleCore asks the ears of a core, which finds out behind them whom it
// reached: the answer itself still tells nothing. What the core then does (it
// files, it pages) takes time from whatever comes next, and is shown in the log of
// the test: ears that strangers may time belong on an edge.
func TestOracleCore(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.write("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "nameservers =", "answers_per_second = 0\nnameservers =", 1))
	s.run("plant", "--count", "60", "--batch", "first")
	p := newProber(t, s.serve(), s.classed(40))
	p.probe(*oracle, 0)
	for _, ear := range []string{"smtp", "dns"} {
		d := p.differences(ear)
		t.Logf("%s: %s; %s", ear, d[0], d[1])
		if d[0].t > mostT {
			t.Errorf("%s tells %s", ear, d[0])
		}
	}
}

// name is an address of a class.
type name struct{ local, domain string }

// classed gives at most n planted names, and as many placebos and others, each of
// the same domain and the same form as the planted one in its place.
func (s *site) classed(n int) (out [classes][]name) {
	s.t.Helper()
	keys, err := seal.Load(s.path("keys"))
	if err != nil {
		s.t.Fatal(err)
	}
	rule, err := token.NewRule(keys.Accept(), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	spare := map[string][]name{}
	for _, text := range s.placebos(keys) {
		x := nameOf(text)
		spare[x.form()] = append(spare[x.form()], x)
	}
	tokens, err := s.open().PlantedTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, tok := range tokens {
		if tok.Kind != canary.Email || len(out[classPlanted]) == n {
			continue
		}
		x := nameOf(tok.Text)
		if len(spare[x.form()]) == 0 {
			continue
		}
		out[classPlanted] = append(out[classPlanted], x)
		out[classPlacebo] = append(out[classPlacebo], spare[x.form()][0])
		spare[x.form()] = spare[x.form()][1:]
		out[classOther] = append(out[classOther], x.other(rule))
	}
	if len(out[classPlanted]) < n/2 {
		s.t.Fatalf("only %d planted names have placebos of the same form", len(out[classPlanted]))
	}
	return out
}

func nameOf(text string) name {
	local, domain, _ := strings.Cut(text, "@")
	return name{local, domain}
}

// form is what of a name the length of replies may hang on.
func (n name) form() string {
	return fmt.Sprintf("%s %d %d", n.domain, len(n.local), strings.Count(n.local, "."))
}

// other is a random name of the same form that passes the rule.
func (n name) other(rule token.Rule) name {
	for {
		local := []byte(n.local)
		for i, b := range local {
			if b >= 'a' && b <= 'z' {
				local[i] = 'a' + byte(rand.IntN(26))
			}
		}
		if rule.Passes(string(local), n.domain) {
			return name{string(local), n.domain}
		}
	}
}

// placebos reads the addresses of all cohorts, with the core's keys.
func (s *site) placebos(keys *seal.Keys) (list []string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.path("saltmine.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(s.t.Context(), "SELECT mark, canary, sealed FROM cohorts WHERE kind = 'email'")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var mark int32
		var id string
		var sealed []byte
		if err := rows.Scan(&mark, &id, &sealed); err != nil {
			s.t.Fatal(err)
		}
		small, err := keys.Vault.Open(fmt.Sprintf("cohorts|%d|%s|email", mark, id), sealed)
		if err != nil {
			s.t.Fatal(err)
		}
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(small)))
		if err != nil {
			s.t.Fatal(err)
		}
		for i := 0; len(plain) > 0; i++ { // id and text by turns, each after its length
			n, used := binary.Uvarint(plain)
			if i%2 == 1 {
				list = append(list, string(plain[used:used+int(n)]))
			}
			plain = plain[used+int(n):]
		}
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		s.t.Fatalf("%d placebos, %v", len(list), err)
	}
	return list
}

// prober asks an edge and takes the time.
type prober struct {
	t     *testing.T
	edge  *running
	names [classes][]name
	slow  time.Duration // added to the answers for planted names

	conn  net.Conn
	in    *bufio.Reader
	left  int // transactions on this connection
	socks []net.Conn
	said  map[string]string // the reply of each ear, for names of a form
	times map[string][]timed
	class int // that was asked for last
}

// timed is one answer's time.
type timed struct {
	class, before int
	took          float64 // microseconds
}

// newProber has sockets in many networks: a name is a first sighting in each.
func newProber(t *testing.T, edge *running, names [classes][]name) *prober {
	t.Helper()
	p := &prober{t: t, edge: edge, names: names, said: map[string]string{}, times: map[string][]timed{}}
	for i := range 100 {
		d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 1, byte(i), 1)}}
		c, err := d.DialContext(t.Context(), "udp", edge.addrs["dns"])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		p.socks = append(p.socks, c)
	}
	return p
}

// probe asks n times each way, in random order.
func (p *prober) probe(n int, slow time.Duration) {
	p.t.Helper()
	p.slow = slow
	order := make([]bool, 2*n)
	for i := range n {
		order[i] = true
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, mail := range order {
		class := rand.IntN(classes)
		x := p.names[class][rand.IntN(len(p.names[class]))]
		if mail {
			p.rcpt(class, x)
		} else {
			p.query(class, x)
		}
		p.class = class
	}
	p.conn.Close()
}

// rcpt asks for a recipient in a transaction of its own.
func (p *prober) rcpt(class int, x name) {
	p.t.Helper()
	if p.left == 0 {
		if p.conn != nil {
			p.conn.Close()
		}
		conn, err := (&net.Dialer{}).DialContext(p.t.Context(), "tcp", p.edge.addrs["smtp"])
		if err != nil {
			p.t.Fatal(err)
		}
		p.conn, p.in, p.left = conn, bufio.NewReader(conn), 40
		p.line("")
		p.line("HELO prober.example\r\n")
	}
	p.left--
	p.line("MAIL FROM:<a@prober.example>\r\n")
	text := "RCPT TO:<" + x.local + "@" + x.domain + ">\r\n"
	began := p.begin(class)
	got := p.line(text)
	p.note("smtp", class, time.Since(began), x.form(), got)
	p.line("RSET\r\n")
}

func (p *prober) line(text string) string {
	p.t.Helper()
	if text != "" {
		if _, err := io.WriteString(p.conn, text); err != nil {
			p.t.Fatal(err)
		}
	}
	got, err := p.in.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// query asks for an address of a name, from any of the networks.
func (p *prober) query(class int, x name) {
	p.t.Helper()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(x.local+"."+x.domain), dns.TypeA)
	b, err := q.Pack()
	if err != nil {
		p.t.Fatal(err)
	}
	sock := p.socks[rand.IntN(len(p.socks))]
	sock.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // the answer tells
	var answer [1500]byte
	began := p.begin(class)
	_, err = sock.Write(b)
	n, err2 := sock.Read(answer[:])
	took := time.Since(began)
	if err != nil || err2 != nil {
		p.t.Fatal(err, err2)
	}
	if n < len(b) || !bytes.Equal(answer[:2], b[:2]) || !bytes.Equal(answer[12:len(b)], b[12:]) {
		p.t.Fatalf("the answer of %d bytes does not repeat the question", n)
	}
	p.note("dns", class, took, x.form(), string(answer[2:12])+string(answer[len(b):n]))
}

// begin gives the time of the question, and makes planted names slow where it is
// to be shown that this would be seen.
func (p *prober) begin(class int) time.Time {
	began := time.Now()
	if class == classPlanted {
		for time.Since(began) < p.slow {
		}
	}
	return began
}

func (p *prober) note(ear string, class int, took time.Duration, form, got string) {
	p.t.Helper()
	if was, ok := p.said[ear+form]; ok && was != got {
		p.t.Errorf("%s answers a name that is %s with %q, one of the same form with %q", ear, className(class), got, was)
	}
	p.said[ear+form] = got
	p.times[ear] = append(p.times[ear], timed{class, p.class, float64(took.Nanoseconds()) / 1000})
}

// difference is the greatest t between two classes.
type difference struct {
	of   string // the name itself, or the one before
	a, b int    // classes
	t    float64
	crop float64 // the share of times that was looked at
	gap  float64 // microseconds between the means
	n    int
}

// String words it for the report.
func (d difference) String() string {
	return fmt.Sprintf("|t| = %.2f by %s, %s against %s, %.2f µs apart, of the fastest %.0f %% of %d answers", d.t, d.of, className(d.a), className(d.b), d.gap, 100*d.crop, d.n)
}

// differences gives the greatest t of all pairs of classes, with all times and
// without the slowest: those hide what the others show. The bound that crops is
// the same for all classes.
func (p *prober) differences(ear string) []difference {
	list := p.times[ear]
	sorted := make([]float64, len(list))
	for i, m := range list {
		sorted[i] = m.took
	}
	slices.Sort(sorted)
	out := []difference{{of: "the name"}, {of: "the name before"}}
	for _, crop := range []float64{1, 0.99, 0.9, 0.5} {
		bound := sorted[int(crop*float64(len(sorted)-1))]
		var own, before [classes]sample
		for _, m := range list {
			if m.took <= bound {
				own[m.class].add(m.took)
				before[m.before].add(m.took)
			}
		}
		for i, by := range [][classes]sample{own, before} {
			for _, pair := range [][2]int{{classPlanted, classPlacebo}, {classPlanted, classOther}, {classPlacebo, classOther}} {
				if t, gap := by[pair[0]].welch(by[pair[1]]); t >= out[i].t {
					out[i] = difference{out[i].of, pair[0], pair[1], t, crop, gap, len(list)}
				}
			}
		}
	}
	return out
}
