package seeder

import (
	"strconv"
	"time"
	"unicode/utf8"

	"saltmine/seeder/persona/column"
	"saltmine/seeder/persona/prose"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// redraw prepares new values for those of a row that are the donor's own. What
// help desks keep in further tables belongs together in ways that nobody can
// learn; there only texts are composed.
func (c *composer) redraw(n int) map[string]column.Value {
	it := &c.d.image.Items[n]
	if it.Part != recipe.CustomerPart && it.Part != recipe.TicketPart {
		return nil
	}
	sp := c.l.study.parts[it.Part]
	fresh := sp.redrawn(c.rng, &it.Row)
	if it.Part == recipe.CustomerPart {
		sp.mingle(c.rng, &it.Row, fresh)
	}
	if at, named := c.s.cfg.Desk.TicketFact("subject"); named && at.Part == it.Part {
		delete(fresh, at.Column) // it is of a language, of which the ticket's row says nothing; see subject
	}
	return fresh
}

// own gives the canary's value in the place of one that is the donor's own. It
// is not done when the value may be treated as any other.
func (c *composer) own(n int, col *supportdb.Column, v supportdb.Value, fresh map[string]column.Value) (supportdb.Value, bool) {
	text := v.Text()
	if made, again := c.redone[text]; again {
		return supportdb.Text(made), true
	}
	drawn, ok := fresh[col.Name]
	if c.isBirthday(n, col) {
		if !ok || drawn.Null {
			drawn.Text = text
		}
		return supportdb.Text(inYear(drawn.Text, c.d.who.Born)), true
	}
	if !ok {
		return c.composed(n, col, v)
	}
	if isProse(col) {
		if scrubbed, clean := c.prose(text); clean && scrubbed != text {
			return supportdb.Text(scrubbed), true // his name, his address
		}
	}
	return c.fill(col, v, drawn)
}

// fill puts a value that was drawn for the donor's, if the column takes it.
func (c *composer) fill(col *supportdb.Column, v supportdb.Value, drawn column.Value) (supportdb.Value, bool) {
	switch {
	case drawn.Null && !col.Nullable, col.MaxLen > 0 && utf8.RuneCountInString(drawn.Text) > col.MaxLen:
		return v, false
	case drawn.Null:
		return supportdb.Null(), true
	}
	c.remember(v.Text(), drawn.Text)
	return supportdb.Text(drawn.Text), true
}

// isBirthday reports whether a column of a row is the customer's birthday.
func (c *composer) isBirthday(n int, col *supportdb.Column) bool {
	at, named := c.s.cfg.Desk.Fact("born")
	return named && at.Column == col.Name && n == c.d.image.At(c.d.image.Customer(), at.Part)
}

// inYear moves a day into another year. There is no 29 February in most.
func inYear(day string, year int) string {
	if len(day) < len(time.DateOnly) || year == 0 {
		return day
	}
	if day[5:] == "02-29" {
		day = day[:8] + "28"
	}
	return strconv.Itoa(year) + day[4:]
}

// composed writes a text anew that is not everybody's.
func (c *composer) composed(n int, col *supportdb.Column, v supportdb.Value) (supportdb.Value, bool) {
	sp := c.l.study.parts[c.d.image.Items[n].Part]
	book := sp.books[col.Name]
	if book == nil || phpArray.MatchString(v.Text()) || !sp.isProse(col.Name) {
		return v, false
	}
	donor := prose.Writer{Person: c.d.who, Own: c.l.study.echoesOf(&c.d.donor.Image)}
	heir := prose.Heir{Identity: c.d.id, Own: c.l.study.echoesOf(&c.d.image)}
	made, err := book.Compose(c.rng, donor, v.Text(), heir)
	if err != nil {
		var found bool
		if made, found = book.Whole(c.rng, donor, v.Text(), heir); !found {
			return v, false
		}
	}
	if col.MaxLen > 0 && utf8.RuneCountInString(made.Text) > col.MaxLen {
		return v, false
	}
	c.remember(v.Text(), made.Text)
	return supportdb.Text(made.Text), true
}

// remember notes what became of a text, for where it stands again.
func (c *composer) remember(old, made string) {
	const least = 6 // letters: shorter ones may mean something else elsewhere
	if len(old) >= least {
		c.redone[old] = made
	}
}
