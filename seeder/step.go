package seeder

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// step is what happens in a canary's life in one run.
type step struct {
	c        *living
	image    supportdb.Image // the rows with it
	life     life
	changes  []supportdb.Change
	tokens   []canary.DatedToken
	placebos []canary.Token
	tickets  int
	first    time.Time // date of the first new row
}

func (st *step) empty() bool {
	return len(st.changes) == 0 && len(st.image.Items) == len(st.c.image.Items)
}

// announced is the amendment that registers a step before it is taken.
func (st *step) announced() (canary.Amendment, error) {
	rows, err := st.image.Encode()
	encoded, err2 := st.life.encode()
	return canary.Amendment{Canary: st.c.p.ID, Rows: rows, Life: encoded, Tokens: st.tokens, Placebos: st.placebos}, errors.Join(err, err2)
}

// clone copies a life so that a step can change it.
func (l *life) clone() life {
	out := *l
	out.Left, out.Undo = slices.Clone(l.Left), nil
	out.Follows = slices.Clone(l.Follows)
	for i := range out.Follows {
		out.Follows[i].Rows = maps.Clone(l.Follows[i].Rows)
	}
	return out
}

// plan finds what the canary's leads did since the last step.
func (r *liveRun) plan(ctx context.Context, c *living, leads map[string]*supportdb.Record) (*step, error) {
	st := &step{c: c, image: c.image.Clone(), life: c.life.clone()}
	for n := range st.life.Follows {
		lead := leads[st.life.Follows[n].Lead]
		if lead == nil { // gone: somebody else leads on, from the next run
			c.moved = c.moved || st.life.Follows[n].New
			st.life.Follows[n].New, c.life.Follows[n].New = false, false
			continue
		}
		if err := r.follow(ctx, st, &st.life.Follows[n], lead); err != nil {
			return nil, err
		}
	}
	if peer := leads[c.life.Peer]; peer != nil {
		r.mirror(st, peer)
	} else if c.life.Peer != "" {
		c.life.Peer, st.life.Peer, c.moved = "", "", true
	}
	c.moved = c.moved || len(st.life.Left) > len(c.life.Left)
	c.life.Left = st.life.Left
	if st.empty() {
		return st, nil
	}
	st.life.Pending, st.life.Since, st.life.Until = true, c.life.Until, r.now
	if err := r.number(ctx, st); err != nil {
		return nil, err
	}
	return st, nil
}

// dates moves a lead's dates to the canary. What happened since the last step
// happens between the table's newest row and now, in its order; what lies ahead,
// such as an expiry, keeps its distance.
func (r *liveRun) dates(c *living, shift time.Duration) func(time.Time) time.Time {
	until := c.life.Until
	low := r.low
	if low.Before(until) {
		low = until
	}
	span, room, off := r.now.Sub(until), r.now.Sub(low), wander(c.p.ID, until)
	return func(t time.Time) time.Time {
		at := t.Add(shift)
		switch {
		case !at.After(until) || at.After(r.now) || span <= 0:
			return at
		case room <= 0:
			return r.now
		}
		moved := low.Add(time.Duration(float64(at.Sub(until)) / float64(span) * float64(room))).Add(-off)
		if moved.Before(low) {
			return low
		}
		return moved.Truncate(time.Second).Add(time.Duration(t.Nanosecond()))
	}
}

// wander keeps copies from standing at the very second of what they copy. All
// of one step go by the same way, so that they stay in order.
func wander(id canary.ID, at time.Time) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(string(id) + at.Format(time.RFC3339))) // it never fails
	return time.Duration(h.Sum64()%20) * time.Second
}

