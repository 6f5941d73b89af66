package canary

import "time"

// NoticeID names one notice. Shape: "n_" and 16 lower-case base-32 characters.
type NoticeID string

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds.
const (
	NoticePool     NoticeKind = "pool"     // a domain, mailbox or number of the pool
	NoticeVanished NoticeKind = "vanished" // canaries went, once for each time that it is seen
	NoticeVerify   NoticeKind = "verify"   // canaries stand that are not as they were planted
	NoticeMailbox  NoticeKind = "mailbox"  // mailboxes cannot be read
	NoticeExclude  NoticeKind = "exclude"  // somebody asks about too many customers
	NoticeEdge     NoticeKind = "edge"     // an edge is silent, or cannot record
	NoticeDeadman  NoticeKind = "deadman"  // a front is silent: what comes in there pages nobody
	NoticeDrill    NoticeKind = "drill"    // a drill on schedule failed
	NoticeWitness  NoticeKind = "witness"  // a witness of the evidence log is silent
	NoticeAudit    NoticeKind = "audit"    // an audit log was switched off, or a part of it is missing
	NoticeSilent   NoticeKind = "silent"   // an audit log lacks what should be in it
	NoticeResponse NoticeKind = "response" // a response waits for a person, or went wrong
)

// Notice is something that a person should know of and that is no contact: a
// domain that runs out, canaries that vanished. It stands until what it tells
// is over, and is paged once.
type Notice struct {
	ID   NoticeID   `json:"id"`
	Kind NoticeKind `json:"kind"`
	// Scope is what was looked at: a place, the id of a pool item, a caller, an edge.
	// What is found there next takes the place of its notices.
	Scope string `json:"scope"`
	// Mark tells two findings of a scope apart: the same mark is the same finding.
	Mark     string    `json:"-"`
	Severity Severity  `json:"severity"`
	Raised   time.Time `json:"raised"`
	// Over is when it was found to be over; zero while it stands.
	Over time.Time `json:"over,omitzero"`
	// Text is one line that names no canary, address or number.
	Text string `json:"text"`
	// Next lists what to do, most urgent first.
	Next []string `json:"next,omitempty"`
	// Acknowledged is when somebody, Who, said to have read it.
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Who          string    `json:"who,omitempty"`
}
