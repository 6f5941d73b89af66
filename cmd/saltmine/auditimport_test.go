package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
)

// past is a site with a log of what employees did while canaries were planted, rotated
// and withdrawn.
type past struct {
	*audited
	lines []string // of the log
}

// at is a copy of the site, as it was before anything was imported.
func (p *past) at(name string) *site {
	p.t.Helper()
	to := filepath.Join(p.t.TempDir(), name)
	if out, err := exec.CommandContext(p.t.Context(), "cp", "-r", p.dir, to).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	s := *p.site
	s.dir = to
	return &s
}

func newPast(t *testing.T) *past {
	t.Helper()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.write("support.dsn", "mysql://"+server.User(t, dsn, "ALL"))
	p := &past{audited: &audited{site: s, log: s.path("server_audit.log")}}
	p.exec("INSTALL SONAME 'server_audit'")
	p.exec("SET GLOBAL server_audit_file_path='" + p.log + "', server_audit_query_log_limit=1024, server_audit_logging=ON")
	t.Cleanup(func() { p.exec("SET GLOBAL server_audit_logging=OFF") })
	s.configure("[[audit]]\nname = \"db1\"\nfile = \"server_audit.log\"\nclock_error = \"0s\"\nlongest = \"1s\"\nignore = [\"testkit@127.0.0.1\"]\n")
	agent, thief := p.account(server.User(t, dsn, "SELECT")), p.account(server.User(t, dsn, "SELECT"))
	p.take(thief, "SELECT email FROM customers WHERE id > 0") // nothing is planted yet
	time.Sleep(3 * time.Second)
	s.run("plant", "--count", "60", "--batch", "first")
	time.Sleep(3 * time.Second)
	p.lookUps(agent, 100)
	s.run("verify")
	time.Sleep(2 * time.Second) // the seeder does nothing else about then
	p.take(thief, "SELECT email FROM customers WHERE id > 1")
	s.run("rotate", "--count", "20")
	time.Sleep(3 * time.Second)
	p.take(thief, "SELECT email FROM customers WHERE id > 2")
	p.take(thief, "SELECT email FROM customers WHERE email LIKE '%"+p.domain()+"%'")
	time.Sleep(3 * time.Second)
	s.run("withdraw", "--batch", "first")
	time.Sleep(3 * time.Second)
	p.take(thief, "SELECT email FROM customers WHERE id > 3")
	p.settle()
	p.exec("SET GLOBAL server_audit_logging=OFF")
	p.lines = strings.SplitAfter(p.read("server_audit.log"), "\n")
	return p
}

// domain is one that some canaries have addresses in now: a rotation may leave one with
// none.
func (p *past) domain() string {
	p.t.Helper()
	for _, tok := range p.tokens() {
		if tok.Kind == canary.Email && tok.Window.Until.IsZero() {
			_, domain, _ := strings.Cut(tok.Text, "@")
			return domain
		}
	}
	p.t.Fatal("no canary has an address")
	return ""
}

