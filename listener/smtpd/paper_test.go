package smtpd_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestPaperIsBlank: a connection leaves memory to the next one, and nothing of
// what was said in it.
func TestPaperIsBlank(t *testing.T) {
	t.Parallel()
	b := newBook()
	s := ear(t, config(b))
	addr, stop := serveOn(t, s, "tcp", "127.0.0.1:0")
	const mails = 8 // a pool may lose some
	for range mails {
		c := call(t, addr)
		c.say("220", "250 HELO telltale.example", "250 MAIL FROM:<telltale@example.org>", "250 RCPT TO:<dana@example.net>", "354 DATA",
			"250 "+strings.Repeat("telltale ", 700)+"\r\n.", "221 QUIT")
	}
	b.wait(t, 2*mails)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	left := s.Left()
	if len(left) == 0 {
		t.Error("nothing is left to the next connection")
	}
	for _, room := range left {
		if bytes.Contains(room, []byte("telltale")) {
			t.Errorf("%d bytes are left with what was said", len(room))
		}
	}
}
