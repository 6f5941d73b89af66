// Package listener is the single road from "heard" to "durable". An ear (one
// of the packages below this one) speaks its protocol, builds a
// [canary.Contact] and calls [Road.Hear]; only when Hear has returned nil may
// the ear say yes to the other side.
//
// The road encodes the contact, seals it to the core's public key and gives it
// to the spool. It holds no list of tokens and no key that could tell one
// address from another: what it writes it cannot read again.
//
// Hear fails with [ErrFull] when the disk has no room and with [ErrDown] for
// every other fault of ours; the ear answers with its protocol's temporary
// failure (SMTP 452 and 451, DNS SERVFAIL, HTTP 503).
package listener

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"saltmine/internal/canary"
)

var (
	// ErrFull says that the spool has no room left; the other side may try later.
	ErrFull = errors.New("spool is full")
	// ErrDown says that the contact could not be made durable.
	ErrDown = errors.New("spool is down")
)

// Key identifies one record of one contact, the same for a repeated event.
type Key [16]byte

// Record is a sealed contact and its key.
type Record struct {
	Key    Key
	Sealed []byte
}

// Config is what a road needs.
type Config struct {
	// Seal encrypts a record to the core's public key and appends it to dst. It
	// keeps nothing of plain.
	Seal func(dst, plain []byte) ([]byte, error)
	// Append makes a sealed record durable before it returns. A key that it
	// already holds is success without a second record. The record's bytes are
	// never changed afterwards.
	Append func(ctx context.Context, key Key, sealed []byte) error
	// AppendAll does the same for several records at once, with an answer for
	// each. Only HearAll needs it.
	AppendAll func(ctx context.Context, records []Record) []error
	// Full reports whether an error of Append means that there is no room.
	Full func(error) bool
}

// Road turns contacts into durable, sealed records. It is safe for concurrent use.
type Road struct {
	cfg    Config
	plains sync.Pool // of *rooms whose plain is blank
}

// mostPlain is the largest room of a plain text, in bytes, that the next contact
// is given.
const mostPlain = 256 << 10

// New returns a road.
func New(cfg Config) *Road { return &Road{cfg: cfg} }

// Hear makes the contact durable. When it returns nil the contact is on disk.
// Nothing of the contact is kept.
func (r *Road) Hear(ctx context.Context, c canary.Contact) error {
	room, ok := r.plains.Get().(*rooms)
	if !ok {
		room = new(rooms)
	}
	record, err := r.seal(&c, room)
	room.sealed = nil // it is the spool's
	if cap(room.plain) <= mostPlain {
		r.plains.Put(room)
	}
	if err != nil {
		return err
	}
	return r.blame(r.cfg.Append(ctx, record.Key, record.Sealed))
}

// HearAll does for each of the contacts what Hear does for one, and pays for
// the disk once. There is an answer for each.
func (r *Road) HearAll(ctx context.Context, contacts []canary.Contact) []error {
	out := make([]error, len(contacts))
	records, of := make([]Record, 0, len(contacts)), make([]int, 0, len(contacts))
	var room rooms
	for i := range contacts {
		room.left = len(contacts) - i
		var record Record
		if record, out[i] = r.seal(&contacts[i], &room); out[i] == nil {
			records, of = append(records, record), append(of, i)
		}
	}
	if len(records) == 0 {
		return out
	}
	for i, err := range r.cfg.AppendAll(ctx, records) {
		out[of[i]] = r.blame(err)
	}
	return out
}

// rooms are what contacts that are heard together share.
type rooms struct {
	plain  []byte // of one contact after the other
	sealed []byte // empty, with room behind it for some of those to come
	left   int    // contacts to come, this one among them; 0 when there is but one
}

// sealedMore is what a sealed record has more than its plain text, or a little
// less: a guess that is wrong costs a copy.
const sealedMore = 64

// seal makes the record of a contact.
func (r *Road) seal(c *canary.Contact, room *rooms) (Record, error) {
	c.At = canary.Micro(c.At)
	plain, err := c.AppendBinary(room.plain[:0])
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrDown, err)
	}
	room.plain = plain
	defer clear(plain) // what was heard does not stay in memory
	if want := len(plain) + sealedMore; cap(room.sealed) < want && room.left > 0 {
		room.sealed = make([]byte, 0, room.left*want)
	}
	sealed, err := r.cfg.Seal(room.sealed, plain)
	if err != nil {
		return Record{}, fmt.Errorf("%w: seal: %w", ErrDown, err)
	}
	room.sealed = sealed[len(sealed):]
	return Record{KeyOf(c.ID, c.Part), slices.Clip(sealed)}, nil
}

func (r *Road) blame(err error) error {
	switch {
	case err == nil:
		return nil
	case r.cfg.Full(err):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// KeyOf gives the key of one record of a contact: the first 16 bytes of
// SHA-256 over the id, a zero byte and the part as 4 bytes big-endian.
func KeyOf(id canary.ContactID, part int) Key {
	var room [128]byte
	b := append(append(room[:0], id...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(part)) //nolint:gosec // parts are small counts
	sum := sha256.Sum256(b)
	return Key(sum[:16])
}
