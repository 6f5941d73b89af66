package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// as is the site for a subtest, so that it is the subtest that fails.
func (s *site) as(t *testing.T) *site {
	t.Helper()
	c := *s
	c.t = t
	return &c
}

// with writes a file of the site and puts the old one back when the test ends.
func (s *site) with(name, text string) {
	s.t.Helper()
	old, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.write(name, strings.TrimSuffix(string(old), "\n")) })
	s.write(name, text)
}

// wants checks that a text says all of the parts.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said in:\n%s", part, text)
		}
	}
}

// empty checks that the registry knows of no canary and no batch.
func (s *site) empty() {
	s.t.Helper()
	reg := s.open()
	open, err := reg.UnfinishedBatches(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if list := s.plantings(reg); len(list) > 0 || len(open) > 0 {
		s.t.Errorf("%d canaries and %d batches are registered", len(list), len(open))
	}
}

func (s *site) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRowContext(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestBadSupport points saltmine at support databases that it cannot use. Each
// has its own words, none shows the password, nothing is written anywhere.
func TestBadSupport(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	before := s.count("SELECT COUNT(*) FROM customers")
	user, rest, _ := strings.Cut(dsn, ":")
	password, rest, _ := strings.Cut(rest, "@")
	addr := regexp.MustCompile(`tcp\(([^)]*)\)`).FindStringSubmatch(rest)[1]
	name := regexp.MustCompile(`/(t_[a-z0-9]+)`).FindStringSubmatch(rest)[1]
	for _, c := range []struct {
		name, dsn string
		code      int
		say       []string
	}{
		{"syntax", "mysql:/" + dsn, exitUsage, []string{"saltmine.toml:2: support.main.dsn_file", "support.dsn", `want "sqlite:PATH" or "mysql://user:pass@tcp(host:port)/db"`}},
		{"parameter", "mysql://" + user + ":" + password + "@" + strings.Replace(rest, "parseTime=true", "parseTime=perhaps", 1), exitFailed, []string{"[support.main]", "data source name is not usable", "hint: ", "dsn_file"}},
		{"password", "mysql://" + user + ":x" + password + "@" + rest, exitFailed, []string{"[support.main]", "refused the user name or the password", "hint: check user and password in the dsn_file"}},
		{"database", "mysql://" + strings.Replace(dsn, name, "t_nosuch", 1), exitFailed, []string{"[support.main]", "does not exist", "t_nosuch", "hint: ", "dsn_file"}},
		{"nobody", "mysql://" + strings.Replace(dsn, addr, nobody(t), 1), exitFailed, []string{"[support.main]", "does not answer", "connection refused", "hint: check host and port in the dsn_file"}},
		{"read-only", "mysql://" + mariadb.MariaDB(t).User(t, dsn, "SELECT"), exitFailed, []string{"INSERT on table customers is missing", "GRANT SELECT, INSERT, UPDATE, DELETE ON `" + name + "`.`customers` TO 'u_"}},
		{"no delete", "mysql://" + mariadb.MariaDB(t).User(t, dsn, "SELECT, INSERT, UPDATE"), exitFailed, []string{"DELETE on table customers is missing", "GRANT "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.as(t)
			s.with("support.dsn", c.dsn)
			planted, checked := s.fails(c.code, "plant", "--count", "5"), s.fails(exitFailed, "check")
			wants(t, planted, c.say...)
			wants(t, checked, "FAILED  ", "saltmine: 1 of ")
			if strings.Contains(planted+checked, password) {
				t.Error("the password is shown")
			}
			s.empty()
		})
	}
	t.Run("missing column", func(t *testing.T) {
		s := s.as(t)
		recipe, err := os.ReadFile(s.path("recipe.toml"))
		if err != nil {
			t.Fatal(err)
		}
		s.with("recipe.toml", regexp.MustCompile(`(?m)^email\s*=.*$`).ReplaceAllString(string(recipe), `email = "e_mail"`))
		wants(t, s.fails(exitFailed, "plant", "--count", "5"), "[support.main]", "column customers.e_mail", `did you mean "email"?`, "hint: run 'saltmine inspect'")
		s.empty()
	})
	t.Run("missing table", func(t *testing.T) {
		s := s.as(t)
		s.with("recipe.toml", "[customer]\ntable = \"customer\"\nkey = \"id\"\nemail = \"email\"\ncreated = \"created_at\"\nfirst_name = \"first_name\"\nlast_name = \"last_name\"\n"+
			"[ticket]\ntable = \"tickets\"\nkey = \"id\"\ncustomer = \"customer_id\"\nnumber = \"number\"\ncreated = \"created_at\"")
		wants(t, s.fails(exitFailed, "plant", "--count", "5"), "table customer:", `did you mean "customers"?`)
		s.empty()
	})
	t.Run("recipe with a misspelt key", func(t *testing.T) {
		s := s.as(t)
		s.with("recipe.toml", "[customer]\ntable = \"customers\"\nemial = \"email\"")
		wants(t, s.fails(exitUsage, "plant", "--count", "5"), "recipe.toml", "line 3", `"customer.emial"`, `did you mean "email"?`)
		s.empty()
	})
	if after := s.count("SELECT COUNT(*) FROM customers"); after != before {
		t.Errorf("%d customers, %d before", after, before)
	}
}

// nobody is an address on which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // nothing came
	return ln.Addr().String()
}

// TestClash holds a plant fast between registering and inserting. Meanwhile
// another plant is turned away, and strangers take an address and a ticket
// number that were minted: the count asked for stands all the same, and the
// strangers' rows are not touched.
func TestClash(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	before := s.count("SELECT COUNT(*) FROM customers")
	s.allow("hold")
	release := s.holdInserts()
	first := s.command("plant", "--count", "10", "--with", "ticket", "--output", "json")
	var said, logged bytes.Buffer
	first.Stdout, first.Stderr = &said, &logged
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first plant inserts", func() bool {
		return s.count("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'") == 1
	})
	for _, args := range [][]string{{"plant", "--count", "10"}, {"rotate"}, {"withdraw", "--all"}, {"verify"}} {
		wants(t, s.fails(exitFailed, args...), "another saltmine is changing this support database; wait until it is done")
	}
	reg := s.open()
	var email, number string
	for i, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			switch {
			case tok.Kind == canary.Email && i == 3:
				email = tok.Text
			case tok.Kind == canary.Ticket && i == 5 && number == "":
				number = tok.Text
			}
		}
	}
	number = s.spelt(number)
	stranger := release(func(conn *sql.Conn) int64 {
		res, err := conn.ExecContext(t.Context(), "INSERT INTO customers (first_name, last_name, email, phone, country, language, product, created_at, updated_at) VALUES ('Real', 'Person', ?, NULL, 'GB', 'en', 'home', NOW(), NOW())", email)
		if err != nil {
			t.Fatal(err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO tickets (number, customer_id, subject, channel, created_at, updated_at) VALUES (?, ?, 'mine', 'mail', NOW(), NOW())", number, id); err != nil {
			t.Fatal(err)
		}
		return id
	})
	if err := first.Wait(); err != nil {
		t.Fatalf("plant: %v\n%s", err, logged.String())
	}
	var report struct{ Live, Inserted, Retired int }
	if err := json.Unmarshal(said.Bytes(), &report); err != nil || report.Live != 10 || report.Retired < 2 {
		t.Errorf("plant said %s (%v)", said.String(), err)
	}
	if n := s.count("SELECT COUNT(*) FROM customers") - before; n != 11 {
		t.Errorf("%d new customers, want ten canaries and the stranger", n)
	}
	if s.count("SELECT COUNT(*) FROM customers WHERE id = ? AND email = ? AND last_name = 'Person'", stranger, email) != 1 ||
		s.count("SELECT COUNT(*) FROM tickets WHERE customer_id = ? AND number = ? AND subject = 'mine'", stranger, number) != 1 {
		t.Error("the stranger's rows were touched")
	}
	wants(t, s.run("verify"), "10 checked, 10 as planted, 0 findings")
	wants(t, s.run("withdraw", "--all"), "10 withdrawn")
	if n := s.count("SELECT COUNT(*) FROM customers") - before; n != 1 {
		t.Errorf("%d new customers after the withdrawal, want the stranger alone", n)
	}
}

