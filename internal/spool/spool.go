// Package spool is the durable, chained store of sealed contacts at the edge.
// [Spool.Append] returns nil only after the record is on disk (fsync); the core
// reads from a [Cursor], commits, acknowledges; only then is a segment trimmed.
// The spool never looks into a record, never changes one, and never writes over
// a byte that it has once called durable. See [Open] for what it recovers from.
//
// Its one invariant: acknowledged ⊆ recorded, and a key that is held is held
// once. It fails with [ErrFull] (no room) and [ErrBroken] (the disk failed),
// which pass when the disk recovers; the record may then be held or not.
//
// The directory holds segments NNNNNNNNNNNNNNNN.seg, numbered in decimal in the
// order in which they were begun, and the file acked. Numbers are big-endian,
// times microseconds since 1970, checksums CRC-32C. A segment is a header and
// frames (offset, length, content), without anything in between:
//
//	header, 84 bytes                    frame, 84+n bytes
//	 0  8 "SMSPOOL2"                     0    4 "SMf2"
//	 8 16 id of the spool, random        4    4 n, length of the sealed bytes
//	24  8 number of the segment          8    8 sequence number, from 1
//	32  8 first sequence number         16    8 time
//	40  8 time                          24   16 key
//	48 32 chain value before it         40    4 bytes since the last durable one
//	80  4 checksum of bytes 0 to 80     44    4 checksum of bytes 0 to 44
//	                                    48    n sealed bytes
//	                                    48+n 32 chain value
//	                                    80+n  4 checksum of bytes 0 to 80+n
//
// The chain value of a frame is SHA-256(chain value before it, bytes 0 to 48+n);
// before the first frame of a spool it is SHA-256("SMSPOOL2", id). A header
// repeats the last one, so the chain outlives trimmed segments. A segment ends
// where the next header says; bytes behind that were never acknowledged. Behind
// the last frame of the last segment there may be zeros, into which it grows. As
// an example id 000102…0f, segment 1 begun at second 1,700,000,000, a microsecond
// later the bytes "hello" under the key a0a1…af:
//
//	534d53504f4f4c32000102030405060708090a0b0c0d0e0f0000000000000001000000000000000100060a24181e4000
//	6ee62639fc9c005d4a009c166cc5a49e2f5859239ffd3ead016bfb9c81f9c92e278c920f534d66320000000500000000
//	0000000100060a24181e4001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf00000000731fd32668656c6c6f63503ceaf100a7
//	799a08fb7e3b8c86b6ea657f12069a754faa99f9952aa18fdd50a48600
package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrFull says that there is no room: MaxBytes, MaxRecords or the disk.
	ErrFull = errors.New("spool is full")
	// ErrBroken says that the disk failed; the record may or may not be held.
	ErrBroken = errors.New("spool is broken")
	// ErrLocked says that another process has the directory open.
	ErrLocked = errors.New("spool is in use")
	// ErrCorrupt says that stored bytes are not what was written.
	ErrCorrupt = errors.New("spool is corrupt")
	// ErrTooLarge says that a record has more than MaxRecord bytes.
	ErrTooLarge = errors.New("record is too large")
	// ErrAhead says that a cursor lies behind the last record: it belongs to
	// another spool, or records that were read have been lost.
	ErrAhead = errors.New("cursor is ahead of the spool")
	// ErrClosed says that the spool has been closed.
	ErrClosed = errors.New("spool is closed")
)

// Config is what a spool needs.
type Config struct {
	// Dir holds the spool and nothing else; it is made (0700) when missing.
	Dir string
	// MaxBytes bounds all segments together, damaged ones too. 0 is 20 GiB.
	MaxBytes int64
	// MaxRecords bounds the records that are held, and with them the memory of
	// the index: about 70 bytes a record. 0 is 4,000,000 (280 MB).
	MaxRecords int
	// SegmentBytes is the size at which a new segment is begun; a record that is
	// larger has a segment of its own. 0 is 64 MiB. At most a quarter of
	// MaxBytes and 1 GiB are used.
	SegmentBytes int64
	// MinFree is the free space that is left on the disk, so that others can
	// still write. 0 is 64 MiB; a negative value leaves none.
	MinFree int64
	// MaxAge is how old a segment gets that has nothing to be fetched any more: then
	// another is begun and it goes, so that a quiet edge keeps no records for months.
	// 0 is 24 hours.
	MaxAge time.Duration
	// Now gives the time that a record carries. Required.
	Now func() time.Time
	// Log hears of damage and of segments; nil is silence.
	Log *slog.Logger
	// Hooks stand between the spool and the disk, for tests.
	Hooks Hooks
}

