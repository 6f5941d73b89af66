package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/testkit"
	"saltmine/seeder/supportdb"
)

// scratchWorld is a table of columns of all types with canaries' rows among others.
type scratchWorld struct {
	conn   *sql.Conn
	rng    *rand.Rand
	schema replay.Schema
	rows   []replay.Row
	owner  map[string]canary.ID
}

const scratchTableSQL = `CREATE TABLE people (
	id INT PRIMARY KEY AUTO_INCREMENT COMMENT 'its number, AUTO_INCREMENT', email VARCHAR(120) COLLATE utf8mb4_general_ci NOT NULL, name VARCHAR(80) COLLATE utf8mb4_unicode_ci,
	code VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, ref VARCHAR(20) COLLATE utf8mb4_bin, wide VARCHAR(20) CHARACTER SET utf16, fixed CHAR(8),
	status ENUM('active','blocked','new') NOT NULL, kinds SET('x','y','z'), zf INT(6) ZEROFILL, big BIGINT UNSIGNED, balance DECIMAL(10,2), rate FLOAT, ratio DOUBLE,
	raw VARBINARY(20), flag BIT(3), doc JSON, created DATETIME NOT NULL, fine DATETIME(3), born DATE, yr YEAR, tm TIME, seen TIMESTAMP NULL, stamp TIMESTAMP NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
	mail VARCHAR(130) GENERATED ALWAYS AS (CONCAT('<', email, '>')) STORED, up VARCHAR(80) GENERATED ALWAYS AS (UPPER(name)) VIRTUAL,
	KEY (email), UNIQUE KEY (id, email), CHECK (zf >= 0)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_ai_ci`

