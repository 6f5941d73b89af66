package seeder_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/deskkit"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// enter is the application's own import: it gives keys, dates and ticket numbers
// of its own. It takes what a form has and skips rows that stand.
func (w *world) enter(t *testing.T, forms ...seeder.Form) {
	t.Helper()
	insert := func(table string, r *supportdb.Row) {
		var names, marks []string
		var args []any
		for i, c := range r.Columns {
			names, marks = append(names, c), append(marks, "?")
			if args = append(args, nil); !r.Values[i].IsNull() {
				args[i] = r.Values[i].Text()
			}
		}
		w.exec(t, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(names, ", "), strings.Join(marks, ", ")), args...)
	}
	for i := range forms {
		f := &forms[i]
		insert("customers", &f.Customer)
		key := w.number(t, "SELECT id FROM customers WHERE email = ?", f.Email)
		for n := range f.Tickets {
			row := f.Tickets[n].Clone()
			row.Set("customer_id", supportdb.Text(fmt.Sprint(key)))
			row.Set("number", supportdb.Text(fmt.Sprintf("T-%06d", 900_000+w.number(t, "SELECT COUNT(*) FROM tickets"))))
			insert("tickets", &row)
		}
	}
}

func (w *world) form(t *testing.T, batch canary.BatchID, count int) []seeder.Form {
	t.Helper()
	report, err := w.seeder.Form(t.Context(), plan(batch, count))
	if err != nil {
		t.Fatal(err)
	}
	return report.Forms
}

func (w *world) adopt(t *testing.T, batch canary.BatchID) seeder.AdoptReport {
	t.Helper()
	report, err := w.seeder.Adopt(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantProblem checks that so many findings name a problem.
func wantProblem(t *testing.T, found []seeder.Finding, p seeder.Problem, kind canary.Kind, n int) {
	t.Helper()
	have := 0
	for _, f := range found {
		if f.Problem == p && f.Kind == kind {
			have++
		}
	}
	if have != n {
		t.Errorf("%d findings of %s %s, %d wanted: %+v", have, p, kind, n, found)
	}
}

// A batch goes through the application: nothing is inserted by us, the same
// forms come again, what was entered is adopted with the numbers that the
// application gave, and can be verified, live on and be withdrawn.
func TestForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	forms := w.form(t, "form", 6)
	if len(forms) != 6 || w.number(t, "SELECT COUNT(*) FROM customers") != before {
		t.Fatalf("%d forms; rows were inserted", len(forms))
	}
	for _, f := range forms {
		if f.Customer.Get("email").Text() != f.Email || f.Customer.Get("country").Text() == "" || f.Customer.Has("id") || len(f.Tickets) == 0 || f.Tickets[0].Has("number") || f.Tickets[0].Has("customer_id") {
			t.Errorf("a form has the columns %v and tickets with %v", f.Customer.Columns, f.Tickets)
		}
	}
	if again := w.form(t, "form", 6); !slices.EqualFunc(forms, again, func(a, b seeder.Form) bool { return a.Email == b.Email && a.Canary == b.Canary }) {
		t.Error("the second export has other people")
	}
	if _, err := w.seeder.Plant(t.Context(), plan("form", 6)); !errors.Is(err, seeder.ErrBatch) {
		t.Errorf("plant goes on with forms: %v", err)
	}
	exported := w.now()
	w.later(time.Hour)
	entered := w.now()
	w.enter(t, forms[:4]...)
	report := w.adopt(t, "form")
	if report.Adopted != 4 || report.Live != 4 || report.Waiting != 2 || report.Tickets < 4 {
		t.Fatalf("%+v", report)
	}
	wantProblem(t, report.Findings, seeder.Missing, canary.Email, 2)
	w.wantDated(t, exported, entered)
	w.enter(t, forms[4:]...)
	if report = w.adopt(t, "form"); report.Adopted != 2 || report.Live != 6 || report.Waiting != 0 || len(report.Findings) > 0 {
		t.Fatalf("%+v", report)
	}
	w.wantExactly(t, 6)
	w.wantLives(t)
	v, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
	if err != nil || v.Verified != 6 || len(v.Findings) > 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	w.live(t)
	out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{Batch: "form"})
	if err != nil || out.Withdrawn != 6 || w.number(t, "SELECT COUNT(*) FROM customers") != before {
		t.Fatalf("%+v, %v", out, err)
	}
	w.wantAllClosed(t)
}

