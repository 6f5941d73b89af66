// Package schedule says when which canary changes its e-mail address or phone
// number, so that the tokens in a leaked copy tell when the copy was made:
// pure and deterministic, no I/O, no clock, no dice but a seed.
//
// A row never stands without a token, so a schedule is a list of moves: a
// canary's token ends and another begins in the same UPDATE. Every canary keeps
// a token for the plan's stay, and the canaries' phases are spread evenly, never
// in batches. What differs is what comes next:
//
//	staircase  a fresh token each time, used once: a hit says "in these days"
//	           c_1 |a1a1a1a1a1|a2a2a2a2a2|a3…     after h hits 2·stay/(h+1)
//	           c_2 |b1b1|b2b2b2b2b2|b3b3b3b3…
//	presence   a token of a small pool, which rests and then stands in another
//	           row: a hit says "in one of these spells", and the spells of h
//	           tokens have little in common    T·d^h + 2·stay/(h+1), d the duty
//	           m_1 |c_1c_1|----------|c_7c_7|-----|c_3…
//	           m_2 |----|c_4c_4|----------------|c_1…
//	still      nothing may change: only other ends of windows date a copy
//
// [Choose] takes the best shape that a pool of tokens and the rate of changes
// allow. That rate is what decides: if real customers change an address once in
// ten years, a canary that does so every month is found by comparing two
// copies. [Width] says what is left after h hits, also where several pools are
// mixed, and counts the other things that date a copy (see [Ends]).
//
// It refuses to hurry: what was missed is made up for at the pace of the
// budget, so that an outage is not followed by a batch. It refuses to use a
// token before its quarantine is over, or in the row it comes from.
//
// Invariant: [Plan.Due] depends on its argument alone and not on the order of
// its lists; asked again after some of its moves were made, it gives the rest.
// It fails by putting off: a move for which there is no token waits.
package schedule

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrBudget says that a budget makes no sense.
var ErrBudget = errors.New("budget makes no sense")

// Kind is the shape of a schedule.
type Kind string

// The shapes.
const (
	Still     Kind = "still"
	Staircase Kind = "staircase"
	Presence  Kind = "presence"
)

// Budget is what a schedule may use: one kind of token (addresses or numbers)
// from one pool.
type Budget struct {
	// Live is the number of canaries that hold such a token.
	Live int
	// Changes is how many of them may change in a day, from [Allowed].
	Changes float64
	// Free is how many further tokens may be minted within Horizon; -1 is any
	// number. It is of no account when Scarce is set.
	Free int
	// Scarce is the size of the pool when tokens are used again and again: those
	// in rows and those that rest. 0 means that tokens are free.
	Scarce int
	// Quarantine is how long a scarce token rests at least before it stands in
	// another row, so that late contacts are not taken for new ones.
	Quarantine time.Duration
	// Shortest is the shortest time that a token is to stand in a row, a
	// canary's first one set aside.
	Shortest time.Duration
	// Horizon is how far back a leak is to be dated.
	Horizon time.Duration
	// Hits is the number of hits for which the plan is to be best; 0 means 3.
	Hits int
}

// defaultHits: with fewer than three hits the first suspect is often wrong.
const defaultHits = 3

// Plan is a schedule. The zero value is Still.
type Plan struct {
	Kind Kind
	// Stay is how long a token stands in a row; a canary's first one stands for a
	// part of it, which spreads the phases.
	Stay time.Duration
	// Duty is the share of the horizon in which a token stands in some row.
	Duty float64
	// Changes is the expected number of changes in a day, over all canaries.
	Changes float64
	// Tokens is the expected number of tokens that stand in rows within the
	// horizon.
	Tokens float64
	// Horizon and Quarantine are the budget's.
	Horizon, Quarantine time.Duration
	// Reuse says that tokens come from a pool and go back to it.
	Reuse bool
	// Why says in words what decided.
	Why string
}

// Allowed is the number of changes in a day that live canaries may make: at
// most the multiple of the rate at which the table's own rows change (changes
// per row and year).
func Allowed(live int, rowYear, multiple float64) float64 {
	return float64(live) * rowYear * multiple / daysPerYear
}

const (
	day         = 24 * time.Hour
	daysPerYear = 365.25
)

// check reports everything that is wrong with a budget.
func (b Budget) check() error {
	var faults []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	bad(b.Live < 0, "%d canaries", b.Live)
	bad(!(b.Changes >= 0) || math.IsInf(b.Changes, 0), "%v changes a day", b.Changes)
	bad(b.Free < -1, "%d free tokens", b.Free)
	bad(b.Scarce < 0, "%d scarce tokens", b.Scarce)
	bad(b.Quarantine < 0, "a quarantine of %v", b.Quarantine)
	bad(b.Shortest <= 0, "a shortest stay of %v", b.Shortest)
	bad(b.Horizon <= 0, "a horizon of %v", b.Horizon)
	bad(b.Hits < 0, "%d hits", b.Hits)
	if len(faults) > 0 {
		return fmt.Errorf("%w: %w", ErrBudget, errors.Join(faults...))
	}
	return nil
}

