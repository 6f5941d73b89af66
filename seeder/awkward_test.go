package seeder_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/testkit"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// altered is a world whose tables were altered before anybody looked at them.
func altered(t *testing.T, statements ...string) *world {
	t.Helper()
	return alteredFrom(t, tables(), statements...)
}

func alteredFrom(t *testing.T, rows helpdesk.Config, statements ...string) *world {
	t.Helper()
	dsn, db := shared.MariaDB(t).HelpDesk(t, rows)
	w := &world{db: db}
	for _, s := range statements {
		w.exec(t, s)
	}
	return worldOn(t, dsn, db)
}

// lives plants, verifies, rotates and withdraws: every value arrives as it was
// meant, exactly so many canaries stand, and in the end the tables are as they
// were.
func (w *world) lives(t *testing.T, count int, bulk bool) {
	t.Helper()
	before := dump(t, w.db)
	cfg := plan("life", count)
	cfg.Bulk, cfg.PlacebosPerEmail = bulk, 1
	report := w.mustPlant(t, cfg)
	if report.Live != count {
		t.Fatalf("report %+v", report)
	}
	w.asMeant(t)
	for _, kind := range []canary.Kind{canary.Email, canary.Phone} {
		if r, err := w.seeder.Rotate(t.Context(), rotation(kind, "life")); err != nil || r.Rotated != count {
			t.Fatalf("rotate %s: %+v, %v", kind, r, err)
		}
		w.asMeant(t)
	}
	r, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || r.Withdrawn != count || len(r.Findings) > 0 {
		t.Fatalf("withdraw: %+v, %v", r, err)
	}
	w.wantAloud(t, append(report.Warnings, r.Notes...))
	w.wantSame(t, before)
}

// wantAloud checks that it is said what stays behind.
func (w *world) wantAloud(t *testing.T, said []string) {
	t.Helper()
	text := strings.Join(said, "\n")
	if !strings.Contains(text, "counters stay where they are: ") {
		t.Errorf("said %q", text)
	}
	kept := w.number(t, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED'")
	if said := strings.Contains(text, "FOR SYSTEM_TIME ALL") && strings.Contains(text, "the history of system-versioned tables keeps the rows: tickets"); said != (kept > 0) {
		t.Errorf("%d tables are system-versioned, said %q", kept, text)
	}
	without := w.number(t, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE IN ('MyISAM', 'Aria')")
	if said := strings.Contains(text, "no transactions"); said != (without > 0) {
		t.Errorf("%d tables have no transactions, said %q", without, text)
	}
}

// wantSame checks that all tables are as they were.
func (w *world) wantSame(t *testing.T, before map[string][]string) {
	t.Helper()
	after := dump(t, w.db)
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if !slices.Equal(before[table], after[table]) {
			t.Errorf("table %s is not as it was: %d rows, %d before: %q", table, len(after[table]), len(before[table]), fresh(before, after)[table])
		}
	}
}

// asMeant compares all rows of all canaries, byte by byte, with what was meant.
func (w *world) asMeant(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Planted, canary.Verified}})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d canaries, %v", len(all), err)
	}
	for i := range all {
		image, err := supportdb.DecodeImage(all[i].Rows)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := supportdb.DecodeKeys(all[i].Keys)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := w.desk.Read(t.Context(), []string{image.CustomerKey(keys)})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if drift := w.desk.Compare(&image, keys, &rows[0]); len(drift) > 0 {
			t.Errorf("canary %s: %+v", all[i].ID, drift)
		}
	}
	if r, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || r.Verified != len(all) || len(r.Findings) > 0 {
		t.Errorf("verify: %+v, %v", r, err)
	}
}

