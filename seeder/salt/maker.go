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
		slices.SortFunc(k.known, func(a, b point) int {
			byTime := 0
			if k.running {
				byTime = a.at.Compare(b.at)
			}
			return cmp.Or(byTime, cmp.Compare(len(a.text), len(b.text)), strings.Compare(a.text, b.text))
		})
		return k
	}
	shape, ok := persona.LearnShape(texts)
	if k.shape = shape; ok || m.f.Columns[column].Gap != nil {
		return k
	}
	return nil
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
	ticketTries = 12
	drawTries   = 3000
)

// made makes the canary's value of a column. Of a ticket number it notes
// whether it is a token.
func (w *writer) made(ctx context.Context, k *maker) (string, error) {
	ticket := w.m.f.Columns[k.column].Kind == study.Ticket
	for range ticketTries {
		text, passed, err := w.draw(k)
		if err != nil {
			return "", err
		}
		name := fmt.Sprintf("%d\x00%s", k.column, text)
		if w.m.drawn[name] {
			continue
		}
		if ticket {
			free, err := w.freeTicket(ctx, text, passed)
			if err != nil {
				return "", err
			}
			if !free {
				continue
			}
		}
		w.m.drawn[name] = true
		return text, nil
	}
	return "", errPlace
}

// freeTicket reports whether a ticket number may be written, and makes it a
// token where nobody has it and nobody will. One that is a token already would
// name another copy.
func (w *writer) freeTicket(ctx context.Context, text string, passed bool) (bool, error) {
	known, err := w.m.known(ctx, canary.Ticket, text)
	if err != nil || known || !passed || w.m.c.s.cfg.Taken == nil {
		return !known, err
	}
	taken, err := w.m.c.s.cfg.Taken(ctx, []string{text})
	if err != nil {
		return false, fmt.Errorf("ask whether a ticket number is free: %w", err)
	}
	if len(taken) == 0 {
		w.d.tickets = append(w.d.tickets, text)
	}
	return len(taken) == 0, nil
}

// draw makes one value. passed says that its series has passed it, so that it
// is given to nobody any more.
func (w *writer) draw(k *maker) (text string, passed bool, err error) {
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
		text, passed, ok := w.drawNumber(k, seen)
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
// of a running series those around the canary's date, else any. Where all are
// in use it goes beyond the last.
func (w *writer) drawNumber(k *maker, seen func(string) bool) (text string, passed, ok bool) {
	n := len(k.known)
	i := w.rng.IntN(n)
	if k.running {
		i, _ = slices.BinarySearchFunc(k.known, w.times.signup, func(p point, at time.Time) int { return p.at.Compare(at) })
		i = min(max(i-1, 0), n-1)
	}
	for try := range drawTries {
		j := i
		if wide := try / 100; wide > 0 { // further and further away
			j = min(max(i+w.rng.IntN(2*wide+1)-wide, 0), n-1)
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