func (s *site) imports(args ...string) (sum importSummary) {
	s.t.Helper()
	sum.auditSummary = &auditSummary{}
	args = append([]string{"--output", "json", "audit", "import", "--longest", "1s", "--clock-error", "0s"}, args...)
	if err := json.Unmarshal([]byte(s.run(args...)), &sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// reads are what is kept: how many canaries each statement returned, and may have.
func (s *site) reads() map[string][2]int {
	s.t.Helper()
	reg := s.open()
	list, err := reg.ReadsSince(s.t.Context(), "db:main", time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string][2]int{}
	for _, r := range list {
		out[r.ID] = [2]int{len(r.Returned), len(r.Possible)}
	}
	return out
}

// TestAuditImport imports a log of a time when canaries came, changed and went: what is
// kept is what following the log finds, whatever is done to the files.
func TestAuditImport(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	whole := p.at("whole")
	text := strings.Join(p.lines, "")
	first := whole.imports(p.log)
	want := whole.reads()
	if first.Kept != len(want) || first.Reads != len(want) || first.Checked < 20 {
		t.Errorf("%d reads are kept: %+v", len(want), first)
	}
	p.sure(whole)
	whole.keepsLog(p.log, len(want), "")
	same := func(name string, s *site) {
		t.Helper()
		if got := s.reads(); !maps.Equal(got, want) {
			t.Errorf("%s: %d reads, not %d; or others", name, len(got), len(want))
		}
	}
	if again := whole.imports(p.log); again.Kept != 0 || again.Statements != 0 || again.Before == 0 {
		t.Errorf("again: %+v", again)
	}
	if anew := whole.imports("--anew", p.log); anew.Kept != 0 || anew.Reads != len(want) {
		t.Errorf("anew: %+v", anew)
	}
	whole.keepsLog(p.log, len(want), ", anew")
	same("again", whole)

	followed := p.at("followed")
	followed.run("audit", "watch", "--once")
	same("following the log", followed)
	wants(t, followed.run("acts"), "audit watch  r_", fmt.Sprintf("sha256 %x, byte 0 to byte %d of server_audit.log; ", sha256.Sum256([]byte(text)), len(text)))
	if sum := followed.imports(p.log); sum.Kept != 0 {
		t.Errorf("of a log that was followed %d reads were not kept: %+v", sum.Kept, sum)
	}

	overlap := p.at("overlap")
	n := len(p.lines)
	overlap.write("a.log", strings.TrimSuffix(strings.Join(p.lines[:2*n/3], ""), "\n"))
	overlap.write("b.log", strings.TrimSuffix(strings.Join(p.lines[n/3:], ""), "\n"))
	overlap.imports(overlap.path("b.log"), overlap.path("a.log"), overlap.path("b.log"))
	same("overlapping files", overlap)

	p.lacksOwn()
	p.badFiles(want)
}

// sure: nothing was planted yet, all sixty, sixty again, some of them, and none any more.
func (p *past) sure(s *site) {
	p.t.Helper()
	reg := s.open()
	list, err := reg.ReadsSince(p.t.Context(), "db:main", time.Time{})
	if err != nil {
		p.t.Fatal(err)
	}
	var takes []canary.Read
	for _, r := range list {
		if strings.HasPrefix(r.Shape, "select email from customers") {
			takes = append(takes, r)
		}
	}
	if len(takes) != 3 {
		p.t.Fatalf("%d takes returned canaries", len(takes))
	}
	for i, r := range takes {
		some := strings.Contains(r.Shape, "like")
		if all := len(r.Returned) == 60; some == all || len(r.Returned) == 0 || len(r.Possible) > 0 {
			p.t.Errorf("take %d returned %d canaries, and perhaps %d: %s", i, len(r.Returned), len(r.Possible), r.Why)
		}
	}
}

func (p *past) badFiles(want map[string][2]int) {
	t := p.t
	s := p.at("bad")
	for _, zone := range []string{"Europe/Helsinki", "-05:00"} {
		if out := s.fails(1, "audit", "import", "--zone", zone, p.log); !strings.Contains(out, "--zone "+zone+" is not the zone of the log") || len(s.reads()) > 0 {
			t.Errorf("%s: %s", zone, out)
		}
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(p.lines, "")
	for line := range strings.Lines(text) {
		w.Write([]byte(line)) //nolint:errcheck // it writes to memory
		w.Flush()             //nolint:errcheck // it writes to memory
	}
	s.write("cut.gz", z.String()[:strings.LastIndex(z.String(), "WHERE id > 2")])
	if out := s.fails(1, "audit", "import", "--longest", "1s", "--clock-error", "0s", s.path("cut.gz")); !strings.Contains(out, "ends too early") {
		t.Errorf("a log that is cut: %s", out)
	}
	if n := len(s.reads()); n == 0 || n >= len(want) {
		t.Errorf("of a log that is cut %d reads are kept, of %d", n, len(want))
	}
	s.imports(p.log)
	if got := s.reads(); !maps.Equal(got, want) {
		t.Errorf("after the whole log: %d reads, not %d", len(got), len(want))
	}

	s = p.at("long")
	p.longLine(s)
	sum := s.imports(s.path("long.log"))
	if h := sum.Files[0]; len(h.Malformed) != 1 || h.Malformed[0].Length < 4<<30 || len(s.reads()) != len(want) {
		t.Errorf("a line of 4 GB: %+v, %d reads", h.Malformed, len(s.reads()))
	}

	s = p.at("back")
	var back strings.Builder
	back.WriteString(strings.Join(p.lines[:len(p.lines)/2], ""))
	for _, line := range p.lines[len(p.lines)/2:] {
		back.WriteString(later(line, -10*time.Minute))
	}
	s.write("back.log", back.String())
	if out := s.fails(1, "audit", "import", "--clock-error", "0s", s.path("back.log")); !strings.Contains(out, "the log's clock is -10m") {
		t.Errorf("a clock that goes back: %s", out)
	}
	sum = s.imports("--clock-error", "11m", s.path("back.log"))
	if !strings.Contains(strings.Join(sum.Notes, "\n"), "its clock went back by ") || pairsOf(s.reads()) < pairsOf(want) {
		t.Errorf("a clock that goes back: %q, %v", sum.Notes, s.reads())
	}
}

// pairsOf is how many canaries were returned, or may have been.
func pairsOf(reads map[string][2]int) (n int) {
	for _, r := range reads {
		n += r[0] + r[1]
	}
	return n
}

// later is a line of the log at another time.
func later(line string, by time.Duration) string {
	const layout = "20060102 15:04:05"
	at, err := time.Parse(layout, line[:min(len(layout), len(line))])
	if err != nil {
		return line
	}
	return at.Add(by).Format(layout) + line[len(layout):]
}

// longLine writes the log with a line of 4 GB in its middle, which is a hole on the disk.
func (p *past) longLine(s *site) {
	t := p.t
	f, err := os.Create(s.path("long.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	half := len(p.lines) / 2
	head := strings.Join(p.lines[:half], "")
	for at, text := range map[int64]string{0: head, int64(len(head)) + 4<<30: "\n" + strings.Join(p.lines[half:], "")} {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditImportKilled kills an import again and again: in the end all is kept that one
// run keeps, once.
func TestAuditImportKilled(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "40", "--batch", "first")
	p := &past{audited: &audited{site: s}}
	at := time.Now().UTC().Format("20060102 15:04:05")
	var log strings.Builder
	for n := range 30_000 {
		fmt.Fprintf(&log, "%s,vm,eve%d,10.0.0.9,%d,%d,QUERY,help,'SELECT * FROM customers WHERE id BETWEEN %d AND %d',0\n", at, n%7, n%50, n, n%3000, n%3000+n%90)
	}
	s.write("old.log", log.String())
	whole, killed := p.at("whole"), p.at("killed")
	whole.imports(whole.path("old.log"))
	want := whole.reads()
	kills := 0
	for pause := 700 * time.Millisecond; ; pause += 300 * time.Millisecond {
		cmd := killed.command("audit", "import", "--longest", "1s", "--clock-error", "0s", killed.path("old.log"))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(pause, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		kills++
	}
	if got := killed.reads(); !maps.Equal(got, want) || kills == 0 {
		t.Errorf("killed %d times: %d reads, %d in one run", kills, len(got), len(want))
	}
	t.Logf("killed %d times, %d reads", kills, len(want))
}
