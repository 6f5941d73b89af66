package testkit_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/internal/testkit"
)

type loaded struct {
	ticket, user   int64
	email, name    string
	subject, first string
}

// someTicket is one of the customers' own that an agent has answered.
func someTicket(t *testing.T, db *sql.DB) (l loaded) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), `
		SELECT t.id, u.id, u.EmailAddress, u.RealName, t.Subject, a.Content FROM Tickets t
		JOIN Users u ON u.id = t.Creator JOIN Transactions x ON x.ObjectType = 'RT::Ticket' AND x.ObjectId = t.id AND x.Type = 'Create'
		JOIN Attachments a ON a.TransactionId = x.id AND a.ContentType = 'text/plain' AND a.Filename IS NULL
		WHERE t.Status = 'resolved' AND u.EmailAddress LIKE '%gmail%' ORDER BY t.id LIMIT 1`).
		Scan(&l.ticket, &l.user, &l.email, &l.name, &l.subject, &l.first)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRTShowsAndFindsItsCustomers(t *testing.T) {
	t.Parallel()
	rt := shared.MariaDB(t).RT(t, testkit.RTYear())
	want := someTicket(t, rt.DB)
	agent := rt.Browser(t, "moira")
	page := agent.Ticket(t, want.ticket)
	words, _, _ := strings.Cut(want.first, "\n")
	for _, part := range []string{fmt.Sprintf("#%d: ", want.ticket), want.subject, want.email, words} {
		if !strings.Contains(page, escaped(part)) {
			t.Errorf("the page of ticket %d has no %q", want.ticket, part)
		}
	}
	if ids := agent.Users(t, want.email); !slices.Equal(ids, []int64{want.user}) {
		t.Errorf("the search for %s finds users %v, want %d", want.email, ids, want.user)
	}
	if ids := agent.Users(t, want.email[:2]); len(ids) < 2 || !slices.Contains(ids, want.user) {
		t.Errorf("the search for users with %s finds %v", want.email[:2], ids)
	}
	if ids := agent.Tickets(t, "Requestor.EmailAddress = '"+want.email+"'"); !slices.Contains(ids, want.ticket) {
		t.Errorf("the tickets of %s are %v, want %d among them", want.email, ids, want.ticket)
	}
	if ids := agent.Tickets(t, "id > 0"); len(ids) != count(t, rt.DB, "SELECT count(*) FROM Tickets") {
		t.Errorf("a query for all finds %d tickets", len(ids))
	}
	exec1(t, rt.DB, "UPDATE Tickets SET Status = 'open' WHERE id = ?", want.ticket)
	for text, found := range map[string]bool{want.email: true, "nobody@nowhere.example": false} {
		if ids := agent.Search(t, text); slices.Contains(ids, want.ticket) != found {
			t.Errorf("the search field finds %v for %s", ids, text)
		}
	}
	if page := rt.Browser(t, "root").Get(t, "/Admin/Users/Modify.html", url.Values{"id": {strconv.FormatInt(want.user, 10)}}); !strings.Contains(page, escaped(want.name)) {
		t.Errorf("the administrator does not see %s", want.name)
	}
	if mail := rt.Mail(t); len(mail) > 0 {
		t.Errorf("reading made mail:\n%s", mail[0])
	}
}

