package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory/login"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
	"saltmine/internal/testkit"
	"saltmine/internal/token"
	"saltmine/listener/mailbox"
)

const boxPassword = "test-only-mailbox-password-0123"

// boxes are mailboxes of people whom the table does not have, at providers as its
// customers use, on one Dovecot: users by address.
func (s *site) boxes(n int) (*testkit.Dovecot, map[string]string) {
	s.t.Helper()
	other := smallDesk()
	other.Tickets, other.Seed = 0, other.Seed+1000
	desk, err := helpdesk.New(other)
	if err != nil {
		s.t.Fatal(err)
	}
	users, passwords := map[string]string{}, map[string]string{}
	var list strings.Builder
	for c := range desk.Customers() {
		address, err := token.Canon(canary.Email, c.Email)
		if err != nil || len(users) == n || !strings.Contains("gmail.com gmx.de outlook.com yahoo.com hotmail.com web.de icloud.com", c.Email[strings.IndexByte(c.Email, '@')+1:]) {
			continue
		}
		user := fmt.Sprintf("box%d", len(users))
		users[address], passwords[user] = user, boxPassword
		fmt.Fprintf(&list, "[[mailbox]]\naddress = %q\nlocale = \"%s-%s\"\nadded = 2020-01-01\nimap = { host = \"HOST\", user = %q, secret_file = \"box.secret\" }\n", address, c.Language, c.Country, user)
	}
	d := testkit.StartDovecot(s.t, passwords, "")
	s.write("box.secret", boxPassword)
	s.write("mailboxes.toml", strings.ReplaceAll(list.String(), "HOST", d.Addr))
	s.configure(fmt.Sprintf("[mailbox]\nroots = %q\npoll = \"10s\"\nconnections = 70\n", d.Roots))
	text, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("saltmine.toml", strings.Replace(string(text), "[pool]\n", "[pool]\nmailboxes = \"mailboxes.toml\"\n", 1))
	return d, users
}

// inBox finds canaries whose address is a mailbox: users by canary.
func (s *site) inBox(reg *registry.Registry, users map[string]string) map[string]prey {
	s.t.Helper()
	out := map[string]prey{}
	for _, p := range s.plantings(reg) {
		for _, tok := range p.Tokens {
			if user := users[tok.Text]; tok.Kind == canary.Email && user != "" {
				out[user] = prey{id: p.ID, name: p.Name, email: tok.Text}
			}
		}
	}
	return out
}

// TestMailToAMailboxPages plants canaries with mailboxes at providers, has mail
// come to one of them while serve runs and while it does not, and wants each heard
// once, matched and paged, and nothing of it said where it must not be.
func TestMailToAMailboxPages(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	d, users := s.boxes(60)
	s.run("plant", "--count", "8")
	wants(t, s.run("check"), "ok      mailboxes (60, by IMAP)")
	reg := s.open()
	held := s.inBox(reg, users)
	if len(held) < 2 {
		t.Fatalf("%d canaries have a mailbox", len(held))
	}
	var box []string
	for user := range held {
		box = append(box, user)
	}
	said := func(user string) string {
		return fmt.Sprintf("Return-Path: <a@scam.example>\r\nFrom: a@scam.example\r\nTo: %s\r\nSubject: about your licence\r\nMessage-ID: <%s@scam.example>\r\n\r\nDear customer\r\n", held[user].email, user)
	}
	srv := s.serve()
	d.Deliver(t, box[0], "INBOX", said(box[0]), time.Now())
	eventually(t, "mail to a mailbox pages", func() bool { pages, _ := s.hook.received(); return len(pages) == 1 })
	page, raw := s.hook.received()
	if page[0].Severity != canary.P2 || strings.Contains(raw, held[box[0]].email) {
		t.Errorf("the page: %s", raw)
	}
	metrics := fetch(t, "http://"+srv.addrs["admin"]+"/metrics")
	wants(t, metrics, `saltmine_mailboxes{state="watched"} 60`, `saltmine_mailboxes{state="unread"} 0`, `saltmine_ear_events_total{ear="mailbox",event="heard"} 1`, `saltmine_contacts{kind="imap"} 1`)
	srv.kill()
	d.Deliver(t, box[1], testkit.DovecotJunk, said(box[1]), time.Now())
	d.Renumber(t, box[0], "INBOX") // and what was heard is found again under another UID
	again := s.serve()
	eventually(t, "what came meanwhile is filed", func() bool { return s.filed(reg)["imap"] == 2 })
	eventually(t, "the first is read again", func() bool { return strings.Contains(again.log.String(), "new UIDs and is read again") })
	var got []string
	for _, c := range s.contacts(reg) {
		if c.Channel == canary.IMAP {
			got = append(got, c.Facts["folder"]+" "+string(c.Raw))
		}
	}
	if len(got) != 2 || got[0] != "inbox "+said(box[0]) && got[0] != "junk "+said(box[1]) {
		t.Errorf("filed: %q", got)
	}
	s.hits(reg, s.tokens(reg, held[box[0]].id, canary.Email)[0].ID, s.tokens(reg, held[box[1]].id, canary.Email)[0].ID)
	again.kill()
	for _, log := range []string{srv.log.String(), again.log.String()} {
		for address := range users {
			if strings.Contains(log, address) || strings.Contains(log, boxPassword) || strings.Contains(log, "scam.example") {
				t.Fatalf("the log shows what it must not:\n%s", log)
			}
		}
	}
	s.refusesMailboxes(d)
}

