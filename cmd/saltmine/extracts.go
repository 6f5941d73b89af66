package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// extractLine is one extract as it stands in a file.
type extractLine struct {
	ID         string      `json:"id"`
	Actor      string      `json:"actor"`
	TakenAt    string      `json:"taken_at"`
	TakenFrom  string      `json:"taken_from"`
	TakenUntil string      `json:"taken_until"`
	Canaries   []canary.ID `json:"canaries"`
	Place      string      `json:"place"`
	Segment    string      `json:"segment"`
	Rows       int64       `json:"rows"`
}

const maxFaults = 20 // faults of a file that are reported

const (
	byteOrderMark = "\ufeff" // spreadsheets write it in front of UTF-8
	maxBlank      = 1 << 20  // bytes in which the first extract must begin
)

// readExtracts reads CSV or JSON lines and reports the faults with their lines.
// A byte order mark and white space in front are passed over.
func readExtracts(in io.Reader) ([]canary.Extract, error) {
	buf := bufio.NewReaderSize(in, maxBlank)
	head, err := buf.Peek(maxBlank)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	if len(text) == 0 {
		return nil, errors.New("the file is empty")
	}
	blank := head[:len(head)-len(text)]
	lines := strings.Repeat("\n", bytes.Count(blank, []byte("\n")))
	if _, err := buf.Discard(len(blank)); err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	rest := io.MultiReader(strings.NewReader(lines), buf) // so that lines keep their numbers
	if text[0] == '{' {
		return readJSONLines(rest)
	}
	return readCSV(rest)
}

// collector gathers extracts and faults.
type collector struct {
	list   []canary.Extract
	faults []error
}

func (c *collector) add(line int, l extractLine, err error) (more bool) {
	var e canary.Extract
	if err == nil {
		e, err = l.extract()
	}
	if err != nil {
		c.faults = append(c.faults, fmt.Errorf("line %d: %w", line, err))
		return len(c.faults) < maxFaults
	}
	c.list = append(c.list, e)
	return true
}

func readJSONLines(in io.Reader) ([]canary.Extract, error) {
	var c collector
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var l extractLine
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		err := dec.Decode(&l)
		if !c.add(n, l, err) {
			break
		}
	}
	return c.list, errors.Join(append(c.faults, lines.Err())...)
}

func readCSV(in io.Reader) ([]canary.Extract, error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	at, err := extractColumns(r)
	if err != nil {
		return nil, err
	}
	var c collector
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(append(c.faults, err)...)
		}
		line, _ := r.FieldPos(0)
		l, err := csvLine(record, at)
		if !c.add(line, l, err) {
			break
		}
	}
	return c.list, errors.Join(c.faults...)
}

func csvLine(record []string, at map[string]int) (extractLine, error) {
	field := func(name string) string {
		if i, ok := at[name]; ok {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	l := extractLine{
		ID: field("id"), Actor: field("actor"), TakenAt: field("taken_at"), TakenFrom: field("taken_from"), TakenUntil: field("taken_until"),
		Place: field("place"), Segment: field("segment"),
	}
	for id := range strings.FieldsSeq(strings.ReplaceAll(field("canaries"), ";", " ")) {
		l.Canaries = append(l.Canaries, canary.ID(id))
	}
	if rows := field("rows"); rows != "" {
		n, err := strconv.ParseInt(rows, 10, 64)
		if err != nil {
			return l, fmt.Errorf("rows %q is not a whole number", rows)
		}
		l.Rows = n
	}
	return l, nil
}

func (l extractLine) extract() (canary.Extract, error) {
	e := canary.Extract{ID: canary.ExtractID(l.ID), Actor: l.Actor, Rows: l.Rows, Held: l.Canaries}
	var err error
	if e.Taken, err = l.taken(); err != nil {
		return e, err
	}
	if l.Place != "" {
		if e.Place, err = canary.ParsePlace(l.Place); err != nil {
			return e, err
		}
	}
	if e.Segment, err = canary.ParseSegment(l.Segment); err != nil {
		return e, err
	}
	return e, e.Validate()
}

func (l extractLine) taken() (canary.Moment, error) {
	from, until := l.TakenFrom, l.TakenUntil
	if l.TakenAt != "" {
		if from != "" || until != "" {
			return canary.Moment{}, errors.New("give either taken_at, or taken_from and taken_until")
		}
		from, until = l.TakenAt, l.TakenAt
	}
	if from == "" || until == "" {
		return canary.Moment{}, errors.New("no time: give taken_at, or taken_from and taken_until")
	}
	a, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return canary.Moment{}, fmt.Errorf("time %q: want RFC 3339, such as 2025-03-01T09:30:00Z", from)
	}
	b, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return canary.Moment{}, fmt.Errorf("time %q: want RFC 3339, such as 2025-03-01T09:30:00Z", until)
	}
	return canary.Between(a, b), nil
}
