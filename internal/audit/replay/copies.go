package replay

import (
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// Copies gives the tables that hold copies of canaries' rows by what statements did, as far
// as they changed since the last time, so that another process can [Replayer.Learn] them.
func (r *Replayer) Copies() (list []canary.Copy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.filled)) {
		c := canary.Copy{Table: name, Since: r.since[name]}
		for n := range r.copies[name] {
			c.Held = append(c.Held, r.book.ids[n])
		}
		slices.Sort(c.Held)
		list = append(list, c)
	}
	clear(r.filled)
	return list
}

// Learn takes in what tables hold by what statements of the past did. It is not called
// while a statement is worked out.
func (r *Replayer) Learn(list []canary.Copy) {
	at := map[canary.ID]int{}
	for n, id := range r.book.ids {
		at[id] = n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	copies := maps.Clone(r.copies) // runs have the old one
	for _, c := range list {
		held := union(copies[c.Table], nil)
		for _, id := range c.Held {
			n, known := at[id]
			if !known {
				n = r.book.add(id)
				at[id] = n
			}
			held[n] = true
		}
		copies[c.Table] = held
		r.came(c.Table, c.Since)
	}
	r.copies = copies
}

// came notes since when a table may hold copies.
func (r *Replayer) came(name string, at time.Time) {
	if before, known := r.since[name]; known && !at.Before(before) {
		return
	}
	r.since[name] = at
	if at.After(r.newest) {
		r.newest = at
	}
}

// held is what copies hold, as it is now, but for those that came after a statement.
func (r *Replayer) held(s *Statement) map[string]map[int]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.Saw.Latest.Before(r.newest) {
		return r.copies
	}
	out := map[string]map[int]bool{}
	for name, held := range r.copies {
		if !s.Saw.Latest.Before(r.since[name]) {
			out[name] = held
		}
	}
	return out
}
