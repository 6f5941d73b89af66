package smtpd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"saltmine/internal/dialogue"
)

// chopper is a listener whose connections read what comes in pieces that end
// where the test says, whatever the network does.
type chopper struct {
	net.Listener
	cuts []int // how far the first reads go, in bytes of the stream
}

func (c chopper) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &chopped{Conn: conn, cuts: c.cuts}, nil
}

type chopped struct {
	net.Conn
	at   int
	cuts []int
}

// Read reads at most to the next cut.
func (c *chopped) Read(p []byte) (int, error) {
	for len(c.cuts) > 0 && c.cuts[0] <= c.at {
		c.cuts = c.cuts[1:]
	}
	if len(c.cuts) > 0 {
		p = p[:min(len(p), c.cuts[0]-c.at)]
	}
	n, err := c.Conn.Read(p)
	c.at += n
	return n, err
}

// TestNothingElseEndsAMessage sends every known false end of a message, in
// every two pieces and byte by byte: what follows it is never obeyed. The true
// end ends the message wherever it is cut.
func TestNothingElseEndsAMessage(t *testing.T) {
	t.Parallel()
	const head = "HELO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<dana@example.net>\r\nDATA\r\nx"
	const forged = "MAIL FROM:<forged@b.example>\r\nRCPT TO:<amir@example.net>\r\nDATA\r\nforged\r\n.\r\n"
	for end, real := range map[string]bool{
		"\r\n.\r\n": true, "\r\r\n.\r\n": true, "\n\r\n.\r\n": true,
		"\n.\n": false, "\n.\r\n": false, "\r\n.\n": false, "\r.\r": false, "\r.\r\n": false, "\r\n.\r": false, "\n.\r": false, "\r.\n": false,
		"\r\n.\r\r\n": false, "\r\n\x00.\r\n": false, "\r\n.\x00\r\n": false, "\r\n. \r\n": false, "\r\n .\r\n": false, "\r\n..\r\n": false,
		"\n\n.\r\n": false, "\r\n\r.\r\n": false, "\u2028.\r\n": false, "\r\n\uff0e\r\n": false, "\v.\v": false, "\r\n.": false,
	} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			t.Parallel()
			stream := head + end + forged + "QUIT\r\n"
			single := make([]int, len(stream))
			for i := range single {
				single[i] = i + 1
			}
			cuts := [][]int{single, nil}
			for at := len(head) - 1; at <= len(head)+len(end)+1; at++ {
				cuts = append(cuts, []int{at})
			}
			for _, cut := range cuts {
				mails := deliver(t, stream, cut)
				want := 1
				if real {
					want = 2
				}
				if len(mails) != want || !real && !strings.Contains(mails[0], "forged@b.example") {
					t.Errorf("cut at %v: %d mails, want %d: %q", cut[:min(len(cut), 1)], len(mails), want, mails)
				}
			}
		})
	}
}

// deliver plays a stream to an ear that reads it in pieces and returns the
// messages that it recorded as taken.
func deliver(t *testing.T, stream string, cuts []int) []string {
	t.Helper()
	b := newBook()
	s := ear(t, config(b))
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, chopper{ln, cuts}) }()
	c := call(t, ln.Addr().String())
	c.send(stream)
	if _, err := io.Copy(io.Discard, c.in); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var mails []string
	for _, k := range b.all() {
		if msg, whole := dialogue.Message(k.Raw); whole && k.Facts["end"] == "data" {
			mails = append(mails, string(msg))
		}
	}
	return mails
}

