package replay

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// Feed makes statements of the events of a log: it knows what belongs together
// and how each session stands. It is fed in the order of the log.
type Feed struct {
	cfg      FeedConfig
	sessions map[sessionID]*session
	orphans  []Orphan
	unworded int // statements that read tables since the last that the log has
}

// FeedConfig says how far the times of a log can be trusted.
type FeedConfig struct {
	// Zone is that of the sessions' NOW(); nil when not known.
	Zone *time.Location
	// Slack is how far a time of the log may be off. Longest is how long a statement
	// may run: logs tell when one began, or ended.
	Slack, Longest time.Duration
}

type sessionID struct {
	server     string
	connection uint64
}

// session is how a connection stands.
type session struct {
	tables   map[uint64]*touched // by the number of the statement
	snapshot time.Time           // since when its transaction may see the rows; zero outside of one
	manual   bool                // without autocommit: any statement begins one
	doubt    bool
	zoneless bool
	timeless bool // its clock was set
	odd      bool // a mode makes its texts mean something else
	past     bool // it asks for the rows of another time
	mode     *string
	lost     bool // it has set a mode that is not known
	tuned    bool // functions may give it something else
	moded    bool // a mode alone does what doubt and odd say
}

// touched are the tables that the log has for one statement.
type touched struct {
	reads, writes []string
	first         audit.Event // that says so
	more          bool        // than are held
}

// Bounds of what a log of any kind makes a feed remember.
const (
	maxSessions = 10_000
	maxReads    = 256 // statements of a session whose QUERY line has not come
	maxTables   = 64  // of a statement
	maxUnworded = 64  // statements without a QUERY line until hardly any is waited for
	maxInside   = 8   // statements inside of one another, whose tables come by turns
)

// NewFeed makes a Feed at the beginning of a log.
func NewFeed(cfg FeedConfig) *Feed {
	return &Feed{cfg: cfg, sessions: map[sessionID]*session{}}
}

// Doubt says how far the times of the events to come may be off.
func (f *Feed) Doubt(slack time.Duration) { f.cfg.Slack = slack }

// Add takes in an event. It is a statement when ok is true. What was read by statements
// that did not come is in [Feed.Orphans].
func (f *Feed) Add(e *audit.Event) (s Statement, ok bool) {
	id := sessionID{e.Server, e.Connection}
	switch e.Kind {
	case audit.Connect, audit.Disconnect:
		if at := f.sessions[id]; at != nil {
			f.leave(at)
		}
		delete(f.sessions, id)
		return s, false
	case audit.Read, audit.Write:
		f.touch(f.session(id), e)
		return s, false
	case audit.Query:
		f.unworded = 0
		return f.statement(f.session(id), e), true
	default:
		return s, false
	}
}

func (f *Feed) session(id sessionID) *session {
	s := f.sessions[id]
	if s == nil {
		if len(f.sessions) >= maxSessions {
			f.End()
			clear(f.sessions) // what is not known of a session makes nothing sure
		}
		s = &session{tables: map[uint64]*touched{}}
		f.sessions[id] = s
	}
	return s
}

// touch notes a table that a statement reads or changes. Where there are too
// many statements the oldest is given up: half of its tables would be worse
// than none. So are all but the last in a log that has tables alone.
func (f *Feed) touch(s *session, e *audit.Event) {
	tables := s.tables[e.Sequence]
	if tables == nil {
		most := maxReads
		if f.unworded++; f.unworded > maxUnworded {
			most = maxInside
		}
		for len(s.tables) >= most {
			f.orphan(s, slices.Min(slices.Collect(maps.Keys(s.tables))))
		}
		tables = &touched{first: *e.Clone()}
		s.tables[e.Sequence] = tables
	}
	list := &tables.reads
	if e.Kind == audit.Write {
		list = &tables.writes
	}
	switch name := e.Database + "." + e.Object; {
	case slices.Contains(*list, name):
	case len(*list) < maxTables:
		*list = append(*list, name)
	default:
		tables.more = true
	}
}

