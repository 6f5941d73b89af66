package seeder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// maker makes values for a column that the recipe does not name and whose
// value may not be the donor's: a unique key, or a code that nobody shares.
type maker struct {
	rule  *persona.Numbers
	shape *persona.Shape
	local bool               // a login name: made from the canary's own address
	null  bool               // nothing can be made, NULL is allowed
	used  map[string]int64   // by the key of the row, 0 where the server gives it: drafts are made anew
	last  []persona.Numbered // those given last
	all   []persona.Numbered // and some of all times
}

func makerOf(p *supportdb.Part, c *supportdb.Column) string { return p.Name + "." + c.Name }

// learnMakers prepares the columns that need values of their own, and refuses
// unique keys for which no value can be made.
func (s *Seeder) learnMakers(ctx context.Context, l *lessons) error {
	l.keys = map[string]*persona.Shape{}
	for _, p := range s.cfg.Desk.Parts() {
		named := s.namedColumns(p)
		if len(p.Key) == 1 {
			if shape, ok := persona.LearnShape(l.values(p.Name, p.Key[0])); ok {
				l.keys[p.Name] = shape
			}
		}
		for i := range p.Table.Columns {
			c := &p.Table.Columns[i]
			if c.Auto || c.Generated || named[c.Name] {
				continue
			}
			if err := s.learnMaker(ctx, p, c, l); err != nil {
				return err
			}
		}
		if err := refuseShared(p, named, l); err != nil {
			return err
		}
	}
	return nil
}

// namedColumns are the columns that compose fills in by the recipe.
func (s *Seeder) namedColumns(p *supportdb.Part) map[string]bool {
	out := map[string]bool{}
	for _, word := range []string{"email", "phone", "name", "first_name", "last_name", "created"} {
		if at, ok := s.cfg.Desk.Fact(word); ok && at.Part == p.Name {
			out[at.Column] = true
		}
	}
	for _, word := range []string{"number", "created"} {
		if at, ok := s.cfg.Desk.TicketFact(word); ok && at.Part == p.Name {
			out[at.Column] = true
		}
	}
	for column := range p.Link {
		out[column] = true
	}
	for column := range p.Refs {
		out[column] = true
	}
	if len(p.Key) == 1 {
		out[p.Key[0]] = true
	}
	return out
}

func (s *Seeder) learnMaker(ctx context.Context, p *supportdb.Part, c *supportdb.Column, l *lessons) error {
	t := p.Table
	unique := t.Unique(c.Name)
	values := l.values(p.Name, c.Name)
	if !unique && !codes(c, values) {
		return nil
	}
	m := &maker{used: map[string]int64{}, local: c.IsText() && loginName(c.Name)}
	l.makers[makerOf(p, c)] = m
	if m.local {
		return nil
	}
	texts, err := s.recentValues(ctx, p, c, m)
	if err != nil {
		return err
	}
	m.all = slices.Concat(m.last, s.older(p, c, l))
	if rule, err := persona.LearnNumbers(m.all); err == nil {
		m.rule = rule
		return nil
	}
	shape, ok := persona.LearnShape(slices.Concat(texts, values))
	if m.shape = shape; ok {
		return nil
	}
	if m.null = c.Nullable; m.null || !unique {
		return nil
	}
	return &supportdb.SchemaError{Table: t.Name, Column: c.Name, Problem: "it is a unique key that the recipe does not name, it may not be NULL, and its values follow no rule by which a new one could be made"}
}

// recentValues reads the values that were given last, with their dates into the maker.
func (s *Seeder) recentValues(ctx context.Context, p *supportdb.Part, c *supportdb.Column, m *maker) ([]string, error) {
	rows, err := s.cfg.Desk.RecentValues(ctx, recipe.Place{Part: p.Name, Column: c.Name}, sampleNumbers)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, v := range rows {
		if !v.At.IsZero() {
			m.last = append(m.last, persona.Numbered{Text: v.Text, Created: v.At})
		}
		texts = append(texts, v.Text)
	}
	return texts, nil
}

