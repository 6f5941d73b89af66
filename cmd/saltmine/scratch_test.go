package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
	"saltmine/seeder/supportdb"
)

// scratched is a past of statements of which replay alone is not sure.
type scratched struct {
	*past
	thief *sql.DB
	truth map[string][]canary.ID // by the text of the statement: what the server returned
}

// dialects are conditions on a customer that replay leaves open, and a server does not.
func dialects() []string {
	return []string{
		"email REGEXP '^[a-m]'", "MD5(email) < '8'", "CRC32(email) % 2 = 0 OR SOUNDEX(last_name) = SOUNDEX('Smith')",
		"REGEXP_REPLACE(phone, '[^0-9]', '') LIKE '%7%'", "FIELD(country, 'DE', 'FR') > 0", "ELT(1 + (id & 1), 'a', 'b') = 'b'",
		"FIND_IN_SET(country, 'DE,FR,US')", "last_name SOUNDS LIKE 'Miller'", "id DIV 2 * 2 = id AND email NOT RLIKE '[0-9]'",
		"CONV(SUBSTR(SHA2(email, 256), 1, 1), 16, 10) < 9", "CONVERT(email USING latin1) REGEXP BINARY '^[A-M]'",
		"created_at < NOW() AND INET_ATON('10.0.0.7') & 1 AND MD5(email) > 'a'", "DATE_FORMAT(created_at, '%W') IN ('Monday', 'Friday')",
		"email LIKE CONCAT('%', REVERSE('e'), '%') AND ORD(email) & 1", "JSON_VALUE(JSON_OBJECT('a', country), '$.a') = 'DE'",
		"CASE country WHEN 'DE' THEN MD5(email) < '8' ELSE LENGTH(email) % 2 END", "TIME('10:00') < created_at AND MD5(email) < 'c'",
	}
}

// open are statements that look at more than the row, or at what nobody knows.
func openStatements() []string {
	return []string{
		"SELECT email FROM customers WHERE MD5(email) < '8' LIMIT 7", "SELECT email FROM customers WHERE RAND() < 0.5",
		"SELECT email FROM customers WHERE email >= ALL (SELECT 'a')",
		"SELECT email FROM customers WHERE MD5(email) < (SELECT MD5(MIN(email)) FROM customers)", "SELECT MIN(email) AS email FROM customers WHERE MD5(email) < '8'",
		"SELECT email FROM customers c JOIN tickets t ON t.customer_id = c.id WHERE MD5(t.number) < '3'", "SELECT email FROM customers WHERE MD5(email) < @x",
		"SELECT email FROM customers WHERE MD5(email) < MD5(CONNECTION_ID())",
	}
}

func newScratched(t *testing.T) *scratched {
	t.Helper()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	p := &scratched{past: &past{audited: &audited{site: s, log: s.path("server_audit.log")}}, truth: map[string][]canary.ID{}}
	p.thief = p.account(server.User(t, dsn, "SELECT, CREATE, INSERT"))
	p.thief.SetMaxOpenConns(1)
	p.exec("INSTALL SONAME 'server_audit'")
	p.exec("SET GLOBAL server_audit_file_path='" + p.log + "', server_audit_query_log_limit=1024, server_audit_logging=ON")
	t.Cleanup(func() { p.exec("SET GLOBAL server_audit_logging=OFF") })
	s.run("plant", "--count", "50", "--batch", "first")
	time.Sleep(3 * time.Second)
	p.all(1)
	time.Sleep(3 * time.Second) // what is logged about a change may have seen what came of it
	s.run("rotate", "--count", "20")
	time.Sleep(3 * time.Second)
	p.all(2)
	p.ask("CREATE TABLE loot AS SELECT email FROM customers WHERE MD5(email) > 'c'", "SELECT email FROM customers WHERE MD5(email) > 'c'")
	for _, text := range openStatements() {
		p.ask(text, text)
	}
	p.mode("ANSI_QUOTES,PIPES_AS_CONCAT")
	p.ask(`SELECT email FROM "customers" WHERE "country" = 'DE' OR MD5("email" || 'x') < '5'`, "")
	p.mode("")
	p.settle()
	p.exec("SET GLOBAL server_audit_logging=OFF")
	return p
}

