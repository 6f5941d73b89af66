package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
)

// TestAuditWatch has MariaDB's audit plugin log what employees do. Look-ups make no
// incident; whoever takes the table makes one page, which names the account.
func TestAuditWatch(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "60", "--batch", "first")
	time.Sleep(2 * time.Second) // the log has whole seconds, and all is to stand when it begins
	w := &audited{site: s, log: s.path("server_audit.log")}
	w.exec("INSTALL SONAME 'server_audit'")
	w.exec("SET GLOBAL server_audit_file_path='" + w.log + "', server_audit_query_log_limit=1024")
	w.exec("SET GLOBAL server_audit_logging=ON")
	t.Cleanup(func() { w.exec("SET GLOBAL server_audit_logging=OFF") })
	s.configure("[[audit]]\nname = \"db1\"\nfile = \"server_audit.log\"\nevery = \"1s\"\nclock_error = \"0s\"\nignore = [\"root@localhost\"]\n" +
		"[[response]]\nname = \"suspend\"\non = \"tripwire\"\ncommand = [\"/bin/true\"]\n")

	agent, thief := w.account(server.User(t, dsn, "SELECT")), w.account(server.User(t, dsn, "SELECT"))
	w.lookUps(agent, 200)
	w.settle()
	first := w.watchOnce()
	if first.Statements < 200 || first.Incidents != 0 || first.Faults != 0 {
		t.Fatalf("look-ups: %+v", first)
	}
	s.run("verify")
	var email string
	if err := thief.QueryRowContext(t.Context(), "SELECT email FROM customers LIMIT 1").Scan(&email); err != nil {
		t.Fatal(err)
	}
	w.take(thief, "SELECT * FROM customers WHERE id > 0")
	w.settle()
	hit := w.watchOnce()
	if hit.Incidents != 1 {
		t.Fatalf("the table was taken: %+v", hit)
	}
	r := s.serve()
	eventually(t, "a page", func() bool { pages, _ := s.hook.received(); return len(pages) > 0 })
	pages, raw := s.hook.received()
	p := pages[0]
	if _, ok := p.Place.Reader(); !ok || p.Severity != canary.P2 || !strings.Contains(strings.Join(p.Reasons, "\n"), "60 planted records") {
		t.Errorf("%s %s: %q", p.Place, p.Severity, p.Reasons)
	}
	reg := s.open()
	tokens, err := reg.PlantedTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range tokens {
		if strings.Contains(raw, tok.Text) {
			t.Error("a canary's token is on the page")
		}
	}

	// Again, while it is followed: the incident stands, nobody is paged again.
	live := launchWatch(t, s)
	w.take(thief, "SELECT * FROM customers WHERE id > 1")
	w.settle()
	eventually(t, "the next read is filed", func() bool {
		reads, err := reg.ReadsSince(t.Context(), "db:main", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		full := 0
		for _, read := range reads {
			if len(read.Returned) == 60 || len(read.Likely) == 60 {
				full++
			}
		}
		return full == 2
	})
	live()
	before := w.hours(reg.ReadHours)
	if again := w.watchOnce(); again.Incidents != 0 {
		t.Errorf("again: %+v", again)
	}
	for reader, n := range w.hours(reg.ReadHours) {
		if n < before[reader] || n > 60 {
			t.Errorf("an account has read %.0f canaries, %.0f before", n, before[reader])
		}
	}
	list, err := reg.Incidents(t.Context(), 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d incidents, %v", len(list), err)
	}
	if pages, _ := s.hook.received(); len(pages) != 1 {
		t.Errorf("%d pages", len(pages))
	}
	w.namesTheReader(r, thief)

	// Somebody else has the account that the seeder has.
	w.take(w.db, "SELECT * FROM customers WHERE id > 2")
	w.settle()
	if other := w.watchOnce(); other.Incidents != 1 || other.Reads != 1 {
		t.Errorf("the table was taken with the seeder's account: %+v", other)
	}
	w.switchesOff(thief)
	r.kill()
}

