package posterior

import (
	"math"
	"slices"
)

// singles weighs every extract by itself.
func (m *model) singles() []theory {
	list := make([]theory, len(m.Extracts))
	names := make([]int32, len(m.Extracts))
	for e := range names {
		names[e] = int32(e)
	}
	before := math.Log(priorSingle) - math.Log(m.total)
	m.each(len(list), func(_ *scratch, e int) {
		list[e] = theory{
			kind: single, extracts: names[e : e+1 : e+1], at: m.Extracts[e].At, set: m.fits[e],
			prior: before + math.Log(m.weights[e]),
		}
	})
	m.glanceAt(list)
	m.silent(list)
	near := best(list, m.most(exactly))
	m.each(len(near), func(s *scratch, i int) { list[near[i]].like = s.weigh(&list[near[i]], m.likelihood) })
	m.meet(list)
	m.temper(list)
	return list
}

// apart is how much better an extract may do than the one that explains the same with
// the fewest silent tokens: by its time.
const apart = 30

// glanceAt weighs by and large those that explain something: of those that explain the
// same first the one with the fewest silent tokens, and the others only where that one
// says something. Of a million extracts few are left.
func (m *model) glanceAt(list []theory) {
	least := slices.Repeat([]int{-1}, len(m.sets))
	for e := range list {
		if x, old := &m.Extracts[e], least[list[e].set]; old < 0 || len(x.Held)+x.More < len(m.Extracts[old].Held)+m.Extracts[old].More {
			least[list[e].set] = e
		}
	}
	like := make([]float64, len(m.sets))
	m.each(len(like), func(s *scratch, set int) {
		if e := least[set]; e >= 0 && set != 0 {
			like[set] = s.weigh(&list[e], m.rough)
		}
	})
	top := math.Inf(-1)
	for set, e := range least {
		if e >= 0 && set != 0 {
			top = max(top, list[e].prior+like[set])
		}
	}
	m.each(len(list), func(s *scratch, e int) {
		t := &list[e]
		if t.set == 0 {
			return
		}
		t.like = like[t.set]
		if e != least[t.set] && t.log() > top-faint-apart {
			t.like = s.weigh(t, m.rough)
		}
	})
}

// exactly is of how many extracts the whole integral is taken; of the others a few
// points of it tell enough.
const exactly = 600

// silent weighs those that explain nothing: as good for all extracts of a day that
// held about as much.
func (m *model) silent(list []theory) {
	type sort struct{ day, size int }
	known := map[sort]float64{}
	const fine = 16 // sizes are told apart by 4 %, and below as many by one
	for e := range list {
		if list[e].set != 0 {
			continue
		}
		ev := m.alone(e)
		key := sort{int(math.Floor(ev.from)), int(ev.silent)}
		if ev.silent > fine {
			key.size = int(math.Round(fine * math.Log2(ev.silent)))
			ev.silent = math.Exp2(float64(key.size) / fine)
		}
		like, ok := known[key]
		if !ok {
			ev.from = float64(key.day) + .5
			like = m.likelihood(&ev)
			known[key] = like
		}
		list[e].like = like
	}
}

// alone is what an extract has to explain by itself.
func (m *model) alone(e int) evidence {
	x := &m.Extracts[e]
	ev := evidence{from: x.At, hits: m.sets[m.fits[e]]}
	ev.silent = float64(max(len(x.Held)+x.More-len(ev.hits), 0))
	return ev
}

// others weighs those that explain nothing: any of them, and all that one of their
// actors took.
func (m *model) others() (list []theory) {
	likes := make([]float64, len(m.Others))
	m.each(len(likes), func(_ *scratch, i int) {
		o := &m.Others[i]
		likes[i] = m.likelihood(&evidence{from: o.At, silent: o.Holds})
	})
	for i, o := range m.Others {
		if o.Weight > 0 {
			list = append(list, theory{kind: single, at: o.At, prior: math.Log(priorSingle * o.Weight / m.total), like: likes[i]})
		}
		if o.Actors > 0 {
			list = append(list, theory{kind: union, at: o.At, prior: math.Log(priorUnion * o.Actors / m.allActors), like: likes[i]})
		}
	}
	return list
}
