package seeder

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/schedule"
)

// Pace says how often canaries may change their tokens, and to what.
type Pace struct {
	// Rates are how often a customer changes an address or a number in a year;
	// see [Watched.Rate]. Kinds that are not in it never change.
	Rates map[canary.Kind]float64
	// Multiple is how many times as often canaries may change.
	Multiple float64
	// Domains are those on which addresses are minted and used once. All other
	// addresses, and numbers, are scarce and used again.
	Domains []string
	// Pool are the scarce tokens, canonical, that stand in rows, rest or are ready.
	Pool map[canary.Kind][]string
	// Lifetime and ScarceLifetime are how long a token stands in a row at least.
	Lifetime, ScarceLifetime time.Duration
	Quarantine, Horizon      time.Duration // as in [schedule.Budget]
	Seed                     []byte        // secret; must not change
}

// Lane is the canaries whose tokens of one kind come from one sort of pool.
type Lane struct {
	Kind   canary.Kind
	Scarce bool
	Live   int
	Plan   schedule.Plan

	stays []schedule.Stay
	pool  []string
	seed  []byte
}

// Timetable says which canary changes what, and when: a plan for each lane,
// worked out from what stands in the registry. The same canaries and the same
// pace give the same timetable.
type Timetable struct{ Lanes []Lane }

// Turn is one canary whose token of a kind has come due.
type Turn struct {
	Canary canary.ID
	Kind   canary.Kind
	Due    time.Time
}

// Timetable works out when the canaries of the seeder's place change.
func (s *Seeder) Timetable(ctx context.Context, p Pace) (*Timetable, error) {
	all, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{Place: s.cfg.Place, States: []canary.State{canary.Planted, canary.Verified, canary.Retired}})
	if err != nil {
		return nil, fmt.Errorf("timetable: read the registry: %w", err)
	}
	return NewTimetable(all, p)
}

// NewTimetable works out when these canaries change. Those that are retired
// count for the tokens that they had: scarce ones rest.
func NewTimetable(all []canary.Planting, p Pace) (*Timetable, error) {
	free := Lane{Kind: canary.Email}
	boxes := Lane{Kind: canary.Email, Scarce: true, pool: p.Pool[canary.Email]}
	phones := Lane{Kind: canary.Phone, Scarce: true, pool: p.Pool[canary.Phone]}
	for i := range all {
		emails := stood(&all[i], canary.Email)
		switch {
		case live(emails) && owned(emails[len(emails)-1].Token, p.Domains):
			free.enter(emails)
			boxes.rest(emails)
		case live(emails):
			boxes.enter(emails)
		default:
			boxes.rest(emails)
		}
		if numbers := stood(&all[i], canary.Phone); live(numbers) {
			phones.enter(numbers)
		} else {
			phones.rest(numbers)
		}
	}
	t := &Timetable{}
	for _, l := range []Lane{free, boxes, phones} {
		if l.Live == 0 {
			continue
		}
		if err := l.choose(&p); err != nil {
			return nil, fmt.Errorf("timetable: %w", err)
		}
		t.Lanes = append(t.Lanes, l)
	}
	return t, nil
}

// stood is what stood in a canary's row, the oldest first, the last one
// without an end when it stands.
func stood(p *canary.Planting, kind canary.Kind) []schedule.Stay {
	stands := p.State == canary.Planted || p.State == canary.Verified
	var list []schedule.Stay
	for _, t := range p.Tokens {
		w := t.Window
		if t.Kind != kind || !w.From.Come() || w.Never() || !stands && !w.Until.Come() {
			continue
		}
		list = append(list, schedule.Stay{Token: t.Text, Canary: string(p.ID), Since: w.From.Latest, Until: w.Until.Latest})
	}
	slices.SortFunc(list, func(a, b schedule.Stay) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Token, b.Token)) })
	for i := range list {
		if i < len(list)-1 && list[i].Until.IsZero() {
			list[i].Until = list[i+1].Since // two are open: the newer one counts
		}
	}
	return list
}

