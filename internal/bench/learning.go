package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// learned are the columns that learning reads.
const learned = "SELECT id, first_name, last_name, email, phone, country, language, product, created_at, updated_at FROM customers"

// compareLearning measures how long the program takes to learn from the
// customers, which a dry run of one canary does, beside the client's reading the
// same columns of all of them.
func compareLearning(ctx context.Context, p *plan, w *planter) (comparison, error) {
	c := comparison{what: "learning from a table, rows of the table", peer: "mariadb client, SELECT", wanted: wantedLearning}
	var peaks []float64
	for round := range p.rounds + 1 {
		began := time.Now()
		if err := w.mariadb.run(ctx, desk, learned); err != nil { // into nowhere
			return c, err
		}
		theirs := time.Since(began)
		ours, err := w.plant(ctx, "--count", "1", "--dry-run", "--force")
		if err != nil {
			return c, err
		}
		if round == 0 {
			continue // the first one fills the server's memory
		}
		learning := ours.Seconds["learn"]
		fmt.Printf("learning %d: saltmine %.2f s with %d MB, SELECT %.2f s\n", round, learning, ours.peak>>20, theirs.Seconds())
		c.ours = append(c.ours, float64(p.customers)/learning)
		c.theirs = append(c.theirs, float64(p.customers)/theirs.Seconds())
		peaks = append(peaks, float64(ours.peak>>20))
	}
	c.note = fmt.Sprintf("peak memory of saltmine, the gate included: %.0f MB, wanted less than %d", slices.Max(peaks), wantedMemory)
	return c, nil
}
