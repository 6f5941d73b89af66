package canary

import "time"

// DatedToken is a token with the window in which it could be read.
type DatedToken struct {
	Token
	Window Window
}

// Planting is a canary as the registry keeps it: the record, its tokens with
// their windows, and the placebos minted with it. All of it but ID, State,
// Batch, Place and Seen is sealed at rest.
type Planting struct {
	ID      ID
	State   State
	Batch   BatchID
	Place   Place
	Segment Segment
	Name    string // the persona's full name, as a caller would say it
	// Rows are the row images to insert, in the seeder's own encoding; the
	// registry does not look inside.
	Rows []byte
	// Keys are the primary keys of what was inserted, in the seeder's own
	// encoding; nil until the first insert is about to be committed.
	Keys []byte
	// Life says whose life the canary leads on from here, in the seeder's own
	// encoding; nil when nobody's.
	Life []byte
	// Seen is when the row was last read back and stood; zero is never.
	Seen     time.Time
	Tokens   []DatedToken
	Placebos []Token // written, never read back with the planting
	Uses     []Use   // of the tokens and placebos; written, never read back
}

// ItemID names one pool item; see package inventory.
type ItemID string

// Use puts a token or a placebo that is being registered into a scarce pool
// item: the two are registered together or not at all. The item is let go in
// the amendment that ends the token's window.
type Use struct {
	Item  ItemID
	Token TokenID
}

// Amendment is one change of a planting, applied as a whole or not at all.
// Zero fields leave what is there.
type Amendment struct {
	Canary  ID
	State   State
	Segment Segment
	Rows    []byte
	Keys    []byte
	// Row is the customer's primary key, which goes with Keys. It is kept as a
	// keyed hash.
	Row      string
	Life     []byte
	Seen     time.Time
	Windows  map[TokenID]Window // replaces the windows of tokens that exist
	Tokens   []DatedToken       // new tokens of this canary
	Placebos []Token            // new placebos
	Uses     []Use              // of the new tokens and placebos
}

// Filter chooses plantings. Zero fields choose all.
type Filter struct {
	Place  Place
	Batch  BatchID
	States []State
	IDs    []ID
	Limit  int // at most so many, in the order of their ids; 0 is no limit
}

// Batch is one run of plant: it is registered with the count that was asked
// for before the first canary, so that a run that was killed can be resumed to
// exactly that count.
type Batch struct {
	ID      BatchID
	Place   Place
	Segment Segment
	Count   int
	Seed    []byte // the run's random seed (sealed at rest)
	With    []Kind // kinds of tokens that every canary is to have
	// Over is the span from Opened in which the canaries arrive; 0 is at once.
	Over time.Duration
	// Rates are the shares of sign-ups in each hour of the week, that of Monday
	// 00:00 UTC first: 168 of them, with Over alone.
	Rates []float64
	// By are the columns by which canaries are spread over strata, and Strata
	// what each of them gets.
	By     []string
	Strata []Stratum
	Gate   Judgement // what the gate said before the first canary
	Form   bool      // the canaries are entered through the application, not inserted
	Opened time.Time
	Closed time.Time // zero while unfinished
}

// Stratum is a part of a table, and how many canaries of a batch it gets.
type Stratum struct {
	Segment Segment `json:"segment"` // the values of the columns; those that are empty are left out
	Rows    int     `json:"rows"`    // of those that were read
	Weight  float64 `json:"weight"`  // 1 where none was given
	Count   int     `json:"count"`
}
