package main

import (
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestRotateInServe starts serve when scheduled rotations were missed: they are
// caught up with at the pace of a day, rows in the support database change in
// place, old and new tokens are listened for, and the ticks are on the record.
func TestRotateInServe(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.support = "change_rate = 365\nchange_rate_max = 2"
	s.configure("[rotate]\nschedule = \"7 3 * * *\"\nlifetime = \"2d\"\n")
	s.run("plant", "--count", "10", "--batch", "first")
	reg := s.open()
	s.age(t, reg, 72*time.Hour)
	if err := reg.SetLastRun(t.Context(), "rotate main", time.Now().Add(-49*time.Hour)); err != nil {
		t.Fatal(err)
	}
	shown := s.run("rotate", "--dry-run")
	for _, want := range []string{
		"email on own domains: 10 canaries, each changes every 2 days (staircase)", "customers change 365 times a year (0 changes seen in 0 row-years; 365 assumed before)", " 03:07 UTC  ",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the dry run does not say %q:\n%s", want, shown)
		}
	}
	before := s.emails(t)
	s.serve()
	rotated := func() (closed []canary.DatedToken) {
		for _, p := range s.plantings(reg) {
			for _, tok := range p.Tokens {
				if tok.Kind == canary.Email && tok.Window.Until.Come() {
					closed = append(closed, tok)
				}
			}
		}
		return closed
	}
	eventually(t, "half of the addresses are changed", func() bool { return len(rotated()) == 5 })
	eventually(t, "the ticks are on the record", func() bool {
		ticks, err := reg.Ticks(t.Context(), "rotate main", time.Time{})
		return err == nil && len(ticks) >= 2 && ticks[0].Late
	})
	after := s.emails(t)
	if len(after) != len(before) {
		t.Errorf("%d rows before, %d after", len(before), len(after))
	}
	for _, tok := range rotated() {
		if !before[tok.Text] || after[tok.Text] {
			t.Errorf("%s: stood before %v, stands now %v", tok.Token, before[tok.Text], after[tok.Text])
		}
		known, err := reg.Known(t.Context(), canary.Email, tok.Text)
		if err != nil || !known {
			t.Errorf("%s is forgotten: %v", tok.Token, err)
		}
	}
}

// age sets back when all tokens came to stand.
func (s *site) age(t *testing.T, reg *registry.Registry, by time.Duration) {
	t.Helper()
	for _, p := range s.plantings(reg) {
		a := canary.Amendment{Canary: p.ID, Windows: map[canary.TokenID]canary.Window{}}
		for _, tok := range p.Tokens {
			tok.Window.From = canary.Between(tok.Window.From.Earliest.Add(-by), tok.Window.From.Latest.Add(-by))
			a.Windows[tok.ID] = tok.Window
		}
		if err := reg.Amend(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// emails reads the canaries' addresses out of the support database, some of
// which are typed with capitals.
func (s *site) emails(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), "SELECT email FROM customers WHERE email LIKE '%.example'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var email string
		if err := rows.Scan(&email); err != nil {
			t.Fatal(err)
		}
		out[strings.ToLower(email)] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
