package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
	"saltmine/internal/webhook"
)

// newLoneEdge is an edge whose core only exists to read what it recorded: no
// support database, every ear, and a spool of a size.
func newLoneEdge(t *testing.T, size string) *farEdge {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site")}
	if out, err := command(t, "init", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	s.write("saltmine.toml", `[pool]
domains = ["`+strings.Join(testDomains(), `", "`)+`"]
[smtp]
listen = ["127.0.0.1:0"]
[dns]
listen = ["127.0.0.1:0"]
nameservers = ["ns1.example.net"]
answers_per_second = 0
[spool]
max_bytes = "`+size+`"`)
	s.write("generic.secret", testGeneric)
	e := s.enrollEdge()
	anyPort := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
	e.write("saltmine.toml", anyPort.ReplaceAllString(e.read("saltmine.toml"), "127.0.0.1:0")) // no core asks for it
	return e
}

// deed is one thing that a stranger did, and what he was told.
type deed struct {
	mark string
	sent []byte // what must be found again, byte for byte
	half bool   // RCPT was answered with 250
	yes  bool   // all of it was answered with a yes
	told string // the last answer
}

// doing is a way to do one.
type doing func(ctx context.Context, addrs map[string]string, mark string) deed

var markForm = regexp.MustCompile(`mark[0-9]{6}z`)

func deedMark(i int) string { return fmt.Sprintf("mark%06dz", i) }

// client does deeds at an edge.
type client struct {
	name func(mark string) (local, domain string) // to whom it is done
	big  int                                      // bytes of a mail
}

func (e *farEdge) client(big int) *client {
	e.t.Helper()
	rule, err := token.NewRule(e.keys().Accept(), 64)
	if err != nil {
		e.t.Fatal(err)
	}
	return &client{passing(rule), big}
}

// keys are the core's.
func (e *farEdge) keys() *seal.Keys {
	e.t.Helper()
	keys, err := seal.Load(e.core.path("keys"))
	if err != nil {
		e.t.Fatal(err)
	}
	return keys
}

// passing makes names with a mark that pass the rule.
func passing(rule token.Rule) func(mark string) (local, domain string) {
	return func(mark string) (local, domain string) {
		for i := 0; ; i++ {
			local, domain = mark+strconv.FormatInt(int64(i), 36), testDomains()[i%len(testDomains())]
			if rule.Passes(local, domain) {
				return local, domain
			}
		}
	}
}

// mail is one SMTP transaction on a connection of its own.
func (c *client) mail(ctx context.Context, addrs map[string]string, mark string) (d deed) {
	d.mark = mark
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addrs["smtp"])
	if err != nil {
		return d
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second)) //nolint:errcheck // the answers tell
	in := bufio.NewReader(conn)
	ask := func(text string) string {
		io.WriteString(conn, text) //nolint:errcheck // the answer tells
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return ""
			}
			if len(line) > 3 && line[3] == ' ' {
				d.told = line
				return line[:3]
			}
		}
	}
	local, domain := c.name(mark)
	said := ""
	step := func(text, want string) bool {
		said += text
		return ask(text) == want
	}
	if !step("", "220") || !step("EHLO mail.scam.example\r\n", "250") || !step("MAIL FROM:<"+mark+"@scam.example>\r\n", "250") {
		return d
	}
	d.half = step("RCPT TO:<"+local+"@"+domain+">\r\n", "250")
	d.sent = []byte(said)
	if !d.half || !step("DATA\r\n", "354") {
		return d
	}
	line := "\xe9\xff dots and bytes " + mark + "\r\n..\r\n"
	d.yes = step("Subject: "+mark+"\r\n\r\n"+strings.Repeat(line, c.big/len(line)+1)+".\r\n", "250")
	d.sent = []byte(said)
	told := d.told
	ask("QUIT\r\n")
	in.ReadByte() //nolint:errcheck // it is closed
	d.told = told
	return d
}

// call is one webhook; sent again it is the same event.
func (c *client) call(ctx context.Context, addrs map[string]string, mark string) (d deed) {
	d.mark = mark
	body, err := json.Marshal(map[string]string{"id": "ev-" + mark, "type": "voice", "from": "+12025550144", "to": "+447700900001", "text": "Good day, ü"})
	if err != nil {
		return d
	}
	d.sent = body
	secret, err := webhook.ParseSecret(testGeneric)
	if err != nil {
		return d
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addrs["phone"]+"/generic", bytes.NewReader(body))
	if err != nil {
		return d
	}
	req.Close = true
	req.GetBody = nil // a client that tries again does it where we see it
	req.Header.Set("Content-Type", "application/json")
	webhook.SetHeaders(req.Header, secret, "msg_"+mark, time.Now(), body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return d
	}
	resp.Body.Close()
	d.told, d.yes = resp.Status, resp.StatusCode == http.StatusOK
	return d
}

