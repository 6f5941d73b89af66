package smtpd_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener"
	"saltmine/listener/smtpd"
)

// startLMTP runs an ear on a Unix socket until the test ends.
func startLMTP(t *testing.T, cfg smtpd.Config, path string) {
	t.Helper()
	s := ear(t, cfg)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, smtpd.LMTP(ln)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestLMTPAnswersForEachRecipient(t *testing.T) {
	t.Parallel()
	for _, costume := range []string{"postfix", "exim"} {
		b := newBook()
		cfg := config(b)
		cfg.Costume = costume
		var failing atomic.Bool
		cfg.Hear = func(ctx context.Context, c canary.Contact) error {
			if failing.Load() {
				return fmt.Errorf("%w: secret", listener.ErrFull)
			}
			return b.hear(ctx, c)
		}
		path := filepath.Join(t.TempDir(), "s")
		startLMTP(t, cfg, path)
		c := callOn(t, "unix", path)
		c.say("220", "50 EHLO c.example", "50 HELO c.example", "503 MAIL FROM:<a@b.example>")
		c.send("LHLO front.example\r\n")
		if got := c.reply(); !strings.HasPrefix(got, "250-mx.example.net") || !strings.Contains(got, "PIPELINING") {
			t.Errorf("LHLO: %q", got)
		}
		mail := []string{"250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "550 RCPT TO:<nobody@example.net>", "250 RCPT TO:<amir@example.net>", "354 DATA"}
		c.say(mail...)
		c.send("Subject: x\r\n\r\nx\r\n.\r\n")
		first, second := c.reply(), c.reply()
		if !strings.HasPrefix(first, "250 ") || !strings.HasPrefix(second, "250 ") {
			t.Errorf("two recipients were told %q and %q", first, second)
		}
		if costume == "postfix" && (!strings.HasPrefix(first, "250 2.0.0 <dana@example.net> Ok: queued as ") || !strings.HasPrefix(second, "250 2.0.0 <amir@example.net> Ok")) {
			t.Errorf("%q, %q do not say whom they are about", first, second)
		}
		c.say(mail...)
		failing.Store(true)
		c.send("x\r\n.\r\n")
		c.say("452", "452")
		failing.Store(false)
		c.say("503 DATA", "250 RSET", "221 QUIT") // one answer, where no message ended
		if k := b.wait(t, 5)[2]; k.Facts["end"] != "data" || k.Facts["helo"] != "front.example" || len(k.Targets) != 3 {
			t.Errorf("heard %s", describe(k))
		}
	}
}

func TestSwaksSpeaksLMTP(t *testing.T) {
	t.Parallel()
	b := newBook()
	path := filepath.Join(t.TempDir(), "s")
	startLMTP(t, config(b), path)
	out, err := exec.CommandContext(t.Context(), "swaks", "--protocol", "LMTP", "--socket", path, "--from", "a@b.example",
		"--to", "dana@example.net,amir@example.net", "--helo", "front.example").CombinedOutput()
	if err != nil || strings.Count(string(out), "Ok: queued as") != 2 {
		t.Fatalf("%v\n%s", err, out)
	}
	b.wait(t, 3)
}

// TestPostfixInFront has a real Postfix take mail from the street and deliver it
// to the ear by LMTP, and another way by SMTP.
func TestPostfixInFront(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, _ := secured(t, b)
	cfg.Domains = append(cfg.Domains, "other.example")
	cfg.ForwardFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	dir, err := os.MkdirTemp("/var/tmp", "lmtp") //nolint:usetesting // Postfix's own user must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	startLMTP(t, cfg, path)
	for _, name := range []string{dir, path} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(start(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	front := freePort(t)
	mx := startPostfix(t, "virtual_transport = lmtp:unix:"+path+"\nrelay_domains = other.example\nrelay_recipient_maps =\nrelay_transport = smtp:[127.0.0.1]:"+port+"\nsmtp_tls_security_level = encrypt\n"+
		"smtpd_authorized_xclient_hosts = 127.0.0.1\nlmtp_send_xforward_command = yes\nsmtp_send_xforward_command = yes\n",
		front+" inet n - n - - smtpd")
	awaitPort(t, front)
	if out, code := mx.swaks(t, front, "--to", "dana@example.net,amir@example.net", "--body", "by LMTP", "--xclient", "ADDR=203.0.113.9 PORT=4660 NAME=box.scam.example"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	got := b.wait(t, 3)[2]
	msg, whole := dialogue.Message(got.Raw)
	if !whole || !strings.Contains(string(msg), "by LMTP") || !strings.Contains(string(msg), "Received: from c.example") {
		t.Errorf("heard %s", describe(got))
	}
	if want := []string{"dana@example.net", "amir@example.net"}; len(got.Targets) != 2 || !slices.Contains(want, got.Targets[0].Text) {
		t.Errorf("targets %v", got.Targets)
	}
	if got.Peer != "203.0.113.9:4660" || got.Facts["forwarded_by"] != "lmtp" || got.Facts["forwarded_name"] != "box.scam.example" ||
		got.Facts["forwarded_helo"] != "c.example" || got.Facts["forwarded_proto"] != "ESMTP" || got.Facts["forwarded_ident"] == "" || got.Facts["forwarded_source"] == "" {
		t.Errorf("peer %s, facts %v", got.Peer, got.Facts)
	}
	// Postfix as the sender on the street: this domain is the ear's, not its own.
	if out, code := mx.swaks(t, front, "--to", "dana@other.example", "--body", "by SMTP", "--xclient", "ADDR=203.0.113.10 PORT=4661"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	got = b.wait(t, 5)[4]
	if msg, whole := dialogue.Message(got.Raw); !whole || !strings.Contains(string(msg), "by SMTP") || !strings.HasPrefix(got.Facts["tls"], "TLS 1.3") || got.Facts["end"] != "data" {
		t.Errorf("heard %s, %v", describe(got), got.Facts)
	}
	if !strings.HasPrefix(got.Facts["forwarded_by"], "127.0.0.1:") || got.Peer != "203.0.113.10:4661" {
		t.Errorf("peer %s, facts %v", got.Peer, got.Facts)
	}
}
