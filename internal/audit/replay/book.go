package replay

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"saltmine/internal/audit/maybe"
	"saltmine/internal/canary"
)

// book holds the canaries' rows, by canary and table.
type book struct {
	tables  map[string]*table // by name in lower case
	byIndex []*table
	ids     []canary.ID
	// everyone are the numbers of all of them.
	everyone []int
	rows     [][][]version // by canary, by table
	indexes  []index       // by table
}

// add takes in a canary of which no row stands here any more.
func (b *book) add(id canary.ID) int {
	n := len(b.ids)
	b.ids, b.everyone = append(b.ids, id), append(b.everyone, n)
	b.rows = append(b.rows, make([][]version, len(b.byIndex)))
	return n
}

type table struct {
	Table
	at      int
	opaque  []maybe.Value // a row that is no canary's
	columns map[string]int
}

// dated tells types whose values may be the date without a day.
func dated(kind string) bool {
	switch strings.ToLower(kind) {
	case "date", "datetime", "timestamp":
		return true
	}
	return false
}

// version is a row of a canary for a time.
type version struct {
	window canary.Window
	cells  []maybe.Value
	key    string
	number int // among all that New was given
}

func newBook(schema *Schema) (*book, error) {
	b := &book{tables: map[string]*table{}}
	for _, t := range schema.Tables {
		entry := &table{Table: t, at: len(b.byIndex), columns: map[string]int{}}
		for i, c := range t.Columns {
			entry.columns[strings.ToLower(c.Name)] = i
			entry.opaque = append(entry.opaque, maybe.Value{Domain: c.Domain, Foreign: true, NotNull: c.NotNull, Zero: dated(c.Type)})
		}
		name := strings.ToLower(t.Name)
		if b.tables[name] != nil {
			return nil, fmt.Errorf("replay: table %s: %w: named twice", t.Name, canary.ErrInvalid)
		}
		b.tables[name] = entry
		b.byIndex = append(b.byIndex, entry)
	}
	b.indexes = make([]index, len(b.byIndex))
	return b, nil
}

// fill takes in all rows.
func (b *book) fill(rows []Row) error {
	at := map[canary.ID]int{}
	for i := range rows {
		r := &rows[i]
		t := b.tables[strings.ToLower(r.Table)]
		if t == nil || len(r.Values) != len(t.Columns) || r.Unknown != nil && len(r.Unknown) != len(r.Values) {
			return fmt.Errorf("replay: a row of canary %s does not fit the schema: %w", r.Canary, canary.ErrInvalid)
		}
		n, known := at[r.Canary]
		if !known {
			n = len(b.ids)
			at[r.Canary] = n
			b.ids, b.everyone = append(b.ids, r.Canary), append(b.everyone, n)
			b.rows = append(b.rows, make([][]version, len(b.byIndex)))
		}
		v := version{window: r.Window, key: r.Key, number: i, cells: make([]maybe.Value, len(t.Columns))}
		for c, text := range r.Values {
			if v.cells[c] = cell(&t.Columns[c], text); r.Unknown != nil && r.Unknown[c] {
				v.cells[c] = maybe.Value{NotNull: t.Columns[c].NotNull, Zero: dated(t.Columns[c].Type)}
			}
		}
		b.rows[n][t.at] = append(b.rows[n][t.at], v)
	}
	for n := range b.rows {
		for t, versions := range b.rows[n] {
			slices.SortStableFunc(versions, func(a, b version) int {
				return cmp.Or(strings.Compare(a.key, b.key), a.window.From.Earliest.Compare(b.window.From.Earliest))
			})
			b.indexes[t].add(n, versions)
		}
	}
	return nil
}

// cell reads what a column holds. What is not compared as a text, a whole
// number or a date is not known.
func cell(c *Column, text *string) maybe.Value {
	if text == nil {
		return maybe.NullOf()
	}
	v := maybe.Value{NotNull: true, Domain: c.Domain}
	switch strings.ToLower(c.Type) {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		if !broad(c.Collation) {
			v.Kind, v.Text, v.Collation = maybe.TextValue, *text, maybe.CollationOf(c.Collation)
		}
	case "enum", "set":
		v.Kind, v.Text, v.Collation, v.Listed = maybe.TextValue, *text, maybe.CollationOf(c.Collation), true
	case "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		if maybe.Plain(*text) {
			v.Kind, v.Text, v.Collation = maybe.TextValue, *text, maybe.CollationOf("binary")
		}
	case "timestamp":
		v.Zero = true
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal":
		if n, ok := exactly(*text); ok {
			v.Kind, v.Num = maybe.Number, n // LIKE may see zeros in front of it (ZEROFILL)
		}
	case "date", "datetime":
		if at, ok := maybe.ParseInstant(*text); ok {
			at.Domain = c.Domain
			return at
		}
		v.Zero = true
	}
	return v
}

// exactly reads a number that is as it is written, or beyond what is compared
// exactly anyway.
func exactly(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && (math.Abs(n) >= 1<<53 || maybe.Exact(text))
}

// broad tells collations of character sets in which a letter is several bytes,
// which LENGTH and BINARY show.
func broad(collation string) bool {
	return strings.HasPrefix(collation, "ucs2") || strings.HasPrefix(collation, "utf16") || strings.HasPrefix(collation, "utf32")
}

// present is one row of a canary as a statement may have seen it.
type present struct {
	cells []maybe.Value
	there maybe.Truth
}

// stood are the versions in a table that may have stood at the moment of a run,
// behind those in out.
func (r *run) stood(t *table, doubt bool, out []present) []present {
	versions := r.book.rows[r.canary][t.at]
	for i := range versions {
		v := &versions[i]
		if v.window.Never() || !overlaps(&v.window, r.saw) {
			continue
		}
		chosen, one := r.world[rowOf{t.at, v.key}]
		if one && chosen != i {
			continue
		}
		there := maybe.True
		if doubt || !one && (!v.window.Certain(r.saw.Earliest) || !v.window.Certain(r.saw.Latest)) {
			there = maybe.Either
		}
		out = append(out, present{v.cells, there})
	}
	return out
}

func overlaps(w *canary.Window, saw canary.Moment) bool {
	if saw.Latest.Before(w.From.Earliest) {
		return false
	}
	return !w.Until.Come() || saw.Earliest.Before(w.Until.Latest)
}
