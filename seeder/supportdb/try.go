package supportdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"saltmine/seeder/recipe"
)

// Fit says what a recipe's part found of one customer.
type Fit struct {
	Part  string `json:"part"`
	Table string `json:"table"`
	Rows  int    `json:"rows"`
	Tied  int    `json:"tied"` // values that point into the copy
}

// tryDonors is the number of recent tickets whose customers are tried.
const tryDonors = 40

// Try reads a customer who has rows in as many parts as any, copies it on
// paper, and reports what each part found, with notes on what a person should
// look at. It writes nothing. It is ErrTooFew when no customer has a ticket.
func (d *Desk) Try(ctx context.Context) ([]Fit, []string, error) {
	keys, err := d.recentCustomers(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("try the recipe: %w", err)
	}
	records, err := d.Donors(ctx, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("try the recipe: %w", err)
	}
	records = slices.DeleteFunc(records, func(r Record) bool { return len(r.Tickets()) == 0 })
	if len(records) == 0 {
		return nil, nil, fmt.Errorf("try the recipe: %w: none of the last %d customers that the recipe finds has a ticket", ErrTooFew, len(keys))
	}
	best := slices.MaxFunc(records, func(a, b Record) int { return partsOf(&a) - partsOf(&b) })
	image := d.Plan(&best)
	return d.fits(&image), d.notes(records), nil
}

func partsOf(r *Record) int {
	seen := map[string]bool{}
	for _, it := range r.Items {
		seen[it.Part] = true
	}
	return len(seen)
}

// recentCustomers gives the keys of the customers that came last.
func (d *Desk) recentCustomers(ctx context.Context) ([]string, error) {
	p := d.Part(recipe.CustomerPart)
	rows, err := d.lastBy(ctx, p, p.Key[0], p.Key[:1], tryDonors)
	if err != nil {
		return nil, err
	}
	var keys []string
	for i := range rows {
		keys = append(keys, rows[i].Values[0].Text())
	}
	return keys, nil
}

func (d *Desk) fits(image *Image) []Fit {
	var out []Fit
	for _, p := range d.parts {
		f := Fit{Part: p.Name, Table: p.Table.Name}
		for _, it := range image.Items {
			if it.Part != p.Name {
				continue
			}
			f.Rows++
			for _, v := range it.Row.Values {
				if v.R != nil {
					f.Tied++
				}
			}
		}
		out = append(out, f)
	}
	return out
}

func (d *Desk) notes(records []Record) []string {
	var out []string
	out = append(out, d.Cautions()...)
	found := map[string]bool{}
	shared := 0
	for i := range records {
		if records[i].Shared {
			shared++
		}
		for _, it := range records[i].Items {
			found[it.Part] = true
		}
	}
	for _, p := range d.parts {
		if !found[p.Name] {
			out = append(out, fmt.Sprintf("part %s: none of the last %d customers has a row in %s", p.Name, len(records), p.Table.Name))
		}
		if len(p.Table.Triggers) > 0 {
			out = append(out, fmt.Sprintf("%s has triggers (%s): nothing is planted until the recipe lists those that are known to be harmless in allow_triggers", p.Table.Name, strings.Join(p.Table.Triggers, ", ")))
		}
	}
	if shared > 0 {
		out = append(out, fmt.Sprintf("%d of the last %d customers share rows with others and cannot be copied", shared, len(records)))
	}
	return out
}
