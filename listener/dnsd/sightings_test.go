package dnsd_test

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/listener/dnsd"
)

// sightingsModel is what the table of sightings should do, in the plainest way.
type sightingsModel struct {
	t      *rapid.T
	table  dnsd.Table
	now    time.Time
	most   int
	period time.Duration

	names  []*modelled // from the oldest to the newest
	owed   map[canary.ContactID]uint64
	told   map[canary.ContactID]uint64
	left   int // names that are gone and have repeats to tell
	lost   uint64
	joined int
}

type modelled struct {
	name    string
	id      canary.ContactID
	first   uint32
	since   time.Time
	settled bool
	repeats uint64
}

func (m *sightingsModel) find(name string) *modelled {
	for i, s := range m.names {
		if s.name == name && s.settled && m.now.Sub(s.since) >= m.period {
			m.leave(i)
			return nil
		}
		if s.name == name {
			return s
		}
	}
	return nil
}

func (m *sightingsModel) leave(i int) {
	switch n := m.names[i].repeats; {
	case n > 0 && m.left == m.most:
		m.lost += n
	case n > 0:
		m.owed[m.names[i].id] += n
		m.left++
	}
	m.names = append(m.names[:i:i], m.names[i+1:]...)
}

// leaveAll lets those go that may: for their age, or all that are settled.
func (m *sightingsModel) leaveAll(all bool) {
	for i := 0; i < len(m.names); i++ {
		s := m.names[i]
		switch {
		case s.settled && (all || m.now.Sub(s.since) >= m.period):
			m.leave(i)
			i--
		case !all:
			return
		}
	}
}

func (m *sightingsModel) join(name string) {
	m.joined++
	id := canary.ContactID("k_" + strconv.Itoa(1e15+m.joined))
	first, known := m.table.Join(name, m.now, id), m.find(name)
	if (known == nil) != (first != 0) {
		m.t.Fatalf("%q was put at %d, the model has %v", name, first, known)
	}
	if known != nil {
		known.repeats++
		return
	}
	if len(m.names) >= m.most {
		for i, s := range m.names {
			if s.settled {
				m.leave(i)
				break
			}
		}
	}
	m.names = append(m.names, &modelled{name: name, id: id, first: first, since: m.now})
}

func (m *sightingsModel) settle(i int, err error) {
	if len(m.names) == 0 || m.names[i%len(m.names)].settled {
		return
	}
	i %= len(m.names)
	m.table.Settle(m.names[i].first, err)
	if m.names[i].settled = err == nil; err != nil {
		m.names = append(m.names[:i:i], m.names[i+1:]...)
	}
}

func (m *sightingsModel) repeat(name string) {
	got, known := m.table.Repeat(name, m.now), m.find(name)
	if want := known != nil && known.settled; got != want {
		m.t.Fatalf("%q came again: %v, want %v", name, got, want)
	}
	if got {
		known.repeats++
	}
}

func (m *sightingsModel) due(all bool) {
	m.table.Due(m.now, all, m.told)
	m.leaveAll(all)
	m.left = 0
	for _, s := range m.names {
		if s.settled {
			m.owed[s.id] += s.repeats
			s.repeats = 0
		}
	}
	maps.DeleteFunc(m.owed, func(_ canary.ContactID, n uint64) bool { return n == 0 })
	if !maps.Equal(m.owed, m.told) {
		m.t.Fatalf("told %v, want %v", m.told, m.owed)
	}
}

// TestSightingsAreAModels does the same at random with the table and with a model
// of it: whoever is first, whatever comes again, whatever the store says.
func TestSightingsAreAModels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &sightingsModel{
			t: t, now: time.Unix(1e9, 0), most: rapid.IntRange(1, 200).Draw(t, "most"), period: time.Minute,
			owed: map[canary.ContactID]uint64{}, told: map[canary.ContactID]uint64{},
		}
		m.table = dnsd.NewTable(m.most, m.period)
		name := rapid.Map(rapid.IntRange(0, 300), strconv.Itoa)
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			switch which := rapid.IntRange(0, 9).Draw(t, "which"); which {
			case 0, 1, 2, 3:
				m.join(name.Draw(t, "name"))
			case 4, 5:
				m.settle(rapid.IntRange(0, 400).Draw(t, "settled"), nil)
			case 6:
				m.settle(rapid.IntRange(0, 400).Draw(t, "refused"), errDisk)
			case 7:
				m.repeat(name.Draw(t, "again"))
			case 8:
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			case 9:
				m.due(rapid.IntRange(0, 4).Draw(t, "all") == 0)
			}
			if n, lost := m.table.Sizes(); n != len(m.names) || lost != m.lost {
				t.Fatalf("%d remembered, %d lost; the model has %d and %d", n, lost, len(m.names), m.lost)
			}
		}
	})
}
