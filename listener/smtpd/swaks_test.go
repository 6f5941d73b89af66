package smtpd_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/listener"
)

// swaks runs the real thing (Debian's package swaks) and returns its
// transcript and exit code.
func swaks(t *testing.T, addr string, args ...string) (string, int) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args = slices.Concat([]string{"--server", host, "--port", port, "--from", "a@b.example", "--helo", "c.example"}, args)
	out, err := exec.CommandContext(t.Context(), "swaks", args...).CombinedOutput() // fixed program
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("swaks (package swaks) is needed: %v", err)
	}
	return string(out), 0
}

func TestSwaksDelivers(t *testing.T) {
	t.Parallel()
	b := newBook()
	out, code := swaks(t, start(t, config(b)), "--to", "dana@example.net", "--header", "Subject: from swaks", "--body", ".one dot")
	if code != 0 || !strings.Contains(out, "<-  250 2.0.0 Ok: queued as ") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	got := b.wait(t, 2)
	msg, whole := dialogue.Message(got[1].Raw)
	if !whole || !strings.Contains(string(msg), "Subject: from swaks\r\n") || !strings.Contains(string(msg), "\r\n.one dot\r\n") {
		t.Errorf("message %q, %v", msg, whole)
	}
}

func TestSwaksOverTLS(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg, _ := secured(t, b)
	out, code := swaks(t, start(t, cfg), "--to", "dana@example.net", "--tls")
	if code != 0 || !strings.Contains(b.wait(t, 2)[1].Facts["tls"], "TLS") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
}

func TestSwaksProbes(t *testing.T) {
	t.Parallel()
	b := newBook()
	addr := start(t, config(b))
	if out, code := swaks(t, addr, "--to", "dana@example.net", "--quit-after", "RCPT"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	if got := describe(b.wait(t, 2)[1]); got != "part=1 probe from=a@b.example to=dana@example.net helo=c.example end=quit" {
		t.Errorf("heard %s", got)
	}
	if out, code := swaks(t, addr, "--to", "x@other.example"); code != 24 || !strings.Contains(out, "554 5.7.1") {
		t.Errorf("relaying: exit %d:\n%s", code, out)
	}
}

func TestSwaksIsAskedToComeAgainWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	cfg := withHear(config(newBook()), func(context.Context, canary.Contact) error { return listener.ErrFull })
	out, code := swaks(t, start(t, cfg), "--to", "dana@example.net")
	if code == 0 || !strings.Contains(out, "452 4.3.1 Insufficient system storage") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
