package seeder

import (
	"errors"
	"math/rand/v2"
	"slices"

	"saltmine/seeder/persona"
	"saltmine/seeder/persona/column"
	"saltmine/seeder/persona/prose"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// studyRecords is how many customers' rows are read to learn what values the
// columns have that the recipe does not name, and how often.
const studyRecords = 12_000

// study learns the columns of which nothing else is known: a canary with its
// donor's own street, birthday or text would be found by what the two share.
type study struct {
	parts map[string]*studiedPart
	names []string // of the parts
}

// studiedPart are the columns of one part that are studied.
type studiedPart struct {
	part    *supportdb.Part
	names   []string
	rows    [][]column.Value // in the order of names
	columns []*column.Column // after settle, as what follows
	books   map[string]*prose.Book
	twins   *column.Twins
	kin     []int // columns for country and language
}

// newStudy prepares the study of all columns that hold neither what the recipe
// names nor what the server or a maker gives.
func (s *Seeder) newStudy() *study {
	y := &study{parts: map[string]*studiedPart{}}
	for _, p := range s.cfg.Desk.Parts() {
		named := s.namedColumns(p)
		sp := &studiedPart{part: p, books: map[string]*prose.Book{}}
		for i := range p.Table.Columns {
			c := &p.Table.Columns[i]
			if _, fixed := p.Set[c.Name]; fixed || c.Auto || c.Generated || named[c.Name] || p.IsTime(c) || p.MD5[c.Name] != "" || slices.Contains(p.MessageIDs, c.Name) {
				continue
			}
			if s.isKin(p, c) {
				sp.kin = append(sp.kin, len(sp.names))
			}
			sp.names = append(sp.names, c.Name)
			if wordy(c) {
				sp.books[c.Name] = prose.NewBook()
			}
		}
		y.parts[p.Name] = sp
		y.names = append(y.names, p.Name)
	}
	return y
}

// isKin reports whether a column says of which country or language somebody is.
func (s *Seeder) isKin(p *supportdb.Part, c *supportdb.Column) bool {
	return slices.ContainsFunc([]string{"segment.country", "segment.language"}, func(word string) bool {
		at, ok := s.cfg.Desk.Fact(word)
		return ok && at.Part == p.Name && at.Column == c.Name
	})
}

// wordy reports whether a column has room for sentences.
func wordy(c *supportdb.Column) bool {
	const room = 60
	return isProse(c) && (c.MaxLen == 0 || c.MaxLen >= room)
}

// add shows the study one customer.
func (y *study) add(d *supportdb.Record, who persona.Person) {
	for i := range d.Items {
		it := &d.Items[i]
		sp := y.parts[it.Part]
		row := make([]column.Value, len(sp.names))
		for at, name := range sp.names {
			v := it.Row.Get(name)
			row[at] = column.Value{Text: v.Text(), Null: v.IsNull()}
			if book := sp.books[name]; book != nil && v.Text() != "" {
				book.Add(d.Key, who, v.Text())
			}
		}
		sp.rows = append(sp.rows, row)
	}
}

// settle ends the learning.
func (y *study) settle() {
	for _, name := range y.names {
		sp := y.parts[name]
		for i := range sp.names {
			values := make([]column.Value, len(sp.rows))
			for k, row := range sp.rows {
				values[k] = row[i]
			}
			sp.columns = append(sp.columns, column.Learn(values, int(max(sp.part.Table.Rows, 0))))
		}
		for _, book := range sp.books {
			book.Finish()
		}
		if name == recipe.CustomerPart {
			sp.twins = column.LearnTwins(sp.columns, sp.rows, sp.kin...)
		}
		sp.rows = nil
	}
}

// alone lists the columns in whose place the donor has a value that is not
// everybody's.
func (sp *studiedPart) alone(row []column.Value) []int {
	var out []int
	for i, c := range sp.columns {
		if !c.Shared(row[i]) && row[i].Text != "" {
			out = append(out, i)
		}
	}
	return out
}

// redrawn gives new values for those of a donor's row that are not
// everybody's, by the column; free text and ways to contact somebody are left
// to others. A column that yields nothing is NULL.
func (sp *studiedPart) redrawn(rng *rand.Rand, donor *supportdb.Row) map[string]column.Value {
	row := make([]column.Value, len(sp.names))
	for i, name := range sp.names {
		v := donor.Get(name)
		row[i] = column.Value{Text: v.Text(), Null: v.IsNull()}
	}
	alone := sp.alone(row)
	if len(alone) == 0 {
		return nil
	}
	out := map[string]column.Value{}
	for _, i := range alone {
		if _, done := out[sp.names[i]]; done {
			continue
		}
		if sp.besides(rng, row, i, out) {
			continue
		}
		v, err := sp.columns[i].Draw(rng, row[i], sp.near(rng, row, i), func(string) bool { return false })
		switch {
		case errors.Is(err, column.ErrProse), errors.Is(err, column.ErrContact):
			continue
		case err != nil:
			v = column.Value{Null: true}
		}
		out[sp.names[i]] = v
	}
	return out
}

// nearRows is from how many rows a value is drawn.
const nearRows = 40

// besides draws the value of a column that goes together with others: of a row
// with which they agree, or all of them of one row of the same country.
func (sp *studiedPart) besides(rng *rand.Rand, row []column.Value, i int, out map[string]column.Value) bool {
	if sp.twins == nil {
		return false
	}
	others := sp.twins.Together(i)
	if len(others) == 0 {
		return false
	}
	if near := sp.twins.Alike(rng, row, slices.Concat(others, sp.kin), i, nearRows); len(near) > 0 {
		v, ok := sp.columns[i].Beside(rng, row[i], pick(near, i))
		out[sp.names[i]] = v
		if !ok {
			delete(out, sp.names[i])
		}
		return ok
	}
	near := sp.twins.Alike(rng, row, sp.kin, i, nearRows)
	if len(near) == 0 {
		return false
	}
	from := near[rng.IntN(len(near))]
	for _, k := range append(others, i) {
		out[sp.names[k]] = from[k]
	}
	return true
}

// near gives the values that people of the same country and language have in a
// column.
func (sp *studiedPart) near(rng *rand.Rand, row []column.Value, i int) []column.Value {
	if sp.twins == nil {
		return nil
	}
	return pick(sp.twins.Alike(rng, row, sp.kin, i, nearRows), i)
}

func pick(rows [][]column.Value, i int) []column.Value {
	out := make([]column.Value, len(rows))
	for k, r := range rows {
		out[k] = r[i]
	}
	return out
}

// isProse reports whether a column holds free text.
func (sp *studiedPart) isProse(name string) bool {
	i := slices.Index(sp.names, name)
	return i >= 0 && sp.columns[i].Kind() == column.Prose
}