func live(stays []schedule.Stay) bool {
	return len(stays) > 0 && stays[len(stays)-1].Until.IsZero()
}

func owned(address string, domains []string) bool {
	_, domain, err := token.SplitEmail(address)
	return err == nil && slices.Contains(domains, domain)
}

// enter takes a canary into the lane.
func (l *Lane) enter(stays []schedule.Stay) {
	l.Live++
	l.stays = append(l.stays, stays...)
	if l.Scarce {
		l.pool = append(slices.Clip(l.pool), stays[len(stays)-1].Token)
	}
}

// rest notes tokens that have left the row of a canary that is not in the lane.
func (l *Lane) rest(stays []schedule.Stay) {
	for _, s := range stays {
		if !s.Until.IsZero() {
			l.stays = append(l.stays, s)
		}
	}
}

func (l *Lane) choose(p *Pace) (err error) {
	slices.Sort(l.pool)
	l.pool = slices.Compact(l.pool)
	b := schedule.Budget{
		Live: l.Live, Changes: schedule.Allowed(l.Live, p.Rates[l.Kind], p.Multiple), Free: -1,
		Quarantine: p.Quarantine, Shortest: p.Lifetime, Horizon: p.Horizon,
	}
	if l.Scarce {
		b.Scarce, b.Shortest = len(l.pool), p.ScarceLifetime
	}
	l.seed = slices.Concat(p.Seed, []byte(l.Kind))
	l.Plan, err = schedule.Choose(b)
	return err
}

// Due gives the turns that have come due at a tick, in the order in which they
// did, and no more than the pace allows for now; see [schedule.Plan.Due].
// Canaries in but are left alone.
func (t *Timetable) Due(tick schedule.Tick, now time.Time, but map[canary.ID]bool) []Turn {
	var turns []Turn
	for i := range t.Lanes {
		l := &t.Lanes[i]
		for _, m := range l.due(tick, now, but) {
			turns = append(turns, Turn{canary.ID(m.Canary), l.Kind, m.Due})
		}
	}
	slices.SortStableFunc(turns, func(a, b Turn) int { return a.Due.Compare(b.Due) })
	return turns
}

func (l *Lane) due(tick schedule.Tick, now time.Time, but map[canary.ID]bool) []schedule.Move {
	stays := l.stays
	if len(but) > 0 {
		stays = slices.Clone(stays)
		for i := range stays {
			if but[canary.ID(stays[i].Canary)] && stays[i].Until.IsZero() {
				stays[i].Since = tick.At // it has just begun, so it is not due
			}
		}
	}
	return l.Plan.Due(schedule.State{Tick: tick, Now: now, Stays: stays, Pool: l.pool, Seed: l.seed})
}

// Ahead is a tick to come at which canaries change.
type Ahead struct {
	At      time.Time           `json:"at"`
	Changes map[canary.Kind]int `json:"changes"`
}

// mostAhead bounds how many ticks are looked at.
const mostAhead = 10_000

// Ahead gives the next want ticks of a timetable at which something changes, if
// nothing is planted or withdrawn before. next gives the first tick after its
// argument, or the zero time.
func (t *Timetable) Ahead(from time.Time, next func(time.Time) time.Time, want int) []Ahead {
	trial := Timetable{slices.Clone(t.Lanes)}
	for i := range trial.Lanes {
		trial.Lanes[i].stays = slices.Clone(trial.Lanes[i].stays)
	}
	var out []Ahead
	at := next(from)
	for range mostAhead {
		if at.IsZero() || len(out) == want {
			break
		}
		changes := map[canary.Kind]int{}
		for i := range trial.Lanes {
			if n := trial.Lanes[i].pass(at); n > 0 {
				changes[trial.Lanes[i].Kind] += n
			}
		}
		if len(changes) > 0 {
			out = append(out, Ahead{at, changes})
		}
		at = next(at)
	}
	return out
}

