package seeder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// number gives the drafts' tickets their numbers and returns numbers of the
// same form for placebos. Where the key is the number, the server gives it at
// insertion and only the placebos are drawn. In forms numbers hold a place: the
// application gives others, and what it has not given yet cannot be a placebo.
func (m *minter) number(ctx context.Context, rng *rand.Rand, ordinal int, drafts []*draft) ([]string, error) {
	if err := m.s.refreshNumbers(ctx, m.l); err != nil {
		return nil, err
	}
	if m.l.past != nil {
		return m.pastNumbers(ctx, rng, ordinal, drafts)
	}
	times := allTimes(drafts)
	// Every canary brings its share of placebos for each of its tickets.
	spare := 0
	for i := range drafts {
		spare += m.pool.placebosFor(ordinal+i) * len(drafts[i].times)
	}
	if m.s.cfg.Desk.NumberIsKey() {
		return m.skipped(ctx, rng, spare)
	}
	if m.form {
		numbers, err := m.draw(ctx, rng, times) // so that no text names the donor's
		if err != nil {
			return nil, err
		}
		m.assign(drafts, numbers)
		return m.skipped(ctx, rng, spare)
	}
	where := positions(rng, len(times), spare)
	dates := spaced(times, where)
	numbers, err := m.draw(ctx, rng, dates)
	if err != nil {
		return nil, err
	}
	var spares, own []string
	for i, text := range numbers {
		if slices.Contains(where, i) {
			spares = append(spares, text)
			continue
		}
		own = append(own, text)
	}
	m.assign(drafts, own)
	return spares, nil
}

// pastNumbers gives out the numbers that were found with the slots, draws those
// of rules without order, and returns placebos from those that were skipped.
func (m *minter) pastNumbers(ctx context.Context, rng *rand.Rand, ordinal int, drafts []*draft) ([]string, error) {
	at, _ := m.s.cfg.Desk.TicketFact("number")
	spare := 0
	for i, d := range drafts {
		spare += m.pool.placebosFor(ordinal+i) * len(d.times)
		for k, n := range d.image.Tickets() {
			number := d.numbers[n]
			if m.s.cfg.Desk.NumberIsKey() {
				number = d.image.Get(n, at).Text() // the slot, or one that the server will give
			} else if number == "" {
				drawn, err := m.draw(ctx, rng, d.times[k:k+1])
				if err != nil {
					return nil, err
				}
				number = drawn[0]
			}
			if number == "" {
				continue
			}
			m.numbers[number] = true
			rewrite(&d.image, n, d.image.Get(n, at).Text(), number)
			d.image.Set(n, at, supportdb.Text(number))
		}
	}
	return m.skipped(ctx, rng, spare)
}

// positions chooses which of n+spare numbers are the placebos; never the last,
// so that a help desk that goes on after the highest number meets none.
func positions(rng *rand.Rand, n, spare int) []int {
	var where []int
	for len(where) < spare && n > 0 {
		if at := rng.IntN(n + spare - 1); !slices.Contains(where, at) {
			where = append(where, at)
		}
	}
	return where
}

// spaced gives the placebos dates of their neighbours.
func spaced(times []time.Time, where []int) []time.Time {
	out := make([]time.Time, 0, len(times)+len(where))
	next := 0
	for i := range len(times) + len(where) {
		if len(times) == 0 {
			break
		}
		out = append(out, times[min(next, len(times)-1)])
		if !slices.Contains(where, i) {
			next++
		}
	}
	return out
}

// assign gives out numbers in the order of the tickets' dates.
func (m *minter) assign(drafts []*draft, numbers []string) {
	number, _ := m.s.cfg.Desk.TicketFact("number")
	type slot struct {
		draft  *draft
		ticket int
		at     time.Time
	}
	var slots []slot
	for _, d := range drafts {
		for i, n := range d.image.Tickets() {
			slots = append(slots, slot{d, n, d.times[i]})
		}
	}
	slices.SortStableFunc(slots, func(a, b slot) int { return a.at.Compare(b.at) })
	for i, s := range slots {
		rewrite(&s.draft.image, s.ticket, s.draft.image.Get(s.ticket, number).Text(), numbers[i])
		s.draft.image.Set(s.ticket, number, supportdb.Text(numbers[i]))
		s.draft.image.Next = max(s.draft.image.Next, m.after(numbers[i]))
	}
}

