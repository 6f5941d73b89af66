package canary

import (
	"fmt"
	"log/slog"
)

// Kind is what sort of thing a token is.
type Kind string

// The kinds of token.
const (
	Email  Kind = "email"
	Phone  Kind = "phone"
	Ticket Kind = "ticket"
)

// Role tells planted tokens from the control group.
type Role string

// The roles of a token.
const (
	RolePlanted Role = "planted" // put, or about to be put, into a support database
	RolePlacebo Role = "placebo" // made alike and never put anywhere
	RoleDrill   Role = "drill"   // made alike, never put anywhere, and used by drills alone
	RoleOwn     Role = "own"     // of a hit alone: the company's own mail reached a planted token
)

// Token is one thing of a canary that a stranger can contact or quote.
type Token struct {
	ID     TokenID
	Kind   Kind
	Role   Role
	Canary ID     // empty on a placebo
	Text   string // canonical form, as made by package token
}

// String names the token without showing it.
func (t Token) String() string { return fmt.Sprintf("%s token %s", t.Kind, t.ID) }

// GoString names the token without showing it.
func (t Token) GoString() string { return t.String() }

// LogValue names the token without showing it.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }
