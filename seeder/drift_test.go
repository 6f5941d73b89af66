package seeder_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// registered reads one canary as the registry has it.
func (w *world) registered(t *testing.T, id canary.ID) canary.Planting {
	t.Helper()
	got, err := w.ledger.Plantings(t.Context(), canary.Filter{IDs: []canary.ID{id}})
	if err != nil || len(got) != 1 {
		t.Fatalf("canary %s: %d, %v", id, len(got), err)
	}
	return got[0]
}

// tokenOf is the newest token of a kind.
func tokenOf(t *testing.T, p canary.Planting, kind canary.Kind) canary.DatedToken {
	t.Helper()
	var found canary.DatedToken
	for _, tok := range p.Tokens {
		if tok.Kind == kind && !tok.Window.From.Earliest.Before(found.Window.From.Earliest) {
			found = tok
		}
	}
	return found
}

func (w *world) verify(t *testing.T) seeder.VerifyReport {
	t.Helper()
	report, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// problems lists a canary's findings as "problem kind column".
func problems(report seeder.VerifyReport, id canary.ID) string {
	var out []string
	for _, f := range report.Findings {
		if f.Canary == id {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Problem, f.Kind, f.Column)))
		}
	}
	return strings.Join(out, "; ")
}

// TestDrift does to one canary each what people and jobs do to rows.
func TestDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 12)
	w.later(time.Hour)
	if r := w.verify(t); r.Verified != 12 {
		t.Fatalf("before anything happened: %+v", r)
	}
	seen := w.registered(t, all[0].ID).Seen
	w.later(time.Hour)
	real1 := w.strings(t, "SELECT MIN(id) FROM customers")[0]
	set := func(n int, change string, args ...any) {
		t.Helper()
		w.exec(t, "UPDATE customers SET "+change+" WHERE id = ?", append(args, keyOf(t, all[n]))...)
	}
	merge := func(n int) {
		w.exec(t, "UPDATE tickets SET customer_id = ? WHERE customer_id = ?", real1, keyOf(t, all[n]))
	}
	drop := func(n int) { w.exec(t, "DELETE FROM customers WHERE id = ?", keyOf(t, all[n])) }

	w.exec(t, "DELETE FROM tickets WHERE customer_id = ?", keyOf(t, all[0]))
	drop(0)
	merge(1)
	drop(1)
	merge(2)
	set(3, "email = CONCAT('user', id, '@anon.corp-mail.com'), phone = '000-000-0000', first_name = 'xxxx'")
	set(4, "email = 'customer17@corp-mail.com'")
	set(5, "email = 'customer2041@corp-mail.com'")
	set(6, "email = 'd.newlywed@corp-mail.com', last_name = 'Newlywed'")
	set(7, "phone = NULL")
	w.exec(t, "DELETE FROM tickets WHERE customer_id = ?", keyOf(t, all[8]))
	set(9, "last_name = 'Removed by job'")
	w.exec(t, "UPDATE customers SET email = 'else@corp-mail.com' WHERE id = ?", real1) // of no concern

	report := w.verify(t)
	tickets := func(word string, n int) string {
		_, own := keysOf(t, all[n])
		return strings.TrimSuffix(strings.Repeat(word+" ticket; ", len(own)), "; ")
	}
	for n, want := range []string{
		"deleted", "merged", tickets("merged", 2), "masked email email; masked phone phone; masked  first_name", "masked email email", "masked email email",
		"edited email email; edited  last_name", "edited phone phone", tickets("deleted", 8), "masked  last_name", "", "",
	} {
		if got := problems(report, all[n].ID); got != want {
			t.Errorf("canary %d: %q, wanted %q", n, got, want)
		}
	}
	if report.Checked != 12 || report.Verified != 2 || report.Vanished != 2 || report.Restored != 0 || report.Reopened != 0 {
		t.Errorf("report %+v", report)
	}
	w.wantVanished(t, all[0].ID, seen)
	w.wantVanished(t, all[1].ID, seen)
	if tok := tokenOf(t, w.registered(t, all[6].ID), canary.Email); !tok.Window.Until.Come() || tok.Window.Until.Earliest.Before(seen) {
		t.Errorf("window of an address that was edited away: %+v", tok.Window)
	}
	if tok := tokenOf(t, w.registered(t, all[2].ID), canary.Ticket); !tok.Window.Until.IsZero() {
		t.Errorf("window of a ticket that hangs on another customer: %+v", tok.Window)
	}
	w.later(time.Hour)
	again := w.verify(t)
	if again.Vanished != 0 || again.Closed != 0 || again.Checked != 10 || problems(again, all[0].ID) != "" || problems(again, all[6].ID) == "" {
		t.Errorf("a second time: %+v", again)
	}
}

