package seeder_test

import (
	"strings"
	"testing"
)

// TestNobodysNamesake: in a town where most of the names that can be made are
// somebody's, canaries have the others. Names are looked up by an index, or
// among those who were read.
func TestNobodysNamesake(t *testing.T) {
	t.Parallel()
	for name, index := range map[string]string{"read": "", "indexed": "CREATE INDEX by_name ON customers (last_name, first_name)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(t, "ALTER TABLE customers ADD COLUMN home_town VARCHAR(40) NOT NULL DEFAULT 'Springfield'")
			for _, column := range []string{"first_name", "last_name"} {
				w.exec(t, "CREATE TABLE names_"+column+" AS SELECT n - 1 AS n, name FROM (SELECT ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, "+column+") AS n, "+column+" AS name FROM customers WHERE country = 'US' GROUP BY "+column+") AS all_names WHERE n <= 30")
			}
			w.exec(t, "UPDATE customers SET country = 'US', language = 'en'")
			w.exec(t, "UPDATE customers c JOIN names_first_name f ON f.n = c.id % 30 JOIN names_last_name l ON l.n = (c.id DIV 30) % 30 SET c.first_name = f.name, c.last_name = l.name")
			if index != "" {
				w.exec(t, index)
			}
			w.connect(t, w.dsn)
			cfg := plan("namesakes", 6)
			cfg.With = nil
			report := w.mustPlant(t, cfg)
			if n := w.number(t, "SELECT COUNT(*) FROM (SELECT 1 FROM customers GROUP BY first_name, last_name, home_town HAVING COUNT(*) > 1 AND SUM(email LIKE '%@example.net' OR email LIKE '%@mail.example.org' OR email LIKE '%@post.example.com') > 0) AS twice"); n != 0 {
				t.Errorf("%d canaries have the name and the town of somebody", n)
			}
			if said := strings.Contains(strings.Join(report.Warnings, "\n"), "no index leads to names"); said {
				t.Errorf("all were read, and yet it warns: %v", report.Warnings)
			}
		})
	}
}
