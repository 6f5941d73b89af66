package persona

import "math"

// degree is how much of a name stands in its owner's address: a set of
// firstAgrees and lastAgrees.
type degree int

const (
	firstAgrees degree = 1 << iota
	lastAgrees
)

func (g *guess) degree() degree {
	d := degree(0)
	if !g.first.empty() {
		d |= firstAgrees
	}
	if !g.last.empty() {
		d |= lastAgrees
	}
	return d
}

// degreeOf tells it of a form that was read with the name known.
func degreeOf(f form) degree {
	d := degree(0)
	for i := 0; i < len(f); i++ {
		switch f[i] {
		case 'F', 'G', 'H', 'f':
			d |= firstAgrees
		case 'L', 'M', 'T', 'l':
			d |= lastAgrees
		case 'p':
			d |= firstAgrees
			i++
		case 'q':
			d |= lastAgrees
			i++
		case '#':
			i++
		}
	}
	return d
}

// probe is somebody of the sample by whom agreement is learned.
type probe struct {
	who   int32
	local string
	g     *group
}

// agreement learns how far addresses can be trusted: it reads those of the
// sample as if their owners were unknown, and compares with the owners. Some
// who seem to be Dana Whitfield are Dana Whitfield's husband.
func (m *Mix) agreement() *dictionary {
	d := m.newDictionary()
	for _, x := range m.probes {
		p := &m.people[x.who]
		c := *m.crowd(x.g, p.class)
		c.except = p
		guesses := d.guesses(x.local)
		best, most := 0, math.Inf(-1)
		for k := range guesses {
			if o := c.odds(&guesses[k]); o > most {
				best, most = k, o
			}
		}
		for _, key := range []string{guesses[best].key, classKey(guesses[best].degree()), ""} {
			if d.agreed[key] == nil {
				d.agreed[key] = new([4]float64)
			}
			d.agreed[key][degreeOf(form(m.forms.all[p.form]))]++
		}
	}
	return d
}

func classKey(d degree) string { return string([]byte{'?', byte('0' + d)}) } //nolint:gosec // 0 to 3

// agree gives how often each degree was met with addresses that read so, or
// that say as much of the name.
func (d *dictionary) agree(key string) []float64 {
	const enough = 25
	for _, k := range []string{key, classKey(degreeOf(form(key))), ""} {
		if n := d.agreed[k]; n != nil && n[0]+n[1]+n[2]+n[3] >= enough {
			return n[:]
		}
	}
	return []float64{1, 1, 1, 1}
}
