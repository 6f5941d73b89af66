package deskkit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/deskkit"
	"saltmine/internal/helpdesk"
	"saltmine/internal/testkit"
)

var shared testkit.Shared

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }

const (
	customers = 400
	tickets   = 1200
)

// facts are what the tests ask a loaded help desk.
type facts struct {
	customers, tickets string            // count what is left
	none               map[string]string // queries that find a fault: they count 0
	some               map[string]string // queries that find what must not be missing
	ordered            [][3]string       // table, id, date: ids grow with dates
	gaps               [][2]string       // table, id: some ids are missing
	also               func(t *testing.T, db *sql.DB, kind string)
}

func facing(kind string) facts {
	return map[string]func() facts{
		"glpi":     glpiFacts,
		"osticket": osTicketFacts,
		"suitecrm": suiteCRMFacts,
		"uvdesk":   uvdeskFacts,
		"znuny":    znunyFacts,
	}[strings.Split(kind, "-")[0]]()
}

// size is that of most tests; what differs in its numbers alone is smaller.
func size(kind string) (people, matters int) {
	if strings.Contains(kind, "-") {
		return customers / 2, tickets / 2
	}
	return customers, tickets
}

// loaded returns a help desk of the usual size.
func loaded(t *testing.T, kind string) *sql.DB {
	t.Helper()
	people, matters := size(kind)
	_, db := shared.MariaDB(t).Database(t)
	start := time.Now()
	if err := deskkit.Load(t.Context(), db, kind, 7, people, matters); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d customers, %d tickets in %s", kind, people, matters, time.Since(start).Round(time.Millisecond))
	return db
}

func number(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestDesksAreSound(t *testing.T) {
	t.Parallel()
	for _, kind := range deskkit.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			db, f := loaded(t, kind), facing(kind)
			people, matters := size(kind)
			if got := number(t, db, f.customers); got != people {
				t.Errorf("%d customers, want %d", got, people)
			}
			if got := number(t, db, f.tickets); got != matters {
				t.Errorf("%d tickets, want %d", got, matters)
			}
			for what, query := range f.none {
				if got := number(t, db, query); got != 0 {
					t.Errorf("%s: %d rows\n%s", what, got, query)
				}
			}
			for what, query := range f.some {
				if number(t, db, query) == 0 {
					t.Errorf("%s: none\n%s", what, query)
				}
			}
			for _, o := range f.ordered {
				query := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT %[2]s AS d, LAG(%[2]s) OVER (ORDER BY %[1]s) AS before_d FROM %[3]s) x WHERE d < before_d", o[1], o[2], o[0])
				if got := number(t, db, query); got != 0 {
					t.Errorf("%s: %d rows are older than the row before\n%s", o[0], got, query)
				}
			}
			for _, g := range f.gaps {
				if number(t, db, "SELECT MAX("+g[1]+")-COUNT(*) FROM "+g[0]) < 5 {
					t.Errorf("%s: nothing is missing", g[0])
				}
			}
			foreignKeysHold(t, db)
			if f.also != nil {
				f.also(t, db, kind)
			}
		})
	}
}

// foreignKeysHold asks for rows that the server would have refused, had its
// checks been on while they were written.
func foreignKeysHold(t *testing.T, db *sql.DB) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT table_name, column_name, referenced_table_name, referenced_column_name
		FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var queries []string
	for rows.Next() {
		var table, column, parent, key string
		if err := rows.Scan(&table, &column, &parent, &key); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, fmt.Sprintf("SELECT COUNT(*) FROM `%s` c LEFT JOIN `%s` p ON p.`%s` = c.`%s` WHERE c.`%s` IS NOT NULL AND p.`%s` IS NULL",
			table, parent, key, column, column, key))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, query := range queries {
		if got := number(t, db, query); got != 0 {
			t.Errorf("%d rows\n%s", got, query)
		}
	}
}

func TestSameSeedSameDesk(t *testing.T) {
	t.Parallel()
	_, one := shared.MariaDB(t).Database(t)
	_, two := shared.MariaDB(t).Database(t)
	_, three := shared.MariaDB(t).Database(t)
	for db, seed := range map[*sql.DB]uint64{one: 3, two: 3, three: 4} {
		if err := deskkit.Load(t.Context(), db, "osticket", seed, 40, 90); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := checksums(t, one), checksums(t, two); a != b {
		t.Errorf("one seed, two databases:\n%s\n%s", a, b)
	}
	if a, b := checksums(t, one), checksums(t, three); a == b {
		t.Error("two seeds, one database")
	}
}

func checksums(t *testing.T, db *sql.DB) string {
	t.Helper()
	var out []string
	for _, table := range []string{"ost_user", "ost_user_email", "ost_form_entry_values", "ost_ticket", "ost_thread_entry", "ost_thread_event", "ost__search"} {
		var name string
		var sum int64
		if err := db.QueryRowContext(t.Context(), "CHECKSUM TABLE "+table).Scan(&name, &sum); err != nil {
			t.Fatal(err)
		}
		_, name, _ = strings.Cut(name, ".")
		out = append(out, fmt.Sprintf("%s %d", name, sum))
	}
	return strings.Join(out, ", ")
}

// The connections of the pool keep the modes that they had.
func TestConnectionsAreAsBefore(t *testing.T) {
	t.Parallel()
	_, db := shared.MariaDB(t).Database(t)
	db.SetMaxOpenConns(1)
	const modes = "SELECT CONCAT_WS(' ', @@sql_mode, @@time_zone, @@foreign_key_checks, @@unique_checks)"
	var before, after string
	if err := db.QueryRowContext(t.Context(), modes).Scan(&before); err != nil {
		t.Fatal(err)
	}
	if err := deskkit.Load(t.Context(), db, "osticket", 1, 5, 5); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), modes).Scan(&after); err != nil || before != after {
		t.Errorf("%q before, %q after, %v", before, after, err)
	}
}

func TestUnknownDesk(t *testing.T) {
	t.Parallel()
	_, db := shared.MariaDB(t).Database(t)
	if err := deskkit.Load(t.Context(), db, "osticket-dice", 1, 1, 1); !errors.Is(err, deskkit.ErrKind) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := deskkit.Load(ended, db, "osticket", 1, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := deskkit.Load(t.Context(), db, "osticket", 1, -5, 1); !errors.Is(err, helpdesk.ErrConfig) {
		t.Errorf("%v", err)
	}
}