func (p *scratched) mode(mode string) {
	p.t.Helper()
	if _, err := p.thief.ExecContext(p.t.Context(), "SET sql_mode = '"+mode+"'"); err != nil {
		p.t.Fatal(err)
	}
}

// all sends all of the dialect's statements.
func (p *scratched) all(round int) {
	p.t.Helper()
	for i, where := range dialects() {
		as, list := "", "email"
		if i%2 == 0 {
			as, list = " AS c", "c.*, UPPER(c.email) AS email"
		}
		text := fmt.Sprintf("SELECT %s FROM customers%s WHERE (%s) AND %d", list, as, where, round)
		p.ask(text, text)
	}
}

// ask sends a statement, and notes what it gave, or what another one gives.
func (p *scratched) ask(text, truth string) {
	p.t.Helper()
	if truth == "" {
		truth = text
	}
	if text != truth {
		p.take(p.thief, text)
	}
	rows, err := p.thief.QueryContext(p.t.Context(), truth)
	if err != nil {
		p.t.Fatalf("%s: %v", truth, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		p.t.Fatal(err)
	}
	at, into := len(columns)-1, make([]any, len(columns))
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	ours := p.owners()
	p.truth[text] = nil
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			p.t.Fatal(err)
		}
		if id, is := ours[strings.ToLower(string(*into[at].(*sql.RawBytes)))]; is { //nolint:forcetypeassert // made above
			p.truth[text] = append(p.truth[text], id)
		}
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
}

