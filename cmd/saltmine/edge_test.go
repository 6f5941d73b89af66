package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// farEdge is an edge of a site: a folder that enroll has filled.
type farEdge struct {
	*site
	core *site
}

// enrollEdge makes an edge of a site the way a user does, on random ports, and
// tells the core of it. The core has no mail or name ear of its own.
func (s *site) enrollEdge() *farEdge {
	s.t.Helper()
	port := freePort(s.t)
	url := "https://127.0.0.1:" + port
	bundle := filepath.Join(s.t.TempDir(), "edge.bundle")
	s.run("edge", "enroll", "--url", url, "--out", bundle)
	e := &farEdge{site: &site{t: s.t, dir: filepath.Join(s.t.TempDir(), "edge"), hook: s.hook}, core: s}
	if out, err := command(s.t, "edge", "enroll", "--bundle", bundle, "--dir", e.dir).CombinedOutput(); err != nil {
		s.t.Fatalf("enroll: %v\n%s", err, out)
	}
	text := strings.NewReplacer(`listen = ":`+port+`"`, `listen = "127.0.0.1:`+port+`"`, `":25"`, `"127.0.0.1:0"`, `":53"`, `"127.0.0.1:0"`).Replace(e.read("saltmine.toml"))
	e.write("saltmine.toml", text+"\n[admin]\nlisten = \"127.0.0.1:0\"\n[phone]\nlisten = \"127.0.0.1:0\"\npublic_url = \""+testCalls+"\"\n[[phone.provider]]\nkind = \"generic\"\nsecret_file = \"generic.secret\"\n")
	e.write("generic.secret", s.read("generic.secret"))
	core := s.read("saltmine.toml")
	for _, section := range []string{"[smtp]", "[dns]"} {
		before, after, _ := strings.Cut(core, section)
		_, after, _ = strings.Cut(after, "\n[")
		core = before + "[" + after
	}
	s.write("saltmine.toml", core+"\n[[core.pull]]\nurl = \""+url+"\"\n")
	return e
}

// freePort gives a port that is free, and that no other test has got.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(ln.Addr().String())
		ln.Close()
		if err != nil {
			t.Fatal(err)
		}
		if _, given := givenPorts.LoadOrStore(port, true); !given {
			return port
		}
	}
}

// givenPorts are those that some test has got: two ears of one site want two.
var givenPorts sync.Map

// edgeCanaries are those that are planted before TestEdge looks for them on the
// edge; the promise is of 10,000.
var edgeCanaries = flag.Int("edgecanaries", 80, "canaries that TestEdge plants")

// TestEdge has an edge hear what happens while the core is away and while it is
// there, kills either of them, and looks what each knows: everything that was
// acknowledged reaches the core once and pages, the edge keeps nothing that the
// core has, and in its files and its memory is no canary.
func TestEdge(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.write("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[pool]", "[pool]\ndomain_capacity = 10000", 1))
	numbers := testNumbers()
	for i := range *edgeCanaries {
		numbers = append(numbers, fmt.Sprintf("+4420794%05d", i))
	}
	s.write("numbers.csv", "number\n"+strings.Join(numbers, "\n"))
	s.run("plant", "--count", strconv.Itoa(*edgeCanaries), "--batch", "first")
	reg := s.open()
	e := s.enrollEdge()
	var all []prey
	for _, p := range s.plantings(reg) {
		all = append(all, preyOf(p))
	}
	contacted, quiet := all[:40], all[40:]

	var tries []try
	var yes []string
	send := func(edge *running, some []prey) {
		for _, p := range some {
			x := try{mark: fmt.Sprintf("mark%06dz", len(tries))}
			tries = append(tries, x)
			if sendMarked(t.Context(), edge.addrs["smtp"], p.email, x.mark) {
				yes = append(yes, x.mark)
			}
		}
	}
	edge := e.start("edge")
	send(edge, contacted[:10]) // the core is not there yet
	edge.kill()
	edge = e.start("edge")
	send(edge, contacted[10:20])
	core := s.serve()
	send(edge, contacted[20:30])
	core.kill()
	edge.kill()
	core = s.serve() // and the edge is away
	edge = e.start("edge")
	send(edge, contacted[30:])
	if len(yes) != len(contacted) {
		t.Fatalf("%d of %d contacts were acknowledged:\n%s", len(yes), len(contacted), edge.log)
	}
	s.checkRecorded(reg, core, tries, yes)
	called := 0
	for i, p := range contacted {
		if p.phone != "" && p.ticket != "" {
			e.signedGeneric(edge, p, i) // who quotes name and ticket
			called++
		}
	}
	if called == 0 {
		t.Error("nobody was called")
	}
	eventually(t, "the core has everything of the edge's", func() bool {
		return strings.Contains(get(t, edge.addrs["admin"], "/metrics"), "saltmine_spool_pending 0\n")
	})
	if text := get(t, core.addrs["admin"], "/metrics"); !strings.Contains(text, "saltmine_edge_clock_offset_seconds{edge=\"127.0.0.1-") {
		t.Errorf("the core does not say what the edge's clock is like:\n%s", text)
	}
	if out := s.run("check"); !strings.Contains(out, "edge 127.0.0.1-") {
		t.Errorf("check on the core:\n%s", out)
	}
	e.run("check")
	e.wantBlind(edge, contacted, quiet)
	for what, log := range map[string]*logBuffer{"edge": edge.log, "core": core.log} {
		if n := found([]byte(log.String()), textsOf(all)); n > 0 {
			t.Errorf("the log of the %s names canaries %d times", what, n)
		}
	}
}

