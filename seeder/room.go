package seeder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// shortestLocal is the shortest local part that is worth drawing: shorter ones
// hardly occur.
const shortestLocal = 3

// shortEnough keeps the domains on which an address fits into its column. It
// is a [supportdb.SchemaError] when there is none.
func (s *Seeder) shortEnough(domains []string) ([]string, error) {
	at, _ := s.cfg.Desk.Fact("email")
	room := s.cfg.Desk.Column(at).MaxLen
	if room == 0 || len(domains) == 0 {
		return domains, nil
	}
	need := func(domain string) int { return shortestLocal + 1 + utf8.RuneCountInString(domain) }
	short := slices.DeleteFunc(slices.Clone(domains), func(d string) bool { return need(d) > room })
	if len(short) > 0 {
		return short, nil
	}
	least := slices.MinFunc(domains, func(a, b string) int { return need(a) - need(b) })
	return nil, s.tooShort(room, need(least))
}

func (s *Seeder) tooShort(room, need int) error {
	at, _ := s.cfg.Desk.Fact("email")
	return &supportdb.SchemaError{
		Table: s.cfg.Desk.Part(at.Part).Table.Name, Column: at.Column,
		Problem: fmt.Sprintf("it holds %d characters, and an address on the pool's shortest domain needs %d: add a shorter domain, or widen the column", room, need),
	}
}

// noAddress says why no address could be drawn: the column may be too short for
// the way in which the customers' are written.
func (m *minter) noAddress(err error) error {
	at, _ := m.s.cfg.Desk.Fact("email")
	room := m.s.cfg.Desk.Column(at).MaxLen
	var locals []int
	for i := range m.l.donors {
		if local, _, ok := strings.Cut(m.s.fact(&m.l.donors[i].Image, "email").Text(), "@"); ok {
			locals = append(locals, utf8.RuneCountInString(local))
		}
	}
	if !errors.Is(err, persona.ErrVariety) || room == 0 || len(locals) == 0 || len(m.pool.ownDomains()) == 0 {
		return fmt.Errorf("%w: %w", ErrSample, err)
	}
	slices.Sort(locals)
	shortest := slices.MinFunc(m.pool.ownDomains(), func(a, b string) int { return len(a) - len(b) })
	if usual := locals[len(locals)/2] + 1 + len(shortest); usual > room {
		return m.s.tooShort(room, usual)
	}
	return fmt.Errorf("%w: %w", ErrSample, err)
}

// holds is errDonor when a value does not fit into its column.
func (s *Seeder) holds(i *supportdb.Image) error {
	for n := range i.Items {
		p, row := s.cfg.Desk.Part(i.Items[n].Part), &i.Items[n].Row
		for at, name := range row.Columns {
			if col, ok := p.Table.Column(name); ok && !col.Holds(row.Values[at].Text()) {
				return &donorError{p.Table.Name + "." + col.Name + " (it cannot hold what belongs there)"}
			}
		}
	}
	return nil
}
