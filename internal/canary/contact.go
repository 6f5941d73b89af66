package canary

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Channel is the way on which a contact came.
type Channel string

// The channels.
const (
	SMTP     Channel = "smtp"
	IMAP     Channel = "imap"
	DNS      Channel = "dns"
	Voice    Channel = "voice"
	SMS      Channel = "sms"
	ByTicket Channel = "ticket"
	Dump     Channel = "dump"
	Report   Channel = "report"
)

// Target is one address, number, ticket or name that a contact was aimed at,
// as the other side wrote it.
type Target struct {
	Kind Kind   `json:"kind,omitempty"` // empty for a DNS name
	Text string `json:"text"`
	// Refused is set when the ear said no to this target (the acceptance rule,
	// a full mailbox costume). It is kept because a misspelt canary is evidence.
	Refused bool `json:"refused,omitempty"`
	// Via is set by the core on what the contact was not aimed at but names: a
	// field of the mail's header, [InText], or [InSender]. It is not kept: the core
	// finds it again in the evidence.
	Via string `json:"-"`
}

// Where a contact names a token that it was not aimed at, beside fields of a header.
const (
	InText   = "text"   // of a mail, a call or a message
	InSender = "sender" // of the envelope, as a forwarding provider writes it
)

// Contact is something that reached us on one channel: an SMTP transaction, a
// call, a text message, a quoted ticket number, a DNS query. The ear fills it
// in and hands it to the road (package listener) before it answers yes.
type Contact struct {
	ID      ContactID `json:"id"`
	Channel Channel   `json:"channel"`
	At      time.Time `json:"at"`  // when the ear heard it, by the ear's clock
	Ear     string    `json:"ear"` // which ear: "smtpd", "dnsd", "phone/twilio" …

	// Open marks a record written ahead of a positive answer in the middle of a
	// dialogue (250 to RCPT). The closing record has the same ID and Open false
	// and takes its place; an open record that is never closed is a probe.
	Open bool `json:"open,omitempty"`
	// Part counts the records of one contact from 0; (ID, Part) is unique.
	Part int `json:"part,omitempty"`
	// Probe is set when the other side only tested whether the target exists.
	Probe bool `json:"probe,omitempty"`
	// Unverified is set when the channel has signatures and this one failed.
	Unverified bool `json:"unverified,omitempty"`

	Peer    string   `json:"peer,omitempty"`   // network address of the other side, "ip:port" or "ip"
	Source  string   `json:"source,omitempty"` // who it claims to be: MAIL FROM, caller's number, agent's name
	Targets []Target `json:"targets,omitempty"`
	// Text is what was said where the ear gets it as text (SMS body,
	// transcript, agent's note). Mail is parsed later, from Raw.
	Text string `json:"text,omitempty"`
	// Facts are channel-specific: "helo", "tls", "call_status", "attestation", "qtype" …
	Facts map[string]string `json:"facts,omitempty"`

	// Raw is the evidence: the dialogue or request, byte for byte.
	Raw []byte `json:"-"`
}

// Bounds of a contact. What does not fit is cut by the ear, which says so in Facts.
const (
	MaxRaw     = 64 << 20 // bytes of evidence
	maxHeader  = 4 << 20  // bytes of the rest, as JSON
	maxTargets = 1000
)

// Validate reports every fault of the contact at once.
func (c *Contact) Validate() error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("contact: %w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if !c.ID.wellFormed() {
		bad("id of %d characters is not of the form k_…", len(c.ID))
	}
	switch c.Channel {
	case SMTP, IMAP, DNS, Voice, SMS, ByTicket, Dump, Report:
	default:
		bad("channel %q", c.Channel)
	}
	if c.At.IsZero() {
		bad("no time")
	}
	if c.Ear == "" {
		bad("no ear")
	}
	if len(c.Targets) > maxTargets {
		bad("%d targets, %d allowed", len(c.Targets), maxTargets)
	}
	if len(c.Raw) > MaxRaw {
		bad("%d bytes of evidence, %d allowed", len(c.Raw), MaxRaw)
	}
	return errors.Join(faults...)
}

// wellFormed reports whether an id has the form k_[A-Za-z0-9._-]{8,120}.
func (id ContactID) wellFormed() bool {
	rest, ok := strings.CutPrefix(string(id), "k_")
	if !ok || len(rest) < 8 || len(rest) > 120 {
		return false
	}
	for i := range len(rest) {
		switch c := rest[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// String names the contact without showing whom it was aimed at.
func (c *Contact) String() string { return fmt.Sprintf("%s contact %s", c.Channel, c.ID) }

// LogValue names the contact without showing whom it was aimed at.
func (c *Contact) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", string(c.ID)), slog.String("channel", string(c.Channel)), slog.Int("bytes", len(c.Raw)))
}

// UnmarshalBinary decodes what MarshalBinary made. The input is foreign: an
// edge may have been taken over.
func (c *Contact) UnmarshalBinary(b []byte) error {
	if len(b) < len(contactMagic)+4 || string(b[:len(contactMagic)]) != contactMagic {
		return fmt.Errorf("contact: %w: not a contact record", ErrInvalid)
	}
	b = b[len(contactMagic):]
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if n > maxHeader || int(n) > len(b) {
		return fmt.Errorf("contact: %w: header of %d bytes in a record of %d", ErrInvalid, n, len(b))
	}
	var got Contact
	if err := json.Unmarshal(b[:n], &got); err != nil {
		return fmt.Errorf("contact: %w: header: %w", ErrInvalid, err)
	}
	got.At = Micro(got.At)
	if len(b) > int(n) {
		got.Raw = bytes.Clone(b[n:])
	}
	if err := got.Validate(); err != nil {
		return err
	}
	*c = got
	return nil
}
