package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Format names the shape of a log.
type Format string

// The formats.
const (
	ServerAudit       Format = "server_audit"        // MariaDB's and RDS's audit plugin, to a file
	ServerAuditSyslog Format = "server_audit_syslog" // the same, by way of syslog
	Aurora            Format = "aurora"              // Aurora's, with Unix microseconds
	CloudWatch        Format = "cloudwatch"          // either of these, by way of CloudWatch
	General           Format = "general"             // general log of MySQL and MariaDB
	Slow              Format = "slow"                // slow query log of either
	FilterJSON        Format = "filter_json"         // MySQL Enterprise Audit, Percona's Audit Log Filter
	PerconaJSON       Format = "percona_json"        // Percona's audit_log
	PerconaXML        Format = "percona_xml"         // the same in XML, old or new; the others' too
	PerconaCSV        Format = "percona_csv"         // the same in CSV
	ProxySQL          Format = "proxysql"            // events and audit log of ProxySQL in JSON
	CSV               Format = "csv"                 // any table with a heading, by Columns
	JSONL             Format = "jsonl"               // any JSON objects, by Columns
)

// Formats lists all formats.
func Formats() []Format {
	return []Format{
		ServerAudit, ServerAuditSyslog, Aurora, CloudWatch, General, Slow,
		FilterJSON, PerconaJSON, PerconaXML, PerconaCSV, ProxySQL, CSV, JSONL,
	}
}

// bareNames reports whether names stand in a format as whoever connects gave them,
// line feeds included.
func (f Format) bareNames() bool {
	return f == ServerAudit || f == ServerAuditSyslog || f == Aurora || f == CloudWatch
}

// namesOnce reports whether a format may name who a connection belongs to in some of
// its events alone.
func (f Format) namesOnce() bool {
	return f == FilterJSON || f == PerconaXML || f == PerconaJSON || f == PerconaCSV
}

var (
	// ErrFormat is returned by Open for a log of no known shape.
	ErrFormat = errors.New("the format of the log is not known")
	// ErrWrapped is returned by Open for events of CloudWatch that hold no lines of the
	// audit plugin: other logs have to be taken out of them first.
	ErrWrapped = errors.New("these are CloudWatch's events, and their messages are no lines of the audit plugin: take the messages out, and read those")
	// ErrEmpty is returned by Open when there is nothing yet to tell the format by.
	ErrEmpty = errors.New("the log is empty")
	// ErrOther is returned by Open when the log is not the one that the State is of.
	ErrOther = errors.New("the log is not the one that was read before: it was rotated, cut or replaced")
	// ErrCut is wrapped by the last error of a compressed log that ends too early.
	// Everything before has been read.
	ErrCut = errors.New("the compressed log ends too early")
)

// Config is how a log is read.
type Config struct {
	File   string // its name, for [Where]
	Format Format // empty: told by its first bytes
	// Zone is where the server's clock stood, for times without a zone; nil is UTC.
	Zone *time.Location
	// Now dates lines without a year (syslog): by the last year in which such a line
	// is not later. Zero: their times are not known.
	Now time.Time
	// Live is for a log that is still written: what has no end yet is left for
	// later, and after io.EOF Next can be asked again.
	Live bool
	// From is where to go on; the zero value is the beginning.
	From State
	// TextLimit is the server's server_audit_query_log_limit; 0 is its default, 1024.
	TextLimit int
	// MaxRecord bounds one record in bytes; 0 is 32 MiB.
	MaxRecord int
	// Columns says where the generic formats find what.
	Columns Columns
	// Sum, where there is one, is given every byte that is read, from where From says to
	// where State does, before compression.
	Sum io.Writer
}

const (
	defaultTextLimit = 1024
	defaultMaxRecord = 32 << 20
	headLength       = 512
	detectLength     = 64 << 10
)

// State is where a reader stands, to go on from. It is kept as JSON; it holds
// user names, addresses and hashes, and no text of a statement.
type State struct {
	Format Format `json:"format"`
	Offset int64  `json:"offset"` // before compression; the next record begins here
	Line   int64  `json:"line"`   // lines before it
	// Head names the log by a hash of its first HeadLength bytes.
	Head       string `json:"head"`
	HeadLength int    `json:"head_length"`
	Carry      carry  `json:"carry"`
}

