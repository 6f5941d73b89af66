package mailbox_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

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
	for name, c := range map[string]struct{ message, sender, target string }{
		"nothing":             {"", "", own},
		"no header":           {"\r\nDelivered-To: dana+x@mail.example\r\n", "", own},
		"envelope before all": {"From: b@b.example\nReturn-Path: <a@a.example>\n\n", "a@a.example", own},
		"a bounce":            {"Return-Path: <>\nFrom: MAILER-DAEMON <m@b.example>\n\n", "m@b.example", own},
		"a tag":               {"To: \"D, W\" <Dana+Shop@Mail.example>\nDelivered-To: dana+x@mail.example\n\n", "", "Dana+Shop@Mail.example"},
		"another's":           {"Delivered-To: whitfield@own.example\nTo: other@own.example\n\n", "", own},
		"folded":              {"Delivered-To:\r\n dana+x@mail.example\r\n\r\n", "", "dana+x@mail.example"},
		"not an address":      {"Delivered-To: dana\nEnvelope-To: @\nFrom: " + string(make([]byte, 600)) + "@x\n\n", "", own},
	} {
		sender, target := mailbox.People(own, c.message)
		if sender != c.sender || target != (canary.Target{Kind: canary.Email, Text: c.target}) {
			t.Errorf("%s: from %q to %+v", name, sender, target)
		}
	}
}

// TestHousekeeping tells the provider's own mails from others that only say so.
func TestHousekeeping(t *testing.T) {
	t.Parallel()
	const passed = "Authentication-Results: mx.google.com;\r\n       dkim=pass header.i=@accounts.google.com header.s=x;\r\n" +
		"       spf=pass smtp.mailfrom=a@x.google.com;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=accounts.google.com\r\n"
	const author = "From: Google <no-reply@accounts.google.com>\r\n"
	for name, c := range map[string]struct {
		operator, head string
		want           bool
	}{
		"its own":             {"google.com", passed + author, true},
		"the domain itself":   {"accounts.google.com", passed + author, true},
		"another provider's":  {"gmx.net", passed + author, false},
		"none is known":       {"", passed + author, false},
		"not of its domain":   {"google.com", passed + "From: a@evilgoogle.com\r\n", false},
		"another author":      {"google.com", passed + "From: a@mail.google.com\r\n", false},
		"two authors":         {"google.com", passed + author + author, false},
		"a result below":      {"google.com", "Authentication-Results: mx.google.com; dmarc=fail header.from=accounts.google.com\r\n" + passed + author, false},
		"no result":           {"google.com", author, false},
		"failed":              {"google.com", strings.Replace(passed, "dmarc=pass", "dmarc=fail", 1) + author, false},
		"in one word":         {"google.com", strings.Replace(passed, "dmarc=pass", "xdmarc=pass", 1) + author, false},
		"outlook's spelling":  {"microsoft.com", "Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=accountprotection.microsoft.com; dkim=pass (signature was verified) header.d=accountprotection.microsoft.com;dmarc=pass action=none header.from=accountprotection.microsoft.com;compauth=pass reason=100\r\nFrom: account-security-noreply@accountprotection.microsoft.com\r\n", true},
		"a longer domain too": {"google.com", strings.Replace(passed, "header.from=accounts.google.com", "header.from=accounts.google.com.evil.example", 1) + author, false},
	} {
		if got := mailbox.Housekeeping(c.operator, c.head+"\r\n"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
