package smtpd_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/dialogue"
)

// FuzzSession talks to a live ear. Whatever is said: every answer is a reply
// line of the costume, every contact is valid and told of once, nothing is
// taken that was not recorded first, and the ear lives on.
func FuzzSession(f *testing.F) {
	f.Add([]byte("EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<dana@example.net>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nBDAT 5 LAST\r\nRSET\r\n"))
	f.Add([]byte("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<yes@example.net>\r\nRCPT TO:<no@example.net>\r\nDATA\r\n.\n.\r\r\n..\r\n"))
	f.Add([]byte("STARTTLS junk\r\nHELO \x00\r\nMAIL FROM:<\"a\\\r\n"))
	dialogs, _ := filepath.Glob("testdata/*.dialog")
	for _, d := range dialogs {
		if text, err := os.ReadFile(d); err == nil {
			f.Add([]byte(strings.ReplaceAll(strings.ReplaceAll(string(text), "> ", ""), "\n", "\r\n")))
		}
	}
	reply := regexp.MustCompile(`^(220|221|250|354|421|45[12]|50[0-3]|521|55[0245]|555)[ -][ -~]*\r\n$`)
	f.Fuzz(func(t *testing.T, said []byte) {
		b := newBook()
		// A Unix socket, because thousands of TCP connections use up the ports.
		addr, stop := runOn(t, config(b), "unix", filepath.Join(t.TempDir(), "s"))
		c := callOn(t, "unix", addr)
		go func() {
			_, _ = c.conn.Write(said) // the ear may hang up at any moment
			if half, ok := c.conn.(*net.UnixConn); ok {
				_ = half.CloseWrite()
			}
		}()
		_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		var rcpts, mails int
		for {
			line, err := c.in.ReadString('\n')
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the ear neither answers nor hangs up")
			}
			if err != nil {
				break // EOF, or a reset because words were left unread
			}
			if !reply.MatchString(line) {
				t.Fatalf("the ear said %q", line)
			}
			rcpts += count(line == "250 2.1.5 Ok\r\n")
			mails += count(strings.HasPrefix(line, "250 2.0.0 Ok: queued as "))
		}
		_, _ = io.Copy(io.Discard, c.conn)
		if err := stop(); err != nil {
			t.Fatalf("Run: %v", err)
		}
		for _, k := range b.all() {
			if err := k.Validate(); err != nil {
				t.Fatal(err)
			}
			for _, err := range dialogue.Records(k.Raw) {
				if err != nil {
					t.Fatal(err)
				}
			}
			_, whole := dialogue.Message(k.Raw)
			rcpts -= count(k.Open)
			mails -= count(whole && k.Facts["end"] == "data")
		}
		if rcpts > 0 || mails > 0 {
			t.Fatalf("%d recipients and %d mails were taken and not recorded", rcpts, mails)
		}
	})
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
