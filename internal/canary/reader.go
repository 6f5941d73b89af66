package canary

import (
	"slices"
	"strings"
	"time"
)

// readerPlace is the place of incidents about what an account reads.
const readerPlace = "reader:"

// ReaderID names an account of a support database by a keyed hash.
type ReaderID string

// ByReader is the place of incidents about what an account reads. No token can be
// read there, so ParsePlace does not know it.
func ByReader(id ReaderID) Place { return Place(readerPlace + string(id)) }

// Reader gives the account of a place that ByReader made.
func (p Place) Reader() (ReaderID, bool) {
	id, ok := strings.CutPrefix(string(p), readerPlace)
	return ReaderID(id), ok
}

// Read is a logged statement that returned canaries, or may have.
type Read struct {
	ID      string    `json:"-"` // a keyed hash of what the log has of it
	Place   Place     `json:"-"`
	Reader  ReaderID  `json:"-"`
	Account string    `json:"account"` // user@host
	At      time.Time `json:"at"`      // as the log has it
	Taken   Moment    `json:"taken"`
	// Returned were among the rows whatever is not known; Possible may have been.
	Returned []ID `json:"returned,omitempty"`
	Possible []ID `json:"possible,omitempty"`
	// Likely are those of both that were returned if the statement ran when it was
	// logged: it may have begun long before, when other rows stood.
	Likely []ID `json:"likely,omitempty"`
	// Low says that a statement's own text, or a name, could have forged it: it counts as
	// one that is only guessed.
	Low bool `json:"low,omitempty"`
	// Share is how likely each possible one was returned, as far as a LIMIT, or
	// the rows that were sent, tell; it is not 0.
	Share float64 `json:"share,omitempty"`
	// Guess says that the possible ones are so because the statement could not be
	// worked out, not because of a LIMIT.
	Guess bool `json:"guess,omitempty"`
	// Rows is about how many rows were sent: as the log tells, or by the canaries among
	// them. 0 is not known.
	Rows  int64  `json:"rows,omitempty"`
	Why   string `json:"why,omitempty"` // they are only possible
	Shape string `json:"shape"`         // the statement without its values
	// Text is the statement itself, to be run again; empty where the log does not have
	// all of it, or it is very long.
	Text   string `json:"text,omitempty"`
	CopyTo string `json:"copy_to,omitempty"`
	Where  string `json:"where"` // in the log
	// Source is what the acts are about by which the evidence log has the SHA-256 of what
	// it was read from.
	Source string `json:"source,omitempty"`
}

// With is a read with those that another look at the same statement knows to have been
// returned. It is false when these are no more.
func (r *Read) With(other *Read) (both Read, more bool) {
	known := map[ID]bool{}
	for _, id := range r.Returned {
		known[id] = true
	}
	both = *r
	for _, id := range other.Returned {
		if !known[id] {
			known[id], more = true, true
			both.Returned = append(slices.Clip(both.Returned), id)
		}
	}
	if !more {
		return both, false
	}
	both.Possible = slices.DeleteFunc(slices.Clone(r.Possible), func(id ID) bool { return known[id] })
	if len(both.Possible) == 0 {
		both.Possible, both.Likely, both.Share, both.Guess, both.Why = nil, nil, 0, false, ""
	}
	return both, true
}

// ReadHour is how much an account read in an hour: Canaries by what is sure, and
// Guessed with what is not.
type ReadHour struct {
	Reader     ReaderID
	Hour       time.Time
	Statements int64
	Canaries   float64
	Guessed    float64
	// Incident is what the hour led to. Such hours are no measure of what is usual,
	// unless they are judged noise.
	Incident IncidentID
}

// ReadSums are the sums over an account's hours.
type ReadSums struct {
	Hours             int
	Canaries, Guessed float64
	// Most are the largest of an hour.
	MostCanaries, MostGuessed float64
}

// Session is one of our own sessions in a support database.
type Session struct {
	ID string `json:"-"`
	// Number is the lower half of the server's own number of it, which its logs have.
	Number uint32 `json:"number"`
	// From is when it was opened; nothing was sent in it before.
	From time.Time `json:"from"`
}

// AuditLog is how far an audit log has been read.
type AuditLog struct {
	Name    string
	Version int64 // 0 when nothing was read
	State   []byte
}

// Copy is a table that a statement filled with canaries' rows, or may have: whoever reads it
// may be given them.
type Copy struct {
	Table string    `json:"table"` // database.table
	Held  []ID      `json:"held"`
	Since time.Time `json:"since"` // when the first of them may have come
}

// With is a copy with what else is known of the same table.
func (c *Copy) With(other *Copy) Copy {
	both := *c
	both.Held = slices.Concat(c.Held, other.Held)
	slices.Sort(both.Held)
	both.Held = slices.Compact(both.Held)
	if other.Since.Before(c.Since) {
		both.Since = other.Since
	}
	return both
}

// ReadBatch is what follows from a piece of an audit log, committed as a whole.
type ReadBatch struct {
	Log    AuditLog // its new state, and the version before it
	Place  Place
	Reads  []Read
	Copies []Copy     // that changed
	Hours  []ReadHour // what is to be added; Incident replaces what was there
	// Incidents are new or changed; those whose page is to be written are in Page.
	Incidents []Incident
	Page      []IncidentID
	// Anew replaces reads that are filed already, and takes back Gone, those of
	// statements that returned none after all.
	Anew bool
	Gone []string
	// Health is what the log shows of itself by now; nil is as it was. Act is put on the
	// evidence log with it all; nil is none.
	Health *LogHealth
	Act    *Act
}
