package supportdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"saltmine/seeder/recipe"
)

// Value is one value of a row as the server gives it: text, bytes that are no
// text, or NULL when all are nil. In an image it may also be a reference to a
// column of another row of the image, whose value the server has yet to give,
// or a text with such references in it.
type Value struct {
	T *string `json:"t,omitempty"`
	B []byte  `json:"b,omitempty"`
	R *Ref    `json:"r,omitempty"`
	F []Value `json:"f,omitempty"` // pieces of a text
}

// Ref names a column of an image's row.
type Ref struct {
	Row    int    `json:"row"`
	Column string `json:"column"`
}

// Text makes a value of text, or of bytes if it is no UTF-8.
func Text(s string) Value {
	if utf8.ValidString(s) {
		return Value{T: &s}
	}
	return Value{B: []byte(s)}
}

// Null is the SQL NULL.
func Null() Value { return Value{} }

// IsNull reports whether the value is NULL.
func (v Value) IsNull() bool { return v.T == nil && v.B == nil && v.R == nil && v.F == nil }

// Tied reports whether the value depends on other rows of its image.
func (v Value) Tied() bool { return v.R != nil || v.F != nil }

// Text returns the value as text, empty for NULL and for references.
func (v Value) Text() string {
	if v.T != nil {
		return *v.T
	}
	return string(v.B)
}

// Equal reports whether both are NULL or both the same bytes.
func (v Value) Equal(w Value) bool { return v.IsNull() == w.IsNull() && v.Text() == w.Text() }

// arg is the value as the driver takes it.
func (v Value) arg() any {
	switch {
	case v.T != nil:
		return *v.T
	case v.B != nil:
		return v.B
	}
	return nil
}

// Row is a row: columns and their values in the same order.
type Row struct {
	Columns []string `json:"columns"`
	Values  []Value  `json:"values"`
}

// Get returns the value of a column, NULL if the row does not have it.
func (r *Row) Get(column string) Value {
	if i := slices.Index(r.Columns, column); i >= 0 {
		return r.Values[i]
	}
	return Value{}
}

// Has reports whether the row has the column.
func (r *Row) Has(column string) bool { return slices.Contains(r.Columns, column) }

// tied reports whether a value depends on other rows.
func (r *Row) tied() bool {
	for i := range r.Values { // they are large to copy
		if v := &r.Values[i]; v.R != nil || v.F != nil {
			return true
		}
	}
	return false
}

// bytes reports whether a value is no text.
func (r *Row) bytes() bool {
	for i := range r.Values {
		if r.Values[i].B != nil {
			return true
		}
	}
	return false
}

// Set gives a column its value and adds the column if the row does not have it.
func (r *Row) Set(column string, v Value) {
	if i := slices.Index(r.Columns, column); i >= 0 {
		r.Values[i] = v
		return
	}
	r.Columns = append(r.Columns, column)
	r.Values = append(r.Values, v)
}

// Clone returns a copy whose columns and values can be changed, with room for a
// key that the server gives.
func (r *Row) Clone() Row {
	return Row{append(make([]string, 0, len(r.Columns)+1), r.Columns...), append(make([]Value, 0, len(r.Values)+1), r.Values...)}
}

// Item is a row of a part, with the number of the item that it belongs to; the
// customer belongs to none, which is -1.
type Item struct {
	Part string `json:"part"`
	Of   int    `json:"of"`
	Row  Row    `json:"row"`
}

// Image is a canary's rows in the order in which they are inserted, without
// the keys that the server gives.
type Image struct {
	Items []Item `json:"items"`
	// Next is where the help desk's counter of ticket numbers has to stand at
	// least when the rows are committed; 0 where it does not matter.
	Next int64 `json:"next,omitempty"`
}

// Clone returns a copy whose rows can be changed.
func (i *Image) Clone() Image {
	out := Image{Items: slices.Clone(i.Items), Next: i.Next}
	for n := range out.Items {
		out.Items[n].Row = out.Items[n].Row.Clone()
	}
	return out
}

// Customer is the number of the customer's row, -1 without one.
func (i *Image) Customer() int {
	return slices.IndexFunc(i.Items, func(it Item) bool { return it.Part == recipe.CustomerPart })
}

// Tickets are the numbers of the tickets' rows.
func (i *Image) Tickets() []int {
	var out []int
	for n := range i.Items {
		if i.Items[n].Part == recipe.TicketPart {
			out = append(out, n)
		}
	}
	return out
}

