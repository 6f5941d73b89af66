package canary

import "time"

// LogHealth is what an audit log that was read shows of itself, as it is kept: what
// time it covers, and where something may be missing. An attribution is only as good
// as its log.
type LogHealth struct {
	ID    string `json:"id"` // "l_" and a keyed hash of the place and what names the log
	Place Place  `json:"place"`
	// Log is the name of the [[audit]] section that is followed, or the file that was
	// imported.
	Log      string `json:"log"`
	Followed bool   `json:"followed,omitempty"`
	// Size and SHA256 are those of an imported file, as it lies on the disk.
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// First and Last are the earliest and the latest time of its events.
	First     time.Time  `json:"first,omitzero"`
	Last      time.Time  `json:"last,omitzero"`
	Events    int64      `json:"events"`
	Malformed int64      `json:"malformed"`
	Pieces    []BadPiece `json:"pieces,omitempty"` // the first MaxBadPieces of them
	// Gaps are the longest times, an hour and more, without any event; Steps the
	// farthest of the Backwards times that the clock went back.
	Gaps      []LogStep `json:"gaps,omitempty"`
	Backwards int64     `json:"clock_backwards"`
	Steps     []LogStep `json:"clock_steps,omitempty"`
	// Losses are the last of the Lost times that a part of a followed log was found to
	// be missing.
	Lost   int64     `json:"lost"`
	Losses []LogLoss `json:"losses,omitempty"`
	// Switches are the last of the Switched statements by which the database was told to
	// log less.
	Switched int64       `json:"switched"`
	Switches []LogSwitch `json:"switches,omitempty"`
	// OwnReads are the times that we read the canaries back while the log was written, and
	// OwnMet those of which something stands in it; OwnMissing are the last others. Own is
	// when our account did something, as far as it is not held against reads yet, OwnUntil
	// up to when it was.
	OwnReads   int64     `json:"own_reads"`
	OwnMet     int64     `json:"own_reads_met"`
	OwnMissing []OwnRead `json:"own_reads_missing,omitempty"`
	Own        []LogSpan `json:"own,omitempty"`
	OwnUntil   time.Time `json:"own_until,omitzero"`

	Truncated          int64 `json:"truncated"`
	Low                int64 `json:"low_trust"`
	NoTime             int64 `json:"no_time"`
	Uncertain          int64 `json:"uncertain_time"`
	Restarts           int64 `json:"restarts"`
	MissingConnections int64 `json:"missing_connections"`
}

// Bounds of what is kept of a log.
const (
	MaxBadPieces = 20
	MaxBadBytes  = 256
	MaxLogSteps  = 20
	MaxOwnSpans  = 500
)

// BadPiece is a piece of a log that was not understood.
type BadPiece struct {
	File   string    `json:"file,omitempty"`
	Line   int64     `json:"line"`
	Offset int64     `json:"offset"`
	Length int64     `json:"length"`
	Reason string    `json:"reason"`
	After  time.Time `json:"after,omitzero"` // of the latest event before it
	// Raw is its beginning, at most MaxBadBytes.
	Raw []byte `json:"raw,omitempty"`
}

// LogStep is a time without an event, or by which a clock went back: Until is then
// before From.
type LogStep struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Line   int64     `json:"line,omitempty"`
	Offset int64     `json:"offset"`
}

// Length is how long the step is.
func (s LogStep) Length() time.Duration { return s.Until.Sub(s.From).Abs() }

// LogLoss is a part of a log that is missing: between the latest event before, and
// when it was found out.
type LogLoss struct {
	After time.Time `json:"after,omitzero"`
	Found time.Time `json:"found"`
}

// LogSwitch is a statement by which a database logs less from then on.
type LogSwitch struct {
	At      time.Time `json:"at,omitzero"`
	Account string    `json:"account"` // user@host
	What    string    `json:"what"`    // fixed words: "switched auditing off"
	Low     bool      `json:"low_trust,omitempty"`
	Failed  bool      `json:"failed,omitempty"` // the server refused it
	Line    int64     `json:"line,omitempty"`
	Offset  int64     `json:"offset"`
}

// OwnRead is a time in which we read the canaries of a place back, by an account of ours,
// as the database names it: a log of that time has to have it.
type OwnRead struct {
	Place   Place     `json:"-"`
	Account string    `json:"account"` // user@host
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
}

// LogSpan is a time in which an account did something.
type LogSpan struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}