// owners are the canaries by their addresses.
func (p *scratched) owners() map[string]canary.ID {
	p.t.Helper()
	all, err := p.site.open().Plantings(p.t.Context(), canary.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	out := map[string]canary.ID{}
	for i := range all {
		for _, t := range all[i].Tokens {
			if t.Kind == canary.Email {
				out[strings.ToLower(t.Text)] = all[i].ID
			}
		}
	}
	return out
}

// known are the reads of a site by their text.
func (p *scratched) known(s *site) map[string]canary.Read {
	p.t.Helper()
	list, err := s.open().ReadsSince(p.t.Context(), "db:main", time.Time{})
	if err != nil {
		p.t.Fatal(err)
	}
	out := map[string]canary.Read{}
	for _, r := range list {
		if _, asked := p.truth[r.Text]; asked {
			out[r.Text] = r
		}
	}
	return out
}

func databases(t *testing.T, db *sql.DB) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'saltmine\\_scratch\\_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestReplayDSN has a scratch server tell what replay leaves open: what it tells is what the
// server of then returned, and where other rows decide, it tells nothing.
func TestReplayDSN(t *testing.T) {
	t.Parallel()
	p := newScratched(t)
	scratch := testkit.MariaDB(t)
	dsn, db := scratch.Database(t)
	p.write("scratch.dsn", "mysql://"+dsn)

	alone, refined := p.at("alone"), p.at("refined")
	alone.imports(p.log)
	sum := refined.imports("--replay-dsn", p.path("scratch.dsn"), p.log)
	before, after := p.known(alone), p.known(refined)
	p.compare(before, "alone")
	p.compare(after, "refined")
	var was, is int
	for _, text := range slices.Sorted(maps.Keys(p.truth)) {
		was, is = was+len(before[text].Possible), is+len(after[text].Possible)
		open := slices.Contains(openStatements(), text)
		if n := len(after[text].Possible); n > 0 && !open || open && n != len(before[text].Possible) {
			t.Errorf("%s: %d possible, %d before: %s", text, n, len(before[text].Possible), before[text].Why)
		}
		t.Logf("%3d returned; before %3d and %3d possible, then %3d and %3d: %s", len(p.truth[text]), len(before[text].Returned), len(before[text].Possible), len(after[text].Returned), len(after[text].Possible), text)
	}
	if sum.Scratch == nil || sum.Scratch.Answered < 2*len(dialects()) || sum.Scratch.Returned == 0 || sum.Scratch.Excluded == 0 {
		t.Errorf("%+v", sum.Scratch)
	}
	t.Logf("pairs that are open: %d, and with the scratch server %d; %+v", was, is, sum.Scratch)
	if left := databases(t, db); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	alone.imports("--anew", "--replay-dsn", p.path("scratch.dsn"), p.log)
	if !maps.Equal(alone.reads(), refined.reads()) {
		t.Error("worked out anew, it is something else")
	}
	p.scratchRefused(scratch, dsn, db)
	p.scratchKilled(db)
}

// compare holds what is known against what the server returned.
func (p *scratched) compare(reads map[string]canary.Read, name string) {
	p.t.Helper()
	for text, truth := range p.truth {
		r := reads[text]
		for _, id := range truth {
			if !slices.Contains(r.Returned, id) && !slices.Contains(r.Possible, id) {
				p.t.Errorf("%s: %s was returned, and is excluded: %s", name, id, text)
			}
		}
		for _, id := range r.Returned {
			if !slices.Contains(truth, id) {
				p.t.Errorf("%s: %s was not returned: %s", name, id, text)
			}
		}
	}
}

func (p *scratched) scratchRefused(server *testkit.Server, dsn string, db *sql.DB) {
	t := p.t
	p.write("itself.dsn", p.read("support.dsn"))
	p.write("weak.dsn", "mysql://"+server.User(t, dsn, "SELECT, INSERT, CREATE"))
	p.write("none.dsn", "nonsense")
	for file, want := range map[string]string{
		"itself.dsn": "1 it is the server of the support database", "weak.dsn": "1 run GRANT SELECT, INSERT, CREATE, DROP", "none.dsn": "2 --replay-dsn: unknown scheme",
	} {
		out := p.fails(int(want[0]-'0'), "audit", "import", "--replay-dsn", p.path(file), p.log)
		if !strings.Contains(out, want[2:]) {
			t.Errorf("%s: %s", file, out)
		}
	}
	if out := p.fails(2, "audit", "import", "--replay-dsn", "mysql://root:hush@127.0.0.1/x", p.log); !strings.Contains(out, "write the DSN into a file") || strings.Contains(out, "hush") {
		t.Error(out)
	}
	support := p.support()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE `"+support+"`"); err != nil {
		t.Fatal(err)
	}
	if out := p.fails(1, "audit", "import", "--replay-dsn", p.path("scratch.dsn"), p.log); !strings.Contains(out, "as the support database is called") {
		t.Error(out)
	}
	if _, err := db.ExecContext(t.Context(), "DROP DATABASE `"+support+"`"); err != nil {
		t.Fatal(err)
	}
	if left := databases(t, db); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// scratchKilled kills an import while it asks: the next run removes what it left, and not what
// another one uses.
func (p *scratched) scratchKilled(db *sql.DB) {
	t := p.t
	var log strings.Builder
	at := time.Now().UTC().Format("20060102 15:04:05")
	for n := range 20_000 {
		fmt.Fprintf(&log, "%s,vm,eve,10.0.0.9,%d,%d,QUERY,%s,'SELECT * FROM customers WHERE MD5(email) < \\'%x\\'',0\n", at, n%9, n, p.support(), n)
	}
	p.write("long.log", log.String())
	s := p.at("killed")
	cmd := s.command("audit", "import", "--longest", "1s", "--clock-error", "0s", "--replay-dsn", p.path("scratch.dsn"), p.path("long.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has filled its database", func() bool {
		for _, name := range databases(t, db) {
			var n int
			if db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM `"+name+"`.customers").Scan(&n) == nil && n > 0 {
				return true
			}
		}
		return false
	})
	other := s.imports("--replay-dsn", p.path("scratch.dsn"), p.log)
	if left := databases(t, db); len(left) != 1 || !strings.HasPrefix(left[0], supportdb.ScratchName) || other.Scratch.Answered == 0 {
		t.Errorf("beside one in use: %v, %+v", left, other.Scratch)
	}
	cmd.Process.Kill() //nolint:errcheck // it may have ended
	if err := cmd.Wait(); err == nil {
		t.Fatal("it was over before it was killed")
	}
	if left := databases(t, db); len(left) != 1 {
		t.Errorf("after a kill: %v", left)
	}
	s.imports("--anew", "--replay-dsn", p.path("scratch.dsn"), p.log)
	if left := databases(t, db); len(left) > 0 {
		t.Errorf("after the next run: %v", left)
	}
}

// support is the name of the support database.
func (p *scratched) support() (name string) {
	p.t.Helper()
	if err := p.db.QueryRowContext(p.t.Context(), "SELECT DATABASE()").Scan(&name); err != nil {
		p.t.Fatal(err)
	}
	return name
}