// pass makes the moves of a tick as if they were made then.
func (l *Lane) pass(at time.Time) int {
	moves := l.due(schedule.Tick{At: at}, at, nil)
	to := map[string]schedule.Move{}
	for _, m := range moves {
		to[m.Canary] = m
	}
	for i := range l.stays {
		s := &l.stays[i]
		m, moved := to[s.Canary]
		if !moved || !s.Until.IsZero() {
			continue
		}
		s.Until = at
		l.stays = append(l.stays, schedule.Stay{Token: cmp.Or(m.To, "minted "+m.From), Canary: m.Canary, Since: at})
		delete(to, m.Canary)
	}
	return len(moves)
}

// TurnConfig is one tick of the timetable.
type TurnConfig struct {
	Pace   Pace
	Tick   schedule.Tick
	Rotate RotateConfig // how new tokens are drawn; it chooses nothing
	// Waits are canaries that are passed over until a time, because the pool had
	// nothing for them when they were last looked at. Turn enters more; nil keeps none.
	Waits map[canary.ID]time.Time
}

const (
	// maxRounds bounds how often a tick looks for others in place of canaries
	// that cannot be changed.
	maxRounds = 5
	// lookAgain is when one that waits is looked at again: it must not use up
	// the turns of others tick after tick.
	lookAgain = 7 * 24 * time.Hour
)

// Turn changes the canaries that have come due at a tick, and brings changes to
// an end that were cut off. Run again for the same tick it does what is left:
// what was changed is not due. A canary whose row is not as it should be is a
// finding, and another one takes its turn; so it is when the pool has nothing
// for it, and then it waits.
func (s *Seeder) Turn(ctx context.Context, cfg TurnConfig) (RotateReport, error) {
	var sum RotateReport
	but := map[canary.ID]bool{}
	for id, until := range cfg.Waits {
		but[id] = s.now().Before(until)
	}
	for range maxRounds {
		t, err := s.Timetable(ctx, cfg.Pace)
		if err != nil {
			return sum, fmt.Errorf("turn: %w", err)
		}
		r, err := s.take(ctx, cfg.Rotate, t.Due(cfg.Tick, s.now(), but))
		sum.add(&r)
		if err != nil {
			return sum, fmt.Errorf("turn: %w", err)
		}
		if len(r.Findings)+len(r.waits) == 0 {
			return sum, nil
		}
		for _, f := range r.Findings {
			but[f.Canary] = true
		}
		for _, id := range r.waits {
			but[id] = true
			if cfg.Waits != nil {
				cfg.Waits[id] = s.now().Add(lookAgain)
			}
		}
	}
	return sum, nil
}

// take makes turns, each kind by itself.
func (s *Seeder) take(ctx context.Context, rc RotateConfig, turns []Turn) (sum RotateReport, err error) {
	ids := map[canary.Kind][]canary.ID{canary.Email: {}, canary.Phone: {}}
	for _, t := range turns {
		ids[t.Kind] = append(ids[t.Kind], t.Canary)
	}
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		if _, has := s.cfg.Desk.Fact(string(kind)); !has {
			continue
		}
		rc.Kind, rc.IDs, rc.Count = kind, ids[kind], 0
		r, err := s.Rotate(ctx, rc)
		sum.add(&r)
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func (r *RotateReport) add(more *RotateReport) {
	r.Rotated += more.Rotated
	r.Finished += more.Finished
	r.Placebos += more.Placebos
	r.Waiting += more.Waiting
	r.WaitsFor = cmp.Or(more.WaitsFor, r.WaitsFor)
	r.waits = append(r.waits, more.waits...)
	r.Findings = append(r.Findings, more.Findings...)
	r.Statements = append(r.Statements, more.Statements...)
}
