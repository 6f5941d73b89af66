package persona

import "math"

// mixing says how the full names of a group are made: with probability fresh
// they are put together anew, else they are names that occur.
type mixing struct {
	fresh   float64
	several float64 // of those that occur, the share that several people have
	walk    bool    // names are put together by a walk, not each for itself
	concord concord
}

// mix settles how often a full name is a new one: as often as somebody in the
// table has a name that nobody else there has. Put-together names that occur,
// or whose halves do not agree, are dropped after the draw; so they are drawn
// more often.
func (m *Mix) mix(g *group) mixing {
	unique, n := float64(len(g.few[1])), float64(len(g.whole))
	if unique < 2 {
		return mixing{several: 1}
	}
	names := m.fullNames(g)
	alone := m.stillAlone(&names)
	x := mixing{walk: m.clannish(g), several: 1}
	if kept := unique * (1 - alone); kept > 0 {
		x.several = float64(len(g.multi)) / (float64(len(g.multi)) + kept)
	}
	if m.survive(g, &x) < 0.1 {
		x.walk = false
	}
	x.concord = m.concordOf(g, x.walk)
	good := m.survive(g, &x)
	want := unique / n * alone
	x.fresh = want / good / (want/good + 1 - want)
	return x
}

// clannish reports whether first and last names of a group depend on each other
// (people of several origins live in one country): then full names coincide
// more often than each half for itself would have it.
func (m *Mix) clannish(g *group) bool {
	const excess, enough = 1.4, 30
	halves := [2]map[int32]float64{{}, {}}
	full := map[pair]float64{}
	for _, i := range g.whole {
		p := m.people[i].pair()
		halves[0][p.first]++
		halves[1][p.last]++
		full[p]++
	}
	n := float64(len(g.whole))
	coincide := [3]float64{}
	for k, half := range halves {
		for _, c := range half {
			coincide[k] += c * (c - 1)
		}
	}
	for _, c := range full {
		coincide[2] += c * (c - 1)
	}
	by := coincide[0] * coincide[1] / (n * (n - 1))
	return coincide[2] >= enough && coincide[2] > excess*by
}

// fullNames counts the full names of a group, by how many have them.
func (m *Mix) fullNames(g *group) kinds {
	var k kinds
	k[1] = float64(len(g.few[1]))
	for _, i := range g.multi {
		k.add(int(m.people[i].namesakes))
	}
	return k
}

// kinds are how many names there are by how many people have them; names of
// more are not counted, and of no account here.
type kinds [256]float64

// add counts one of n people who share a name.
func (k *kinds) add(n int) { k[n] += 1 / float64(n) }

// once gives how many of the people in a part of the sample have a name that
// nobody else of the part has, as a multiple of the part (rarefaction: Hurlbert
// 1971).
func (k *kinds) once(part float64) float64 {
	sum := 0.0
	for n, names := range k {
		if names == 0 {
			continue
		}
		sum += names * float64(n) * math.Pow(1-part, float64(n-1))
	}
	return sum
}

// stillAlone estimates which part of the names that occur once in the sample
// occurs once in the table. What the sample is to the table a part of it is to
// the sample: how the names that occur once become fewer from such a part to
// the sample, and how that quickens halfway, is carried on to the table. Where
// the sample is a small part, it is not taken to quicken all the way: names of
// many people have a long tail.
func (m *Mix) stillAlone(k *kinds) float64 {
	if k[1] == 0 || m.rows <= len(m.people) {
		return 1
	}
	const enough = 0.1
	half := math.Sqrt(m.covered)
	last, before := math.Log(k.once(1)/k.once(half)), math.Log(k.once(half)/k.once(half*half))
	quickens := 1 + 2*min(m.covered/enough, 1)
	return math.Exp(min(2*last+quickens*min(last-before, 0), 0))
}

// survive measures which share of put-together names is kept.
func (m *Mix) survive(g *group, x *mixing) float64 {
	const tries = 600
	rng := &dice{1}
	kept := 1.0
	for range tries {
		if p := g.walked(rng, !x.walk); !m.mayOccur(p) {
			kept += x.concord.agree(m.both(p))
		}
	}
	return max(kept/(tries+1), 0.02)
}
