package conf

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"saltmine/internal/inventory"
)

const (
	maxNumbersFile = 64 << 20  // bytes of a numbers file
	maxNumbers     = 1_000_000 // numbers in it
	maxFaults      = 50        // faults of a list that are reported
)

// numberColumns are the columns of a numbers file, in the order in which they
// stand where there is no header.
func numberColumns() []string {
	return []string{"number", "country", "provider", "type", "expiry", "added", "soak"}
}

// Phones reads a file of rented phone numbers: CSV with the columns number,
// country, provider, type (mobile or landline), expiry, added (both dates) and
// soak (a duration). Only the number is needed, so that a bare list with one
// number a line is such a file too. Numbers stand in international form with a
// leading '+'. A first line that begins with "number" names the columns, in any
// order; lines that begin with '#' are passed over.
//
//	number,country,provider,type,expiry
//	+14152360142,US,twilio,mobile,2027-03-01
//
// The items come back in the file's order. Every bad line is reported with the
// file and its line, and then no item comes back. The numbers themselves never
// stand in an error, because some of them will be canaries.
func Phones(path string) ([]inventory.Item, error) {
	data, err := readBounded(path, maxNumbersFile)
	if err != nil {
		return nil, fmt.Errorf("numbers file: %w", err)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = '#', -1, true, true
	n := &numbers{book: &book{file: path}, columns: numberColumns(), lines: map[string]int{}}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := errorLine(err)
		if err != nil {
			n.bad(line, "", errors.New("a quote that is not closed, or stands inside a field"))
			record = nil
		} else {
			line, _ = r.FieldPos(0)
		}
		if !n.read(line, record) {
			break
		}
	}
	if len(n.book.faults) == 0 && len(n.items) == 0 {
		n.bad(1, "", errors.New("no number in it"))
	}
	if err := n.book.err(); err != nil {
		return nil, err
	}
	return n.items, nil
}

// Numbers gives the numbers of a numbers file alone, in canonical form; see
// [Phones].
func Numbers(path string) ([]string, error) {
	items, err := Phones(path)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i := range items {
		out[i] = items[i].Text
	}
	return out, nil
}

func errorLine(err error) int {
	if syntax, ok := errors.AsType[*csv.ParseError](err); ok {
		return syntax.StartLine
	}
	return 1
}

// numbers is a numbers file being read.
type numbers struct {
	book    *book
	columns []string
	begun   bool
	lines   map[string]int // on which line a number stood first
	items   []inventory.Item
}

func (n *numbers) bad(line int, column string, err error) {
	n.book.faults = append(n.book.faults, &Fault{File: n.book.file, Line: line, Key: column, Err: err})
}

// read takes one record, nil for one that was reported, and says whether the next one is wanted.
func (n *numbers) read(line int, record []string) bool {
	first := !n.begun
	n.begun = true
	if record == nil {
		return n.bounded(line)
	}
	if first && strings.EqualFold(strings.TrimSpace(record[0]), "number") {
		return n.header(line, record)
	}
	fields := map[string]string{}
	for i, text := range record {
		text = strings.TrimSpace(text)
		if i < len(n.columns) {
			fields[n.columns[i]] = text
		} else if text != "" {
			n.bad(line, "", fmt.Errorf("%d columns, at most %d wanted", len(record), len(n.columns)))
			break
		}
	}
	n.add(line, fields)
	return n.bounded(line)
}

// bounded says whether more may be read.
func (n *numbers) bounded(line int) bool {
	switch {
	case len(n.book.faults) >= maxFaults:
		n.bad(line, "", errors.New("and perhaps more: the rest of the file was not read"))
		return false
	case len(n.items) > maxNumbers:
		n.bad(line, "", fmt.Errorf("more than %d numbers", maxNumbers))
		return false
	}
	return true
}

// header takes the names of the columns; without them nothing can be read.
func (n *numbers) header(line int, record []string) bool {
	known := numberColumns()
	n.columns = nil
	for _, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(known, name):
			hint := ""
			if near := nearest(name, known); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			n.bad(line, "", fmt.Errorf("unknown column %q, want some of %s%s", name, strings.Join(known, ", "), hint))
		case slices.Contains(n.columns, name):
			n.bad(line, "", fmt.Errorf("column %q is there twice", name))
		}
		n.columns = append(n.columns, name)
	}
	return len(n.book.faults) == 0
}

// add makes an item of one line's fields.
func (n *numbers) add(line int, fields map[string]string) {
	i := inventory.Item{
		Kind: inventory.Phone, Text: fields["number"], Country: fields["country"], Provider: fields["provider"], Line: strings.ToLower(fields["type"]),
	}
	known := len(n.book.faults)
	if canon, err := inventory.Canon(inventory.Phone, i.Text); err == nil {
		i.Text = canon
		if at := n.lines[canon]; at > 0 {
			n.bad(line, "number", fmt.Errorf("the number stands on line %d already", at))
		}
		n.lines[canon] = line
	}
	for _, f := range i.Faults() {
		n.bad(line, f.Field, f.Err)
	}
	n.date(line, "expiry", fields, &i.Expires)
	n.date(line, "added", fields, &i.Added)
	if text := fields["soak"]; text != "" {
		d, err := ParseDuration(text)
		if err == nil && d == 0 {
			err = errNoSoak
		}
		if err != nil {
			n.bad(line, "soak", err)
		}
		i.Soak = d
	}
	if len(n.book.faults) == known {
		n.items = append(n.items, i)
	}
}

var errNoSoak = errors.New("must be longer than nothing; give an item that has rested an earlier added date")

func (n *numbers) date(line int, column string, fields map[string]string, into *time.Time) {
	text := fields[column]
	if text == "" {
		return
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		n.bad(line, column, fmt.Errorf("%q is not a date such as 2027-03-01", text))
		return
	}
	*into = at
}
