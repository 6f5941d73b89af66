package supportdb_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/testkit"
	"saltmine/seeder/supportdb"
)

// limited opens a database with bounds and sees it through the generic recipe.
func limited(t *testing.T, dsn string, load supportdb.Load) *supportdb.Desk {
	t.Helper()
	db, err := supportdb.OpenWith(t.Context(), dsn, supportdb.Settings{Load: load})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) // the test is over
	desk, err := db.Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

// The server counts the rows that a user reads; the pauses are as long as the
// limit asks for, down to the statement after the last pause.
func TestLoadIsLimited(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, raw := server.HelpDesk(t, tables())
	exec(t, raw, "SET GLOBAL userstat = 1")
	user := server.User(t, dsn, "SELECT")
	const perSecond = 1000
	var paused time.Duration
	var stopped error
	desk := limited(t, user, supportdb.Load{RowsPerSecond: perSecond, Pause: func(_ context.Context, d time.Duration) error {
		paused += d
		return stopped
	}})
	for range 5 {
		if _, err := desk.Sample(t.Context(), rng(), 10_000, ""); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := mysql.ParseDSN(user)
	if err != nil {
		t.Fatal(err)
	}
	var read float64
	if err := raw.QueryRowContext(t.Context(), "SELECT ROWS_SENT FROM information_schema.USER_STATISTICS WHERE USER = ?", cfg.User).Scan(&read); err != nil {
		t.Fatal(err)
	}
	const statement = 600 // rows, the whole table
	if least := (read - 2*statement) / perSecond; read < 5*600 || paused.Seconds() < least {
		t.Errorf("%.0f rows were read with pauses of %s, want %.1f s at least", read, paused, least)
	}
	stopped = context.Canceled
	if _, err := desk.Sample(t.Context(), rng(), 10_000, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is stopped while it pauses: %v", err)
	}
}

// The machine's clock ends a pause, and so does the end of the run.
func TestLoadPauses(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).HelpDesk(t, tables())
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	desk := limited(t, dsn, supportdb.Load{RowsPerSecond: 1000})
	for ctx.Err() == nil {
		if _, err := desk.Sample(ctx, rng(), 10_000, ""); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func TestReadersAreReadOnly(t *testing.T) {
	t.Parallel()
	dsn, raw := shared.MariaDB(t).HelpDesk(t, tables())
	db := supportdb.Reader(t, dsn, 2*time.Second)
	_, err := db.ExecContext(t.Context(), "INSERT INTO tickets SELECT * FROM tickets LIMIT 1")
	if sent, ok := errors.AsType[*mysql.MySQLError](err); !ok || sent.Number != 1792 {
		t.Errorf("an INSERT while only reading: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM tickets"); err == nil {
		t.Error("a DELETE while only reading passed")
	}
	var seconds float64
	if err := db.QueryRowContext(t.Context(), "SELECT @@max_statement_time").Scan(&seconds); err != nil || seconds != 2 {
		t.Errorf("time limit %v, %v", seconds, err)
	}
	var count int
	if err := raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM tickets").Scan(&count); err != nil || count == 0 {
		t.Errorf("%d tickets, %v", count, err)
	}
}

// A filter that takes its time makes the server end the statement.
func TestStatementTimeIsLimited(t *testing.T) {
	t.Parallel()
	dsn, _ := shared.MariaDB(t).HelpDesk(t, tables())
	db, err := supportdb.OpenWith(t.Context(), dsn, supportdb.Settings{Load: supportdb.Load{Statement: 100 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := generic(t)
	r.Customer.Filter = "SLEEP(1) = 0"
	desk, err := db.Use(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Sample(t.Context(), rng(), 10, ""); !errors.Is(err, supportdb.ErrTooSlow) {
		t.Errorf("a statement of a minute: %v", err)
	}
}

// gappy makes a table of n customers whose keys have gaps of all sizes: half of
// the rows stand together, the others ever farther apart.
func gappy(t *testing.T, raw *sql.DB, n int, key string) {
	t.Helper()
	exec(t, raw, "DELETE FROM tickets", "DELETE FROM customers", "ALTER TABLE customers DROP INDEX customers_email",
		"INSERT INTO customers (id, first_name, last_name, email, country, language, product, created_at, updated_at) SELECT "+key+
			", 'A', 'B', seq, 'US', 'en', 'x', '2025-01-01', '2025-01-01' FROM seq_1_to_"+strconv.Itoa(n))
}

// evenly draws rows again and again and compares how often they come from each
// tenth of the table with chance (chi-square, nine degrees of freedom, p = .001).
func evenly(t *testing.T, desk *supportdb.Desk, n int) {
	t.Helper()
	var tenths [10]float64
	total := 0.0
	random := rand.New(rand.NewPCG(7, 7))
	for range 12 {
		rows, err := desk.Sample(t.Context(), random, 300, "")
		if err != nil || len(rows) != 300 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		seen := map[string]bool{}
		for i := range rows {
			seq, err := strconv.Atoi(rows[i].Get("email").Text())
			if err != nil || seen[rows[i].Get("key").Text()] {
				t.Fatalf("a row twice, or %v", err)
			}
			seen[rows[i].Get("key").Text()] = true
			tenths[(seq-1)*10/n]++
			total++
		}
	}
	chi := 0.0
	for _, got := range tenths {
		chi += (got - total/10) * (got - total/10) / (total / 10)
	}
	if chi > 27.88 {
		t.Errorf("chi-square %.1f of %v", chi, tenths)
	}
}

func TestSampleIsEven(t *testing.T) {
	t.Parallel()
	const n = 6000
	for name, key := range map[string]string{
		"numbers that are tried":   "IF(seq <= 3000, seq, 3000 + (seq - 3000) * 8)",
		"numbers that are far off": "IF(seq <= 3000, seq, seq * seq * 1000)",
		"below zero":               "CAST(seq AS SIGNED) * 3 - 9000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk, _, raw := helpDesk(t)
			gappy(t, raw, n, key)
			evenly(t, desk, n)
		})
	}
}

// Keys that are texts are all read, and chosen among.
func TestSampleOfTextKeysIsEven(t *testing.T) {
	t.Parallel()
	const n = 12_000 // several statements of keys
	_, dsn, raw := helpDesk(t)
	exec(t, raw, "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "DELETE FROM tickets", "ALTER TABLE tickets MODIFY customer_id char(36) NOT NULL",
		"ALTER TABLE customers MODIFY id char(36) NOT NULL")
	gappy(t, raw, n, "IF(seq % 10 = 0, CONCAT(UUID(), ''), CONCAT('a', LPAD(seq, 35, '0')))")
	desk, err := open(t, dsn).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	evenly(t, desk, n)
}

// What a survey hands over it does not keep.
func TestSurveyKeepsNoRows(t *testing.T) {
	t.Parallel()
	const n, wide = 20_000, 4000 // 80 MB
	desk, _, raw := helpDesk(t)
	gappy(t, raw, n, "seq")
	exec(t, raw, "ALTER TABLE customers MODIFY first_name varchar(4000)", "UPDATE customers SET first_name = REPEAT('x', 4000)")
	var peak, base runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&base)
	rows, last := 0, 0
	err := desk.Survey(t.Context(), rng(), supportdb.Survey{Want: n, Progress: func(done, total int) {
		if done < last || done > total {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
	}}, func(supportdb.Row) error {
		if rows++; rows%5000 == 0 {
			runtime.GC()
			var now runtime.MemStats
			if runtime.ReadMemStats(&now); now.HeapAlloc > peak.HeapAlloc {
				peak = now
			}
		}
		return nil
	})
	if err != nil || rows != n {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if grown := int64(peak.HeapAlloc) - int64(base.HeapAlloc); grown > n*wide/2 {
		t.Errorf("%d MB are kept", grown>>20)
	}
}
