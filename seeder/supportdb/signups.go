package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// signUpsAtOnce is the number of customers that one statement of SignUps reads.
const signUpsAtOnce = 50

// SignUps reads the dates at which so many customers signed up, each at a
// random key. Neighbours sign up within minutes of each other, so runs of keys
// would tell of few moments only. A row may come twice, one without a date not at all.
func (d *Desk) SignUps(ctx context.Context, rng *rand.Rand, want int) ([]time.Time, error) {
	at, _ := d.Fact("created")
	p := d.Part(at.Part)
	draw, err := d.randomKeys(ctx, rng, p)
	if err != nil {
		return nil, fmt.Errorf("sample sign-ups: %w", err)
	}
	one := "(SELECT " + quote(at.Column) + " FROM " + quote(p.Table.Name) + " WHERE " + quote(p.Key[0]) + " >= ?" + also(p.Filter) + " ORDER BY " + quote(p.Key[0]) + " LIMIT 1)"
	var out []time.Time
	for left := want; left > 0; left -= signUpsAtOnce {
		n := min(left, signUpsAtOnce)
		args := make([]any, n)
		for i := range args {
			args[i] = draw()
		}
		query := strings.TrimSuffix(strings.Repeat(one+" UNION ALL ", n), " UNION ALL ")
		err := d.db.each(ctx, query, args, func(rows *sql.Rows) error {
			r, err := scanRow(rows, []string{at.Column})
			if err != nil {
				return err
			}
			if t, ok := p.ParseTime(at.Column, r.Values[0]); ok {
				out = append(out, t)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("sample sign-ups: %w", err)
		}
	}
	return out, nil
}

// randomKeys returns what draws a key of a part: a number between the lowest
// and the highest, or any UUID.
func (d *Desk) randomKeys(ctx context.Context, rng *rand.Rand, p *Part) (func() any, error) {
	if col, _ := p.Table.Column(p.Key[0]); !col.IsInteger() {
		return func() any { return NewUUID(rng) }, nil
	}
	low, high, err := d.Extent(ctx, p)
	if err != nil {
		return nil, err
	}
	return func() any { return low + rng.Int64N(high-low+1) }, nil
}

// Latest reads whole rows of a part, those that were inserted last first where
// its keys are counted, and any rows where they are not.
func (d *Desk) Latest(ctx context.Context, p *Part, want int) ([]Row, error) {
	rows, err := d.lastBy(ctx, p, p.Key[0], allColumns(p), want)
	if err != nil {
		return nil, fmt.Errorf("read the newest rows of %s: %w", p.Table.Name, err)
	}
	return rows, nil
}
