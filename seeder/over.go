package seeder

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// A batch that is planted over a span is not inserted at once: its canaries
// arrive one by one among the real sign-ups. When they do is drawn from the
// batch's seed, its span and the rates of the table that were learned when it
// was opened, all of which is registered with it; so every run draws the same
// times, whoever runs and when, and nothing but the clock decides how many are
// to stand by now:
//
//	died                      registry           support db  next run
//	before the batch is open  nothing            nothing     begins, with rates of its own
//	between two arrivals      batch, n planted   n rows      counts n, inserts those whose time has come
//	anywhere else             as in plant.go, canary by canary
//
// A time that was missed is made up by the next run, with the date of that run.

const (
	hoursOfWeek = 7 * 24
	// signUpSample is the number of sign-ups from which rates are learned.
	signUpSample = 3000
	// lateAfter is how long after its time an arrival counts as late.
	lateAfter = 15 * time.Minute
	// leastOver keeps a span from being none: a run a minute could not keep it.
	leastOver = time.Hour
	mostOver  = 366 * 24 * time.Hour
)

// Arrivals gives the times at which the canaries of a batch arrive, in order;
// none for a batch that is planted at once.
func Arrivals(b *canary.Batch) []time.Time {
	if b.Over <= 0 {
		return nil
	}
	rng := source(b.Seed, "arrive", 0)
	out := make([]time.Time, b.Count)
	for i := range out {
		out[i] = arrival(rng, b)
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// arrival draws a time of the span as often as customers sign up at its hour of
// the week. A span in which nobody ever does gets any time.
func arrival(rng *rand.Rand, b *canary.Batch) time.Time {
	const tries = 200
	var at time.Time
	for range tries {
		at = b.Opened.Add(time.Duration(rng.Int64N(int64(b.Over)))).Truncate(time.Second)
		if len(b.Rates) != hoursOfWeek || rng.Float64()*slices.Max(b.Rates) < b.Rates[hourOfWeek(at)] {
			break
		}
	}
	return at
}

// hourOfWeek counts the hours since Monday 00:00 UTC.
func hourOfWeek(at time.Time) int {
	at = at.UTC()
	return (int(at.Weekday())+6)%7*24 + at.Hour()
}

// Progress says how far a batch that is planted over a span has come.
type Progress struct {
	Count int `json:"count"` // canaries that are to stand in the end
	Live  int `json:"live"`  // that stand
	Due   int `json:"due"`   // whose time has come and that do not stand yet
	Late  int `json:"late"`  // that came later than they were to come
	// Next is the time of the next that is not due; zero when there is none.
	Next time.Time `json:"next,omitzero"`
}

// ProgressOf compares the canaries of a batch with its arrivals.
func ProgressOf(b *canary.Batch, all []canary.Planting, now time.Time) Progress {
	p := Progress{Count: b.Count}
	arrivals, came := Arrivals(b), arrived(all)
	for i, at := range came {
		if i < len(arrivals) && at.Sub(arrivals[i]) > lateAfter {
			p.Late++
		}
	}
	for i := range all {
		if all[i].State == canary.Planted || all[i].State == canary.Verified {
			p.Live++
		}
	}
	due := dueBy(arrivals, now)
	p.Due = max(due-p.Live, 0)
	if due < len(arrivals) {
		p.Next = arrivals[due]
	}
	return p
}

// arrived are the times at which canaries came to stand, in order, also those
// of canaries that were withdrawn since.
func arrived(all []canary.Planting) []time.Time {
	var out []time.Time
	for i := range all {
		var first time.Time
		for _, t := range all[i].Tokens {
			from := t.Window.From
			if t.Kind == canary.Email && from.Come() && (first.IsZero() || from.Latest.Before(first)) {
				first = from.Latest
			}
		}
		if !first.IsZero() {
			out = append(out, first)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// dueBy counts the arrivals whose time has come.
func dueBy(arrivals []time.Time, now time.Time) int {
	n, _ := slices.BinarySearchFunc(arrivals, now, func(at, now time.Time) int {
		if at.After(now) {
			return 1
		}
		return -1
	})
	return n
}

// learnRates counts sign-ups by the hour of the week. Neighbouring hours are
// smoothed into one another: eighteen of an hour, as there are in a sample, say
// little of the next week's. Dates without a time of day say nothing: any hour
// is as good as another.
func (s *Seeder) learnRates(ctx context.Context, rng *rand.Rand) ([]float64, error) {
	dates, err := s.cfg.Desk.SignUps(ctx, rng, signUpSample)
	if err != nil {
		return nil, err
	}
	if len(dates) == 0 {
		return nil, fmt.Errorf("%w: no customer has a date of sign-up", ErrSample)
	}
	counts, midnights := make([]float64, hoursOfWeek), 0
	for _, at := range dates {
		counts[hourOfWeek(at)]++
		if at.Equal(startOfDay(at)) {
			midnights++
		}
	}
	rates := make([]float64, hoursOfWeek)
	for h := range rates {
		before, after := counts[(h+hoursOfWeek-1)%hoursOfWeek], counts[(h+1)%hoursOfWeek]
		rates[h] = (before + 2*counts[h] + after) / float64(4*len(dates))
		if midnights*2 > len(dates) {
			rates[h] = 1.0 / hoursOfWeek
		}
	}
	return rates, nil
}

func startOfDay(at time.Time) time.Time {
	at = at.UTC()
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// checkOver refuses settings that do not go with a span.
func (cfg *PlantConfig) checkOver() error {
	switch {
	case cfg.Over == 0:
		return nil
	case cfg.Dates == DatesPast:
		return fmt.Errorf("%w: canaries that arrive over a span are of now, not of the past", ErrConfig)
	case cfg.Bulk:
		return fmt.Errorf("%w: canaries that arrive over a span come one by one, not in bulk", ErrConfig)
	case cfg.Over < leastOver || cfg.Over > mostOver:
		return fmt.Errorf("%w: a span of %s: want an hour to a year", ErrConfig, cfg.Over)
	}
	return nil
}

// resume takes over what a batch was begun with and this run does not say.
func (cfg *PlantConfig) resume(b *canary.Batch) {
	cfg.Count, cfg.Over = cmp.Or(cfg.Count, b.Count), cmp.Or(cfg.Over, b.Over)
	if b.Over == 0 {
		return
	}
	cfg.Segment = cmp.Or(cfg.Segment, b.Segment)
	if cfg.With == nil {
		cfg.With = b.With
	}
}

// overText names a span, if there is one.
func overText(over time.Duration) string {
	if over == 0 {
		return ""
	}
	return fmt.Sprintf(", over %s", over)
}

// beginOver learns the rates of a batch that is begun, and draws its arrivals.
func (r *planting) beginOver(ctx context.Context) (err error) {
	if r.batch.Over == 0 {
		return nil
	}
	r.batch.Rates, err = r.s.learnRates(ctx, source(r.batch.Seed, "rates", 0))
	r.arrivals = Arrivals(&r.batch)
	return err
}

// waits reports whether a batch over a span has nothing to do before its next
// arrival. Intended canaries of a run that died are something.
func (r *planting) waits(all []canary.Planting) bool {
	r.report.Asked = r.cfg.Count
	intended := slices.ContainsFunc(all, func(p canary.Planting) bool { return p.State == canary.Intended })
	return r.opened && r.batch.Over > 0 && !intended && r.report.Live >= r.goal() && r.report.Live < r.cfg.Count
}

// goal is how many canaries are to stand when this run is done.
func (r *planting) goal() int {
	if r.batch.Over == 0 {
		return r.cfg.Count
	}
	return min(dueBy(r.arrivals, r.s.now()), r.cfg.Count)
}

// due are the times of the next canaries, no more than limit of them, whose
// time has come; of a dry run, which shows some, it has come for the first.
func (r *planting) due(limit int) []time.Time {
	if r.batch.Over == 0 {
		return nil
	}
	from := min(r.report.Live, len(r.arrivals))
	return r.arrivals[from:min(from+limit, len(r.arrivals))]
}

// reportOver says how far the batch has come.
func (r *planting) reportOver(ctx context.Context) error {
	if r.batch.Over == 0 || r.cfg.DryRun {
		return nil
	}
	all, err := r.s.cfg.Ledger.Plantings(ctx, canary.Filter{Batch: r.batch.ID})
	if err != nil {
		return fmt.Errorf("read the batch's canaries: %w", err)
	}
	r.report.Over = new(ProgressOf(&r.batch, all, r.s.now()))
	return nil
}

// arriving makes drafts of customers who have just signed up. Who is in time is
// dated then, unless somebody real came in between; who is not is of now, behind
// the newest row.
func (m *minter) arriving(ctx context.Context, rng *rand.Rand, due []time.Time) ([]*draft, error) {
	low, high, err := m.s.room(ctx)
	if err != nil {
		return nil, err
	}
	if m.young == nil {
		if m.young, err = m.s.learnYoung(ctx, source(m.batch.Seed, "young", 0)); err != nil {
			return nil, err
		}
	}
	starts := make([]time.Time, len(due))
	for i, at := range due {
		switch {
		case at.Before(low) || at.After(high) || high.Sub(at) > lateAfter:
			starts[i] = high
			if span := high.Sub(low); span > 0 {
				starts[i] = high.Add(-time.Duration(rng.Int64N(int64(min(span, lateAfter)))))
			}
		default:
			starts[i] = at
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	out := make([]*draft, len(due))
	for i, start := range starts {
		m.turn(i)
		if out[i], err = m.arrive(ctx, rng, start, high); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nearHours is how many donors are near in the hour of the week; one is drawn.
const nearHours = 12

// arrive makes the draft of a customer who signs up now, of a donor who signed
// up long ago at about this hour of the week, so that the hours of what the
// donor did later are the right ones for the canary too.
func (m *minter) arrive(ctx context.Context, rng *rand.Rand, start, end time.Time) (*draft, error) {
	order := m.l.byHour(m.s, start)
	for from := 0; from < len(order); from += nearHours {
		near := slices.Clone(order[from:min(from+nearHours, len(order))])
		rng.Shuffle(len(near), func(i, j int) { near[i], near[j] = near[j], near[i] })
		for _, n := range near {
			if !m.suits(n) {
				continue
			}
			donor := &m.l.donors[n]
			signedUp, _ := m.s.signedUp(&donor.Image)
			facts := m.s.cfg.Desk.Facts(&donor.Image)
			asOf := signedUp.Add(max(end.Sub(start), atOnce))
			d := &draft{donor: m.young.asOf(donor, asOf), who: person(&facts), start: start, end: end, leads: donor}
			ready, err := m.finish(ctx, rng, d, from > 0)
			if ready || err != nil {
				return d, err
			}
		}
	}
	return nil, fmt.Errorf("%w: no donor is left that could be copied: %s", ErrSample, m.whyNone())
}

// atOnce is how soon after the sign-up something belongs to it.
const atOnce = 2 * time.Minute

// lifeAhead is how long ago a donor signed up at least, where there are such:
// the canary leads the donor's life from then on.
const lifeAhead = 30 * 24 * time.Hour

// byHour lists the donors by the distance of the hour of the week at which they
// signed up. Those with enough life ahead come first, and of these the later
// ones, if they are some: years ago customers may have lived otherwise.
func (l *lessons) byHour(s *Seeder, at time.Time) []int {
	ago := make([]time.Duration, len(l.donors))
	for n := range l.donors {
		signedUp, _ := s.signedUp(&l.donors[n].Image)
		ago[n] = at.Sub(signedUp)
	}
	most := enough(ago)
	class := func(n int) int {
		switch {
		case ago[n] < lifeAhead:
			return 2
		case ago[n] > most:
			return 1
		}
		return 0
	}
	hours := func(n int) time.Duration {
		const week = hoursOfWeek * time.Hour
		d := (ago[n]%week + week) % week
		return min(d, week-d)
	}
	out := make([]int, len(l.donors))
	for n := range out {
		out[n] = n
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Or(class(a)-class(b), cmp.Compare(hours(a), hours(b))) })
	return out
}

// enough is the least time back in which there are some donors with enough life
// ahead.
func enough(ago []time.Duration) time.Duration {
	most := 4 * lifeAhead
	for range 8 {
		n := 0
		for _, d := range ago {
			if d >= lifeAhead && d <= most {
				n++
			}
		}
		if n >= 4*nearHours {
			break
		}
		most *= 2
	}
	return most
}