// Tables as people have them.
func TestAwkwardTables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statements []string
		bulk       bool
	}{
		"types": {statements: []string{
			"ALTER TABLE customers ADD flags bit(9) NOT NULL DEFAULT b'100000011', ADD tier enum('gold','silver','é') NOT NULL DEFAULT 'é', ADD likes set('a','b','c') NULL, ADD extra json NULL," +
				" ADD spot point NULL, ADD raw binary(16) NULL, ADD born year NULL, ADD seen date NOT NULL DEFAULT '0000-00-00', ADD lag time(3) NULL, ADD score double NULL, ADD rate decimal(9,4) NULL, ADD pad char(10) NOT NULL DEFAULT 'x'," +
				" ADD touched timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, ADD secret int INVISIBLE NOT NULL DEFAULT 7, ADD whole varchar(140) AS (CONCAT(first_name, ' ', last_name)) PERSISTENT, ADD loud varchar(140) AS (UPPER(last_name)) VIRTUAL",
			"UPDATE customers SET likes = 'a,c', extra = '{\"plan\": \"home\", \"n\": [1, 2]}', spot = POINT(1, 2), raw = UNHEX('00FF5C27220A0D1A00112233445566FF'), born = 1970, lag = '-12:00:00.125', score = 0.1 + id, rate = id / 3, touched = created_at",
		}},
		"zerofill":       {statements: []string{"ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "ALTER TABLE customers MODIFY id bigint(12) UNSIGNED ZEROFILL NOT NULL AUTO_INCREMENT", "ALTER TABLE tickets MODIFY customer_id bigint(12) UNSIGNED ZEROFILL NOT NULL"}},
		"latin1":         {statements: narrow("latin1")},
		"latin1 in bulk": {statements: narrow("latin1"), bulk: true},
		"utf8mb3":        {statements: narrow("utf8mb3")},
		"unique bytes":   {statements: []string{"ALTER TABLE customers ADD token binary(16) NULL", "UPDATE customers SET token = UNHEX(MD5(id))", "ALTER TABLE customers ADD UNIQUE (token)"}},
		"uuids": {statements: []string{"ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "ALTER TABLE customers ADD u uuid NULL", "ALTER TABLE tickets ADD u uuid NULL, ADD INDEX (u)", "UPDATE customers SET u = UUID()",
			"UPDATE tickets t JOIN customers c ON c.id = t.customer_id SET t.u = c.u", "ALTER TABLE tickets DROP INDEX tickets_customer, DROP customer_id, CHANGE u customer_id uuid NOT NULL",
			"ALTER TABLE customers MODIFY id bigint NOT NULL", "ALTER TABLE customers DROP PRIMARY KEY, DROP id, ADD PRIMARY KEY (u)", "ALTER TABLE customers CHANGE u id uuid NOT NULL"}},
		"no transactions":   {bulk: true, statements: []string{"ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "ALTER TABLE customers ENGINE = MyISAM", "ALTER TABLE tickets ENGINE = Aria"}},
		"system versioning": {statements: []string{"ALTER TABLE tickets ADD since timestamp(6) GENERATED ALWAYS AS ROW START, ADD till timestamp(6) GENERATED ALWAYS AS ROW END, ADD PERIOD FOR SYSTEM_TIME (since, till), ADD SYSTEM VERSIONING"}},
		"partitions": {statements: []string{
			"ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "ALTER TABLE customers DROP INDEX customers_email, ADD INDEX (email), DROP PRIMARY KEY, ADD PRIMARY KEY (id, created_at)",
			"ALTER TABLE customers PARTITION BY RANGE (YEAR(created_at)) (PARTITION p0 VALUES LESS THAN (2024), PARTITION p1 VALUES LESS THAN MAXVALUE)",
			"ALTER TABLE tickets DROP INDEX tickets_number, ADD INDEX (number)", "ALTER TABLE tickets PARTITION BY HASH (id) PARTITIONS 3",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			altered(t, c.statements...).lives(t, 4, c.bulk)
		})
	}
}

// narrow puts the tables into a character set, without customers whose names it
// does not have.
func narrow(set string) []string {
	last := map[string]string{"latin1": "FF", "utf8mb3": "FFFF"}[set]
	lost := func(of string) string { return of + ` RLIKE '[^\\x{00}-\\x{` + last + `}]'` }
	return []string{
		"DELETE t FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE " + lost("CONCAT(first_name, last_name)"),
		"DELETE FROM customers WHERE " + lost("CONCAT(first_name, last_name)"), "UPDATE tickets SET subject = 'Cannot log in' WHERE " + lost("subject"),
		"ALTER TABLE customers CONVERT TO CHARACTER SET " + set, "ALTER TABLE tickets CONVERT TO CHARACTER SET " + set,
	}
}

// Sessions are ours whatever the server and the data source name say.
func TestAwkwardSessions(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "ORACLE,EMPTY_STRING_IS_NULL", "TRADITIONAL", "PAD_CHAR_TO_FULL_LENGTH,NO_AUTO_VALUE_ON_ZERO"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := altered(t, "ALTER TABLE customers ADD quip varchar(60) NOT NULL DEFAULT 'say \"it''s\" \\\\ 50% ?', ADD seen datetime NOT NULL DEFAULT '0000-00-00 00:00:00', ADD nick char(20) NOT NULL DEFAULT ''")
			w.connect(t, w.dsn+"&charset=latin1&autocommit=0&time_zone=%27%2B05%3A30%27&sql_mode=%27"+strings.ReplaceAll(mode, ",", "%2C")+"%27")
			w.lives(t, 3, false)
		})
	}
}

