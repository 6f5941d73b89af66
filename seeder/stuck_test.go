package seeder_test

import (
	"testing"

	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/seeder"
)

// A pool with hardly more mailboxes and numbers than canaries, in shares that
// are not quite the table's, is used up to what suits nobody who is left; the
// canaries come to stand all the same.
func TestPlantEmptiesThePool(t *testing.T) {
	t.Parallel()
	cfg := helpdesk.Config{Customers: 3000, Tickets: 3000, Seed: 9, From: until().AddDate(-5, 0, 0), To: until()}
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	w := worldOn(t, dsn, db)
	w.exec(t, "DELETE FROM tickets WHERE MOD(customer_id * 7919, 97) < 20 OR MOD(id * 7907, 89) < 10")
	w.exec(t, "DELETE FROM customers WHERE MOD(id * 7919, 97) < 20")
	w.ledger.drop(inventory.Domain)
	w.ledger.drop(inventory.Phone)
	w.ledger.stock(items(owned(30), numbersOfOthers(t, cfg, 400))...)
	w.ledger.stock(ofOthers(t, cfg, 210)...)
	plan := seeder.PlantConfig{Batch: "one", Count: 200, PlacebosPerEmail: 1, Gate: seeder.GateConfig{Off: true}, Seed: []byte("empty")}
	report, err := w.seeder.Plant(t.Context(), plan)
	if err != nil || report.Live != plan.Count {
		t.Errorf("%d of %d canaries stand: %v", report.Live, plan.Count, err)
	}
}
