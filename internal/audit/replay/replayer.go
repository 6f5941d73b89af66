package replay

import (
	"slices"
	"strings"
	"sync"
	"time"

	"saltmine/internal/audit/maybe"
	"saltmine/internal/canary"
)

const maxPlans = 8192

// maxWork is how many characters are worked out, each on one canary, before a
// statement is left at its upper bound.
const maxWork = 1 << 30

// toFile is where INTO OUTFILE puts rows.
const toFile = "file"

// Replayer replays statements. It may be used by several goroutines.
type Replayer struct {
	schema Schema
	book   *book
	others map[string]bool
	names  map[string]bool // of tables and columns

	mu     sync.Mutex
	views  map[string]string
	made   map[string]string // of these, by statements
	plans  map[planKey]*plan
	gone   map[string]bool         // tables that another may stand for by now
	copies map[string]map[int]bool // tables that hold copies, and of which canaries
	since  map[string]time.Time    // when the first of these may have come
	newest time.Time               // of since
	filled map[string]bool         // copies that changed and were not given out
}

// New makes a Replayer of a schema and of all canaries' rows.
func New(schema Schema, rows []Row) (*Replayer, error) {
	b, err := newBook(&schema)
	if err != nil {
		return nil, err
	}
	if err := b.fill(rows); err != nil {
		return nil, err
	}
	r := &Replayer{
		schema: schema, book: b, others: map[string]bool{}, names: map[string]bool{},
		views: map[string]string{}, made: map[string]string{}, plans: map[planKey]*plan{}, gone: map[string]bool{}, copies: map[string]map[int]bool{},
		since: map[string]time.Time{}, filled: map[string]bool{},
	}
	for _, name := range schema.Others {
		r.others[strings.ToLower(name)] = true
	}
	for name, text := range schema.Views {
		r.views[strings.ToLower(name)] = text
	}
	for name, t := range b.tables {
		r.names[name] = true
		for column := range t.columns {
			r.names[column] = true
		}
	}
	return r, nil
}

