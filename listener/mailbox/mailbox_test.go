package mailbox_test

import (
	"context"
	"errors"
	"flag"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
	"saltmine/listener/mailbox"
)

// TestMessagesAreHeard: a message that arrives while nothing is waited for but
// IDLE is heard at once, one in the spam folder at the next look, neither is
// touched, and the past is no contact.
func TestMessagesAreHeard(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 1, "")
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "welcome"), time.Date(2026, 7, 31, 23, 59, 0, 0, time.UTC))
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "since then"), time.Date(2026, 8, 2, 1, 0, 0, 0, time.UTC))
	r := newRig(t, d.Addr, d.Roots, users...)
	ear, stop := r.run()
	first := r.heard(1)[0]
	if !first.At.Equal(time.Date(2026, 8, 2, 1, 0, 0, 0, time.UTC)) || string(first.Raw) != mailFor("dana0", "since then") {
		t.Errorf("heard %v at %s:\n%s", first.Facts, first.At, first.Raw)
	}
	began := time.Now()
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "now"), began)
	got := r.heard(2)[1]
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("by IDLE it took %s", took)
	} else {
		t.Logf("by IDLE it took %s", took)
	}
	want := canary.Contact{ID: got.ID, Channel: canary.IMAP, At: canary.Micro(began.Truncate(time.Second)), Ear: "mailbox", Source: "bounce@scam.example",
		Targets: []canary.Target{{Kind: canary.Email, Text: "dana0+shop@mail.example"}}, Raw: []byte(mailFor("dana0", "now")),
		Facts: map[string]string{"item": "o_0000000000000000", "folder": "inbox", "uid": "3", "uidvalidity": got.Facts["uidvalidity"], "read": got.Facts["read"], "bytes": "274"}}
	want.Facts["bytes"] = got.Facts["bytes"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stop()
	// Read again from the cursor; spam is looked at often now.
	r.cfg.Poll = 200 * time.Millisecond
	d.Deliver(t, "dana0", testkit.DovecotJunk, mailFor("dana0", "prize"), time.Now())
	_, stop = r.run()
	if junk := r.heard(3)[2]; junk.Facts["folder"] != "junk" {
		t.Errorf("from %v", junk.Facts)
	}
	d.Deliver(t, "dana0", testkit.DovecotJunk, mailFor("dana0", "second prize"), time.Now())
	r.heard(4)
	stop()
	for folder, want := range map[string]int{"INBOX": 3, testkit.DovecotJunk: 2} {
		if untouched, seen := d.Untouched(t, "dana0", folder); untouched != want || seen != 0 {
			t.Errorf("%s: %d messages are as they came and %d are not", folder, untouched, seen)
		}
	}
	for id, n := range r.held {
		if n != 1 {
			t.Errorf("%s was made durable %d times", id, n)
		}
	}
	if s := ear.Stats(); s.Heard != 2 || s.Logins != 1 || s.Failed != 0 || s.Mailboxes != 1 {
		t.Errorf("stats %+v", s)
	}
	r.quiet()
}

// TestCrashBeforeTheCursor: what was durable when the process died is found again
// under the same id, and what could not be made durable is not passed over.
func TestCrashBeforeTheCursor(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 1, "")
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "one"), time.Now())
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "two"), time.Now())
	r := newRig(t, d.Addr, d.Roots, users...)
	full := errors.New("no room")
	left := 2 // whom the disk refuses
	r.refuse = func(canary.Contact) error {
		if left--; left >= 0 {
			return full
		}
		return nil
	}
	// The store is gone, as for a process that is killed after the contact is durable.
	dead := errors.New("killed")
	r.lose = func(_, position string) error {
		if position != "" && len(r.contacts) == 1 {
			return dead
		}
		return nil
	}
	_, stop := r.run()
	r.until("one contact is durable again and again", func() bool { return len(r.contacts) == 1 && r.held[r.contacts[0].ID] > 2 })
	stop()
	r.lose = nil
	r.run()
	if got := r.heard(2); string(got[0].Raw) != mailFor("dana0", "one") || string(got[1].Raw) != mailFor("dana0", "two") {
		t.Errorf("heard %q and %q", got[0].Raw, got[1].Raw)
	}
	if r.held[r.contacts[1].ID] != 1 {
		t.Errorf("what came after the crash was heard %d times", r.held[r.contacts[1].ID])
	}
}

// TestNewUIDs: a folder that the server numbers anew is read again and gives what
// came meanwhile, and nothing twice; a message that is moved is no new one.
func TestNewUIDs(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 1, "")
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "long ago"), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "one"), time.Now())
	r := newRig(t, d.Addr, d.Roots, users...)
	_, stop := r.run()
	before := r.heard(1)[0]
	stop()
	d.Renumber(t, "dana0", "INBOX")
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "two"), time.Now())
	d.Deliver(t, "dana0", testkit.DovecotJunk, mailFor("dana0", "one"), time.Now())
	_, stop = r.run()
	after := r.heard(2)[1]
	r.until("all was looked at", func() bool { return r.held[before.ID] == 3 })
	stop()
	if string(after.Raw) != mailFor("dana0", "two") || before.Facts["uidvalidity"] == after.Facts["uidvalidity"] {
		t.Errorf("before %v, after %v: %q", before.Facts, after.Facts, after.Raw)
	}
	r.heard(2)
	r.quiet()
}