// allow lists a trigger in the recipe as known to be harmless.
func (s *site) allow(trigger string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path("recipe.toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("recipe.toml", fmt.Sprintf("allow_triggers = [%q]\n%s", trigger, text))
}

// spelt gives a ticket number as the support database writes it.
func (s *site) spelt(number string) string {
	s.t.Helper()
	var sample string
	if err := s.db.QueryRowContext(s.t.Context(), "SELECT number FROM tickets ORDER BY id DESC LIMIT 1").Scan(&sample); err != nil {
		s.t.Fatal(err)
	}
	out, i := "", 0
	for _, c := range sample { // the same places for the dashes
		if c == '-' {
			out += "-"
			continue
		}
		if i < len(number) {
			out += number[i : i+1]
			i++
		}
	}
	return out + number[i:]
}

// holdInserts makes every INSERT of a customer wait until release is called,
// which first does something in a session that need not wait.
func (s *site) holdInserts() (release func(do func(*sql.Conn) int64) int64) {
	s.t.Helper()
	conn, err := s.db.Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() }) // it may be closed
	exec := func(query string) {
		s.t.Helper()
		if _, err := conn.ExecContext(s.t.Context(), query); err != nil {
			s.t.Fatalf("%s: %v", query, err)
		}
	}
	exec("CREATE TRIGGER hold BEFORE INSERT ON customers FOR EACH ROW BEGIN DECLARE x INT; SET x = GET_LOCK(CONCAT('hold ', DATABASE()), 60); SET x = RELEASE_LOCK(CONCAT('hold ', DATABASE())); END")
	exec("DO GET_LOCK(CONCAT('hold ', DATABASE()), 0)")
	return func(do func(*sql.Conn) int64) int64 {
		s.t.Helper()
		id := do(conn)
		exec("DO RELEASE_LOCK(CONCAT('hold ', DATABASE()))")
		return id
	}
}

