package canary

import "time"

// ApprovalID names one request for a second person's approval. Shape: "a_" and 16
// lower-case base-32 characters.
type ApprovalID string

// ApprovalState is how far a request has come. Whether it has ended in time is
// told by its Until.
type ApprovalState string

// The states of a request: asked, then approved or refused, then used.
const (
	ApprovalAsked   ApprovalState = "asked"
	ApprovalGiven   ApprovalState = "approved"
	ApprovalRefused ApprovalState = "refused"
	ApprovalUsed    ApprovalState = "used"
)

// Approval is what one person asked for, and what a second one said to it. It is
// good for exactly that, once.
type Approval struct {
	ID    ApprovalID    `json:"id"`
	State ApprovalState `json:"state"`
	Who   string        `json:"who"` // who asked
	Via   string        `json:"via"` // "cli" or "api"
	// What is the command or the kind of call, Args what it was given. They name
	// canaries and contacts by their ids alone.
	What  string    `json:"what"`
	Args  []string  `json:"args"`
	Asked time.Time `json:"asked"`
	Until time.Time `json:"until"` // from then on it is good for nothing
	// By is who decided; empty while nobody has.
	By      string    `json:"by,omitempty"`
	Decided time.Time `json:"decided,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

// Open reports whether a request can still be approved, or used, at a time.
func (a *Approval) Open(at time.Time) bool {
	return at.Before(a.Until) && (a.State == ApprovalAsked || a.State == ApprovalGiven)
}
