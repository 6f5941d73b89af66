package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/forensics"
)

// keepsLog: what was imported last is on the evidence log with the hash of its file, and
// every read leads there.
func (s *site) keepsLog(file string, reads int, how string) {
	s.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	var logs []canary.LogHealth
	if err := json.Unmarshal([]byte(s.run("--output", "json", "audit", "health")), &logs); err != nil || len(logs) != 1 {
		s.t.Fatalf("%+v, %v", logs, err)
	}
	l := logs[0]
	if sum := fmt.Sprintf("%x", sha256.Sum256(b)); l.Log != file || l.SHA256 != sum || l.Size != int64(len(b)) || l.Events == 0 || !l.Last.After(l.First) {
		s.t.Errorf("%+v, not of %s", l, sum)
	}
	var acts []canary.Act
	if err := json.Unmarshal([]byte(s.run("--output", "json", "acts", "--limit", "3")), &acts); err != nil || len(acts) != 3 {
		s.t.Fatalf("%+v, %v", acts, err)
	}
	if about := acts[1]; about.What != canary.ActAuditImport || about.About != l.ID || !strings.HasPrefix(about.Outcome, fmt.Sprintf("sha256 %s, %d bytes; ", l.SHA256, l.Size)) ||
		!strings.HasSuffix(about.Outcome, fmt.Sprintf("%d reads, 0 malformed; zone UTC%s", reads, how)) {
		s.t.Errorf("%+v", about)
	}
	if acts[2].Outcome != "begun" || acts[2].About != "db:main" || !strings.HasPrefix(acts[0].Outcome, "1 files, ") || !strings.HasSuffix(acts[0].Outcome, "than before"+how) {
		s.t.Errorf("%+v", acts)
	}
	list, err := s.open().ReadsSince(s.t.Context(), "db:main", acts[0].At.AddDate(-1, 0, 0))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range list {
		if r.Source != l.ID {
			s.t.Errorf("a read of %s leads to %q, not to %q", r.Where, r.Source, l.ID)
		}
	}
	wants(s.t, s.run("audit", "health"), "Log "+file+" covers ", l.ID)
}

