package forensics

import (
	"cmp"
	"slices"
	"strings"

	"saltmine/internal/canary"
)

// roll is the known extracts that are valid, and the order that they have by themselves:
// by time, whatever the order of the question's list.
type roll struct {
	extracts []*canary.Extract
	unusable int
	order    []int32  // of extracts
	taken    []int64  // by place in order: the latest time at which it was taken
	actors   []int32  // by place in order: the actor
	names    []string // by actor
}

// enrol passes over those that are not valid.
func (r *roll) enrol(list []canary.Extract) {
	r.extracts = make([]*canary.Extract, 0, len(list))
	for i := range list {
		if e := &list[i]; e.Validate() == nil {
			r.extracts = append(r.extracts, e)
		}
	}
	r.unusable = len(list) - len(r.extracts)
}

// sort puts them in their order, and numbers their actors.
func (r *roll) sort() {
	type dated struct {
		at int64
		n  int32
	}
	list := make([]dated, len(r.extracts))
	for n, e := range r.extracts {
		list[n] = dated{e.Taken.Latest.UnixMicro(), int32(n)}
	}
	slices.SortFunc(list, func(a, b dated) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		x, y := r.extracts[a.n], r.extracts[b.n]
		return cmp.Or(
			strings.Compare(string(x.ID), string(y.ID)), strings.Compare(x.Actor, y.Actor), x.Taken.Earliest.Compare(y.Taken.Earliest),
			cmp.Compare(x.Place, y.Place), cmp.Compare(x.Segment, y.Segment), cmp.Compare(x.Rows, y.Rows), slices.Compare(x.Held, y.Held),
		)
	})
	r.order, r.taken, r.actors = make([]int32, len(list)), make([]int64, len(list)), make([]int32, len(list))
	numbers := map[string]int32{}
	for i, d := range list {
		actor := r.extracts[d.n].Actor
		a, known := numbers[actor]
		if !known {
			a = int32(len(r.names)) //nolint:gosec // fewer than extracts
			numbers[actor] = a
			r.names = append(r.names, actor)
		}
		r.order[i], r.taken[i], r.actors[i] = d.n, d.at, a
	}
}
