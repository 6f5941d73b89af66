package canary

import "time"

// Match is what the registry knows about one target of a contact.
type Match struct {
	Target  int // index into the contact's targets
	Token   DatedToken
	Place   Place
	State   State
	Name    string   // the persona's full name
	Tickets []string // canonical ticket numbers of the same canary
	Variant bool     // the target is one letter off the token
}

// Hit is one contact on one token.
type Hit struct {
	Contact  ContactID
	Token    TokenID
	Canary   ID // empty on a placebo
	Role     Role
	Incident IncidentID // empty on a placebo
	Origin   string     // blind index of who it came from
	Domain   string     // blind index of the token's domain, empty where it has none
	// Clean is set when the contact weighs as evidence: no probe, no unnamed
	// call, and not from an origin that also contacted placebos.
	Clean bool
	Class Class
	Cell  Cell // the channel it came on, and the sort of its token
	// Counts is set when it is compared with the placebos' rate: it is no mere probe,
	// and its source had reached no placebo before.
	Counts bool
	// Content is how many times likelier what the contact says is under a leak than
	// under noise; 0 and 1 are nothing.
	Content float64
	At      time.Time
}

// Stronger is a hit of which the contact was found to say more than was known.
type Stronger struct {
	Contact ContactID
	Token   TokenID
	Content float64
}

// Entry is a contact as the core files it.
type Entry struct {
	Contact Contact
	// Pending is set while only a record written ahead is known.
	Pending bool
	Domain  string // blind index of the owned domain it named (DNS)
	Origin  string // blind index of who it came from
	Class   Class  // empty while pending, and where nothing of ours was reached
	// CutOff is set when a pending entry is closed because nothing more came. If
	// its closing record comes after all, that takes its place.
	CutOff bool
	// Judge is set when the sender of its mail is to be looked at: SPF, DKIM, DMARC.
	Judge bool
	// Search is set when what it says is still to be searched for tokens.
	Search bool
	// Replaces is set when a pending or cut-off entry of the same id is already filed.
	Replaces bool
}

// OwnMail is a mail of the company's own that reached a planted token.
type OwnMail struct {
	Contact ContactID
	Sender  string // of the configuration
	// Expected is unset for one that came outside every campaign.
	Expected bool
	At       time.Time
}

// OwnCount is how many of a sender's mails reached planted tokens.
type OwnCount struct {
	Sender   string    `json:"sender"`
	Expected int       `json:"expected"`
	Outside  int       `json:"outside_campaigns"`
	Last     time.Time `json:"last,omitzero"`
}

// Support joins a contact that names no token (DNS, a report) to an incident.
type Support struct {
	Incident IncidentID
	Contact  ContactID
	// Why says what a report has in common with the incident, naming nobody; it is
	// empty for DNS.
	Why string
}

// Delivery sends one page of an outcome to one route.
type Delivery struct {
	Page  PageID
	Route string
	// After is how long the page is held back: it goes out then if nobody has
	// acknowledged what it is about. 0 sends it at once. One that is held back goes
	// out after Fallback already when no route has accepted the page.
	After, Fallback time.Duration
	// Log is set where no person is told. That a log took the page says nothing of
	// whether a route accepted it.
	Log bool
}

// Outcome is everything that follows from one group of spooled records. It is
// committed as a whole: contacts, hits, incidents, pages, and the position in
// the spool up to which they reach.
type Outcome struct {
	Spool      string // name of the spool
	From, To   string // positions; the commit fails when the registry does not stand at From
	Entries    []Entry
	Hits       []Hit
	Stronger   []Stronger // of hits that are filed
	Supports   []Support
	Clues      []Clue     // each contact's are all that it has for the incident
	Incidents  []Incident // new or changed
	Pages      []Page
	Deliveries []Delivery
	Held       []IncidentID // there is no room for their page now
	Freed      []IncidentID // were held, and their page is among Pages
	Lookers    []Looker     // changed; the commit fails when the registry has another version
	// Searched are filed contacts of which the text was searched; the commit fails
	// when another core was faster.
	Searched []ContactID
	Judge    []ContactID // filed contacts the sender of whose mail is to be looked at
	// Spent are marks of drills that are used up; the commit fails when another
	// contact was faster.
	Spent []Spent
	Own   []OwnMail
}

// Standing is an open incident with what later contacts are compared with.
type Standing struct {
	Incident
	Clean   map[ID]time.Time // canaries with a clean hit, and when last
	Touched map[ID]time.Time // canaries with any hit, and when last
	// Counted are the canaries with a hit that counts, by its cell, and when last.
	Counted map[Cell]map[ID]time.Time
	Also    []Place              // of the incidents that were merged into it
	Domains map[string]time.Time // blind domains of the addresses hit, and when last
	Paged   map[string]Severity  // routes that were paged, and at which severity
	Acked   Severity             // what somebody has acknowledged; 0 is nothing
	Held    bool                 // a page of it waits for room
}

// Untold is an incident to which something has come that nobody was told of.
type Untold struct {
	Incident Incident
	Told     time.Time // when something was told of it last
	Last     PageID    // by this page
	Contacts int       // that it counted
	Reports  int       // of people, that joined it
	Reported int       // of which some update told
	Routes   []ToldRoute
}

// ToldRoute is a route that has accepted a page of an incident.
type ToldRoute struct {
	Route    string
	Severity Severity // of the last that it accepted
	Log      bool     // see [Delivery]
}

// Count takes in a hit that counts.
func (s *Standing) Count(cell Cell, id ID, at time.Time) {
	if s.Counted == nil {
		s.Counted = map[Cell]map[ID]time.Time{}
	}
	if s.Counted[cell] == nil {
		s.Counted[cell] = map[ID]time.Time{}
	}
	if at.After(s.Counted[cell][id]) {
		s.Counted[cell][id] = at
	}
}