// follow adds to a step what one lead did.
func (r *liveRun) follow(ctx context.Context, st *step, f *follow, lead *supportdb.Record) error {
	asOf, since := r.now.Add(-f.Shift), st.c.life.Until.Add(-f.Shift)
	then := r.young.asOf(lead, asOf)
	w := walk{r: r, st: st, f: f, lead: lead, then: &then, since: since, asOf: asOf, dates: r.dates(st.c, f.Shift)}
	w.match()
	for n := range then.Items {
		if own, known := w.own[n]; known && st.c.image.OfTicket(own) {
			w.evolve(n, own)
		}
	}
	return w.grow(ctx)
}

// walk is one lead's life on its way into a step.
type walk struct {
	r           *liveRun
	st          *step
	f           *follow
	lead        *supportdb.Record
	then        *supportdb.Record // the lead as of asOf, in its own time
	since, asOf time.Time
	dates       func(time.Time) time.Time
	own         map[int]int // number of the canary's row by that of the lead's
	fresh       []int       // of the lead's rows that the canary has not
}

// match finds which rows the canary has already, and which are to come.
func (w *walk) match() {
	back := map[string]int{}
	for n, key := range w.f.Rows {
		back[key] = n
	}
	w.own = map[int]int{}
	added := map[int]bool{}
	for n := range w.then.Items {
		it := &w.then.Items[n]
		p := w.r.s.cfg.Desk.Part(it.Part)
		if own, known := back[rowKey(p, &it.Row)]; known {
			w.own[n] = own
			continue
		}
		own, has := w.own[it.Of]
		made, dated := w.r.s.cfg.Desk.DateOf(p, &it.Row)
		due := dated && made.After(w.since) && (w.f.New || has && w.st.c.image.OfTicket(own))
		if added[it.Of] || has && due && !w.leave(own) {
			added[n] = true
			w.fresh = append(w.fresh, n)
		}
	}
}

// leave reports whether a row is not to be touched: others have changed the
// ticket that it belongs to.
func (w *walk) leave(own int) bool {
	c := w.st.c
	ticket := own
	for ticket >= 0 && c.image.Items[ticket].Part != recipe.TicketPart {
		ticket = c.image.Items[ticket].Of
	}
	if ticket < 0 {
		return false // the customer's
	}
	if slices.Contains(w.st.life.Left, ticket) {
		return true
	}
	row := w.r.s.cfg.Desk.Stands(&c.image, c.keys, ticket, c.row)
	column := w.r.guardOf(&c.image, ticket)
	f := Finding{Problem: Edited, Kind: canary.Ticket, Column: column, Detail: "others have changed the ticket: it is left alone from now on"}
	switch {
	case row == nil:
		f = Finding{Problem: Deleted, Kind: canary.Ticket, Detail: "the ticket's row is gone"}
	case row.Get(column).Equal(c.image.Items[ticket].Row.Get(column)) || c.image.Items[ticket].Row.Get(column).Tied():
		return false
	}
	w.st.life.Left = append(w.st.life.Left, ticket)
	w.r.find(c, f)
	return true
}

// guardOf is the column that must hold its old value for a row to be changed:
// that of the last change, which others move with every change of theirs, or
// the state, or the first that is no reference.
func (r *liveRun) guardOf(i *supportdb.Image, n int) string {
	it := &i.Items[n]
	desk := r.s.cfg.Desk
	var words []recipe.Place
	for _, word := range []string{"updated", "status"} {
		if at, ok := desk.TicketFact(word); ok {
			words = append(words, at)
		}
	}
	if at, ok := desk.Fact("updated"); ok {
		words = append(words, at)
	}
	if at, ok := desk.Fact("email"); ok {
		words = append(words, at)
	}
	for _, at := range words {
		if v := it.Row.Get(at.Column); at.Part == it.Part && !v.IsNull() && !v.Tied() {
			return at.Column
		}
	}
	return desk.Part(it.Part).Key[0]
}