// TestServerRefusesRows breaks off a plant by an error of the support database
// and carries it on by the same command.
func TestServerRefusesRows(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	before := s.count("SELECT COUNT(*) FROM customers")
	if _, err := db.ExecContext(t.Context(), "CREATE TRIGGER refuse BEFORE INSERT ON tickets FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'kept out for a test'"); err != nil {
		t.Fatal(err)
	}
	wants(t, s.fails(exitFailed, "plant", "--count", "7", "--with", "ticket"), "a trigger would act on the rows: refuse on table tickets", "hint: ", "allow_triggers")
	s.empty()
	s.allow("refuse")
	out := s.fails(exitFailed, "plant", "--count", "7", "--with", "ticket")
	wants(t, out, "ticket", "error 1644", "hint: ", "run the same command again")
	for _, p := range s.plantings(s.open()) {
		if p.State != canary.Intended || strings.Contains(out, p.Name) {
			t.Errorf("canary %s is %s after a refused INSERT, or named in the error", p.ID, p.State)
		}
	}
	if n := s.count("SELECT COUNT(*) FROM customers"); n != before {
		t.Errorf("%d customers were left behind", n-before)
	}
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER refuse"); err != nil {
		t.Fatal(err)
	}
	wants(t, s.fails(exitUsage, "plant", "--count", "8", "--with", "ticket"), "batch b_", "of 7 canaries was cut off", "--count 7")
	wants(t, s.run("plant", "--count", "7", "--with", "ticket"), "7 of 7 canaries stand")
	if n := s.count("SELECT COUNT(*) FROM customers"); n != before+7 {
		t.Errorf("%d customers, want %d", n, before+7)
	}
	wants(t, s.run("verify"), "7 checked, 7 as planted, 0 findings")
}

// TestWrongKeys opens a registry with the keys of another installation: nothing
// may be written with them, for it would be sealed twice over.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", "3")
	other := filepath.Join(t.TempDir(), "other")
	if out, err := command(t, "init", other).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for _, move := range [][2]string{{s.path("keys"), s.path("right")}, {filepath.Join(other, "keys"), s.path("keys")}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"plant", "--count", "5"}, {"serve"}, {"list"}, {"verify"}, {"trace"}, {"incidents"}, {"rotate"}, {"check"}} {
		out := s.fails(exitFailed, args...)
		wants(t, out, "does not open with these keys", "hint: these are not the keys that the registry was written with: check keys in [registry]")
	}
	for _, move := range [][2]string{{s.path("keys"), s.path("wrong")}, {s.path("right"), s.path("keys")}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, s.run("verify"), "3 checked, 3 as planted, 0 findings")
	if n := len(s.plantings(s.open())); n != 3 {
		t.Errorf("%d canaries are registered, 3 were planted", n)
	}
}

// TestServeStart gives serve ports and a spool that others have.
func TestServeStart(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	srv := s.serve()
	wants(t, s.fails(exitFailed, "serve"), "spool is in use", s.path("spool"), "hint: another 'saltmine serve' has this spool")
	base, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for section, name := range map[string]string{"smtp": "smtp", "dns": "dns", "phone": "phone", "ticket": "ticket", "api": "api", "admin": "admin"} {
		taken := srv.addrs[name]
		config := regexp.MustCompile(`(\[`+section+`\]\nlisten = \[?)"127\.0\.0\.1:0"`).ReplaceAllString(string(base), `${1}"`+taken+`"`)
		if err := os.WriteFile(s.path("second.toml"), []byte(config+"\n[spool]\ndir = \"spool2\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := command(t, "--config", s.path("second.toml"), "serve").CombinedOutput()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed { //nolint:errorlint // exec gives it bare
			t.Errorf("serve with the port of [%s] taken: %v\n%s", section, err, out)
		}
		wants(t, string(out), "saltmine: ["+section+"] listen", taken, "address already in use", "hint: ")
		if strings.Contains(string(out), "msg=ready") {
			t.Errorf("serve was ready although [%s] has no port", section)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := srv.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-srv.done:
		if err != nil {
			t.Errorf("serve ended with %v after an interrupt:\n%s", err, srv.log)
		}
	case <-ctx.Done():
		t.Errorf("serve did not end after an interrupt:\n%s", srv.log)
	}
	if !strings.Contains(fmt.Sprint(srv.log), "msg=stopped") {
		t.Error("serve did not say that it stopped")
	}
}
