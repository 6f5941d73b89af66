package audit

import (
	"cmp"
	"slices"
	"time"
)

// Health is what a log shows of its own gaps and faults: an attribution is only as
// good as its log. Make it with [NewHealth]; See takes every event, in the order of
// the log, and Fault every fault. Nothing in it is of a statement.
type Health struct {
	Events int64 `json:"events"`
	Faults int64 `json:"faults"`
	// First and Last are the earliest and the latest time.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// NoTime counts events without a time, Uncertain those whose time is only known
	// to a minute or worse: in the hour that comes twice, or that no clock shows.
	NoTime    int64 `json:"no_time"`
	Uncertain int64 `json:"uncertain_time"`
	// Truncated counts statements that may go on; Low events that could be forged.
	Truncated int64 `json:"truncated"`
	Low       int64 `json:"low_trust"`
	// Backwards counts the times that a clock went back, by two seconds and more;
	// Back is the worst, Steps the worst of them.
	Backwards int64  `json:"clock_backwards"`
	Back      *Jump  `json:"worst_backwards,omitempty"`
	Steps     []Jump `json:"clock_steps,omitempty"`
	// Silences are the longest times, an hour and more, without any event.
	Silences []Jump `json:"silences,omitempty"`
	// Restarts counts the times that connections were numbered anew.
	Restarts int64 `json:"restarts"`
	// MissingConnections counts the connection numbers between the first and the
	// last that nobody connected under: lines were lost, or never written.
	MissingConnections int64 `json:"missing_connections"`
	// Unannounced counts connections with events whose beginning is not in the log.
	Unannounced int64 `json:"unannounced_connections"`

	ordered  bool
	at       time.Time // of the greatest number, or of the last event
	number   uint64
	open     map[uint64]bool // connections that were seen
	least    uint64          // connection that was made
	greatest uint64
	made     int64
}

// NewHealth is for one log. A clock is not followed in those that are in no order
// of time: slow logs are written when statements end, Aurora writes several files
// at once, and tables are sorted as they please.
func NewHealth(f Format) *Health {
	return &Health{ordered: f != Slow && f != Aurora && f != CloudWatch && f != CSV && f != JSONL}
}

// Jump is a step of the clock between two events.
type Jump struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	Where Where     `json:"where"` // of the second
}

// Length is how long the step is.
func (j Jump) Length() time.Duration { return j.Until.Sub(j.From).Abs() }

const (
	silence  = time.Hour
	maxJumps = 20
	stepBack = 2 * time.Second
	vague    = time.Minute
	maxOpen  = 1 << 18
)

// Fault counts a fault.
func (h *Health) Fault() { h.Faults++ }

// See takes an event.
func (h *Health) See(e *Event) {
	h.Events++
	if e.Truncated {
		h.Truncated++
	}
	if e.Low {
		h.Low++
	}
	if e.Precision >= vague {
		h.Uncertain++
	}
	h.connection(e)
	if e.At.IsZero() {
		h.NoTime++
		return
	}
	h.clock(e)
	h.span(e)
}

// span keeps the first and the last time, and silences between.
func (h *Health) span(e *Event) {
	if h.First.IsZero() || e.At.Before(h.First) {
		h.First = e.At
	}
	if !e.At.After(h.Last) {
		return
	}
	if gap := (Jump{From: h.Last, Until: e.At, Where: e.Where}); !h.Last.IsZero() && gap.Length() >= silence {
		h.Silences = longest(append(h.Silences, gap))
	}
	h.Last = e.At
}

// longest keeps the longest of some steps.
func longest(list []Jump) []Jump {
	slices.SortStableFunc(list, func(a, b Jump) int { return cmp.Compare(b.Length(), a.Length()) })
	return list[:min(len(list), maxJumps)]
}

// clock compares with the statement before. Numbers are given when a statement
// begins, and so is its time; without numbers the log's own order must do. In a
// time of doubt nothing is said.
func (h *Health) clock(e *Event) {
	if !h.ordered || e.Sequence != 0 && e.Sequence <= h.number || e.Sequence == 0 && h.number != 0 {
		return
	}
	if back := (Jump{From: h.at, Until: e.At, Where: e.Where}); !h.at.IsZero() && h.at.Sub(e.At) >= stepBack && e.Precision < vague {
		h.Backwards++
		h.Steps = longest(append(h.Steps, back))
		if h.Back == nil || back.Length() > h.Back.Length() {
			h.Back = &back
		}
	}
	h.number, h.at = e.Sequence, e.At
}

// connection follows the numbers of connections.
func (h *Health) connection(e *Event) {
	if e.Connection == 0 || e.Kind == Export {
		return
	}
	begins := e.Kind == Connect || e.Kind == Refused
	if begins && e.Connection < h.greatest/2 { // far back: the server began anew
		h.Restarts++
		h.made, h.least, h.greatest, h.number = 0, 0, 0, 0
		clear(h.open)
	}
	if h.open == nil || len(h.open) >= maxOpen {
		h.open = map[uint64]bool{}
	}
	if begins && !h.open[e.Connection] {
		h.begin(e.Connection)
	} else if !h.open[e.Connection] {
		h.Unannounced++
	}
	h.open[e.Connection] = true
}

// begin counts a connection that was made, and those before it that were not.
func (h *Health) begin(id uint64) {
	before := h.missing()
	if h.made == 0 || id < h.least {
		h.least = id
	}
	h.greatest = max(h.greatest, id)
	h.made++
	h.MissingConnections += h.missing() - before
}

func (h *Health) missing() int64 {
	if h.made == 0 {
		return 0
	}
	return max(0, int64(min(h.greatest-h.least+1, 1<<40))-h.made)
}
