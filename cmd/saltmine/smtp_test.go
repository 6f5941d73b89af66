package main

import (
	"io/fs"
	"net"
	"net/smtp"
	"os"
	"strings"
	"testing"
)

// TestMailBehindOthers has a proxy and a mail server stand in front of the ear:
// the proxy tells whom it speaks for, the mail server delivers by LMTP. A killed
// process leaves its socket behind, which the next start takes over. The
// authority for certificates is away, which keeps no mail out.
func TestMailBehindOthers(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 20)
	text, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s.with("saltmine.toml", strings.Replace(string(text), "[smtp]\n", "[smtp]\nproxy_from = [\"127.0.0.1\"]\nlmtp = \"lmtp.sock\"\nlmtp_mode = \"0600\"\nacme = \"https://127.0.0.1:1/dir\"\nacme_listen = \"127.0.0.1:0\"\nacme_dir = \"acme\"\n", 1))
	srv := s.serve()
	if info, err := os.Stat(s.path("lmtp.sock")); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if said := s.fails(1, "serve"); !strings.Contains(said, "in use") {
		t.Errorf("a second serve on the socket says %q", said)
	}
	srv.kill()
	srv = s.serve()
	s.tool("swaks", "--protocol", "LMTP", "--socket", s.path("lmtp.sock"), "--to", prey[0].email, "--from", "a@scam.example")

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.addrs["smtp"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("PROXY TCP4 203.0.113.7 198.51.100.1 4660 25\r\n")); err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "mx1.hollowbrook.example")
	if err != nil {
		t.Fatal(err)
	}
	if offered, _ := c.Extension("STARTTLS"); !offered {
		t.Error("STARTTLS is not offered")
	}
	if err := c.Mail("a@scam.example"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(prey[1].email); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(); err != nil {
		t.Error(err)
	}
	eventually(t, "both are filed, the second as its client's", func() bool {
		var lmtp, proxied bool
		for _, c := range s.contacts(reg) {
			lmtp = lmtp || c.Facts["end"] == "data"
			proxied = proxied || c.Peer == "203.0.113.7:4660" && c.Facts["end"] == "quit"
		}
		return lmtp && proxied
	})
}