// carry is what one record needs of those before it.
type carry struct {
	Clock clockState `json:"clock,omitzero"`
	// Suspect is the offset before which events are Low: a stranger's user name may
	// hold a line feed and what looks like a record. Not those of connections that were
	// announced before.
	Suspect  int64              `json:"suspect,omitempty"`
	Moment   string             `json:"moment,omitempty"`   // the time of the last line that had one
	Database string             `json:"database,omitempty"` // the last that a slow log named
	Sessions map[uint64]session `json:"sessions,omitempty"`
	Twins    map[uint64]twin    `json:"twins,omitempty"`
	Heading  []string           `json:"heading,omitempty"` // of a table
	Comma    byte               `json:"comma,omitempty"`
	Stamp    string             `json:"stamp,omitempty"`
	Same     map[uint64]int     `json:"same,omitempty"` // events at Stamp, by hash
}

// session is what a connection told when it was made.
type session struct {
	User     string `json:"user,omitempty"`
	Host     string `json:"host,omitempty"`
	Database string `json:"database,omitempty"`
}

// reason is why a record is no event. It is a fixed text.
type reason string

const (
	whole   reason = ""  // it is one
	heading reason = "-" // it is none, and none was meant
	foreign reason = "+" // it is another program's
)

// shape is one format: how the stream is cut into records, and how a record
// becomes an event.
type shape interface {
	// split returns how many bytes of data are done with, and where the record
	// among them is: nowhere (from == to) for filling. n is 0 when more bytes are
	// needed; at the end, what is left is a record then.
	split(data []byte, end bool) (n, from, to int)
	// decode fills the event. What it keeps of the record is Text alone.
	decode(rec []byte, e *Event) reason
}

// beginner is a shape that can make an event of the beginning of a record.
type beginner interface {
	decodeBeginning(rec []byte, e *Event) reason
}

// Reader gives the events of one log.
type Reader struct {
	cfg   Config
	state State
	src   source
	shape shape
	clock *clock
	close func()
	count *counter
	event Event
	// passed counts the lines of other programs.
	passed int64
}

// maxName is how far a name that was broken by a line feed can reach.
const maxName = 1024

// longestName is the same in the bytes of a format: CloudWatch makes an event of each line.
func (f Format) longestName() int64 {
	if f == CloudWatch {
		return 16 * maxName
	}
	return maxName
}

// Open begins to read a log, compressed by gzip or zstd or plain. An in that can
// seek is sought to where the State says, else it is read up to there.
func Open(in io.Reader, cfg Config) (*Reader, error) {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.TextLimit == 0 {
		cfg.TextLimit = defaultTextLimit
	}
	if cfg.MaxRecord == 0 {
		cfg.MaxRecord = defaultMaxRecord
	}
	count := &counter{in: in}
	plain, end, err := unpack(count)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.File, err)
	}
	r := &Reader{cfg: cfg, state: cfg.From, close: end, count: count, src: source{in: plain, max: cfg.MaxRecord, live: cfg.Live, sum: cfg.Sum}}
	if err := r.begin(); err != nil {
		end()
		return nil, fmt.Errorf("open %s: %w", cfg.File, err)
	}
	return r, nil
}

func (r *Reader) begin() error {
	head, err := r.src.peek(detectLength)
	if err != nil {
		return err
	}
	if err := r.sameLog(head); err != nil {
		return err
	}
	if r.state.Format == "" {
		r.state.Format = r.cfg.Format
	}
	if r.state.Format == "" && len(head) == 0 {
		return ErrEmpty
	}
	if r.state.Format == "" {
		if r.state.Format = detect(head); r.state.Format == wrapped {
			return ErrWrapped
		}
	}
	if r.shape = r.newShape(); r.shape == nil {
		if err := r.src.err; err != nil && !errors.Is(err, io.EOF) { // too little came
			return cut(err)
		}
		return ErrFormat
	}
	return r.src.skipTo(r.state.Offset, r.state.Line)
}

