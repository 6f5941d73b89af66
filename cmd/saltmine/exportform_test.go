package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// importForms is the application's import: it takes the columns of the file, and
// gives keys and ticket numbers of its own.
func (s *site) importForms(name string) {
	s.t.Helper()
	people, tickets := s.readCSV(name+".csv"), s.readCSV(name+"-tickets.csv")
	marks := func(n int) string { return strings.TrimSuffix(strings.Repeat("NULLIF(?, ''), ", n), ", ") }
	for _, row := range people[1:] {
		s.insert(fmt.Sprintf("INSERT INTO customers (%s) VALUES (%s)", strings.Join(people[0], ", "), marks(len(row))), row...)
	}
	for i, row := range tickets[1:] {
		q := fmt.Sprintf("INSERT INTO tickets (number, customer_id, %s) VALUES ('T-8%05d', (SELECT id FROM customers WHERE email = ?), %s)", strings.Join(tickets[0][1:], ", "), i, marks(len(row)-1))
		s.insert(q, row...)
	}
}

func (s *site) insert(query string, row ...string) {
	s.t.Helper()
	var args []any
	for _, cell := range row {
		args = append(args, cell)
	}
	if _, err := s.db.ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) readCSV(name string) [][]string {
	s.t.Helper()
	f, err := os.Open(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close() // it was read
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		s.t.Errorf("%s: %v, %v", name, info.Mode(), err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		s.t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

// TestExportForm takes canaries through an application's import: exported by a
// user who may only read, imported, adopted, paged for, withdrawn.
func TestExportForm(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	before := s.count("SELECT COUNT(*) FROM customers")
	s.write("support.dsn", "mysql://"+mariadb.MariaDB(t).User(t, dsn, "SELECT"))
	s.fails(exitFailed, "plant", "--count", "4")
	s.fails(exitUsage, "export-form", "--count", "4")
	s.fails(exitFailed, "export-form", "--count", "4", "--out", s.path("no/such/folder.csv"))
	s.empty()
	out := s.run("export-form", "--count", "4", "--with", "phone,ticket", "--batch", "spring", "--out", s.path("spring.csv"))
	wants(t, out, "4 canaries are registered, and not yet in the database", "saltmine adopt --batch spring")
	s.fails(exitUsage, "export-form", "--count", "4", "--batch", "spring", "--out", s.path("spring.csv"))
	people := s.readCSV("spring.csv")
	for _, row := range people[1:] {
		for _, cell := range row {
			if strings.Contains(cell, "@") && strings.Contains(out, cell) {
				t.Error("an address is printed")
			}
		}
	}
	s.sameForms(people)
	wants(t, s.run("list"), "batch spring  db:main  4 canaries  exported as a form")
	wants(t, s.fails(exitFound, "adopt", "--batch", "spring"), "0 canaries stand", "4 wait", "missing")
	wants(t, s.fails(exitUsage, "export-form", "--count", "7", "--out", s.path("more.csv")), "not all adopted")
	s.importForms("spring")
	wants(t, s.run("adopt", "--batch", "spring"), "4 canaries stand, 4 of them found now", "0 wait")
	wants(t, s.run("adopt", "--batch", "spring"), "4 canaries stand, 0 of them found now")
	wants(t, s.run("export-form", "--count", "4", "--batch", "spring", "--out", s.path("none.csv")), "nothing is left to export")
	wants(t, s.run("verify"), "4 checked, 4 as planted, 0 findings")
	wants(t, s.fails(exitFailed, "adopt", "--batch", "x"), "x")
	s.write("support.dsn", "mysql://"+dsn)
	wants(t, s.fails(exitFailed, "plant", "--count", "4", "--batch", "spring"), "through the application")
	wants(t, s.run("withdraw", "--batch", "spring"), "4 withdrawn")
	if n := s.count("SELECT COUNT(*) FROM customers"); n != before {
		t.Errorf("%d customers are left, there were %d", n, before)
	}
}

// sameForms exports the forms that wait once more, as JSON: it is the same people.
func (s *site) sameForms(people [][]string) {
	s.t.Helper()
	s.run("export-form", "--count", "4", "--format", "json", "--out", s.path("again.json"))
	var doc struct {
		Customers []struct {
			Email   string
			Tickets []map[string]any
		}
	}
	body, err := os.ReadFile(s.path("again.json"))
	if err == nil {
		err = json.Unmarshal(body, &doc)
	}
	if err != nil || len(doc.Customers) != 4 {
		s.t.Fatalf("%v\n%s", err, body)
	}
	for i, c := range doc.Customers {
		if !strings.Contains(strings.Join(people[i+1], "\n"), c.Email) || len(c.Tickets) == 0 || c.Tickets[0]["number"] != nil {
			s.t.Errorf("customer %d is somebody else, or has %v", i, c.Tickets)
		}
	}
}

// killAt starts a command so many times and kills it at random moments; it
// returns how often it was still running.
func (s *site) killAt(args []string, times int) (kills int) {
	s.t.Helper()
	for range times {
		cmd := s.command(args...)
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }() // ends with the process
		select {
		case err := <-ended:
			if err != nil {
				s.t.Errorf("saltmine %s: %v", args[0], err)
			}
			return kills
		case <-time.After(time.Duration(50+rand.IntN(900)) * time.Millisecond):
			cmd.Process.Kill() //nolint:errcheck // it may have ended
			<-ended            //nolint:errcheck // it says "killed"
			kills++
		}
	}
	return kills
}

// TestKillExportForm kills the export at many moments: whatever files there are
// Files that cannot all appear do not appear at all: the command can be repeated.
func TestFormFilesAppearTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "a.csv"), filepath.Join(dir, "a-tickets.csv")}
	out, err := newFormFiles(names)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(names[0], 0o700); err != nil { // nothing can take its place
		t.Fatal(err)
	}
	err = out.publish(2)
	out.drop()
	left, _ := os.ReadDir(dir)
	if err == nil || len(out.written) > 0 || len(left) != 1 || left[0].Name() != "a.csv" {
		t.Errorf("%v; written %v, left %v", err, out.written, left)
	}
}

// then, the registry knows everybody in them.
func TestKillExportForm(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	args := []string{"export-form", "--count", "40", "--with", "ticket", "--batch", "killed", "--out", s.path("killed.csv")}
	kills := s.killAt(args, 25)
	if _, err := os.Stat(s.path("killed.csv")); err != nil {
		s.run(args...)
	}
	known := map[string]bool{}
	for _, p := range s.plantings(s.open()) {
		for _, tok := range p.Tokens {
			if tok.Kind == canary.Email && p.State == canary.Intended {
				known[tok.Text] = true
			}
		}
	}
	people := s.readCSV("killed.csv")
	if len(people) != 41 || len(known) != 40 {
		t.Errorf("%d rows, %d tokens after %d kills", len(people), len(known), kills)
	}
	for _, row := range people[1:] {
		if !strings.Contains(strings.Join(row, " "), "@") {
			t.Error("a row has no address")
		}
		for _, cell := range row {
			if strings.Contains(cell, "@") && !known[strings.ToLower(cell)] {
				t.Error("an address stands in the file that is not registered")
			}
		}
	}
	s.importForms("killed")
	s.killAt([]string{"adopt", "--batch", "killed"}, 10)
	wants(t, s.run("adopt", "--batch", "killed"), "40 canaries stand")
	wants(t, s.run("verify"), "40 checked, 40 as planted")
}