// Choose picks the schedule with the narrowest window after the budget's hits.
// Nothing beats a staircase of tokens that are used once, so free tokens get
// one, with the stay that the pace (or the supply) allows. Scarce tokens get
// the presence code where its window is narrower than that of a staircase so
// slow that the pool lasts for the whole horizon.
func Choose(b Budget) (Plan, error) {
	if err := b.check(); err != nil {
		return Plan{}, fmt.Errorf("choose a schedule: %w", err)
	}
	if b.Hits == 0 {
		b.Hits = defaultHits
	}
	switch {
	case b.Live == 0:
		return b.still("there are no canaries to change"), nil
	case b.Changes == 0:
		return b.still("the table's own rows never change, so canaries must not either"), nil
	case float64(b.Live)/b.Changes*float64(day) >= longest:
		return b.still(fmt.Sprintf("%s changes a day for %d canaries are as good as none", number(b.Changes), b.Live)), nil
	case b.Scarce > 0:
		return b.scarce(), nil
	}
	return b.free(), nil
}

func (b Budget) still(why string) Plan {
	return Plan{Kind: Still, Duty: 1, Tokens: float64(b.Live), Horizon: b.Horizon, Why: why}
}

// pace is the shortest stay that the rate of changes allows, and what bound it.
func (b Budget) pace() (stay time.Duration, why string) {
	if slow := b.last(float64(b.Live) / b.Changes); slow > b.Shortest {
		return slow, fmt.Sprintf("%s changes a day are allowed for %d canaries", number(b.Changes), b.Live)
	}
	return b.Shortest, fmt.Sprintf("%s days is the shortest stay", number(b.Shortest.Hours()/24))
}

// longest is a stay, of 36 years, whose multiples are still durations.
const longest = math.MaxInt64 / 8

func (Budget) last(days float64) time.Duration {
	return time.Duration(math.Ceil(min(days*float64(day), longest)))
}

// supply is the stay of a staircase with which so many tokens last for the
// whole horizon.
func (b Budget) supply(tokens float64) time.Duration {
	return b.last(float64(b.Live) / tokens * b.Horizon.Hours() / 24)
}

// number prints a rate with two digits that count.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

func (b Budget) free() Plan {
	stay, why := b.pace()
	if b.Free >= 0 {
		if need := b.supply(float64(b.Live) + float64(b.Free)); need > stay {
			stay, why = need, fmt.Sprintf("%d further tokens have to last for the horizon", b.Free)
		}
		if b.Free == 0 {
			return b.still("there is no further token to change to")
		}
	}
	return b.staircase(stay, false, "tokens are free: "+why)
}

func (b Budget) staircase(stay time.Duration, reuse bool, why string) Plan {
	p := Plan{Kind: Staircase, Stay: stay, Horizon: b.Horizon, Quarantine: b.Quarantine, Reuse: reuse, Why: why}
	p.Duty = min(stay.Hours()/b.Horizon.Hours(), 1)
	p.Changes = float64(b.Live) / (stay.Hours() / 24)
	p.Tokens = float64(b.Live) * (1 + b.Horizon.Hours()/stay.Hours())
	return p
}

func (b Budget) scarce() Plan {
	rest := b.Scarce - b.Live
	if rest <= 0 {
		return b.still(fmt.Sprintf("all of the pool's %d tokens are in rows: there is none to change to", b.Scarce))
	}
	pace, why := b.pace()
	slow := b.staircase(max(pace, b.supply(float64(b.Scarce))), true, "the pool lasts for the horizon: "+why)
	if slow.Stay == pace {
		return slow
	}
	if slow.Stay > pace {
		slow.Why = fmt.Sprintf("the pool's %d tokens, each used once, last for the horizon", b.Scarce)
	}
	code := b.presence(pace, why, rest)
	if code.Width(b.Hits) < slow.Width(b.Hits) {
		return code
	}
	return slow
}

// turns is how long a token rests on average, in quarantines. With less the
// pool turns like a wheel, every token comes back after the same time, and no
// number of hits tells one turn from the next.
const turns = 2

// presence makes the code with the shortest stay that the pace and the
// quarantine allow: tokens rest for stay·rest/live on average.
func (b Budget) presence(stay time.Duration, why string, rest int) Plan {
	if need := b.last(turns * b.Quarantine.Hours() / 24 * float64(b.Live) / float64(rest)); need > stay {
		stay, why = need, fmt.Sprintf("%d tokens rest while %d are in rows, each for the quarantine at least", rest, b.Live)
	}
	p := Plan{Kind: Presence, Stay: stay, Horizon: b.Horizon, Quarantine: b.Quarantine, Reuse: true}
	p.Duty = float64(b.Live) / float64(b.Scarce)
	p.Changes = float64(b.Live) / (stay.Hours() / 24)
	p.Tokens = float64(b.Scarce)
	p.Why = "tokens are scarce and used again: " + why
	return p
}
