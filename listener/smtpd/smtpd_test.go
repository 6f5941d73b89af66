package smtpd_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/smtp"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener"
	"saltmine/listener/smtpd"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestNewReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := smtpd.New(smtpd.Config{
		Hostname: "a b", Domains: []string{"exa mple"}, Costume: "sendmail", Limits: smtpd.Limits{Idle: -1},
	})
	for _, want := range []string{"hostname", "domain 1", "Hear", `"sendmail"`, "limits"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not tell of %s", err, want)
		}
	}
	for name, l := range map[string]smtpd.Limits{
		"message": {Message: 60 << 20}, "recipients": {Recipients: 1001}, "line": {Line: 100},
	} {
		cfg := config(newBook())
		cfg.Limits = l
		if _, err := smtpd.New(cfg); err == nil {
			t.Errorf("%s: a limit that cannot hold is taken", name)
		}
	}
	cfg := config(newBook())
	cfg.Domains = nil
	if _, err := smtpd.New(cfg); err == nil {
		t.Error("an ear without a domain is made")
	}
}

// TestRawIsTheWholeDialogue compares the evidence with a file, byte for byte.
func TestRawIsTheWholeDialogue(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.Now = clock()
	c := call(t, start(t, cfg))
	c.say("220", "250 EHLO client.example", "250 MAIL FROM:<a@b.example>", "550 RCPT TO:<dnaa@example.net>",
		"250 RCPT TO:<dana@example.net>", "354 DATA")
	c.send("Subject: hello\r\n\r\n..\r\n\xff\x00\r\n.\r\n")
	c.say("250", "250 MAIL FROM:<>", "250 RCPT TO:<amir@example.net>", "221 QUIT")
	got := b.wait(t, 4)
	first, second := got[1], got[3]
	all := append(append(bytes.Clone(first.Raw), "\n=== second transaction ===\n"...), second.Raw...)
	all = bytes.ReplaceAll(all, []byte(first.ID), []byte("k_aaaaaaaaaaaaaaaa"))
	all = bytes.ReplaceAll(all, []byte(first.Facts["queue_id"]), []byte("0000000000"[:10]))
	if *update {
		if err := os.WriteFile("testdata/raw.golden", all, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/raw.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(all)); diff != "" {
		t.Error(diff)
	}
	msg, whole := dialogue.Message(first.Raw)
	if string(msg) != "Subject: hello\r\n\r\n.\r\n\xff\x00\r\n" || !whole {
		t.Errorf("message %q, %v", msg, whole)
	}
}

// clock gives a time that goes on by a millisecond whenever it is asked.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func TestContactTellsWhoAndWhen(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	cfg.Now = func() time.Time { return at }
	c := call(t, start(t, cfg))
	c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
	k := b.wait(t, 2)[0]
	if k.Channel != canary.SMTP || k.Ear != "smtpd" || k.Peer != c.conn.LocalAddr().String() || !k.At.Equal(at) {
		t.Errorf("channel %s, ear %s, peer %s, at %s", k.Channel, k.Ear, k.Peer, k.At)
	}
	if want := (canary.Target{Kind: canary.Email, Text: "dana@example.net"}); k.Targets[0] != want {
		t.Errorf("target %+v", k.Targets[0])
	}
}

func TestEveryAcceptedNameGetsTheSameBytes(t *testing.T) {
	t.Parallel()
	addr := start(t, config(newBook()))
	var first string
	for _, name := range []string{"dana", "amir", "yes.anything", "YES-a-much-longer-name-than-the-others+tag", `"yes quoted"`} {
		c := call(t, addr)
		c.say("220", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>")
		c.send("RCPT TO:<" + name + "@example.net>\r\n")
		got := c.reply()
		c.say("354 DATA")
		c.send("x\r\n.\r\n")
		got += c.reply()[:len("250 2.0.0 Ok: queued as ")]
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%q is answered with %q, others with %q", name, got, first)
		}
	}
}

func TestFaultsOfOursAreTemporaryAndSayNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, rcpt, data string
		fail             error
	}{
		{"full", "452 4.3.1 Insufficient system storage\r\n", "452 4.3.1 Insufficient system storage\r\n", fmt.Errorf("%w: secret/path", listener.ErrFull)},
		{"down", "451 4.3.0 <dana@example.net>: Temporary lookup failure\r\n", "451 4.3.0 Error: queue file write error\r\n", fmt.Errorf("%w: secret/path", listener.ErrDown)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			cfg := config(b)
			var failing atomic.Bool
			cfg.Hear = func(ctx context.Context, c canary.Contact) error {
				if failing.Load() {
					return tc.fail
				}
				return b.hear(ctx, c)
			}
			c := call(t, start(t, cfg))
			c.say("220", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>")
			failing.Store(true)
			c.send("RCPT TO:<dana@example.net>\r\n")
			if got := c.reply(); got != tc.rcpt {
				t.Errorf("RCPT: %q, want %q", got, tc.rcpt)
			}
			failing.Store(false)
			c.say("250 RCPT TO:<dana@example.net>", "354 DATA")
			failing.Store(true)
			c.send("x\r\n.\r\n")
			if got := c.reply(); got != tc.data {
				t.Errorf("DATA: %q, want %q", got, tc.data)
			}
			failing.Store(false)
			c.say("250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "354 DATA")
			c.send("x\r\n.\r\n")
			c.say("250", "221 QUIT")
			if got := describe(b.all()[0]); got != "part=1 open from=a@b.example to=dana@example.net!,dana@example.net helo=c.example" {
				t.Errorf("the recipient that could not be stored at first is told of as %s", got)
			}
		})
	}
}

func TestALineOfAMegabyteIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	b := newBook()
	c := call(t, start(t, config(b)))
	mail := "Subject: long\r\n\r\n" + strings.Repeat("0123456789abcdef", 1<<16) + "\r\n"
	c.say("220", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "354 DATA")
	c.send(mail + ".\r\n")
	c.say("250", "221 QUIT")
	got, whole := dialogue.Message(b.all()[1].Raw)
	if !whole || string(got) != mail {
		t.Errorf("%d bytes kept (whole: %v), %d sent", len(got), whole, len(mail))
	}
}

func TestRealClientOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	b := newBook()
	addr := start(t, config(b))
	mail := "Subject: hello\r\n\r\n.leading dot\r\nbye\r\n"
	if err := smtp.SendMail(addr, nil, "a@b.example", []string{"dana@example.net", "amir@example.net"}, []byte(mail)); err != nil {
		t.Fatal(err)
	}
	got := b.wait(t, 3)
	if msg, _ := dialogue.Message(got[2].Raw); string(msg) != mail {
		t.Errorf("%q arrived", msg)
	}
	if err := smtp.SendMail(addr, nil, "a@b.example", []string{"x@other.example"}, []byte(mail)); err == nil {
		t.Error("mail for somebody else was taken")
	}
}

func TestPanicsEndOneConnectionOnly(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.Accept = func(local, _ string) bool {
		return local == "dana" || local == "boom" && strings.HasPrefix(local, local[:9])
	}
	cfg.Hear = func(ctx context.Context, c canary.Contact) error {
		if c.Source == "boom@b.example" {
			panic("secret")
		}
		return b.hear(ctx, c)
	}
	addr := start(t, cfg)
	c := call(t, addr)
	c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "421 RCPT TO:<boom@example.net>")
	if got := c.reply(); got != "EOF" {
		t.Errorf("after a fault the ear still says %q", got)
	}
	c = call(t, addr)
	c.say("220", "250 HELO c.example", "250 MAIL FROM:<boom@b.example>", "451 RCPT TO:<dana@example.net>", "221 QUIT")
	c = call(t, addr)
	c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
}

func TestAPanicOutsideTheLibraryEndsOneConnectionOnly(t *testing.T) {
	t.Parallel()
	for name, faulty := range map[string]int64{"banner": 2, "command": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(newBook())
			var calls atomic.Int64
			cfg.Now = func() time.Time {
				if calls.Add(1) == faulty {
					panic("secret")
				}
				return time.Now()
			}
			addr := start(t, cfg)
			c := call(t, addr)
			if name == "command" {
				c.say("220")
				c.send("NOOP\r\n")
			}
			if got := c.reply(); got != "EOF" {
				t.Errorf("after a fault: %q", got)
			}
			call(t, addr).say("220", "250 HELO c.example")
		})
	}
}

func TestANewGreetingIsPartOfWhatFollows(t *testing.T) {
	t.Parallel()
	b := newBook()
	c := call(t, start(t, config(b)))
	c.say("220", "250 HELO first.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>",
		"250 EHLO second.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
	k := b.wait(t, 4)[3]
	if k.Facts["helo"] != "second.example" || !strings.Contains(string(k.Raw), "EHLO second.example\r\n") {
		t.Errorf("helo %s in %q", k.Facts["helo"], k.Raw)
	}
}

func TestManySessionsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBook()
	addr := start(t, config(b))
	const sessions, mails = 50, 4
	var wg sync.WaitGroup
	for i := range sessions {
		wg.Go(func() {
			c := call(t, addr)
			c.say("220", "250 EHLO c.example")
			for j := range mails {
				c.say(fmt.Sprintf("250 MAIL FROM:<%d.%d@b.example>", i, j), "250 RCPT TO:<dana@example.net>", "354 DATA")
				c.send(fmt.Sprintf("mail %d of %d\r\n.\r\n", j, i))
				c.say("250")
			}
			c.say("221 QUIT")
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, k := range b.all() {
		if k.Open {
			continue
		}
		msg, whole := dialogue.Message(k.Raw)
		var i, j int
		if _, err := fmt.Sscanf(string(msg), "mail %d of %d", &j, &i); err != nil || !whole || k.Source != fmt.Sprintf("%d.%d@b.example", i, j) {
			t.Fatalf("message %q from %s", msg, k.Source)
		}
		seen[k.Source] = true
	}
	if len(seen) != sessions*mails || len(b.all()) != 2*sessions*mails {
		t.Errorf("%d mails in %d records, want %d in %d", len(seen), len(b.all()), sessions*mails, 2*sessions*mails)
	}
}
