package inventory

import (
	"fmt"
	"strings"
	"time"
)

// Wait says why items cannot be used now that are neither in use nor retired.
type Wait struct {
	Rest   int       // soak, or are in quarantine
	Until  time.Time // when the last of these is ready
	Lapse  int       // are ready, and run out within [Notice] or have
	Faulty int       // are ready, and had a fault at their last check
}

// Wait counts them among the items of some kinds.
func (r Rules) Wait(items []Item, now time.Time, kinds ...Kind) (w Wait) {
	for n := range items {
		i := &items[n]
		if !(Filter{Kinds: kinds}).Match(i) {
			continue
		}
		switch state := r.State(i, now); {
		case state == Soaking && i.Kind != Domain, state == Quarantine:
			w.Rest++
			if at := r.ReadyAt(i); at.After(w.Until) {
				w.Until = at
			}
		case state != Ready && state != Soaking, r.Offers(i, now):
		case !lasts(i, now):
			w.Lapse++
		case i.Check.Faulty():
			w.Faulty++
		}
	}
	return w
}

// String says it in words; empty when nothing waits.
func (w Wait) String() string {
	var parts []string
	if w.Rest > 0 {
		parts = append(parts, fmt.Sprintf("%d more soak or rest, the last until %s", w.Rest, w.Until.UTC().Format(time.DateOnly)))
	}
	if w.Lapse > 0 {
		parts = append(parts, fmt.Sprintf("%d run out within %d days", w.Lapse, int(Notice/(24*time.Hour))))
	}
	if w.Faulty > 0 {
		parts = append(parts, fmt.Sprintf("%d had a fault at their last check", w.Faulty))
	}
	return strings.Join(parts, "; ")
}
