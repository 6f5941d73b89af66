package mailbox_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/inventory/login"
	"saltmine/listener/mailbox"
)

// TestTurns: whoever waits for news makes room, the longest first, and nobody else.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := mailbox.NewTurns(2)
		for _, name := range []string{"a", "b"} {
			turns.Take(t.Context(), name)
			if got := turns.Got(); got != name {
				t.Fatalf("%s has the turn of %s", got, name)
			}
		}
		turns.Rest("a")
		if turns.Asked("a") {
			t.Error("a is to leave and nobody waits")
		}
		turns.Take(t.Context(), "c")
		synctest.Wait()
		if !turns.Asked("a") || turns.Asked("b") {
			t.Error("a is to make room for c, b is at work")
		}
		gone, cancel := context.WithCancel(t.Context())
		turns.Take(gone, "d")
		synctest.Wait()
		turns.Rest("b")
		if !turns.Asked("b") {
			t.Error("b is to make room for d")
		}
		cancel()
		synctest.Wait()
		if turns.Waiting() != 1 {
			t.Errorf("%d wait, want c alone", turns.Waiting())
		}
		turns.End("a")
		if got := turns.Got(); got != "c" {
			t.Errorf("%s has a's turn", got)
		}
		turns.End("b")
		turns.Take(t.Context(), "e")
		if got := turns.Got(); got != "e" {
			t.Errorf("%s has b's turn", got)
		}
		turns.Rest("c")
		turns.End("e")
		if turns.Asked("c") {
			t.Error("c is to leave though there is room")
		}
	})
}

// TestWaits: pauses grow up to a bound, are scattered, and are longer where the
// provider refuses the login.
func TestWaits(t *testing.T) {
	t.Parallel()
	many := func(err error) []error { return slices.Repeat([]error{err}, 20) }
	for _, c := range []struct {
		err         error
		first, last time.Duration
	}{{login.ErrProtocol, 5 * time.Second, 500 * time.Second}, {login.ErrDenied, 5 * time.Minute, time.Hour}} {
		got := mailbox.Waits(mailbox.Times{}, many(c.err)...)
		for i, want := range map[int]time.Duration{0: c.first, 1: 2 * c.first, 19: c.last} {
			if got[i] < want*3/4 || got[i] > want*5/4+1 {
				t.Errorf("%v: pause %d is %s, want about %s", c.err, i, got[i], want)
			}
		}
		if slices.Max(got) == slices.Min(got[10:]) {
			t.Errorf("%v: pauses are not scattered: %v", c.err, got)
		}
	}
	if got := mailbox.Waits(mailbox.Times{}, nil)[0]; got < 45*time.Second || got > 76*time.Second {
		t.Errorf("after a visit without fault %s", got)
	}
}

func TestLowest(t *testing.T) {
	t.Parallel()
	const all = ^imap.UID(0)
	set := imap.UIDSet{{Start: 9, Stop: 9}, {Start: 3, Stop: 5}, {Start: 5, Stop: 6}}
	if got := mailbox.Lowest(set, 3); !slices.Equal(got, []imap.UID{4, 5, 6, 9}) {
		t.Errorf("above 3: %v", got)
	}
	for _, c := range []struct {
		set   imap.UIDSet
		above imap.UID
		want  int
	}{{imap.UIDSet{{Start: 1, Stop: all}}, 7, mailbox.MostUIDs}, {imap.UIDSet{{Start: all, Stop: all}}, all, 0}, {imap.UIDSet{{Start: 7, Stop: 0}}, 0, 0}, {nil, 0, 0}, {imap.UIDSet{{Start: 4, Stop: 4}}, 9, 0}} {
		if got := mailbox.Lowest(c.set, c.above); len(got) != c.want || c.want > 0 && got[0] != c.above+1 {
			t.Errorf("%v above %d: %d UIDs", c.set, c.above, len(got))
		}
	}
}

