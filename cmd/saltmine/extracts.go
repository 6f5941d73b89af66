package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
)

func (a *app) extractsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "extracts", Short: "Known extracts: what was taken out, when, by whom", Example: "  saltmine extracts import exports.csv"}
	cmd.AddCommand(&cobra.Command{
		Use:   "import FILE",
		Short: "Import known extracts from CSV or JSON lines",
		Long: `Reads extracts from FILE, or from standard input when FILE is "-".

CSV (first line names the columns, in any order) and JSON lines have the fields
  id         the extract's name in your log
  actor      who took it
  taken_at   RFC 3339 time; or taken_from and taken_until
  canaries   ids of the canaries it held (CSV: separated by spaces; JSON: a list)
  place      db:NAME or copy:NAME, when the canaries are not known
  segment    key=value[,key=value…] of the rows it took; empty is all
  rows       how many rows it carried out (optional)

The whole file is imported or nothing. An id that is already known is replaced. The evidence
log gets the SHA-256 of the file with it: keep the file, for it shows whether the extracts
were changed later.`,
		Example: "  saltmine extracts import exports.csv\n  zcat exports.jsonl.gz | saltmine extracts import -",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.importExtracts(cmd.Context(), args[0]) },
	})
	cmd.AddCommand(a.releaseCmd())
	return cmd
}

func (a *app) importExtracts(ctx context.Context, name string) (err error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	sum := sha256.New()
	list, err := readExtracts(io.TeeReader(in, sum))
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	if _, err := io.Copy(sum, in); err != nil { // what was not read of it
		return fmt.Errorf("import %s: %w", name, err)
	}
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	added, err := c.reg.ImportExtractsFrom(ctx, list, fmt.Sprintf("%x", sum.Sum(nil)), here())
	if err != nil {
		return err
	}
	result := map[string]int{"read": len(list), "new": added, "replaced": len(list) - added}
	return a.print(result, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d extracts: %d new, %d replaced\n", len(list), added, len(list)-added)
		return err
	})
}

// extractColumns reads the header line of a CSV of extracts.
func extractColumns(r *csv.Reader) (map[string]int, error) {
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("no header line: %w", err)
	}
	known := map[string]bool{"id": true, "actor": true, "taken_at": true, "taken_from": true, "taken_until": true, "canaries": true, "place": true, "segment": true, "rows": true}
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if !known[name] {
			return nil, fmt.Errorf("line 1: unknown column %q: want some of id, actor, taken_at, taken_from, taken_until, canaries, place, segment, rows; a list with columns of its own is taken by 'saltmine audit import --exports'", name)
		}
		at[name] = i
	}
	return at, nil
}

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
func readExtracts(in io.Reader) ([]canary.Extract, error) {
	rest, first, err := fromStart(in)
	if err != nil {
		return nil, err
	}
	if first == '{' {
		return readJSONLines(rest)
	}
	return readCSV(rest)
}

// fromStart gives a file from its first character on, and which that is. A byte order mark
// and white space in front are passed over; lines keep their numbers.
func fromStart(in io.Reader) (rest io.Reader, first byte, err error) {
	buf := bufio.NewReaderSize(in, maxBlank)
	head, err := buf.Peek(maxBlank)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("the file cannot be read: %w", err)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	if len(text) == 0 {
		return nil, 0, errors.New("the file is empty")
	}
	first = text[0]
	blank := head[:len(head)-len(text)]
	lines := strings.Repeat("\n", bytes.Count(blank, []byte("\n")))
	if _, err := buf.Discard(len(blank)); err != nil {
		return nil, 0, fmt.Errorf("the file cannot be read: %w", err)
	}
	return io.MultiReader(strings.NewReader(lines), buf), first, nil
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