// Renew makes a Replayer of what stands now that goes on where r is: it knows the
// views and the copies that statements made.
func (r *Replayer) Renew(schema Schema, rows []Row) (*Replayer, error) {
	next, err := New(schema, rows)
	if err != nil {
		return nil, err
	}
	at := map[canary.ID]int{}
	for n, id := range next.book.ids {
		at[id] = n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, text := range r.made {
		next.views[name], next.made[name] = text, text
	}
	next.since, next.newest, next.filled = r.since, r.newest, r.filled
	for name, held := range r.copies {
		next.copies[name] = map[int]bool{}
		for n := range held {
			id := r.book.ids[n]
			m, there := at[id]
			if !there { // a copy outlives what it was made of
				m = next.book.add(id)
				at[id] = m
			}
			next.copies[name][m] = true
		}
	}
	return next, nil
}

// planKey is what a plan depends on.
type planKey struct {
	database, text string
	odd            bool
}

// run is one statement on one canary.
type run struct {
	book     *book
	canary   int
	saw      canary.Moment
	now, utc maybe.Value
	noViews  bool
	whole    *query // the query whose LIMIT took nothing away
	copies   map[string]map[int]bool
	world    map[rowOf]int // which version of a row it is, where it changed about then
	overflow bool
}

// count appends a row, up to a bound beyond which nothing is sure.
func (r *run) count(list []row, one row) []row {
	if len(list) >= maxRows {
		r.overflow = true
		return list
	}
	return append(list, one)
}

// ranNothing tells errors that come before the first row.
func ranNothing(code int) bool {
	switch code {
	case 1044, 1045, 1046, 1049, 1051, 1052, 1054, 1064, 1109, 1142, 1143, 1146, 1227, 1305, 1370:
		return true
	}
	return false
}

// Replay tells what a statement did to the canaries.
func (r *Replayer) Replay(s *Statement) Result {
	if s.Missing {
		return r.missing(s)
	}
	if ranNothing(s.Code) {
		return Result{Shape: lex(string(s.Text)).shape}
	}
	p := r.plan(s)
	out := Result{Shape: p.shape, CopyTo: p.copyTo, Why: p.why, Carries: p.carries}
	at := *s
	at.Saw.Earliest = r.Sees(s)
	r.judge(&at, p, &out)
	r.remember(s, p, &out)
	if len(out.Possible) == 0 {
		out.Why = ""
	}
	return out
}

// Follow takes in what a statement did to views, copies and names, when its answer is
// known already.
func (r *Replayer) Follow(s *Statement) {
	if p := r.plan(s); len(p.renames)+len(p.views)+len(p.fills) > 0 || p.copyTo != "" {
		r.Replay(s)
	}
}

// Sees is since when rows stood that a statement may have seen.
func (r *Replayer) Sees(s *Statement) time.Time {
	if s.Past || !s.Missing && r.plan(s).past {
		return time.Unix(0, 0)
	}
	return s.Saw.Earliest
}

// missing makes everybody possible whose rows stand in a table that was read.
func (r *Replayer) missing(s *Statement) (out Result) {
	copies, stands, held := r.held(s), s.Anything, map[int]bool{}
	for _, name := range s.Reads {
		rows, copied := r.at(s, name, copies)
		stands = stands || rows
		held = union(held, copied)
	}
	r.all(s, &out, stands)
	for n := range held {
		out.Possible = append(out.Possible, r.book.ids[n])
	}
	slices.Sort(out.Possible)
	out.Possible = slices.Compact(out.Possible)
	if len(out.Possible) > 0 {
		out.Why = "the statement is not in the log, only that it read a table of customers"
	}
	return out
}

func (r *Replayer) judge(s *Statement, p *plan, out *Result) {
	touched, known := r.touched(s, p)
	nothing := p.nothing || s.Sent == 0 && s.Code == 0 && !p.into
	shows := !p.mute
	if s.Truncated {
		out.Why, out.Carries = "the statement is cut off", nil
		nothing, shows = false, p.open()
	}
	switch {
	case nothing:
	case s.Truncated || p.query == nil:
		r.all(s, out, touched || !known && shows)
	default:
		r.each(s, p, known && !touched, out)
	}
}

// touched reports whether the log has the statement read a table with
// canaries' rows, and whether it has it read any.
func (r *Replayer) touched(s *Statement, p *plan) (touched, known bool) {
	names := s.Reads
	if p.shows || s.Truncated && p.first == "delete" {
		names = slices.Concat(s.Reads, s.Writes)
	}
	copies := r.held(s)
	for _, name := range names {
		rows, held := r.at(s, name, copies)
		touched = touched || rows || held != nil
	}
	return touched, len(names) > 0
}

// at tells whether a table that the log names is one with canaries' rows, and what
// it holds as a copy; nil is none.
func (r *Replayer) at(s *Statement, table string, copies map[string]map[int]bool) (rows bool, held map[int]bool) {
	database, name, qualified := strings.Cut(table, ".")
	if !qualified {
		database, name = s.Database, database
	}
	here := database == "" || strings.EqualFold(database, r.schema.Database)
	return here && r.book.tables[strings.ToLower(name)] != nil, copies[strings.ToLower(database+"."+name)]
}

// plan compiles a statement, or finds it compiled.
func (r *Replayer) plan(s *Statement) *plan {
	key := planKey{s.Database, string(s.Text), s.Odd}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plans[key]
	if p == nil {
		if len(r.plans) >= maxPlans {
			clear(r.plans)
		}
		p = r.compile(key.text, key.database, key.odd)
		r.plans[key] = p
	}
	return p
}

// all makes every canary possible that stood then.
func (r *Replayer) all(s *Statement, out *Result, reached bool) {
	if !reached {
		return
	}
	for n, tables := range r.book.rows {
		there := slices.ContainsFunc(tables, func(versions []version) bool {
			return slices.ContainsFunc(versions, func(v version) bool { return !v.window.Never() && overlaps(&v.window, s.Saw) })
		})
		if there {
			out.Possible = append(out.Possible, r.book.ids[n])
		}
	}
}

// each runs the query for every canary that can be in it.
func (r *Replayer) each(s *Statement, p *plan, noViews bool, out *Result) {
	clock := s.clock()
	base := run{
		book: r.book, saw: s.Saw, noViews: noViews, copies: r.held(s),
		now: seconds(wallClock(clock, s.Zone)), utc: seconds(wallClock(clock, time.UTC)),
	}
	if p.query.limit != nil && s.Sent >= 0 && s.Sent < number(p.query.limit) && !p.into {
		base.whole = p.query
	}
	visit := func(n int) {
		one := base
		one.canary = n
		if verdict := r.inWorlds(p.query, &one, s.Doubt || s.Code != 0); verdict.Sure() {
			out.Returned = append(out.Returned, r.book.ids[n])
		} else if verdict.May() {
			out.Possible = append(out.Possible, r.book.ids[n])
		}
	}
	found := r.candidates(p.query, base.copies)
	if len(found)*len(s.Text) > maxWork {
		for _, n := range found {
			out.Possible = append(out.Possible, r.book.ids[n])
		}
		out.Why = "the statement is too long"
		return
	}
	for _, n := range found {
		visit(n)
	}
	out.Limit = p.query.most
	if out.Why = p.query.unsure; out.Why == "" {
		out.Why = "what is not known decides"
	}
}

// candidates narrows down whom to look at.
func (r *Replayer) candidates(q *query, copies map[string]map[int]bool) []int {
	found := r.book.everyone
	if slices.ContainsFunc(q.others, func(name string) bool { return len(copies[name]) > 0 }) {
		return found
	}
	for _, p := range q.points {
		if here := r.book.indexes[p.at].find(p); len(here) < len(found) {
			found = here
		}
	}
	return found
}

// verdict is True, Either or False.
func (r *Replayer) verdict(q *query, one *run, doubt bool) maybe.Truth {
	best := maybe.False
	for _, row := range q.rows(&frame{run: one, alone: true}, false) {
		switch {
		case !row.mine || !row.there.May():
		case row.there.Sure() && !doubt:
			best = maybe.True
		case best != maybe.True:
			best = maybe.Either
		}
	}
	if one.overflow && best == maybe.False {
		return maybe.Either
	}
	return best
}
