package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/registry"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// planted is a site with n canaries, its registry, and those canaries that have
// an address, a number and a ticket.
func planted(t *testing.T, n int) (*site, *registry.Registry, []prey) {
	t.Helper()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.run("plant", "--count", fmt.Sprint(n), "--with", "phone,ticket")
	reg := s.open()
	all := leakedExtract{held: map[canary.ID]bool{}}
	for _, p := range s.plantings(reg) {
		all.held[p.ID] = true
	}
	return s, reg, s.choosePrey(reg, all, n/2)
}

// smtpCode is the code of a negative answer, 250 for none.
func smtpCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 250
	}
	said, ok := err.(*textproto.Error) //nolint:errorlint // net/smtp gives it bare
	if !ok {
		t.Fatalf("no answer: %v", err)
	}
	return said.Code
}

// contacts reads all filed contacts.
func (s *site) contacts(reg *registry.Registry) []*canary.Contact {
	s.t.Helper()
	ids, err := reg.ContactIDs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []*canary.Contact
	for _, id := range ids {
		c, err := reg.Contact(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func (s *site) filed(reg *registry.Registry) map[string]int {
	s.t.Helper()
	counts, err := reg.ContactCounts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return counts
}

// quiet checks that nothing has become an incident or a page.
func (s *site) quiet(reg *registry.Registry) {
	s.t.Helper()
	list, err := reg.Incidents(s.t.Context(), 10)
	if err != nil {
		s.t.Fatal(err)
	}
	counts, err := reg.DeliveryCounts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if pages, _ := s.hook.received(); len(list)+len(counts)+len(pages) > 0 {
		s.t.Errorf("incidents %v, pages %v, received %v", list, counts, pages)
	}
}

// TestHostileContacts is what strangers try: a forged webhook, relaying, broken
// packets, a line without an end.
func TestHostileContacts(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 20)
	srv := s.serve()
	t.Run("forged signature", func(t *testing.T) {
		s := s.as(t)
		if status := postForm(t, srv.addrs["phone"], "/twilio/voice", callForm(prey[0], 1), "not-the-twilio-token"); status != http.StatusForbidden {
			t.Errorf("status %d, want 403", status)
		}
		eventually(t, "the forged call is filed", func() bool { return s.filed(reg)["unverified"] == 1 })
		for _, c := range s.contacts(reg) {
			if !c.Unverified || c.Channel != canary.Voice || c.Facts["refused"] != "signature" || !strings.Contains(string(c.Raw), "CallSid=") {
				t.Errorf("filed as %v, unverified %v, facts %v", c, c.Unverified, c.Facts)
			}
		}
		s.quiet(reg)
	})
	t.Run("relay", func(t *testing.T) {
		s := s.as(t)
		for _, to := range []string{"someone@elsewhere.example", "someone%elsewhere.example@hollowbrook.example", "@hollowbrook.example:someone@elsewhere.example"} {
			c := s.dialSMTP(srv)
			if err := c.Mail("spammer@scam.example"); err != nil {
				t.Fatal(err)
			}
			if code := smtpCode(t, c.Rcpt(to)); code/100 != 5 || to == "someone@elsewhere.example" && code != 554 {
				t.Errorf("RCPT TO:<%s>: %d", to, code)
			}
			if code := smtpCode(t, dataError(c)); code/100 != 5 {
				t.Errorf("DATA without a recipient: %d", code)
			}
			c.Close() // said enough
		}
		s.quiet(reg)
	})
	t.Run("zero questions", func(t *testing.T) {
		s := s.as(t)
		empty := []byte{0xab, 0xcd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		for _, network := range []string{"udp", "tcp"} {
			if rcode := askDNS(t, network, srv.addrs["dns"], empty); rcode != 1 {
				t.Errorf("%s: rcode %d to no question, want 1 (FORMERR)", network, rcode)
			}
			if rcode := askDNS(t, network, srv.addrs["dns"], dnsQuery("hollowbrook.example")); rcode != 0 {
				t.Errorf("%s: rcode %d to a good question afterwards", network, rcode)
			}
		}
		host, port, _ := net.SplitHostPort(srv.addrs["dns"])
		s.tool("kdig", "@"+host, "-p", port, "+noall", "+answer", "hollowbrook.example", "MX")
	})
	t.Run("line of 1 MB", func(t *testing.T) {
		s := s.as(t)
		mail := "From: a@scam.example\r\nSubject: long\r\n\r\n.dot at the start\r\n" + strings.Repeat("0123456789abcdef", 1<<16) + "\r\nend\r\n"
		if err := smtp.SendMail(srv.addrs["smtp"], nil, "a@scam.example", []string{prey[1].email}, []byte(mail)); err != nil {
			t.Fatal(err)
		}
		var got *canary.Contact
		eventually(t, "the mail is filed", func() bool {
			for _, c := range s.contacts(reg) {
				if len(c.Raw) > 1<<20 && !c.Open {
					got = c
				}
			}
			return got != nil
		})
		if body, whole := dialogue.Message(got.Raw); !whole || string(body) != mail {
			t.Errorf("%d bytes are kept (whole: %v), %d were sent", len(body), whole, len(mail))
		}
		eventually(t, "it is paged", func() bool { pages, _ := s.hook.received(); return len(pages) == 1 })
	})
}

func (s *site) dialSMTP(srv *running) *smtp.Client {
	s.t.Helper()
	c, err := smtp.Dial(srv.addrs["smtp"])
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func dataError(c *smtp.Client) error {
	_, err := c.Data()
	return err
}

// dnsQuery asks for the MX of a name.
func dnsQuery(name string) []byte {
	q := []byte{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		q = append(append(q, byte(len(label))), label...)
	}
	return append(q, 0, 0, 15, 0, 1)
}

// askDNS sends a packet and gives the RCODE of the answer.
func askDNS(t *testing.T, network, addr string, packet []byte) int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()                                 // said enough
	conn.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a socket takes it
	answer := make([]byte, 4096)
	if network == "tcp" {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	}
	if _, err := conn.Write(packet); err != nil {
		t.Fatal(err)
	}
	if network == "tcp" {
		if _, err := io.ReadFull(conn, answer[:2]); err != nil {
			t.Fatal(err)
		}
	}
	n, err := conn.Read(answer)
	if err != nil || n < 12 {
		t.Fatalf("answer of %d bytes: %v", n, err)
	}
	return int(answer[3] & 0xf)
}

// fullSpool drives a spool that has no room, and has again.
type fullSpool struct {
	*site
	srv  *running
	reg  *registry.Registry
	prey []prey
	yes  []string // marks of what was acknowledged
	n    int
}

// mark names the next contact.
func (f *fullSpool) mark() string {
	f.n++
	return fmt.Sprintf("mark%06dz", f.n)
}

func (f *fullSpool) note(ok bool, mark string) bool {
	if ok {
		f.yes = append(f.yes, mark)
	}
	return ok
}

// mail sends a mail of about size bytes and gives the code.
func (f *fullSpool) mail(size int) int {
	mark := f.mark()
	text := "Subject: " + mark + "\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", size/64+1)
	code := smtpCode(f.t, smtp.SendMail(f.srv.addrs["smtp"], nil, "a@scam.example", []string{f.prey[f.n%len(f.prey)].email}, []byte(text)))
	f.note(code == 250, mark)
	return code
}

func (f *fullSpool) call() int {
	mark := f.mark()
	status := postForm(f.t, f.srv.addrs["phone"], "/twilio/voice", callForm(prey{phone: f.prey[0].phone, name: mark}, f.n), testTwilio)
	f.note(status == http.StatusOK, mark)
	return status
}

func (f *fullSpool) quote() int {
	mark := f.mark()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, "http://"+f.srv.addrs["ticket"]+desk.Path, bytes.NewReader(fmt.Appendf(nil, `{"ticket":%q,"note":%q}`, f.prey[0].ticket, mark)))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testAgent)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	resp.Body.Close() // nothing was read
	f.note(resp.StatusCode == http.StatusAccepted, mark)
	return resp.StatusCode
}