// wantDated checks that windows of what was adopted begin between the export
// and the adoption, with the import in between.
func (w *world) wantDated(t *testing.T, exported, entered time.Time) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Planted}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		tickets := 0
		for _, tok := range p.Tokens {
			from := tok.Window.From
			if from.Earliest.After(exported) || from.Latest.Before(entered) {
				t.Errorf("the window of a %s begins within [%s, %s]", tok.Kind, from.Earliest, from.Latest)
			}
			if tok.Kind == canary.Ticket {
				tickets++
			}
		}
		if tickets == 0 {
			t.Errorf("canary %s has no ticket token", p.ID)
		}
	}
}

// Rows that say that they were made long after the export narrow the windows,
// as far as the zones of their dates allow.
func TestAdoptByDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forms := w.form(t, "dated", 1)
	w.later(10 * 24 * time.Hour)
	entered := w.now()
	forms[0].Customer.Set("created_at", supportdb.Text(entered.Format(time.DateTime)))
	w.enter(t, forms...)
	w.later(time.Hour)
	w.adopt(t, "dated")
	for _, kind := range []canary.Kind{canary.Email, canary.Phone, canary.Ticket} {
		from := w.tokenOf(t, forms[0].Canary, kind).Window.From
		if from.Earliest.Before(entered.Add(-15*time.Hour)) || from.Earliest.After(entered) || from.Latest.Before(entered) {
			t.Errorf("entered at %s, the window of the %s begins within [%s, %s]", entered, kind, from.Earliest, from.Latest)
		}
	}
}

// What an import changes is named: a name that it cut, a number that it dropped
// or spelt otherwise, an address that it made lower-case or doubled, a ticket
// that it lost and one that was entered later.
func TestAdoptNamesChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forms := w.form(t, "changed", 5)
	w.enter(t, forms...)
	w.exec(t, "DROP INDEX customers_email ON customers")
	w.exec(t, "CREATE INDEX customers_email ON customers (email)")
	w.exec(t, "UPDATE customers SET last_name = 'Cut', phone = NULL WHERE email = ?", forms[0].Email)
	w.exec(t, "UPDATE customers SET phone = CONCAT('00', TRIM(LEADING '+' FROM ?)) WHERE email = ?", w.phoneOf(t, forms[1].Canary), forms[1].Email)
	w.exec(t, "UPDATE customers SET email = 'other@elsewhere.example' WHERE email = ?", forms[2].Email)
	w.exec(t, "INSERT INTO customers (first_name, last_name, email, country, language, product, created_at, updated_at) SELECT first_name, last_name, email, country, language, product, NOW(), NOW() FROM customers WHERE email = ?", forms[3].Email)
	w.exec(t, "DELETE FROM tickets WHERE customer_id = (SELECT id FROM customers WHERE email = ?)", forms[4].Email)
	report := w.adopt(t, "changed")
	if report.Adopted != 3 || report.Waiting != 2 {
		t.Fatalf("%+v", report)
	}
	wantProblem(t, report.Findings, seeder.Edited, "", 1)
	wantProblem(t, report.Findings, seeder.Edited, canary.Phone, 2)
	wantProblem(t, report.Findings, seeder.Missing, canary.Email, 1)
	wantProblem(t, report.Findings, seeder.Duplicate, canary.Email, 1)
	wantProblem(t, report.Findings, seeder.Missing, canary.Ticket, 1)
	if w.opens(t, forms[0].Canary, canary.Phone) || !w.opens(t, forms[1].Canary, canary.Phone) {
		t.Error("windows of numbers do not follow what the import made of them")
	}
	late := forms[4].Tickets[0].Clone()
	late.Set("customer_id", supportdb.Text(fmt.Sprint(w.number(t, "SELECT id FROM customers WHERE email = ?", forms[4].Email))))
	w.exec(t, "INSERT INTO tickets (number, customer_id, subject, channel, created_at, updated_at) VALUES ('T-999999', ?, 'x', 'web', NOW(), NOW())", late.Get("customer_id").Text())
	if report = w.adopt(t, "changed"); report.Adopted != 0 || report.Tickets != 1 || !w.opens(t, forms[4].Canary, canary.Ticket) {
		t.Errorf("a ticket that came later is not registered: %+v", report)
	}
	out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{Batch: "changed"})
	if err != nil || out.Withdrawn != 3 || out.Never != 2 || len(out.Notes) == 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	wantProblem(t, out.Findings, seeder.Duplicate, canary.Email, 1)
}

