// Package inventory holds the words and rules of the pool: what tokens come
// from, kept as inventory. An item is an owned domain, a provider mailbox, a
// seed address of a consenting member of staff, or a phone number.
//
// A domain is free: any number of addresses can be minted on it, and none of
// them is ever used twice. The others are scarce: there is one token in each,
// and when that leaves its row the item rests in quarantine before another row
// may have it.
//
// An item keeps facts (when it was added, which token holds it, when it was
// let go, when it was retired) and no state: [Rules.State] works the state out
// from the facts and the time, so that nothing has to run for a soak or a
// quarantine to end.
//
//	soaking ──► ready ──► in-use ──► quarantine ──► ready …
//	    └──────── contacted ────────► retired
//
// The package is arithmetic: it does no I/O, asks no clock and stores nothing.
// Rules take an item and give the changed one back, or refuse with a sentinel.
//
// The invariant: an item that [Rules.Take] chooses was not used while it
// soaked, was not contacted before it was used, holds no other token, has
// rested since its last one, is not about to run out, and had no fault at its
// last check. Items never print their address or number.
package inventory

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// ErrInvalid is wrapped by every fault of an item's fields.
var ErrInvalid = canary.ErrInvalid

// ErrClash is returned where two items cannot both be in one pool.
var ErrClash = errors.New("the pool has this already, and can have it once")

// ID names one pool item. It is random and says nothing about it. Shape: "o_"
// (owned) and 16 lower-case base-32 characters.
type ID = canary.ItemID

// NewID makes a new name.
func NewID() ID { return ID(canary.NewID("o")) }

// Kind is what sort of thing a pool item is.
type Kind string

// The kinds of pool item.
const (
	Domain  Kind = "domain"  // an owned mail domain
	Mailbox Kind = "mailbox" // an account at a mail provider
	Seed    Kind = "seed"    // an address of somebody on the staff who consents
	Phone   Kind = "phone"   // a rented number
)

// Kinds are all kinds, in the order in which they are shown.
func Kinds() []Kind { return []Kind{Domain, Mailbox, Seed, Phone} }

// Token is the kind of token that the item's own text becomes; empty for a
// domain, on which addresses are minted.
func (k Kind) Token() canary.Kind {
	switch k {
	case Mailbox, Seed:
		return canary.Email
	case Phone:
		return canary.Phone
	case Domain:
	}
	return ""
}

// Item is one thing in the pool. Text, Name, Owner, Consent and Reading can
// identify a canary: they are sealed at rest, and no method prints them.
type Item struct {
	ID   ID
	Kind Kind
	// Text is the domain, address or number in canonical form (package token).
	Text string
	// Provider is who runs it: the mail provider, the telephone company, or
	// for a domain its registrar.
	Provider string
	Country  string // ISO 3166-1, two capitals; empty when it does not matter
	Locale   string // such as en-GB
	Name     string // of the person whom a mailbox or seed address fits
	Owner    string // of a seed address: who consents
	Consent  string // of a seed address: when, and where that is kept
	Line     string // of a number: "mobile", "landline" or empty
	Reading  Reading
	// Soak is how long the item rests before its first use; 0 is the pool's
	// own time.
	Soak time.Duration
	// Capacity is how many addresses a domain may carry at a time; 0 is the
	// pool's own number. Everything else carries one.
	Capacity int
	Expires  time.Time // when it is lost unless it is renewed; zero when not known
	// Listed: a file that the configuration names has it.
	Listed bool

	Added    time.Time // the beginning of its soak
	Token    canary.TokenID
	Placebo  bool      // its token is a placebo, held back for good
	Carried  int       // of a domain: addresses that stand in rows now
	Freed    time.Time // when it last left a row
	Retired  time.Time // from then on it gets no new token; zero: not planned
	Reason   string    // why it was retired
	Unlisted time.Time // when the configuration's files lost it
	Check    Check     // the last one; zero before the first
}

// Reading is how what arrives at a mailbox or seed address is read: either by
// IMAP, or it is forwarded to an address on one of our domains.
type Reading struct {
	Host       string `json:"host,omitempty"` // of IMAP over TLS, "host:port"
	User       string `json:"user,omitempty"`
	SecretFile string `json:"secret_file,omitempty"` // of the password; what stands in it is not kept
	// Operator is the domain of the provider's own mails about the account, which
	// are no contact of a stranger's; may be empty.
	Operator  string `json:"operator,omitempty"`
	TokenFile string `json:"token_file,omitempty"` // of an OAuth 2.0 access token, instead of a password
	ForwardTo string `json:"forward_to,omitempty"`
}

// IsZero reports whether no way of reading is given.
func (r Reading) IsZero() bool { return r == Reading{} }

// String names the item without showing it.
func (i Item) String() string { return fmt.Sprintf("%s %s", i.Kind, i.ID) }

// GoString names the item without showing it.
func (i Item) GoString() string { return i.String() }

// LogValue names the item without showing it.
func (i Item) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String says how, without the account.
func (r Reading) String() string {
	switch {
	case r.IsZero():
		return "not read"
	case r.ForwardTo != "":
		return "forwarded"
	}
	return "imap"
}

// GoString says how, without the account.
func (r Reading) GoString() string { return r.String() }

// LogValue says how, without the account.
func (r Reading) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Region is the item's country: the one that is given, or that of its locale.
func (i *Item) Region() string {
	if i.Country != "" {
		return i.Country
	}
	if at := strings.LastIndexByte(i.Locale, '-'); at >= 0 && len(i.Locale)-at == 3 {
		return i.Locale[at+1:]
	}
	return ""
}

// Until is when the item is lost unless it is renewed: what the last check
// learnt, before what the user gave. Zero when neither is known.
func (i *Item) Until() time.Time {
	if !i.Check.Expires.IsZero() {
		return i.Check.Expires
	}
	return i.Expires
}