func TestJunk(t *testing.T) {
	t.Parallel()
	folder := func(name string, attrs ...imap.MailboxAttr) *imap.ListData {
		return &imap.ListData{Mailbox: name, Delim: '/', Attrs: attrs}
	}
	for name, c := range map[string]struct {
		list []*imap.ListData
		want []string
	}{
		"by attribute":     {[]*imap.ListData{folder("INBOX"), folder("Spam"), folder("Werbung", imap.MailboxAttrJunk)}, []string{"Werbung"}},
		"by name":          {[]*imap.ListData{folder("inbox", imap.MailboxAttrJunk), folder("INBOX/Junk E-Mail"), folder("Sent"), folder("BULK")}, []string{"INBOX/Junk E-Mail", "BULK"}},
		"none to open":     {[]*imap.ListData{folder("Spam", imap.MailboxAttrNoSelect), folder("Junk", imap.MailboxAttrJunk, imap.MailboxAttrNonExistent)}, nil},
		"no separator":     {[]*imap.ListData{{Mailbox: "Junk"}}, []string{"Junk"}},
		"too many":         {slices.Repeat([]*imap.ListData{folder("a", imap.MailboxAttrJunk)}, 9), []string{"a", "a", "a", "a"}},
		"nothing at all":   {nil, nil},
		"another's folder": {[]*imap.ListData{folder("Spam reports")}, nil},
	} {
		if got := mailbox.Junk(c.list); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCursorText(t *testing.T) {
	t.Parallel()
	if got, err := mailbox.Reparse("1 4294967295 17 4294967295"); err != nil || got != "1 4294967295 17 4294967295" {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"1 2 3", "2 1 2 3", "1 1 2 3 4", "1 -1 2 3", "1 4294967296 2 3", "x"} {
		if got, err := mailbox.Reparse(text); err == nil || got != "1 0 0 0" {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

// TestPeople finds who a message is from and whom it reached: the mailbox in any
// case.
func TestPeople(t *testing.T) {
	t.Parallel()
	const own = "dana@mail.example"
	for name, c := range map[string]struct {
		message, sender string
		targets         []string
	}{
		"nothing":             {"", "", []string{own}},
		"no header":           {"\r\nDelivered-To: x@mail.example\r\n", "", []string{own}},
		"envelope before all": {"From: b@b.example\nReturn-Path: <a@a.example>\n\n", "a@a.example", []string{own}},
		"a bounce":            {"Return-Path: <>\nFrom: MAILER-DAEMON <m@b.example>\n\n", "m@b.example", []string{own}},
		"a tag":               {"To: \"D, W\" <Dana+Shop@Mail.example>\nDelivered-To: dana+x@mail.example\n\n", "", []string{"Dana+Shop@Mail.example"}},
		"collected":           {"Delivered-To: dana@mail.example\nX-Original-To: whitfield@own.example\nDelivered-To: whitfield@own.example\nTo: other@own.example\n\n", "", []string{own, "whitfield@own.example"}},
		"folded":              {"Delivered-To:\r\n whitfield@own.example\r\n\r\n", "", []string{own, "whitfield@own.example"}},
		"not an address":      {"Delivered-To: whitfield\nEnvelope-To: @\nFrom: " + string(make([]byte, 600)) + "@x\n\n", "", []string{own}},
	} {
		sender, targets := mailbox.People(own, c.message)
		var texts []string
		for _, target := range targets {
			if target.Kind != canary.Email {
				t.Errorf("%s: a target of kind %q", name, target.Kind)
			}
			texts = append(texts, target.Text)
		}
		if sender != c.sender || !slices.Equal(texts, c.targets) {
			t.Errorf("%s: %s", name, cmp.Diff([]any{c.sender, c.targets}, []any{sender, texts}))
		}
	}
	var many string
	for i := range 20 {
		many += "Delivered-To: w" + string(rune('a'+i)) + "@own.example\n"
	}
	if _, targets := mailbox.People(own, many); len(targets) != 8 {
		t.Errorf("%d targets", len(targets))
	}
}
