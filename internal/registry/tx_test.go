package registry_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestTakenBackIsTriedAgain: an intake is in a deadlock with somebody who holds the
// end of the evidence log and then wants what is filed, and waits too long for
// somebody else. The server takes it back each time, and it is filed all the same,
// once.
func TestTakenBackIsTriedAgain(t *testing.T) {
	t.Parallel()
	for what, conflict := range map[string]func(t *testing.T, db *sql.DB, tx *sql.Tx){
		"deadlock": func(t *testing.T, db *sql.DB, tx *sql.Tx) {
			t.Helper()
			waits(t, db, "")
			// The lighter of the two is the victim: that is the intake.
			var id string
			must(t, tx.QueryRowContext(t.Context(), "SELECT id FROM jobs_of_mine WHERE id = 1").Scan(&id))
			err := tx.QueryRowContext(t.Context(), "SELECT id FROM contacts WHERE id = ? FOR UPDATE", contact(1, canary.SMTP, start()).ID).Scan(&id)
			if err != sql.ErrNoRows {
				t.Errorf("the one who holds the end: %v, want that the intake was taken back", err)
			}
		},
		"wait": func(t *testing.T, db *sql.DB, _ *sql.Tx) {
			t.Helper()
			waits(t, db, waits(t, db, "")) // the first gives up after two seconds
		},
	} {
		t.Run(what, func(t *testing.T) {
			ctx := t.Context()
			dsn, db := shared.MariaDB(t).Database(t)
			r := openAt(t, "mysql://"+dsn+"&innodb_lock_wait_timeout=2", vault(t))
			_, err := db.ExecContext(ctx, "CREATE TABLE jobs_of_mine (id INT PRIMARY KEY)")
			must(t, err)
			tx, err := db.BeginTx(ctx, nil)
			must(t, err)
			defer tx.Rollback() //nolint:errcheck // it ends the locks
			_, err = tx.ExecContext(ctx, "INSERT INTO jobs_of_mine SELECT seq FROM seq_1_to_1000")
			must(t, err)
			var sealed []byte
			must(t, tx.QueryRowContext(ctx, "SELECT sealed FROM act_head WHERE id = 1 FOR UPDATE").Scan(&sealed))
			filed := make(chan error, 1)
			go func() { filed <- r.Commit(ctx, outcome(r)) }() // ends with the lock
			conflict(t, db, tx)
			must(t, tx.Rollback())
			must(t, <-filed)
			checked(t, r, 2, 0)
			if list, err := r.Cases(ctx, registry.CaseFilter{}); err != nil || len(list) != 1 {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

// TestWhatIsTriedAgain: only that of which nothing stands.
func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint16]bool{1020: true, 1205: true, 1213: true, 3101: true, 1062: false, 1180: false} {
		err := fmt.Errorf("registry: commit: %w", &mysql.MySQLError{Number: number})
		if got := registry.TakenBack(err); got != want {
			t.Errorf("error %d is tried again: %v", number, got)
		}
	}
}

// waits returns the transaction that waits for a lock in the database, another one
// than that, once there is one.
func waits(t *testing.T, db *sql.DB, but string) (id string) {
	t.Helper()
	for range 120 {
		err := db.QueryRowContext(t.Context(), "SELECT t.trx_id FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT' AND t.trx_id <> ?", but).Scan(&id)
		if err == nil {
			return id
		}
		time.Sleep(250 * time.Millisecond) // the server shows anew what was not asked for 100 ms
	}
	t.Fatal("nobody waits")
	return ""
}
