package seeder_test

import (
	"fmt"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// In a help desk that stands still canaries of now are planted and withdrawn
// again and again: the registry knows more and more numbers behind the table's
// last, and planting goes on behind them.
func TestPlantNowBehindWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for day, count := range []int{150, 150, 1, 1} {
		cfg := plan(canary.BatchID(fmt.Sprintf("day-%d", day)), count)
		cfg.Dates, cfg.PlacebosPerEmail, cfg.With, cfg.Bulk = seeder.DatesNow, 1, []canary.Kind{canary.Ticket}, true
		w.mustPlant(t, cfg)
		if _, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil {
			t.Fatal(err)
		}
		w.later(24 * time.Hour)
	}
}
