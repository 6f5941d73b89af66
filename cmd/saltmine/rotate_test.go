package main

import (
	"testing"
	"time"

	"saltmine/internal/canary"
)

// TestRotateInServe starts serve after a scheduled rotation was missed: it is
// caught up, the row in the support database changes in place, and both tokens
// are listened for.
func TestRotateInServe(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.configure("[rotate]\nschedule = \"7 3 * * *\"\nlifetime = \"2d\"\nshare = 0.5\n")
	s.run("plant", "--count", "10", "--batch", "first")
	reg := s.open()
	if err := reg.SetLastRun(t.Context(), "rotate main", time.Now().Add(-49*time.Hour)); err != nil {
		t.Fatal(err)
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

// emails reads the canaries' addresses out of the support database.
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
		out[email] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