// wantVanished checks that a canary is retired, and that the windows of all of
// its tokens end between the last sight and now; its tickets may be elsewhere.
func (w *world) wantVanished(t *testing.T, id canary.ID, seen time.Time) {
	t.Helper()
	p := w.registered(t, id)
	if p.State != canary.Retired {
		t.Errorf("canary %s is %s", id, p.State)
	}
	for _, tok := range p.Tokens {
		if tok.Kind == canary.Ticket && tok.Window.Until.IsZero() {
			continue
		}
		if end := tok.Window.Until; !end.Earliest.Equal(seen) || end.Latest.Before(seen.Add(time.Hour)) {
			t.Errorf("window of %s ends in [%s, %s], last seen %s", tok.Token, end.Earliest, end.Latest, seen)
		}
	}
}

// TestRestoredFromBackup rotates and withdraws, then brings the rows of before back.
func TestRestoredFromBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 4)
	w.exec(t, "CREATE TABLE backup_customers AS SELECT * FROM customers")
	w.exec(t, "CREATE TABLE backup_tickets AS SELECT * FROM tickets")
	w.later(time.Hour)
	cfg := rotation(canary.Email, "restore")
	cfg.IDs = []canary.ID{all[0].ID}
	if _, err := w.seeder.Rotate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{IDs: []canary.ID{all[1].ID, all[2].ID}}); err != nil {
		t.Fatal(err)
	}
	newer := tokenOf(t, w.registered(t, all[0].ID), canary.Email)
	if r := w.verify(t); len(r.Findings) != 0 || r.Checked != 2 {
		t.Fatalf("before the backup is restored: %+v", r)
	}
	w.later(time.Hour)
	customer, _ := keysOf(t, all[0])
	w.exec(t, "UPDATE customers c JOIN backup_customers b USING (id) SET c.email = b.email WHERE c.id = ?", customer)
	customer, _ = keysOf(t, all[1])
	w.exec(t, "INSERT INTO customers SELECT * FROM backup_customers WHERE id = ?", customer)
	w.exec(t, "INSERT INTO tickets SELECT * FROM backup_tickets WHERE customer_id = ?", customer)

	report := w.verify(t)
	if report.Restored != 1 || problems(report, all[0].ID) != "restored email email" || problems(report, all[1].ID) != "restored" || len(report.Findings) != 2 {
		t.Fatalf("report %+v", report)
	}
	p := w.registered(t, all[0].ID)
	for _, tok := range p.Tokens {
		if tok.Kind == canary.Email && tok.Window.Until.IsZero() == (tok.ID == newer.ID) {
			t.Errorf("%s: window %+v", tok.Token, tok.Window)
		}
	}
	p = w.registered(t, all[1].ID)
	for _, tok := range p.Tokens {
		if !tok.Window.Until.IsZero() || p.State != canary.Planted {
			t.Errorf("%s, %s: window %+v", p.State, tok.Token, tok.Window)
		}
	}
	if r := w.verify(t); r.Verified != 3 || len(r.Findings) != 0 {
		t.Errorf("a second time: %+v", r)
	}
	withdrawn, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || withdrawn.Withdrawn != 3 || len(withdrawn.Findings) != 0 {
		t.Errorf("withdrawing what was restored: %+v, %v", withdrawn, err)
	}
}

// TestMarkedAsDeleted: a row that stands and is marked as deleted is shown by no
// help desk, and can be read by whoever copies the table.
func TestMarkedAsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	support, err := supportdb.Open(t.Context(), w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { support.Close() }) // the test is over
	recipe := *w.desk.Recipe()
	recipe.Customer.Filter = "status <> 'gone'"
	if w.desk, err = support.Use(t.Context(), recipe); err != nil {
		t.Fatal(err)
	}
	w.seeder = w.build(t, w.desk)
	all := w.planted(t, 2)
	w.exec(t, "ALTER TABLE customers MODIFY status VARCHAR(20) NOT NULL")
	w.exec(t, "UPDATE customers SET status = 'gone' WHERE id = ?", keyOf(t, all[0]))
	report := w.verify(t)
	if problems(report, all[0].ID) != "deleted" || report.Vanished != 0 || report.Verified != 1 {
		t.Errorf("report %+v", report)
	}
	if p := w.registered(t, all[0].ID); p.State == canary.Retired || !p.Tokens[0].Window.Until.IsZero() {
		t.Errorf("it can still be read: %s, %+v", p.State, p.Tokens[0].Window)
	}
}
