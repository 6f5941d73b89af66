package supportdb_test

import (
	"maps"
	"strings"
	"testing"

	"saltmine/internal/testkit"
	"saltmine/seeder/supportdb"
)

// What an administrator sees of our sessions, those that read and those that
// write: the attributes that were asked for, and those of the driver, which name
// it whatever we say. The documentation says no more than this.
func TestWhatAdministratorsSee(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t, "--performance-schema=on")
	dsn, raw := server.HelpDesk(t, tables())
	user := server.User(t, dsn, "SELECT, INSERT, UPDATE, DELETE")
	db, err := supportdb.OpenWith(t.Context(), user, supportdb.Settings{Attributes: []string{"program_name:rt", "site:support"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) // the test is over
	if _, err := db.Use(t.Context(), generic(t)); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(user, ":")
	rows, err := raw.QueryContext(t.Context(), "SELECT p.ID, p.HOST, a.ATTR_NAME, a.ATTR_VALUE FROM information_schema.PROCESSLIST p JOIN performance_schema.session_connect_attrs a ON a.PROCESSLIST_ID = p.ID WHERE p.USER = ?", name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() // Err tells
	seen := map[string]map[string]string{}
	for rows.Next() {
		var id, host, attribute, value string
		if err := rows.Scan(&id, &host, &attribute, &value); err != nil {
			t.Fatal(err)
		}
		if seen[id] == nil {
			seen[id] = map[string]string{}
		}
		if !strings.HasPrefix(host, "127.0.0.1:") {
			t.Errorf("a session comes from %s", host)
		}
		if seen[id][attribute] = value; attribute == "_pid" {
			seen[id][attribute] = "a number"
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(seen) < 2 {
		t.Fatalf("%d sessions; one reads and one writes", len(seen))
	}
	for id, got := range seen {
		delete(got, "_os")
		delete(got, "_platform")
		if want := map[string]string{"_client_name": "Go-MySQL-Driver", "_pid": "a number", "_server_host": "127.0.0.1", "program_name": "rt", "site": "support"}; !maps.Equal(got, want) {
			t.Errorf("session %s says %v, want %v", id, got, want)
		}
	}
}