func (f *Feed) statement(at *session, e *audit.Event) Statement {
	out := Statement{
		Text: e.Text, Database: e.Database, Truncated: e.Truncated, Code: max(e.Code, 0), Sent: e.RowsSent,
		Zone: f.cfg.Zone,
	}
	if t := at.tables[e.Sequence]; t != nil && !t.more {
		out.Reads, out.Writes = t.reads, t.writes
	}
	delete(at.tables, e.Sequence)
	at.follow(e)
	at.tell(&out, e)
	f.date(&out, at, e)
	return out
}

// tell says how the session of a statement is set.
func (s *session) tell(out *Statement, e *audit.Event) {
	out.Doubt, out.Odd, out.Past, out.Timeless = s.doubt || e.Code < 0, s.odd, s.past, s.timeless
	out.Mode, out.Tuned, out.Moded = s.mode, s.lost || s.tuned, s.moded && s.mode != nil && !out.Odd && !out.Doubt
	out.Odd, out.Doubt = out.Odd || s.moded, out.Doubt || s.moded
	if s.zoneless {
		out.Zone = nil
	}
}

// clock is the moment by which a statement's NOW() goes.
func (s *Statement) clock() canary.Moment {
	if s.Timeless {
		return anyTime()
	}
	return s.Began
}

// anyTime is when something was of which nobody knows when.
func anyTime() canary.Moment { return canary.Between(time.Unix(0, 0), time.Unix(1<<33, 0)) }

// follow keeps what a statement changes for those after it.
func (s *session) follow(e *audit.Event) {
	words := firstWords(e.Text)
	first := ""
	if len(words) > 0 {
		first = words[0]
	}
	switch first {
	case "begin", "start", "xa":
		s.snapshot = e.At
	case "commit", "rollback":
		s.snapshot = time.Time{}
	case "set":
		s.set(words)
		s.setMode(e)
	case "create":
		s.doubt = s.doubt || slices.Contains(words, "temporary") // a table of its own behind another's name
	}
	if s.manual && s.snapshot.IsZero() {
		s.snapshot = e.At
	}
}

// set looks for settings by which a session reads, finds or gets less than
// others do.
func (s *session) set(words []string) {
	for _, word := range words {
		switch {
		case strings.Contains(word, "time_zone"):
			s.zoneless = true
		case strings.Contains(word, "timestamp"):
			s.timeless = true
		case strings.Contains(word, "system_versioning"):
			s.past = true
		case strings.Contains(word, "sql_mode"):
			s.moded = s.moded || slices.ContainsFunc(words, strict)
		case strings.Contains(word, "auto_is_null"),
			slices.Contains(twoByte(), strings.Trim(word, "_")):
			s.doubt, s.odd = true, true
		case strings.Contains(word, "autocommit"):
			s.manual = true // or not: then a snapshot is thought older than it is
		case strings.Contains(word, "sql_select_limit"), strings.Contains(word, "max_join_size"), strings.Contains(word, "collation_connection"):
			s.doubt = true
		}
	}
}

// twoByte are the character sets in which a quote or a backslash may be half of a
// letter.
func twoByte() []string { return []string{"big5", "cp932", "gb18030", "gb2312", "gbk", "sjis"} }

// strict tells modes that make a statement mean something else.
func strict(word string) bool {
	if strings.HasPrefix(word, "@@") { // the setting itself
		return false
	}
	for _, mode := range []string{"ansi", "no_backslash_escapes", "pipes_as_concat", "high_not_precedence", "oracle", "pad_char", "empty_string", "@", "concat", "replace"} {
		if strings.Contains(word, mode) {
			return true
		}
	}
	return false
}

// firstWords are the words at the beginning of a statement, in lower case, with
// those in quotes.
func firstWords(text []byte) []string {
	const enough = 2048
	between := func(r rune) bool {
		return r != '_' && r != '@' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}
	words := strings.FieldsFunc(strings.ToLower(string(text[:min(len(text), enough)])), between)
	if len(words) > 1 && words[0] == "m" && bytes.HasPrefix(bytes.TrimSpace(text), []byte("/*M!")) {
		words = words[1:] // a comment that MariaDB runs
	}
	for len(words) > 0 && words[0][0] >= '0' && words[0][0] <= '9' {
		words = words[1:] // the version of a comment that is run
	}
	return words
}
