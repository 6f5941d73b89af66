package column

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Bounds of what is looked at in JSON.
const (
	maxPaths = 64
	maxJSON  = 16 << 10
)

// leaf is one value in a JSON text: its path, and where it stands.
type leaf struct {
	path     string
	from, to int
	text     string // of a string, without quotes; else as it stands
	quoted   bool
}

// learnPaths learns a column of the values at each path.
func (c *Column) learnPaths(values []Value, rows int) {
	at := map[string][]Value{}
	for _, v := range values {
		if v.Null {
			continue
		}
		for _, l := range leaves(v.Text) {
			if at[l.path] != nil || len(at) < maxPaths {
				at[l.path] = append(at[l.path], Value{Text: l.text})
			}
		}
	}
	c.paths = make(map[string]*Column, len(at))
	for path, list := range at {
		c.paths[path] = learn(list, int(float64(rows)*float64(len(list))/float64(max(len(values), 1))), 1)
	}
}

// object writes the donor's JSON with new values where the donor's are not
// everybody's. Keys, order and blanks stay. Where the values are, and only the
// whole is the donor's own, some of them are exchanged as tries are in vain.
func (c *Column) object(rng *rand.Rand, donor string, vain int) (string, bool) {
	anything := func(string) bool { return false }
	exchanged := float64(vain) / 4 // of the values that many have
	var b strings.Builder
	end := 0
	for _, l := range leaves(donor) {
		col := c.paths[l.path]
		if col == nil {
			return "", false
		}
		v, err := col.Draw(rng, Value{Text: l.text}, nil, anything)
		if err != nil {
			return "", false
		}
		if v.Text == l.text && rng.Float64() < exchanged && len(col.common) > 0 {
			v.Text = col.common[rng.IntN(len(col.common))]
		}
		b.WriteString(donor[end:l.from])
		if end = l.to; v.Text == l.text {
			b.WriteString(donor[l.from:l.to])
			continue
		}
		if !l.quoted {
			b.WriteString(v.Text)
			continue
		}
		b.WriteString(strconv.Quote(v.Text))
	}
	b.WriteString(donor[end:])
	return b.String(), json.Valid([]byte(b.String()))
}

// leaves lists the strings and numbers of a JSON text. Places in lists have one
// path, for lists are of different length.
func leaves(text string) []leaf {
	if len(text) > maxJSON {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var out []leaf
	var stack []string // keys of the objects around, "[]" of lists
	key := true        // the next string is a key
	for {
		from := int(dec.InputOffset())
		tok, err := dec.Token()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil
			}
			return out
		}
		to := int(dec.InputOffset())
		in := len(stack) > 0 && stack[len(stack)-1] != "[]"
		switch t := tok.(type) {
		case json.Delim:
			stack = nest(stack, t)
		case string:
			if in && key {
				stack[len(stack)-1], key = t, false
				continue
			}
			from += bytes.IndexByte([]byte(text[from:to]), '"')
			out = append(out, leaf{strings.Join(stack, "\x00"), from, to, t, true})
		case json.Number:
			out = append(out, leaf{strings.Join(stack, "\x00"), to - len(t), to, t.String(), false})
		}
		key = true
	}
}

// nest goes into and out of objects and lists.
func nest(stack []string, d json.Delim) []string {
	switch d {
	case '{':
		return append(stack, "")
	case '[':
		return append(stack, "[]")
	}
	return stack[:len(stack)-1]
}