func (f *fullSpool) ask() int {
	f.n++
	return askDNS(f.t, "udp", f.srv.addrs["dns"], dnsQuery(fmt.Sprintf("n%d.hollowbrook.example", f.n)))
}

// refused checks that every ear now says that it cannot keep what it hears.
func (f *fullSpool) refused() {
	f.t.Helper()
	for what, c := range map[string]struct{ got, want int }{
		"SMTP": {f.mail(64), 452}, "phone": {f.call(), 503}, "ticket": {f.quote(), 503}, "DNS": {f.ask(), 2},
	} {
		if c.got != c.want {
			f.t.Errorf("%s with a full spool: %d, want %d", what, c.got, c.want)
		}
	}
}

// recovers waits for room and checks that all that was acknowledged is filed.
func (f *fullSpool) recovers() {
	f.t.Helper()
	eventually(f.t, "the spool has room again", func() bool { return f.mail(64) == 250 })
	for what, c := range map[string]struct{ got, want int }{
		"SMTP": {f.mail(64), 250}, "phone": {f.call(), 200}, "ticket": {f.quote(), 202}, "DNS": {f.ask(), 0},
	} {
		if c.got != c.want {
			f.t.Errorf("%s when there is room again: %d, want %d", what, c.got, c.want)
		}
	}
	missing := ""
	defer func() {
		if f.t.Failed() {
			f.t.Logf("last missed: %s; log:\n%s", missing, f.srv.log)
		}
	}()
	eventually(f.t, "everything acknowledged is filed once", func() bool {
		times := map[string]int{}
		for _, c := range f.contacts(f.reg) {
			for _, m := range f.yes {
				if bytes.Contains(c.Raw, []byte(m)) {
					times[m]++
				}
			}
		}
		for _, m := range f.yes {
			if times[m] != 1 {
				missing = m
				return false
			}
		}
		return true
	})
}

