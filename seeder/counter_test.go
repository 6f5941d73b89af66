package seeder_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// The help desk's own next number is never a canary's, and a number that it
// gives while canaries are being registered is not planted a second time.
func TestCounter(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{false, true} {
		w := deskWorld(t, "osticket-sequence")
		before := w.number(t, "SELECT next FROM ost_sequence WHERE id = 1")
		var number string
		w.between(func() {
			for _, tok := range w.intended(t)[0].Tokens {
				if tok.Kind == canary.Ticket {
					number = tok.Text
				}
			}
			w.exec(t, "UPDATE ost_ticket SET number = ? ORDER BY ticket_id LIMIT 1", number)
			w.exec(t, "UPDATE ost_sequence SET next = GREATEST(next, CAST(? AS SIGNED)) + 1 WHERE id = 1", number)
		})
		cfg := plan("c", 6)
		cfg.Dates, cfg.Bulk, cfg.PlacebosPerEmail = seeder.DatesNow, bulk, 1
		report, err := w.seeder.Plant(t.Context(), cfg)
		if err != nil || report.Live != 6 || report.Retired != 1 {
			t.Fatalf("report %+v, %v", report, err)
		}
		if n := w.number(t, "SELECT COUNT(*) FROM ost_ticket WHERE number = ?", number); n != 1 {
			t.Errorf("%d tickets have one number", n)
		}
		next := w.number(t, "SELECT next FROM ost_sequence WHERE id = 1")
		if n := w.number(t, "SELECT MAX(CAST(number AS UNSIGNED)) FROM ost_ticket"); next <= before+1 || n >= next {
			t.Errorf("the next number is %d, it was %d, and %d is given", next, before, n)
		}
		if n := w.number(t, "SELECT next FROM ost_sequence WHERE id = 2"); n != 1 {
			t.Errorf("the counter of tasks stands at %d", n)
		}
		if r, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || r.Withdrawn != 6 {
			t.Errorf("withdraw %+v, %v", r, err)
		}
		if n := w.number(t, "SELECT next FROM ost_sequence WHERE id = 1"); n != next {
			t.Errorf("the counter went from %d to %d", next, n)
		}
	}
}

func (w *world) intended(t *testing.T) []canary.Planting {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Intended}})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d canaries intended, %v", len(all), err)
	}
	return all
}