// Spool is an open spool. It is safe for concurrent use.
type Spool struct {
	cfg  Config
	root *os.Root
	dir  *os.File // holds the lock
	id   [16]byte

	queue     chan *group
	closing   chan struct{} // closed by Close
	stopped   chan struct{} // closed by the writer when it has ended
	closeOnce sync.Once
	refused   atomic.Uint64
	refusedAt atomic.Int64 // the last one, in microseconds since 1970

	// Owned by the writer (by Open before it starts, by Close after it ended).
	active   *segment              // the one that is written to; its entries are guarded by mu
	files    [mostFlights]*os.File // of it; the first is written to; nil when there is none
	readied  int64                 // where the room ends that its file has been given ahead
	ring     *ring                 // by which it is synced; nil: by Hooks.Sync
	flights  []*flight             // in order
	launched uint64                // the number of the last one
	ends     chan end              // of their syncs
	pending  map[[16]byte]*request // without an answer, not only twins
	chain    sum                   // of the last durable frame
	buf      []byte

	mu       sync.RWMutex // guards the rest
	segments []*segment   // in order; the last is the active one, or was
	index    map[[16]byte]struct{}
	ordinal  uint64 // of the newest segment
	next     uint64 // sequence number of the next record
	acked    uint64
	bytes    int64
	records  int
	appends  uint64
	syncs    uint64
	broken   bool
	changed  chan struct{} // closed and replaced when records come

	ackMu sync.Mutex // serialises Ack; taken before mu
	marks marks
}

// segment is one file that is held.
type segment struct {
	ordinal uint64
	name    string
	size    int64 // durable bytes; of a damaged segment all its bytes
	head    header
	headOK  bool
	damaged bool
	gone    bool   // trimmed
	base    uint64 // sequence number to which entries are relative
	entries []entry
}

// entry says where a record lies.
type entry struct {
	key   [16]byte
	off   uint32
	delta uint32
}

func (g *segment) seq(i int) uint64 { return g.base + uint64(g.entries[i].delta) }

// Open opens or makes the spool in cfg.Dir, recovers what a crash left behind
// and starts the writer, which Close ends. ErrLocked: another process has it.
//
// Zeros, an incomplete frame, or a batch of which whole sectors are zeros, at the
// end of the last segment, are what a crash leaves: they were never acknowledged
// and are cut off. (So is a last batch that lost a sector later: nothing tells the
// two apart.) Anything else that does
// not fit is damage. It does not keep the spool from opening: it is logged as an
// error, the segment is renamed to .damaged, kept for good and never written
// again, what can be read of it stays readable, its lost sequence numbers are
// not given out again, and Verify reports ErrCorrupt. Who has examined a damaged
// segment may move it away while the spool is closed.
func Open(cfg Config) (*Spool, error) {
	if cfg.Now == nil {
		return nil, errors.New("open spool: Config.Now is required")
	}
	hooked := cfg.Hooks.Sync != nil
	cfg.fill()
	s := &Spool{
		cfg: cfg, queue: make(chan *group), closing: make(chan struct{}), stopped: make(chan struct{}),
		ends: make(chan end, mostFlights), pending: map[[16]byte]*request{},
		index: map[[16]byte]struct{}{}, changed: make(chan struct{}), next: 1, acked: 1,
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool %s: %w", cfg.Dir, err), s.release())
	}
	if !hooked {
		var err error
		if s.ring, err = openRing(s.ends); err != nil {
			cfg.Log.Info("spool: a thread waits for each sync", "reason", err)
		}
	}
	go s.run()
	return s, nil
}

func (c *Config) fill() {
	if c.MaxBytes <= 0 {
		c.MaxBytes = 20 << 30
	}
	if c.MaxRecords <= 0 {
		c.MaxRecords = 4_000_000
	}
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = 64 << 20
	}
	c.SegmentBytes = max(1, min(c.SegmentBytes, c.MaxBytes/4, 1<<30))
	if c.MaxAge <= 0 {
		c.MaxAge = 24 * time.Hour
	}
	if c.MinFree == 0 {
		c.MinFree = 64 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Hooks.fill()
}

func (s *Spool) open() error {
	if err := s.lock(); err != nil {
		return err
	}
	if err := s.recover(); err != nil {
		return err
	}
	s.trim()
	if s.active != nil {
		return nil
	}
	if err := s.begin(); err != nil {
		// What is held must stay readable even when nothing can be added.
		s.cfg.Log.Error("spool cannot begin a segment", "error", err)
		s.setBroken(true)
	}
	return nil
}

// Close lets the batches in hand finish, ends the writer and gives the directory
// free. Waiting and later calls fail with ErrClosed. Everything that Append
// called durable already is.
func (s *Spool) Close() error {
	s.closeOnce.Do(func() { close(s.closing) })
	<-s.stopped
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	return s.release()
}

func (s *Spool) release() error {
	var errs []error
	s.dropReady()
	if s.ring != nil {
		s.ring.close()
		s.ring = nil
	}
	if s.dir != nil {
		errs = append(errs, unlock(s.dir))
	}
	errs = append(errs, s.closeFiles())
	for _, f := range []**os.File{&s.marks.file, &s.dir} {
		if *f != nil {
			errs = append(errs, (*f).Close())
			*f = nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		errs = append(errs, s.root.Close())
		s.root = nil
	}
	return errors.Join(errs...)
}

func (s *Spool) isClosed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// ID is the random identity of this spool. It is made with the directory, so
// a core can tell a spool that was begun anew from the one that its cursor
// belongs to.
func (s *Spool) ID() [16]byte { return s.id }