// TestRFC5321 is a table of what the standard asks of a server that receives
// mail: a clause, what is said, and how it is answered. A costume has its own
// words, not its own rules; where the server that it is taken for breaks a rule
// the table says so.
func TestRFC5321(t *testing.T) {
	t.Parallel()
	mail := func(more ...string) []string {
		return append([]string{"250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>"}, more...)
	}
	for _, row := range []struct {
		clause string
		say    []string
		but    string // a costume in which it is otherwise, because its server is
	}{
		{"§2.4 verbs and parameters in any case", []string{"250 ehlo c.example", "250 mail from:<a@b.example> size=10", "250 rcpt to:<dana@example.net>", "221 quit"}, ""},
		{"§2.4 domains in any case", mail("250 RCPT TO:<dana@EXAMPLE.Net>"), ""},
		{"§3.1 a greeting first", nil, ""},
		{"§3.3 MAIL, RCPT, DATA in this order", []string{"250 EHLO c.example", "503 RCPT TO:<dana@example.net>", "503 DATA", "250 MAIL FROM:<a@b.example>"}, ""},
		{"§3.3 no DATA without a recipient", []string{"250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "5 DATA"}, ""},
		{"§3.3 MAIL inside a transaction is refused", mail("503 MAIL FROM:<c@b.example>", "354 DATA"), ""},
		{"§3.6.1 source routes are understood and dropped", mail("250 RCPT TO:<@r.example,@s.example:amir@example.net>"), ""},
		{"§3.6.2 no relaying", mail("55 RCPT TO:<x@other.example>"), ""},
		{"§3.7 the null sender", []string{"250 EHLO c.example", "250 MAIL FROM:<>", "250 RCPT TO:<dana@example.net>"}, ""},
		{"§4.1.1.1 EHLO resets", mail("250 EHLO c.example", "503 RCPT TO:<dana@example.net>"), ""},
		{"§4.1.1.1 HELO is known", []string{"250 HELO c.example", "250 MAIL FROM:<a@b.example>"}, ""},
		{"§4.1.1.1 no name, no greeting", []string{"501 EHLO", "501 HELO"}, ""},
		{"§4.1.1.1 an address literal is a name", []string{"250 EHLO [192.0.2.1]", "250 EHLO [IPv6:2001:db8::1]"}, ""},
		{"§4.1.1.4 DATA has no argument", mail("501 DATA x", "354 DATA"), ""},
		{"§4.1.1.5 RSET ends a transaction", mail("250 RSET", "503 RCPT TO:<dana@example.net>"), ""},
		{"§4.1.1.5 RSET has no argument", mail("501 RSET x", "354 DATA"), ""},
		{"§4.1.1.6 VRFY is known", []string{"250 EHLO c.example", "25 VRFY dana@example.net"}, "postfix"}, // 502: disable_vrfy_command, as §7.3 allows
		{"§4.1.1.8 HELP is known", []string{"214 HELP"}, "postfix"},
		{"§4.1.1.9 NOOP with a text", []string{"250 NOOP anything at all", "250 NOOP"}, ""},
		{"§4.1.1.10 QUIT at any time", mail("221 QUIT"), ""},
		{"§4.1.2 quoted local parts", mail(`250 RCPT TO:<"amir"@example.net>`, `250 RCPT TO:<"yes quoted"@example.net>`), ""},
		{"§4.1.4 NOOP, HELP, RSET, QUIT before a greeting", []string{"250 NOOP", "250 RSET", "221 QUIT"}, ""},
		{"§4.1.4 MAIL before a greeting", []string{"503 MAIL FROM:<a@b.example>"}, ""},
		{"§4.2.4 an unknown command", []string{"500 XYZZY"}, ""},
		{"§4.5.1 postmaster, in any case, with and without a domain", []string{"250 EHLO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<Postmaster>", "250 RCPT TO:<PostMaster@example.net>"}, ""},
		{"§4.5.3.1.1 a local part of 64 octets", mail("250 RCPT TO:<yes" + strings.Repeat("x", 61) + "@example.net>"), ""},
		{"§4.5.3.1.4 a line of 512 octets", []string{"250 NOOP " + strings.Repeat("x", 505)}, ""},
		{"RFC 1870 an announced size that is too large", []string{"250 EHLO c.example", "552 MAIL FROM:<a@b.example> SIZE=99999999"}, ""},
		{"RFC 6152 BODY", []string{"250 EHLO c.example", "250 MAIL FROM:<a@b.example> BODY=8BITMIME"}, ""},
	} {
		for _, costume := range []string{"postfix", "exim", "exchange"} {
			if costume == row.but {
				continue
			}
			t.Run(costume+"/"+row.clause, func(t *testing.T) {
				t.Parallel()
				cfg := config(newBook())
				cfg.Costume = costume
				call(t, start(t, cfg)).say(append([]string{"220"}, row.say...)...)
			})
		}
	}
}

func TestAHundredRecipientsAreTaken(t *testing.T) {
	t.Parallel()
	c := call(t, start(t, config(newBook())))
	c.say("220", "250 EHLO c.example", "250 MAIL FROM:<a@b.example>")
	for i := range 100 { // RFC 5321 §4.5.3.1.8
		c.say(fmt.Sprintf("250 RCPT TO:<yes%d@example.net>", i))
	}
	c.say("452 RCPT TO:<yes100@example.net>", "354 DATA")
}

// TestSMTPSource has Postfix's load generator send: all that it was thanked for
// is recorded.
func TestSMTPSource(t *testing.T) {
	t.Parallel()
	b := newBook()
	cfg := config(b)
	cfg.Accept = func(local, _ string) bool { return strings.HasSuffix(local, "yes") } // it puts a number in front
	addr := start(t, cfg)
	out, err := exec.CommandContext(t.Context(), program("smtp-source"), "-s", "20", "-m", "400", "-l", "4096", "-r", "2",
		"-f", "a@b.example", "-t", "yes@example.net", addr).CombinedOutput()
	if err != nil {
		t.Fatalf("smtp-source (package postfix) is needed: %v\n%s", err, out)
	}
	var sent sync.Map
	whole := 0
	for _, k := range b.wait(t, 3*400) {
		if _, ok := dialogue.Message(k.Raw); ok {
			whole++
			if _, twice := sent.LoadOrStore(k.ID, true); twice {
				t.Error("a mail is recorded twice")
			}
		}
	}
	if whole != 400 {
		t.Errorf("%d mails recorded, 400 sent", whole)
	}
}

// TestNmapFindsNothing runs nmap's scripts for mail against each costume.
func TestNmapFindsNothing(t *testing.T) {
	t.Parallel()
	for costume, shows := range map[string][]string{
		"postfix": {"mx.example.net, PIPELINING, SIZE 31457280, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8", "Server doesn't seem to be an open relay, all tests failed"},
		"exim":    {"Hello nmap.scanme.org [127.0.0.1], SIZE 31457280, 8BITMIME, PIPELINING, HELP", "Exim version: 4.96", "smtp-open-relay: SMTP"},
	} {
		t.Run(costume, func(t *testing.T) {
			t.Parallel()
			cfg := config(newBook())
			cfg.Costume = costume
			_, port, err := net.SplitHostPort(start(t, cfg))
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "nmap", "-Pn", "-n", "-p", port,
				"--script", "+smtp-commands,+smtp-open-relay,+smtp-enum-users,+smtp-vuln-cve2010-4344,+smtp-vuln-cve2011-1720,+smtp-vuln-cve2011-1764", "127.0.0.1").CombinedOutput()
			if err != nil {
				t.Fatalf("nmap (package nmap) is needed: %v\n%s", err, out)
			}
			for _, want := range shows {
				if !strings.Contains(string(out), want) {
					t.Errorf("nmap does not say %q:\n%s", want, out)
				}
			}
			// Exim ends such a connection: nmap sees its last words, or that it is gone.
			for _, wrong := range []string{"VULNERABLE:", "Server is an open relay", "RCPT, dana"} {
				if strings.Contains(string(out), wrong) {
					t.Errorf("nmap says %q:\n%s", wrong, out)
				}
			}
		})
	}
}
