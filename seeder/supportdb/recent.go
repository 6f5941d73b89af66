package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"saltmine/seeder/recipe"
)

// Newest gives the latest sign-up or ticket among the rows that were inserted
// last; zero when the tables do not show an order of insertion.
func (d *Desk) Newest(ctx context.Context) (time.Time, error) {
	var newest time.Time
	customer, _ := d.Fact("created")
	ticket, _ := d.TicketFact("created")
	for _, at := range []recipe.Place{customer, ticket} {
		dates, err := d.lastDates(ctx, at, 20)
		if err != nil {
			return time.Time{}, err
		}
		if len(dates) > 0 && dates[0].After(newest) {
			newest = dates[0]
		}
	}
	return newest, nil
}

// Off guesses how far the dates that the application writes are from the clock:
// ahead, when the newest are in the future, and behind, when rows came one soon
// after the other until half an hour ago or longer. It is 0 where neither is so.
func (d *Desk) Off(ctx context.Context, now time.Time) (time.Duration, error) {
	const little, rows = 30 * time.Minute, 50
	const west = 12 * time.Hour // so far behind UTC clocks go
	customer, _ := d.Fact("created")
	ticket, _ := d.TicketFact("created")
	behind := time.Duration(0)
	for _, at := range []recipe.Place{customer, ticket} {
		dates, err := d.lastDates(ctx, at, rows)
		if err != nil {
			return 0, err
		}
		if len(dates) == 0 {
			continue
		}
		if ahead := dates[0].Sub(now); ahead > little/2 {
			return ahead, nil
		}
		pause := little / 4
		for i := range dates[1:] {
			pause = max(pause, dates[i].Sub(dates[i+1]))
		}
		if gap := now.Sub(dates[0]); len(dates) == rows && gap > 4*pause && gap >= little && gap < west+little {
			behind = -gap
		}
	}
	return behind, nil
}

// lastDates are the dates of the rows that were inserted last, latest first.
func (d *Desk) lastDates(ctx context.Context, at recipe.Place, want int) (dates []time.Time, err error) {
	p := d.Part(at.Part)
	if p.auto == "" {
		return nil, nil
	}
	rows, err := d.lastBy(ctx, p, p.Key[0], []string{at.Column}, want)
	if err != nil {
		return nil, fmt.Errorf("read the newest rows of %s: %w", p.Table.Name, err)
	}
	for _, r := range rows {
		if t, ok := p.ParseTime(at.Column, r.Values[0]); ok {
			dates = append(dates, t)
		}
	}
	slices.SortFunc(dates, func(a, b time.Time) int { return b.Compare(a) })
	return dates, nil
}

// RecentNumbers reads the ticket numbers and dates that were inserted last,
// newest first, as [Desk.SampleTickets] gives them. Where keys show no order,
// it goes by the numbers themselves.
func (d *Desk) RecentNumbers(ctx context.Context, want int) ([]Row, error) {
	p := d.Part(recipe.TicketPart)
	columns, words := d.ticketColumns()
	order := p.Key[0]
	if p.auto == "" {
		order = columns[1]
	}
	rows, err := d.lastBy(ctx, p, order, columns, want)
	if err != nil {
		return nil, fmt.Errorf("read recent ticket numbers: %w", err)
	}
	for i := range rows {
		rows[i].Columns = words
	}
	return rows, nil
}

func (d *Desk) lastBy(ctx context.Context, p *Part, order string, columns []string, want int) ([]Row, error) {
	q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE 1 = 1" + also(p.Filter) + " ORDER BY " + quote(order) + " DESC LIMIT " + strconv.Itoa(want)
	var out []Row
	err := d.db.each(ctx, q, nil, func(rows *sql.Rows) error {
		r, err := scanRow(rows, columns)
		out = append(out, r)
		return err
	})
	return out, err
}

// Dated is a value of a column with the date of its row, or of the row that
// this one belongs to; the date is zero when no row tells.
type Dated struct {
	Text string
	At   time.Time
}

// RecentValues reads a column of the rows that were inserted last, for a
// column that the recipe does not name.
func (d *Desk) RecentValues(ctx context.Context, at recipe.Place, want int) ([]Dated, error) {
	p := d.Part(at.Part)
	columns := []string{at.Column}
	if c := d.dateOf(p); c != "" {
		columns = append(columns, c)
	}
	rows, err := d.lastBy(ctx, p, p.Key[0], columns, want)
	if err != nil {
		return nil, fmt.Errorf("read recent values of %s.%s: %w", p.Table.Name, at.Column, err)
	}
	var out []Dated
	for _, r := range rows {
		v := Dated{Text: r.Values[0].Text()}
		if len(columns) > 1 {
			v.At, _ = p.ParseTime(columns[1], r.Values[1])
		}
		if v.Text != "" {
			out = append(out, v)
		}
	}
	return out, nil
}

// Neighbour is what a row beside another has in a column.
type Neighbour struct {
	Key  int64
	Text string
}

// Beside reads a column of the rows whose keys come before and after one that no
// row has, empty where there is none.
func (d *Desk) Beside(ctx context.Context, at recipe.Place, key int64) (low, high Neighbour, err error) {
	p := d.Part(at.Part)
	for _, side := range []struct {
		order string
		to    *Neighbour
	}{{" < ? ORDER BY " + quote(p.Key[0]) + " DESC", &low}, {" > ? ORDER BY " + quote(p.Key[0]), &high}} {
		columns := []string{at.Column, p.Key[0]}
		q := "SELECT " + quoteAll(columns) + " FROM " + quote(p.Table.Name) + " WHERE " + quote(p.Key[0]) + side.order + " LIMIT 1"
		err = d.db.each(ctx, q, []any{key}, func(rows *sql.Rows) error {
			r, err := scanRow(rows, columns)
			if err == nil {
				side.to.Text = r.Values[0].Text()
				side.to.Key, err = strconv.ParseInt(r.Values[1].Text(), 10, 64)
			}
			return err
		})
		if err != nil {
			return low, high, fmt.Errorf("read %s.%s beside a key: %w", p.Table.Name, at.Column, err)
		}
	}
	return low, high, nil
}

// dateOf is the column that says when a part's row was made, if one does.
func (d *Desk) dateOf(p *Part) string {
	for _, find := range []func(string) (recipe.Place, bool){d.Fact, d.TicketFact} {
		if at, ok := find("created"); ok && at.Part == p.Name {
			return at.Column
		}
	}
	for i := range p.Table.Columns {
		if c := &p.Table.Columns[i]; p.IsTime(c) {
			return c.Name
		}
	}
	return ""
}
