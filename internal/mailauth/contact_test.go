package mailauth_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/mailauth"
)

// TestMailboxContacts takes a message out of a mailbox when it is whole: of one
// that was cut no signature can hold.
func TestMailboxContacts(t *testing.T) {
	t.Parallel()
	c := canary.Contact{Channel: canary.IMAP, Raw: []byte("From: a@example.org\r\n\r\nhello\r\n"), Facts: map[string]string{}}
	if m, whole := mailauth.FromContact(&c); !whole || string(m.Raw) != string(c.Raw) {
		t.Errorf("%q, %v", m.Raw, whole)
	}
	c.Facts["truncated"] = "size"
	if _, whole := mailauth.FromContact(&c); whole {
		t.Error("a message that was cut is judged")
	}
}
