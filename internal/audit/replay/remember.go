package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"saltmine/internal/canary"
)

// remember keeps the views, the copies and the names that a statement made.
func (r *Replayer) remember(s *Statement, p *plan, out *Result) {
	if len(p.renames)+len(p.views) == 0 && p.copyTo == "" && (p.nothing || len(p.fills) == 0) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	copies := maps.Clone(r.copies) // runs have the old one
	if s.Code == 0 {
		r.define(s, p)
		for _, names := range p.renames {
			r.rename(copies, r.full(s.Database, names[0]), r.full(s.Database, names[1]))
		}
	}
	to := p.fills
	if p.copyTo != "" {
		to = append(slices.Clone(to), p.copyTo)
	}
	for _, name := range to {
		r.fill(copies, r.full(s.Database, name), p, s.Code, out)
	}
	for name, held := range copies {
		if len(held) > len(r.copies[name]) {
			r.filled[name] = true
			r.came(name, s.Began.Earliest)
		}
	}
	r.copies = copies
}

// fill notes what a table holds now. A statement that fails in the middle leaves
// copies, too.
func (r *Replayer) fill(copies map[string]map[int]bool, table string, p *plan, code int, out *Result) {
	if name, ok := r.ours(table); ok && r.book.tables[name] != nil {
		return // its rows are looked at
	}
	if len(out.Returned)+len(out.Possible) > 0 || p.copyTo != "" && code == 0 {
		copies[table] = r.joined(copies[table], out)
	}
	if held := copies[toFile]; p.first == "load" && held != nil {
		copies[table] = union(copies[table], held)
	}
}

// full is a table's name with its database's.
func (r *Replayer) full(database, name string) string {
	if name == toFile || strings.Contains(name, ".") {
		return name
	}
	return strings.ToLower(database) + "." + name
}

// ours is a name without the database, where that is the one with canaries.
func (r *Replayer) ours(full string) (name string, ok bool) {
	database, name, _ := strings.Cut(full, ".")
	return name, database == strings.ToLower(cmp.Or(r.schema.Database, database)) || database == ""
}

// define takes in what became of views. One that is not understood may show
// anything.
func (r *Replayer) define(s *Statement, p *plan) {
	for _, view := range p.views {
		name, ok := r.ours(r.full(s.Database, view))
		if !ok {
			continue
		}
		clear(r.plans)
		delete(r.views, name)
		delete(r.made, name)
		delete(r.others, name)
		if p.view[0] == view && strings.EqualFold(s.Database, r.schema.Database) && p.why == "" {
			r.views[name], r.made[name] = p.view[1], p.view[1]
		}
	}
}

// rename gives what is held under one name another one.
func (r *Replayer) rename(copies map[string]map[int]bool, from, to string) {
	clear(r.plans)
	held := copies[from]
	if name, ok := r.ours(from); ok {
		if r.book.tables[name] != nil {
			held = union(held, r.everyone())
			r.gone[name] = true
		} else if held == nil && !r.others[name] {
			held = r.everyone() // a view
		}
	}
	if held == nil {
		return
	}
	copies[to] = union(copies[to], held)
	if name, ok := r.ours(to); ok {
		delete(r.views, name)
		delete(r.made, name)
	}
}

func (r *Replayer) everyone() map[int]bool {
	held := map[int]bool{}
	for n := range r.book.ids {
		held[n] = true
	}
	return held
}

func union(a, b map[int]bool) map[int]bool {
	both := map[int]bool{}
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
}

// joined adds those that a statement carried to what a table held.
func (r *Replayer) joined(before map[int]bool, out *Result) map[int]bool {
	carried := map[canary.ID]bool{}
	for _, id := range slices.Concat(out.Returned, out.Possible) {
		carried[id] = true
	}
	held := union(before, nil)
	for n, id := range r.book.ids {
		if carried[id] {
			held[n] = true
		}
	}
	return held
}