// evolve changes a row as the lead's has changed: dates that came, and the state
// once the lead's row came to rest.
func (w *walk) evolve(n, own int) {
	p := w.r.s.cfg.Desk.Part(w.then.Items[n].Part)
	changed, dated := w.r.s.updated(p, &w.then.Items[n].Row)
	rests := dated && changed.After(w.since) && !changed.After(w.asOf) && w.settledAt(n, changed)
	var set supportdb.Row
	for k := range p.Table.Columns {
		col := &p.Table.Columns[k]
		if v, changes := w.evolved(n, own, col, rests); changes {
			set.Set(col.Name, v)
		}
	}
	if len(set.Columns) > 0 && !w.leave(own) {
		w.r.change(w.st, own, set)
	}
}

// evolved is what a column of a row becomes, if the lead's has changed it.
func (w *walk) evolved(n, own int, col *supportdb.Column, rests bool) (v supportdb.Value, changes bool) {
	it := &w.then.Items[n]
	p := w.r.s.cfg.Desk.Part(it.Part)
	v = it.Row.Get(col.Name)
	if t, ok := p.ParseTime(col.Name, v); ok && p.IsTime(col) {
		return p.FormatTime(col, w.dates(t)), t.After(w.since) && !t.After(w.asOf)
	}
	has := w.st.image.Items[own].Row.Get(col.Name)
	return v, rests && w.r.young.follows(recipe.Place{Part: p.Name, Column: col.Name}, has)
}

// settledAt reports whether the lead's row itself, and not what hangs on it,
// was last changed then: only what it is now is known, not what it was before.
func (w *walk) settledAt(n int, changed time.Time) bool {
	key := rowKey(w.r.s.cfg.Desk.Part(w.then.Items[n].Part), &w.then.Items[n].Row)
	for i := range w.lead.Items {
		it := &w.lead.Items[i]
		p := w.r.s.cfg.Desk.Part(it.Part)
		if p.Name == w.then.Items[n].Part && rowKey(p, &it.Row) == key {
			last, ok := w.r.s.updated(p, &it.Row)
			return ok && last.Equal(changed)
		}
	}
	return false
}

// change adds the UPDATE of one row to a step, without what stands already.
func (r *liveRun) change(st *step, own int, set supportdb.Row) {
	c, desk := st.c, r.s.cfg.Desk
	row := desk.Stands(&c.image, c.keys, own, c.row)
	if row == nil {
		return
	}
	var need supportdb.Row
	for i, column := range set.Columns {
		was := c.image.Items[own].Row.Get(column)
		if was.Tied() || set.Values[i].Equal(row.Get(column)) {
			continue
		}
		need.Set(column, set.Values[i])
		st.life.Undo = append(st.life.Undo, undo{own, column, was})
		st.image.Items[own].Row.Set(column, set.Values[i])
	}
	if len(need.Columns) == 0 {
		return
	}
	guard := r.guardOf(&c.image, own)
	st.changes = append(st.changes, supportdb.Change{Part: c.image.Items[own].Part, Key: c.keys.Rows[own], Guard: guard, Old: row.Get(guard), Set: need})
}

// mirror moves the dates of the canary's own row as those of its peer moved.
func (r *liveRun) mirror(st *step, peer *supportdb.Record) {
	c, desk := st.c, r.s.cfg.Desk
	p := desk.Part(recipe.CustomerPart)
	created, _ := desk.Fact("created")
	own, row := c.image.Customer(), &peer.Items[peer.Customer()].Row
	dates := r.dates(c, 0)
	var set supportdb.Row
	for k := range p.Table.Columns {
		col := &p.Table.Columns[k]
		t, ok := p.ParseTime(col.Name, row.Get(col.Name))
		if !ok || !p.IsTime(col) || col.OnUpdate || created.Part == p.Name && created.Column == col.Name {
			continue
		}
		if t.After(c.life.Until) && !t.After(r.now) {
			set.Set(col.Name, p.FormatTime(col, dates(t)))
		}
	}
	if len(set.Columns) > 0 {
		r.change(st, own, set)
	}
}
