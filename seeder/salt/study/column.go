package study

import (
	"strings"
	"unicode"

	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

// Kind is what a column holds.
type Kind string

// The kinds of column.
const (
	Email      Kind = "email"
	Phone      Kind = "phone"
	First      Kind = "first name"
	Last       Kind = "last name"
	Full       Kind = "full name"
	Salutation Kind = "salutation"
	Country    Kind = "country"
	Language   Kind = "language"
	Created    Kind = "created"
	Date       Kind = "date"
	Ticket     Kind = "ticket"
	Key        Kind = "key"   // ids, codes, numbers of one row or customer
	Where      Kind = "place" // part of a postal address
	Other      Kind = "other"
)

// Column is what was learned of a column.
type Column struct {
	Name     string // empty in a list without header
	Kind     Kind
	Unique   bool    // no value stands twice
	Filled   float64 // share of the rows that have a value
	Distinct float64 // share of different values among those
	Quoted   bool    // every value stands in quotes
	Null     []byte  // how a missing value is written; nil where none is missing
	When     *Layout // of times; nil for others
	Gap      *Gap    // how its counter moves from row to row; nil where it does not
}

// classify says what the columns hold.
func classify(names []string, rows []Row) []Column {
	out := make([]Column, len(names))
	looks := make([]look, len(names))
	for i := range out {
		out[i] = Column{Name: names[i], Kind: Other}
		looks[i] = lookAt(&out[i], i, rows)
	}
	email := chooseEmail(out, looks)
	if email < 0 {
		return out
	}
	out[email].Kind = Email
	for i := range out {
		if i != email {
			out[i].Kind = byName(&out[i], &looks[i])
		}
	}
	keepFirst(out, First, Last, Full, Phone, Created, Country, Language, Salutation)
	namesByContent(out, looks, rows, email)
	if indexOf(out, Created) < 0 {
		createdByContent(out)
	}
	return out
}

// look is what the values of a column look like, in shares of those that are there.
type look struct {
	values                 []string
	email, phone, sign     float64 // sign: phone numbers that nothing else could be
	digits, code, letters  float64
	spaced, short, decimal float64
}

// lookAt reads a column.
func lookAt(c *Column, column int, rows []Row) (l look) {
	quoted, distinct := 0, map[string]bool{}
	for i := range rows {
		cell := rows[i].Cell(column)
		text := rows[i].Text(column)
		if strings.TrimSpace(text) == "" {
			if cell != nil && c.Null == nil {
				c.Null = append([]byte{}, cell...)
			}
			continue
		}
		l.values = append(l.values, text)
		distinct[text] = true
		if rows[i].d.Quoted(cell) {
			quoted++
		}
	}
	n := len(l.values)
	if n == 0 {
		return l
	}
	c.Filled, c.Distinct = float64(n)/float64(len(rows)), float64(len(distinct))/float64(n)
	c.Unique, c.Quoted = len(distinct) == n, quoted == n
	l.measure()
	return l
}

// measure counts what the values look like.
func (l *look) measure() {
	share := func(is func(string) bool) float64 {
		n := 0
		for _, v := range l.values {
			if is(v) {
				n++
			}
		}
		return float64(n) / float64(len(l.values))
	}
	l.email = share(isEmail)
	l.phone = share(persona.LooksPhone)
	l.sign = share(func(v string) bool { return persona.LooksPhone(v) && strings.ContainsAny(v, "+() ") })
	l.digits = share(func(v string) bool { return only(v, unicode.IsDigit) })
	l.decimal = share(func(v string) bool { return strings.ContainsAny(v, ".,") && !strings.ContainsFunc(v, unicode.IsLetter) })
	l.letters = share(func(v string) bool { return !strings.ContainsFunc(v, unicode.IsDigit) && !strings.Contains(v, "@") })
	l.spaced = share(func(v string) bool { return strings.Contains(strings.TrimSpace(v), " ") })
	l.short = share(func(v string) bool { return len(v) == 2 && only(v, unicode.IsLetter) })
	l.code = share(func(v string) bool { return strings.ContainsFunc(v, unicode.IsDigit) && !strings.ContainsAny(v, " @") })
}

func only(v string, is func(rune) bool) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return !is(r) })
}

func isEmail(v string) bool {
	v = strings.TrimSpace(v)
	local, domain, ok := strings.Cut(v, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(v, " \t<>,;") {
		return false
	}
	_, _, err := token.SplitEmail(v)
	return err == nil
}

// chooseEmail finds the column of addresses; of several the one that is named
// so, then the one with the most.
func chooseEmail(columns []Column, looks []look) int {
	const most, some = 0.6, 0.3
	best, score := -1, 0.0
	for i := range columns {
		if looks[i].email < most || columns[i].Filled < some {
			continue
		}
		s := columns[i].Filled
		if name := plain(columns[i].Name); strings.Contains(name, "mail") {
			s += 2
			if name == "email" || name == "emailaddress" || name == "mail" {
				s++
			}
		}
		if s > score {
			best, score = i, s
		}
	}
	return best
}

// keepFirst leaves a kind to the first column that has it.
func keepFirst(columns []Column, kinds ...Kind) {
	for _, k := range kinds {
		first := indexOf(columns, k)
		for i := first + 1; first >= 0 && i < len(columns); i++ {
			if columns[i].Kind != k {
				continue
			}
			columns[i].Kind = Other
			if k == Created {
				columns[i].Kind = Date
			}
		}
	}
}

// namesByContent finds names where the header tells none: their words stand in
// the addresses of the same rows.
func namesByContent(columns []Column, looks []look, rows []Row, email int) {
	if indexOf(columns, Full) >= 0 || indexOf(columns, First) >= 0 || indexOf(columns, Last) >= 0 {
		return
	}
	const often, mostly = 0.15, 0.9
	var found []int
	for i := range columns {
		if columns[i].Kind != Other || looks[i].letters < mostly || columns[i].Filled < often {
			continue
		}
		if agree(rows, i, email) >= often {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 0:
	case looks[found[0]].spaced > mostly:
		columns[found[0]].Kind = Full
	case len(found) > 1:
		columns[found[0]].Kind, columns[found[1]].Kind = First, Last
	}
}

// agree is the share of rows in whose address a word of the column stands.
func agree(rows []Row, column, email int) float64 {
	n := 0
	for i := range rows {
		local, _, _ := strings.Cut(strings.ToLower(rows[i].Text(email)), "@")
		for word := range strings.FieldsFuncSeq(strings.ToLower(rows[i].Text(column)), func(r rune) bool { return !unicode.IsLetter(r) }) {
			if len(word) > 2 && strings.Contains(local, word) {
				n++
				break
			}
		}
	}
	return float64(n) / float64(len(rows))
}

// createdByContent takes the first column of dates that has no other meaning.
func createdByContent(columns []Column) {
	for i := range columns {
		if columns[i].Kind == Date && columns[i].Filled > 0.9 && !says(plain(columns[i].Name), "birth", "dob", "born", "expir", "updat", "modif", "last", "login", "end", "until", "due", "next", "clos") {
			columns[i].Kind = Created
			return
		}
	}
}
