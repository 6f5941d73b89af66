package schedule

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"time"
)

// Stay is one token in one canary's row in [Since, Until); a zero Until is
// still there.
type Stay struct {
	Token, Canary string
	Since, Until  time.Time
}

// State is what [Plan.Due] goes by.
type State struct {
	// Tick is the scheduled moment whose moves are wanted, from [Ticks].
	Tick Tick
	// Now is the time of the call, by which the pace is kept; it is the tick's
	// own where the tick is not late.
	Now time.Time
	// Stays are those of all canaries that follow the plan, present and past,
	// each row's present token once. Past ones may be left out when they ended
	// before the horizon, except a canary's last but one.
	Stays []Stay
	// Pool are the tokens of a plan with Reuse, in use or not.
	Pool []string
	// Fits says whether a token of the pool suits a canary (name, locale, another
	// segment); nil means that all do.
	Fits func(token, canary string) bool
	// Seed decides what is free to choose. It must not change.
	Seed []byte
}

// Move is one change in place: in the canary's row the token From ends and To
// begins. Where tokens are minted To is empty.
type Move struct {
	Canary, From, To string
	// Due is when it came due.
	Due time.Time
	// Late says that its tick was missed.
	Late bool
}

// Due gives the moves that have come due at the tick, in the order in which
// they came due. It gives no more than the pace allows for now, nor moves for
// which the pool has no token that has rested; they come at a later tick. Ticks
// should come several times a day: the pace of a day is not made up for later.
func (p Plan) Due(s State) []Move {
	if p.Kind == Still || p.Kind == "" || p.Stay <= 0 {
		return nil
	}
	r := newRound(p, s)
	ripe := r.ripe()
	if p.Reuse && len(ripe) > 0 && r.left > 0 {
		r.fill(ripe)
	}
	var moves []Move
	for _, c := range ripe {
		if len(moves) >= r.left {
			break
		}
		m := Move{Canary: c.id, From: c.present.Token, Due: c.due, Late: s.Tick.Late}
		if p.Reuse {
			var ok bool
			if m.To, ok = r.take(c); !ok {
				continue
			}
		}
		moves = append(moves, m)
	}
	return moves
}

// round is one call of Due.
type round struct {
	plan     Plan
	state    State
	canaries map[string]*holder
	tokens   []*resting
	left     int // moves that the pace allows now
}

// holder is a canary with its history.
type holder struct {
	id      string
	stays   int
	present Stay
	due     time.Time
	held    map[string]bool // tokens that ever stood in its row; of ripe ones alone
}

// resting is a token of the pool.
type resting struct {
	id   string
	mark uint64 // its number in the lottery
	last Stay   // the latest; zero when it was never used
	used bool   // stands in a row
}

func newRound(p Plan, s State) *round {
	r := &round{plan: p, state: s, canaries: map[string]*holder{}}
	for _, stay := range s.Stays {
		c := r.canaries[stay.Canary]
		if c == nil {
			c = &holder{id: stay.Canary}
			r.canaries[stay.Canary] = c
		}
		c.stays++
		if stay.Until.IsZero() {
			c.present = stay
		}
	}
	r.left = r.pace()
	return r
}

// fill lists the pool, and what the ripe canaries held before.
func (r *round) fill(ripe []*holder) {
	pool := map[string]*resting{}
	for _, id := range r.state.Pool {
		if pool[id] == nil {
			pool[id] = &resting{id: id, mark: r.hash("token", id)}
			r.tokens = append(r.tokens, pool[id])
		}
	}
	for _, c := range ripe {
		c.held = map[string]bool{}
	}
	for _, s := range r.state.Stays {
		if c := r.canaries[s.Canary]; c.held != nil {
			c.held[s.Token] = true
		}
		if t := pool[s.Token]; t != nil {
			t.used = t.used || s.Until.IsZero()
			if cmp.Or(s.Since.Compare(t.last.Since), cmp.Compare(s.Canary, t.last.Canary)) > 0 {
				t.last = s
			}
		}
	}
}

