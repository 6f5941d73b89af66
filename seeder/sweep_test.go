package seeder_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// In tables without transactions a run that dies between two rows leaves one of
// them; the next run takes it back and finishes to exactly the count.
func TestDiesBetweenRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		customers, tickets, statement string
		answer                        bool
	}{
		{"MyISAM", "MyISAM", "INSERT INTO `customers`", true}, {"MyISAM", "MyISAM", "INSERT INTO `tickets`", true}, {"MyISAM", "MyISAM", "COMMIT", true},
		{"InnoDB", "MyISAM", "INSERT INTO `tickets`", true}, {"InnoDB", "MyISAM", "COMMIT", false}, {"InnoDB", "MyISAM", "COMMIT", true},
		{"Aria", "InnoDB", "INSERT INTO `tickets`", true}, {"Aria", "InnoDB", "COMMIT", false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			w := altered(t, "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk", "ALTER TABLE customers ENGINE = "+c.customers, "ALTER TABLE tickets ENGINE = "+c.tickets)
			before := dump(t, w.db)
			w.dies(t, c.statement, c.answer, "died", 2)
			cfg := plan("died", 2)
			cfg.PlacebosPerEmail = 1
			w.mustPlant(t, cfg)
			w.asMeant(t)
			if r, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || r.Withdrawn != 2 {
				t.Fatalf("withdraw %+v, %v", r, err)
			}
			w.wantSame(t, before)
		})
	}
}

// dies plants behind a wire that goes down at a statement, and comes back.
func (w *world) dies(t *testing.T, statement string, answer bool, batch canary.BatchID, count int) {
	t.Helper()
	dsn, err := mysql.ParseDSN(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	cut := newWire(t, dsn.Addr)
	cut.dies = true
	cut.answer.Store(answer)
	direct := w.desk
	dsn.Addr = cut.addr
	support, err := supportdb.Open(t.Context(), dsn.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { support.Close() }) // the test is over
	desk, err := support.Use(t.Context(), *direct.Recipe())
	if err != nil {
		t.Fatal(err)
	}
	w.seeder = w.build(t, desk)
	cfg := plan(batch, count)
	cfg.PlacebosPerEmail = 1
	cut.cuts.Store(1)
	cut.prefix.Store(statement)
	if _, err := w.seeder.Plant(t.Context(), cfg); !errors.Is(err, supportdb.ErrUnreachable) {
		t.Fatalf("the run did not die: %v", err)
	}
	w.seeder = w.build(t, direct)
}

// A desk all of whose tables are without transactions, with rows that come
// before the customer's own and learn of it afterwards.
func TestDeskDiesBetweenRows(t *testing.T) {
	t.Parallel()
	w := deskWorld(t, "osticket")
	for _, table := range w.strings(t, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE = 'InnoDB'") {
		w.exec(t, "ALTER TABLE `"+table+"` ENGINE = MyISAM")
	}
	w = builtIn(t, w.dsn, w.db, "osticket")
	before := dump(t, w.db)
	for i, table := range []string{"user_email", "user", "form_entry_values", "thread_entry"} {
		w.dies(t, "INSERT INTO `ost_"+table+"`", true, canary.BatchID(fmt.Sprint("died-", i)), 1)
		cfg := plan(canary.BatchID(fmt.Sprint("died-", i)), 1)
		cfg.PlacebosPerEmail = 1
		if r, err := w.seeder.Plant(t.Context(), cfg); err != nil || r.Live != 1 {
			t.Fatalf("%s: %+v, %v", table, r, err)
		}
		if r, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || r.Withdrawn != 1 {
			t.Fatalf("%s: withdraw %+v, %v", table, r, err)
		}
		w.wantSame(t, before)
		if t.Failed() {
			t.Fatalf("after dying at %s", table)
		}
	}
}