func get(t *testing.T, addr, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// wantBlind looks for names, addresses, local parts, numbers and tickets of canaries in whatever an edge has: in files at
// once, in memory a minute after the last contact.
func (e *farEdge) wantBlind(edge *running, contacted, quiet []prey) {
	e.t.Helper()
	heard, unheard := textsOf(contacted), textsOf(quiet)
	for _, p := range quiet {
		local, _, _ := strings.Cut(p.email, "@")
		unheard = append(unheard, local)
	}
	files := 0
	err := filepath.WalkDir(e.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if n := found(b, slices.Concat(heard, unheard)); n > 0 {
			e.t.Errorf("%s holds %d texts of canaries", filepath.Base(path), n)
		}
		return err
	})
	if err != nil || files < 7 {
		e.t.Errorf("%d files, %v", files, err)
	}
	image := imageOf(e.t, edge.cmd.Process.Pid)
	if n := found(image, unheard); n > 0 {
		e.t.Errorf("the edge's memory holds %d texts of canaries that nobody contacted", n)
	}
	if !bytes.Contains(image, []byte(testDomains()[0])) {
		e.t.Error("this is not the edge's memory: its own domain is not in it")
	}
	eventually(e.t, "the edge has forgotten who was contacted", func() bool {
		return found(imageOf(e.t, edge.cmd.Process.Pid), heard) == 0
	})
}

func textsOf(all []prey) (texts []string) {
	for _, p := range all {
		texts = append(texts, p.email, p.phone, p.ticket, p.name)
	}
	return texts
}

// found counts where texts stand in b. Those of less than eight bytes are left
// out: they may stand anywhere.
func found(b []byte, texts []string) (n int) {
	begin := map[[8]byte][]string{}
	var first [1 << 16]bool // of their first two bytes
	for _, text := range texts {
		if len(text) >= 8 {
			key := [8]byte([]byte(text))
			begin[key] = append(begin[key], text)
			first[binary.BigEndian.Uint16(key[:])] = true
		}
	}
	for i := range max(len(b)-7, 0) {
		if !first[binary.BigEndian.Uint16(b[i:])] {
			continue
		}
		for _, text := range begin[[8]byte(b[i:])] {
			if bytes.HasPrefix(b[i:], []byte(text)) {
				n++
			}
		}
	}
	return n
}

// imageOf is the memory of a child process that it can write to.
func imageOf(t *testing.T, pid int) []byte {
	t.Helper()
	proc := "/proc/" + strconv.Itoa(pid)
	maps, err := os.Open(proc + "/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open(proc + "/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var image []byte
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(rights, "rw") {
			continue
		}
		part := make([]byte, to-from)
		n, _ := mem.ReadAt(part, int64(from)) // pages that are reserved and not there end it
		image = append(image, part[:n]...)
	}
	if len(image) < 1<<20 {
		t.Fatalf("%d bytes of memory", len(image))
	}
	return image
}

