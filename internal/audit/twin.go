package audit

import (
	"strings"
	"time"
)

// twin is the event that told a connection's last statement, until another class tells it:
//
//	general/log, query/query_start, query/query_status_end, general/status
//
// are one statement, in the order in which the servers write them, and only those of the
// class general name the account.
type twin struct {
	Class string    `json:"class"`
	Hash  string    `json:"hash"` // of its text
	At    time.Time `json:"at"`
	Named bool      `json:"named,omitempty"`
}

// apart is how far the times of one statement's events may lie from one another.
const apart = 2 * time.Second

// pair makes the second event of a statement that two classes tell Other, unless it alone
// tells whose it is.
func (k *carry) pair(e *Event) {
	if e.Kind == Disconnect || e.Kind == Connect {
		delete(k.Twins, e.Connection)
	}
	if e.Kind != Query || len(e.Text) == 0 {
		return
	}
	class, _, _ := strings.Cut(e.Op, "/")
	now := twin{Class: class, Hash: hashOf(e.Text), At: e.At, Named: e.User != ""}
	if last, waiting := k.Twins[e.Connection]; waiting && now.tells(&last) {
		e.Kind = Other
		delete(k.Twins, e.Connection)
		return
	}
	if k.Twins == nil || len(k.Twins) >= maxSessions {
		k.Twins = map[uint64]twin{}
	}
	k.Twins[e.Connection] = now
}

// tells reports whether an event tells the statement of one before, and nothing more.
func (t *twin) tells(last *twin) bool {
	return last.Class != t.Class && last.Hash == t.Hash && t.At.Sub(last.At).Abs() <= apart && (last.Named || !t.Named)
}
