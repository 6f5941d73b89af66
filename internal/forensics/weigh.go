package forensics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"saltmine/internal/canary"
)

// tally is what an extract has to do with the hits. There may be a million of them.
type tally struct {
	explained  int32 // hits
	events     int32 // independent ones of which all hits are explained
	canaries   int32 // different canaries among them
	unheld     int32 // hits on canaries that it did not hold
	unreadable int32 // hits on tokens that could not be read then
	early      int32 // hits that came before it
	holds      int32 // canaries
}

// period is what an extract known by place and segment is judged by: between two edges
// of what was hit there nothing changes.
type period struct {
	*holding
	from, until int
}

// weigher judges extracts, one after the other.
type weigher struct {
	*index
	groups  map[area]*holding // those of the index, as far as they were needed
	known   map[period]tally
	row     []int32 // by canary: the call that met it last
	unknown map[canary.ID]int32
	calls   int32

	explained []bool // by hit
	fate      []fate // by hit, of the last extract that was judged by itself
	incident  []bool // by event: some hit of it is not explained
	found     map[int][]span
}

func (ix *index) weigher() *weigher {
	return &weigher{
		index: ix, groups: map[area]*holding{}, known: map[period]tally{}, row: make([]int32, len(ix.names)), unknown: map[canary.ID]int32{},
		explained: make([]bool, len(ix.hits)), fate: make([]fate, len(ix.hits)), incident: make([]bool, ix.events), found: map[int][]span{},
	}
}

// group gives what extracts of a place and segment held, made once for all.
func (w *weigher) group(at area) *holding {
	h := w.groups[at]
	if h == nil {
		w.making.Lock()
		h = w.holding(at)
		w.making.Unlock()
		w.groups[at] = h
	}
	return h
}

// weigh compares an extract with the hits.
func (w *weigher) weigh(e *canary.Extract) tally {
	taken := span{e.Taken.Earliest.UnixMicro(), e.Taken.Latest.UnixMicro()}
	if e.Held != nil {
		return w.weighHeld(e, taken)
	}
	h := w.group(area{e.Place, e.Segment})
	key := period{h, h.edges.until(taken.from), h.edges.until(taken.until)}
	t, known := w.known[key]
	if !known {
		t = w.weighGroup(h, taken)
		w.known[key] = t
	}
	t.holds = int32(h.count(taken.from, taken.until)) //nolint:gosec // fewer than windows
	t.canaries = min(t.canaries, t.holds)
	return t
}

// weighGroup is weigh of any extract of a place and segment.
func (w *weigher) weighGroup(h *holding, taken span) tally {
	w.begin()
	t := tally{unheld: int32(len(w.hits) - len(h.hits))} //nolint:gosec // hits
	for _, held := range h.hits {
		if w.judge(&t, held.hit, held.spans, taken) {
			w.count(&t, held.hit)
		}
	}
	t.events = w.whole()
	return t
}

// weighHeld is weigh of an extract that names its canaries.
func (w *weigher) weighHeld(e *canary.Extract, taken span) tally {
	w.begin()
	clear(w.found)                         // windows of hits in rows that it held
	t := tally{unheld: int32(len(w.hits))} //nolint:gosec // hits
	for _, id := range e.Held {
		c, known := w.number[id]
		if !known {
			if w.unknown[id] != w.calls {
				w.unknown[id] = w.calls
				t.holds++
			}
			continue
		}
		if w.row[c] == w.calls { // named twice
			continue
		}
		w.row[c] = w.calls
		t.holds++
		for _, hit := range w.onHits[c] {
			if spans := w.hits[hit].at(e.Place, id); spans != nil {
				w.found[hit] = append(w.found[hit], spans...)
			}
		}
	}
	if len(w.found) == 0 {
		return t
	}
	w.begin() // canaries are marked anew: those of which a hit is explained
	for hit, spans := range w.found {
		t.unheld--
		if w.judge(&t, hit, spans, taken) {
			w.count(&t, hit)
		}
	}
	t.events = w.whole()
	// Hits of several canaries may stem from one row, the one before theirs.
	t.canaries = min(t.canaries, t.holds)
	return t
}

