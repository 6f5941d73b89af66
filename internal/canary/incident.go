package canary

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Severity says how urgent an incident is, P1 the most.
type Severity int

// The severities. The zero value is unusable.
const (
	P1 Severity = 1 + iota // now: facts that stand together in one record, or several canaries
	P2                     // one clean contact with a planted token
	P3                     // probes, text messages without placebo background
	P4                     // recorded only
)

// String gives "P1" to "P4".
func (s Severity) String() string { return fmt.Sprintf("P%d", int(s)) }

// ParseSeverity reads "P1" to "P4".
func ParseSeverity(s string) (Severity, error) {
	if len(s) == 2 && s[0] == 'P' && s[1] >= '1' && s[1] <= '4' {
		return Severity(s[1] - '0'), nil
	}
	return 0, fmt.Errorf("severity %q: %w: want P1, P2, P3 or P4", s, ErrInvalid)
}

// MarshalText gives "P1" to "P4".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "P1" to "P4".
func (s *Severity) UnmarshalText(b []byte) error {
	got, err := ParseSeverity(string(b))
	if err == nil {
		*s = got
	}
	return err
}

// Reaches reports whether s is at least as urgent as limit.
func (s Severity) Reaches(limit Severity) bool { return s <= limit }

// Verdict is what responders found an incident to be. Empty while it is open.
type Verdict string

// The verdicts.
const (
	Leak  Verdict = "leak"
	Noise Verdict = "noise"
	Own   Verdict = "own"
	Drill Verdict = "drill"
)

// Incident is the contacts that seem to come from one leak.
type Incident struct {
	ID       IncidentID `json:"id"`
	Place    Place      `json:"place"`
	Severity Severity   `json:"severity"`
	Verdict  Verdict    `json:"verdict,omitempty"`
	// Merged is the incident that it was merged into, by hand: its contacts are there.
	Merged  IncidentID `json:"merged_into,omitempty"`
	Opened  time.Time  `json:"opened"`
	Updated time.Time  `json:"updated"`
	// Reasons say why the severity is what it is, in words, naming no canary's identity.
	Reasons []string `json:"reasons"`
	// Weight is how much it weighs for a leak, nil when no placebo can be compared.
	Weight *Weight `json:"weight,omitempty"`
	// Contacts, Canaries and Support count the contacts on tokens, the different
	// canaries they reached and the supporting contacts (DNS, reports, what the author
	// sent elsewhere).
	Contacts int `json:"contacts"`
	Canaries int `json:"canaries"`
	Support  int `json:"support"`
}

// Extract is one act that carried rows out of a place.
type Extract struct {
	ID    ExtractID `json:"id"`
	Actor string    `json:"actor"` // 1 to 200 characters
	Taken Moment    `json:"taken"`
	// Held lists the canaries it is known to have held. Nil when only Place and
	// Segment are known; then it held every canary of the segment whose token
	// could be read when it was taken.
	Held    []ID    `json:"canaries,omitempty"`
	Place   Place   `json:"place,omitempty"`
	Segment Segment `json:"segment,omitempty"`
	Rows    int64   `json:"rows,omitempty"` // rows carried out, 0 when not known
	// Shape is what it was taken by, without the values: a statement's text. Empty where
	// nobody knows; others' extracts of one shape are of one report.
	Shape string `json:"-"`
	// Complete says that Held names everything it can have held, as what a statement
	// returned is worked out from the rows; other lists may lack some.
	Complete bool `json:"-"`
}

// Sizes of an extract's texts, in characters: what the registry holds.
const (
	maxActor   = 200
	maxSegment = 500
)

// Validate reports what makes the extract unusable.
func (e *Extract) Validate() error {
	switch {
	case e.ID == "" || len(e.ID) > 200:
		return fmt.Errorf("extract: %w: id of %d characters, 1 to 200 allowed", ErrInvalid, len(e.ID))
	case e.Actor == "":
		return fmt.Errorf("extract %s: %w: no actor", e.ID, ErrInvalid)
	case utf8.RuneCountInString(e.Actor) > maxActor:
		return fmt.Errorf("extract %s: %w: actor of %d characters, at most %d allowed", e.ID, ErrInvalid, utf8.RuneCountInString(e.Actor), maxActor)
	case utf8.RuneCountInString(string(e.Segment)) > maxSegment:
		return fmt.Errorf("extract %s: %w: segment of %d characters, at most %d allowed", e.ID, ErrInvalid, utf8.RuneCountInString(string(e.Segment)), maxSegment)
	case !e.Taken.Come():
		return fmt.Errorf("extract %s: %w: no time", e.ID, ErrInvalid)
	case e.Taken.backwards():
		return fmt.Errorf("extract %s: %w: taken_until lies before taken_from", e.ID, ErrInvalid)
	case e.Held == nil && !e.Place.valid():
		return fmt.Errorf("extract %s: %w: neither canaries nor a place", e.ID, ErrInvalid)
	}
	return nil
}
