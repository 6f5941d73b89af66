package canary

import (
	"strings"
	"time"
)

// Ears of reports: what a person told us, and apart from it how that person can be
// reached, which is for whoever answers and for nobody else.
const (
	EarReport   = "report"
	EarReporter = "report/own"
	// OwnSuffix makes its ID of the report's.
	OwnSuffix = ".own"
)

// Facts of a report.
const (
	ReportedBy  = "by"   // the number or address that it came from, as the person wrote it
	ReportedAt  = "at"   // when that was, RFC 3339, where the person gave it so
	ReportedHow = "how"  // "call", "text", "mail", "letter" or "other"
	ReportedDay = "when" // when that was, in the person's words
	ReporterIn  = "own"  // the contact that holds how the person can be reached
)

// Reporter reports whether a contact only holds how a person can be reached who
// reported something.
func (c *Contact) Reporter() bool { return c.Channel == Report && c.Ear == EarReporter }

// reportPlace begins the place of incidents that several people's reports make.
const reportPlace = "report:"

// AtReports is the place of the incident about one caller or sender that several
// people reported, by its mark. No token can be read there, so ParsePlace does not
// know it.
func AtReports(mark string) Place { return Place(reportPlace + mark) }

// Reports reports whether AtReports made the place.
func (p Place) Reports() bool { return strings.HasPrefix(string(p), reportPlace) }

// Trait is something by which contacts on different ways are known to be one
// author's.
type Trait string

// The traits, the one first that says most.
const (
	SameCaller Trait = "caller" // the number
	SameSender Trait = "sender" // the address
	SameWords  Trait = "words"  // several runs of words
	SameDomain Trait = "domain" // of the sender's address
)

// Clue is the blind index of one trait of a contact.
type Clue struct {
	Blind    int64
	Trait    Trait
	Contact  ContactID
	Incident IncidentID // that the contact belongs to; empty for what only reports
	Origin   string     // blind index of who it came from
	At       time.Time
}

// Alike is a contact that has clues in common with another.
type Alike struct {
	Clue       // Blind is one of those in common
	Common int // how many they have in common, of this trait
	// Of a report: the open incident of several people's reports that it was joined
	// to, and whether it was joined to one that was found to be no leak.
	Joined IncidentID
	Judged bool
}

// Joined is a contact that was joined to an incident by what it has in common with it:
// a report, or what the same author sent to where no canary is.
type Joined struct {
	Contact ContactID `json:"contact"`
	Channel Channel   `json:"channel"`
	At      time.Time `json:"at"` // when it was made or heard
	// Why says what it has in common with the incident, naming nobody.
	Why string `json:"why"`
}
