package supportdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/helpdesk"
	"saltmine/internal/testkit"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

var shared testkit.Shared

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }

func tables() helpdesk.Config {
	to := time.Date(2025, 11, 20, 9, 0, 0, 0, time.UTC)
	return helpdesk.Config{Customers: 600, Tickets: 900, Seed: 3, From: to.AddDate(-3, 0, 0), To: to}
}

func rng() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func open(t *testing.T, dsn string) *supportdb.DB {
	t.Helper()
	db, err := supportdb.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) // the test is over
	return db
}

const example = "../../configs/recipes/generic.toml"

func generic(t *testing.T) recipe.Recipe {
	t.Helper()
	r, err := recipe.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func helpDesk(t *testing.T) (desk *supportdb.Desk, dsn string, raw *sql.DB) {
	t.Helper()
	dsn, raw = shared.MariaDB(t).HelpDesk(t, tables())
	desk, err := open(t, dsn).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	return desk, dsn, raw
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	dsn, _ := server.Database(t)
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cret/pass:word@x"
	with := func(change func(*mysql.Config)) string {
		c := cfg.Clone()
		change(c)
		return c.FormatDSN()
	}
	lonely := strings.Replace(server.User(t, dsn, ""), cfg.DBName, cfg.DBName, 1)
	for name, c := range map[string]struct {
		dsn  string
		want error
	}{
		"wrong password":   {with(func(c *mysql.Config) { c.Passwd = secret }), supportdb.ErrLogin},
		"unknown database": {with(func(c *mysql.Config) { c.DBName = "nowhere" }), supportdb.ErrUnknownDatabase},
		"no rights":        {lonely, supportdb.ErrUnknownDatabase},
		"no database":      {with(func(c *mysql.Config) { c.DBName = "" }), supportdb.ErrDSN},
		"nobody there":     {with(func(c *mysql.Config) { c.Addr = fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)) }), supportdb.ErrUnreachable},
		"nonsense":         {"user:" + secret, supportdb.ErrDSN},
		"nonsense URL":     {"mysql://user:" + secret + "%zz@127.0.0.1/x", supportdb.ErrDSN},
	} {
		db, err := supportdb.Open(t.Context(), c.dsn)
		if !errors.Is(err, c.want) || db != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), cfg.Passwd)) {
			t.Errorf("%s: the password is in the error", name)
		}
	}
	url := fmt.Sprintf("mysql://%s:%s@%s/%s", cfg.User, cfg.Passwd, cfg.Addr, cfg.DBName)
	if db := open(t, url+"?charset=utf8mb4"); db.Name() != cfg.DBName {
		t.Errorf("name %q", db.Name())
	}
}

