package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Detect finds the dialect of a file from its first bytes; whole says that they
// are all there is. What it gives has to be attuned to a sample later.
func Detect(head []byte, whole bool) (*Dialect, error) {
	d := Dialect{EOL: "\n", Quotes: true, Delimiter: ','}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.IndexByte(head, 0) >= 0 {
		return nil, fmt.Errorf("dialect: %w: make it UTF-8 first", ErrEncoding)
	}
	text := bytes.TrimPrefix(head, []byte(bom))
	d.BOM = len(text) < len(head)
	first, _, ended := bytes.Cut(text, []byte("\n"))
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, fmt.Errorf("dialect: %w: it is empty", ErrDialect)
	case !ended && !whole:
		return nil, fmt.Errorf("dialect: %w: no line ends in the first %d bytes", ErrDialect, len(head))
	case !ended && bytes.IndexByte(text, '\r') >= 0:
		return nil, fmt.Errorf("dialect: %w: lines end with a carriage return alone", ErrDialect)
	case bytes.HasSuffix(first, []byte("\r")):
		d.EOL = "\r\n"
	}
	if bytes.TrimSpace(text)[0] == '{' {
		d.JSON = true
		return &d, nil
	}
	return d.best(head, whole)
}

// best tries all delimiters and ways of quoting. The one with the most columns
// of those in which all records have the same number of cells is taken; where
// there is none, the one in which most have, so that the odd ones are named.
func (d *Dialect) best(head []byte, whole bool) (*Dialect, error) {
	var found trial
	for _, delimiter := range []byte(",\t;|") {
		for _, way := range ways(delimiter, head) {
			try := *d
			try.Delimiter, try.Quotes, try.Backslash = delimiter, way.quotes, way.backslash
			if got := try.try(head, whole); got.beats(&found) {
				found = got
			}
		}
	}
	if found.width == 0 {
		return nil, fmt.Errorf("dialect: %w", ErrDialect)
	}
	return &found.d, nil
}

type way struct{ quotes, backslash bool }

// ways of quoting. Programs that write tabs or bars seldom quote, and then a
// quote is a character like others: so only what shows quotes has them.
func ways(delimiter byte, head []byte) []way {
	quoted := bytes.Contains(head, []byte{delimiter, '"'}) || bytes.Contains(head, []byte("\n\""))
	switch {
	case delimiter == ',' || delimiter == ';':
		return []way{{true, false}, {true, true}}
	case quoted:
		return []way{{true, false}, {true, true}, {false, false}}
	}
	return []way{{false, false}}
}

// trial is how well a dialect fits.
type trial struct {
	d     Dialect
	width int // cells that most records have
	share float64
}

// beats prefers what fits everything, then more columns, then what fits more.
// Of equals the one that was tried first stays.
func (t *trial) beats(o *trial) bool {
	const half = 0.5
	perfect, other := t.share == 1, o.share == 1
	switch {
	case t.width == 0:
		return false
	case o.width == 0:
		return true
	case (t.width > 1) != (o.width > 1) && t.share >= half && o.share >= half:
		return t.width > 1
	case perfect != other:
		return perfect
	case perfect:
		return t.width > o.width
	}
	return t.share > o.share
}

// try reads the head and counts cells.
func (d *Dialect) try(head []byte, whole bool) trial {
	widths, faults := d.widths(head, whole)
	t := trial{d: *d}
	records := 0
	for width, n := range widths {
		records += n
		if n > widths[t.width] || n == widths[t.width] && width > t.width {
			t.width = width
		}
	}
	if records > 0 {
		t.share = float64(widths[t.width]) / float64(records+faults)
	}
	return t
}

// widths counts the records of the head by their number of cells.
func (d *Dialect) widths(head []byte, whole bool) (widths map[int]int, faults int) {
	const most = 3000
	widths = map[int]int{}
	if !whole {
		head = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	r := NewReader(bytes.NewReader(head), d)
	for range most {
		r.width = 0 // all widths are counted here
		rec, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return widths, 0
		case err != nil && !whole && cutOff(err):
			return widths, 0
		case err != nil:
			return widths, 1
		}
		widths[len(rec.Cells)]++
	}
	return widths, 0
}

// cutOff reports whether a fault may come of a head that ends inside of quotes.
func cutOff(err error) bool {
	fault, ok := errors.AsType[*Fault](err)
	return ok && fault.open
}
