package seeder

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/persona"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// How much is read to learn from. Every row is read by a range of its primary
// key, so this is the load on the support database whatever its size.
const (
	samplePeople  = 60_000
	sampleNumbers = 1500
	recentNumbers = 3000
	maxDonors     = 4000
	donorTickets  = 20 // donors with more are left out
)

// lessons is what was learned from the support database for one run.
type lessons struct {
	mix        *persona.Mix
	donors     []supportdb.Record
	strata     []canary.Segment // of the donors, where canaries are spread over strata
	rule       *persona.Numbers // of ticket numbers; nil when they have only a shape
	shape      *persona.Shape
	recent     []persona.Numbered
	makers     map[string]*maker         // by table and column, see makers.go
	subjects   map[string]map[string]int // by language and country
	words      map[string]int            // customers in whose subjects they stand
	phones     float64                   // share of customers with a phone number
	past       *history                  // nil where canaries are of now
	public     map[string]bool           // addresses of the desk itself
	neighbours *neighbourhood
	keys       map[string]*persona.Shape // by part, of keys that the server does not give
	study      *study                    // of columns that the recipe does not name
	ties       map[string]tie            // by part and column, of dates
	orders     map[string][]order        // by part, of dates
	across     []across                  // of dates of different parts
	present    time.Time                 // of the table, see presentOf
}

// learn samples people of the segment, their numbers and the donors.
func (s *Seeder) learn(ctx context.Context, rng *rand.Rand, cfg *PlantConfig, v *division) (*lessons, error) {
	var keys []string
	var people []persona.Person
	near, err := s.newNeighbourhood()
	if err != nil {
		return nil, err
	}
	study := s.newStudy()
	err = s.cfg.Desk.Survey(ctx, rng, supportdb.Survey{Want: samplePeople, Segment: cfg.Segment, Divide: near.town, Also: study.also(), Progress: cfg.Learning}, func(r supportdb.Row) error {
		near.meet(&r)
		r = study.meet(r)
		keys, people = append(keys, r.Get("key").Text()), append(people, person(&r)) // the row itself takes five times as much
		return nil
	})
	if err != nil {
		return nil, err
	}
	l := &lessons{neighbours: near, study: study, makers: map[string]*maker{}, subjects: map[string]map[string]int{}, words: map[string]int{}}
	for i := range people {
		if people[i].Phone != "" {
			l.phones += 1 / float64(len(people))
		}
	}
	if l.mix, err = s.mixOf(people); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSample, err)
	}
	if err := s.learnNumbers(ctx, rng, l); err != nil {
		return nil, err
	}
	if err := s.chooseDonors(ctx, rng, keys, cfg, l); err != nil {
		return nil, err
	}
	if v != nil {
		if err := s.strataDonors(ctx, cfg, l, v); err != nil {
			return nil, err
		}
	}
	l.learnPublic(s)
	s.learnTies(l)
	s.learnAcross(l)
	if l.present, err = s.presentOf(ctx, l); err != nil {
		return nil, err
	}
	return l, s.learnMakers(ctx, l)
}

// presentOf is when the table's last events were: now, of a table in use. In a
// copy, what happened to a canary after it would show.
func (s *Seeder) presentOf(ctx context.Context, l *lessons) (time.Time, error) {
	last, err := s.cfg.Desk.Newest(ctx)
	if err != nil {
		return last, err
	}
	now := s.now()
	meet := func(at time.Time) {
		if at.After(last) && !at.After(now) {
			last = at
		}
	}
	for _, n := range l.recent {
		meet(n.Created)
	}
	for _, p := range s.cfg.Desk.Parts() {
		for _, d := range s.datesOf(p, l) {
			for _, at := range d.at {
				if p.IsTime(d.column) {
					meet(at)
				}
			}
		}
	}
	if last.IsZero() || last.After(now) {
		return now, nil
	}
	return last, nil
}

// mixOf learns names and habits from a sample of people.
func (s *Seeder) mixOf(people []persona.Person) (*persona.Mix, error) {
	x := persona.NewLearner(nil, len(people))
	for _, p := range people {
		x.Add(p)
	}
	return x.Mix(int(s.cfg.Desk.Part(recipe.CustomerPart).Table.Rows)) //nolint:wrapcheck // the caller says what it is about
}

