package supportdb_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"saltmine/seeder/supportdb"
)

// TestSessionsAreNoted: the number of every session is told before it is used, and is the
// one by which the server knows it. One that was ended meanwhile is replaced, as without it.
func TestSessionsAreNoted(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	dsn, raw := server.HelpDesk(t, tables())
	account := server.User(t, dsn, "ALL")
	user, _, _ := strings.Cut(account, ":")
	var mu sync.Mutex
	var noted []uint32
	opened := func(_ context.Context, session uint32) error {
		mu.Lock()
		defer mu.Unlock()
		noted = append(noted, session)
		return nil
	}
	db, err := supportdb.OpenWith(t.Context(), account, supportdb.Settings{Opened: opened})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		if _, err := db.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
		open := sessionsOf(t, raw, user)
		mu.Lock()
		for _, session := range open {
			if !slices.Contains(noted, session) {
				t.Errorf("session %d was not told; %v were", session, noted)
			}
		}
		if len(open) == 0 {
			t.Error("no session is open")
		}
		mu.Unlock()
		for _, session := range open {
			if _, err := raw.ExecContext(t.Context(), "KILL ?", session); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := errors.New("the registry is away")
	if db, err := supportdb.OpenWith(t.Context(), account, supportdb.Settings{Opened: func(context.Context, uint32) error { return refused }}); !errors.Is(err, refused) || errors.Is(err, supportdb.ErrUnreachable) {
		t.Errorf("a session that nobody noted: %v, %v", db, err)
	}
	if _, err := supportdb.OpenWith(t.Context(), strings.Replace(account, user+":", user+":x", 1), supportdb.Settings{Opened: opened}); !errors.Is(err, supportdb.ErrLogin) {
		t.Errorf("a wrong password: %v", err)
	}
}

func sessionsOf(t *testing.T, raw *sql.DB, user string) (list []uint32) {
	t.Helper()
	rows, err := raw.QueryContext(t.Context(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?", user)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n uint32
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
