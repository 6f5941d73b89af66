package seeder_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/token"
	"saltmine/seeder"
)

// stocked is a world with a real registry, which holds the pool.
type stocked struct {
	*world
	reg    *registry.Registry
	rules  inventory.Rules
	seeder *seeder.Seeder
}

// steps is a registry that says when it writes.
type steps struct {
	*registry.Registry
	step func(string)
}

func (s steps) Intend(ctx context.Context, p []canary.Planting) error {
	s.step("before intend")
	err := s.Registry.Intend(ctx, p)
	s.step("after intend")
	return err
}

func (s steps) AmendAll(ctx context.Context, list []canary.Amendment) error {
	s.step("before " + amendName(list[0]))
	err := s.Registry.AmendAll(ctx, list)
	s.step("after " + amendName(list[0]))
	return err
}

// newStocked builds a world on a table of so many customers, with items.
func newStocked(t *testing.T, customers int, items ...inventory.Item) *stocked {
	t.Helper()
	cfg := tables()
	cfg.Customers, cfg.Tickets = customers, customers*3/2
	dsn, db := shared.MariaDB(t).HelpDesk(t, cfg)
	w := &stocked{world: worldOn(t, dsn, db), rules: inventory.Rules{Soak: 24 * time.Hour, Quarantine: 10 * 24 * time.Hour, Capacity: 100}}
	dir := filepath.Join(t.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.reg, err = registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "r.db"), Vault: keys.Vault, Now: w.now, Pool: w.rules})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.reg.Close() })
	w.enter(t, items...)
	w.seeder, err = seeder.New(seeder.Config{
		Desk: w.desk, Ledger: steps{w.reg, func(name string) { w.ledger.step(name) }}, Batches: w.reg, Pool: w.reg.PoolItems, Rules: w.rules,
		Place: "db:main", Accept: w.rule.Passes, Now: w.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *stocked) enter(t *testing.T, items ...inventory.Item) {
	t.Helper()
	for i := range items {
		if items[i].Added.IsZero() {
			items[i].Added = until().AddDate(-1, 0, 0)
		}
	}
	if _, err := w.reg.ImportPool(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

// atProviders are mailboxes of people whom the table does not have, who chose
// their providers as its customers did; labelled ones tell their country.
func atProviders(t *testing.T, n int, labelled bool) []inventory.Item {
	t.Helper()
	cfg := tables()
	cfg.Customers, cfg.Tickets, cfg.Seed = 4*n, 0, 4711
	desk, err := helpdesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	large := map[string]int{}
	for c := range desk.Customers() {
		large[domainOf(c.Email)]++
	}
	var out []inventory.Item
	for c := range desk.Customers() {
		text, err := token.Canon(canary.Email, c.Email)
		if err != nil || large[domainOf(c.Email)] < max(cfg.Customers/500, 5) || len(out) == n {
			continue
		}
		i := inventory.Item{Kind: inventory.Mailbox, Text: text, Provider: domainOf(text), Reading: inventory.Reading{Host: "imap.example:993", User: "x", SecretFile: "/x"}}
		if labelled {
			i.Locale = c.Language + "-" + c.Country
		}
		out = append(out, i)
	}
	return out
}

func domainOf(email string) string {
	return strings.ToLower(email[strings.LastIndexByte(email, '@')+1:])
}

// standing are the canaries that stand, with the domains of their addresses.
func (w *stocked) standing(t *testing.T) (all []canary.Planting, at map[string]int) {
	t.Helper()
	all, err := w.reg.Plantings(t.Context(), canary.Filter{States: []canary.State{canary.Planted, canary.Verified}})
	if err != nil {
		t.Fatal(err)
	}
	at = map[string]int{}
	for i := range all {
		at[domainOf(w.addressOf(t, &all[i]))]++
	}
	return all, at
}

// wantSound checks what holds at any time: each item in use has a token that
// stands or is about to, or a placebo, and each address at a provider an item.
func (w *stocked) wantSound(t *testing.T) (boxes, placebos int) {
	t.Helper()
	items, err := w.reg.PoolItems(t.Context(), inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox, inventory.Seed, inventory.Phone}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.reg.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string]canary.TokenID{}
	for _, p := range all {
		for _, tok := range p.Tokens {
			if (tok.Kind == canary.Phone || tok.Kind == canary.Email && !ownDomain(domainOf(tok.Text))) && !tok.Window.Until.Come() {
				if holds[tok.Text] != "" {
					t.Errorf("%s and %s are one item in two rows", tok.ID, holds[tok.Text])
				}
				holds[tok.Text] = tok.ID
			}
		}
	}
	for i := range items {
		it := &items[i]
		switch {
		case it.Placebo:
			placebos++
			if holds[it.Text] != "" {
				t.Errorf("%s is a placebo, and stands in a row", it)
			}
		case it.Token != holds[it.Text]:
			t.Errorf("%s holds %q, and %q has its text", it, it.Token, holds[it.Text])
		case it.Token != "" && it.Kind != inventory.Phone:
			boxes++
		}
		delete(holds, it.Text)
	}
	for _, id := range holds {
		t.Errorf("%s has no item", id)
	}
	return boxes, placebos
}

func stockPlan(batch canary.BatchID, count int) seeder.PlantConfig {
	return seeder.PlantConfig{Batch: batch, Count: count, PlacebosPerEmail: 1, Gate: seeder.GateConfig{Off: true}, Seed: []byte("seed of " + batch)}
}

func (w *stocked) plant(t *testing.T, cfg seeder.PlantConfig) seeder.PlantReport {
	t.Helper()
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
