package seeder_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/testkit"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// In a real Request Tracker planted customers and tickets are shown by its web
// interface and found by its search, its own tools find no fault, it mails
// nobody, and withdrawing leaves its database as it was.
func TestRequestTracker(t *testing.T) {
	t.Parallel()
	server := shared.MariaDB(t)
	rt := server.RT(t, testkit.RTYear())
	w := builtIn(t, rt.DSN, rt.DB, "rt5")
	w.at = testkit.RTYear().To.Add(2 * time.Hour)
	before := dump(t, w.db)
	newest := strconv.Itoa(w.number(t, "SELECT MAX(id) FROM Users"))
	cfg := plan("rt", 10)
	cfg.With = nil
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Live != 10 {
		t.Fatalf("%+v, %v", report, err)
	}
	w.wantShown(t, rt)
	if out, err := rt.Run(t, "rt-validator-5", "--check"); err != nil {
		t.Errorf("rt-validator --check: %v\n%s", err, out)
	}
	for _, q := range []string{
		"SELECT COUNT(*) FROM Users u WHERE u.id > " + newest + " AND (SELECT COUNT(*) FROM CachedGroupMembers m WHERE m.MemberId = u.id AND m.GroupId IN (3, 5)) <> 2",
		"SELECT COUNT(*) FROM Tickets t JOIN Groups g ON g.Instance = t.id AND g.Domain = 'RT::Ticket-Role' AND g.Name = 'Requestor' WHERE NOT EXISTS (SELECT 1 FROM GroupMembers m WHERE m.GroupId = g.id)",
		"SELECT COUNT(*) FROM Tickets t WHERE NOT EXISTS (SELECT 1 FROM Transactions x WHERE x.ObjectType = 'RT::Ticket' AND x.ObjectId = t.id AND x.Type = 'Create')",
	} {
		if n := w.number(t, q); n != 0 {
			t.Errorf("%d: %s", n, q)
		}
	}
	if mail := rt.Mail(t); len(mail) != 0 {
		t.Errorf("RT sent %d mails, such as %s", len(mail), mail[0])
	}
	if v, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || v.Verified != 10 {
		t.Errorf("verify: %+v, %v", v, err)
	}
	out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || out.Withdrawn != 10 {
		t.Errorf("withdraw: %+v, %v", out, err)
	}
	after := dump(t, w.db)
	for table, rows := range fresh(before, after) {
		if !agentsOwn(table) {
			t.Errorf("%d rows are left in %s, such as %q", len(rows), table, rows[0])
		}
	}
	for table, rows := range fresh(after, before) {
		if !agentsOwn(table) {
			t.Errorf("%d rows of others are gone from %s", len(rows), table)
		}
	}
}

// agentsOwn names the tables in which RT notes what its agents look at.
func agentsOwn(table string) bool {
	return slices.Contains([]string{"sessions", "Attributes", "Users", "Transactions"}, table)
}

// wantShown looks at every canary with an agent's browser.
func (w *world) wantShown(t *testing.T, rt *testkit.RT) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	browser := rt.Browser(t, "moira")
	tickets := 0
	for _, p := range all {
		user, _ := strconv.ParseInt(keyOf(t, p), 10, 64)
		if found := browser.Users(t, w.addressOf(t, &p)); !slices.Contains(found, user) {
			t.Errorf("canary %s: the search for its address finds %v", p.ID, found)
		}
		image, err := supportdb.DecodeImage(p.Rows)
		if err != nil {
			t.Fatal(err)
		}
		_, keys := keysOf(t, p)
		for i, n := range image.Tickets() {
			id, _ := strconv.ParseInt(keys[i], 10, 64)
			subject := image.Items[n].Row.Get("Subject").Text()
			if page := browser.Ticket(t, id); !strings.Contains(page, escaped(subject)) {
				t.Errorf("ticket %d: its page does not show %q", id, subject)
			}
			if found := browser.Tickets(t, "Requestor.EmailAddress = '"+w.addressOf(t, &p)+"'"); !slices.Contains(found, id) {
				t.Errorf("ticket %d is not found by its requestor: %v", id, found)
			}
			tickets++
		}
	}
	if tickets == 0 {
		t.Error("no canary has a ticket")
	}
}

// escaped is a text as RT's pages have it.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}