func TestUseFaults(t *testing.T) {
	t.Parallel()
	dsn, raw := shared.MariaDB(t).HelpDesk(t, tables())
	exec(t, raw, "CREATE VIEW people AS SELECT * FROM customers",
		"CREATE TABLE old (id int AUTO_INCREMENT PRIMARY KEY, email varchar(99), first_name text, last_name text, phone text, country text, language text, product text, created_at datetime, updated_at datetime) ENGINE=MyISAM",
		"CREATE TABLE bare (id int, number text, customer_id int, subject text, status text, created_at datetime, updated_at datetime)",
		"CREATE TABLE hand (id int PRIMARY KEY, number text, customer_id int, subject text, status text, created_at int, updated_at datetime)")
	db := open(t, dsn)
	for name, c := range map[string]struct {
		change func(*recipe.Recipe)
		want   string
	}{
		"table":     {func(r *recipe.Recipe) { r.Ticket.Table = "ticket" }, `table ticket: not in database`},
		"column":    {func(r *recipe.Recipe) { r.Customer.Email = "mail" }, `column customers.mail: the recipe's email is not in the table; did you mean "email"?`},
		"segment":   {func(r *recipe.Recipe) { r.Customer.Segment["country"] = "contry" }, `column customers.contry: the recipe's segment country is not in the table; did you mean "country"?`},
		"key":       {func(r *recipe.Recipe) { r.Ticket.Key = "number" }, `column tickets.number: it is not the table's primary key; did you mean "id"?`},
		"view":      {func(r *recipe.Recipe) { r.Customer.Table = "people" }, "it is a view"},
		"made keys": {func(r *recipe.Recipe) { r.Ticket.Table = "hand" }, "neither by AUTO_INCREMENT nor as UUIDs"},
		"no date":   {func(r *recipe.Recipe) { r.Ticket.Table = "hand" }, "column hand.created_at: its type int is no date"},
		"no text":   {func(r *recipe.Recipe) { r.Customer.Phone = "newsletter" }, "its type tinyint holds no text"},
		"no number": {func(r *recipe.Recipe) { r.Ticket.Number = "created_at" }, "column tickets.created_at: its type datetime is no ticket number"},
		"no key":    {func(r *recipe.Recipe) { r.Ticket.Table = "bare" }, "table bare: it has no primary key"},
		"no counter": {func(r *recipe.Recipe) {
			r.Ticket.Counter = &recipe.Counter{Table: "count", Column: "next", Filter: "1"}
		}, "table count: not in database"},
		"counter":    {func(r *recipe.Recipe) { r.Ticket.Counter = &recipe.Counter{Table: "old", Column: "fone", Filter: "1"} }, `column old.fone: ticket.counter is not in the table; did you mean "phone"?`},
		"text":       {func(r *recipe.Recipe) { r.Ticket.Counter = &recipe.Counter{Table: "old", Column: "phone", Filter: "1"} }, "column old.phone: ticket.counter wants whole numbers, its type is text"},
		"unfinished": {func(r *recipe.Recipe) { r.Customer.Email = "" }, "customer.email is missing"},
	} {
		r := generic(t)
		c.change(&r)
		if err := db.Check(t.Context(), r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		} else if !errors.Is(err, supportdb.ErrSchema) && !errors.Is(err, recipe.ErrRecipe) {
			t.Errorf("%s: no sentinel in %v", name, err)
		}
	}
	r := generic(t)
	r.Ticket.Table = "ticket"
	fault, ok := errors.AsType[*supportdb.SchemaError](db.Check(t.Context(), r))
	if !ok || fault.Nearest != "tickets" {
		t.Errorf("nearest of ticket: %+v", fault)
	}
	r = generic(t)
	r.Customer.Email = "EMAIL" // the server does not look at case
	desk, err := db.Use(t.Context(), r)
	if err != nil {
		t.Fatalf("another case: %v", err)
	}
	if at, ok := desk.Fact("email"); !ok || at.Column != "email" {
		t.Errorf("the column is spelled %q", at.Column)
	}
}

func TestCheckWrite(t *testing.T) {
	t.Parallel()
	desk, dsn, _ := helpDesk(t)
	if err := desk.CheckWrite(t.Context()); err != nil {
		t.Errorf("all rights: %v", err)
	}
	for rights, lack := range map[string]string{"SELECT": "INSERT", "SELECT, INSERT": "UPDATE", "SELECT, INSERT, UPDATE": "DELETE"} {
		db := open(t, shared.MariaDB(t).User(t, dsn, rights))
		desk, err := db.Use(t.Context(), generic(t))
		if err != nil {
			t.Fatal(err)
		}
		err = desk.CheckWrite(t.Context())
		fault, ok := errors.AsType[*supportdb.PrivilegeError](err)
		if !ok || fault.Privilege != lack || !errors.Is(err, supportdb.ErrPrivilege) || !strings.Contains(err.Error(), "run GRANT SELECT, INSERT, UPDATE, DELETE ON `") {
			t.Errorf("with %s: %v", rights, err)
		}
	}
}

