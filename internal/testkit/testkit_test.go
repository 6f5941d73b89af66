package testkit_test

import (
	"bufio"
	"database/sql"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/helpdesk"
	"saltmine/internal/testkit"
)

var shared testkit.Shared

const childEnv = "TESTKIT_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(testkit.Main(m, &shared))
}

func count(t *testing.T, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func exec1(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestDatabasesAreApartAndReal(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	if server != shared.MariaDB(t) {
		t.Error("the shared server is not the same twice")
	}
	dsn1, one := server.Database(t)
	_, two := server.Database(t)
	exec1(t, one, "CREATE TABLE things (id int PRIMARY KEY) ENGINE=InnoDB")
	exec1(t, one, "INSERT INTO things VALUES (1)")
	if _, err := two.ExecContext(t.Context(), "SELECT * FROM things"); err == nil {
		t.Error("a table of one database is seen in another")
	}
	var version string
	if err := one.QueryRowContext(t.Context(), "SELECT version()").Scan(&version); err != nil || !strings.Contains(version, "MariaDB") {
		t.Errorf("version %q, %v: want a MariaDB", version, err)
	}
	c, err := mysql.ParseDSN(dsn1)
	if err != nil || c.Addr != server.Addr() || !c.ParseTime || !c.InterpolateParams {
		t.Errorf("data source name %+v, %v: want %s with parsed times and interpolation", c, err, server.Addr())
	}
}

func TestDatabaseIsDroppedAtTheEnd(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	_, watch := server.Database(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		_, db := server.Database(t)
		if err := db.QueryRowContext(t.Context(), "SELECT database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	if n := count(t, watch, "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?", name); n != 0 {
		t.Errorf("database %s is still there", name)
	}
}

func TestUserHasOnlyTheRightsGiven(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	dsn, db := server.Database(t)
	exec1(t, db, "CREATE TABLE things (id int PRIMARY KEY)")
	reader, err := sql.Open("mysql", server.User(t, dsn, "SELECT"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if n := count(t, reader, "SELECT count(*) FROM things"); n != 0 {
		t.Errorf("%d things", n)
	}
	_, err = reader.ExecContext(t.Context(), "INSERT INTO things VALUES (1)")
	if my, ok := errors.AsType[*mysql.MySQLError](err); !ok || my.Number != 1142 {
		t.Errorf("insert by a reader: %v, want error 1142", err)
	}
}

func TestKilledServerComesBackWithItsData(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	_, db := server.Database(t)
	exec1(t, db, "CREATE TABLE things (id int PRIMARY KEY) ENGINE=InnoDB")
	addr := server.Addr()
	for i, end := range []func(testing.TB){server.Kill, server.Stop, func(testing.TB) {}} {
		exec1(t, db, "INSERT INTO things VALUES (?)", i)
		end(t)
		if i < 2 {
			if err := db.PingContext(t.Context()); err == nil {
				t.Fatal("a stopped server answers")
			}
		}
		server.Restart(t)
		if n := count(t, db, "SELECT count(*) FROM things"); n != i+1 {
			t.Fatalf("%d rows after restart %d, want %d", n, i, i+1)
		}
	}
	if server.Addr() != addr {
		t.Errorf("address %s after restarts, was %s", server.Addr(), addr)
	}
}

func TestHelpDeskIsLoadedAndCopied(t *testing.T) {
	t.Parallel()
	cfg := helpdesk.Config{
		Customers: 3000, Tickets: 4500, Seed: 11,
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	server := shared.MariaDB(t)
	_, loaded := server.Database(t)
	var progress []int
	err := helpdesk.Load(t.Context(), loaded, cfg, func(done, total int) {
		if total != 7500 {
			t.Errorf("total %d, want 7500", total)
		}
		progress = append(progress, done)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(progress) || len(progress) < 7 || progress[len(progress)-1] != 7500 {
		t.Errorf("progress %v: want steps up to 7500", progress)
	}
	_, copied := server.HelpDesk(t, cfg)
	_, again := server.HelpDesk(t, cfg)
	exec1(t, copied, "DELETE FROM tickets")
	for name, db := range map[string]*sql.DB{"loaded": loaded, "copied": again} {
		if n := count(t, db, "SELECT count(*) FROM customers"); n != 3000 {
			t.Errorf("%s: %d customers", name, n)
		}
		if n := count(t, db, "SELECT count(*) FROM tickets JOIN customers ON customers.id = customer_id WHERE tickets.created_at >= customers.created_at"); n != 4500 {
			t.Errorf("%s: %d tickets with an earlier customer", name, n)
		}
		if n := count(t, db, "SELECT count(*) FROM information_schema.statistics WHERE table_schema = database() AND index_name IN ('customers_email', 'tickets_number') AND non_unique = 0"); n != 2 {
			t.Errorf("%s: %d unique indexes, want 2", name, n)
		}
		if n := count(t, db, "SELECT count(*) FROM information_schema.referential_constraints WHERE constraint_schema = database()"); n != 1 {
			t.Errorf("%s: %d foreign keys, want 1", name, n)
		}
	}
	c := first(t, cfg)
	var email string
	var created time.Time
	row := again.QueryRowContext(t.Context(), "SELECT email, created_at FROM customers WHERE id = ?", c.ID)
	if err := row.Scan(&email, &created); err != nil || email != c.Email || !created.Equal(c.Created) {
		t.Errorf("first customer is %s of %s (%v), want %s of %s", email, created, err, c.Email, c.Created)
	}
	last := count(t, again, "SELECT max(id) FROM customers")
	res, err := again.ExecContext(t.Context(), "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) VALUES ('a', 'b', 'c@d.example', 'GB', 'en', 'x', now(), now())")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := res.LastInsertId(); err != nil || id != int64(last)+1 {
		t.Errorf("next id %d, %v: want %d", id, err, last+1)
	}
}

func first(t *testing.T, cfg helpdesk.Config) helpdesk.Customer {
	t.Helper()
	desk, err := helpdesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for c := range desk.Customers() {
		return c
	}
	t.Fatal("no customer")
	return helpdesk.Customer{}
}

// A hundred thousand customers is what the acceptance test plants into.
func TestLargeHelpDeskLoadsInSeconds(t *testing.T) {
	cfg := helpdesk.Config{
		Customers: 100_000, Tickets: 150_000, Seed: 3,
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	server := shared.MariaDB(t)
	began := time.Now()
	server.HelpDesk(t, cfg)
	loaded := time.Since(began)
	_, db := server.HelpDesk(t, cfg)
	t.Logf("loaded and copied once in %s, copied again in %s", loaded, time.Since(began)-loaded)
	if n := count(t, db, "SELECT count(*) FROM customers") + count(t, db, "SELECT count(*) FROM tickets"); n != 250_000 {
		t.Errorf("%d rows, want 250,000", n)
	}
}

// A test process that is killed leaves neither a server nor files.
func TestNothingIsLeftOfAKilledProcess(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"=1", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child did not start its server: %v", err)
	}
	addr = strings.TrimSpace(addr)
	pid := pidIn(t, tmp)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // it was killed
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		left, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		if len(left) == 0 && gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the kill: %d entries left, server gone: %t", len(left), gone)
		}
	}
	var d net.Dialer
	if conn, err := d.DialContext(t.Context(), "tcp", addr); err == nil {
		conn.Close()
		t.Error("the server still answers")
	}
}

func pidIn(t *testing.T, tmp string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(tmp, "*", "pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("pid files %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// Not parallel: it changes where programs are looked for.
func TestServerIsFoundOutsideThePathOrItsPackageNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if path, err := testkit.Find("no-such-server", "mariadbd", "mysqld"); err != nil || !filepath.IsAbs(path) {
		t.Errorf("with an empty PATH: %q, %v", path, err)
	}
	_, err := testkit.Find("no-such-server")
	if !errors.Is(err, testkit.ErrNoMariaDB) || !strings.Contains(err.Error(), "Debian package mariadb-server") {
		t.Errorf("error %v: want ErrNoMariaDB, with the package's name", err)
	}
}

func TestFreePortCanBeListenedOn(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(t))))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
