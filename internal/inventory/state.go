package inventory

import (
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// Refusals of a change, for errors.Is.
var (
	// ErrNotReady: the item soaks, rests, is in use or retired.
	ErrNotReady = errors.New("the item is not ready")
	// ErrNotUsed: there is no token in it that could leave a row.
	ErrNotUsed = errors.New("no token is in the item")
	// ErrWorn: a token of the item stood in a row once, so that strangers may
	// have it, and it cannot be a placebo any more.
	ErrWorn = errors.New("the item was in a row before")
	// ErrFree: addresses on a domain are minted and never given back.
	ErrFree = errors.New("a domain is neither taken nor given back: its addresses are minted once")
)

// State is where an item stands.
type State string

// The states of an item.
const (
	Soaking    State = "soaking"    // rests before its first use
	Ready      State = "ready"      // may be used; a domain: has room
	InUse      State = "in-use"     // its token stands in a row; a domain: is full
	Quarantine State = "quarantine" // rests after a use
	Retired    State = "retired"    // gets no new token; still listened to
)

// States are all states, in the order in which they are shown.
func States() []State { return []State{Soaking, Ready, InUse, Quarantine, Retired} }

// Rules are the times and numbers of a pool.
type Rules struct {
	Soak       time.Duration // before the first use
	Quarantine time.Duration // between two uses of a scarce item
	Capacity   int           // addresses that a domain may carry at a time
}

// Defaults are the rules of a pool that says nothing else. A domain carries a
// hundred addresses: a plan of 60,000 canaries with a tenth of them on 50 to
// 150 domains puts 40 to 120 on each.
func Defaults() Rules {
	const month = 30 * 24 * time.Hour
	return Rules{Soak: month, Quarantine: month, Capacity: 100}
}

// Notice is how long before it runs out an item is reported, and no longer
// taken.
const Notice = 60 * 24 * time.Hour

// Holds is how many tokens the item may carry at a time.
func (r Rules) Holds(i *Item) int {
	switch {
	case i.Kind != Domain:
		return 1
	case i.Capacity > 0:
		return i.Capacity
	}
	return r.Capacity
}

// Used is how many tokens the item carries.
func (i *Item) Used() int {
	switch {
	case i.Kind == Domain:
		return i.Carried
	case i.Token != "":
		return 1
	}
	return 0
}

// Soaked is when the item's soak ends.
func (r Rules) Soaked(i *Item) time.Time {
	if i.Soak > 0 {
		return i.Added.Add(i.Soak)
	}
	return i.Added.Add(r.Soak)
}

// ReadyAt is when soak and quarantine are both over.
func (r Rules) ReadyAt(i *Item) time.Time {
	at := r.Soaked(i)
	if !i.Freed.IsZero() {
		if rested := i.Freed.Add(r.Quarantine); rested.After(at) {
			at = rested
		}
	}
	return at
}

// State works out where the item stands. A retired item whose token still
// stands in a row is retired: the row is to be changed. One that the
// configuration's files have lost is retired as soon as it carries nothing.
func (r Rules) State(i *Item, now time.Time) State {
	switch {
	case !i.Retired.IsZero() && !now.Before(i.Retired):
		return Retired
	case i.Used() >= r.Holds(i):
		return InUse
	case !i.Unlisted.IsZero():
		return Retired
	case !i.Freed.IsZero() && now.Before(i.Freed.Add(r.Quarantine)):
		return Quarantine
	case now.Before(r.Soaked(i)):
		return Soaking
	}
	return Ready
}

// Use puts a token into a scarce item that is ready.
func (r Rules) Use(i Item, token canary.TokenID, now time.Time) (Item, error) {
	if i.Kind == Domain {
		return i, fmt.Errorf("%s: %w", i, ErrFree)
	}
	if s := r.State(&i, now); s != Ready || token == "" {
		return i, fmt.Errorf("%s is %s: %w", i, s, ErrNotReady)
	}
	i.Token = token
	return i, nil
}

// Hold puts a placebo into a scarce item that is ready and never was in a row:
// it is held back from now on.
func (r Rules) Hold(i Item, token canary.TokenID, now time.Time) (Item, error) {
	if !i.Freed.IsZero() {
		return i, fmt.Errorf("%s: %w", i, ErrWorn)
	}
	held, err := r.Use(i, token, now)
	if err != nil {
		return i, err
	}
	held.Placebo = true
	return held, nil
}

// Release lets the token go out of a scarce item, which rests from now on.
func (r Rules) Release(i Item, now time.Time) (Item, error) {
	if i.Kind == Domain {
		return i, fmt.Errorf("%s: %w", i, ErrFree)
	}
	if i.Token == "" || i.Placebo {
		return i, fmt.Errorf("%s: %w", i, ErrNotUsed)
	}
	i.Token, i.Freed = "", canary.Micro(now)
	return i, nil
}

// Retire ends the item's use from a moment on, which may lie ahead. An item
// that is retired already keeps its earlier date and reason.
func (r Rules) Retire(i Item, at time.Time, reason string) Item {
	if i.Retired.IsZero() || at.Before(i.Retired) {
		i.Retired, i.Reason = canary.Micro(at), reason
	}
	return i
}

// Heard tells the rules that a stranger contacted the item at a time. A
// contact during the soak shows that somebody had the address or number
// before: it is retired, unless a token is in it already. A domain is not
// judged by this: strangers try any domain. Told of the same contact again, it
// says the same.
func (r Rules) Heard(i Item, at time.Time) (changed Item, disqualified bool) {
	if i.Reason == heard && i.Retired.Equal(canary.Micro(at)) {
		return i, true
	}
	unused := i.Token == "" && i.Freed.IsZero() && i.Retired.IsZero()
	if i.Kind == Domain || !unused || at.Before(i.Added) || !at.Before(r.Soaked(&i)) {
		return i, false
	}
	return r.Retire(i, at, heard), true
}

// heard is why an item is retired that a stranger contacted too early.
const heard = "contacted while it soaked"
