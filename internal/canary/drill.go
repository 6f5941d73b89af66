package canary

import (
	"strings"
	"time"
)

// DrillID names one drill. Shape: "d_" and 16 lower-case base-32 characters, or
// [Deadman].
type DrillID string

// Deadman is the drill that never ends: serve's own contacts, by which it knows
// that every front still leads to the pager.
const Deadman DrillID = "deadman"

// ShotID names one contact of a drill before it is made. Shape: "s_" and 16
// lower-case base-32 characters.
type ShotID string

// Muted is the route on which nobody is told. No route of a configuration can be
// called so.
const Muted = "(muted)"

// The places of incidents about drills begin with it. No token can be read there,
// so ParsePlace does not know them.
const drillPlace = "drill:"

// Unmarked is the place of incidents about contacts with a token of a drill that
// were no drill's: somebody has seen the drills' traffic, or guesses.
const Unmarked = Place(drillPlace + "unmarked")

// AtDrill is the place of a drill's incident.
func AtDrill(id DrillID) Place { return Place(drillPlace + id) }

// Drill gives the drill of a place that AtDrill made; [Unmarked] is none.
func (p Place) Drill() (DrillID, bool) {
	id, ok := strings.CutPrefix(string(p), drillPlace)
	return DrillID(id), ok && p != Unmarked
}

// DrillToken is a token of a drill. Its Canary is a number of its own: no canary has it.
type DrillToken struct {
	Token
	Run DrillID
	// Stands is the planted token in whose place it stands in a staged leak; empty
	// when it stands for none.
	Stands TokenID
}

// Run is one drill.
type Run struct {
	ID DrillID
	// Route is where its pages go: one of the configuration, or [Muted].
	Route  string
	Opened time.Time
	Ended  time.Time // zero while it goes on
}

// Shot is one contact of a drill, registered before it is made. Its mark is for
// one front, one target and one contact.
type Shot struct {
	ID     ShotID
	Run    DrillID
	Route  string // the run's
	Front  string // "smtp mx1.example.net:25"
	Issued time.Time
	// Contact is what used the mark up, heard by an ear at Heard; empty while
	// nothing has.
	Contact ContactID
	Heard   time.Time
	Page    PageID
	Paged   time.Time // when its route accepted that page
	Ended   bool      // the run has
}

// Spent is a mark that a contact uses up.
type Spent struct {
	Shot    ShotID
	Contact ContactID
	At      time.Time // when it was heard
	Page    PageID    // empty when it makes none of its own
}