// hash draws 64 bits from the seed.
func (r *round) hash(what string, of ...string) uint64 {
	h := sha256.New()
	for _, part := range append([]string{string(r.state.Seed), what}, of...) {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// ripe gives the canaries whose token has stood its time, the longest overdue
// first.
func (r *round) ripe() []*holder {
	var live []*holder
	first := false
	for _, c := range r.canaries {
		if c.present.Token == "" {
			continue
		}
		live = append(live, c)
		first = first || c.stays == 1
		c.due = c.present.Since.Add(r.plan.Stay)
	}
	if first {
		r.spread(live)
	}
	live = slices.DeleteFunc(live, func(c *holder) bool { return c.due.After(r.state.Tick.At) })
	slices.SortFunc(live, func(a, b *holder) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	return live
}

// spread sets the ends of first stays, so that canaries that were planted
// together do not change together, and some soon: they last up to one stay, by
// the canary's rank in a lottery among all.
func (r *round) spread(live []*holder) {
	lots := make(map[string]uint64, len(live))
	for _, c := range live {
		lots[c.id] = r.hash("phase", c.id)
	}
	slices.SortFunc(live, func(a, b *holder) int { return cmp.Or(cmp.Compare(lots[a.id], lots[b.id]), cmp.Compare(a.id, b.id)) })
	for rank, c := range live {
		if c.stays == 1 {
			part := (float64(rank) + 0.5) / float64(len(live))
			c.due = c.present.Since.Add(time.Duration(float64(r.plan.Stay) * part))
		}
	}
}

// slack is what pace leaves out: a move is made some time after its tick, and
// must not keep the tick of the next day from its own.
const slack = time.Hour

// pace is how many moves may be made now: over a day, a month and a year no
// more than the plan's changes, rounded up.
func (r *round) pace() int {
	left := math.MaxInt
	for _, days := range []int{1, 30, 365} {
		most := int(min(math.Ceil(r.plan.Changes*float64(days)-1e-9), math.MaxInt32))
		left = min(left, max(most, 1)-r.changesSince(r.state.Now.Add(slack-time.Duration(days)*day)))
	}
	return max(left, 0)
}

// changesSince counts the changes after a moment: stays that ended because
// another one began.
func (r *round) changesSince(from time.Time) int {
	n := 0
	for _, s := range r.state.Stays {
		if s.Until.After(from) && r.canaries[s.Canary].present.Token != "" {
			n++
		}
	}
	return n
}

// take chooses a token that had rested at the tick: one that never stood in
// this row where there is one, never the one that stood there last.
// A presence code draws by lot, so that spells have phases of their own; a
// staircase takes the one that has rested longest.
func (r *round) take(c *holder) (string, bool) {
	lot := r.hash("move", c.id, strconv.Itoa(c.stays))
	var best *resting
	var lowest claim
	for _, t := range r.tokens {
		if !r.rested(t, c) {
			continue
		}
		its := claim{again: c.held[t.id], lot: mix(lot ^ t.mark), id: t.id}
		if r.plan.Kind == Staircase {
			its.since = t.last.Until
		}
		if best == nil || its.before(lowest) {
			best, lowest = t, its
		}
	}
	if best == nil {
		return "", false
	}
	best.used = true
	return best.id, true
}

// claim orders the tokens that may be taken.
type claim struct {
	again bool
	since time.Time
	lot   uint64
	id    string
}

func (a claim) before(b claim) bool {
	if a.again != b.again {
		return b.again
	}
	return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.lot, b.lot), cmp.Compare(a.id, b.id)) < 0
}

func (r *round) rested(t *resting, c *holder) bool {
	switch {
	case t.used, t.last.Canary == c.id:
		return false
	case t.last.Canary != "" && !t.last.Until.Add(r.plan.Quarantine).Before(r.state.Tick.At):
		return false
	}
	return r.state.Fits == nil || r.state.Fits(t.id, c.id)
}

// mix spreads the bits of x (the finalizer of SplitMix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
