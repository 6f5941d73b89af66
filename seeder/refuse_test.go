package seeder_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// Triggers are refused by name, before anything is registered; those that the
// recipe lists are not.
func TestTriggers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE outbox (id int AUTO_INCREMENT PRIMARY KEY, rcpt varchar(191) NOT NULL)")
	for name, statement := range map[string]string{
		"mail_welcome": "CREATE TRIGGER mail_welcome AFTER INSERT ON customers FOR EACH ROW INSERT INTO outbox (rcpt) VALUES (NEW.email)",
		"keep_deleted": "CREATE TRIGGER keep_deleted BEFORE DELETE ON tickets FOR EACH ROW INSERT INTO outbox (rcpt) VALUES (OLD.number)",
	} {
		w.exec(t, statement)
		for what, run := range map[string]func() error{
			"plant":    func() error { _, err := w.seeder.Plant(t.Context(), plan("t", 2)); return err },
			"withdraw": func() error { _, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); return err },
			"dry run": func() error {
				cfg := plan("t", 2)
				cfg.DryRun = true
				_, err := w.seeder.Plant(t.Context(), cfg)
				return err
			},
		} {
			if err := run(); !errors.Is(err, supportdb.ErrTrigger) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %s: %v", what, name, err)
			}
		}
		w.exec(t, "DROP TRIGGER "+name)
	}
	w.wantNothing(t)
	w.exec(t, "CREATE TRIGGER count_up AFTER INSERT ON customers FOR EACH ROW SET @customers = @customers + 1")
	w.desk.Recipe().AllowTriggers = []string{"count_up"}
	w.mustPlant(t, plan("t", 2))
	w.desk.Recipe().AllowTriggers = nil
	if _, err := w.seeder.Rotate(t.Context(), rotation(canary.Email, "t")); !errors.Is(err, supportdb.ErrTrigger) || !strings.Contains(err.Error(), "count_up") {
		t.Errorf("rotate: %v", err)
	}
	// One that changes what we write is not let pass even so.
	w.exec(t, "CREATE TRIGGER shout BEFORE INSERT ON customers FOR EACH ROW SET NEW.last_name = UPPER(NEW.last_name)")
	w.desk.Recipe().AllowTriggers = []string{"count_up", "shout"}
	if _, err := w.seeder.Plant(t.Context(), plan("u", 2)); !errors.Is(err, supportdb.ErrAltered) || !strings.Contains(err.Error(), "customers.last_name") {
		t.Errorf("error %v", err)
	}
	w.exec(t, "DROP TRIGGER shout")
	if _, err := w.seeder.Plant(t.Context(), plan("u", 2)); err != nil {
		t.Error(err)
	}
	w.wantExactly(t, 4)
}

// A trigger that is made while canaries are being registered is found when it
// runs.
func TestTriggerInBetween(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		w := newWorld(t)
		w.exec(t, "CREATE TABLE outbox (id int AUTO_INCREMENT PRIMARY KEY, rcpt varchar(191) NOT NULL)")
		w.between(func() {
			w.exec(t, "CREATE TRIGGER mail_welcome AFTER INSERT ON customers FOR EACH ROW INSERT INTO outbox (rcpt) VALUES (NEW.email)")
		})
		cfg := plan("t", 2)
		cfg.Bulk = bulk
		if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, supportdb.ErrTrigger) || !strings.Contains(err.Error(), "rolled back") {
			t.Errorf("error %v", err)
		}
		if n := w.number(t, "SELECT COUNT(*) FROM outbox"); n != 0 {
			t.Errorf("%d mails wait", n)
		}
		w.exec(t, "DROP TRIGGER mail_welcome")
		w.mustPlant(t, cfg)
	}
}

// between does something once, when canaries are registered and not inserted.
func (w *world) between(do func()) {
	w.ledger.step = func(name string) {
		if strings.Contains(name, "after intend") {
			w.ledger.step = func(string) {}
			do()
		}
	}
}

// Rows that the server refuses end their canary; when it refuses all of them
// the run ends and says why. In both ways nothing is left half planted.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, spoil, mend string
		means               error
		say                 string
	}{
		"check": {
			before: "SELECT 1", spoil: "ALTER TABLE tickets ADD CONSTRAINT only_old CHECK (created_at < 'NEWEST')",
			mend: "ALTER TABLE tickets DROP CONSTRAINT only_old", means: supportdb.ErrRefused, say: "constraint only_old",
		},
		"partition": {
			before: "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk, DROP INDEX tickets_number, ADD INDEX (number), DROP PRIMARY KEY, ADD PRIMARY KEY (id, created_at)",
			spoil:  "ALTER TABLE tickets PARTITION BY RANGE COLUMNS (created_at) (PARTITION p0 VALUES LESS THAN ('NEWEST'))",
			mend:   "ALTER TABLE tickets REMOVE PARTITIONING", means: supportdb.ErrRefused, say: "error 1526",
		},
	} {
		for _, bulk := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := altered(t, c.before)
				cfg := plan("r", 8)
				cfg.Bulk, cfg.Dates, cfg.PlacebosPerEmail = bulk, seeder.DatesNow, 1
				newest := w.strings(t, "SELECT CAST(GREATEST((SELECT MAX(created_at) FROM tickets), (SELECT MAX(created_at) FROM customers)) + INTERVAL 1 SECOND AS char) FROM dual")[0]
				w.exec(t, strings.ReplaceAll(c.spoil, "NEWEST", newest))
				_, err := w.seeder.Plant(t.Context(), cfg)
				if !errors.Is(err, c.means) || !strings.Contains(err.Error(), c.say) {
					t.Errorf("error %v", err)
				}
				w.wantNone(t)
				w.exec(t, c.mend)
				w.mustPlant(t, cfg)
			})
		}
	}
}

