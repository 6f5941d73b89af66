package supportdb

import (
	"context"
	"fmt"
	"slices"

	"saltmine/seeder/recipe"
)

// Estimate is about how many rows the customers' table has, as the server
// estimated it when the desk was opened.
func (d *Desk) Estimate() int { return int(d.Part(recipe.CustomerPart).Table.Rows) }

// Portraits reads customers by their keys, those that exist: their own row,
// their tickets, and what holds facts about them; not what was written.
func (d *Desk) Portraits(ctx context.Context, keys []string) ([]Record, error) {
	shown := map[string]bool{recipe.CustomerPart: true}
	show := func(part string) {
		for p := d.Part(part); !shown[p.Name]; p = d.Part(p.Of) {
			shown[p.Name] = true
		}
	}
	show(recipe.TicketPart)
	for _, f := range slices.Concat(d.recipe.CustomerFacts(), d.recipe.TicketFacts()) {
		show(f.Place.Part)
	}
	t := tree{d, func(p *Part) []string {
		if !shown[p.Name] {
			return nil
		}
		return allColumns(p)
	}}
	out, err := d.recordsOf(ctx, t, keys, "")
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return out, nil
}
