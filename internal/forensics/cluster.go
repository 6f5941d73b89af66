package forensics

import (
	"cmp"
	"slices"

	"saltmine/internal/canary"
)

// cluster is what was contacted of one record at one time, which says once who had
// the record, however many of its tokens were reached.
type cluster struct {
	spans  map[part][]span
	at     int64
	source string
	weight float64 // in days
	found  bool    // in a file
	units  []int
}

// cluster joins hits on one record that may be of one copy of it.
func (w *weighing) cluster(q *Question) {
	best := earliest(q.Hits)
	of := map[int][]*cluster{}
	for i, h := range w.ix.hits {
		one := best[h.Token]
		c := &cluster{spans: map[part][]span{}, at: canary.Micro(one.At).UnixMicro(), source: one.Source, weight: one.weight(), found: one.Channel == canary.Dump}
		for _, l := range h.lies {
			if s := (span{l.hull.from, min(l.hull.until, c.at)}); !s.empty() {
				p := part{w.ix.area(l.place, l.segment), int32(w.ix.canary(l.canary))} //nolint:gosec // fewer than windows
				c.spans[p] = append(c.spans[p], s)
			}
		}
		n := w.ix.ofHit[i]
		if len(c.spans) > 0 && !slices.ContainsFunc(of[n], func(old *cluster) bool { return old.join(c) }) {
			of[n] = append(of[n], c)
			w.clusters = append(w.clusters, c)
		}
	}
}

// weaker is how many times less a contact tells than another where it is left out
// beside it: it may be a stranger's, who came before the leak.
const weaker = 100

// telling leaves out contacts beside which another with the same token tells far more:
// spam that reached an address early must not say that the row was known by then.
func telling(hits []Hit) []Hit {
	most := map[canary.TokenID]float64{}
	for i := range hits {
		most[hits[i].Token] = max(most[hits[i].Token], hits[i].weight())
	}
	return slices.DeleteFunc(slices.Clone(hits), func(h Hit) bool { return h.weight()*weaker <= most[h.Token] })
}

// few leaves so many of the records that were hit that an answer comes while somebody
// waits for it. The others count as not contacted, as they would if fewer had been.
func (w *weighing) few() {
	n := len(w.clusters)
	if n <= mostWeighed {
		return
	}
	list := make([]*cluster, 0, mostWeighed)
	for i := range mostWeighed {
		list = append(list, w.clusters[i*n/mostWeighed])
	}
	w.clusters, w.left = list, n-mostWeighed
}

// earliest gives of each token the contact that came first.
func earliest(hits []Hit) map[canary.TokenID]*Hit {
	out := map[canary.TokenID]*Hit{}
	for i := range hits {
		h := &hits[i]
		if old := out[h.Token]; old == nil || cmp.Or(h.At.Compare(old.At), cmp.Compare(h.Contact, old.Contact), cmp.Compare(old.weight(), h.weight())) < 0 {
			out[h.Token] = h
		}
	}
	return out
}

// weight is how much better a leak explains a contact than noise, in days.
func (h *Hit) weight() float64 {
	rate := cmp.Or(h.Noise, noiseUnknown)
	return max(h.Content, 1) * daysOfYear / rate
}

// join takes another hit of the same record in, where both can be of one copy.
func (c *cluster) join(other *cluster) bool {
	both := map[part][]span{}
	for p, list := range c.spans {
		for _, x := range list {
			for _, y := range other.spans[p] {
				if s := (span{max(x.from, y.from), min(x.until, y.until)}); !s.empty() {
					both[p] = append(both[p], s)
				}
			}
		}
	}
	if len(both) == 0 {
		return false
	}
	c.spans = both
	c.learn(other)
	return true
}

// learn takes in what another hit of the same record tells of time and sender.
func (c *cluster) learn(other *cluster) {
	switch {
	case c.weight*weaker <= other.weight:
		c.at, c.weight, c.source, c.found = other.at, other.weight, other.source, other.found
	case other.weight*weaker <= c.weight:
	case c.found && !other.found: // when it was contacted tells more than that it was found
		c.at, c.source, c.found = other.at, other.source, false
		c.weight = max(c.weight, other.weight)
	case other.found && !c.found:
		c.weight = max(c.weight, other.weight)
	default:
		c.at, c.weight = min(c.at, other.at), max(c.weight, other.weight)
	}
}
