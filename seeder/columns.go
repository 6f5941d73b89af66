package seeder

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

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

	echoes *echoes // nil before the first customer
}

// studiedPart are the columns of one part that are studied.
type studiedPart struct {
	part    *supportdb.Part
	names   []string
	rows    [][]column.Value // in the order of names
	books   map[string]*prose.Book
	kin     []int              // columns for country and language
	kept    []int              // columns that the name, the number or the address goes by
	towns   []int              // of these, those of towns
	times   []string           // dates in the customers' rows, which stand behind names in rows
	twins   *column.Twins      // after settle, of customers
	own     [][]column.Value   // rows of customers whose further rows are known
	under   [][]column.Value   // what those have under them
	*cohort                    // all rows; after settle, as what follows
	of      map[string]*cohort // those of one country and language
}

// tiedColumn are the names of columns by which first names go.
var tiedColumn = regexp.MustCompile(`(?i)(salut|gender|(^|_)sex|title|anrede|geschlecht|prefix|civil|trato|zwrot)`)

// newStudy prepares the study of all columns that hold neither what the recipe
// names nor what the server or a maker gives.
func (s *Seeder) newStudy() *study {
	y := &study{parts: map[string]*studiedPart{}}
	for _, p := range s.cfg.Desk.Parts() {
		y.parts[p.Name] = s.newStudied(p)
		y.names = append(y.names, p.Name)
	}
	return y
}

func (s *Seeder) newStudied(p *supportdb.Part) *studiedPart {
	named := s.namedColumns(p)
	sp := &studiedPart{part: p, books: map[string]*prose.Book{}}
	for i := range p.Table.Columns {
		c := &p.Table.Columns[i]
		_, fixed := p.Set[c.Name]
		switch {
		case p.IsTime(c):
			if p.Name == recipe.CustomerPart && !c.Generated {
				sp.times = append(sp.times, c.Name)
			}
		case fixed, c.Auto, c.Generated, named[c.Name], p.MD5[c.Name] != "", slices.Contains(p.MessageIDs, c.Name):
		default:
			s.study(sp, c)
		}
	}
	return sp
}

// study takes a column in.
func (s *Seeder) study(sp *studiedPart, c *supportdb.Column) {
	if s.isKin(sp.part, c) {
		sp.kin = append(sp.kin, len(sp.names))
	}
	if townColumn.MatchString(c.Name) {
		sp.towns = append(sp.towns, len(sp.names))
	}
	if tiedColumn.MatchString(c.Name) || townColumn.MatchString(c.Name) || codeColumn.MatchString(c.Name) {
		sp.kept = append(sp.kept, len(sp.names))
	}
	sp.names = append(sp.names, c.Name)
	if wordy(c) {
		sp.books[c.Name] = prose.NewBook()
	}
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

// also lists the columns of the customer's row that the study wants.
func (y *study) also() []string {
	sp := y.parts[recipe.CustomerPart]
	return slices.Concat(sp.names, sp.times)
}

// meet shows the study the values of one customer's row, and gives back what is
// not its own.
func (y *study) meet(facts supportdb.Row) supportdb.Row {
	sp := y.parts[recipe.CustomerPart]
	row := make([]column.Value, 0, len(sp.names)+len(sp.times))
	for _, name := range y.also() {
		row = append(row, valueOf(facts.Get(supportdb.AlsoMark+name)))
	}
	sp.rows = append(sp.rows, row)
	var rest supportdb.Row
	for i, name := range facts.Columns {
		if !strings.HasPrefix(name, supportdb.AlsoMark) {
			rest.Set(name, facts.Values[i])
		}
	}
	return rest
}

func valueOf(v supportdb.Value) column.Value {
	return column.Value{Text: v.Text(), Null: v.IsNull()}
}

// add shows the study one customer with all that belongs to him; the values of
// his own row it has met.
func (y *study) add(d *supportdb.Record, who persona.Person) {
	customer := y.parts[recipe.CustomerPart]
	if y.echoes == nil {
		y.echoes = newEchoes(customer)
	}
	theirs := customer.values(&d.Items[d.Customer()].Row)
	for i := range d.Items {
		it := &d.Items[i]
		sp := y.parts[it.Part]
		row := make([]column.Value, len(sp.names))
		for at, name := range sp.names {
			row[at] = valueOf(it.Row.Get(name))
			if book := sp.books[name]; book != nil && row[at].Text != "" {
				key, text := d.Key, row[at].Text
				y.echoes.hear(theirs, text, func() { book.Add(key, prose.Writer{Person: who, Own: y.echoes.of(theirs)}, text) })
			}
		}
		if it.Part != recipe.CustomerPart {
			sp.rows = append(sp.rows, row)
		}
	}
	y.heed(d)
}

// heed notes what a customer's row has under it: how many rows of each part, and
// what the first one holds.
func (y *study) heed(d *supportdb.Record) {
	mine := y.parts[recipe.CustomerPart]
	var under []column.Value
	for _, name := range y.names {
		sp := y.parts[name]
		if sp == mine {
			continue
		}
		first, n := slices.Repeat([]column.Value{{Null: true}}, len(sp.names)), 0
		for i := range d.Items {
			if d.Items[i].Part != name {
				continue
			}
			for k, col := range sp.names {
				if n == 0 {
					first[k] = valueOf(d.Items[i].Row.Get(col))
				}
			}
			n++
		}
		under = append(append(under, column.Value{Text: strconv.Itoa(n)}), first...)
	}
	mine.own = append(mine.own, mine.values(&d.Items[d.Customer()].Row))
	mine.under = append(mine.under, under)
}

// settle ends the learning.
func (y *study) settle() {
	if y.echoes != nil && !y.echoes.decided {
		y.echoes.decide()
	}
	for _, name := range y.names {
		sp := y.parts[name]
		all := int(max(sp.part.Table.Rows, 0))
		sp.cohort = newCohort(sp.rows, len(sp.names), all)
		for _, book := range sp.books {
			book.Finish()
		}
		if name == recipe.CustomerPart {
			sp.twins = column.LearnTwins(sp.columns, sp.rows, sp.kin...)
			sp.twins.Heed(sp.own, sp.under)
			sp.own, sp.under = nil, nil
			sp.cohorts(all)
		} else {
			sp.cohort.rows = nil
		}
		sp.rows = nil
	}
}
