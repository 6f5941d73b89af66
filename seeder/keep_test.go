package seeder_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

func rotation(kind canary.Kind, seed string) seeder.RotateConfig {
	return seeder.RotateConfig{Kind: kind, PlacebosPerEmail: 2, Seed: []byte(seed)}
}

// planted plants and returns what stands.
func (w *world) planted(t *testing.T, count int) []canary.Planting {
	t.Helper()
	w.mustPlant(t, plan("base", count))
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keysOf are the keys of a canary's customer and tickets.
func keysOf(t *testing.T, p canary.Planting) (customer string, tickets []string) {
	t.Helper()
	keys, err := supportdb.DecodeKeys(p.Keys)
	if err != nil {
		t.Fatalf("canary %s: %v", p.ID, err)
	}
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range image.Tickets() {
		tickets = append(tickets, keys.Rows[n][0])
	}
	return image.CustomerKey(keys), tickets
}

func keyOf(t *testing.T, p canary.Planting) string {
	t.Helper()
	customer, _ := keysOf(t, p)
	return customer
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 8)
	report, err := w.seeder.Verify(t.Context(), seeder.VerifyConfig{})
	if err != nil || report.Verified != 8 || report.Checked != 8 || len(report.Findings) != 0 {
		t.Fatalf("report %+v, %v", report, err)
	}
	w.exec(t, "UPDATE customers SET email = 'else@real.test' WHERE id = ?", keyOf(t, all[0]))
	w.exec(t, "UPDATE customers SET last_name = 'Married' WHERE id = ?", keyOf(t, all[1]))
	w.exec(t, "UPDATE customers SET phone = NULL WHERE id = ?", keyOf(t, all[2]))
	w.exec(t, "DELETE FROM tickets WHERE customer_id = ?", keyOf(t, all[3]))
	w.exec(t, "DELETE FROM tickets WHERE customer_id = ?", keyOf(t, all[4]))
	w.exec(t, "DELETE FROM customers WHERE id = ?", keyOf(t, all[4]))
	w.exec(t, "DROP INDEX customers_email ON customers")
	w.exec(t, "INSERT INTO customers (first_name,last_name,email,country,language,product,created_at,updated_at) VALUES ('A','B',?,'US','en','x',NOW(),NOW())", w.addressOf(t, &all[5]))
	report, err = w.seeder.Verify(t.Context(), seeder.VerifyConfig{Batch: "base"})
	if err != nil || report.Verified != 2 {
		t.Fatalf("report %+v, %v", report, err)
	}
	want := map[canary.ID]seeder.Finding{
		all[0].ID: {Problem: seeder.Edited, Kind: canary.Email, Column: "email"},
		all[1].ID: {Problem: seeder.Edited, Column: "last_name"},
		all[2].ID: {Problem: seeder.Edited, Kind: canary.Phone, Column: "phone"},
		all[3].ID: {Problem: seeder.Deleted, Kind: canary.Ticket},
		all[4].ID: {Problem: seeder.Deleted},
		all[5].ID: {Problem: seeder.Duplicate, Kind: canary.Email},
	}
	for _, f := range report.Findings {
		wanted, ok := want[f.Canary]
		f.Detail, f.Vanished, f.Seen, wanted.Canary = "", false, time.Time{}, f.Canary
		if !ok || f != wanted {
			t.Errorf("finding %+v, wanted %+v", f, wanted)
		}
	}
	for id := range want {
		if !slices.ContainsFunc(report.Findings, func(f seeder.Finding) bool { return f.Canary == id }) {
			t.Errorf("no finding about %+v", want[id])
		}
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sums := func() []string {
		return w.strings(t, "SELECT CONCAT_WS('|', (SELECT SUM(CRC32(CONCAT_WS(',',id,email,phone,created_at,updated_at))) FROM customers), (SELECT SUM(CRC32(CONCAT_WS(',',id,number,customer_id,created_at))) FROM tickets))")
	}
	before := sums()
	w.planted(t, 6)
	if _, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{}); !errors.Is(err, seeder.ErrConfig) {
		t.Errorf("withdrawing nothing in particular: %v", err)
	}
	dry, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true, DryRun: true})
	if err != nil || strings.Count(strings.Join(dry.Statements, "\n"), "DELETE FROM `customers` WHERE `id` = '") != 6 {
		t.Errorf("dry run %q, %v", dry.Statements, err)
	}
	w.wantExactly(t, 6)
	report, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || report.Withdrawn != 6 {
		t.Fatalf("report %+v, %v", report, err)
	}
	w.wantExactly(t, 0)
	w.wantAllClosed(t)
	if after := sums(); !slices.Equal(before, after) {
		t.Errorf("the tables are not as they were: %v, %v", before, after)
	}
}

func TestWithdrawLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 4)
	w.exec(t, "UPDATE customers SET email = 'else@real.test' WHERE id = ?", keyOf(t, all[0]))
	w.exec(t, "INSERT INTO tickets (number,customer_id,subject,channel,created_at,updated_at) VALUES ('X-1',?,'x','web',NOW(),NOW())", keyOf(t, all[1]))
	w.exec(t, "DELETE FROM tickets WHERE customer_id = ?", keyOf(t, all[2]))
	w.exec(t, "DELETE FROM customers WHERE id = ?", keyOf(t, all[2]))
	report, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
	if err != nil || report.Withdrawn != 1 || report.Gone != 1 || len(report.Findings) != 3 {
		t.Fatalf("report %+v, %v", report, err)
	}
	problems := map[canary.ID]seeder.Problem{}
	for _, f := range report.Findings {
		problems[f.Canary] = f.Problem
	}
	if problems[all[0].ID] != seeder.Edited || problems[all[1].ID] != seeder.Held || problems[all[2].ID] != seeder.Deleted {
		t.Errorf("findings %+v", report.Findings)
	}
	_, own := keysOf(t, all[1])
	if n := w.number(t, "SELECT COUNT(*) FROM tickets WHERE customer_id = ?", keyOf(t, all[1])); n != len(own)+1 {
		t.Errorf("%d tickets left of the row that is held", n)
	}
	got, err := w.ledger.Plantings(t.Context(), canary.Filter{IDs: []canary.ID{all[1].ID}})
	if err != nil || !got[0].Tokens[0].Window.Until.IsZero() {
		t.Errorf("the held row's window was closed: %+v, %v", got[0].Tokens[0].Window, err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 5)
	w.later(time.Hour)
	cfg := rotation(canary.Email, "rot")
	cfg.DryRun = true
	dry, err := w.seeder.Rotate(t.Context(), cfg)
	if err != nil || len(dry.Statements) != 5 || !strings.HasPrefix(dry.Statements[0], "UPDATE `customers` SET `email` = '") {
		t.Errorf("dry run %q, %v", dry.Statements, err)
	}
	w.wantExactly(t, 5)
	cfg.DryRun, cfg.Count = false, 3
	report, err := w.seeder.Rotate(t.Context(), cfg)
	if err != nil || report.Rotated != 3 || report.Placebos != 6 {
		t.Fatalf("report %+v, %v", report, err)
	}
	w.wantExactly(t, 5)
	w.wantControlGroup(t)
	changed := 0
	for _, old := range all {
		now, err := w.ledger.Plantings(t.Context(), canary.Filter{IDs: []canary.ID{old.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if w.addressOf(t, &now[0]) == w.addressOf(t, &old) {
			continue
		}
		changed++
		if string(now[0].Keys) != string(old.Keys) {
			t.Error("the row's key changed")
		}
		if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id = ? AND updated_at > created_at AND updated_at >= ?", keyOf(t, old), until().Add(4*time.Hour)); n != 1 {
			t.Error("the row's date of change did not move")
		}
	}
	if changed != 3 {
		t.Errorf("%d addresses changed, 3 wanted", changed)
	}
	cfg.Count, cfg.IDs, cfg.Seed = 0, []canary.ID{all[4].ID, all[1].ID}, []byte("next")
	if report, err = w.seeder.Rotate(t.Context(), cfg); err != nil || report.Rotated != 2 {
		t.Errorf("those that are named: %+v, %v", report, err)
	}
	cfg.IDs = []canary.ID{}
	if report, err = w.seeder.Rotate(t.Context(), cfg); err != nil || report.Rotated != 0 {
		t.Errorf("none: %+v, %v", report, err)
	}
}

func TestRotateFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.planted(t, 3)
	w.exec(t, "UPDATE customers SET phone = '+1 999 999 9999' WHERE id = ?", keyOf(t, all[0]))
	report, err := w.seeder.Rotate(t.Context(), rotation(canary.Phone, "f"))
	if err != nil || report.Rotated != 2 || len(report.Findings) != 1 || report.Findings[0].Problem != seeder.Edited {
		t.Errorf("report %+v, %v", report, err)
	}
	cfg := rotation(canary.Phone, "g")
	w.ledger.drop(inventory.Phone)
	if report, err := w.seeder.Rotate(t.Context(), cfg); err != nil || report.Waiting != 2 || report.Rotated != 0 {
		t.Errorf("no numbers: %+v, %v", report, err)
	}
	if _, err := w.seeder.Rotate(t.Context(), rotation(canary.Ticket, "h")); !errors.Is(err, seeder.ErrConfig) {
		t.Errorf("a kind that is never changed: %v", err)
	}
}

// Who changes an address types the new one as the customers do: some with
// capitals, which verify still finds.
func TestRotateTypesCapitals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "UPDATE customers SET email = CONCAT(UPPER(LEFT(email, 1)), SUBSTRING(email, 2)) WHERE id % 2 = 0")
	w.connect(t, w.dsn)
	w.planted(t, 20)
	report, err := w.seeder.Rotate(t.Context(), rotation(canary.Email, "capitals"))
	if err != nil || report.Rotated != 20 {
		t.Fatalf("%+v, %v", report, err)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE (email LIKE '%@example.net' OR email LIKE '%@mail.example.org' OR email LIKE '%@post.example.com') AND BINARY email <> LOWER(email)"); n == 0 {
		t.Error("no address of 20 has a capital, of the customers' every other one")
	}
	if v := w.verify(t); v.Verified != 20 || len(v.Findings) > 0 {
		t.Errorf("verify: %+v", v)
	}
}
