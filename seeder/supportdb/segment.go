package supportdb

import (
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
)

// Divider finds the columns by which customers are divided: words are those of
// the recipe's segments, or columns of the customer table. A word that is
// neither is a [SchemaError] that names the nearest one.
func (d *Desk) Divider(words ...string) (Divider, error) {
	out := Divider{d: d}
	for _, word := range words {
		at, found := d.dividing(word)
		if !found {
			p := d.Part(recipe.CustomerPart)
			known := append(d.recipe.SegmentWords(), p.Table.names()...)
			return Divider{}, &SchemaError{
				Table: p.Table.Name, Nearest: recipe.Nearest(word, known),
				Problem: fmt.Sprintf("customers cannot be divided by %q: it is no column of the table and no segment of the recipe, which has %v", word, d.recipe.SegmentWords()),
			}
		}
		if !slices.Contains(out.words, word) {
			out.words, out.at = append(out.words, word), append(out.at, at)
		}
	}
	return out, nil
}

func (d *Desk) dividing(word string) (recipe.Place, bool) {
	if column, ok := d.recipe.Customer.Segment[word]; ok {
		at := recipe.PlaceOf(recipe.CustomerPart, column)
		at.Column = spelling(d.Part(at.Part).Table, at.Column)
		return at, true
	}
	if c, ok := d.Part(recipe.CustomerPart).Table.Column(word); ok {
		return recipe.Place{Part: recipe.CustomerPart, Column: c.Name}, true
	}
	return recipe.Place{}, false
}

// Divider divides customers by some columns. The zero value puts all into one.
type Divider struct {
	d     *Desk
	words []string
	at    []recipe.Place
}

// Words are the words by which it divides, in the order given.
func (v Divider) Words() []string { return slices.Clone(v.words) }

// Of gives the values of a customer's columns as a segment; those that are
// NULL or empty are left out.
func (v Divider) Of(i *Image) canary.Segment {
	pairs := map[string]string{}
	for n, word := range v.words {
		if text := strings.TrimSpace(i.Get(i.Customer(), v.at[n]).Text()); text != "" {
			pairs[word] = text
		}
	}
	return canary.MakeSegment(pairs)
}
