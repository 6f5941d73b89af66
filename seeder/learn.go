package seeder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// How much is read to learn from. Every row is read by a range of its primary
// key, so this is the load on the support database whatever its size.
const (
	samplePeople  = 3000
	sampleNumbers = 1500
	recentNumbers = 3000
	maxDonors     = 2000
	donorTickets  = 20 // donors with more are left out
)

// lessons is what was learned from the support database for one run.
type lessons struct {
	mix      *persona.Mix
	donors   []supportdb.Donor
	rule     *persona.Numbers // of ticket numbers; nil when they have only a shape
	shape    *persona.Shape
	recent   []persona.Numbered
	makers   map[string]*maker // by table and column, see makers.go
	subjects map[string]map[string]int
	phones   bool // some customers have a phone number
}

// learn samples people of the segment, their numbers and the donors.
func (s *Seeder) learn(ctx context.Context, rng *rand.Rand, segment canary.Segment, want int) (*lessons, error) {
	rows, err := s.cfg.Desk.Sample(ctx, rng, samplePeople, segment)
	if err != nil {
		return nil, err
	}
	people := make([]persona.Person, len(rows))
	l := &lessons{makers: map[string]*maker{}, subjects: map[string]map[string]int{}}
	for i := range rows {
		people[i] = s.person(&rows[i])
		l.phones = l.phones || people[i].Phone != ""
	}
	if l.mix, err = persona.Learn(people); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSample, err)
	}
	if err := s.learnNumbers(ctx, rng, l); err != nil {
		return nil, err
	}
	if err := s.chooseDonors(ctx, rng, rows, want, l); err != nil {
		return nil, err
	}
	return l, s.learnMakers(ctx, l)
}

// learnNumbers finds the rule of the ticket numbers, from all times and from
// the last ones.
func (s *Seeder) learnNumbers(ctx context.Context, rng *rand.Rand, l *lessons) error {
	desk := s.cfg.Desk
	older, err := desk.SampleTickets(ctx, rng, sampleNumbers)
	if err != nil {
		return err
	}
	if err := s.refreshNumbers(ctx, l); err != nil {
		return err
	}
	all := append(slices.Clone(l.recent), s.numbered(older)...)
	l.rule, err = persona.LearnNumbers(all)
	if err == nil {
		return nil
	}
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = n.Text
	}
	shape, ok := persona.LearnShape(texts)
	if !ok {
		return fmt.Errorf("%w: %w", ErrSample, err)
	}
	l.shape = shape
	return nil
}

// refreshNumbers reads the last numbers again; tickets come in all the time.
func (s *Seeder) refreshNumbers(ctx context.Context, l *lessons) error {
	rows, err := s.cfg.Desk.RecentNumbers(ctx, recentNumbers)
	l.recent = s.numbered(rows)
	return err
}

func (s *Seeder) numbered(rows []supportdb.Row) []persona.Numbered {
	t := s.cfg.Desk.Recipe().Ticket
	out := make([]persona.Numbered, 0, len(rows))
	for i := range rows {
		at, ok := supportdb.ParseTime(rows[i].Get(t.Created))
		if text := rows[i].Get(t.Number).Text(); ok && text != "" {
			out = append(out, persona.Numbered{Text: text, Created: at})
		}
	}
	return out
}

// chooseDonors reads customers with their tickets, in random order. A donor
// has a ticket, for every canary has one, but not so many that it stands out.
func (s *Seeder) chooseDonors(ctx context.Context, rng *rand.Rand, rows []supportdb.Row, want int, l *lessons) error {
	recipe := s.cfg.Desk.Recipe()
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].Get(recipe.Customer.Key).Text()
	}
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	enough := min(max(3*want, 200), maxDonors)
	for group := range slices.Chunk(keys, 100) {
		if len(l.donors) >= enough {
			break
		}
		donors, err := s.cfg.Desk.Donors(ctx, group)
		if err != nil {
			return err
		}
		for _, d := range donors {
			if _, ok := supportdb.ParseTime(d.Customer.Get(recipe.Customer.Created)); ok && len(d.Tickets) > 0 && len(d.Tickets) <= donorTickets {
				l.donors = append(l.donors, d)
				s.learnSubjects(&d, l)
			}
		}
	}
	if len(l.donors) == 0 {
		return fmt.Errorf("%w: of %d sampled customers none has 1 to %d tickets", ErrSample, len(keys), donorTickets)
	}
	return nil
}

// learnSubjects counts the subjects by the customer's language and country.
func (s *Seeder) learnSubjects(d *supportdb.Donor, l *lessons) {
	column := s.cfg.Desk.Recipe().Ticket.Subject
	if column == "" {
		return
	}
	who := s.person(&d.Customer)
	group := who.Language + "\x00" + who.Country
	if l.subjects[group] == nil {
		l.subjects[group] = map[string]int{}
	}
	for i := range d.Tickets {
		l.subjects[group][d.Tickets[i].Get(column).Text()]++
	}
}
