package supportdb

import (
	"database/sql"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// ParseTime reads a date as the server writes it. NULL, the zero date and what
// is no date are not ok.
func ParseTime(v Value) (t time.Time, ok bool) {
	text := v.Text()
	for _, layout := range []string{"2006-01-02 15:04:05.999999", time.DateOnly, "2006-01-02T15:04:05.999999Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// FormatTime writes a time as the column holds it. It cuts, where the server
// would round up and so write a time that has not come yet.
func (c *Column) FormatTime(t time.Time) Value {
	t = t.UTC()
	if c.Type == "date" {
		return Text(t.Format(time.DateOnly))
	}
	text := t.Format("2006-01-02 15:04:05.000000")
	if c.Precision <= 0 {
		return Text(text[:len(time.DateTime)])
	}
	return Text(text[:len(time.DateTime)+1+min(c.Precision, 6)])
}

// scanRow reads the current row of rows into values of the columns.
func scanRow(rows *sql.Rows, columns []string) (Row, error) {
	cells := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		return Row{}, fmt.Errorf("scan: %w", err)
	}
	r := Row{Columns: columns, Values: make([]Value, len(columns))}
	for i, cell := range cells {
		if cell.Valid {
			r.Values[i] = Text(cell.String)
		}
	}
	return r, nil
}

// SegmentOf gives a customer row's segment by the recipe.
func (d *Desk) SegmentOf(r *Row) canary.Segment {
	pairs := map[string]string{}
	for word, column := range d.recipe.Customer.Segment {
		if v := r.Get(column); v.Text() != "" {
			pairs[word] = v.Text()
		}
	}
	return canary.MakeSegment(pairs)
}
