package canary

import (
	"encoding/json"
	"time"
)

// ResponseID names what a rule does about one incident. Shape: "r_" and 16 lower-case
// hexadecimal digits. It follows from the two, so that nothing gets a second one.
type ResponseID string

// ResponseState is how far it has come.
type ResponseState string

// The states of a response.
const (
	ResponsePassed  ResponseState = "passed"  // the incident stood before the rule was made: nothing is done
	ResponseWaiting ResponseState = "waiting" // for a person's yes
	ResponseDue     ResponseState = "due"
	ResponseBegun   ResponseState = "begun" // it runs, or was cut off
	ResponseDry     ResponseState = "dry"   // it would have been done
	ResponseDone    ResponseState = "done"
	ResponseFailed  ResponseState = "failed"
	// ResponseUnknown was begun, and nobody has seen what came of it. It is never begun
	// again by itself.
	ResponseUnknown ResponseState = "unknown"
	ResponseRefused ResponseState = "refused"
)

// Response is what a rule of the configuration does about an incident.
type Response struct {
	ID       ResponseID    `json:"id"`
	Rule     string        `json:"rule"`
	Incident IncidentID    `json:"incident"`
	State    ResponseState `json:"state"`
	Raised   time.Time     `json:"raised"`
	// By is who decided last; empty where nobody was asked.
	By       string `json:"by,omitempty"`
	Attempts int    `json:"attempts"` // how often it was begun
	// Core is which core began it: one that is there again knows that it does not run.
	Core  string    `json:"core,omitempty"`
	Begun time.Time `json:"begun,omitzero"`
	// Ends is by when what another core began has come to an end, or nobody knows of it.
	Ends  time.Time `json:"ends,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	// Facts is what it is given. It names no canary.
	Facts   json.RawMessage `json:"facts,omitempty"`
	Outcome string          `json:"outcome,omitempty"` // one line
	// Output is the beginning of what it said, of OutputBytes in all.
	Output      string `json:"output,omitempty"`
	OutputBytes int64  `json:"output_bytes,omitempty"`
}

// Open reports whether a person should look at it: it waits for them, or went wrong.
func (r *Response) Open() bool {
	return r.State == ResponseWaiting || r.State == ResponseFailed || r.State == ResponseUnknown
}