func (w *world) phoneOf(t *testing.T, id canary.ID) string {
	t.Helper()
	return w.tokenOf(t, id, canary.Phone).Text
}

// opens reports whether a canary's token of a kind has an open window.
func (w *world) opens(t *testing.T, id canary.ID, kind canary.Kind) bool {
	t.Helper()
	return w.tokenOf(t, id, kind).Window.Until.IsZero()
}

func (w *world) tokenOf(t *testing.T, id canary.ID, kind canary.Kind) canary.DatedToken {
	t.Helper()
	found, err := w.ledger.Plantings(t.Context(), canary.Filter{IDs: []canary.ID{id}})
	if err != nil || len(found) != 1 {
		t.Fatal(err)
	}
	for _, tok := range found[0].Tokens {
		if tok.Kind == kind {
			return tok
		}
	}
	t.Fatalf("canary %s has no %s", id, kind)
	return canary.DatedToken{}
}

// Forms that are withdrawn before anybody knows whether they were entered: what
// stands is adopted and deleted; what comes afterwards is named.
func TestWithdrawForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	forms := w.form(t, "back", 3)
	w.enter(t, forms[:2]...)
	out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{Batch: "back"})
	if err != nil || out.Withdrawn != 2 || out.Never != 1 || len(out.Notes) == 0 || w.number(t, "SELECT COUNT(*) FROM customers") != before {
		t.Fatalf("%+v, %v", out, err)
	}
	w.wantAllClosed(t)
	w.enter(t, forms[2])
	report := w.adopt(t, "back")
	if report.Adopted != 0 || report.Live != 0 {
		t.Errorf("%+v", report)
	}
	wantProblem(t, report.Findings, seeder.Restored, "", 1)
}

// Form and Adopt die before and after every write to the registry: no form is
// given out that is not registered, and the next run goes on.
func TestFormDiesAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const count = 2
	for n := range 30 {
		batch := canary.BatchID(fmt.Sprintf("form-%d", n))
		cfg := plan(batch, count)
		cfg.PlacebosPerEmail = 1
		at, survived := w.dieAt(t, n, func() { _, _ = w.seeder.Form(t.Context(), cfg) })
		report, err := w.seeder.Form(t.Context(), cfg)
		if err != nil || len(report.Forms) != count {
			t.Fatalf("exported again after dying %s: %+v, %v", at, report, err)
		}
		w.enter(t, report.Forms...)
		at2, adopted := w.dieAt(t, n, func() { _, _ = w.seeder.Adopt(t.Context(), batch) })
		if again := w.adopt(t, batch); again.Live != count || len(again.Findings) > 0 {
			t.Errorf("adopted again after dying %s: %+v", at2, again)
		}
		w.wantExactly(t, (n+1)*count)
		if t.Failed() {
			t.Fatalf("after dying %s and %s", at, at2)
		}
		if survived && adopted {
			if n < 4 {
				t.Fatalf("only %d steps: the test does not see the writes", n)
			}
			return
		}
	}
	t.Fatal("the run never came to its end")
}

