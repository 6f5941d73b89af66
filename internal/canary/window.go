package canary

import (
	"fmt"
	"time"
)

// Moment is an instant that is known to lie in [Earliest, Latest]. A commit,
// for example, lies between the stamp before it and the stamp after it. A
// Moment with Earliest alone has been announced and may or may not have come
// (a commit whose answer is not known yet). The zero Moment is "not yet".
type Moment struct {
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
}

// At returns a moment that is known exactly.
func At(t time.Time) Moment { return Moment{Micro(t), Micro(t)} }

// Between returns a moment that lies between two stamps.
func Between(before, after time.Time) Moment { return Moment{Micro(before), Micro(after)} }

// After returns a moment that comes at t or later, or perhaps never.
func After(t time.Time) Moment { return Moment{Earliest: Micro(t)} }

// IsZero reports whether the moment has neither come nor been announced.
func (m Moment) IsZero() bool { return m.Earliest.IsZero() && m.Latest.IsZero() }

// Come reports whether the moment is known to have come.
func (m Moment) Come() bool { return !m.Latest.IsZero() }

func (m Moment) backwards() bool { return m.Come() && m.Latest.Before(m.Earliest) }

// Window is the half-open interval [From, Until) in which a token could be read
// in a place. Each end carries its uncertainty. A zero Until is a window that
// is still open.
type Window struct {
	Place Place  `json:"place"`
	From  Moment `json:"from"`
	Until Moment `json:"until"`
}

// Validate reports what makes the window impossible.
func (w Window) Validate() error {
	switch {
	case !w.Place.valid():
		return fmt.Errorf("window: place %q: %w", w.Place, ErrInvalid)
	case w.From.IsZero():
		return fmt.Errorf("window: %w: no beginning", ErrInvalid)
	case w.From.backwards(), w.Until.backwards():
		return fmt.Errorf("window: %w: an end's latest time lies before its earliest", ErrInvalid)
	case w.Until.Come() && w.Until.Latest.Before(w.From.Earliest):
		return fmt.Errorf("window: %w: it ends before it begins", ErrInvalid)
	}
	return nil
}

// Never reports whether the window is known to be empty: the token was
// registered and never came to stand in the place.
func (w Window) Never() bool { return w.Until.Come() && !w.Until.Latest.After(w.From.Earliest) }

// Certain reports whether the token could surely be read at t.
func (w Window) Certain(t time.Time) bool {
	return w.From.Come() && !t.Before(w.From.Latest) && (w.Until.IsZero() || t.Before(w.Until.Earliest))
}

// Possible reports whether the token may have been readable at t: it is true
// throughout the window and inside the uncertainty of both ends.
func (w Window) Possible(t time.Time) bool {
	if t.Before(w.From.Earliest) {
		return false
	}
	if !w.Until.Come() {
		return true
	}
	return t.Before(w.Until.Latest)
}
