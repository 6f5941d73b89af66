package smtpd_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/canary"
)

// BenchmarkMail: one mail of 4 KB on a connection of its own, as smtp-source
// sends it, with what the ear allocates for it.
func BenchmarkMail(b *testing.B) {
	cfg := config(nil)
	cfg.Hear = func(_ context.Context, c canary.Contact) error { return c.Validate() }
	s := ear(b, cfg)
	ctx, cancel := context.WithCancel(b.Context())
	ln, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln) }()
	said := [][]byte{
		nil, []byte("HELO client.example.org\r\n"), []byte("MAIL FROM:<sam@example.org>\r\n"), []byte("RCPT TO:<dana@example.net>\r\n"),
		[]byte("DATA\r\n"), []byte("Subject: hello\r\n\r\n" + strings.Repeat(strings.Repeat("x", 78)+"\r\n", 51) + ".\r\n"), []byte("QUIT\r\n"),
	}
	reply := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		for i, words := range said {
			if _, err := c.Write(words); err != nil {
				b.Fatal(err)
			}
			if n, err := c.Read(reply); err != nil || !slices.Contains([]byte("23"), reply[0]) {
				b.Fatalf("after %d: %q, %v", i, reply[:n], err)
			}
		}
		_ = c.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
