package seeder_test

import (
	"fmt"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// gaps takes customers and tickets out of the tables, as the years do.
func (w *world) gaps(t *testing.T) {
	t.Helper()
	w.exec(t, "DELETE FROM tickets WHERE id % 5 = 2 OR customer_id % 6 = 1")
	w.exec(t, "DELETE FROM customers WHERE id % 6 = 1")
}

// In a table with gaps canaries are as old as customers, and every order that
// held before holds with them: of keys, of dates, of numbers.
func TestPlantPast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gaps(t)
	cfg := plan("past", 30)
	cfg.Dates = seeder.DatesPast
	cfg.With = nil
	report := w.mustPlant(t, cfg)
	if report.Dates != seeder.DatesPast || report.Live != 30 {
		t.Fatalf("report %+v", report)
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM (SELECT created_at AS d, LAG(created_at) OVER (ORDER BY id) AS p FROM customers) x WHERE d < p",
		"SELECT COUNT(*) FROM (SELECT created_at AS d, LAG(created_at) OVER (ORDER BY id) AS p FROM tickets) x WHERE d < p",
		"SELECT COUNT(*) FROM (SELECT number AS d, LAG(number) OVER (ORDER BY id) AS p FROM tickets) x WHERE d <= p",
		"SELECT COUNT(*) FROM tickets t JOIN customers c ON c.id = t.customer_id WHERE t.created_at < c.created_at OR t.updated_at < t.created_at",
		"SELECT COUNT(*) FROM customers WHERE updated_at < created_at",
	} {
		if n := w.number(t, q); n != 0 {
			t.Errorf("%d rows out of order: %s", n, q)
		}
	}
	old := 0
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		old += w.number(t, fmt.Sprintf("SELECT COUNT(*) FROM customers WHERE id = %s AND created_at < '%s'", keyOf(t, p), until().Add(-90*24*time.Hour).Format(time.DateTime)))
	}
	if old < 20 {
		t.Errorf("%d of 30 canaries are older than a quarter of four years", old)
	}
	// A row of somebody else on the slot is no harm: the canary is given up.
	if v, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || v.Verified != 30 {
		t.Errorf("verify %+v, %v", v, err)
	}
	if out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || out.Withdrawn != 30 {
		t.Errorf("withdraw %+v, %v", out, err)
	}
}

// Rows that a deleted customer left behind do not become a canary's.
func TestPastLeavesRemains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gaps(t)
	w.exec(t, "CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, customer_id bigint, KEY (customer_id))")
	w.exec(t, "INSERT INTO orders (customer_id) SELECT seq FROM seq_1_to_5000 WHERE seq < (SELECT MAX(id) FROM customers) AND seq NOT IN (SELECT id FROM customers)")
	cfg := plan("left", 5)
	cfg.With = nil
	report := w.mustPlant(t, cfg)
	if report.Dates != seeder.DatesNow {
		t.Errorf("report %+v", report)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id"); n != 0 {
		t.Errorf("%d orders of deleted customers have a canary now", n)
	}
	cfg = plan("must", 5)
	cfg.Dates = seeder.DatesPast
	if _, err := w.seeder.Plant(t.Context(), cfg); err == nil {
		t.Error("the past has no room, and nothing was said")
	}
}