func (w *weigher) begin() {
	w.calls++
	clear(w.explained)
	clear(w.fate)
}

// count notes a hit that is explained.
func (w *weigher) count(t *tally, hit int) {
	w.explained[hit] = true
	if c := w.ofHit[hit]; w.row[c] != w.calls {
		w.row[c] = w.calls
		t.canaries++
	}
}

// judge files one hit on a canary that the extract held.
func (w *weigher) judge(t *tally, hit int, spans []span, taken span) bool {
	readable := slices.ContainsFunc(spans, func(s span) bool { return !s.empty() && s.from <= taken.until && taken.from < s.until })
	switch {
	case !readable:
		w.fate[hit] = unreadable
		t.unreadable++
	case w.hits[hit].first <= taken.from:
		w.fate[hit] = early
		t.early++
	default:
		w.fate[hit] = explained
		t.explained++
		return true
	}
	return false
}

// fate is what became of a hit when an extract was held against it.
type fate string

const (
	unheld     fate = ""
	unreadable fate = "could not be read then"
	early      fate = "came before"
	explained  fate = "explained"
)

const mostMissed = 5 // hits that are named

// missed names the hits that an extract does not explain, and says why not.
func (w *weigher) missed(e *canary.Extract) string {
	taken := span{e.Taken.Earliest.UnixMicro(), e.Taken.Latest.UnixMicro()}
	if e.Held != nil {
		w.weighHeld(e, taken)
	} else {
		w.weighGroup(w.group(area{e.Place, e.Segment}), taken)
	}
	var list []string
	for i, f := range w.fate {
		if f != explained {
			list = append(list, fmt.Sprintf("%s (%s)", w.hits[i].Token, cmp.Or(f, "not held")))
		}
	}
	if n := len(list) - mostMissed; n > 0 {
		list = append(list[:mostMissed], fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}

// whole counts the events of which all hits are explained.
func (w *weigher) whole() (n int32) {
	clear(w.incident)
	for i, e := range w.event {
		w.incident[e] = w.incident[e] || !w.explained[i]
	}
	for _, missing := range w.incident {
		if !missing {
			n++
		}
	}
	return n
}

// Parameters of the Beta prior of the share of an extract's canaries that get
// contacted: both one half, which favours shares near nothing and near all.
const priorA, priorB = 0.5, 0.5

// silence gives the weight of canaries that stayed silent. The logarithms of the Gamma
// function that it takes are worked out once.
type silence struct{ half, full []float64 }

// silences serves extracts of up to so many canaries without further work.
func silences(most int) *silence {
	s := &silence{make([]float64, most+1), make([]float64, most+1)}
	for n := range most + 1 {
		s.half[n], _ = math.Lgamma(float64(n) + priorA)
		s.full[n], _ = math.Lgamma(float64(n) + priorA + priorB)
	}
	return s
}

// evidence is the logarithm of the probability that of an extract's k canaries
// exactly these h are contacted, with the share f integrated out under its
// prior: ln B(h+a, k-h+b) - ln B(a, b). For the same h it falls as k grows,
// about as (k_small/k_big)^h: silence weighs against large extracts.
func (s *silence) evidence(t *tally) float64 {
	h, k := int(t.canaries), int(t.holds)
	none := 2*s.half[0] - s.full[0]
	if k < len(s.full) {
		return s.half[h] + s.half[k-h] - s.full[k] - none
	}
	x, _ := math.Lgamma(float64(h) + priorA)
	y, _ := math.Lgamma(float64(k-h) + priorB)
	z, _ := math.Lgamma(float64(k) + priorA + priorB)
	return x + y - z - none
}