// The export reads, and asks for no right to write.
func TestFormOfAReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, shared.MariaDB(t).User(t, w.dsn, "SELECT"))
	if _, err := w.seeder.Plant(t.Context(), plan("plant", 1)); !errors.Is(err, supportdb.ErrPrivilege) {
		t.Errorf("a reader plants: %v", err)
	}
	forms := w.form(t, "read", 2)
	w.enter(t, forms...)
	if report := w.adopt(t, "read"); report.Adopted != 2 {
		t.Errorf("%+v", report)
	}
}

// On help desks of many tables what the application's import makes of a form, in
// all its tables, is read back, and can be changed and taken out again.
func TestFormOfDesks(t *testing.T) {
	t.Parallel()
	for _, kind := range deskkit.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := deskWorld(t, kind)
			before := dump(t, w.db)
			forms := w.form(t, "form", 5)
			for _, f := range forms {
				if !strings.Contains(fmt.Sprint(f.Customer.Columns, f.Tickets), "mail") || f.Email == "" || len(f.Tickets) == 0 {
					t.Errorf("a form has the columns %v", f.Customer.Columns)
				}
			}
			w.importImages(t)
			report := w.adopt(t, "form")
			if report.Adopted != 5 || len(report.Findings) > 0 {
				t.Fatalf("%+v", report)
			}
			rotated, err := w.seeder.Rotate(t.Context(), seeder.RotateConfig{Kind: canary.Email, Count: 2, PlacebosPerEmail: 2})
			if err != nil || rotated.Rotated != 2 || len(rotated.Findings) > 0 {
				t.Errorf("rotate: %+v, %v", rotated, err)
			}
			if v, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{}); err != nil || v.Verified != 5 {
				t.Errorf("verify: %+v, %v", v, err)
			}
			if out, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err != nil || out.Withdrawn != 5 {
				t.Errorf("withdraw: %+v, %v", out, err)
			}
			after := dump(t, w.db)
			delete(after, counterOf(kind))
			for table, rows := range fresh(before, after) {
				t.Errorf("%d rows are left in %s, such as %q", len(rows), table, rows[0])
			}
		})
	}
}

// importImages writes the rows of intended canaries, as an application does.
func (w *world) importImages(t *testing.T) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Intended}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		image, err := supportdb.DecodeImage(p.Rows)
		if err == nil {
			err = w.desk.Insert(t.Context(), []supportdb.Image{image}, func(context.Context, []supportdb.Keys) error { return nil })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// An application that takes the capitals of addresses away, and a column that
// tells them apart.
func TestAdoptSmallLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "ALTER TABLE customers MODIFY email varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL")
	w.exec(t, "UPDATE customers SET email = CONCAT(UPPER(LEFT(email, 1)), SUBSTRING(email, 2)) WHERE id % 2 = 0")
	w.connect(t, w.dsn)
	forms, typed := w.form(t, "small", 20), 0
	for i := range forms {
		f := &forms[i]
		if small := strings.ToLower(f.Email); small != f.Email {
			f.Email, typed = small, typed+1
			f.Customer.Set("email", supportdb.Text(small))
		}
	}
	if typed == 0 {
		t.Error("no address of 20 has a capital, of the customers' every other one")
	}
	w.enter(t, forms...)
	if report := w.adopt(t, "small"); report.Adopted != 20 || report.Waiting != 0 {
		t.Errorf("%d of them with capitals: %+v", typed, report)
	}
	if v := w.verify(t); v.Verified != 20 || len(v.Findings) > 0 {
		t.Errorf("verify: %+v", v)
	}
}
