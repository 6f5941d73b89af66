package supportdb

import (
	"strconv"
	"strings"
)

// bare stands in a dry run for a value that only the server can give.
type bare string

// InsertStatements gives the statements of Insert for one image with their
// values written out, in the driver's spelling. The key that the server will
// give to a row stands as {key of the customer}.
func (d *Desk) InsertStatements(image Image) []string {
	return append(append([]string{"START TRANSACTION"}, d.insertStatements(image, 0)...), "COMMIT")
}

// insertStatements are those of the rows from one on.
func (d *Desk) insertStatements(image Image, from int) []string {
	var out, owed []string
	if s, ok := d.moveOn([]Image{image}); ok && from < len(image.Items) {
		out = append(out, s.String())
	}
	for n := from; n < len(image.Items); n++ {
		p := d.Part(image.Items[n].Part)
		row, open := d.resolve(&image, n)
		s := insertOf(p.Table.Name, row)
		for at, column := range row.Columns {
			v, waits := open[column]
			if !waits {
				continue
			}
			key, last := image.awaited(v)
			if last < n {
				s.args[at] = key
				continue
			}
			owed = append(owed, statement{
				query: "UPDATE " + quote(p.Table.Name) + " SET " + quote(column) + " = ? WHERE " + equalities(p.Key[:1]),
				args:  []any{key, bare("{key of the " + p.Name + "}")},
			}.String())
		}
		out = append(out, s.String())
	}
	return append(out, owed...)
}

// awaited writes a value that waits for keys, and tells the last row whose key
// it waits for.
func (i *Image) awaited(v Value) (text bare, last int) {
	last = -1
	pieces := v.F
	if v.R != nil {
		pieces = []Value{v}
	}
	for _, p := range pieces {
		if p.R == nil {
			text += bare(p.Text())
			continue
		}
		text += bare("{key of the " + i.Items[p.R.Row].Part + "}")
		last = max(last, p.R.Row)
	}
	return text, last
}

// UpdateStatement gives the statement of Update with its values written out.
func (d *Desk) UpdateStatement(c Change) string { return d.update(c).String() }

// RemoveStatements gives the statements of Remove with their values written out.
func (d *Desk) RemoveStatements(i *Image, k Keys, email Value) []string {
	out := []string{"START TRANSACTION"}
	for _, s := range d.removal(i, k, email) {
		out = append(out, s.String())
	}
	return append(out, "COMMIT")
}

// String writes the statement as it goes over the wire.
func (s statement) String() string {
	var b strings.Builder
	next := 0
	for _, r := range s.query {
		if r != '?' || next >= len(s.args) {
			b.WriteRune(r)
			continue
		}
		writeLiteral(&b, s.args[next])
		next++
	}
	return b.String()
}

func writeLiteral(b *strings.Builder, arg any) {
	switch v := arg.(type) {
	case nil:
		b.WriteString("NULL")
	case bare:
		b.WriteString(string(v))
	case []byte:
		b.WriteString("_binary")
		writeQuoted(b, string(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case string:
		writeQuoted(b, v)
	}
}

// writeQuoted escapes as MySQL reads it (Reference, String Literals).
func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('\'')
	for i := range len(s) {
		switch c := s[i]; c {
		case 0:
			b.WriteString(`\0`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case 0x1a:
			b.WriteString(`\Z`)
		case '\'', '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
}
