package salt

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/salt/study"
)

// maker makes values of a column that no two rows share: ids, ticket numbers,
// codes.
type maker struct {
	column  int
	counts  bool           // values are numbers of series
	running bool           // which grow with the dates of the rows
	known   []point        // of the sample, in order
	shape   *persona.Shape // of codes
	ip      bool
}

// point is one number of the sample.
type point struct {
	at   time.Time
	text string
}

// learnMakers prepares the columns whose values have to be made.
func (m *minter) learnMakers() {
	for i := range m.f.Columns {
		c := &m.f.Columns[i]
		if c.Kind == study.Key || c.Kind == study.Ticket || c.Kind == study.Other && (c.Unique || c.Gap != nil) {
			if k := m.learnMaker(i); k != nil {
				m.makers[i] = k
			}
		}
	}
}

func (m *minter) learnMaker(column int) *maker {
	k := &maker{column: column}
	var numbered []persona.Numbered
	var texts []string
	for i := range m.f.Sample {
		r := &m.f.Sample[i]
		text := r.Text(column)
		if text == "" {
			continue
		}
		at := m.calendar.created(r)
		numbered = append(numbered, persona.Numbered{Text: text, Created: at})
		texts = append(texts, text)
		k.known = append(k.known, point{at, text})
	}
	if isIP(texts) {
		k.ip = true
		return k
	}
	if rule, err := persona.LearnNumbers(numbered); err == nil && reads(rule, texts) {
		k.counts, k.running = true, rule.Running && m.at[study.Created] >= 0
	} else if k.counts = serial(texts); !k.counts {
		shape, ok := persona.LearnShape(texts)
		if k.shape = shape; ok || m.f.Columns[column].Gap != nil {
			return k
		}
		return nil
	}
	slices.SortFunc(k.known, k.compare)
	return k
}

// compare orders numbers by time where they grow with it, else by series and
// number.
func (k *maker) compare(a, b point) int {
	byTime := 0
	if k.running {
		byTime = a.at.Compare(b.at)
	}
	return cmp.Or(byTime, cmp.Compare(len(a.text), len(b.text)), strings.Compare(a.text, b.text))
}

// reads reports whether a rule reads nearly all of the numbers. One that has
// learned part of them as fixed text does not say how they grow.
func reads(rule *persona.Numbers, texts []string) bool {
	n := 0
	for _, t := range texts {
		if _, _, ok := rule.Read(t); ok {
			n++
		}
	}
	return n*10 >= len(texts)*9
}

// serial reports whether texts are numbers of a few series.
func serial(texts []string) bool {
	const rows = 20 // of a series, on average
	series, n := map[string]bool{}, 0
	for _, t := range texts {
		if s, ok := study.Series(t); ok {
			series[s] = true
			n++
		}
	}
	return n*10 >= len(texts)*9 && len(series)*rows <= n
}

func isIP(texts []string) bool {
	n := 0
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil && a.Is4() {
			n++
		}
	}
	return n > 0 && n*10 >= len(texts)*9
}

// Bounds of the search for a value.
const (
	madeTries   = 12
	ticketTries = 300 // numbers that a support database is asked about at once
	widenAfter  = 20  // of them are drawn from each distance
	drawTries   = 3000
)

// made makes the canary's value of a column.
func (w *writer) made(ctx context.Context, k *maker) (string, error) {
	if w.m.f.Columns[k.column].Kind == study.Ticket {
		return w.ticket(ctx, k)
	}
	for range madeTries {
		text, _, err := w.draw(k, 0)
		if err != nil {
			return "", err
		}
		if w.first(k, text) {
			return text, nil
		}
	}
	return "", errPlace
}

// first notes a value, and reports whether it was not drawn before.
func (w *writer) first(k *maker, text string) bool {
	name := fmt.Sprintf("%d\x00%s", k.column, text)
	if w.m.drawn[name] {
		return false
	}
	w.m.drawn[name] = true
	return true
}

// ticket draws a ticket number: a token where nobody has it and nobody will.
// Where no such number is found it is one that is no token of another copy: to
// quote it says nothing, and nobody listens for it.
func (w *writer) ticket(ctx context.Context, k *maker) (string, error) {
	numbers, err := w.candidates(ctx, k)
	if err != nil {
		return "", err
	}
	if free, err := w.free(ctx, numbers); err != nil {
		return "", err
	} else if free != "" && w.first(k, free) {
		w.d.tickets = append(w.d.tickets, free)
		return free, nil
	}
	for _, n := range numbers {
		if w.first(k, n.text) {
			w.m.c.report.unheard++
			return n.text, nil
		}
	}
	return "", errPlace
}

