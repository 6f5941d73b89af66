// Package mailtext reads out of a raw RFC 5322 message what a person would
// read: who claims to have sent it, to whom, the subject, and the text.
//
// The message is foreign and may be made to hurt. So the package refuses to
// trust its shape: nesting, parts, headers, text and time are bounded
// ([Limits]); the multipart tree is cut by slices of the bytes at hand, at most
// once per level, so that deep nesting costs no more than depth times size;
// a broken transfer encoding is decoded as far as it goes; a panic of the
// library below becomes an error.
//
// The one invariant: Parse always returns what could be read, also together
// with an error. The error says what is missing: [ErrLimit] when a bound was
// reached, [ErrBroken] when bytes could not be understood. Neither means that
// the message is of no use. The raw bytes stay the evidence; this is a reading.
// Error texts are constant and never quote the message, which may hold the
// address of a canary.
//
// What is returned is cleaned for display ([Clean]): no control characters, no
// escape sequences, no text-direction tricks. It is not escaped for HTML.
// Nothing in it is verified: From and the DKIM domains are what the message
// claims.
//
// Text is the text/plain parts in order. A text/html part is stripped to its
// text and added unless a plain part says the same, because a sender may say
// one thing in one and another in the other. Lines that format=flowed broke are
// joined (RFC 3676). Attachments are left out unless they are text, which a list
// of customers may be; an attached message (message/rfc822) is read. TNEF
// (winmail.dat) is an attachment like others.
package mailtext

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrLimit says that a bound was reached and the rest was not read.
	ErrLimit = errors.New("limit reached")
	// ErrBroken says that part of the message could not be understood.
	ErrBroken = errors.New("broken message")
)

// Limits bound the work. A zero field has the value named.
type Limits struct {
	Depth int           // nesting of multiparts and attached messages: 50
	Parts int           // parts in all: 1000
	Bytes int           // bytes of text that are returned: 8 MiB
	Time  time.Duration // for all of it: 2 s
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Depth: cmp.Or(l.Depth, 50),
		Parts: cmp.Or(l.Parts, 1000),
		Bytes: cmp.Or(l.Bytes, 8<<20),
		Time:  cmp.Or(l.Time, 2*time.Second),
	}
}

// Address is one mailbox as written in a header.
type Address struct {
	Name string // display name, decoded; often empty
	Mail string // local@domain, as written
}

// Mail is what could be read of a message.
type Mail struct {
	From      []Address
	To        []Address
	Cc        []Address
	Subject   string    // one line
	Date      time.Time // UTC; zero when missing or not readable
	MessageID string    // without angle brackets
	DKIM      []string  // domains that claim to have signed, lower case, not verified
	Text      string    // lines end in "\n"
	Routed    []Routed  // addresses on whose way the message claims to have been
	Attached  []string  // subjects of attached messages, one line each
	Parts     int       // parts that were opened, the message itself included
}

// Parse reads a message. The Mail it returns is good even when the error is not nil.
func Parse(ctx context.Context, raw []byte, limits Limits) (m Mail, err error) {
	limits = limits.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	r := &reading{limits: limits, mail: &m}
	defer func() {
		if p := recover(); p != nil {
			r.fault(fmt.Errorf("%w: the parser gave up: %T", ErrBroken, p))
		}
		m.Text = r.text.String()
		err = errors.Join(r.faults...)
	}()
	head, body := r.header(raw)
	r.envelope(head)
	r.part(ctx, head, body, 0)
	return m, nil
}