// ask is one DNS query over UDP.
func (c *client) ask(ctx context.Context, addrs map[string]string, mark string) (d deed) {
	d.mark = mark
	local, domain := c.name(mark)
	q := new(dns.Msg).SetQuestion(dns.Fqdn(local+"."+domain), dns.TypeA)
	b, err := q.Pack()
	if err != nil {
		return d
	}
	d.sent = b
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addrs["dns"])
	if err != nil {
		return d
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // the answer tells
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.Write(b) //nolint:errcheck // the answer tells
	var answer [1500]byte
	n, err := conn.Read(answer[:])
	if err != nil {
		return d
	}
	var r dns.Msg
	if err := r.Unpack(answer[:n]); err == nil {
		d.told, d.yes = dns.RcodeToString[r.Rcode], r.Rcode == dns.RcodeSuccess
	}
	return d
}

// take opens the spool of an edge that has ended, reads and acknowledges all of it.
func (e *farEdge) take() (list []canary.Contact) {
	e.t.Helper()
	sp, err := spool.Open(spool.Config{Dir: e.path("spool"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		e.t.Fatal(err)
	}
	defer sp.Close()
	if err := sp.Verify(e.t.Context()); err != nil {
		e.t.Error(err)
	}
	core := e.keys().Core
	at := sp.Acked()
	for {
		records, err := sp.Read(e.t.Context(), at, 0)
		if err != nil {
			e.t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			at = r.Next
			plain, err := core.Open(r.Sealed)
			if err != nil {
				e.t.Fatal(err)
			}
			var c canary.Contact
			if err := c.UnmarshalBinary(plain); err != nil {
				e.t.Fatal(err)
			}
			list = append(list, c)
		}
	}
	if err := sp.Ack(e.t.Context(), at); err != nil {
		e.t.Fatal(err)
	}
	return list
}

// ledger compares what was done with what was recorded.
type ledger struct {
	t     *testing.T
	deeds map[string]deed
	found map[string][]canary.Contact // by mark
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	return &ledger{t: t, deeds: map[string]deed{}, found: map[string][]canary.Contact{}}
}

// did notes a deed; the same again adds to what was answered.
func (l *ledger) did(d deed) {
	was := l.deeds[d.mark]
	d.half, d.yes = d.half || was.half, d.yes || was.yes
	if len(d.sent) < len(was.sent) {
		d.sent = was.sent
	}
	l.deeds[d.mark] = d
}

// read takes contacts in.
func (l *ledger) read(list []canary.Contact) {
	l.t.Helper()
	for _, c := range list {
		if c.Channel == canary.DNS && c.Facts["repeats"] != "" {
			continue // a count of queries that are recorded
		}
		text := c.Source
		if c.Channel != canary.SMTP {
			text = string(c.Raw)
		}
		mark := markForm.FindString(text)
		if mark == "" {
			l.t.Errorf("contact %s has no mark", c.ID)
		}
		l.found[mark] = append(l.found[mark], c)
	}
}

// balance wants acknowledged ⊆ recorded ⊆ tried, nothing twice, every byte as it
// was sent.
func (l *ledger) balance() (acknowledged, recorded int) {
	l.t.Helper()
	for mark, list := range l.found {
		d, tried := l.deeds[mark]
		if !tried {
			l.t.Errorf("%s is recorded and was not tried", mark)
		}
		whole := map[int]bool{}
		parts := map[int]bool{}
		for _, c := range list {
			if c.ID != list[0].ID || parts[c.Part] {
				l.t.Errorf("%s is recorded twice", mark)
			}
			parts[c.Part] = true
			if !c.Open {
				whole[c.Part] = true
			}
			if fault := differs(c, d); fault != "" {
				l.t.Errorf("%s, part %d: %s", mark, c.Part, fault)
			}
		}
		if len(whole) > 1 {
			l.t.Errorf("%s has %d ends", mark, len(whole))
		}
		recorded++
	}
	for mark, d := range l.deeds {
		if d.yes {
			acknowledged++
		}
		closed := false
		for _, c := range l.found[mark] {
			closed = closed || !c.Open && !c.Probe
		}
		switch {
		case d.yes && !closed:
			l.t.Errorf("%s was acknowledged and is not recorded", mark)
		case d.half && len(l.found[mark]) == 0:
			l.t.Errorf("the recipient of %s was acknowledged and is not recorded", mark)
		}
	}
	return acknowledged, recorded
}

// differs says what is wrong with the bytes of a contact.
func differs(c canary.Contact, d deed) string {
	switch c.Channel {
	case canary.Voice:
		if !bytes.HasSuffix(c.Raw, append([]byte("\r\n\r\n"), d.sent...)) {
			return "the body is not what was sent"
		}
	case canary.DNS:
		if !bytes.Equal(c.Raw, d.sent) {
			return "the packet is not what was sent"
		}
	default:
		var said []byte
		for r, err := range dialogue.Records(c.Raw) {
			if err != nil {
				return err.Error()
			}
			if r.Kind == dialogue.Command || r.Kind == dialogue.Mail {
				said = append(said, r.Bytes...)
			}
		}
		if c.Facts["end"] == "data" && !bytes.Equal(said, d.sent) || !bytes.HasPrefix(d.sent, said) {
			return fmt.Sprintf("%d bytes are recorded, not the %d that were sent", len(said), len(d.sent))
		}
	}
	return ""
}
