package persona

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// MaxPeople is how many people a [Learner] keeps at most. More teach nothing
// new about habits; names that are missing in the sample are accounted for.
const MaxPeople = 100_000

// Learner takes people one by one and keeps an even sample of them, so memory
// is bounded whatever the table's size: about 500 bytes for each person kept.
// It is used by one goroutine.
type Learner struct {
	rng    *rand.Rand
	keep   int
	added  int
	people []Person
}

// NewLearner prepares a learner that keeps up to keep people, at most
// [MaxPeople]. rng decides who is kept; it is not needed as long as fewer are
// added.
func NewLearner(rng *rand.Rand, keep int) *Learner {
	return &Learner{rng: rng, keep: min(keep, MaxPeople)}
}

// Add shows the learner one customer.
func (l *Learner) Add(p Person) {
	l.added++
	if len(l.people) < l.keep {
		l.people = append(l.people, p)
		return
	}
	if l.rng == nil || l.keep == 0 {
		return
	}
	if at := l.rng.IntN(l.added); at < l.keep {
		l.people[at] = p
	}
}

// Mix takes the sample apart. rows is how many rows the table has, which
// matters for names that are rare in a small sample only; when less were named
// than added, those added count.
func (l *Learner) Mix(rows int) (*Mix, error) {
	n := len(l.people)
	m := &Mix{rows: max(rows, l.added), firsts: newLexicon(), lasts: newLexicon(), forms: newTexts(), digits: newTexts(), words: newTexts(), domains: newTexts(), locals: make(seen, n), emails: make(seen, n), phones: phones{}}
	members := map[groupKey][]int32{}
	languages := map[string]string{} // by country, of the last one seen
	var everybody []int32
	var countries []string
	for i := range l.people {
		if !m.enter(&l.people[i]) {
			continue
		}
		who := small(len(m.people) - 1)
		everybody = append(everybody, who)
		countries = append(countries, l.people[i].Country)
		languages[l.people[i].Country] = l.people[i].Language
		for _, key := range groupsOf(&l.people[i]) {
			if key.place != "" {
				members[key] = append(members[key], who)
			}
		}
	}
	if len(m.people) < minPeople {
		return nil, fmt.Errorf("learn names: %w: %d people with names, %d wanted", ErrSample, len(m.people), minPeople)
	}
	m.rows = max(len(m.people), m.rows*len(m.people)/n) // rows without a name teach no names
	m.covered = float64(len(m.people)) / float64(m.rows)
	m.classes()
	m.learnSmalls(countries)
	m.pairs()
	m.partsFirst, m.partsLast = m.partsUsed()
	m.all = m.newGroup(everybody)
	m.groups = make(map[groupKey]*group, len(members))
	for key, list := range members {
		if len(list) >= minGroup {
			m.groups[key] = m.newGroup(list)
		}
	}
	for key, g := range m.groups {
		outer := m.all
		if key.kind == 'c' {
			outer = cmp.Or(m.groups[groupKey{'l', languages[key.place], key.salutation}], m.all)
		}
		if len(outer.links) < len(g.links)*11/10 {
			outer = m.all
		}
		g.borrow(outer, uint64(len(g.links)))
		g.exchange(m)
	}
	m.all.exchange(m)
	m.divide(l.people)
	return m, nil
}

// partsUsed lists, of people whose names have several words, which of them
// stand in their addresses.
func (m *Mix) partsUsed() (first, last string) {
	const enough = 2000
	var f, l []byte
	for i := range m.people {
		p := &m.people[i]
		code := m.forms.all[p.form]
		if at := strings.IndexAny(code, "FGH"); at >= 0 && m.firsts.names[p.first].words && len(f) < enough {
			f = append(f, code[at])
		}
		if at := strings.IndexAny(code, "LMT"); at >= 0 && m.lasts.names[p.last].words && len(l) < enough {
			l = append(l, code[at])
		}
	}
	slices.Sort(f)
	slices.Sort(l)
	return string(f), string(l)
}
