package seeder_test

import (
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
	"saltmine/seeder"
	"saltmine/seeder/gate"
)

// ofOthers are mailboxes of people whom the table does not have, who are of the
// same countries and chose their providers as its customers did.
func ofOthers(t *testing.T, cfg helpdesk.Config, n int) []inventory.Item {
	t.Helper()
	cfg.Tickets, cfg.Seed = 0, cfg.Seed+1000
	desk, err := helpdesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for c := range desk.Customers() {
		at[domainOf(c.Email)]++
	}
	var out []inventory.Item
	for c := range desk.Customers() {
		text, err := token.Canon(canary.Email, c.Email)
		if err == nil && at[domainOf(text)] >= cfg.Customers/500 && len(out) < n {
			out = append(out, inventory.Item{Kind: inventory.Mailbox, Text: text, Provider: domainOf(text), Locale: c.Language + "-" + c.Country})
		}
	}
	return out
}

// callingCodes are those of the generated countries.
func callingCodes() map[string]string {
	return map[string]string{"US": "1", "CA": "1", "GB": "44", "AU": "61", "DE": "49", "AT": "43", "CH": "41", "FR": "33", "ES": "34", "IT": "39", "NL": "31", "SE": "46", "PL": "48", "BR": "55"}
}

// numbersOfOthers are their phone numbers, however they write them.
func numbersOfOthers(t *testing.T, cfg helpdesk.Config, n int) []string {
	t.Helper()
	cfg.Tickets, cfg.Seed = 0, cfg.Seed+2000
	desk, err := helpdesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for c := range desk.Customers() {
		if c.Phone == nil {
			continue
		}
		text := *c.Phone
		if !strings.HasPrefix(text, "+") {
			if c.Country != "IT" { // there the zero is part of the number
				text = strings.TrimPrefix(strings.Trim(text, "("), "0")
			}
			text = "+" + callingCodes()[c.Country] + " " + text
		}
		if text, err := token.Canon(canary.Phone, text); err == nil && len(out) < n {
			out = append(out, text)
		}
	}
	return out
}

// Canaries whose mailboxes match the table are not told by what they do: they
// are no copies of their donors, nor are their tickets and dates.
func TestGateFindsNoCopies(t *testing.T) {
	t.Parallel()
	dsn, db := shared.MariaDB(t).HelpDesk(t, lived())
	w := worldOn(t, dsn, db)
	// Customers who left, and tickets that were removed: the past has room.
	w.exec(t, "DELETE FROM tickets WHERE MOD(customer_id * 7919, 97) < 8 OR MOD(id * 7907, 89) < 4")
	w.exec(t, "DELETE FROM customers WHERE MOD(id * 7919, 97) < 8")
	w.ledger.drop(inventory.Domain)
	w.ledger.drop(inventory.Phone)
	w.ledger.stock(items(owned(60), numbersOfOthers(t, lived(), 900))...)
	w.ledger.stock(ofOthers(t, lived(), 900)...)
	cfg := seeder.PlantConfig{Batch: "one", Count: 300, PlacebosPerEmail: 1, Gate: seeder.GateConfig{Off: true}, Seed: []byte("match")}
	if _, err := w.seeder.Plant(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	r, err := w.seeder.Believable(t.Context(), seeder.BelieveConfig{Rows: 10_000, Seed: 2, Quick: true, Owned: owned(60)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"boosted trees, copies", "boosted trees, tickets", "boosted trees, dates of tickets", "boosted trees, behaviour", "boosted trees, other columns"} {
		if a := r.Attack(name); a == nil || a.Verdict == gate.Failed {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
