package replay_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/canary"
	"saltmine/internal/testkit"
)

var shared testkit.Shared

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }

// world is a support database in MariaDB with canaries among real customers.
type world struct {
	conn     *sql.Conn
	dsn      string
	database string
	rng      *rand.Rand
	planted  time.Time
	schema   replay.Schema
	rows     []replay.Row
	owner    map[string]map[string]canary.ID // table, key: whose row it is
	values   map[string][]string             // what stands in "table.column", of canaries and others
}

const canaries, customers = 40, 300

func schemaSQL() []string {
	return []string{
		`CREATE TABLE customers (
			id INT PRIMARY KEY, email VARCHAR(120) COLLATE utf8mb4_general_ci NOT NULL UNIQUE,
			name VARCHAR(80) COLLATE utf8mb4_unicode_ci, phone VARCHAR(40) COLLATE utf8mb4_uca1400_ai_ci,
			country CHAR(2) COLLATE utf8mb4_general_ci NOT NULL, status ENUM('active','blocked','new') NOT NULL,
			created DATETIME NOT NULL, born DATE, score INT, balance DECIMAL(10,2), rate FLOAT, seen TIMESTAMP NULL,
			ref VARCHAR(20) COLLATE utf8mb4_bin, code VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci,
			old VARCHAR(20) COLLATE utf8mb4_nopad_bin, lit VARCHAR(20) COLLATE utf8mb4_lithuanian_ci, raw VARBINARY(20),
			due DATE NOT NULL, cs VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_general_cs, ucs VARCHAR(20) COLLATE utf8mb4_uca1400_as_cs,
			wide VARCHAR(20) CHARACTER SET utf16, zf INT(6) ZEROFILL, yr YEAR, fine DATETIME(3), fixed CHAR(8) COLLATE utf8mb4_general_ci, flag BIT(3), kinds SET('x','y','z'), big BIGINT UNSIGNED)`,
		`CREATE TABLE tickets (
			id INT PRIMARY KEY, customer_id INT NOT NULL, number VARCHAR(20) NOT NULL, subject VARCHAR(120),
			status VARCHAR(10) NOT NULL, created DATETIME NOT NULL, closed DATETIME)`,
		`CREATE TABLE notes (id INT PRIMARY KEY, ticket_id INT NOT NULL, author_id INT, body TEXT)`,
		`CREATE TABLE agents (id INT PRIMARY KEY, name VARCHAR(40))`,
		`CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, total INT, created DATETIME)`,
		`CREATE VIEW v_active AS SELECT id, email, name, country, created FROM customers WHERE status = 'active'`,
		`CREATE VIEW v_open AS SELECT t.id AS tid, c.id AS cid, c.email, t.number, t.status FROM tickets t
			JOIN customers c ON c.id = t.customer_id WHERE t.status <> 'closed'`,
		`CREATE VIEW v_hidden AS SELECT id, email FROM customers WHERE score > 50`,
		`CREATE FUNCTION peek(n INT) RETURNS VARCHAR(120) READS SQL DATA RETURN (SELECT email FROM customers WHERE id = n)`,
		`CREATE PROCEDURE list_all() READS SQL DATA SELECT id AS kc FROM customers WHERE score > 20`,
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	return newWorldOn(t, shared.MariaDB(t), seed)
}

func newWorldOn(t *testing.T, server *testkit.Server, seed uint64) *world {
	t.Helper()
	dsn, _ := server.Database(t)
	db, err := sql.Open("mysql", strings.Replace(dsn, "parseTime=true", "parseTime=false", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w := &world{
		conn: conn, dsn: dsn, rng: rand.New(rand.NewPCG(seed, 5)),
		owner: map[string]map[string]canary.ID{}, values: map[string][]string{},
	}
	if err := conn.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&w.database); err != nil {
		t.Fatal(err)
	}
	for _, s := range schemaSQL() {
		w.exec(t, s)
	}
	w.load(t)
	w.learn(t)
	return w
}

func (w *world) exec(t *testing.T, text string, args ...any) {
	t.Helper()
	if _, err := w.conn.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func (w *world) pick(list ...string) string { return list[w.rng.IntN(len(list))] }

// load fills the tables. Every customer is as likely as any other to be odd.
func (w *world) load(t *testing.T) {
	t.Helper()
	for i := range 8 {
		w.exec(t, "INSERT INTO agents VALUES (?, ?)", i+1, "Agent "+strconv.Itoa(i))
	}
	ticket, note := 0, 0
	for i := range canaries + customers {
		id := 100 + 3*i
		w.customer(t, id)
		for range w.rng.IntN(4) {
			ticket++
			number := fmt.Sprintf("%d-%02d", 4000+w.rng.IntN(900), ticket%100)
			closed := any(nil)
			if w.rng.IntN(2) == 0 {
				closed = w.date("2006-01-02 15:04:05")
			}
			w.exec(t, "INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", ticket, id, number,
				w.pick("Refund", "refund please", "Login fails ", "Würde gern", "No sound", ""), w.pick("open", "closed", "Open", "stalled"),
				w.date("2006-01-02 15:04:05"), closed)
			for range w.rng.IntN(3) {
				note++
				w.exec(t, "INSERT INTO notes VALUES (?, ?, ?, ?)", note, ticket, 1+w.rng.IntN(8), w.pick("called", "Called back", "mail", "voilà", "50% off"))
			}
		}
		if w.rng.IntN(3) == 0 {
			w.exec(t, "INSERT INTO orders VALUES (?, ?, ?, ?)", id, id, w.rng.IntN(100), w.date("2006-01-02"))
		}
	}
}

func (w *world) date(layout string) string {
	return time.Date(2026, time.Month(1+w.rng.IntN(11)), 1+w.rng.IntN(28), w.rng.IntN(24), w.rng.IntN(60), w.rng.IntN(60), 0, time.UTC).Format(layout)
}

func (w *world) customer(t *testing.T, id int) {
	t.Helper()
	null := func(v any) any {
		if w.rng.IntN(6) == 0 {
			return nil
		}
		return v
	}
	first := w.pick("Anna", "anna", "Zoë", "Jürgen", "Bob", "O'Neil", "Mary Ann", "Straße", "Łukasz", "yves", "Ivy")
	last := w.pick("Smith", "smith ", "Müller", "de la Cruz", "100%", "under_score", "Yi", "Íñigo")
	seen := null(time.Now().UTC().Add(-time.Duration(w.rng.IntN(400)) * time.Hour).Format("2006-01-02 15:04:05"))
	w.exec(t, "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", id,
		fmt.Sprintf("%s%d@%s", w.pick("a", "B", "mia.", "x_", "o'n"), id, w.pick("example.net", "Example.org", "mail.test")),
		null(first+" "+last), null(w.pick("+1 555 01", "0155501", "555-01", " 15", "٣٤")+strconv.Itoa(w.rng.IntN(90))),
		w.pick("US", "us", "DE", "FR", "GB"), w.pick("active", "blocked", "new"),
		time.Now().UTC().Add(-time.Duration(w.rng.IntN(120*24))*time.Hour).Format("2006-01-02 15:04:05"),
		null(w.date("2006-01-02")), null(w.rng.IntN(100)), float64(w.rng.IntN(2000))/20, float64(w.rng.IntN(50))/10, seen,
		null(w.pick("AB", "ab", "Ab ", "x-1", "X-1", "é")), null(w.pick("q", "Q", "q ", "ü", "u", "y")),
		null(w.pick("k", "k ", "K")), null(w.pick("yt", "it", "IT", "w", "v")), null(w.pick("a", "A", "a\x00")),
		w.pick("0000-00-00", w.date("2006-01-02")), null(w.pick("Ab", "aB", "Ac", "aC", "ab")), null(w.pick("Ab", "aB", "Ac", "aC", "ab")), null(w.pick("w", "W", "ww")),
		null(w.rng.IntN(50)), null(w.pick("2026", "1999", "0")), null(w.date("2006-01-02 15:04:05")+w.pick(".000", ".120")), null(w.pick("k", "k ", "K", "1e400")), w.rng.IntN(8),
		null(w.pick("", "x", "x,y", "y,z")), null(w.pick("18446744073709551615", "9007199254740993", "5")))
}

// learn takes the canaries' rows and the schema from the server.
func (w *world) learn(t *testing.T) {
	t.Helper()
	w.planted = w.now(t)
	w.schema = replay.Schema{Database: w.database, Others: []string{"agents", "orders"}, Views: map[string]string{
		"v_active": "SELECT id, email, name, country, created FROM customers WHERE status = 'active'",
		"v_open":   "SELECT t.id AS tid, c.id AS cid, c.email, t.number, t.status FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.status <> 'closed'",
	}}
	domains := map[string]uint16{"customers.id": 1, "tickets.customer_id": 1, "tickets.id": 2, "notes.ticket_id": 2, "notes.id": 3}
	for _, table := range []string{"customers", "tickets", "notes"} {
		entry := replay.Table{Name: table}
		rows := w.query(t, "SELECT column_name, data_type, COALESCE(collation_name, '') AS coll, is_nullable FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position", table)
		for _, r := range rows {
			name := *r["column_name"]
			entry.Columns = append(entry.Columns, replay.Column{
				Name: name, Type: *r["data_type"], Collation: *r["coll"],
				Domain: domains[table+"."+name], NotNull: *r["is_nullable"] == "NO", Unique: name == "id" || name == "email",
			})
		}
		w.schema.Tables = append(w.schema.Tables, entry)
		w.owner[table] = map[string]canary.ID{}
	}
	mine := map[string]canary.ID{}
	for i := range canaries {
		mine[strconv.Itoa(100+3*(5+7*i))] = canary.ID(fmt.Sprintf("c_%016d", i))
	}
	w.take(t, "customers", "id", mine)
	w.take(t, "tickets", "customer_id", mine)
	w.take(t, "notes", "ticket_id", w.owner["tickets"])
}

// take reads a table and keeps the rows that hang on canaries.
func (w *world) take(t *testing.T, table, link string, mine map[string]canary.ID) {
	t.Helper()
	columns := w.columns(table)
	for _, r := range w.query(t, "SELECT * FROM "+table) {
		row := replay.Row{Table: table, Key: *r["id"], Canary: mine[*r[link]], Window: canary.Window{Place: "db:main", From: canary.At(w.planted)}}
		for _, c := range columns {
			row.Values = append(row.Values, r[c])
			if r[c] != nil {
				w.values[table+"."+c] = append(w.values[table+"."+c], *r[c])
			}
		}
		if row.Canary != "" {
			w.rows = append(w.rows, row)
			w.owner[table][row.Key] = row.Canary
		}
	}
}

func (w *world) columns(table string) (names []string) {
	for _, entry := range w.schema.Tables {
		if entry.Name == table {
			for _, c := range entry.Columns {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

func (w *world) now(t *testing.T) time.Time {
	t.Helper()
	time.Sleep(2 * time.Microsecond)
	return time.Now().UTC()
}

// query returns rows as texts, by the names of their columns.
func (w *world) query(t *testing.T, text string, args ...any) []map[string]*string {
	t.Helper()
	list, err := w.ask(t.Context(), text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return list
}

func (w *world) ask(ctx context.Context, text string, args ...any) (list []map[string]*string, err error) {
	rows, err := w.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		raw, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
		for i := range raw {
			into[i] = &raw[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		one := map[string]*string{}
		for i, b := range raw {
			if b != nil {
				one[names[i]] = new(string(b))
			} else {
				one[names[i]] = nil
			}
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// returned are the canaries whose rows a result has, by its columns kc, kt and
// kn: keys of customers, tickets and notes, one or several.
func (w *world) returned(list []map[string]*string) (found []canary.ID) {
	for _, r := range list {
		for column, table := range map[string]string{"kc": "customers", "kt": "tickets", "kn": "notes"} {
			if r[column] == nil {
				continue
			}
			for key := range strings.SplitSeq(*r[column], ",") {
				if id := w.owner[table][key]; id != "" && !slices.Contains(found, id) {
					found = append(found, id)
				}
			}
		}
	}
	return found
}
