package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
)

// TestRelease is a copy's whole life with the real binary: two recipients get
// theirs, one leaks, and one mail to one canary names the copy.
func TestRelease(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{
		Customers: 2000, Tickets: 4000, Seed: 11, From: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Now().UTC().Add(-time.Hour),
	})
	s := newSite(t, dsn, db)
	s.exportList("list.csv")
	list := s.readList("list.csv")
	for _, to := range []string{"acme", "beta"} {
		var report struct {
			Canaries int
			Tokens   map[canary.Kind]int
		}
		out := s.run("extracts", "release", "--to", to, "--canaries", "10", "--phones", "5", "--output", "json", s.path("list.csv"), s.path(to+".csv"))
		if err := json.Unmarshal([]byte(out), &report); err != nil || report.Canaries != 10 || report.Tokens[canary.Ticket] < 1 {
			t.Fatalf("release to %s said %s (%v)", to, out, err)
		}
	}
	reg := s.open()
	tokens := map[string]canary.Place{}
	for _, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			tokens[tok.Text] = p.Place
		}
	}
	prey, canaries := "", 0
	for _, row := range s.readList("acme.csv") {
		if place := tokens[strings.ToLower(row[3])]; place == "copy:acme" {
			prey = strings.ToLower(row[3])
			canaries++
		} else if place != "" {
			t.Errorf("a canary of %s stands in the copy for acme", place)
		}
	}
	if canaries != 10 || len(s.readList("acme.csv")) != len(list)+10 {
		t.Fatalf("%d canaries in a copy of %d rows", canaries, len(list))
	}
	srv := s.serve()
	s.tool("swaks", "--server", srv.addrs["smtp"], "--to", prey, "--from", "offers@stranger.example", "--helo", "mail.stranger.example",
		"--header", "Subject: An offer", "--body", "Buy now.", "--suppress-data")
	eventually(t, "an incident of the copy", func() bool {
		list, err := reg.Incidents(t.Context(), 2)
		return err == nil && len(list) == 1 && list[0].Place == "copy:acme"
	})
	var got struct {
		Trace struct {
			Suspects []struct {
				Extract, Actor string
				Explains, Of   int
			}
		}
	}
	if err := json.Unmarshal([]byte(s.run("trace", "--output", "json")), &got); err != nil {
		t.Fatal(err)
	}
	first, second := got.Trace.Suspects[0], got.Trace.Suspects[1]
	if first.Extract != "copy:acme" || first.Actor != "acme" || first.Explains != 1 || first.Of != 1 || second.Extract == "copy:beta" && second.Explains > 0 {
		t.Errorf("suspects: %+v", got.Trace.Suspects)
	}
}

// exportList writes a list of customers with a ticket number each, as somebody
// might export it.
func (s *site) exportList(name string) {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), `SELECT CAST(c.id AS CHAR), first_name, last_name, email, COALESCE(phone, ''), country, MIN(t.number), DATE_FORMAT(c.created_at, '%Y-%m-%d %H:%i:%s')
		FROM customers c JOIN tickets t ON t.customer_id = c.id GROUP BY c.id ORDER BY c.id`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	f, err := os.Create(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write([]string{"id", "first_name", "last_name", "email", "phone", "country", "ticket", "created_at"}) //nolint:errcheck // Error tells
	for rows.Next() {
		row := make([]string, 8)
		if err := rows.Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[6], &row[7]); err != nil {
			s.t.Fatal(err)
		}
		w.Write(row) //nolint:errcheck // Error tells
	}
	w.Flush()
	if err := w.Error(); err != nil || rows.Err() != nil {
		s.t.Fatal(err, rows.Err())
	}
}

func (s *site) readList(name string) [][]string {
	s.t.Helper()
	f, err := os.Open(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
