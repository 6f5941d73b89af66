package smtpd_test

import (
	"net/netip"
	"strings"
	"testing"

	"saltmine/internal/canary"
)

const (
	aMail = "250 MAIL FROM:<a@b.example>"
	aRcpt = "250 RCPT TO:<dana@example.net>"
)

// friend calls an ear that lets 127.0.0.1 speak for its clients.
func friend(t *testing.T, costume string) (*book, *caller) {
	t.Helper()
	b := newBook()
	cfg := config(b)
	cfg.Costume = costume
	cfg.ForwardFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c := call(t, start(t, cfg))
	c.say("220")
	return b, c
}

func TestForwardedClients(t *testing.T) {
	t.Parallel()
	for _, costume := range []string{"postfix", "exim", "exchange"} {
		b, c := friend(t, costume)
		c.send("EHLO front.example\r\n")
		if got := c.reply(); !strings.Contains(got, "\n250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 ") {
			t.Errorf("%s offers %q", costume, got)
		}
		c.say("250 XFORWARD NAME=box+2Escam.example ADDR=203.0.113.9", "250 xforward port=4660 HELO=evil+0D+0AX PROTO=SMTP source=remote IDENT=4bq+3D1",
			aMail, "503 XFORWARD NAME=x", aRcpt, "354 DATA")
		c.send("x\r\n.\r\n")
		c.say("250", aMail, aRcpt, "250 RSET") // of the next nothing was said
		c.say("250 XFORWARD ADDR=203.0.113.9", "250 RSET", aMail, aRcpt, "250 RSET")
		c.say("250 XFORWARD ADDR=IPV6:2001:db8::7 PORT=[UNAVAILABLE] NAME=[unavailable]", aMail, aRcpt, "221 QUIT")
		got := closed(t, b, 4)
		first := got[0]
		if first.Peer != "203.0.113.9:4660" || first.Facts["forwarded_by"] != c.conn.LocalAddr().String() || first.Facts["forwarded_name"] != "box.scam.example" ||
			first.Facts["forwarded_helo"] != "evil  X" || first.Facts["forwarded_ident"] != "4bq=1" || first.Facts["forwarded_source"] != "remote" || first.Facts["helo"] != "front.example" {
			t.Errorf("peer %s, facts %v", first.Peer, first.Facts)
		}
		for _, k := range got[1:3] {
			if k.Peer != c.conn.LocalAddr().String() || k.Facts["forwarded_by"] != "" {
				t.Errorf("the next: peer %s, facts %v", k.Peer, k.Facts)
			}
		}
		if last := got[3]; last.Peer != "2001:db8::7" || last.Facts["forwarded_name"] != "" {
			t.Errorf("peer %s, facts %v", last.Peer, last.Facts)
		}
	}
}

// closed gives the closing records of n transactions.
func closed(t *testing.T, b *book, n int) []canary.Contact {
	t.Helper()
	var list []canary.Contact
	for _, k := range b.wait(t, 2*n) {
		if !k.Open {
			list = append(list, k)
		}
	}
	if len(list) != n {
		t.Fatalf("%d transactions, want %d", len(list), n)
	}
	return list
}

func TestForwardedThatCannotBe(t *testing.T) {
	t.Parallel()
	b, c := friend(t, "")
	c.say("250 EHLO front.example", "250 XFORWARD ADDR=203.0.113.9")
	for i, arg := range []string{
		"", "NAME", "=x", "ADDR=nowhere", "ADDR=203.0.113.900", "ADDR=203.0.113.8,203.0.113.9", "PORT=66000", "PORT=-1", "SOURCE=MARS", "LOGIN=root", "ADDR NAME=x",
		"NAME=a+", "NAME=a+4", "NAME=a+zz", "NAME=a+2e", "NAME=+FF", "NAME=" + strings.Repeat("a", 256), "NAME=x ADDR=bad", "A=1 B=2 C=3 D=4 E=5 F=6 G=7 H=8",
	} {
		if i%15 == 14 { // more faults in a row would end the connection
			c.say(aMail, aRcpt, "354 DATA")
			c.send("x\r\n.\r\n")
			c.say("250", "250 XFORWARD ADDR=203.0.113.9")
		}
		c.say("501 XFORWARD " + arg)
	}
	c.say(aMail, aRcpt, "221 QUIT") // what was told before still stands
	for _, k := range closed(t, b, 2) {
		if k.Peer != "203.0.113.9" || k.Facts["forwarded_name"] != "" {
			t.Errorf("peer %s, facts %v", k.Peer, k.Facts)
		}
	}
}

func TestStrangersForwardNothing(t *testing.T) {
	t.Parallel()
	for costume, said := range map[string]string{"postfix": "550 5.7.0 Error: insufficient authorization", "exim": "500 unrecognized command", "exchange": "500 5.3.3 Unrecognized command 'XFORWARD'"} {
		b := newBook()
		cfg := config(b)
		cfg.Costume = costume
		cfg.ForwardFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		c := call(t, start(t, cfg))
		c.say("220")
		c.send("EHLO c.example\r\n")
		if got := c.reply(); strings.Contains(got, "XFORWARD") {
			t.Errorf("%s offers %q", costume, got)
		}
		c.send("XFORWARD ADDR=203.0.113.9\r\n")
		if got := c.reply(); got != said+"\r\n" {
			t.Errorf("%s answers %q", costume, got)
		}
		c.say(aMail, aRcpt, "221 QUIT")
		if k := closed(t, b, 1)[0]; k.Peer != c.conn.LocalAddr().String() || k.Facts["forwarded_by"] != "" {
			t.Errorf("%s: a stranger chose peer %s, facts %v", costume, k.Peer, k.Facts)
		}
	}
}

// FuzzForward tells anything by XFORWARD: the session goes on, and the contact
// can be filed.
func FuzzForward(f *testing.F) {
	f.Add("NAME=box+2Escam.example ADDR=203.0.113.9 PORT=25")
	f.Add("ADDR=IPV6:fe80::1%eth0 HELO=[203.0.113.9]")
	f.Add("NAME=+00+0D+0A HELO=\xff SOURCE=LOCAL")
	f.Add("IDENT=+")
	f.Fuzz(func(t *testing.T, arg string) {
		if strings.ContainsAny(arg, "\r\n\x00") || len(arg) > 900 {
			return
		}
		b, c := friend(t, "")
		c.say("250 EHLO front.example")
		c.send("XFORWARD " + arg + "\r\n")
		if got := c.reply(); !strings.HasPrefix(got, "250 ") && !strings.HasPrefix(got, "50") {
			t.Fatalf("%q", got)
		}
		c.say(aMail, aRcpt, "221 QUIT")
		k := closed(t, b, 1)[0]
		if _, err := netip.ParseAddrPort(k.Peer); err != nil {
			if _, err := netip.ParseAddr(k.Peer); err != nil {
				t.Errorf("peer %q", k.Peer)
			}
		}
		for name, value := range k.Facts {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("fact %s: %q", name, value)
			}
		}
	})
}