// withPhone is how many of so many canaries will have a phone number at most,
// as good as certainly: the mean and three deviations.
func (l *lessons) withPhone(count int) int {
	mean := float64(count) * l.phones
	return min(count, int(math.Ceil(mean+3*math.Sqrt(mean*(1-l.phones)))))
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
	created, _ := s.cfg.Desk.TicketFact("created")
	out := make([]persona.Numbered, 0, len(rows))
	for i := range rows {
		at, ok := s.cfg.Desk.Part(created.Part).ParseTime(created.Column, rows[i].Get("created"))
		if text := rows[i].Get("number").Text(); ok && text != "" {
			out = append(out, persona.Numbered{Text: text, Created: at})
		}
	}
	return out
}

// chooseDonors reads customers with their tickets, in random order; of those
// with very many tickets a copy would be a second person of that kind.
func (s *Seeder) chooseDonors(ctx context.Context, rng *rand.Rand, keys []string, cfg *PlantConfig, l *lessons) error {
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	enough := min(max(3*cfg.Count, 200), maxDonors)
	for at, group := range slices.Collect(slices.Chunk(keys, 100)) {
		if len(l.donors) >= enough && at*100 >= studyRecords {
			break
		}
		donors, err := s.cfg.Desk.Donors(ctx, group)
		if err != nil {
			return err
		}
		for i := range donors {
			if !s.usable(&donors[i]) {
				continue
			}
			facts := s.cfg.Desk.Facts(&donors[i].Image)
			l.study.add(&donors[i], person(&facts))
			s.learnSubjects(&donors[i], l)
			if len(l.donors) < enough && s.has(&donors[i], cfg.With) {
				l.donors = append(l.donors, donors[i])
			}
		}
	}
	l.study.settle()
	if len(l.donors) == 0 {
		return fmt.Errorf("%w: of %d sampled customers none can be copied whole: all share rows with others, or have no date of sign-up, or more than %d tickets", ErrSample, len(keys), donorTickets)
	}
	return nil
}

// usable reports whether a customer can be a donor: all of the rows are known
// and nobody else's, and the tickets are not too many.
func (s *Seeder) usable(d *supportdb.Record) bool {
	_, dated := s.signedUp(&d.Image)
	tickets := len(d.Tickets())
	return dated && !d.Shared && !d.Cut && tickets <= donorTickets && s.fact(&d.Image, "email").Text() != ""
}

// has reports whether a customer has something of every kind.
func (s *Seeder) has(d *supportdb.Record, kinds []canary.Kind) bool {
	for _, k := range kinds {
		if k == canary.Ticket && len(d.Tickets()) == 0 || k == canary.Phone && s.fact(&d.Image, "phone").Text() == "" {
			return false
		}
	}
	return true
}

// signedUp is the date of a customer's sign-up.
func (s *Seeder) signedUp(i *supportdb.Image) (time.Time, bool) {
	at, _ := s.cfg.Desk.Fact("created")
	return s.cfg.Desk.Part(at.Part).ParseTime(at.Column, i.Get(i.Customer(), at))
}

// learnSubjects counts the customers who write a subject, by language and country,
// and those who write its words.
func (s *Seeder) learnSubjects(d *supportdb.Record, l *lessons) {
	at, ok := s.cfg.Desk.TicketFact("subject")
	if !ok {
		return
	}
	facts := s.cfg.Desk.Facts(&d.Image)
	who := person(&facts)
	group := who.Language + "\x00" + who.Country
	if l.subjects[group] == nil {
		l.subjects[group] = map[string]int{}
	}
	words, texts := map[string]bool{}, map[string]bool{}
	for _, n := range d.Tickets() {
		text := d.Get(n, at).Text()
		texts[text] = true
		for _, word := range wordRuns.FindAllString(strings.ToLower(text), -1) {
			words[word] = true
		}
	}
	for text := range texts {
		l.subjects[group][text]++
	}
	for word := range words {
		l.words[word]++
	}
}