// sameLog compares the first bytes with those of the State, or notes them.
func (r *Reader) sameLog(head []byte) error {
	if n := r.state.HeadLength; n > 0 {
		if len(head) < n || hashOf(head[:n]) != r.state.Head {
			return ErrOther
		}
	}
	r.state.HeadLength = min(len(head), headLength)
	r.state.Head = hashOf(head[:r.state.HeadLength])
	return nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func (r *Reader) newShape() shape {
	k := &r.state.Carry
	r.clock = &clock{zone: r.cfg.Zone, state: &k.Clock}
	return newShape(r.state.Format, r.cfg, k, r.clock)
}

// newShape is nil for what is no format.
func newShape(f Format, cfg Config, k *carry, c *clock) shape {
	plain := newServerAudit(c, cfg.TextLimit)
	shapes := map[Format]shape{
		ServerAudit:       plain,
		ServerAuditSyslog: &viaSyslog{plain, cfg.Now},
		Aurora:            &aurora{plain},
		CloudWatch:        &cloudWatch{plain: plain, aurora: &aurora{plain}},
		General:           newGeneral(c, k),
		Slow:              &slow{clock: c, carry: k},
		FilterJSON:        &filterJSON{},
		ProxySQL:          &proxySQL{},
		PerconaJSON:       &perconaJSON{percona: percona{clock: c}},
		PerconaXML:        &perconaXML{percona: percona{clock: c}},
		PerconaCSV:        &perconaCSV{rows: rows{isPerconaRow}, percona: percona{clock: c}},
		CSV:               &genericCSV{generic: newGeneric(c, cfg.Columns), carry: k},
		JSONL:             &genericJSON{generic: newGeneric(c, cfg.Columns)},
	}
	return shapes[f]
}

// Format is what the log is read as.
func (r *Reader) Format() Format { return r.state.Format }

// Progress is how many bytes of the file were read, as they lie on the disk.
func (r *Reader) Progress() int64 { return r.count.n }

// State is where the reader stands: behind the record of the last Next.
func (r *Reader) State() State {
	s := r.state
	s.Offset, s.Line = r.src.offset, r.src.line
	return s
}

// Passed is how many lines were passed over as other programs' (in a syslog).
func (r *Reader) Passed() int64 { return r.passed }

// Assumed reports whether there were times without a zone, so that those of the
// events are as right as Config.Zone is.
func (r *Reader) Assumed() bool { return r.clock.used }

// Close ends reading. It does not close what Open was given.
func (r *Reader) Close() { r.close() }

// Next returns the next event, which is good until the next call; a *[Fault] for
// a piece that is none, after which reading goes on; io.EOF at the end, or in a
// live log when there is no more for now; or what made reading end.
func (r *Reader) Next() (*Event, error) {
	for {
		rec, err := r.src.next(r.shape)
		if err != nil {
			return nil, r.ended(err)
		}
		if rec.bytes == nil {
			continue
		}
		r.event = Event{Code: Unknown, RowsSent: Unknown, RowsExamined: Unknown, Where: r.where(rec)}
		switch why := r.decode(rec); why {
		case whole:
			r.doubt(rec.offset)
			if r.state.Format.namesOnce() {
				r.state.Carry.attribute(&r.event)
			}
			if r.state.Format == FilterJSON {
				r.state.Carry.pair(&r.event)
			}
			r.repeat(&r.event)
			return &r.event, nil
		case heading:
		case foreign:
			r.passed++
		default:
			if r.state.Format.bareNames() {
				r.state.Carry.Suspect = r.src.offset + r.state.Format.longestName()
			}
			return nil, &Fault{Where: r.event.Where, Length: rec.length, Reason: string(why), Raw: bytes.Clone(rec.bytes[:min(len(rec.bytes), MaxKept)])}
		}
	}
}

// doubt marks an event as Low that a name may have made: one shortly behind a line that is
// none, unless what stands elsewhere supports it.
func (r *Reader) doubt(offset int64) {
	if !r.state.Format.bareNames() {
		return
	}
	suspect := offset < r.state.Carry.Suspect
	supported := r.state.Carry.announced(&r.event, suspect)
	r.event.Low = r.event.Low || suspect && !supported
}

func (r *Reader) where(rec record) Where {
	return Where{File: r.cfg.File, Offset: rec.offset, Line: rec.line + 1}
}

func (r *Reader) decode(rec record) reason {
	if !rec.long {
		return r.shape.decode(rec.bytes, &r.event)
	}
	return decodeBeginning(r.shape, rec.bytes, &r.event)
}

func decodeBeginning(s shape, rec []byte, e *Event) reason {
	b, ok := s.(beginner)
	if !ok {
		return tooLong
	}
	return b.decodeBeginning(rec, e)
}

func (r *Reader) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read %s at byte %d: %w", r.cfg.File, r.src.offset, err)
}
