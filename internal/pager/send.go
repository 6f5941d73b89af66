package pager

import (
	"context"
	"time"
)

// Receipt is what a route keeps of a receiver's yes, for the record: a status,
// an id. It is short and holds no secret.
type Receipt string

// Send delivers one page to one receiver. It returns nil only when the receiver
// has taken the page, returns soon after ctx ends, and is safe for concurrent
// use. Other failures are a [*Error]; any other error counts as one to retry.
type Send func(ctx context.Context, d Delivery) (Receipt, error)

// Error is why a page was not taken.
type Error struct {
	// Class is a few constant words for the record: "status 503", "timeout".
	Class string
	// Retry is set when trying again can help.
	Retry bool
	// RetryAfter is the least pause before the next attempt; 0 leaves it to the pager.
	RetryAfter time.Duration
	// Err is the cause. It must not carry secrets, such as a URL with a key in it.
	Err error
}

// Error gives the class and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Class
	}
	return e.Class + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
