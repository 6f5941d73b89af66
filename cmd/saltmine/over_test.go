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
// on the way and at the end, and that other batches go on beside it.
func TestPlantOver(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, helpdesk.Config{Customers: 600, Tickets: 900, Seed: 3, From: start.AddDate(-3, 0, 0), To: start})
	s := newSite(t, dsn, db)
	plant := []string{"plant", "--count", "5", "--over", "14d"}
	if out := s.mustIn(start, plant...); !strings.Contains(out, "0 of 5 stand, next 2026-03-") {
		t.Errorf("at the beginning:\n%s", out)
	}
	week := start.Add(7 * 24 * time.Hour)
	out := s.mustIn(week, plant...)
	if !strings.Contains(out, " of 5 stand, next 2026-03-") || strings.Contains(out, "0 of 5 stand") || !strings.Contains(out, "came late") {
		t.Errorf("after a week:\n%s", out)
	}
	if out := s.mustIn(week, "plant", "--count", "2"); !strings.Contains(out, "2 of 2 canaries stand") {
		t.Errorf("another batch:\n%s", out)
	}
	if out := s.mustIn(week, "list"); !strings.Contains(out, " of 5 stand, next 2026-03-") {
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
	if !strings.Contains(out, "5 of 5 stand") || strings.Contains(out, "next") {
		t.Errorf("at the end:\n%s", out)
	}
	if out := s.mustIn(start.Add(16*24*time.Hour), "list"); strings.Contains(out, "of 5 stand") {
		t.Errorf("a complete batch is listed as arriving:\n%s", out)
	}
}