// refusesMailboxes wants an edge to refuse the ear, and check to say what is wrong.
func (s *site) refusesMailboxes(d *testkit.Dovecot) {
	s.t.Helper()
	s.write("box.secret", "another password")
	wants(s.t, s.fails(exitFailed, "check"), "FAILED  mailboxes (60, by IMAP): 60 do not open: o_", "refuses the login")
	s.write("edge.toml", fmt.Sprintf("[edge]\nlisten = \"127.0.0.1:0\"\n[pool]\ndomains = [\"example.net\"]\n[mailbox]\nroots = %q\n", d.Roots))
	out, err := command(s.t, "--config", s.path("edge.toml"), "edge").CombinedOutput()
	if err == nil {
		s.t.Error("an edge reads mailboxes")
	}
	wants(s.t, string(out), "mailbox: an edge must not know it")
}

// TestUnreadMailboxesAreNoticed: one notice for each server, which stands until
// its mailboxes are read again, and names no server.
func TestUnreadMailboxesAreNoticed(t *testing.T) {
	t.Parallel()
	a, c := poolCore(t, poolSite(t))
	c.cfg.Mailbox = &conf.Mailbox{Severity: canary.P3}
	s := &server{app: a, core: c, pager: pager.New(pager.Config{Outbox: c.reg.Outbox(), Now: a.now, Log: slog.New(slog.DiscardHandler)})}
	since := a.now().Add(-time.Hour)
	away := fmt.Errorf("%w: dial imap.whitfield.example", login.ErrUnreachable)
	var many []mailbox.Unread
	for i := range 9 {
		many = append(many, mailbox.Unread{ID: canary.ItemID(fmt.Sprintf("o_%d", i)), Host: "imap.whitfield.example:993", Since: since.Add(time.Duration(i) * time.Minute), Why: away})
	}
	other := mailbox.Unread{ID: "o_other", Host: "imap.example.com:993", Since: since}
	standing := func() (texts []string) {
		t.Helper()
		list, err := c.reg.Notices(t.Context(), registry.NoticeFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.Over.IsZero() {
				texts = append(texts, n.Text)
			}
		}
		return texts
	}
	for i, step := range []struct {
		list []mailbox.Unread
		want int
	}{{many[:2], 1}, {many, 1}, {append(many[:1:1], other), 2}, {[]mailbox.Unread{other}, 1}, {nil, 0}, {many, 1}} {
		if err := s.unread(t.Context(), step.list); err != nil {
			t.Fatal(err)
		}
		if got := standing(); len(got) != step.want || strings.Contains(strings.Join(got, " "), "imap.") {
			t.Errorf("step %d: %q", i, got)
		}
	}
	want := "9 mailboxes of one server cannot be read, the first not since 2026-08-05 09:00:00: the IMAP server cannot be reached (o_0, o_1, o_2, o_3, o_4 and 4 more)"
	if got := standing()[0]; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