// At finds the row of a part that holds a fact of the item: the item itself or
// the first row of the part that belongs to it; -1 when there is none.
func (i *Image) At(item int, part string) int {
	if item >= 0 && item < len(i.Items) && i.Items[item].Part == part {
		return item
	}
	return slices.IndexFunc(i.Items, func(it Item) bool { return it.Part == part && i.belongs(it.Of, item) })
}

// Under reports whether a row is the item or belongs to it, by whatever rows
// between them.
func (i *Image) Under(n, item int) bool { return i.belongs(n, item) }

// belongs reports whether a row is the item or, by some rows between, its own.
func (i *Image) belongs(of, item int) bool {
	for range i.Items {
		if of == item || of < 0 || of >= len(i.Items) {
			return of == item
		}
		of = i.Items[of].Of
	}
	return false
}

// OfTicket reports whether a row is a ticket or belongs to one.
func (i *Image) OfTicket(n int) bool {
	for range i.Items {
		if n < 0 || n >= len(i.Items) {
			return false
		}
		if i.Items[n].Part == recipe.TicketPart {
			return true
		}
		n = i.Items[n].Of
	}
	return false
}

// Get reads a fact of an item, references followed; NULL when no row holds it.
func (i *Image) Get(item int, at recipe.Place) Value {
	n := i.At(item, at.Part)
	if n < 0 {
		return Value{}
	}
	return i.follow(i.Items[n].Row.Get(at.Column))
}

// Set writes a fact of an item. It reports whether a row holds the fact.
func (i *Image) Set(item int, at recipe.Place, v Value) bool {
	n := i.At(item, at.Part)
	if n < 0 {
		return false
	}
	i.Items[n].Row.Set(at.Column, v)
	return true
}

// follow gives the value behind references, as far as it is known.
func (i *Image) follow(v Value) Value {
	if v.F != nil {
		return i.joined(v)
	}
	for range i.Items {
		if v.R == nil {
			return v
		}
		row := &i.Items[v.R.Row].Row
		if !row.Has(v.R.Column) {
			return v
		}
		v = row.Get(v.R.Column)
	}
	return v
}

// joined puts the pieces of a text together, once all of them are known.
func (i *Image) joined(v Value) Value {
	var b strings.Builder
	for _, piece := range v.F {
		known := i.follow(piece)
		if known.Tied() {
			return v
		}
		b.WriteString(known.Text())
	}
	return Text(b.String())
}

// Encode gives the image as JSON.
func (i *Image) Encode() ([]byte, error) {
	b, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	return b, nil
}

var errImage = errors.New("decode rows: not the rows of a canary")

// DecodeImage reads what Encode made.
func DecodeImage(b []byte) (Image, error) {
	var i Image
	if err := json.Unmarshal(b, &i); err != nil {
		return Image{}, fmt.Errorf("decode rows: %w", err)
	}
	if i.Customer() < 0 {
		return Image{}, errImage
	}
	for _, it := range i.Items {
		wrong := func(v Value) bool {
			return slices.ContainsFunc(append(v.F, v), func(v Value) bool { return v.R != nil && (v.R.Row < 0 || v.R.Row >= len(i.Items)) })
		}
		if len(it.Row.Columns) != len(it.Row.Values) || it.Of >= len(i.Items) || slices.ContainsFunc(it.Row.Values, wrong) {
			return Image{}, errImage
		}
	}
	return i, nil
}

// Keys are the primary keys of an image's rows, in the order of its items,
// each with the values of the key's columns.
type Keys struct {
	Rows [][]string `json:"rows"`
	// Numbers are those of the tickets, where the server gives them.
	Numbers []string `json:"numbers,omitempty"`
}

// Encode gives the keys as JSON.
func (k *Keys) Encode() ([]byte, error) {
	b, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode keys: %w", err)
	}
	return b, nil
}

// DecodeKeys reads what Encode made.
func DecodeKeys(b []byte) (Keys, error) {
	var k Keys
	if err := json.Unmarshal(b, &k); err != nil {
		return Keys{}, fmt.Errorf("decode keys: %w", err)
	}
	if len(k.Rows) == 0 || slices.ContainsFunc(k.Rows, func(r []string) bool { return len(r) == 0 || r[0] == "" }) {
		return Keys{}, errors.New("decode keys: a row without a key")
	}
	return k, nil
}
