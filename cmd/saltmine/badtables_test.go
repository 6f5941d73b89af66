package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// repaired is a site on which planting fails for a reason in the support
// database: the reason is said with what to do, no canary stands, and when it
// is gone the same command finishes to exactly its count.
func (s *site) repaired(mend func(), say ...string) {
	s.t.Helper()
	before := s.count("SELECT COUNT(*) FROM customers")
	out := s.fails(exitFailed, "plant", "--count", "5", "--dates", "now")
	wants(s.t, out, append(say, "hint: ")...)
	if strings.Contains(out, "@") {
		s.t.Errorf("an address is shown:\n%s", out)
	}
	if n := s.count("SELECT COUNT(*) FROM customers"); n != before {
		s.t.Errorf("%d customers, %d before", n, before)
	}
	mend()
	wants(s.t, s.run("plant", "--count", "5", "--dates", "now"), "5 of 5 canaries stand")
	if n := s.count("SELECT COUNT(*) FROM customers"); n != before+5 {
		s.t.Errorf("%d customers, %d before", n, before)
	}
	wants(s.t, s.run("verify"), "5 checked, 5 as planted, 0 findings")
	wants(s.t, s.run("withdraw", "--all"), "5 withdrawn", "note: counters stay where they are: customers.id, tickets.id")
}

func (s *site) exec(statements ...string) {
	s.t.Helper()
	for _, text := range statements {
		if _, err := s.db.ExecContext(context.WithoutCancel(s.t.Context()), text); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestBadTables(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	t.Run("column too short", func(t *testing.T) {
		s := s.as(t)
		s.exec("CREATE TABLE kept AS SELECT id, email FROM customers", "UPDATE customers SET email = CONCAT(id, '@a.de')", "ALTER TABLE customers MODIFY email varchar(19) NOT NULL")
		s.repaired(func() {
			s.exec("ALTER TABLE customers MODIFY email varchar(191) NOT NULL", "UPDATE customers c JOIN kept k ON k.id = c.id SET c.email = k.email", "DROP TABLE kept")
		}, "column customers.email: it holds 19 characters", "needs 21", "widen the column")
	})
	t.Run("rule that forbids it", func(t *testing.T) {
		s := s.as(t)
		s.exec("ALTER TABLE customers ADD CONSTRAINT no_more CHECK (email NOT RLIKE '(hollowbrook|tinkersfield|marlowpost|greyheron|northlane)[.]example$')")
		s.repaired(func() { s.exec("ALTER TABLE customers DROP CONSTRAINT no_more") }, "10 canaries in a row", "the server refuses a value: constraint no_more (error 4025)")
	})
	t.Run("rows that somebody holds", func(t *testing.T) {
		s := s.as(t)
		old, err := os.ReadFile(s.path("support.dsn"))
		if err != nil {
			t.Fatal(err)
		}
		s.with("support.dsn", strings.TrimSpace(string(old))+"&innodb_lock_wait_timeout=1")
		tx, err := s.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback() //nolint:errcheck // it may have ended
		if _, err := tx.ExecContext(t.Context(), "SELECT id FROM customers WHERE id > 0 FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		s.repaired(func() {
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}, "other sessions hold the rows (error 1205)", "SHOW FULL PROCESSLIST")
	})
}
