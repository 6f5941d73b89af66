package mysqlbox_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"saltmine/internal/helpdesk"
	"saltmine/internal/mysqlbox"
)

// all returns a query's rows, values joined by spaces, rows by "; ".
func all(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			words = append(words, v.String)
		}
		out = append(out, strings.Join(words, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// What an inspection of an unknown support database asks.
func TestInformationSchemaTellsTheWholeSchema(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{Database: "crm"})
	for _, s := range helpdesk.Schema() {
		exec(t, db, s)
	}
	exec(t, db, "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('a', 'b', 'c', 'GB', 'en', 'x', now(), now())")
	for _, ask := range []struct{ query, want string }{
		{"SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME",
			"customers BASE TABLE InnoDB 1; tickets BASE TABLE InnoDB 0"},
		{"SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_MAXIMUM_LENGTH, DATETIME_PRECISION, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'tickets' ORDER BY ORDINAL_POSITION",
			"id bigint NO NULL NULL NULL auto_increment; number varchar NO NULL 20 NULL ; customer_id bigint NO NULL NULL NULL ; " +
				"subject varchar NO NULL 191 NULL ; status varchar NO open 16 NULL ; priority varchar NO normal 16 NULL ; " +
				"channel varchar NO NULL 16 NULL ; created_at datetime NO NULL NULL 0 ; updated_at datetime NO NULL NULL 0 "},
		{"SELECT COLUMN_NAME, IS_NULLABLE, DATA_TYPE FROM information_schema.columns WHERE table_schema = ? AND column_name IN ('phone', 'country', 'newsletter') ORDER BY ordinal_position",
			"phone YES varchar; country NO char; newsletter NO tinyint"},
		{"SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
			"customers customers_email 0 email; customers PRIMARY 0 id; tickets PRIMARY 0 id; tickets tickets_customer 1 customer_id; tickets tickets_number 0 number"},
		{"SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME IS NOT NULL",
			"tickets customer_id customers id"},
		{"SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?",
			"tickets_customer_fk tickets customers"},
		{"SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?", ""},
		{"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", "crm"},
	} {
		if got := all(t, db, ask.query, "crm"); got != ask.want {
			t.Errorf("%s:\n got %s\nwant %s", ask.query, got, ask.want)
		}
	}
	if got := all(t, db, "SELECT CURRENT_USER()"); !strings.HasPrefix(got, "support@") {
		t.Errorf("current user %s", got)
	}
}

// The differences that the package comment names.
func TestTextComparesAsThePackageSays(t *testing.T) {
	t.Parallel()
	_, db := box(t, mysqlbox.Config{})
	exec(t, db, "CREATE TABLE bare (id bigint NOT NULL AUTO_INCREMENT, email varchar(191) NOT NULL, PRIMARY KEY (id), UNIQUE (email))")
	exec(t, db, "CREATE TABLE folded (id bigint NOT NULL AUTO_INCREMENT, email varchar(191) NOT NULL, PRIMARY KEY (id), UNIQUE (email)) DEFAULT CHARSET=utf8mb4")
	for table, found := range map[string]string{"bare": "1", "folded": "2"} {
		exec(t, db, "INSERT INTO "+table+" (email) VALUES ('Ann@x.example'), ('ann@x.example')")
		if got := text(t, db, "SELECT count(*) FROM "+table+" WHERE concat('', email) = 'ANN@x.example' OR email = 'ann@x.example'"); got != found {
			t.Errorf("%s: %s rows found, want %s", table, got, found)
		}
	}
}

func TestTransactionsLockReadsAndRereads(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	exec(t, db, "INSERT INTO things (email, n) VALUES ('a', 1)")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, tx, "SELECT n FROM things WHERE email = ? FOR UPDATE", "a"); got != "1" {
		t.Errorf("n is %s", got)
	}
	if n, _ := exec(t, tx, "UPDATE things SET n = 2 WHERE email = ? AND n = ?", "a", 1); n != 1 {
		t.Errorf("%d rows", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := text(t, db, "SELECT n FROM things"); got != "2" {
		t.Errorf("n is %s after commit", got)
	}
}

// autocommit=0 opens transactions without BEGIN.
func TestManualCommitIsOneTransaction(t *testing.T) {
	t.Parallel()
	db := withThings(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec(t, conn, "SET autocommit = 0")
	exec(t, conn, "INSERT INTO things (email) VALUES ('a')")
	if got := text(t, db, "SELECT count(*) FROM things"); got != "0" {
		t.Errorf("%s rows before COMMIT", got)
	}
	exec(t, conn, "COMMIT")
	exec(t, db, "INSERT INTO things (email) VALUES ('b')")
	if got := text(t, db, "SELECT group_concat(email) FROM things"); got != "a,b" {
		t.Errorf("rows %s", got)
	}
}

func TestReadsAreToldFromChanges(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"SELECT 1":                       true,
		"  (select 1)":                   true,
		"/* a; DELETE */ SELECT 1":       true,
		"show tables":                    true,
		"SET NAMES utf8mb4":              true,
		"USE support":                    true,
		"":                               false,
		"/* no end":                      false,
		"INSERT INTO a VALUES (1)":       false,
		"/* SELECT */ delete from a":     false,
		"BEGIN":                          false,
		"START TRANSACTION":              false,
		"WITH x AS (SELECT 1) DELETE":    false,
		"SELECTED":                       false,
		"CREATE TABLE a AS SELECT 1":     false,
		"-- SELECT\nDELETE FROM things":  false,
		"REPLACE INTO things VALUES (1)": false,
	} {
		if got := mysqlbox.IsRead(text); got != want {
			t.Errorf("%q: a read: %t, want %t", text, got, want)
		}
	}
}

func FuzzIsReadNeverPassesAChange(f *testing.F) {
	for _, s := range []string{"SELECT 1", "/**/insert", "((/*x*/(delete", "upDate", "set", "/*/ SELECT */ DROP"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		low := strings.ToLower(s)
		for _, word := range []string{"select", "show", "desc", "explain", "set", "use"} {
			if strings.Contains(low, word) {
				return
			}
		}
		if mysqlbox.IsRead(s) {
			t.Errorf("%q passes as a read", s)
		}
	})
}

func TestPanicEndsTheStatementAndItsTransactionOnly(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	b, db := box(t, mysqlbox.Config{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	b.Break()
	exec(t, db, things)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec(t, conn, "BEGIN")
	exec(t, conn, "INSERT INTO things (email) VALUES ('undone')")
	_, err = conn.ExecContext(t.Context(), "INSERT INTO things (email) VALUES ('PANIC')")
	wantNumber(t, err, 1105)
	if s := logged.String(); !strings.Contains(s, "panicked") || strings.Contains(s, "somebody@x.example") {
		t.Errorf("log %q: want the panic without its value", s)
	}
	exec(t, conn, "INSERT INTO things (email) VALUES ('b')")
	exec(t, db, "INSERT INTO things (email) VALUES ('c')")
	if got := all(t, db, "SELECT email FROM things ORDER BY id"); got != "b; c" {
		t.Errorf("rows %s", got)
	}
}

func TestManyBoxesAreApart(t *testing.T) {
	t.Parallel()
	var dbs []*sql.DB
	for range 3 {
		_, db := box(t, mysqlbox.Config{})
		exec(t, db, things)
		dbs = append(dbs, db)
	}
	exec(t, dbs[0], "INSERT INTO things (email) VALUES ('a')")
	for i, db := range dbs {
		want := fmt.Sprint(max(0, 1-i))
		if got := text(t, db, "SELECT count(*) FROM things"); got != want {
			t.Errorf("box %d: %s rows, want %s", i, got, want)
		}
	}
}

func TestAddressThatCannotBeHadIsAnError(t *testing.T) {
	t.Parallel()
	b, _ := box(t, mysqlbox.Config{})
	again, err := mysqlbox.Start(mysqlbox.Config{Listen: b.Addr()})
	if err == nil {
		err = errors.Join(errors.New("two boxes listen on one address"), again.Close())
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), b.Addr()) {
		t.Errorf("error %q does not name the address", err)
	}
}