// packsTheRead: the pack of an incident shows the statement that is its first suspect,
// without its values, and the act that has the hash of the log that it stands in.
func (w *audited) packsTheRead(id string, first forensics.Suspect) {
	t := w.t
	t.Helper()
	w.run("evidence", "export", "--incident", id, w.path("read.zip"))
	key := strings.TrimSpace(w.run("evidence", "key"))
	bothVerify(t, exitOK, "good: "+id, w.path("read.zip"), "--key", key)
	r, err := zip.OpenReader(w.path("read.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	file := func(name string, into any) {
		t.Helper()
		f, err := r.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := json.NewDecoder(f).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	var read packedRead
	name := pack.ReadFile(strings.TrimPrefix(string(first.Extract), "read:"))
	file(name, &read)
	if read.Extract != first.Extract || read.Actor != first.Actor || read.Statement != "select * from customers where id > ?" || !strings.Contains(read.Where, "server_audit.log, line ") ||
		read.Returned+read.Possible < 60 || len(read.Canaries) != first.Explains || len(read.Acts) != 1 {
		t.Fatalf("%+v", read)
	}
	var act canary.Act
	file(pack.ActFile(read.Acts[0]), &act)
	var from, to int
	var sum string
	if _, err := fmt.Sscanf(act.Outcome, "sha256 %s byte %d to byte %d of ", &sum, &from, &to); err != nil {
		t.Fatalf("%v: %s", err, act.Outcome)
	}
	if part := w.read("server_audit.log")[from:to]; act.What != canary.ActAuditWatch || sum != fmt.Sprintf("%x,", sha256.Sum256([]byte(part))) || !strings.Contains(part, "SELECT * FROM customers WHERE id > ") {
		t.Errorf("%+v is not of bytes %d to %d", act, from, to)
	}
	b := []byte(w.read("read.zip"))
	at := bytes.Index(b, []byte(`"actor": "`+first.Actor+`",`+"\n  \"logged\""))
	if at < 0 {
		t.Fatal("the actor of the read is not in the pack")
	}
	b[at+10] ^= 1
	w.write("changed.zip", string(b))
	bothVerify(t, exitFound, "fault: ", w.path("changed.zip"), "--key", key)
}

// switchesOff: whoever has the log switched off, takes the table, and has it switched on
// again makes a page, and so does a log that was cleared. Trace and health say so.
func (w *audited) switchesOff(thief *sql.DB) {
	t := w.t
	t.Helper()
	pages, _ := w.hook.received()
	w.db.SetMaxIdleConns(0) // the plugin does not log a connection that was made while it was off
	w.exec("SET @@global . server_audit_logging /* maintenance */ = 0")
	w.take(thief, "SELECT * FROM customers WHERE id > 2")
	w.exec("SET GLOBAL server_audit_logging=ON")
	w.settle()
	wants(t, w.read("server_audit.log"), "/* maintenance */")
	w.watchOnce()
	notices := w.run("notices")
	wants(t, notices, "P2", "the audit log db1 will tell less: \"testkit@127.0.0.1\" switched auditing off at 20")
	if w.watchOnce(); w.run("notices") != notices {
		t.Errorf("it is told again: %s", w.run("notices"))
	}
	w.exec("SET GLOBAL server_audit_logging=OFF") // the same account within the hour
	if err := os.Truncate(w.log, 0); err != nil {
		t.Fatal(err)
	}
	if report := w.watchOnce(); !report.Lost {
		t.Errorf("%+v", report)
	}
	notices = w.run("notices")
	wants(t, notices, "a part of the audit log db1 is missing: its file is gone, or was cut off in place")
	if n := strings.Count(notices, "switched auditing off"); n != 1 {
		t.Errorf("%d notices of one account: %s", n, notices)
	}
	wants(t, w.run("audit", "health"), "\"testkit@127.0.0.1\" switched auditing off at 20", "a part of it went missing once", "a part is missing that was written between 20")
	eventually(t, "both are paged", func() bool { more, _ := w.hook.received(); return len(more) >= len(pages)+2 })
	w.exec("SET GLOBAL server_audit_logging=ON")
}

// lacksOwn: the log has the time that the canaries were read back, and one out of which
// somebody took all that the seeder's account did then is told.
func (p *past) lacksOwn() {
	t := p.t
	t.Helper()
	s := p.at("own")
	s.imports(p.log)
	wants(t, s.run("audit", "health"), "1 of 1 own reads that fall into it are in it")
	whole := s.run("audit", "health")
	s.write("short.log", strings.Join(p.lines[:len(p.lines)/2], ""))
	s.imports(s.path("short.log"))
	if got := s.run("audit", "health"); got != whole {
		t.Errorf("a shorter copy took the place of the log:\n%s\nafter\n%s", got, whole)
	}
	reg := s.open()
	reads, err := reg.OwnReads(t.Context(), "db:main", time.Time{}, time.Now())
	if err != nil || len(reads) != 1 || reads[0].Account == "" {
		t.Fatalf("%+v, %v", reads, err)
	}
	user, _, _ := strings.Cut(reads[0].Account, "@")
	var kept []string
	for _, line := range p.lines {
		stamp, err := time.Parse("20060102 15:04:05", line[:min(len(line), 17)])
		if err == nil && strings.Contains(line, ","+user+",") && stamp.Sub(reads[0].From).Abs() < time.Minute {
			continue
		}
		kept = append(kept, line)
	}
	if len(kept) == len(p.lines) {
		t.Fatal("nothing was taken out")
	}
	s = p.at("clean")
	s.write("clean.log", strings.Join(kept, ""))
	s.imports(s.path("clean.log"))
	wants(t, s.run("audit", "health"), "0 of 1 own reads that fall into it are in it (missing at 20")
}
