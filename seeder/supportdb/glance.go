package supportdb

import (
	"context"
	"fmt"
	"slices"

	"saltmine/seeder/recipe"
)

// Glance reads customers by their keys, those that exist: their facts, as
// [Desk.Facts] gives them, and nothing else.
func (d *Desk) Glance(ctx context.Context, keys []string) ([]Row, error) {
	p := d.Part(recipe.CustomerPart)
	t := tree{d, d.factColumns()}
	out := make([]Row, 0, len(keys))
	for group := range slices.Chunk(keys, recordGroup) {
		roots, err := d.rowsBy(ctx, p, t.columns(p), p.Key[0], group, "")
		if err != nil {
			return nil, fmt.Errorf("read customers: %w", err)
		}
		records, err := t.grow(ctx, roots)
		if err != nil {
			return nil, fmt.Errorf("read customers: %w", err)
		}
		for i := range records {
			out = append(out, d.Facts(&records[i].Image))
		}
	}
	return out, nil
}
