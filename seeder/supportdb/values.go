package supportdb

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseTime reads a date as the server writes it, as of UTC where it has no
// zone. NULL, the zero date and what is no date are not ok.
func ParseTime(v Value) (t time.Time, ok bool) { return parseTime(v, time.UTC) }

func parseTime(v Value, zone *time.Location) (t time.Time, ok bool) {
	text := v.Text()
	for _, layout := range []string{"2006-01-02 15:04:05.999999", time.DateOnly, "2006-01-02T15:04:05.999999Z07:00"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t.In(zone), true
		}
	}
	return time.Time{}, false
}

// FormatTime writes a time as the column holds it, in UTC. It cuts, where the
// server would round up and so write a time that has not come yet.
func (c *Column) FormatTime(t time.Time) Value { return c.format(t.UTC()) }

func (c *Column) format(t time.Time) Value {
	if c.Type == "date" {
		return Text(t.Format(time.DateOnly))
	}
	text := t.Format("2006-01-02 15:04:05.000000")
	if c.Precision <= 0 {
		return Text(text[:len(time.DateTime)])
	}
	return Text(text[:len(time.DateTime)+1+min(c.Precision, 6)])
}

// latin1Extra are the characters that MySQL's latin1, which is cp1252, has
// beside those of ISO 8859-1.
const latin1Extra = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"

// Holds reports whether a text fits into the column, in length and character
// set. Of rare character sets it does not know: the server refuses what they
// do not have, see [ErrRefused].
func (c *Column) Holds(text string) bool {
	if c.IsText() && c.MaxLen > 0 && utf8.RuneCountInString(text) > c.MaxLen {
		return false
	}
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
		case c.Charset == "ascii",
			c.Charset == "latin1" && r > 0xff && !strings.ContainsRune(latin1Extra, r),
			(c.Charset == "utf8" || c.Charset == "utf8mb3" || c.Charset == "ucs2") && r > 0xffff:
			return false
		}
	}
	return true
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

// IsTime reports whether the part's column holds an instant: a date with a
// time of day, or seconds since 1970.
func (p *Part) IsTime(c *Column) bool { return c.IsTime() || slices.Contains(p.Epoch, c.Name) }

// zoned reports whether the server keeps the column as the application wrote
// it. A TIMESTAMP it gives in the zone of the session, which is UTC.
func (c *Column) zoned() bool { return c.Type == "datetime" || c.Type == "date" }

// ParseTime reads an instant or a day of the part's column. Its hour and day
// are those of the application's zone.
func (p *Part) ParseTime(column string, v Value) (t time.Time, ok bool) {
	if !slices.Contains(p.Epoch, column) {
		if c, known := p.Table.Column(column); known && c.zoned() {
			return parseTime(v, p.zone)
		}
		t, ok = ParseTime(v)
		return t.In(p.zone), ok
	}
	sec, err := strconv.ParseInt(v.Text(), 10, 64)
	if err != nil || sec <= 0 {
		return time.Time{}, false
	}
	return time.Unix(sec, 0).In(p.zone), true
}

// FormatTime writes a time as the part's column holds it.
func (p *Part) FormatTime(c *Column, t time.Time) Value {
	if slices.Contains(p.Epoch, c.Name) {
		return Text(strconv.FormatInt(t.Unix(), 10))
	}
	if c.zoned() {
		return c.format(t.In(p.zone))
	}
	return c.FormatTime(t)
}
