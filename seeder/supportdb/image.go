package supportdb

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Value is one value of a row as the server gives it: text, bytes that are no
// text, or NULL when both are nil.
type Value struct {
	T *string `json:"t,omitempty"`
	B []byte  `json:"b,omitempty"`
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
func (v Value) IsNull() bool { return v.T == nil && v.B == nil }

// Text returns the value as text, empty for NULL.
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

// Set gives a column its value and adds the column if the row does not have it.
func (r *Row) Set(column string, v Value) {
	if i := slices.Index(r.Columns, column); i >= 0 {
		r.Values[i] = v
		return
	}
	r.Columns = append(r.Columns, column)
	r.Values = append(r.Values, v)
}

// Clone returns a copy whose columns and values can be changed.
func (r *Row) Clone() Row { return Row{slices.Clone(r.Columns), slices.Clone(r.Values)} }

// Image is a canary's rows as they are to be inserted: without the keys that
// the server gives and without the column that ties a ticket to its customer.
type Image struct {
	Customer Row   `json:"customer"`
	Tickets  []Row `json:"tickets"`
}

// Encode gives the image as JSON.
func (i *Image) Encode() ([]byte, error) {
	b, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	return b, nil
}

// DecodeImage reads what Encode made.
func DecodeImage(b []byte) (Image, error) {
	var i Image
	if err := json.Unmarshal(b, &i); err != nil {
		return Image{}, fmt.Errorf("decode rows: %w", err)
	}
	for _, r := range append(slices.Clone(i.Tickets), i.Customer) {
		if len(r.Columns) != len(r.Values) {
			return Image{}, fmt.Errorf("decode rows: %d columns with %d values", len(r.Columns), len(r.Values))
		}
	}
	return i, nil
}

// Keys are the primary keys of a canary's rows, tickets in the image's order.
type Keys struct {
	Customer string   `json:"customer"`
	Tickets  []string `json:"tickets"`
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
	if k.Customer == "" {
		return Keys{}, fmt.Errorf("decode keys: no key of the customer")
	}
	return k, nil
}