// Addresses that a column can hold are found; where there are none, nothing is
// registered and the column is named with the length that is needed.
func TestShortColumns(t *testing.T) {
	t.Parallel()
	short := func(room string) *world {
		const long = "first_name RLIKE '[^A-Za-z]' OR LENGTH(first_name) > 6"
		return altered(t, "DELETE t FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE "+long, "DELETE FROM customers WHERE "+long,
			"UPDATE customers SET email = CONCAT(LOWER(first_name), id % 100, '.', id, '@r.t')", "UPDATE IGNORE customers SET email = CONCAT(LOWER(first_name), id % 100, '@r.t')",
			"UPDATE customers SET email = CONCAT('x', id, '@r.t') WHERE LENGTH(email) > "+room, "ALTER TABLE customers MODIFY email varchar("+room+") NOT NULL")
	}
	w := short("20")
	w.mustPlant(t, plan("fits", 5))
	w.asMeant(t)
	w = short("13")
	_, err := w.seeder.Plant(t.Context(), plan("none", 5))
	fault, ok := errors.AsType[*supportdb.SchemaError](err)
	if !ok || fault.Table != "customers" || fault.Column != "email" || !strings.Contains(fault.Problem, "holds 13 characters") || !strings.Contains(fault.Problem, "needs 15") {
		t.Errorf("error %v", err)
	}
	w.wantNothing(t)
	w.exec(t, "ALTER TABLE customers MODIFY email varchar(30) NOT NULL")
	w.connect(t, w.dsn)
	w.mustPlant(t, plan("none", 5))

	w = altered(t, "UPDATE customers SET phone = 100000 + id WHERE phone IS NOT NULL", "ALTER TABLE customers MODIFY phone varchar(6) NULL")
	if _, err := w.seeder.Plant(t.Context(), plan("phone", 5)); !errors.Is(err, seeder.ErrSample) || !strings.Contains(err.Error(), "customers.phone") {
		t.Errorf("error %v", err)
	}
}

// wantNothing checks that nothing stands and no canary is registered.
func (w *world) wantNothing(t *testing.T) {
	t.Helper()
	w.wantExactly(t, 0)
	if all, err := w.ledger.Plantings(t.Context(), canary.Filter{}); err != nil || len(all) > 0 {
		t.Errorf("%d canaries are registered, %v", len(all), err)
	}
}

// A server with settings of its own; each is that of new sessions.
func TestAwkwardServer(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, tables())
	w := worldOn(t, dsn, db)
	for _, s := range []string{
		"sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE,NO_ZERO_IN_DATE,EMPTY_STRING_IS_NULL'", "time_zone = '+05:45'", "autocommit = 0", "max_allowed_packet = 16384",
		"character_set_server = latin1", "tx_isolation = 'SERIALIZABLE'", "auto_increment_increment = 3", "sql_safe_updates = 1",
	} {
		w.exec(t, "SET GLOBAL "+s)
	}
	w.connect(t, dsn)
	w.lives(t, 60, true)
}

// Sessions that the server ends between two statements are opened anew.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.between(func() {
		for _, id := range w.strings(t, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND COMMAND = 'Sleep' AND ID <> CONNECTION_ID()") {
			w.exec(t, "KILL CONNECTION "+id)
		}
	})
	cfg := plan("killed", 3)
	report, err := w.seeder.Plant(t.Context(), cfg)
	for range 2 {
		if err == nil || !errors.Is(err, supportdb.ErrUnreachable) {
			break
		}
		report, err = w.seeder.Plant(t.Context(), cfg)
	}
	if err != nil || report.Live != 3 {
		t.Errorf("report %+v, %v", report, err)
	}
	w.wantExactly(t, 3)
}

// The table's dates are of a zone that is ahead of UTC: canaries of now are not
// dated before the row before them.
func TestZoneAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.at = until().Add(-11 * time.Hour)
	w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('Real','Person','late@real.test','US','en','x',?,?)", until(), until())
	top := w.number(t, "SELECT MAX(id) FROM customers")
	cfg := plan("zone", 3)
	cfg.Dates = seeder.DatesNow
	w.mustPlant(t, cfg)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id > ? AND created_at >= ?", top, until()); n != 3 {
		t.Errorf("%d of 3 canaries are dated behind the newest row", n)
	}
}
