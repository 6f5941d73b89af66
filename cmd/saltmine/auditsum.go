package main

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
)

// auditSummary is what audit import says.
type auditSummary struct {
	Files  []*logSummary `json:"files"`
	Events int64         `json:"events"`
	// Repeated counts the events that had been read before, from another file or
	// the same: of the first maxSeen different ones.
	Repeated int64 `json:"repeated"`

	several bool
	seen    map[uint64]struct{}
}

// logSummary is one file's.
type logSummary struct {
	File   string               `json:"file"`
	Format audit.Format         `json:"format,omitempty"`
	Kinds  map[audit.Kind]int64 `json:"kinds"`
	Users  map[string]int64     `json:"users"` // user@host
	// Others counts the events of users beyond the first maxUsers.
	Others int64         `json:"other_users"`
	Health *audit.Health `json:"health,omitempty"`
	// Assumed says that times had no zone in the log.
	Assumed   bool       `json:"zone_assumed"`
	Passed    int64      `json:"other_programs_lines,omitempty"`
	Malformed []badPiece `json:"malformed"` // the first maxShown
	Error     string     `json:"error,omitempty"`
	pieces    []canary.BadPiece
	// Switched counts all of the statements by which the database logs less, Switches are
	// the last of them.
	Switched int64              `json:"switched"`
	Switches []canary.LogSwitch `json:"switches,omitempty"`
}

// badPiece is a fault without its bytes.
type badPiece struct {
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Reason string `json:"reason"`
}

const (
	maxUsers    = 10_000
	maxShown    = 20
	maxSeen     = 4 << 20
	topUsers    = 10
	topSilences = 5
)

func newLogSummary(file string) *logSummary {
	return &logSummary{File: file, Kinds: map[audit.Kind]int64{}, Users: map[string]int64{}, Malformed: []badPiece{}}
}

// count looks whether an event was read before.
func (s *auditSummary) count(e *audit.Event) {
	s.Events++
	if !s.several {
		return
	}
	digest := e.Digest()
	key := binary.BigEndian.Uint64(digest[:])
	if _, again := s.seen[key]; again {
		s.Repeated++
	} else if len(s.seen) < maxSeen {
		s.seen[key] = struct{}{}
	}
}

func (s *logSummary) begin(f audit.Format) { s.Format, s.Health = f, audit.NewHealth(f) }

func (s *logSummary) see(e *audit.Event) {
	s.Health.See(e)
	if off, ok := cover.Switch(e); ok {
		s.Switched++
		s.Switches = cover.AddSwitch(s.Switches, off)
	}
	s.Kinds[e.Kind]++
	user := e.User + "@" + e.Host
	if _, known := s.Users[user]; !known && len(s.Users) >= maxUsers {
		s.Others++
		return
	}
	s.Users[user]++
}

func (s *logSummary) fault(f *audit.Fault, all *json.Encoder) error {
	s.Health.Fault()
	s.pieces = cover.AddPiece(s.pieces, f, s.Health.Last)
	if len(s.Malformed) < maxShown {
		s.Malformed = append(s.Malformed, badPiece{f.Where.Line, f.Where.Offset, f.Length, f.Reason})
	}
	if all == nil {
		return nil
	}
	if err := all.Encode(f); err != nil {
		return fmt.Errorf("write a malformed line: %w", err)
	}
	return nil
}

func (s *logSummary) end(r *audit.Reader) {
	s.Assumed, s.Passed = r.Assumed(), r.Passed()
	if s.Kinds[audit.Connect] == 0 { // a log of statements alone
		s.Health.Unannounced = 0
	}
}

// text prints the summary for a person.
func (s *auditSummary) text(w io.Writer, zone string) error {
	var out []string
	for _, f := range s.Files {
		out = append(out, f.lines(zone)...)
	}
	if len(s.Files) > 1 {
		out = append(out, fmt.Sprintf("together %d events, %d of them read before", s.Events, s.Repeated))
	}
	return lines(w, out)
}

func (s *logSummary) lines(zone string) []string {
	h := s.Health
	if h == nil {
		return []string{s.File + ": not read: " + s.Error}
	}
	out := []string{fmt.Sprintf("%s: %s, %d events%s", s.File, s.Format, h.Events, between(h.First, h.Last))}
	add := func(format string, args ...any) { out = append(out, "  "+fmt.Sprintf(format, args...)) }
	if s.Assumed {
		add("its times have no zone: read as %s (--zone)", zone)
	}
	if h.Events > 0 {
		add("kinds: %s", strings.Join(largest(s.Kinds, len(s.Kinds)), ", "))
		add("users: %s", strings.Join(s.users(), ", "))
	}
	for _, line := range healthLines(h) {
		add("%s", line)
	}
	for _, off := range s.Switches {
		add("health: %s", cover.SaidOf(&off))
	}
	if s.Passed > 0 {
		add("%d lines of other programs were passed over", s.Passed)
	}
	if h.Faults > 0 {
		add("%d could not be read:", h.Faults)
	}
	for _, m := range s.Malformed {
		add("  line %d (byte %d): %s (%d bytes)", m.Line, m.Offset, m.Reason, m.Length)
	}
	if more := h.Faults - int64(len(s.Malformed)); more > 0 {
		add("  and %d more (--malformed FILE writes them all)", more)
	}
	if s.Error != "" {
		add("not read to its end: %s", s.Error)
	}
	return out
}

func between(first, last time.Time) string {
	if first.IsZero() {
		return ""
	}
	return fmt.Sprintf(", from %s to %s", first.Format(time.RFC3339), last.Format(time.RFC3339))
}

// users are the busiest, with names that strangers chose quoted where they must be.
func (s *logSummary) users() []string {
	out := largest(s.Users, topUsers)
	if rest := int64(len(s.Users)-len(out)) + min(s.Others, 1); rest > 0 {
		out = append(out, fmt.Sprintf("and %d more", rest))
	}
	return out
}

// largest lists the greatest counts first.
func largest[K ~string, N int | int64](counts map[K]N, n int) []string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var out []string
	for _, k := range keys[:min(n, len(keys))] {
		name := string(k)
		if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.Contains(name, ", ") {
			name = quoted
		}
		out = append(out, fmt.Sprintf("%s %d", name, counts[k]))
	}
	return out
}

// healthLines say what is wrong with a log, and nothing of what is right.
func healthLines(h *audit.Health) (out []string) {
	for _, finding := range []struct {
		count int64
		text  string
	}{
		{h.Truncated, "statements may be cut (server_audit_query_log_limit, --text-limit)"},
		{h.Low, "events could have been forged by what a statement or a name says"},
		{h.NoTime, "events have no time"},
		{h.Uncertain, "events have a time that may be wrong by a minute or more"},
		{h.Backwards, "times the clock went back"},
		{h.Restarts, "times the connections were numbered anew"},
		{h.MissingConnections, "connection numbers are missing: lines were lost, or filtered out"},
		{h.Unannounced, "connections began before the log, or were filtered out"},
	} {
		if finding.count > 0 {
			out = append(out, fmt.Sprintf("health: %d %s", finding.count, finding.text))
		}
	}
	if h.Back != nil {
		out = append(out, fmt.Sprintf("health: the clock went back by %s in line %d", h.Back.Length(), h.Back.Where.Line))
	}
	for _, gap := range h.Silences[:min(len(h.Silences), topSilences)] {
		out = append(out, fmt.Sprintf("health: nothing from %s to %s", gap.From.Format(time.RFC3339), gap.Until.Format(time.RFC3339)))
	}
	return out
}