// namesTheReader: when the list that was taken is used, the trace names the statement and
// its account, first of all, and the agent whose look-ups met no such record not at all.
func (w *audited) namesTheReader(r *running, thief *sql.DB) {
	w.t.Helper()
	var account string
	if err := thief.QueryRowContext(w.t.Context(), "SELECT SUBSTRING_INDEX(USER(), '@', 1)").Scan(&account); err != nil {
		w.t.Fatal(err)
	}
	reg := w.open()
	list, err := reg.Incidents(w.t.Context(), 10)
	if err != nil || len(list) != 1 {
		w.t.Fatal(list, err)
	}
	wants(w.t, w.run("respond", "try", "suspend", "--incident", string(list[0].ID)), `"place":"db:main","account":"`+account+`@`)
	tokens, err := reg.PlantedTokens(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, tok := range tokens {
		if tok.Kind != canary.Email || n == 4 {
			continue
		}
		n++
		if err := smtp.SendMail(r.addrs["smtp"], nil, fmt.Sprintf("sam%d@scammers.example", n), []string{tok.Text}, []byte("Subject: hello\r\n\r\nI know you.\r\n")); err != nil {
			w.t.Fatal(err)
		}
	}
	var id canary.IncidentID
	eventually(w.t, "the mails are an incident", func() bool {
		list, err := reg.Incidents(w.t.Context(), 10)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, inc := range list {
			if inc.Place == "db:main" && inc.Canaries == n {
				id = inc.ID
			}
		}
		return id != ""
	})
	var answer traced
	if err := json.Unmarshal([]byte(w.run("--output", "json", "trace", "--incident", string(id))), &answer); err != nil {
		w.t.Fatal(err)
	}
	first := answer.Answer.Suspects[0]
	if !strings.HasPrefix(string(first.Extract), "read:") || !strings.HasPrefix(first.Actor, account+"@") || first.Explains != n {
		w.t.Errorf("the first suspect is %+v, not a read of %s", first, account)
	}
	wants(w.t, strings.Join(first.Reasons, "\n"), "a statement in the audit log: ", "server_audit.log", "customers")
	if c := answer.Logs; c == nil || len(c.Logs) != 1 || c.Logs[0].Log != "db1" || c.Logs[0].Events < 200 {
		w.t.Errorf("what the logs cover: %+v", c)
	}
	wants(w.t, w.run("trace", "--incident", string(id)), "What the audit logs cover", "  - Log db1 covers 20", "no gap of an")
	w.packsTheRead(string(id), first)
}

// TestAuditWatchRefuses tells what is wrong of a configuration.
func TestAuditWatchRefuses(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	for want, section := range map[string]string{
		"names no audit log":             "",
		"no such file":                   "[[audit]]\nfile = \"none.log\"\n",
		"format \"excel\" is not known":  "[[audit]]\nfile = \"none.log\"\nformat = \"excel\"\n",
		"there is no [[audit]] named":    "[[audit]]\nname = \"db9\"\nfile = \"none.log\"\n",
		"there is no section [support.x": "[[audit]]\nsupport = \"x\"\nfile = \"none.log\"\n",
	} {
		s.configure(section)
		args := []string{"audit", "watch", "--once"}
		code := 2
		switch {
		case strings.Contains(want, "named"):
			args = append(args, "db1")
		case want == "no such file":
			code = 1
		}
		if out := s.fails(code, args...); !strings.Contains(out, want) {
			t.Errorf("want %q:\n%s", want, out)
		}
	}
}

// audited is a site whose database is audited.
type audited struct {
	*site
	log string
}

func (w *audited) exec(statement string) {
	w.t.Helper()
	if _, err := w.db.ExecContext(context.WithoutCancel(w.t.Context()), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// settle waits until all that was sent is logged: a server answers first.
func (w *audited) settle() {
	w.t.Helper()
	mark := fmt.Sprintf("mark %d", time.Now().UnixNano())
	w.exec("SELECT '" + mark + "'")
	eventually(w.t, "the log has it", func() bool { return strings.Contains(w.read("server_audit.log"), mark) })
}

func (w *audited) account(dsn string) *sql.DB {
	w.t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	return db
}

func (w *audited) take(db *sql.DB, query string, args ...any) {
	w.t.Helper()
	rows, err := db.QueryContext(w.t.Context(), query, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
}

// lookUps are an agent's: customers by id and by name, their tickets, and lists.
func (w *audited) lookUps(db *sql.DB, n int) {
	w.t.Helper()
	for i := range n {
		id := 1 + i*7%3000
		switch i % 4 {
		case 0:
			w.take(db, fmt.Sprintf("SELECT * FROM customers WHERE id = %d", id))
		case 1:
			w.take(db, fmt.Sprintf("SELECT * FROM tickets WHERE customer_id = %d", id))
		case 2:
			w.take(db, fmt.Sprintf("SELECT COUNT(*) FROM customers WHERE id < %d", id))
		default:
			w.take(db, "SELECT * FROM customers ORDER BY id DESC LIMIT 20")
		}
	}
}

func (w *audited) watchOnce() (r watchReport) {
	w.t.Helper()
	var list []watchReport
	if err := json.Unmarshal([]byte(w.run("--output", "json", "audit", "watch", "--once")), &list); err != nil || len(list) != 1 {
		w.t.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

// hours are the canaries of each account's hours.
func (w *audited) hours(get func(context.Context, canary.Place, time.Time) ([]canary.ReadHour, error)) map[canary.ReaderID]float64 {
	w.t.Helper()
	list, err := get(w.t.Context(), "db:main", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[canary.ReaderID]float64{}
	for _, h := range list {
		out[h.Reader] = max(out[h.Reader], h.Canaries)
	}
	return out
}

// launchWatch follows the log until what it returns is called.
func launchWatch(t *testing.T, s *site) (end func()) {
	t.Helper()
	cmd := s.command("audit", "watch")
	var out logBuffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() //nolint:errcheck // it was killed
		if strings.Contains(out.String(), "tried again") {
			t.Errorf("the watch had to begin anew:\n%s", out.String())
		}
	}
}
