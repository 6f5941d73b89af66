package canary

import "time"

// Act is one thing that somebody did or asked for, as the evidence log keeps it:
// a verdict, an acknowledgement, the opening of an identity, a call of the HTTP
// interface. It holds no secret and names no canary but by its id.
type Act struct {
	Seq int64     `json:"seq"` // from 1, without a gap
	At  time.Time `json:"at"`
	Who string    `json:"who"` // a person's name, or "-" for whoever has shown no token
	Via string    `json:"via"` // "cli", "api", or the route it came back on
	// What is the kind of act, or the call: "verdict", "GET /v1/incidents".
	What  string `json:"what"`
	About string `json:"about,omitempty"` // the id of what it was done to
	// Outcome is what came of it: the verdict, "done", the status of a call.
	Outcome string `json:"outcome"`
	// Link is the keyed hash of this act, of its salt, and of the link before it.
	Link string `json:"link"`
	// Salt, in hex digits, is what the act's leaf is made with; see package evidence.
	Salt string `json:"-"`
}

// What acts are called that change something or open an identity.
const (
	ActVerdict     = "verdict"
	ActAcknowledge = "acknowledge"
	ActReveal      = "reveal"
	ActMerge       = "merge"
	ActSplit       = "split"
	ActApproval    = "approval" // asked, approved, refused, used
	ActResponse    = "response" // asked, confirmed, begun, then what came of it
	ActShred       = "shred"    // the outcome is why
	ActHold        = "hold"
	ActExport      = "export" // begun, then the SHA-256 of the pack's manifest
	ActPlant       = "plant"  // begun, then what came of it; so the next two
	ActRotate      = "rotate"
	ActWithdraw    = "withdraw"
	ActCommit      = "commit" // to what was registered; the outcome is root and counts, see package disclosure
	ActDisclose    = "disclose"
	ActScan        = "scan"     // of a file; about is its SHA-256, the outcome how much was found
	ActContacts    = "contacts" // of a list were looked up to be traced; about is its SHA-256
	ActFilter      = "filter"   // made for somebody; about is its id
	ActRevoke      = "revoke"   // of an edge; the outcome is its certificate and since when
	ActBackup      = "backup"
	ActRestore     = "restore"      // about the end of the log that was put back
	ActAffected    = "affected"     // real customers of an extract were listed; about is the extract, the outcome how many
	ActImport      = "import"       // of extracts; the outcome is how many, and the SHA-256 of their file
	ActAuditImport = "audit import" // begun, then what came of it; and the SHA-256 of each file
	ActAuditWatch  = "audit watch"  // the SHA-256 of a part of a log whose reads were filed
	ActKeys        = "keys"         // about the key; begun, then what came of it
)
