package seeder

import (
	"slices"
	"strings"

	"saltmine/seeder/persona/column"
	"saltmine/seeder/persona/prose"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// echoes finds out which columns of a customer's row texts name, and name right:
// who has the one product does not write of another. The first texts tell, and
// wait for that.
type echoes struct {
	columns []int // of the customer's part
	words   []map[string]bool
	own     []int // texts that name the row's own value
	other   []int // and those that name another row's
	heard   int
	waiting []func()
	decided bool
}

// Bounds of listening for echoes.
const (
	echoTexts  = 1000
	echoWords  = 60 // values of a column
	echoLetter = 4  // that a value has at least
	echoRows   = 2000
)

// newEchoes chooses columns of words in the customers' rows that were met.
func newEchoes(sp *studiedPart) *echoes {
	e := &echoes{}
	rows := sp.rows[:min(len(sp.rows), echoRows)]
	for i := range sp.names {
		words := map[string]bool{}
		for _, row := range rows {
			if text := row[i].Text; len(text) >= echoLetter && len(words) <= echoWords && strings.ToLower(text) != strings.ToUpper(text) {
				words[text] = true
			}
		}
		if len(words) > 1 && len(words) <= echoWords && len(e.columns) < prose.MaxOwn {
			e.columns, e.words = append(e.columns, i), append(e.words, words)
		}
	}
	e.own, e.other = make([]int, len(e.columns)), make([]int, len(e.columns))
	return e
}

// hear listens to a text of somebody with such a row; then does what is to be
// done once it is known what texts name.
func (e *echoes) hear(row []column.Value, text string, then func()) {
	if e.decided {
		then()
		return
	}
	e.heard++
	for k, i := range e.columns {
		for word := range e.words[k] {
			if !prose.Names(text, word) {
				continue
			}
			if word == row[i].Text {
				e.own[k]++
			} else {
				e.other[k]++
			}
		}
	}
	if e.waiting = append(e.waiting, then); e.heard == echoTexts {
		e.decide()
	}
}

// decide keeps the columns whose values texts name right.
func (e *echoes) decide() {
	const few, times = 20, 9
	var columns []int
	for k, i := range e.columns {
		if e.own[k] >= few && e.own[k] >= times*e.other[k] {
			columns = append(columns, i)
		}
	}
	waiting := e.waiting
	e.columns, e.words, e.waiting, e.decided = columns, nil, nil, true
	for _, then := range waiting {
		then()
	}
}

// of gives what a row has that texts name.
func (e *echoes) of(row []column.Value) []string {
	out := make([]string, len(e.columns))
	for k, i := range e.columns {
		if i < len(row) {
			out[k] = row[i].Text
		}
	}
	return out
}

// echoesOf gives what an image's customer has that texts name.
func (y *study) echoesOf(i *supportdb.Image) []string {
	sp := y.parts[recipe.CustomerPart]
	if y.echoes == nil || i.Customer() < 0 {
		return nil
	}
	return slices.Clip(y.echoes.of(sp.values(&i.Items[i.Customer()].Row)))
}
