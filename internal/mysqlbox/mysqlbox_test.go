package mysqlbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/helpdesk"
	"saltmine/internal/mysqlbox"
)

func box(t *testing.T, cfg mysqlbox.Config) (*mysqlbox.Box, *sql.DB) {
	t.Helper()
	b, err := mysqlbox.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, open(t, b.DSN())
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type runner interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// exec runs a statement and returns rows affected and the last id.
func exec(t *testing.T, on runner, query string, args ...any) (affected, id int64) {
	t.Helper()
	res, err := on.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	affected, err1 := res.RowsAffected()
	id, err2 := res.LastInsertId()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return affected, id
}

func text(t *testing.T, on runner, query string, args ...any) string {
	t.Helper()
	var s sql.NullString
	if err := on.QueryRowContext(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s.String
}

func wantNumber(t *testing.T, err error, number uint16) {
	t.Helper()
	if my, ok := errors.AsType[*mysql.MySQLError](err); !ok || my.Number != number {
		t.Errorf("error %v, want number %d", err, number)
	}
}

const things = `CREATE TABLE things (
	id bigint NOT NULL AUTO_INCREMENT,
	email varchar(191) NOT NULL,
	n int NULL,
	at datetime NULL,
	PRIMARY KEY (id))`

func withThings(t *testing.T) *sql.DB {
	t.Helper()
	_, db := box(t, mysqlbox.Config{})
	exec(t, db, things)
	exec(t, db, "CREATE UNIQUE INDEX things_email ON things (email)")
	return db
}

func TestInsertsGiveIdsInOrder(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	if n, id := exec(t, db, "INSERT INTO things (email) VALUES (?)", "a@x.example"); n != 1 || id != 1 {
		t.Errorf("first insert: %d rows, id %d", n, id)
	}
	if n, id := exec(t, db, "INSERT INTO things (email, n) VALUES (?, ?), (?, ?)", "b@x.example", 1, "c@x.example", 2); n != 2 || id != 2 {
		t.Errorf("two rows: %d rows, first id %d, want 2, 2", n, id)
	}
	exec(t, db, "INSERT INTO things (id, email) VALUES (50, 'd@x.example')")
	if _, id := exec(t, db, "INSERT INTO things (email) VALUES ('e@x.example')"); id != 51 {
		t.Errorf("id %d after 50", id)
	}
	if got := text(t, db, "SELECT group_concat(id) FROM (SELECT id FROM things ORDER BY id DESC LIMIT 3) AS x"); got != "51,50,3" {
		t.Errorf("last three ids %s", got)
	}
	_, err := db.ExecContext(t.Context(), "INSERT INTO things (email) VALUES ('f@x.example'), ('a@x.example')")
	wantNumber(t, err, 1062)
	if got := text(t, db, "SELECT count(*) FROM things"); got != "5" {
		t.Errorf("%s rows: a refused statement left a row", got)
	}
}

func TestUpdateCountsChangedRows(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	exec(t, db, "INSERT INTO things (email, n) VALUES ('a', 1), ('b', 1), ('c', NULL)")
	for _, step := range []struct {
		query string
		want  int64
	}{
		{"UPDATE things SET email = 'a2' WHERE id = 1 AND email = 'a'", 1},
		{"UPDATE things SET email = 'a3' WHERE id = 1 AND email = 'a'", 0}, // the old value stands no more
		{"UPDATE things SET email = 'a2' WHERE id = 1", 0},                 // nothing changed
		{"UPDATE things SET n = 7 WHERE n = 1", 2},
		{"DELETE FROM things WHERE n IS NULL", 1},
		{"DELETE FROM things WHERE id = 99", 0},
	} {
		if n, _ := exec(t, db, step.query); n != step.want {
			t.Errorf("%s: %d rows, want %d", step.query, n, step.want)
		}
	}
	_, err := db.ExecContext(t.Context(), "UPDATE things SET email = 'b' WHERE id = 1")
	wantNumber(t, err, 1062)
}

func TestPreparedAndInterpolatedParametersAgree(t *testing.T) {
	t.Parallel()
	b, _ := box(t, mysqlbox.Config{})
	at := time.Date(2025, 3, 9, 12, 30, 59, 0, time.UTC)
	for i, interpolate := range []string{"true", "false"} {
		db := open(t, strings.Replace(b.DSN(), "interpolateParams=true", "interpolateParams="+interpolate, 1))
		table := fmt.Sprintf("things%d", i)
		exec(t, db, strings.Replace(things, "things", table, 1))
		odd := "o'brien\\\"\n%_\x00é漢"
		exec(t, db, "INSERT INTO "+table+" (email, n, at) VALUES (?, ?, ?), (?, ?, ?)", odd, 5, at, "second", nil, nil)
		var email string
		var n sql.NullInt64
		var back sql.NullTime
		row := db.QueryRowContext(t.Context(), "SELECT email, n, at FROM "+table+" WHERE email = ? AND at < ? ORDER BY id LIMIT ?", odd, at.Add(time.Second), 1)
		if err := row.Scan(&email, &n, &back); err != nil || email != odd || n.Int64 != 5 || !back.Time.Equal(at) {
			t.Errorf("interpolate %s: %q %d %s, %v", interpolate, email, n.Int64, back.Time, err)
		}
		stmt, err := db.PrepareContext(t.Context(), "UPDATE "+table+" SET n = ? WHERE email = ?")
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		for k := range 3 {
			if _, err := stmt.ExecContext(t.Context(), k, "second"); err != nil {
				t.Fatal(err)
			}
		}
		if got := text(t, db, "SELECT n FROM "+table+" WHERE email = ?", "second"); got != "2" {
			t.Errorf("interpolate %s: n is %s after three prepared updates", interpolate, got)
		}
	}
}

func TestRollbackUndoesEverything(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	exec(t, db, "INSERT INTO things (email) VALUES ('a'), ('b')")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "INSERT INTO things (email) VALUES ('c')")
	exec(t, tx, "UPDATE things SET email = 'z' WHERE email = 'a'")
	exec(t, tx, "DELETE FROM things WHERE email = 'b'")
	const all = "SELECT group_concat(email ORDER BY email) FROM things"
	if got := text(t, tx, all); got != "c,z" {
		t.Errorf("inside: %s", got)
	}
	if got := text(t, db, all); got != "a,b" {
		t.Errorf("outside: %s", got)
	}
	_, err = tx.ExecContext(t.Context(), "INSERT INTO things (email) VALUES ('d'), ('z')")
	wantNumber(t, err, 1062)
	if got := text(t, tx, all); got != "c,z" {
		t.Errorf("after a refused statement: %s", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := text(t, db, all); got != "a,b" {
		t.Errorf("after rollback: %s", got)
	}
}

// The library alone loses nearly all of these.
func TestParallelTransactionsLoseNothing(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	const workers, each = 8, 15
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := insertInTx(t.Context(), db, fmt.Sprintf("w%d-%d", w, i)); err != nil {
					t.Error(err)
				}
				// A duplicate outside a transaction must not leave an old picture.
				_, err := db.ExecContext(t.Context(), "INSERT INTO things (email) VALUES (?)", fmt.Sprintf("w%d-%d", w, i))
				wantNumber(t, err, 1062)
				if _, err := db.ExecContext(t.Context(), "INSERT INTO things (email) VALUES (?)", fmt.Sprintf("auto%d-%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, want := text(t, db, "SELECT count(*) FROM things"), fmt.Sprint(2*workers*each); got != want {
		t.Errorf("%s rows, want %s", got, want)
	}
}

func insertInTx(ctx context.Context, db *sql.DB, email string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to do after Commit
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM things").Scan(&n); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO things (email, n) VALUES (?, ?)", email, n); err != nil {
		return err
	}
	return tx.Commit()
}

func TestSecondTransactionTimesOutAndReadersDoNot(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{LockWait: 50 * time.Millisecond})
	exec(t, db, things)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, "INSERT INTO things (email) VALUES ('a')")
	if got := text(t, db, "SELECT count(*) FROM things"); got != "0" {
		t.Errorf("a reader sees %s uncommitted rows", got)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO things (email) VALUES ('b')")
	wantNumber(t, err, 1205)
	_, err = db.BeginTx(t.Context(), nil)
	wantNumber(t, err, 1205)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "INSERT INTO things (email) VALUES ('b')")
	if got := text(t, db, "SELECT group_concat(email) FROM things"); got != "a,b" {
		t.Errorf("rows %s", got)
	}
}

// A client that dies with a transaction open must not hold up the others.
func TestLostConnectionReleasesItsTransaction(t *testing.T) {
	t.Parallel()
	b, db := box(t, mysqlbox.Config{LockWait: 30 * time.Second})
	exec(t, db, things)
	other := open(t, b.DSN())
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "BEGIN")
	exec(t, conn, "INSERT INTO things (email) VALUES ('lost')")
	conn.Raw(func(any) error { return sqlBad() }) //nolint:errcheck // makes the pool close it
	exec(t, db, "INSERT INTO things (email) VALUES ('kept')")
	if got := text(t, db, "SELECT group_concat(email) FROM things"); got != "kept" {
		t.Errorf("rows %s", got)
	}
}

func TestSlowReaderHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{LockWait: 5 * time.Second})
	exec(t, db, "CREATE TABLE big (id bigint NOT NULL AUTO_INCREMENT, body text, PRIMARY KEY (id))")
	body := strings.Repeat("x", 60_000)
	for range 20 {
		exec(t, db, "INSERT INTO big (body) VALUES (?), (?), (?), (?), (?), (?), (?), (?), (?), (?)",
			body, body, body, body, body, body, body, body, body, body)
	}
	rows, err := db.QueryContext(t.Context(), "SELECT id, body FROM big ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id int
		var got string
		if err := rows.Scan(&id, &got); err != nil || got != body {
			t.Fatalf("row %d: %d bytes, %v", n, len(got), err)
		}
		if n++; n <= 3 {
			exec(t, db, "DELETE FROM big WHERE id = ?", id) // with 12 MB still unread
		}
	}
	if err := rows.Err(); err != nil || n != 200 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestFilesAreOutOfReach(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{})
	exec(t, db, things)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("hidden"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s sql.NullString
	if err := db.QueryRowContext(t.Context(), "SELECT LOAD_FILE(?)", secret).Scan(&s); err == nil && s.Valid {
		t.Errorf("LOAD_FILE read %q", s.String)
	}
	for _, query := range []string{
		"SELECT 'x' INTO OUTFILE '" + filepath.Join(dir, "out") + "'",
		"SELECT 'x' INTO DUMPFILE '" + filepath.Join(dir, "out") + "'",
		"LOAD DATA INFILE '" + secret + "' INTO TABLE things (email)",
	} {
		if _, err := db.ExecContext(t.Context(), query); err == nil {
			t.Errorf("%s: no error", query)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files, %v: something was written", len(entries), err)
	}
}

func TestOnlyTheAccountGetsIn(t *testing.T) {
	t.Parallel()
	b, _ := box(t, mysqlbox.Config{User: "desk", Password: "p@ss:w/rd", Database: "crm"})
	good := open(t, b.DSN())
	if got := text(t, good, "SELECT database()"); got != "crm" {
		t.Errorf("database %s", got)
	}
	for _, login := range []string{"desk:wrong", "desk", "root", "root:p@ss:w/rd"} {
		bad := open(t, login+"@tcp("+b.Addr()+")/crm")
		if err := bad.PingContext(t.Context()); err == nil {
			t.Errorf("login %s gets in", login)
		}
	}
}

func TestCloseEndsConnectionsAndFreesThePort(t *testing.T) {
	t.Parallel()
	b, err := mysqlbox.Start(mysqlbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, b.DSN())
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // the server is gone
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "SELECT 1"); err == nil {
		t.Error("a closed box answers")
	}
	again, err := mysqlbox.Start(mysqlbox.Config{Listen: b.Addr()})
	if err != nil {
		t.Fatalf("start on the same address: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func desk(customers, tickets int) helpdesk.Config {
	return helpdesk.Config{
		Customers: customers, Tickets: tickets, Seed: 5,
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func TestHelpDeskLoadsAndGrows(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{})
	if err := helpdesk.Load(t.Context(), db, desk(700, 1000), nil); err != nil {
		t.Fatal(err)
	}
	if got := text(t, db, "SELECT count(*) FROM tickets JOIN customers ON customers.id = tickets.customer_id"); got != "1000" {
		t.Errorf("%s tickets with their customer", got)
	}
	for i := range 10 {
		_, id := exec(t, db, "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('a', 'b', ?, 'GB', 'en', 'x', now(), now())", fmt.Sprintf("new%d@x.example", i))
		exec(t, db, "INSERT INTO tickets (number, customer_id, subject, channel, created_at, updated_at) VALUES (?, ?, 's', 'web', now(), now())", fmt.Sprintf("NEW-%d", i), id)
	}
	_, err := db.ExecContext(t.Context(), "INSERT INTO tickets (number, customer_id, subject, channel, created_at, updated_at) VALUES ('X', 999999, 's', 'web', now(), now())")
	wantNumber(t, err, 1452)
	_, err = db.ExecContext(t.Context(), "DELETE FROM customers WHERE id = (SELECT max(customer_id) FROM tickets)")
	wantNumber(t, err, 1451)
}

// The demo's database: what a person waits for.
func BenchmarkHelpDeskLoad(b *testing.B) {
	for b.Loop() {
		box, err := mysqlbox.Start(mysqlbox.Config{})
		if err != nil {
			b.Fatal(err)
		}
		db, err := sql.Open("mysql", box.DSN())
		if err != nil {
			b.Fatal(err)
		}
		if err := helpdesk.Load(b.Context(), db, desk(4000, 6000), nil); err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(db.Close(), box.Close()); err != nil {
			b.Fatal(err)
		}
	}
}
