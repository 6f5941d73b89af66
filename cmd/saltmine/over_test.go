package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
)

// in runs a command of this process at a time of the test's choice.
func (s *site) in(at time.Time, args ...string) (string, error) {
	var out, errs bytes.Buffer
	root := (&app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, now: func() time.Time { return at }}).root()
	root.SetArgs(append([]string{"--config", s.path("saltmine.toml")}, args...))
	err := root.ExecuteContext(s.t.Context())
	return out.String(), err
}

func (s *site) mustIn(at time.Time, args ...string) string {
	s.t.Helper()
	out, err := s.in(at, args...)
	if err != nil {
		s.t.Fatalf("saltmine %s at %s: %v", strings.Join(args, " "), at, err)
	}
	return out
}

// A batch over two weeks, by the command line: what it says at the beginning,
// on the way and at the end, and that other batches go on beside it. Of so many
// hardly ever all or none come in the first week.
func TestPlantOver(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{Customers: 600, Tickets: 900, Seed: 3, From: start.AddDate(-3, 0, 0), To: start})
	s := newSite(t, dsn, db)
	plant := []string{"plant", "--count", "25", "--over", "14d"}
	if out := s.mustIn(start, plant...); !strings.Contains(out, "\n0 of 25 stand, next 2026-03-") {
		t.Errorf("at the beginning:\n%s", out)
	}
	week := start.Add(7 * 24 * time.Hour)
	out := s.mustIn(week, plant...)
	if !strings.Contains(out, " of 25 stand, next 2026-03-") || strings.Contains(out, "\n0 of 25 stand") || !strings.Contains(out, "came late") {
		t.Errorf("after a week:\n%s", out)
	}
	if out := s.mustIn(week, "plant", "--count", "2"); !strings.Contains(out, "2 of 2 canaries stand") {
		t.Errorf("another batch:\n%s", out)
	}
	if out := s.mustIn(week, "list"); !strings.Contains(out, " of 25 stand, next 2026-03-") {
		t.Errorf("list:\n%s", out)
	}
	name := s.open()
	open, err := name.UnfinishedBatches(t.Context())
	if err != nil || len(open) != 1 {
		t.Fatalf("%d unfinished batches, %v", len(open), err)
	}
	if _, err := s.in(week, "plant", "--batch", string(open[0].ID), "--over", "7d"); err == nil {
		t.Error("another span was taken")
	}
	out = s.mustIn(start.Add(15*24*time.Hour), "plant", "--batch", string(open[0].ID))
	if !strings.Contains(out, "25 of 25 stand") || strings.Contains(out, "next") {
		t.Errorf("at the end:\n%s", out)
	}
	if out := s.mustIn(start.Add(16*24*time.Hour), "list"); strings.Contains(out, "of 25 stand") {
		t.Errorf("a complete batch is listed as arriving:\n%s", out)
	}
}

// What serve does by its timetables: canaries arrive, and live on.
func TestLifeChores(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{Customers: 300, Tickets: 2700, Seed: 5, From: start.AddDate(-2, 0, 0), To: start})
	s := newSite(t, dsn, db)
	s.mustIn(start, "plant", "--count", "6", "--over", "1d", "--batch", "serve")
	at := start
	a := &app{stdout: t.Output(), stderr: t.Output(), config: s.path("saltmine.toml"), output: "text", now: func() time.Time { return at }}
	c, err := a.openCore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.close() }() //nolint:errcheck // the test is over
	srv := &server{app: a, core: c, log: a.quietLogger()}
	chore := func(name string) {
		t.Helper()
		list, err := srv.living()
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range list {
			if ch.name == name {
				if err := ch.run(t.Context(), nil); err != nil {
					t.Fatalf("%s at %s: %v", name, at, err)
				}
				return
			}
		}
		t.Fatalf("there is no chore %q", name)
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const ours = "SELECT COUNT(*) FROM customers WHERE email LIKE '%.example'"
	if chore("arrivals main"); count(ours) != 0 {
		t.Error("canaries came before their time")
	}
	at = start.Add(25 * time.Hour)
	if chore("arrivals main"); count(ours) != 6 {
		t.Errorf("%d of 6 arrived", count(ours))
	}
	chore("arrivals main")
	before := count("SELECT COUNT(*) FROM tickets")
	at = start.AddDate(0, 0, 60)
	if out := s.mustIn(at, "live", "--dry-run"); !strings.Contains(out, "INSERT INTO `tickets`") || count("SELECT COUNT(*) FROM tickets") != before {
		t.Errorf("a dry run:\n%s", out)
	}
	if chore("life main"); count("SELECT COUNT(*) FROM tickets") == before {
		t.Error("in two months nobody opened a ticket")
	}
	if out := s.mustIn(at, "live"); !strings.Contains(out, "6 canaries, 0 changed") {
		t.Errorf("a moment later:\n%s", out)
	}
	c.cfg.Life.Schedule, c.cfg.Life.Arrivals = "", ""
	if list, err := srv.living(); err != nil || len(list) != 0 {
		t.Errorf("switched off there are %d chores, %v", len(list), err)
	}
	c.cfg.Life.Schedule = "never"
	if _, err := srv.living(); err == nil || !strings.Contains(err.Error(), "[life] schedule") {
		t.Errorf("a bad timetable: %v", err)
	}
}
