package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"saltmine/seeder/recipe"
)

// Bounds of a survey. A table of up to allKeys customers has all its keys read;
// a larger one is asked for random keys, of which many may be missing.
const (
	allKeys    = 200_000
	askedKeys  = 1000 // in a statement
	mostAsked  = 400  // statements
	leastHeld  = 0.02 // share of asked keys that have to be there
	fewAsked   = 20   // statements before that is judged
	lonelyRead = 4000 // rows that are read one by one where keys are far apart
)

// Survey draws up to want customers' keys, in random order, and says how many
// customers there are, exactly or about. Every customer has the same chance,
// whoever stands beside it: neighbours by key are not drawn together.
//
// Where keys are no counted numbers, or lie so far apart that asking for random
// ones finds none, a customer's chance goes with the gap before its key, and
// fewer may be drawn.
func (d *Desk) Survey(ctx context.Context, rng *rand.Rand, want int) (keys []string, customers int, err error) {
	p := d.Part(recipe.CustomerPart)
	keys, err = d.keysFrom(ctx, p, "", nil, allKeys+1)
	if err == nil && len(keys) > allKeys {
		keys, customers, err = d.surveyLarge(ctx, rng, p, want)
	} else {
		customers = len(keys)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("survey customers: %w", err)
	}
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:min(want, len(keys))], customers, nil
}

// keysFrom reads keys in their order, on some condition.
func (d *Desk) keysFrom(ctx context.Context, p *Part, where string, args []any, most int) ([]string, error) {
	key := quote(p.Key[0])
	q := "SELECT " + key + " FROM " + quote(p.Table.Name) + " WHERE 1 = 1" + also(where) + also(p.Filter) + " ORDER BY " + key + " LIMIT " + strconv.Itoa(most)
	var out []string
	err := d.db.each(ctx, q, args, func(rows *sql.Rows) error {
		r, err := scanRow(rows, p.Key[:1])
		out = append(out, r.Values[0].Text())
		return err
	})
	return out, err
}

// surveyLarge asks for random keys until enough are found.
func (d *Desk) surveyLarge(ctx context.Context, rng *rand.Rand, p *Part, want int) (keys []string, customers int, err error) {
	if col, _ := p.Table.Column(p.Key[0]); !col.IsInteger() {
		return d.surveyGaps(ctx, p, want, func() any { return NewUUID(rng) })
	}
	low, high, err := d.Extent(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	span := high - low + 1
	random := func() any { return low + rng.Int64N(span) }
	seen := map[string]bool{}
	asked, held := 0, 0
	for range mostAsked {
		args := make([]any, askedKeys)
		for i := range args {
			args[i] = random()
		}
		found, err := d.keysFrom(ctx, p, quote(p.Key[0])+" IN ("+marks(askedKeys)+")", args, askedKeys)
		if err != nil {
			return nil, 0, err
		}
		asked, held = asked+askedKeys, held+len(found)
		for _, k := range found {
			if !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
		if len(keys) >= want {
			break
		}
		if asked >= fewAsked*askedKeys && float64(held) < leastHeld*float64(asked) {
			return d.surveyGaps(ctx, p, want, random)
		}
	}
	return keys, int(float64(span) * float64(held) / float64(asked)), nil
}

// surveyGaps takes the first row behind random points.
func (d *Desk) surveyGaps(ctx context.Context, p *Part, want int, random func() any) (keys []string, customers int, err error) {
	if err := d.db.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quote(p.Table.Name)+" WHERE 1 = 1"+also(p.Filter)).Scan(&customers); err != nil {
		return nil, 0, classify(err)
	}
	for range min(want, lonelyRead) {
		found, err := d.keysFrom(ctx, p, quote(p.Key[0])+" >= ?", []any{random()}, 1)
		if err != nil {
			return nil, 0, err
		}
		keys = append(keys, found...)
	}
	slices.Sort(keys)
	return slices.Compact(keys), customers, nil
}

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
