package smtpd_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/dialogue"
	"saltmine/listener/smtpd"
)

// FuzzSession talks to a live ear. Whatever is said: every answer is a reply
// line of the costume, every contact is valid and told of once, nothing is
// taken that was not recorded first, and the ear lives on.
func FuzzSession(f *testing.F) {
	add := func(f *testing.F, said []byte) {
		f.Helper()
		for _, costume := range []string{"postfix", "exim", "exchange"} {
			f.Add(costume, said)
		}
	}
	add(f, []byte("EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<dana@example.net>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"))
	add(f, []byte("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nBDAT 5 LAST\r\nRSET\r\n"))
	add(f, []byte("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<yes@example.net>\r\nRCPT TO:<no@example.net>\r\nDATA\r\n.\n.\r\r\n..\r\n"))
	add(f, []byte("STARTTLS junk\r\nHELO \x00\r\nMAIL FROM:<\"a\\\r\n"))
	dialogs, _ := filepath.Glob("testdata/*.dialog")
	for _, d := range dialogs {
		if text, err := os.ReadFile(d); err == nil {
			add(f, []byte(strings.ReplaceAll(strings.ReplaceAll(string(text), "> ", ""), "\n", "\r\n")))
		}
	}
	for _, s := range strangers(f, "testdata/strangers.txt") {
		var said strings.Builder
		for _, line := range s.lines {
			if mark, text, _ := strings.Cut(line, " "); mark != "!" {
				more, _ := words(f, mark, text)
				said.WriteString(more)
			}
		}
		add(f, []byte(said.String()))
	}
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r\r\n.\r\n", "\r\n.\r\r\n", "\r\n\x00.\r\n"} {
		add(f, []byte("HELO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<dana@example.net>\r\nDATA\r\nx"+end+"MAIL FROM:<forged@b.example>\r\n.\r\n"))
	}
	reply := regexp.MustCompile(`^(214|220|221|25[02]|354|421|45[1289]|50[0-4]|521|55[0245])[ -][^\x00-\x1f\x7f]*\r\n$`)
	f.Fuzz(func(t *testing.T, costume string, said []byte) {
		b := newBook()
		cfg := config(b)
		cfg.Costume = costume
		if _, err := smtpd.New(cfg); err != nil {
			t.Skip("no such costume")
		}
		// A Unix socket, because thousands of TCP connections use up the ports.
		addr, stop := runOn(t, cfg, "unix", filepath.Join(t.TempDir(), "s"))
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
			rcpts += count(slices.Contains([]string{"250 2.1.5 Ok\r\n", "250 2.1.5 Recipient OK\r\n", "250 Accepted\r\n"}, line))
			mails += count(strings.Contains(normal(strings.TrimSpace(line)), "VARIES") && line[:3] == "250")
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