// escaped is a text as RT's pages have it.
func escaped(s string) string {
	return strings.NewReplacer("&", "&#38;", "<", "&#60;", ">", "&#62;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

func TestRTIsWholeAndLooksLikeAYear(t *testing.T) {
	t.Parallel()
	cfg := testkit.RTYear()
	rt := shared.MariaDB(t).RT(t, cfg)
	if out, err := rt.Run(t, "rt-validator-5", "--check"); err != nil {
		t.Errorf("rt-validator: %v\n%s", err, out)
	}
	for _, c := range []struct {
		query    string
		min, max int
	}{
		{"SELECT count(*) FROM GroupMembers WHERE GroupId = 5", cfg.Customers * 9 / 10, cfg.Customers + 1}, // RT_System is one
		{"SELECT count(*) FROM Tickets", cfg.Tickets - 3, cfg.Tickets},
		{"SELECT count(DISTINCT Queue) FROM Tickets", 2, 2},
		{"SELECT count(DISTINCT Owner) FROM Tickets WHERE Owner <> 6", 5, 5},
		{"SELECT count(DISTINCT Status) FROM Tickets", 4, 5},
		{"SELECT count(*) FROM Tickets WHERE Status IN ('new', 'open', 'stalled')", cfg.Tickets / 20, cfg.Tickets / 2},
		{"SELECT count(DISTINCT month(Created)) FROM Tickets", 11, 12},
		{"SELECT count(*) FROM Users WHERE coalesce(HomePhone, WorkPhone, MobilePhone) IS NOT NULL", cfg.Customers / 5, cfg.Customers * 9 / 10},
		{"SELECT count(*) FROM Users WHERE Comments = 'Autocreated on ticket submission'", cfg.Tickets / 8, cfg.Tickets},
		{"SELECT count(*) FROM Attachments WHERE Filename IS NOT NULL", cfg.Tickets / 30, cfg.Tickets},
		{"SELECT count(*) FROM Transactions WHERE Type = 'Comment'", cfg.Tickets / 15, cfg.Tickets},
		{"SELECT count(*) FROM Transactions a JOIN Transactions b ON b.id = a.id + 1 AND b.Created < a.Created WHERE a.ObjectType = 'RT::Ticket'", 0, 0},
		{"SELECT count(*) FROM Scrips WHERE Disabled = 1", 0, 0},
	} {
		if n := count(t, rt.DB, c.query); n < c.min || n > c.max {
			t.Errorf("%s: %d, want %d to %d", c.query, n, c.min, c.max)
		}
	}
}

// What the kit says about mail must not be because it sees none.
func TestRTMailIsKeptAndNotSent(t *testing.T) {
	t.Parallel()
	rt := shared.MariaDB(t).RT(t, testkit.RTYear())
	at := testkit.RTYear().To.Add(time.Hour)
	ids := rt.Do(t,
		testkit.RTStep{Do: "mail", Key: "new", At: at.Unix(), From: "ann@new.example", Name: "Ann Ó Néill", Queue: "Support", Title: "Kündigung", Text: "Good bye.\n"},
		testkit.RTStep{Do: "reply", Key: "new", At: at.Unix() + 60, By: "eve", Text: "<p>Farewell.</p>"})
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] == 0 {
		t.Fatalf("ids %v: want the new ticket twice", ids)
	}
	var subject string
	var created time.Time
	row := rt.DB.QueryRowContext(t.Context(), "SELECT Subject, Created FROM Tickets WHERE id = ?", ids[0])
	if err := row.Scan(&subject, &created); err != nil || subject != "Kündigung" || !created.Equal(at) {
		t.Errorf("ticket %q of %s (%v), want Kündigung of %s", subject, created, err, at)
	}
	mail := rt.Mail(t)
	if len(mail) != 2 || !strings.Contains(mail[0], "\nTo: ann@new.example\n") || !strings.Contains(mail[1], "Farewell.") {
		t.Fatalf("mail %q: want an acknowledgement and the answer", mail)
	}
	// The pages' server goes by the program for sendmail.
	agent := rt.Browser(t, "eve")
	agent.Post(t, "/Ticket/Update.html", url.Values{
		"id": {strconv.FormatInt(ids[0], 10)}, "UpdateType": {"response"}, "UpdateContent": {"One thing more."}, "UpdateContentType": {"text/plain"}, "SubmitTicket": {"1"},
	})
	mail = rt.Mail(t)
	if len(mail) != 3 || !strings.Contains(strings.Join(mail, ""), "One thing more.") {
		t.Errorf("%d mails after an answer at the page, want 3", len(mail))
	}
}

func TestRTEndsWithItsTest(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	var addr string
	t.Run("inner", func(t *testing.T) {
		rt := server.RT(t, testkit.RTYear())
		addr = strings.TrimPrefix(rt.URL(t), "http://")
		if _, err := rt.Run(t, "rt-validator-5", "--no-such-option"); err == nil {
			t.Error("a program that fails is taken for good")
		}
	})
	var d net.Dialer
	if conn, err := d.DialContext(t.Context(), "tcp", addr); err == nil {
		conn.Close()
		t.Error("the web interface still listens")
	}
}

// A machine without RT fails under CI, and skips elsewhere: never silently.
func TestRTMissing(t *testing.T) {
	t.Parallel()
	_, err := testkit.FindRT("rt-no-such-program-5")
	if !errors.Is(err, testkit.ErrNoRT) || !strings.Contains(err.Error(), ".ci/deps") {
		t.Errorf("error %v: want ErrNoRT, with what installs it", err)
	}
	for ci, want := range map[string]string{"true": "fatal", "": "skip"} {
		said := &recorder{TB: t}
		testkit.Missing(said, err, ci)
		if said.how != want {
			t.Errorf("CI=%q: %q, want %q", ci, said.how, want)
		}
	}
}

type recorder struct {
	testing.TB
	how string
}

func (r *recorder) Fatal(...any) { r.how = "fatal" }
func (r *recorder) Skip(...any)  { r.how = "skip" }
func (r *recorder) Helper()      {}