// The edge refuses to know what it must not know, and the core refuses to be one.
func TestEdgeKnowsNothing(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	e := s.enrollEdge()
	conf := e.read("saltmine.toml")
	e.write("support.dsn", "mysql://"+dsn)
	for want, text := range map[string]string{
		"support: an edge must not know it":        conf + "[support.main]\ndsn_file = \"support.dsn\"\n",
		"pool.phones: an edge must not know it":    strings.Replace(conf, "[pool]", "[pool]\nphones = \"x.csv\"", 1),
		"core: an edge must not know it":           conf + "[[core.pull]]\nurl = \"https://127.0.0.1:1\"\n",
		"the configuration has no section [edge]":  "[pool]\ndomains = [\"example.net\"]\n",
		"edge.listen: missing":                     strings.Replace(conf, "[edge]\nlisten", "[edge]\n# listen", 1),
		"pool.accept.example.com: is not one of":   conf + "[pool.accept]\n\"example.com\" = \"all\"\n",
		"\"some\" is neither a number nor \"all\"": conf + "[pool.accept]\n\"" + testDomains()[0] + "\" = \"some\"\n",
	} {
		e.write("saltmine.toml", text)
		if out := e.fails(exitUsage, "edge"); !strings.Contains(out, want) {
			t.Errorf("%s: is not said:\n%s", want, out)
		}
	}
	e.write("saltmine.toml", conf)
	if out := e.fails(exitUsage, "serve"); !strings.Contains(out, "saltmine edge") {
		t.Errorf("serve of an edge's configuration:\n%s", out)
	}
	e.write("keys/master.key", s.read("keys/master.key"))
	if out := e.fails(exitUsage, "edge"); !strings.Contains(out, "must not be on an edge") {
		t.Errorf("with the core's key:\n%s", out)
	}
}

// The acceptance rule has its rate for each domain, as edge and core agree.
func TestEdgeAccepts(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	all, some := testDomains()[0], testDomains()[1]
	s.write("saltmine.toml", s.read("saltmine.toml")+"[pool.accept]\n\""+all+"\" = \"all\"\n\""+some+"\" = 8\n[[dns.zone]]\nname = \""+all+"\"\ntxt = [\"kept \\\"here\\\"\"]\n")
	e := s.enrollEdge()
	if told := e.read("saltmine.toml"); !strings.Contains(told, "[[dns.zone]]\nname = \""+all+"\"\ntxt = [\"kept \\\"here\\\"\"]\n") {
		t.Errorf("the edge is told:\n%s", told)
	}
	edge := e.start("edge")
	took := map[string]int{}
	const names = 400
	for _, domain := range testDomains()[:3] {
		took[domain] = accepted(t.Context(), t, edge.addrs["smtp"], domain, names)
	}
	if took[all] != names || took[some] < names/16 || took[some] > names/4 || took[testDomains()[2]] > names/16 {
		t.Errorf("of %d names each: %v", names, took)
	}
	for _, name := range []string{"postmaster", "Abuse"} {
		if n := accepted(t.Context(), t, edge.addrs["smtp"], testDomains()[2], 0, name); n != 1 {
			t.Errorf("%s is refused", name)
		}
	}
}

// accepted counts the recipients that a server takes.
func accepted(ctx context.Context, t *testing.T, addr, domain string, made int, names ...string) (n int) {
	t.Helper()
	for i := range made {
		names = append(names, fmt.Sprintf("someone%d", i))
	}
	for part := range slices.Chunk(names, 10) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		ask := func(line string) string {
			if line != "" {
				fmt.Fprintf(conn, "%s\r\n", line) //nolint:errcheck // the answer tells
			}
			for {
				text, err := in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if len(text) > 3 && text[3] == ' ' {
					return text
				}
			}
		}
		ask("")
		ask("EHLO prober.example")
		for _, name := range part {
			ask("RSET")
			ask("MAIL FROM:<a@scam.example>")
			if strings.HasPrefix(ask("RCPT TO:<"+name+"@"+domain+">"), "250") {
				n++
			}
		}
		ask("QUIT")
		conn.Close()
	}
	return n
}
