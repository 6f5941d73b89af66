package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/testkit"
)

// TestAffected has somebody take customers by statements of several sorts, changes the
// database, and lists those who were taken: the real ones, all of them and nobody else.
func TestAffected(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, smallDesk())
	p := &past{audited: &audited{site: newSite(t, dsn, db)}}
	p.run("plant", "--count", "40", "--batch", "first")
	time.Sleep(4 * time.Second) // what is logged a second after something may have run before it
	p.log = p.path("server_audit.log")
	p.exec("INSTALL SONAME 'server_audit'")
	p.exec("SET GLOBAL server_audit_file_path='" + p.log + "', server_audit_query_log_limit=1024, server_audit_logging=ON")
	t.Cleanup(func() { p.exec("SET GLOBAL server_audit_logging=OFF") })
	thief := p.account(server.User(t, dsn, "SELECT, CREATE, INSERT"))
	ours := map[string]bool{}
	for _, tok := range p.tokens() {
		ours[strings.ToLower(tok.Text)] = true
	}
	var theirs []string // countries of canaries, which may have none in any one of them
	for _, row := range p.pairs("SELECT country, email FROM customers") {
		if ours[strings.ToLower(row[1])] && !slices.Contains(theirs, row[0]) {
			theirs = append(theirs, row[0])
		}
	}
	in := func(n int, country string) string {
		return fmt.Sprintf("country IN ('%s', '%s')", country, theirs[n%len(theirs)])
	}
	german, french, british := in(0, "DE"), in(1, "FR"), in(2, "GB")
	statements := map[string]string{ // by what their shapes begin with
		"select first_name, phone": "SELECT first_name, phone FROM customers WHERE " + german,
		"create table loot":        "CREATE TABLE loot AS SELECT email FROM customers WHERE " + french,
		"select distinct email":    "SELECT DISTINCT email FROM customers WHERE " + british,
		"select t.number":          "SELECT t.number FROM tickets t WHERE t.status <> 'closed'",
	}
	where := map[string]string{
		"select first_name, phone": german, "create table loot": french, "select distinct email": british,
		"select t.number": "id IN (SELECT customer_id FROM tickets WHERE status <> 'closed')",
	}
	want := map[string][]string{}
	for name, condition := range where {
		for _, row := range p.pairs("SELECT id, email FROM customers WHERE " + condition + " AND created_at < NOW()") {
			if !ours[strings.ToLower(row[1])] {
				want[name] = append(want[name], row[0])
			}
		}
		p.take(thief, statements[name])
	}
	p.settle()
	log, err := os.Open(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	imports := p.command("audit", "import", "--longest", "1s", "-") // which reads it twice
	imports.Stdin = log
	if out, err := imports.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// One is deleted, one changes, one comes.
	lost := want["select first_name, phone"][0]
	p.exec("DELETE FROM tickets WHERE customer_id = " + lost)
	p.exec("DELETE FROM customers WHERE id = " + lost)
	p.exec("UPDATE customers SET email = 'new.address@example.org', updated_at = NOW() + INTERVAL 1 HOUR WHERE id = " + want["select first_name, phone"][1])
	p.exec("INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('Late', 'Comer', 'late@example.org', 'DE', 'de', 'x', NOW() + INTERVAL 1 DAY, NOW())")
	for name := range want {
		want[name] = slices.DeleteFunc(want[name], func(id string) bool { return id == lost })
	}

	reads, err := p.open().ReadsSince(t.Context(), "db:main", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, r := range reads {
		for name := range want {
			if strings.HasPrefix(r.Shape, name) {
				p.lists(&r, name, want[name])
				done++
			}
		}
	}
	if done != len(want) {
		t.Errorf("%d of %d statements returned canaries", done, len(want))
	}
	known := slices.Concat(slices.Collect(maps.Values(want))...)
	slices.Sort(known)
	p.affectedRefuses(&reads[0], slices.Compact(known)[:2])
	p.affectedZone(&reads[0])
	p.affectedAs(&reads[0])
}

func (p *past) tokens() []canary.DatedToken {
	p.t.Helper()
	all, err := p.open().Plantings(p.t.Context(), canary.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	var out []canary.DatedToken
	for i := range all {
		out = append(out, all[i].Tokens...)
	}
	return out
}

func (p *past) pairs(query string) (out [][2]string) {
	p.t.Helper()
	rows, err := p.db.QueryContext(p.t.Context(), query)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pair [2]string
		if err := rows.Scan(&pair[0], &pair[1]); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, pair)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// lists has the customers of one extract listed, and compares them.
func (p *past) lists(r *canary.Read, name string, want []string) {
	t := p.t
	id := "read:" + r.ID[:12]
	var count, list affectedReport
	if err := json.Unmarshal([]byte(p.run("--output", "json", "trace", "--affected", id)), &count); err != nil {
		t.Fatal(err)
	}
	file := p.path("notices-" + r.ID + ".csv")
	raw := p.run("--output", "json", "trace", "--affected", id, "--out", file)
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, line := range lines[1:] {
		got[line[0]] = true
		if strings.Contains(raw, line[1]) {
			t.Errorf("%s: a customer's address is in the report", name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Compact(want)) {
		t.Errorf("%s: %d customers are listed, %d were taken: %v", name, len(got), len(want), list)
	}
	if count.Customers != len(got) || list.Customers != len(got) || list.Ours != len(r.Returned) || len(list.Plan) == 0 || len(list.Notes) == 0 || list.Held != len(r.Returned) {
		t.Errorf("%s: %+v", name, list)
	}
	if name == "select first_name, phone" && (list.Later != 1 || list.Changed < 1 || list.Again != list.Held) {
		t.Errorf("what has changed is not said: %+v", list)
	}
}

func (p *past) affectedRefuses(r *canary.Read, customers []string) {
	t := p.t
	id := "read:" + r.ID[:12]
	p.write("bad.sql", "DELETE FROM customers")
	p.write("rows.csv", "id,email\n"+customers[0]+",\n"+customers[1]+",\n,nobody@example.org\n")
	for want, args := range map[string][]string{
		"1 exists":              {"--affected", id, "--out", p.path("bad.sql")},
		"is no SELECT":          {"--affected", id, "--statement", p.path("bad.sql")},
		"more rows than":        {"--affected", id, "--max-rows", "1"},
		"not in the registry":   {"--affected", "read:zzzzzzzzzzzz"},
		"go with --affected":    {"--out", "x.csv"},
		"two different things":  {"--affected", id, "--incident", "i_x"},
		"named with --affected": {id},
	} {
		want = strings.TrimPrefix(want, "1 ")
		out, err := p.command(append([]string{"trace"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, want %q\n%s", args, err, want, out)
		}
	}
	var plan, rows affectedReport
	if err := json.Unmarshal([]byte(p.run("--output", "json", "trace", "--affected", id, "--dry-run")), &plan); err != nil || !plan.DryRun || plan.Customers != 0 || len(plan.Plan) == 0 {
		t.Errorf("a plan: %+v, %v", plan, err)
	}
	if err := json.Unmarshal([]byte(p.run("--output", "json", "trace", "--affected", id, "--rows", p.path("rows.csv"))), &rows); err != nil || rows.Customers != 3 || rows.Rows != 3 {
		t.Errorf("recorded rows: %+v, %v", rows, err)
	}
	acts, err := p.open().Acts(t.Context(), registry.ActFilter{Limit: 1000})
	if err != nil || !slices.ContainsFunc(acts, func(a canary.Act) bool {
		return a.What == canary.ActAffected && strings.HasPrefix(a.Outcome, "listed ")
	}) {
		t.Errorf("nothing of it is on the evidence log: %d acts, %v", len(acts), err)
	}
}