// older reads a column's values of all times from the donors, with their dates
// and keys.
func (s *Seeder) older(p *supportdb.Part, c *supportdb.Column, l *lessons) []persona.Numbered {
	var out []persona.Numbered
	for i := range l.donors {
		for k := range l.donors[i].Items {
			it := &l.donors[i].Items[k]
			if it.Part != p.Name || it.Row.Get(c.Name).Text() == "" {
				continue
			}
			if at, ok := s.cfg.Desk.DateOf(p, &it.Row); ok {
				out = append(out, persona.Numbered{Text: it.Row.Get(c.Name).Text(), Created: at, ID: countedKey(p, &it.Row)})
			}
		}
	}
	return out
}

// countedKey is a row's key where that is one number; 0 when it is not, or not known.
func countedKey(p *supportdb.Part, r *supportdb.Row) int64 {
	if len(p.Key) != 1 || r.Get(p.Key[0]).Tied() {
		return 0
	}
	key, err := strconv.ParseInt(r.Get(p.Key[0]).Text(), 10, 64)
	if err != nil {
		return 0
	}
	return key
}

// values collects a column's values from the donors.
func (l *lessons) values(part, column string) []string {
	var out []string
	for i := range l.donors {
		for _, it := range l.donors[i].Items {
			if text := it.Row.Get(column).Text(); it.Part == part && text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// common reports whether more than one donor has a value, so that it identifies
// nobody.
func (l *lessons) common(part, column string, v supportdb.Value) bool {
	holders := 0
	for i := range l.donors {
		if slices.ContainsFunc(l.donors[i].Items, func(it supportdb.Item) bool { return it.Part == part && it.Row.Get(column).Equal(v) }) {
			holders++
		}
	}
	return holders > 1
}

// codes reports whether a text column holds codes that nobody shares: all
// different, nearly all of one length, without spaces.
func codes(c *supportdb.Column, values []string) bool {
	const few, short = 50, 8
	if !c.IsText() || len(values) < few {
		return false
	}
	seen, lengths := map[string]bool{}, map[int]int{}
	for _, v := range values {
		if seen[v] || len(v) < short || strings.ContainsAny(v, " \n@") {
			return false
		}
		seen[v] = true
		lengths[len(v)]++
	}
	for _, n := range lengths {
		if n*20 >= len(values)*19 {
			return true
		}
	}
	return false
}

func loginName(column string) bool {
	low := strings.ToLower(column)
	return strings.Contains(low, "login") || strings.Contains(low, "user") || strings.Contains(low, "nick")
}

// refuseShared refuses unique keys of several columns that would all be copied.
func refuseShared(p *supportdb.Part, named map[string]bool, l *lessons) error {
	t := p.Table
	for _, x := range t.Indexes {
		own := slices.ContainsFunc(x.Columns, func(name string) bool {
			c, ok := t.Column(name)
			return !ok || c.Auto || c.Generated || named[c.Name] || l.makers[makerOf(p, c)] != nil || p.IsTime(c)
		})
		if !x.Unique || own {
			continue
		}
		// A login that is unique in its realm (name, kind of log-in, server).
		if c, ok := t.Column(x.Columns[0]); ok && c.IsText() {
			l.makers[makerOf(p, c)] = &maker{used: map[string]int64{}, local: true}
			continue
		}
		return &supportdb.SchemaError{Table: t.Name, Column: strings.Join(x.Columns, "+"), Problem: "unique key " + x.Name + " has no column that is made new for a canary, so every copy of a donor would clash"}
	}
	return nil
}

// make makes a value that the table does not have.
func (c *composer) make(ctx context.Context, m *maker, where place) (supportdb.Value, error) {
	const tries = 60
	p, col, t := where.p, where.col, where.p.Table
	key := countedKey(p, &c.d.image.Items[where.n].Row)
	first, err := c.ofThen(ctx, m, where, key)
	if err != nil {
		return supportdb.Value{}, err
	}
	for try := range tries {
		text, ok := "", false
		switch {
		case try < len(first):
			text, ok = first[try], true
		case c.past != nil && try < tries/2:
			text, ok = m.among(c.rng, c.d.start, key)
		}
		if !ok {
			text, err = m.next(c.rng, c.d.id, c.d.start)
		}
		if err != nil {
			return supportdb.Value{}, fmt.Errorf("make a value for %s.%s: %w", t.Name, col.Name, err)
		}
		m.used[text] = key
		taken, err := c.s.cfg.Desk.Taken(ctx, recipe.Place{Part: p.Name, Column: col.Name}, []string{text})
		if err != nil {
			return supportdb.Value{}, err
		}
		if len(taken) == 0 {
			return supportdb.Text(text), nil
		}
	}
	return supportdb.Value{}, fmt.Errorf("make a value for %s.%s: %w", t.Name, col.Name, ErrClashes)
}

// ofThen lists values for a row that stands among older ones: that of its key,
// and those that a running counter has left out between the rows beside it.
func (c *composer) ofThen(ctx context.Context, m *maker, where place, key int64) ([]string, error) {
	if m.rule == nil || c.past == nil || key == 0 {
		return nil, nil
	}
	if text, ok := m.rule.OfKey(key, c.d.start); ok {
		return []string{text}, nil
	}
	if !m.rule.Running {
		return nil, nil
	}
	low, high, err := c.s.cfg.Desk.Beside(ctx, recipe.Place{Part: where.p.Name, Column: where.col.Name}, key)
	if err != nil {
		return nil, err
	}
	return m.between(c.rng, c.d.start, key, [2]supportdb.Neighbour{low, high}), nil
}

// between lists some numbers of a running counter between two, in any order: the
// one of the key where both go on with theirs.
func (m *maker) between(rng *rand.Rand, at time.Time, key int64, ends [2]supportdb.Neighbour) []string {
	const some = 10
	period, low, okLow := m.rule.Read(ends[0].Text)
	other, high, okHigh := m.rule.Read(ends[1].Text)
	if !okLow || !okHigh || period != other || high-low < 2 {
		return nil
	}
	if width := ends[1].Key - ends[0].Key; key > ends[0].Key && high-low == width {
		return []string{m.rule.Write(at, low+key-ends[0].Key)}
	}
	var out []string
	from := rng.Int64N(high - low - 1)
	for i := range min(high-low-1, some) {
		text := m.rule.Write(at, low+1+(from+i)%(high-low-1))
		if owner, used := m.used[text]; !used || owner == key && key > 0 {
			out = append(out, text)
		}
	}
	return out
}

// among draws a number of a running counter between those that were given before
// and after a moment.
func (m *maker) among(rng *rand.Rand, at time.Time, key int64) (string, bool) {
	if m.rule == nil || !m.rule.Running {
		return "", false
	}
	slices.SortFunc(m.all, func(a, b persona.Numbered) int { return a.Created.Compare(b.Created) })
	i, _ := slices.BinarySearchFunc(m.all, at, func(n persona.Numbered, at time.Time) int { return n.Created.Compare(at) })
	if i == 0 || i == len(m.all) {
		return "", false
	}
	some := m.between(rng, at, key, [2]supportdb.Neighbour{{Text: m.all[i-1].Text}, {Text: m.all[i].Text}})
	if len(some) == 0 {
		return "", false
	}
	return some[0], true
}

func (m *maker) next(rng *rand.Rand, id persona.Identity, at time.Time) (string, error) {
	used := func(text string) bool { _, there := m.used[text]; return there }
	switch {
	case m.local && !used(id.Local):
		return id.Local, nil
	case m.local:
		return fmt.Sprintf("%s%d", id.Local, rng.IntN(100)), nil
	case m.shape != nil:
		return m.shape.Draw(rng, used)
	}
	numbers, _, err := m.rule.Series(rng, m.last, []time.Time{at}, used)
	if err != nil {
		return "", err
	}
	return numbers[0], nil
}

// known reports whether a text is registered already, in whatever role.
func (s *Seeder) known(ctx context.Context, kind canary.Kind, text string) (bool, error) {
	canon, err := token.Canon(kind, text)
	if err != nil {
		return false, fmt.Errorf("%s token: %w", kind, err)
	}
	found, err := s.cfg.Ledger.KnownAmong(ctx, kind, []string{canon})
	return len(found) > 0, err
}