// TestSpoolLimit reaches [spool] max_bytes: the registry is held by another
// process for a while, so that nothing can be taken in and given free.
func TestSpoolLimit(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 20)
	s.configure("[spool]\ndir = \"spool\"\nmax_bytes = \"1MiB\"")
	f := &fullSpool{site: s, srv: s.serve(), reg: reg, prey: prey}
	release := s.holdRegistry()
	for _, size := range []int{100_000, 10_000, 1000, 64} {
		for tries := 0; f.mail(size) == 250; tries++ {
			if tries > 50 {
				t.Fatalf("a spool of 1 MiB takes mail after mail of %d bytes", size)
			}
		}
	}
	if len(f.yes) < 8 {
		t.Errorf("only %d mails went into 1 MiB", len(f.yes))
	}
	for what, again := range map[string]func() bool{
		"calls": func() bool { return f.call() == 200 }, "tickets": func() bool { return f.quote() == 202 }, "queries": func() bool { return f.ask() == 0 },
	} {
		for tries := 0; again(); tries++ {
			if tries > 8 {
				t.Fatalf("a full spool takes %s", what)
			}
		}
	}
	f.refused()
	release()
	f.recovers()
}

// holdRegistry takes the write lock of the registry, as a backup tool may.
func (s *site) holdRegistry() (release func()) {
	s.t.Helper()
	conn := s.sqlite()
	if _, err := conn.ExecContext(s.t.Context(), "BEGIN IMMEDIATE"); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		if _, err := conn.ExecContext(s.t.Context(), "ROLLBACK"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestDisk fills the disk under the spool. Where nobody may mount a small disk
// (a container without that right), TestSpoolLimit has to do.
func TestDisk(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 20)
	disk := newDisk(t, s.path("disk"))
	s.configure("[spool]\ndir = \"disk/spool\"")
	f := &fullSpool{site: s, srv: s.serve(), reg: reg, prey: prey}
	for _, code := range []int{f.mail(64), f.mail(1000)} {
		if code != 250 {
			t.Fatalf("SMTP with an empty disk: %d", code)
		}
	}
	disk.fill()
	f.refused()
	wants(t, f.srv.log.String(), "could not be stored, answered 503", "spool is full")
	disk.empty()
	f.recovers()
}

// TestTicketAway posts a ticket where no ear listens, and with a wrong token.
func TestTicketAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &site{t: t, dir: dir}
	s.write("me.token", "test-only-wrong-token-0123456789")
	wants(t, s.fails(exitFailed, "ticket", "TK-1", "--token-file", s.path("me.token"), "--url", "http://"+nobody(t)), "ticket was not recorded", "hint: nothing was recorded: check that 'saltmine serve' runs")
	wants(t, s.fails(exitUsage, "ticket", "TK-1"), "--token-file is wanted")
	wants(t, s.fails(exitUsage, "ticket"), "accepts 1 arg(s), received 0", "saltmine ticket --help")
	ear, err := desk.New(desk.Config{Agents: []desk.Agent{{Name: "a", Token: webhook.Hidden(testAgent)}}, Hear: func(context.Context, canary.Contact) error { return nil }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(ln, ear)           //nolint:errcheck // ends with the listener
	t.Cleanup(func() { ln.Close() }) // the test is over
	wants(t, s.fails(exitFailed, "ticket", "TK-1", "--token-file", s.path("me.token"), "--url", "http://"+ln.Addr().String()), "token is not accepted", "agents file")
}
