package supportdb

import (
	"database/sql"
	"testing"
	"time"
)

// Reader opens sessions as those that read.
func Reader(tb testing.TB, dsn string, limit time.Duration) *sql.DB {
	tb.Helper()
	cfg, err := parseDSN(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := newReader(cfg, limit)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() }) // the test is over
	return db
}