// after is where the help desk's counter has to stand so that it does not give
// a number again; 0 when that number belongs to another day or year than the
// newest ones, or has no order.
func (m *minter) after(number string) int64 {
	desk := m.s.cfg.Desk.Recipe().Ticket.Counter
	if desk == nil || m.l.rule == nil || !m.l.rule.Running || len(m.l.recent) == 0 {
		return 0
	}
	newest := slices.MaxFunc(m.l.recent, func(a, b persona.Numbered) int { return a.Created.Compare(b.Created) })
	now, _, _ := m.l.rule.Read(newest.Text)
	period, counter, ok := m.l.rule.Read(number)
	if !ok || period < now {
		return 0
	}
	return counter + int64(max(desk.Step, 1))
}

// drawTries bounds how often numbers are drawn anew.
const drawTries = 200

// aheadFirst is how many numbers behind one that is in use are looked at, and
// twice as many each time: canaries that were taken back have left theirs, which
// the registry knows and the table does not.
const (
	aheadFirst = 32
	aheadMost  = 1 << 10
)

// draw gives one number for each date that stands neither in the table nor in
// the registry.
func (m *minter) draw(ctx context.Context, rng *rand.Rand, dates []time.Time) ([]string, error) {
	ahead := aheadFirst
	for range drawTries {
		numbers, continued, err := m.series(rng, dates)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSample, err)
		}
		clash, err := m.avoid(ctx, numbers)
		if err != nil {
			return nil, err
		}
		if len(clash) > 0 {
			if err := m.lookAhead(ctx, numbers, dates, clash[len(clash)-1], ahead); err != nil {
				return nil, err
			}
			ahead = min(2*ahead, aheadMost)
			continue
		}
		for _, text := range numbers {
			m.numbers[text] = true
		}
		m.continued += continued
		return numbers, nil
	}
	return nil, fmt.Errorf("draw ticket numbers: %w", ErrClashes)
}

// lookAhead finds which of the numbers behind one that is in use are so too.
func (m *minter) lookAhead(ctx context.Context, numbers []string, dates []time.Time, last string, n int) error {
	if m.l.rule == nil {
		return nil
	}
	_, err := m.avoid(ctx, m.l.rule.Ahead(last, dates[slices.Index(numbers, last)], n))
	return err
}

// avoid lists those of the numbers that are in use, and draws them no more.
func (m *minter) avoid(ctx context.Context, numbers []string) ([]string, error) {
	clash, err := m.taken(ctx, numbers)
	for _, text := range clash {
		m.numbers[text] = true
	}
	return clash, err
}

func (m *minter) series(rng *rand.Rand, dates []time.Time) (numbers []string, continued int, err error) {
	used := func(text string) bool { return m.numbers[text] }
	if m.l.rule != nil {
		return m.l.rule.Series(rng, m.l.recent, dates, used)
	}
	drawn := map[string]bool{}
	for range dates {
		text, err := m.l.shape.Draw(rng, func(text string) bool { return drawn[text] || used(text) })
		if err != nil {
			return nil, 0, err
		}
		drawn[text] = true
		numbers = append(numbers, text)
	}
	return numbers, 0, nil
}

// taken lists those of the numbers that are in use.
func (m *minter) taken(ctx context.Context, numbers []string) ([]string, error) {
	desk := m.s.cfg.Desk
	at, _ := desk.TicketFact("number")
	standing, err := desk.Taken(ctx, at, numbers)
	if err != nil {
		return nil, err
	}
	canon := make([]string, len(numbers))
	for i, text := range numbers {
		if canon[i], err = token.Canon(canary.Ticket, text); err != nil {
			return nil, fmt.Errorf("ticket token: %w", err)
		}
	}
	list, err := m.s.cfg.Ledger.KnownAmong(ctx, canary.Ticket, canon)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, text := range list {
		known[text] = true
	}
	var out []string
	for i, text := range numbers {
		if known[canon[i]] || isTaken(standing, text) {
			out = append(out, text)
		}
	}
	return out, nil
}

// skipped finds keys that the table has passed over, for placebos of tickets
// whose key is their number: a key that is still to come would be a customer's.
func (m *minter) skipped(ctx context.Context, rng *rand.Rand, want int) ([]string, error) {
	if m.l.rule == nil || want == 0 {
		m.lack += want
		return nil, nil
	}
	free := m.l.rule.Skipped(m.l.recent, func(text string) bool { return m.numbers[text] })
	rng.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	clash, err := m.taken(ctx, free)
	if err != nil {
		return nil, err
	}
	free = slices.DeleteFunc(free, func(text string) bool { return isTaken(clash, text) })
	free = free[:min(want, len(free))]
	for _, text := range free {
		m.numbers[text] = true
	}
	m.lack += want - len(free)
	return free, nil
}