// wantNone checks that no row of ours stands.
func (w *world) wantNone(t *testing.T) {
	t.Helper()
	for _, domain := range domains() {
		if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE email LIKE CONCAT('%@', ?)", domain); n != 0 {
			t.Errorf("%d canaries stand", n)
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets t LEFT JOIN customers c ON c.id = t.customer_id WHERE c.id IS NULL"); n != 0 {
		t.Errorf("%d tickets without a customer", n)
	}
}

// Somebody deletes the agent of a donor's tickets while canaries are being
// registered: others are made, and the count stands.
func TestParentDeleted(t *testing.T) {
	t.Parallel()
	w := altered(t, "CREATE TABLE agents (id int PRIMARY KEY, name varchar(20) NOT NULL)", "INSERT INTO agents VALUES (1, 'A'), (2, 'B'), (3, 'C')",
		"ALTER TABLE tickets ADD agent_id int NOT NULL DEFAULT 1", "UPDATE tickets SET agent_id = 1 + id % 3", "ALTER TABLE tickets ADD CONSTRAINT of_agent FOREIGN KEY (agent_id) REFERENCES agents (id)")
	w.between(func() {
		w.exec(t, "UPDATE tickets SET agent_id = 3 WHERE agent_id = 2")
		w.exec(t, "DELETE FROM agents WHERE id = 2")
	})
	report := w.mustPlant(t, plan("p", 12))
	if report.Retired == 0 {
		t.Errorf("report %+v: no donor had the agent", report)
	}
	w.asMeant(t)
}

// Another session holds the rows: the run says so, and the next one finishes.
func TestLockedTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, w.dsn+"&innodb_lock_wait_timeout=1")
	cfg := plan("l", 3)
	cfg.Dates = seeder.DatesNow
	tx, err := w.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it may have ended
	w.between(func() {
		if _, err := tx.ExecContext(t.Context(), "SELECT id FROM customers WHERE id > 0 FOR UPDATE"); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, supportdb.ErrLocked) {
		t.Errorf("error %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	w.mustPlant(t, cfg)
}

// A table without room says so, and what it had already taken is gone.
func TestFullTable(t *testing.T) {
	t.Parallel()
	w := altered(t, "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk")
	conn, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // the test is over
	for _, s := range []string{"SET max_heap_table_size = 8 << 20", "ALTER TABLE tickets ENGINE = MEMORY"} {
		if _, err := conn.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.ExecContext(t.Context(), "INSERT INTO tickets (id, number, customer_id, subject, channel, created_at, updated_at) SELECT -seq, CONCAT('TK-2019-', LPAD(seq, 6, '0')), 1, '', '', '2019-06-01', '2019-06-01' FROM seq_1_to_50000"); err == nil {
		t.Fatal("the table has room still")
	}
	cfg := plan("full", 3)
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, supportdb.ErrFull) || !strings.Contains(err.Error(), "table tickets") {
		t.Errorf("error %v", err)
	}
	w.wantNone(t)
	w.exec(t, "DELETE FROM tickets WHERE id < 0")
	w.mustPlant(t, cfg)
}

// A unique key that the recipe does not name, in a collation that takes é for e:
// somebody else takes a canary's login in the middle of it.
func TestLoginTaken(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		w := altered(t, "ALTER TABLE customers ADD login varchar(80) COLLATE utf8mb4_unicode_ci NULL", "UPDATE customers SET login = CONCAT(SUBSTRING_INDEX(email, '@', 1), '.', id)", "ALTER TABLE customers MODIFY login varchar(80) COLLATE utf8mb4_unicode_ci NOT NULL, ADD UNIQUE (login)")
		w.between(func() {
			image, err := supportdb.DecodeImage(w.intended(t)[1].Rows)
			if err != nil {
				t.Fatal(err)
			}
			login := strings.NewReplacer("e", "é", "a", "Á", "i", "Ï").Replace(image.Items[image.Customer()].Row.Get("login").Text())
			w.exec(t, "UPDATE customers SET login = ? ORDER BY id LIMIT 1", login)
		})
		cfg := plan("login", 5)
		cfg.Bulk = bulk
		if report := w.mustPlant(t, cfg); report.Retired != 1 {
			t.Errorf("report %+v", report)
		}
		w.asMeant(t)
	}
}
