package mailbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
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