// candidate is a number that may be drawn.
type candidate struct {
	text   string
	passed bool // its series has passed it
}

// candidates draws numbers that are no tokens.
func (w *writer) candidates(ctx context.Context, k *maker) ([]candidate, error) {
	tries := madeTries
	if w.m.c.s.cfg.Taken != nil {
		tries = ticketTries
	}
	drawn := map[string]candidate{}
	var texts []string
	for try := range tries {
		// The nearest first; where those are all in use, others have a chance.
		text, passed, err := w.draw(k, try/widenAfter)
		if err != nil {
			return nil, err
		}
		canon, err := token.Canon(canary.Ticket, text)
		if _, twice := drawn[canon]; err == nil && !twice {
			drawn[canon] = candidate{text, passed}
			texts = append(texts, canon)
		}
	}
	known, err := w.m.c.s.cfg.Ledger.KnownAmong(ctx, canary.Ticket, texts)
	if err != nil {
		return nil, fmt.Errorf("look up ticket numbers: %w", err)
	}
	var out []candidate
	for _, canon := range without(texts, known) {
		out = append(out, drawn[canon])
	}
	return out, nil
}

// free finds a number that nobody has; empty where there is none.
func (w *writer) free(ctx context.Context, numbers []candidate) (string, error) {
	var passed []string
	for _, n := range numbers {
		if n.passed {
			passed = append(passed, n.text)
		}
	}
	if w.m.c.s.cfg.Taken == nil || len(passed) == 0 {
		return "", nil
	}
	taken, err := w.m.c.s.cfg.Taken(ctx, passed)
	if err != nil {
		return "", fmt.Errorf("ask which ticket numbers are free: %w", err)
	}
	have := map[string]bool{}
	for _, t := range taken {
		canon, _ := token.Canon(canary.Ticket, t) // what has no form is not asked for
		have[canon] = true
	}
	for _, text := range passed {
		if canon, err := token.Canon(canary.Ticket, text); err == nil && !have[canon] {
			return text, nil
		}
	}
	return "", nil
}

// draw makes one value. passed says that its series has passed it, so that it
// is given to nobody any more; wide is how far from its place a running number
// may stand, in numbers of the sample.
func (w *writer) draw(k *maker, wide int) (text string, passed bool, err error) {
	if gap := w.m.f.Columns[k.column].Gap; gap != nil && !w.m.located {
		text, ok := gap.Between(w.rng, w.place.Before.Text(k.column), w.place.After.Text(k.column))
		if !ok {
			return "", false, errPlace
		}
		return text, true, nil
	}
	seen := func(text string) bool {
		cell, ok := w.m.f.Dialect.Write(text, w.donor.Cell(k.column), w.m.f.Columns[k.column].Quoted)
		return !ok || w.m.f.Seen(k.column, cell)
	}
	switch {
	case k.ip:
		return w.drawIP(k), true, nil
	case k.counts:
		text, passed, ok := w.drawNumber(k, wide, seen)
		if !ok {
			return "", false, errDonor
		}
		return text, passed, nil
	}
	text, err = k.shape.Draw(w.rng, seen)
	if err != nil {
		return "", false, errDonor
	}
	return text, true, nil
}

// drawIP stays in the donor's network.
func (w *writer) drawIP(k *maker) string {
	had := w.donor.Text(k.column)
	return fmt.Sprintf("%s.%d", had[:max(strings.LastIndexByte(had, '.'), 0)], 1+w.rng.IntN(254))
}

// drawNumber draws a number between two that follow one another in the sample:
// of a running series those around the canary's date, else around the donor's
// number, and up to wide away. Where all are in use it goes further away.
func (w *writer) drawNumber(k *maker, wide int, seen func(string) bool) (text string, passed, ok bool) {
	n := len(k.known)
	i, _ := slices.BinarySearchFunc(k.known, point{w.times.signup, w.donor.Text(k.column)}, k.compare)
	i = min(max(i-1, 0), n-1)
	for try := range drawTries {
		j := i
		if far := wide + try/100; far > 0 { // further and further away
			j = min(max(i+w.rng.IntN(2*far+1)-far, 0), n-1)
		}
		free := int64(50)
		if j+1 < n {
			if d, ok := study.Distance(k.known[j].text, k.known[j+1].text); ok && d > 1 {
				free = d - 1
			}
		}
		text, ok := study.Shift(k.known[j].text, 1+w.rng.Int64N(free))
		if ok && !seen(text) {
			return text, j+1 < n, true
		}
	}
	return "", false, false
}