// TestWithoutIdle asks a server again and again that has neither IDLE nor names
// for special folders, on the same connection.
func TestWithoutIdle(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 1, "protocol imap {\n  imap_capability = IMAP4rev1 LITERAL+\n}\nnamespace inbox {\n  mailbox Unerwünscht {\n    special_use =\n  }\n  mailbox Spam {\n    auto = create\n  }\n}\n")
	r := newRig(t, d.Addr, d.Roots, users...)
	r.cfg.Poll = 100 * time.Millisecond
	ear, _ := r.run()
	r.until("it is read", func() bool { return len(r.positions) > 1 })
	d.Deliver(t, "dana0", "INBOX", mailFor("dana0", "one"), time.Now())
	r.heard(1)
	d.Deliver(t, "dana0", "Spam", mailFor("dana0", "two"), time.Now())
	r.heard(2)
	if n := ear.Stats().Logins; n != 1 {
		t.Errorf("%d logins", n)
	}
}

// TestLargeMessage keeps the beginning of a message that is too large, and says so.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 1, "")
	body := mailFor("dana0", "big") + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 60_000)
	d.Deliver(t, "dana0", "INBOX", body, time.Now())
	d.Deliver(t, "dana0", "INBOX", body[:3<<20], time.Now())
	d.Deliver(t, "dana0", "INBOX", "", time.Now())
	r := newRig(t, d.Addr, d.Roots, users...)
	r.cfg.MaxMessage = 3 << 20
	r.run()
	got := r.heard(3)
	if string(got[0].Raw) != body[:3<<20] || got[0].Facts["truncated"] != "size" || got[0].Facts["bytes"] != strconv.Itoa(len(body)) {
		t.Errorf("of %d bytes %d are kept: %v", len(body), len(got[0].Raw), got[0].Facts)
	}
	if string(got[1].Raw) != body[:3<<20] || got[1].Facts["truncated"] != "" {
		t.Errorf("%d bytes are kept: %v", len(got[1].Raw), got[1].Facts)
	}
	if len(got[2].Raw) != 0 || got[2].Targets[0].Text != "dana0@mail.example" {
		t.Errorf("a message of nothing: %+v", got[2])
	}
}

var boxes = flag.Int("mailboxes", 60, "how many mailboxes TestManyTakeTurns reads")

// TestManyTakeTurns reads many mailboxes over a fifteenth as many connections,
// and some of them again.
func TestManyTakeTurns(t *testing.T) {
	t.Parallel()
	boxes, connections := *boxes, *boxes/15
	d, users := dovecot(t, boxes, "")
	for _, user := range users {
		d.Deliver(t, user, "INBOX", mailFor(user, "first"), time.Now())
	}
	r := newRig(t, d.Addr, d.Roots, users...)
	r.cfg.Connections, r.cfg.Poll = connections, time.Second
	began := time.Now()
	ear, stop := r.run()
	r.until("the first were read", func() bool { return len(r.contacts) > connections })
	r.mu.Lock()
	first := r.contacts[:connections]
	r.mu.Unlock()
	for _, c := range first {
		user, _, _ := strings.Cut(c.Targets[0].Text, "+")
		d.Deliver(t, user, "INBOX", mailFor(user, "second"), time.Now())
	}
	r.heard(boxes + connections)
	t.Logf("%d mailboxes over %d connections, and %d of them again: %s", boxes, connections, connections, time.Since(began).Round(time.Millisecond))
	stop()
	if most := r.dial.most.Load(); most > int64(connections) || r.dial.open.Load() != 0 {
		t.Errorf("%d connections were open at one time, and %d still are", most, r.dial.open.Load())
	}
	if s := ear.Stats(); s.Failed != 0 || s.Mailboxes != boxes {
		t.Errorf("stats %+v", s)
	}
}

// TestMailboxesComeAndGo: the list is asked again, and followed.
func TestMailboxesComeAndGo(t *testing.T) {
	t.Parallel()
	d, users := dovecot(t, 3, "")
	r := newRig(t, d.Addr, d.Roots)
	var list atomic.Pointer[[]string]
	list.Store(&[]string{users[0], users[1]})
	r.cfg.Times.Refresh = 20 * time.Millisecond
	r.cfg.Accounts = func(context.Context) ([]mailbox.Account, error) {
		if list.Load() == nil {
			return nil, errors.New("the registry is away")
		}
		return accounts(d.Addr, *list.Load()), nil
	}
	for _, user := range users {
		d.Deliver(t, user, "INBOX", mailFor(user, "x"), time.Now())
	}
	ear, _ := r.run()
	r.heard(2)
	list.Store(nil)
	list.Store(&[]string{users[2]}) // as the first: it is described otherwise
	r.heard(3)
	r.until("the second is left alone", func() bool { return r.dial.open.Load() == 1 })
	if n := ear.Stats().Mailboxes; n != 1 {
		t.Errorf("%d mailboxes", n)
	}
	r.quiet()
}
