// Package study reads a list of customers once and learns how it is written and
// what it says: the dialect, the columns (by the names in the header and by
// what stands in them), the order of the rows, a sample of them, and places
// between rows where further rows could stand without breaking the order.
//
// What a place is: the first byte of a row that has one before it. Where the
// list is in the order of a counter (an id, a ticket number), only rows with a
// gap between their counters make a place:
//
//	id,name,created            id counts in steps of 1; the rows 7 and 8 leave
//	7,Dana Whitfield,May 2     no room, 8 and 11 do: there is a place before
//	8,Jo Smith,May 2           the row 11 for somebody with the id 9 or 10 who
//	11,Ann Bloggs,May 4        signed up between May 2 and May 4
//
// Memory does not grow with the list: samples are reservoirs (Algorithm L, Li
// 1994), and whether a value occurs is remembered in a Bloom filter, which now
// and then takes a new value for an old one and never an old one for new.
//
// Its one invariant: the same bytes and the same randomness give the same
// places, so that a run that was cut off can be carried on.
//
// It refuses lists that are broken (the line is named, see package dialect),
// without addresses ([ErrNoEmail]), with two headers alike ([ErrHeader]), and
// with too few rows to learn from ([ErrFew]).
package study

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"

	"saltmine/seeder/persona"
	"saltmine/seeder/salt/dialect"
)

var (
	// ErrNoEmail says that no column holds e-mail addresses.
	ErrNoEmail = errors.New("no column holds e-mail addresses")
	// ErrHeader says that two columns have the same name.
	ErrHeader = errors.New("two columns have the same name")
	// ErrFew says that the list is too short.
	ErrFew = errors.New("the list is too short to learn from")
)

// Config says what to look for.
type Config struct {
	Places  int             // at most so many places are kept
	Domains map[string]bool // owned domains; rows with addresses on them are remembered
	Rand    *rand.Rand
	// Progress is told how many bytes were read; may be nil.
	Progress func(read int64)
}

// File is what was learned of a list.
type File struct {
	Dialect *dialect.Dialect
	Header  bool // the first record names the columns
	Columns []Column
	// Order are the columns by which the list is sorted, the coarsest first.
	// Empty: it is not sorted by any.
	Order  []Sort
	Rows   int64
	Bytes  int64
	Digest [sha256.Size]byte // SHA-256 of all bytes
	Ended  bool              // the last row has a line end
	Sample []Row
	People []persona.Person // a larger sample of who the rows are about
	Places []Place
	seen   *filter
}

// Place is a place where a further row could stand.
type Place struct {
	Offset        int64 // of the row after it
	Before, After Row
	Donors        []Row // rows nearby, the closest last
}

// Sizes of what is kept.
const (
	headBytes    = 1 << 19
	headRows     = 5000
	sampleRows   = 3000
	samplePeople = 20_000
	nearRows     = 32   // rows among which donors are chosen
	nearDonors   = 3    // donors of a place
	keptRow      = 8192 // bytes of the longest row that is kept
	minRows      = 50
)

// Read reads a list to its end.
func Read(ctx context.Context, in io.Reader, cfg Config) (*File, error) {
	buf := bufio.NewReaderSize(in, headBytes)
	head, err := buf.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	s := &student{cfg: cfg, f: &File{seen: newFilter(err != nil)}}
	if err := s.lookAt(head, err != nil); err != nil {
		return nil, err
	}
	all := digest{Hash: sha256.New()}
	r := dialect.NewReader(io.TeeReader(buf, &all), s.f.Dialect)
	for n := 0; ; n++ {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if n%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s.tell(rec.Offset)
		}
		s.see(rec)
	}
	all.Sum(s.f.Digest[:0])
	s.f.Bytes = all.bytes
	return s.f, s.conclude(r.Names())
}

// digest counts and hashes the bytes that are read.
type digest struct {
	hash.Hash
	bytes int64
}

// Write takes in bytes.
func (d *digest) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return d.Hash.Write(p)
}

// student is one reading of a list.
type student struct {
	cfg    Config
	f      *File
	names  []string
	begun  bool // the header was read
	email  int  // its column
	hashed []*repeats
	trends []*trend
	gaps   []*gap
	ties   tiebreak
	near   ring
	sample reservoir
	people reservoir
	places reservoir
	begins []Column // the columns as the beginning of the list shows them
}

// lookAt finds dialect and columns from the beginning of the list.
func (s *student) lookAt(head []byte, whole bool) (err error) {
	f := s.f
	if f.Dialect, err = dialect.Detect(head, whole); err != nil {
		return err
	}
	rows, names, err := readHead(head, whole, f.Dialect)
	if err != nil {
		return err
	}
	if len(rows) < 2 {
		return fmt.Errorf("%w: %d rows", ErrFew, len(rows))
	}
	s.attune(rows)
	s.names = names
	if !f.Dialect.JSON {
		if rows, err = s.headerOf(rows); err != nil {
			return err
		}
	}
	columns := classify(s.names, rows)
	s.email = indexOf(columns, Email)
	if s.email < 0 {
		return ErrNoEmail
	}
	s.prepare(columns, rows)
	return nil
}

func (s *student) attune(rows []Row) {
	raw := make([][]byte, len(rows))
	for i := range rows {
		raw[i] = rows[i].Raw
	}
	s.f.Dialect.Attune(raw)
}

