package smtpd_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"saltmine/listener/smtpd"
)

// v2 makes a header of version 2 by the specification's table.
func v2(command, family byte, address []byte) string {
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{0x20 | command, family}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(address)))) + string(address)
}

func TestProxyTellsThePeer(t *testing.T) {
	t.Parallel()
	four := []byte{203, 0, 113, 7, 198, 51, 100, 1, 0x12, 0x34, 0, 25}
	six := append(append(netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice()...), 0x12, 0x34, 0, 25)
	for name, tc := range map[string]struct{ header, peer string }{
		"IPv4":                 {v2(1, 0x11, four), "203.0.113.7:4660"},
		"IPv6":                 {v2(1, 0x21, six), "[2001:db8::7]:4660"},
		"more behind":          {v2(1, 0x11, append(bytes.Clone(four), 4, 0, 3, 1, 2, 3)), "203.0.113.7:4660"},
		"itself":               {v2(0, 0, nil), ""},
		"itself, with address": {v2(0, 0x11, four), ""},
		"family unknown":       {v2(1, 0, nil), ""},
		"version 1":            {"PROXY TCP4 203.0.113.7 198.51.100.1 4660 25\r\n", "203.0.113.7:4660"},
		"version 1, IPv6":      {"PROXY TCP6 2001:db8::7 2001:db8::1 4660 25\r\n", "[2001:db8::7]:4660"},
		"version 1, unknown":   {"PROXY UNKNOWN\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook()
			cfg := config(b)
			cfg.Costume = "exim" // it says whom it greets
			cfg.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			c := call(t, start(t, cfg))
			c.send(tc.header + "EHLO c.example\r\n") // one segment: nothing behind the header may be lost
			c.say("220")
			want, fact := tc.peer, c.conn.LocalAddr().String()
			if want == "" {
				want, fact = fact, ""
			}
			peer := netip.MustParseAddrPort(want).Addr().String()
			if got := c.reply(); !strings.HasPrefix(got, "250-mx.example.net Hello c.example ["+peer+"]\r\n") {
				t.Errorf("greeted with %q", got)
			}
			c.say("250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
			if k := b.wait(t, 2)[1]; k.Peer != want || k.Facts["proxy"] != fact {
				t.Errorf("peer %s through %q, want %s through %q", k.Peer, k.Facts["proxy"], want, fact)
			}
		})
	}
}

func TestProxyWithoutAHeaderIsHungUpOn(t *testing.T) {
	t.Parallel()
	cfg := config(newBook())
	cfg.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	cfg.Limits.Proxy = 100 * time.Millisecond
	addr := start(t, cfg)
	for name, said := range map[string]string{
		"nothing":         "",
		"a client":        "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n",
		"half a header":   v2(1, 0x11, make([]byte, 12))[:20],
		"half a mark":     "\r\n\r\n\x00",
		"version 3":       strings.Replace(v2(1, 0x11, make([]byte, 12)), "\n\x21", "\n\x31", 1),
		"command 2":       v2(2, 0x11, make([]byte, 12)),
		"UDP":             v2(1, 0x12, make([]byte, 12)),
		"too short":       v2(1, 0x11, make([]byte, 11)),
		"very long":       v2(1, 0x11, make([]byte, 5000)),
		"line too long":   "PROXY TCP4 " + strings.Repeat("1", 120) + "\r\n",
		"bad address":     "PROXY TCP4 203.0.113.700 198.51.100.1 4660 25\r\n",
		"wrong family":    "PROXY TCP6 203.0.113.7 198.51.100.1 4660 25\r\n",
		"field missing":   "PROXY TCP4 203.0.113.7 198.51.100.1 4660\r\n",
		"bare line feed":  "PROXY TCP4 203.0.113.7 198.51.100.1 4660 25\n" + strings.Repeat("x", 100),
		"port impossible": "PROXY TCP4 203.0.113.7 198.51.100.1 99999 25\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := call(t, addr)
			_, _ = c.conn.Write([]byte(said))
			if got := c.reply(); strings.HasPrefix(got, "220") || !strings.Contains(got, "EOF") && !strings.Contains(got, "reset") {
				t.Errorf("heard %q", got)
			}
		})
	}
}

func TestProxyHeaderOfAStrangerIsGarbage(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	c := call(t, start(t, cfg))
	c.say("220")
	c.send("PROXY TCP4 203.0.113.7 198.51.100.1 4660 25\r\n")
	c.say("500", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "221 QUIT")
	if k := b.wait(t, 2)[1]; k.Peer != c.conn.LocalAddr().String() {
		t.Errorf("peer %s: a stranger chose it", k.Peer)
	}
}

func TestShutdownDoesNotWaitForAProxy(t *testing.T) {
	t.Parallel()
	cfg := config(newBook())
	cfg.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	cfg.Limits.Proxy = time.Hour
	addr, stop := run(t, cfg)
	c := call(t, addr)
	c.send("PROXY ")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// FuzzProxy reads headers with a mail behind them: it reads nothing of the mail,
// and tells both addresses or none.
func FuzzProxy(f *testing.F) {
	for _, s := range []string{
		v2(1, 0x11, make([]byte, 12)), v2(1, 0x21, make([]byte, 36)), v2(0, 0, nil), v2(1, 0x31, make([]byte, 216)), v2(1, 0x11, make([]byte, 300)),
		"PROXY TCP4 203.0.113.7 198.51.100.1 4660 25\r\n", "PROXY UNKNOWN\r\n", "PROXY TCP6 ::1 ::1 1 2\r\n", "PROXY  \r\n", "PROXY TCP4\r\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	const mail = "EHLO c.example\r\n"
	f.Fuzz(func(t *testing.T, header []byte) {
		in := bytes.NewReader(append(bytes.Clone(header), mail...))
		peer, here, err := smtpd.ReadProxy(in)
		if err != nil {
			return
		}
		if peer.IsValid() != here.IsValid() {
			t.Errorf("peer %v, here %v", peer, here)
		}
		if taken := len(header) + len(mail) - in.Len(); bytes.HasPrefix(header, []byte("PROXY ")) && bytes.IndexByte(append(header, mail...), '\n') != taken-1 {
			t.Errorf("%d bytes taken of %q", taken, header)
		}
	})
}