func newScratchWorld(t *testing.T, dsn string) *scratchWorld {
	t.Helper()
	db, err := sql.Open("mysql", strings.Replace(dsn, "parseTime=true", "parseTime=false", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &scratchWorld{rng: rand.New(rand.NewPCG(3, 4)), owner: map[string]canary.ID{}}
	if w.conn, err = db.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec(t, scratchTableSQL)
	for n := 1; n <= 240; n++ {
		w.exec(t, w.insert(n))
	}
	if err := w.conn.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&w.schema.Database); err != nil {
		t.Fatal(err)
	}
	w.learn(t)
	return w
}

func (w *scratchWorld) exec(t *testing.T, text string) {
	t.Helper()
	if _, err := w.conn.ExecContext(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (w *scratchWorld) pick(list ...string) string { return list[w.rng.IntN(len(list))] }

func (w *scratchWorld) insert(n int) string {
	day := fmt.Sprintf("2026-%02d-%02d", 1+w.rng.IntN(11), 1+w.rng.IntN(28))
	values := []string{
		fmt.Sprint(n), fmt.Sprintf("'%s%d@%s'", w.pick("a", "Ann.", "x_", "müll", "o%"), n, w.pick("example.net", "mail.test")), w.pick("NULL", "'Smith'", "'Äpfel  '", "'smith '", "'O''Hara'"),
		w.pick("'é1'", "'E1'", "NULL", "''"), w.pick("'Ab'", "'ab '", "NULL"), w.pick("'wide'", "'Wï'", "NULL"), w.pick("'f'", "'F  '", "''"),
		w.pick("'active'", "'blocked'", "'new'"), w.pick("'x'", "'x,z'", "''", "NULL"), w.pick("7", "123456", "NULL"), w.pick("18446744073709551615", "5", "NULL"), w.pick("1.50", "-7.25", "NULL"), w.pick("0.1", "16777217", "1e20"), w.pick("0.1", "1e300", "NULL"),
		w.pick("x'00ff41'", "'abc'", "NULL"), w.pick("b'101'", "b'001'", "NULL"), w.pick(`'{"a":1}'`, `'{"a":[2,3]}'`, "NULL"), "'" + day + " 23:59:58'", "'" + day + " 10:00:00.987'", w.pick("'"+day+"'", "NULL"), w.pick("1999", "2026"), w.pick("'10:00:00'", "'-100:30:00'", "NULL"),
		w.pick("'"+day+" 03:04:05'", "NULL"), "'" + day + " 04:05:06'",
	}
	return "INSERT INTO people (id, email, name, code, ref, wide, fixed, status, kinds, zf, big, balance, rate, ratio, raw, flag, doc, created, fine, born, yr, tm, seen, stamp) VALUES (" + strings.Join(values, ", ") + ")"
}

// learn makes every sixth row a canary's, and forgets some of what they hold.
func (w *scratchWorld) learn(t *testing.T) {
	t.Helper()
	table := replay.Table{Name: "people"}
	columns, err := w.conn.QueryContext(t.Context(), "SELECT COLUMN_NAME, DATA_TYPE, COALESCE(COLLATION_NAME, '') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'people' ORDER BY ORDINAL_POSITION")
	if err != nil {
		t.Fatal(err)
	}
	defer columns.Close()
	for columns.Next() {
		var c replay.Column
		if err := columns.Scan(&c.Name, &c.Type, &c.Collation); err != nil {
			t.Fatal(err)
		}
		table.Columns = append(table.Columns, c)
	}
	w.schema.Tables = []replay.Table{table}
	rows, err := w.conn.QueryContext(t.Context(), "SELECT * FROM people WHERE id % 6 = 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		cells, into := make([]sql.NullString, len(table.Columns)), []any{}
		for i := range cells {
			into = append(into, &cells[i])
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		r := replay.Row{Canary: canary.ID("c_" + cells[0].String), Table: "people", Key: cells[0].String, Window: canary.Window{From: canary.At(time.Unix(1, 0))}, Unknown: make([]bool, len(cells))}
		for i := range cells {
			r.Values = append(r.Values, nil)
			if cells[i].Valid {
				r.Values[i] = &cells[i].String
			}
			if r.Unknown[i] = i > 2 && w.rng.IntN(40) == 0; r.Unknown[i] {
				r.Values[i] = nil
			}
		}
		w.owner[r.Key] = r.Canary
		w.rows = append(w.rows, r)
	}
	if err := errors.Join(columns.Err(), rows.Err()); err != nil {
		t.Fatal(err)
	}
}

// condition draws something that is asked of a row.
func (w *scratchWorld) condition() string {
	c := w.pick("email", "name", "code", "ref", "wide", "fixed", "status", "kinds", "zf", "big", "balance", "rate", "ratio", "raw", "flag", "doc", "created", "fine", "born", "yr", "tm", "seen", "stamp", "mail", "up")
	d := w.pick("email", "name", "status", "zf", "created", "mail", "code")
	f := func(form string, args ...any) string { return fmt.Sprintf(form, args...) }
	return w.pick(
		f("%s REGEXP '%s'", c, w.pick("^[a-m]", "1$", "[[:upper:]]", " $")), f("MD5(%s) < '%x'", c, w.rng.IntN(16)), f("CRC32(CONCAT_WS('|', %s, %s)) %% 3 = 1", c, d), f("LEFT(%s, 1) = LEFT(%s, 1)", c, d),
		f("HEX(%s) LIKE '%%%d%%'", c, w.rng.IntN(10)), f("ORD(REVERSE(%s)) & 1", c), f("FIELD(%s, 'x', 'active', 'smith', 'E1', 7)", c), f("%s SOUNDS LIKE %s", c, d), f("IFNULL(%s, 'z') > ELT(1 + id %% 3, 'a', 'smith', '2026-06')", c),
		f("DAYOFWEEK(%s) IN (1, 3, 5)", c), f("DATE_FORMAT(%s, '%%W %%H') LIKE '%%d%%'", c), f("UNIX_TIMESTAMP(%s) %% 2", c), f("TIMESTAMPDIFF(HOUR, %s, NOW()) %% 2", w.pick("created", "seen", "fine")), f("%s < CURTIME() + INTERVAL 1 HOUR", c),
		f("CONVERT(%s USING ascii) LIKE '%%?%%'", c), f("%s COLLATE utf8mb4_bin < 'Smith'", w.pick("email", "name", "up")), f("LENGTH(%s) <> CHAR_LENGTH(%s)", c, c), f("JSON_EXTRACT(doc, '$.a') = %d OR %s IS NULL", w.rng.IntN(3), c), f("ROUND(%s) = TRUNCATE(%s, 0)", c, c),
		f("INTERVAL(%s, 1, 10, 1000) = %d", c, w.rng.IntN(4)), f("CAST(%s AS SIGNED) BETWEEN 1 AND 2026", c), f("TIME_TO_SEC(%s) > 40000", c), f("CASE WHEN %s THEN MD5(%s) ELSE MD5(id) END > '7'", c, d), f("CONCAT(%s, '') = '%s'", c, w.pick("smith", "E1", "2026", "active")),
		f("MD5(CONCAT('A ', id)) <=> MD5(CONCAT(%s, id))", w.pick("'a '", "'A '", "fixed")), f("CONCAT('a', id) < CONCAT('B', %s)", c), f("STRCMP(%s, %s) = 1", c, d),
	)
}

// TestScratchTellsWhatAServerReturns draws statements on columns of all types, and holds what a
// scratch server makes sure against what the real one returned.
func TestScratchTellsWhatAServerReturns(t *testing.T) {
	t.Parallel()
	server, dsn := testkit.MariaDB(t), ""
	dsn, _ = mariadb.MariaDB(t).Database(t)
	w := newScratchWorld(t, dsn)
	db, err := supportdb.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	other, _ := server.Database(t)
	scratch, err := db.OpenScratch(t.Context(), other, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := scratch.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	m := &importing{scratch: scratch}
	on, err := m.filler()(t.Context(), w.schema.Tables, w.rows)
	if err != nil {
		t.Fatal(err)
	}
	r, err := replay.New(w.schema, w.rows)
	if err != nil {
		t.Fatal(err)
	}
	var before, after, answers, sent int
	for range 1500 {
		text := "SELECT *, id AS k FROM people WHERE " + w.condition()
		if w.rng.IntN(3) == 0 {
			text += w.pick(" AND ", " OR ", " XOR ") + w.condition()
		}
		from := time.Now().UTC()
		truth, err := w.ids(t.Context(), text)
		if err != nil {
			continue // a statement that fails is no read
		}
		began := canary.Between(from, time.Now().UTC())
		s := replay.Statement{Text: []byte(text), Database: w.schema.Database, Began: began, Saw: began, Sent: -1, Zone: time.UTC}
		got := r.Replay(&s)
		sent, before = sent+1, before+len(got.Possible)
		_, answered, err := r.Refine(t.Context(), &s, &got, on)
		if err != nil {
			t.Fatal(err)
		}
		if after += len(got.Possible); answered {
			answers++
		}
		for _, id := range truth {
			if !slices.Contains(got.Returned, id) && !slices.Contains(got.Possible, id) {
				t.Errorf("%s was returned, and is excluded: %s", id, text)
			}
		}
		for _, id := range got.Returned {
			if !slices.Contains(truth, id) {
				t.Errorf("%s was not returned: %s", id, text)
			}
		}
	}
	t.Logf("%d statements, %d of which the scratch server answered: %d pairs open before, %d then", sent, answers, before, after)
	if answers < 500 || 2*after > before {
		t.Error("it tells too little")
	}
}

// ids are the canaries that a statement returns.
func (w *scratchWorld) ids(ctx context.Context, text string) (list []canary.ID, err error) {
	rows, err := w.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if id, is := w.owner[string(*into[len(into)-1].(*sql.RawBytes))]; is { //nolint:forcetypeassert // made above
			list = append(list, id)
		}
	}
	return list, rows.Err()
}