// prepare decides what is watched while the list is read.
func (s *student) prepare(columns []Column, rows []Row) {
	s.hashed = make([]*repeats, len(columns))
	for i := range columns {
		c := &columns[i]
		s.trends = append(s.trends, newTrend(i, c))
		if g, ok := findGap(i, c, rows); ok {
			s.gaps = append(s.gaps, g) // its order tells what is there
		} else if c.Kind == Key || c.Kind == Ticket || c.Kind == Other && c.Unique {
			s.hashed[i] = &repeats{}
		}
	}
	s.ties = findTies(columns, rows)
	s.begins = columns
	s.sample = newReservoir(sampleRows, s.cfg.Rand)
	s.people = newReservoir(samplePeople, s.cfg.Rand)
	s.places = newReservoir(s.cfg.Places, s.cfg.Rand)
}

func (s *student) tell(read int64) {
	if s.cfg.Progress != nil {
		s.cfg.Progress(read)
	}
}

// see takes in one record.
func (s *student) see(rec *dialect.Record) {
	f := s.f
	f.Ended = rec.Ended
	if f.Header && !s.begun {
		s.begun = true
		return
	}
	f.Rows++
	s.remember(rec)
	for _, t := range s.trends {
		if t.column < len(rec.Cells) && rec.Cells[t.column].From >= 0 {
			t.step(rec.Raw[rec.Cells[t.column].From:rec.Cells[t.column].To])
		}
	}
	short := len(rec.Raw) <= keptRow
	if at, ok := s.sample.offer(); ok && short {
		f.Sample = put(f.Sample, at, keep(rec, f.Dialect))
	}
	if at, ok := s.people.offer(); ok && short {
		f.People = put(f.People, at, person(&Row{rec.Raw, rec.Cells, f.Dialect}, s.begins))
	}
	if short && s.near.fresh {
		s.place(rec)
	}
	s.near.push(rec, short)
}

// remember enters the values that may not be made a second time.
func (s *student) remember(rec *dialect.Record) {
	for i, h := range s.hashed {
		if h != nil && i < len(rec.Cells) && rec.Cells[i].To > rec.Cells[i].From {
			h.values++
			if s.f.seen.add(i, rec.Raw[rec.Cells[i].From:rec.Cells[i].To]) {
				h.known++
			}
		}
	}
	if s.email >= len(rec.Cells) || rec.Cells[s.email].From < 0 {
		return
	}
	cell := inner(rec.Raw[rec.Cells[s.email].From:rec.Cells[s.email].To])
	var low [64]byte
	domain := low[:0]
	for _, c := range cell[bytes.LastIndexByte(cell, '@')+1:] {
		domain = append(domain, small(c))
	}
	if s.cfg.Domains[string(domain)] {
		s.f.seen.add(s.email, bytes.ToLower(cell))
	}
}

// place offers the place before a record.
func (s *student) place(rec *dialect.Record) {
	before := s.near.last()
	for _, g := range s.gaps {
		if !g.room(before, rec) {
			return
		}
	}
	at, ok := s.places.offer()
	if !ok {
		return
	}
	p := Place{Offset: rec.Offset, Before: before.kept(s.f.Dialect), After: keep(rec, s.f.Dialect)}
	for range nearDonors {
		if row := s.near.pick(s.cfg.Rand); row != nil {
			p.Donors = append(p.Donors, row.kept(s.f.Dialect))
		}
	}
	s.f.Places = put(s.f.Places, at, p)
}

// conclude draws the conclusions once all was read.
func (s *student) conclude(names []string) error {
	f := s.f
	if f.Dialect.JSON {
		s.names = names
	}
	if f.Rows < minRows {
		return fmt.Errorf("%w: %d rows, at least %d wanted", ErrFew, f.Rows, minRows)
	}
	s.attune(f.Sample)
	f.Columns = classify(s.names, f.Sample)
	if indexOf(f.Columns, Email) < 0 {
		return ErrNoEmail
	}
	for _, k := range personal() {
		if indexOf(f.Columns, k) != indexOf(s.begins, k) { // the beginning is not like the rest
			f.People = f.People[:0]
			for i := range f.Sample {
				f.People = append(f.People, person(&f.Sample[i], f.Columns))
			}
		}
	}
	for i, h := range s.hashed {
		if h != nil && i < len(f.Columns) && !h.unique(f.seen) {
			f.Columns[i].Unique = false
		}
	}
	s.ordered()
	s.cfg.Rand.Shuffle(len(f.Places), func(i, j int) { f.Places[i], f.Places[j] = f.Places[j], f.Places[i] })
	return nil
}

// Full reports that the list has too many values to remember them all: then
// Seen knows none of them.
func (f *File) Full() bool { return f.seen.full() }

// Seen reports whether a cell may stand in a column: of columns that hold keys,
// and of addresses on owned domains. Of others nothing is known.
func (f *File) Seen(column int, cell []byte) bool {
	if f.Columns[column].Kind == Email {
		cell = bytes.ToLower(inner(cell))
	}
	return f.seen.has(column, cell)
}

// Column gives the first column of a kind, -1 where there is none.
func (f *File) Column(k Kind) int { return indexOf(f.Columns, k) }

func indexOf(columns []Column, k Kind) int {
	for i := range columns {
		if columns[i].Kind == k {
			return i
		}
	}
	return -1
}

func put[T any](list []T, at int, v T) []T {
	if at == len(list) {
		return append(list, v)
	}
	list[at] = v
	return list
}
