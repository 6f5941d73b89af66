package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
)

// Survey says which customers are wanted.
type Survey struct {
	Want    int
	Segment canary.Segment // empty: the whole table; see Divider for its words
	// Also are columns of the customer's own row that are wanted beside the facts;
	// they are among them under [AlsoMark] and their name.
	Also []string
	// Divide puts the customer's stratum into the facts, as the word "stratum".
	Divide Divider
	// Progress is told how far reading has come; it may be nil.
	Progress func(done, total int)
}

// AlsoMark goes before the name of a column that is no fact.
const AlsoMark = "+"

// Survey reads customers at random, each row of the table as likely as any
// other and none twice, until it has as many as are wanted or has read all, and
// hands them over one by one as facts, as [Desk.Facts] gives them. A table of
// no more rows than are wanted is read as a whole. It reads by the primary key
// only and keeps nothing but keys, at most 400,000 of them, so it costs a table
// of twelve million rows no more than one of one million where keys are whole
// numbers that are mostly in use; where they are not, all keys are read once.
// A segment that hardly anybody is in may yield fewer: after two million rows
// it ends.
func (d *Desk) Survey(ctx context.Context, rng *rand.Rand, cfg Survey, take func(Row) error) error {
	chosen, err := d.Divider(slices.Sorted(maps.Keys(cfg.Segment.Pairs()))...)
	if err != nil {
		return err
	}
	at := slices.Concat(chosen.at, cfg.Divide.at)
	for _, column := range cfg.Also {
		at = append(at, recipe.Place{Part: recipe.CustomerPart, Column: column})
	}
	t := tree{d, d.factColumns(at...)}
	p := d.Part(recipe.CustomerPart)
	s := sampler{db: d.db, rng: rng, part: p, columns: t.columns(p), want: cfg.Want, whole: p.Filter == "" && cfg.Segment == "", progress: cfg.Progress}
	s.look = func(ctx context.Context, rows []Row) ([]Row, error) {
		records, err := t.grow(ctx, rows)
		var found []Row
		for i := range records {
			if !cfg.Segment.Covers(chosen.Of(&records[i].Image)) {
				continue
			}
			facts := d.Facts(&records[i].Image)
			if len(cfg.Divide.words) > 0 {
				facts.Set("stratum", Text(string(cfg.Divide.Of(&records[i].Image))))
			}
			for _, column := range cfg.Also {
				facts.Set(AlsoMark+column, records[i].Items[records[i].Customer()].Row.Get(column))
			}
			found = append(found, facts)
		}
		return found, err
	}
	s.take = take
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("sample customers: %w", err)
	}
	return nil
}

// Sample is Survey with the customers in a list, in no order.
func (d *Desk) Sample(ctx context.Context, rng *rand.Rand, want int, segment canary.Segment) ([]Row, error) {
	var found []Row
	err := d.Survey(ctx, rng, Survey{Want: want, Segment: segment}, func(r Row) error {
		found = append(found, r)
		return nil
	})
	return found, err
}

// factColumns lists the columns that a sample of people needs: those of facts
// and of more places, and of the links that lead to them.
func (d *Desk) factColumns(more ...recipe.Place) func(*Part) []string {
	need := map[string][]string{}
	add := func(part, column string) {
		column = spelling(d.Part(part).Table, column)
		if !slices.Contains(need[part], column) {
			need[part] = append(need[part], column)
		}
	}
	for _, f := range d.recipe.CustomerFacts() {
		more = append(more, f.Place)
	}
	for _, at := range more {
		add(at.Part, at.Column)
		for p := d.Part(at.Part); p.Name != recipe.CustomerPart; p = d.Part(p.Of) {
			for _, of := range p.Link {
				add(p.Of, of)
			}
			for _, key := range p.Key {
				add(p.Name, key)
			}
		}
	}
	return func(p *Part) []string { return need[p.Name] }
}