// A replica, or a server that was set read-only.
func TestCheckWriteReadOnly(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, raw := server.HelpDesk(t, tables())
	user := server.User(t, dsn, "SELECT, INSERT, UPDATE, DELETE")
	exec(t, raw, "SET GLOBAL read_only = 1")
	desk, err := open(t, user).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.CheckWrite(t.Context()); !errors.Is(err, supportdb.ErrReadOnly) {
		t.Errorf("read-only server: %v", err)
	}
	exec(t, raw, "SET GLOBAL read_only = 0")
	if err := desk.CheckWrite(t.Context()); err != nil {
		t.Errorf("a server that may be written to: %v", err)
	}
}

// What a dry run shows is what the server receives, letter by letter.
func TestStatementsAreExact(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, raw := server.HelpDesk(t, tables())
	exec(t, raw, "ALTER TABLE tickets ADD COLUMN blobby blob NULL")
	desk, err := open(t, dsn).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := desk.Sample(t.Context(), rng(), 5, "")
	if err != nil {
		t.Fatal(err)
	}
	donors, err := desk.Donors(t.Context(), []string{rows[0].Get("key").Text()})
	if err != nil || len(donors) != 1 {
		t.Fatal(err)
	}
	image := desk.Plan(&donors[0])
	image.Items = image.Items[:1]
	image.Items[0].Row.Set("email", supportdb.Text("new@example.net"))
	image.Items[0].Row.Set("last_name", supportdb.Text("O'Hara \"x\"\\\n\r\x1a?"))
	first := row([][2]string{{"number", "N-1"}, {"subject", "half ?"}, {"channel", "web"}, {"created_at", "2025-01-02 03:04:05"}, {"updated_at", "2025-01-02 03:04:05"}, {"blobby", "\x00'"}}...)
	first.Set("customer_id", supportdb.Value{R: &supportdb.Ref{Row: 0, Column: "id"}})
	// Bytes that are no text: the log table cannot show them, the row can.
	second := first.Clone()
	second.Set("number", supportdb.Text("N-2"))
	second.Set("blobby", supportdb.Text("\xff\x00'"))
	for _, r := range []supportdb.Row{first, second} {
		image.Items = append(image.Items, supportdb.Item{Part: "ticket", Row: r})
	}
	exec(t, raw, "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = 1")
	var keys supportdb.Keys
	err = desk.Insert(t.Context(), []supportdb.Image{image}, func(_ context.Context, k []supportdb.Keys) error {
		keys = k[0]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var stored string
	if err := raw.QueryRowContext(t.Context(), "SELECT HEX(blobby) FROM tickets WHERE number = 'N-2'").Scan(&stored); err != nil || stored != "FF0027" {
		t.Errorf("bytes %s, %v", stored, err)
	}
	change := supportdb.Change{Part: "customer", Key: keys.Rows[0], Guard: "email", Old: supportdb.Text("new@example.net")}
	change.Set.Set("email", supportdb.Text("next@example.net"))
	if err := desk.Update(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	want := append(desk.InsertStatements(image), desk.UpdateStatement(change))
	want = append(want, desk.RemoveStatements(&image, keys, supportdb.Text("next@example.net"))...)
	if err := desk.Remove(t.Context(), &image, keys, supportdb.Text("next@example.net")); err != nil {
		t.Fatal(err)
	}
	exec(t, raw, "SET GLOBAL general_log = 0")
	received := map[string]bool{}
	log, err := raw.QueryContext(t.Context(), "SELECT argument FROM mysql.general_log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // Err tells
	for log.Next() {
		var s string
		if err := log.Scan(&s); err != nil {
			t.Fatal(err)
		}
		received[s] = true
	}
	if log.Err() != nil || len(want) != 11 {
		t.Fatalf("%d statements, %v", len(want), log.Err())
	}
	for _, s := range want {
		s = strings.ReplaceAll(s, "{key of the customer}", "'"+keys.Rows[0][0]+"'")
		if !received[s] && !strings.Contains(s, "'N-2'") {
			t.Errorf("the server did not receive\n%s", s)
		}
	}
}
