package seeder_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/internal/testkit"
	"saltmine/internal/token"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

var shared testkit.Shared

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared)) }

// until is when the generated tables end; the clock of the tests begins a
// little later.
func until() time.Time { return time.Date(2025, 11, 20, 9, 0, 0, 0, time.UTC) }

func tables() helpdesk.Config {
	return helpdesk.Config{Customers: 800, Tickets: 1200, Seed: 7, From: until().AddDate(-4, 0, 0), To: until()}
}

// world is one support database with a ledger, a clock and a seeder.
type world struct {
	dsn    string
	db     *sql.DB
	desk   *supportdb.Desk
	ledger *ledger
	seeder *seeder.Seeder
	rule   token.Rule
	mu     sync.Mutex
	at     time.Time
	zone   *time.Location // of the application; nil is UTC
}

// now is a clock that moves on by itself, so that stamps are never equal.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(time.Millisecond)
	return w.at
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dsn, db := shared.MariaDB(t).HelpDesk(t, tables())
	return worldOn(t, dsn, db)
}

// worldOn builds a world on a database whose recipe Inspect proposes.
func worldOn(t *testing.T, dsn string, db *sql.DB) *world {
	t.Helper()
	rule, err := token.NewRule([]byte("0123456789abcdef"), 64)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dsn: dsn, db: db, ledger: newLedger(), rule: rule, at: until().Add(3 * time.Hour)}
	w.connect(t, dsn)
	return w
}

// connect opens the support database anew, as a process that starts does.
func (w *world) connect(t *testing.T, dsn string) {
	t.Helper()
	support, err := supportdb.OpenWith(t.Context(), dsn, supportdb.Settings{Zone: w.zone})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { support.Close() }) // the test is over
	proposal, err := support.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.desk, err = support.Use(t.Context(), proposal.Recipe); err != nil {
		t.Fatal(err)
	}
	w.seeder = w.build(t, w.desk)
}

func (w *world) build(t *testing.T, desk *supportdb.Desk) *seeder.Seeder {
	t.Helper()
	s, err := seeder.New(seeder.Config{
		Desk: desk, Ledger: w.ledger, Batches: w.ledger, Pool: w.ledger.PoolItems, Rules: inventory.Rules{Capacity: 1000}, Place: "db:main", Accept: w.rule.Passes, Now: w.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// phones is a pool of numbers in the countries of the generated tables.
func phones(each int) []string {
	var out []string
	for _, code := range []string{"1212555", "4420794", "4930901", "3319900", "6125550", "3491055", "3902555", "3120555", "4681555", "5511555"} {
		for i := range each {
			out = append(out, fmt.Sprintf("+%s%04d", code, i+1000))
		}
	}
	return out
}

func domains() []string { return []string{"example.net", "mail.example.org", "post.example.com"} }

// items are domains and numbers that have soaked.
func items(domains, phones []string) []inventory.Item {
	var out []inventory.Item
	for _, d := range domains {
		out = append(out, inventory.Item{Kind: inventory.Domain, Text: d})
	}
	for _, n := range phones {
		out = append(out, inventory.Item{Kind: inventory.Phone, Text: n})
	}
	return out
}

// plan is what most tests plant; few placebos keep them fast.
func plan(batch canary.BatchID, count int) seeder.PlantConfig {
	return seeder.PlantConfig{Batch: batch, Count: count, PlacebosPerEmail: 3, Gate: seeder.GateConfig{Off: true}, With: []canary.Kind{canary.Phone, canary.Ticket}, Seed: []byte("seed of " + batch)}
}

// mustPlant plants and checks the promise.
func (w *world) mustPlant(t *testing.T, cfg seeder.PlantConfig) seeder.PlantReport {
	t.Helper()
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.wantExactly(t, cfg.Count)
	return report
}

// wantExactly checks that exactly so many canaries stand in both databases,
// with all their rows and windows, and that nothing else does.
func (w *world) wantExactly(t *testing.T, count int) {
	t.Helper()
	all, err := w.ledger.Plantings(t.Context(), canary.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	live, addresses := 0, map[string]bool{}
	for i := range all {
		p := &all[i]
		switch p.State {
		case canary.Planted, canary.Verified:
			live++
			w.wantStanding(t, p)
			addresses[w.addressOf(t, p)] = true
		case canary.Intended:
			t.Errorf("canary %s is intended still", p.ID)
		}
	}
	if live != count {
		t.Errorf("%d canaries stand in the registry, %d wanted", live, count)
	}
	// Nothing of ours stands that the registry does not know as planted.
	for _, email := range w.strings(t, "SELECT email FROM customers") {
		_, domain, _ := strings.Cut(email, "@")
		if ownDomain(domain) && !addresses[email] {
			t.Errorf("a row stands in the support database that the registry does not have as planted")
		}
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets t LEFT JOIN customers c ON c.id = t.customer_id WHERE c.id IS NULL"); n != 0 {
		t.Errorf("%d tickets without a customer", n)
	}
}

func ownDomain(domain string) bool {
	return slices.Contains(domains(), domain)
}

func (w *world) addressOf(t *testing.T, p *canary.Planting) string {
	t.Helper()
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		t.Fatal(err)
	}
	at, _ := w.desk.Fact("email")
	return image.Get(image.Customer(), at).Text()
}

// wantStanding compares one planted canary with its rows.
func (w *world) wantStanding(t *testing.T, p *canary.Planting) {
	t.Helper()
	customer, tickets := keysOf(t, *p)
	if n := w.number(t, "SELECT COUNT(*) FROM customers WHERE id = ? AND email = ?", customer, w.addressOf(t, p)); n != 1 {
		t.Errorf("canary %s: %d rows with its key and address", p.ID, n)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM tickets WHERE customer_id = ?", customer); n != len(tickets) {
		t.Errorf("canary %s: %d tickets, %d registered", p.ID, n, len(tickets))
	}
	for _, tok := range p.Tokens {
		if !tok.Window.From.Come() && !tok.Window.Until.Come() {
			t.Errorf("canary %s: the window of %s has no beginning", p.ID, tok.Token)
		}
	}
}

func (w *world) number(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := w.db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) strings(t *testing.T, query string, args ...any) []string {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() // rows.Err tells
	var out []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s.String)
	}
	if err := errors.Join(rows.Err()); err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := w.db.ExecContext(context.WithoutCancel(t.Context()), query, args...); err != nil {
		t.Fatal(err)
	}
}

func source() *rand.Rand { return rand.New(rand.NewPCG(5, 6)) }
