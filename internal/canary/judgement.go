package canary

import "time"

// Gated is what the gate said of a batch before it was planted.
type Gated string

// What the gate says.
const (
	Unjudged Gated = ""            // it was not asked, or could not say: see Because
	Passed   Gated = "passed"      // no attack tells the canaries
	Faint    Gated = "passed, few" // none does, but there were too few to be sure
	Refused  Gated = "refused"
)

// Judgement is the gate's verdict on a batch, kept with it.
type Judgement struct {
	Verdict Gated `json:"verdict"`
	// Because says in words what gives the canaries away, or why nothing was
	// judged; never a value of a canary.
	Because []string  `json:"because,omitempty"`
	At      time.Time `json:"at,omitzero"`
	// Forced: it was refused and planted all the same, by the operator By.
	Forced bool   `json:"forced,omitempty"`
	By     string `json:"by,omitempty"`
}