// SampleTickets reads up to want tickets at random, as Survey does customers:
// their number, their date of creation and their key, as words of the recipe.
func (d *Desk) SampleTickets(ctx context.Context, rng *rand.Rand, want int) ([]Row, error) {
	p := d.Part(recipe.TicketPart)
	var found []Row
	columns, words := d.ticketColumns()
	s := sampler{db: d.db, rng: rng, part: p, columns: columns, want: want, whole: p.Filter == ""}
	s.look = func(_ context.Context, rows []Row) ([]Row, error) { return rows, nil }
	s.take = func(r Row) error {
		found = append(found, Row{words, r.Values})
		return nil
	}
	if err := s.run(ctx); err != nil {
		return nil, fmt.Errorf("sample tickets: %w", err)
	}
	return found, nil
}

// ticketColumns lists the columns of key, number and date, with their words.
func (d *Desk) ticketColumns() (columns, words []string) {
	for _, word := range []string{"key", "number", "created"} {
		at, _ := d.TicketFact(word)
		columns, words = append(columns, at.Column), append(words, word)
	}
	return columns, words
}

// sampler reads rows of a part at random.
type sampler struct {
	db       *DB
	rng      *rand.Rand
	part     *Part
	columns  []string
	want     int
	whole    bool // every row of the table is looked for
	progress func(done, total int)
	look     func(context.Context, []Row) ([]Row, error) // gives those of the rows that are wanted
	take     func(Row) error

	tried, got int  // keys, rows
	walked     int  // keys that were read to choose among them
	every      bool // of them is looked for, in the table's order
}

// Bounds of a sample. MariaDB makes a subquery of a list of a thousand values.
const (
	statementKeys = 500
	roundKeys     = 50_000
	maxTried      = 2_000_000
)

func (s *sampler) run(ctx context.Context) error {
	next, err := s.keys(ctx)
	if err != nil {
		return err
	}
	for s.got < s.want && s.tried < maxTried {
		keys := next(s.round())
		if len(keys) == 0 {
			return nil
		}
		for group := range slices.Chunk(keys, statementKeys) {
			if err := s.statement(ctx, group); err != nil {
				return err
			}
		}
	}
	return nil
}

// round is how many keys are looked for next. They are looked for in their
// order, so that pages are read once, and a round that brought too many would
// have to leave out the highest: only the last, which is one statement, may.
func (s *sampler) round() int {
	need := float64(s.want - s.got)
	if s.tried == 0 {
		return min(max(2*s.want, 50), statementKeys)
	}
	share := float64(s.got+1) / float64(s.tried+2)
	return int(min(max((need-3*math.Sqrt(need))/share, statementKeys), roundKeys))
}

// statement looks for rows by their keys.
func (s *sampler) statement(ctx context.Context, keys []any) error {
	which, args := " IN ("+marks(len(keys))+")", keys
	if s.every {
		which, args = " BETWEEN ? AND ?", []any{keys[0], keys[len(keys)-1]}
	}
	q := "SELECT " + quoteAll(s.columns) + " FROM " + quote(s.part.Table.Name) + " WHERE " + quote(s.part.Key[0]) + which + also(s.part.Filter)
	rows := make([]Row, 0, len(keys))
	err := s.db.each(ctx, q, args, func(r *sql.Rows) error {
		row, err := scanRow(r, s.columns)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return err
	}
	s.db.pace.read(len(keys) - len(rows))
	s.rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if rows, err = s.look(ctx, rows); err != nil {
		return err
	}
	for _, row := range rows[:min(len(rows), s.want-s.got)] {
		if err := s.take(row); err != nil {
			return err
		}
	}
	s.tried += len(keys)
	s.got = min(s.got+len(rows), s.want)
	s.tell()
	return nil
}

func (s *sampler) tell() {
	if s.progress != nil {
		s.progress(s.walked+s.got, s.walked+s.want)
	}
}

// NewUUID makes a random (version 4) UUID, RFC 9562 §5.4.
func NewUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
