package study

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"saltmine/seeder/persona"
	"saltmine/seeder/salt/dialect"
)

// readHead reads the first rows. A broken one ends them: it is met again, and
// told, when the whole list is read.
func readHead(head []byte, whole bool, d *dialect.Dialect) (rows []Row, names []string, err error) {
	r := dialect.NewReader(strings.NewReader(string(head)), d)
	for len(rows) < headRows {
		rec, err := r.Next()
		if err != nil || !rec.Ended && !whole {
			if len(rows) < 2 && err != nil && !errors.Is(err, io.EOF) {
				return nil, nil, err
			}
			break
		}
		rows = append(rows, keep(rec, d))
	}
	return rows, r.Names(), nil
}

// headerOf tells whether the first record is a header: it has no address where
// the others have theirs. It names the columns, and the rows are the rest.
func (s *student) headerOf(rows []Row) ([]Row, error) {
	first := rows[0]
	unnamed := make([]string, len(first.Cells))
	email := indexOf(classify(unnamed, rows[1:]), Email)
	if email < 0 {
		return nil, ErrNoEmail
	}
	s.names = unnamed
	if isEmail(first.Text(email)) {
		return rows, nil
	}
	s.f.Header = true
	named := map[string]bool{}
	for i := range unnamed {
		unnamed[i] = strings.TrimSpace(first.Text(i))
		low := strings.ToLower(unnamed[i])
		if low != "" && named[low] {
			return nil, fmt.Errorf("%w: %q", ErrHeader, unnamed[i])
		}
		named[low] = true
	}
	return rows[1:], nil
}

// personal are the kinds of column that say who a row is about.
func personal() []Kind {
	return []Kind{Email, Phone, First, Last, Full, Salutation, Country, Language}
}

// Person gives what a row says of a person.
func (f *File) Person(r *Row) persona.Person { return person(r, f.Columns) }

func person(r *Row, columns []Column) persona.Person {
	text := func(k Kind) string { return r.Text(indexOf(columns, k)) }
	return persona.Person{
		First: text(First), Last: text(Last), Full: text(Full), Email: text(Email),
		Phone: text(Phone), Salutation: text(Salutation), Country: text(Country), Language: text(Language),
	}
}
