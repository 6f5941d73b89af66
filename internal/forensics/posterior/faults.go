package posterior

import (
	"cmp"
	"math"
	"slices"
)

// Of lists that are nearly the same, which are of one report, what one lacks that it
// could have had tells how many faults lists have: in the worlds made for it .000 to .01
// of what they held where there are none, .04 to .06 and .14 to .16 of lists made to
// lack 5 and 15 %.
const (
	compared   = 400 // so many lists are compared,
	companions = 10  // each with as many of those that are nearly the same,
	shortest   = 8   // if they have no fewer canaries,
	nearly     = .6  // which have at least so much of each other's
)

// fault is what lists lack, and how probable that is before any are compared.
type fault struct{ share, p float64 }

// faults are what may be; the first stands for none.
func faults() []fault {
	return []fault{
		{.002, .65}, {.01, .03}, {.02, .03}, {.04, .04}, {.06, .04}, {.08, .04}, {.11, .05}, {.15, .05}, {.2, .04},
	}
}

// trust compares lists, and says how probable it is that they have faults, and how much
// they lack then. How many of those that are nearly the same are of one report nobody
// knows: of reports by a range of days, say, many share much and are not the same.
func (m *model) trust() {
	with := m.companions()
	all := faults()
	logs := make([]float64, len(all))
	for i, f := range all {
		var sums [4]float64 // by how many are of one report
		for _, list := range with {
			for _, l := range list {
				same, other := l.chances(f.share)
				for k, p := range [len(sums)]float64{.05, .2, .5, .8} {
					// Pairs of lists that are all alike are no more than a few independent ones.
					sums[k] += math.Log(p*same+(1-p)*other) / float64(2*len(list))
				}
			}
		}
		logs[i] = math.Log(f.p) + logSum(sums[:])
	}
	top := slices.Max(logs[1:])
	var some, share float64
	for i, f := range all[1:] {
		p := math.Exp(logs[i+1] - top)
		some += p
		share += p * f.share
	}
	m.missing = share / some
	m.unreliable = 1 / (1 + math.Exp(logs[0]-top)/some)
}

// lacking is how much lists lack, if it is more probable than not that they do.
func (m *model) lacking() float64 {
	if m.unreliable <= .5 {
		return 0
	}
	return m.missing
}

// likeness is what one list has of another that stood when it was made, and lacks of it;
// ways is the logarithm of in how many ways it may lack so much.
type likeness struct{ has, lacks, ways float64 }

// chances are how probable that is of two lists of one report that lack a share, and of
// any two.
func (l *likeness) chances(share float64) (same, other float64) {
	return math.Exp(l.ways + l.lacks*math.Log(share) + l.has*math.Log1p(-share)), 1 / ((1-nearly)*(l.has+l.lacks) + 1)
}

// companions compares some lists with those that are nearly the same.
func (m *model) companions() [][]likeness {
	var lists []int32
	for e := range m.Extracts {
		if x := &m.Extracts[e]; !x.Whole && x.More == 0 && shortest <= len(x.Held) && len(x.Held) <= longList {
			lists = append(lists, int32(e))
		}
	}
	some := m.sample(lists)
	with := m.meetings(some, lists)
	out := make([][]likeness, len(some))
	m.each(len(some), func(_ *scratch, i int) {
		for _, o := range with[i] {
			if l, alike := m.alike(some[i], o); alike && len(out[i]) < companions {
				out[i] = append(out[i], l)
			}
		}
	})
	return out
}

// meetings gives by list of a sample those that may be alike.
func (m *model) meetings(some, lists []int32) [][]int32 {
	// Which lists may be alike is told by a few canaries of each.
	want := make([][]int32, len(m.Tokens))
	for i, e := range some {
		held := m.Extracts[e].Held
		for k := range few {
			t := held[k*len(held)/few]
			want[t] = append(want[t], int32(i))
		}
	}
	found := make([][]int32, len(lists)) // by list: of the sample
	m.each(len(lists), func(_ *scratch, i int) {
		met := map[int32]int{}
		for _, t := range m.Extracts[lists[i]].Held {
			for _, w := range want[t] {
				if met[w]++; met[w] == nearlyAll && some[w] != lists[i] {
					found[i] = append(found[i], w)
				}
			}
		}
	})
	with := make([][]int32, len(some))
	for i, list := range found {
		for _, w := range list {
			with[w] = append(with[w], lists[i])
		}
	}
	return with
}

// nearlyAll of the few that are looked up.
const nearlyAll = 5

// sample takes some of the extracts, whatever order they are in.
func (m *model) sample(lists []int32) []int32 {
	slices.SortFunc(lists, func(a, b int32) int {
		x, y := &m.Extracts[a], &m.Extracts[b]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(len(x.Held), len(y.Held)), slices.Compare(x.Held, y.Held))
	})
	if len(lists) <= compared {
		return lists
	}
	out := make([]int32, compared)
	for i := range out {
		out[i] = lists[i*len(lists)/compared]
	}
	return out
}

// alike compares what two extracts have of what stood at both times: how much the first
// has of the other's, and whether each has most of it.
func (m *model) alike(e, o int32) (l likeness, alike bool) {
	x, y := &m.Extracts[e], &m.Extracts[o]
	var mine, n float64
	for _, t := range x.Held {
		if m.readable(t, y.At) {
			mine++
		}
	}
	for _, t := range y.Held {
		if !m.readable(t, x.At) {
			continue
		}
		n++
		if _, both := slices.BinarySearch(x.Held, t); both {
			l.has++
		}
	}
	l.lacks = n - l.has
	all, _ := math.Lgamma(n + 1)
	has, _ := math.Lgamma(l.has + 1)
	lacks, _ := math.Lgamma(l.lacks + 1)
	l.ways = all - has - lacks
	return l, l.has >= enough && l.has >= nearly*n && l.has >= nearly*mine
}

// enough is how much two lists must have in common to be compared.
const enough = 5

// readable reports whether a token could be read at a time.
func (m *model) readable(token int32, at Day) bool {
	t := &m.Tokens[token]
	return t.From <= at && at < t.Until
}
