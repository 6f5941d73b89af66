package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/helpdesk"
	"saltmine/internal/inventory"
	"saltmine/internal/mysqlbox"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/token"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// The size of the demo.
const (
	demoCustomers = 2000
	demoTickets   = 3000
	demoCanaries  = 120
	demoDays      = 60
	demoExtracts  = 200
	demoActors    = 40
	demoContacts  = 10  // canaries that the buyer contacts
	demoLeak      = 117 // which of the extracts is leaked
)

func demoDomains() []string {
	return []string{
		"hollowbrook.example", "tinkersfield.example", "marlowpost.example", "greyheron.example", "northlane.example", "oakandash.example",
		"bluegate.example", "fernhill.example", "saltway.example", "merrydown.example",
	}
}

// world is the company of the demo: its support database, its canaries, and
// what its people took out.
type world struct {
	box    *mysqlbox.Box
	sql    *sql.DB
	desk   *supportdb.DB
	reg    *registry.Registry
	keys   *seal.Keys
	seeder *seeder.Seeder
	opened []interface{ Close() error } // in the order of opening
	rng    *rand.Rand

	extracts []canary.Extract
	leaked   canary.Extract
	loot     []row // the rows of the leaked extract
	rotated  int
}

// row is one customer as an extract carries it out.
type row struct {
	first, last, email, country string
	phone, ticket               sql.NullString
}

func (w *world) close() {
	for i := range w.opened {
		w.opened[len(w.opened)-1-i].Close() //nolint:errcheck // the demo is over
	}
}

// fill starts the embedded database and loads customers and tickets.
func (d *story) fill(ctx context.Context) (string, error) {
	d.clock.past = time.Now().UTC().AddDate(0, 0, -demoDays-10).Truncate(24 * time.Hour).Add(7 * time.Hour)
	box, err := mysqlbox.Start(mysqlbox.Config{})
	if err != nil {
		return "", err
	}
	db, err := sql.Open("mysql", box.DSN())
	if err != nil {
		return "", errors.Join(err, box.Close())
	}
	d.world = &world{box: box, sql: db, opened: []interface{ Close() error }{box, db}, rng: rand.New(rand.NewPCG(19, 68000))} //nolint:gosec // a story, not a secret
	step, done := d.app.progress("       loading")
	err = helpdesk.Load(ctx, db, helpdesk.Config{Customers: demoCustomers, Tickets: demoTickets, Seed: 2019, From: d.clock.past.AddDate(-6, 0, 0), To: d.clock.past}, step)
	done()
	if err != nil {
		return "", err
	}
	// The embedded engine searches a table for each check of a foreign key.
	if _, err := db.ExecContext(ctx, "ALTER TABLE tickets DROP FOREIGN KEY tickets_customer_fk"); err != nil {
		return "", err
	}
	var customers, tickets int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM customers").Scan(&customers); err != nil {
		return "", err
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM tickets").Scan(&tickets); err != nil {
		return "", err
	}
	if customers != demoCustomers || tickets != demoTickets {
		return "", fmt.Errorf("the database counts %d customers and %d tickets", customers, tickets)
	}
	return fmt.Sprintf("the database counts %d customers and %d tickets", customers, tickets), d.prepare()
}

// dramaNumbers are numbers that regulators set aside for fiction: Ofcom's
// 07700 900xxx, NANPA's 555-01xx, Arcep's 01 99 00 xx xx, the
// Bundesnetzagentur's 030 23125 xxx.
func dramaNumbers() []string {
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf("+447700900%03d", i), fmt.Sprintf("+33199000%03d", i), fmt.Sprintf("+4930231250%02d", i), fmt.Sprintf("+121255501%02d", i), fmt.Sprintf("+131055501%02d", i))
	}
	return list
}

// demoRules let nothing soak: the demo has no month to wait.
func demoRules() inventory.Rules { return inventory.Rules{Capacity: 100} }

func demoPool() []inventory.Item {
	var items []inventory.Item
	for _, name := range demoDomains() {
		items = append(items, inventory.Item{Kind: inventory.Domain, Text: name})
	}
	for _, number := range dramaNumbers() {
		items = append(items, inventory.Item{Kind: inventory.Phone, Text: number})
	}
	return items
}

// prepare makes the registry's home: keys and configuration.
func (d *story) prepare() error {
	d.stage = &stage{}
	var err error
	if d.stage.receiver, err = newReceiver(); err != nil {
		return err
	}
	if d.world.keys, err = d.freshKeys(); err != nil {
		return err
	}
	return nil
}

func (d *story) freshKeys() (*seal.Keys, error) {
	if err := seal.Generate(d.dir + "/keys"); err != nil {
		return nil, err
	}
	return seal.Load(d.dir + "/keys")
}

// plant has the schema inspected, takes the recipe that is proposed, and plants.
func (d *story) plant(ctx context.Context) (string, error) {
	w := d.world
	var err error
	if w.reg, err = registry.Open(ctx, registry.Config{DSN: "sqlite:" + d.dir + "/saltmine.db", Vault: w.keys.Vault, Now: d.clock.Now}); err != nil {
		return "", err
	}
	w.opened = append(w.opened, w.reg)
	if _, err := w.reg.ImportPool(ctx, demoPool()); err != nil {
		return "", err
	}
	if w.desk, err = supportdb.Open(ctx, w.box.DSN()); err != nil {
		return "", err
	}
	w.opened = append(w.opened, w.desk)
	p, err := w.desk.Inspect(ctx)
	if err != nil {
		return "", err
	}
	desk, err := w.desk.Use(ctx, p.Recipe)
	if err != nil {
		return "", err
	}
	rule, err := token.NewRule(w.keys.Accept(), 64)
	if err != nil {
		return "", err
	}
	w.seeder, err = seeder.New(seeder.Config{Desk: desk, Ledger: w.reg, Batches: w.reg, Pool: w.reg.PoolItems, Rules: demoRules(), Place: "db:support", Accept: rule.Passes, Now: d.clock.Now, Log: d.app.quietLogger()})
	if err != nil {
		return "", err
	}
	step, done := d.app.progress("       planting")
	rep, err := w.seeder.Plant(ctx, seeder.PlantConfig{Batch: "demo", Count: demoCanaries, Seed: []byte("demo"), Bulk: true, Gate: seeder.GateConfig{Off: true}, Progress: step})
	done()
	if err != nil {
		return "", err
	}
	check, err := w.seeder.Verify(ctx, seeder.VerifyConfig{Batch: "demo"})
	if err != nil {
		return "", err
	}
	if check.Verified != demoCanaries || len(check.Findings) > 0 {
		return "", fmt.Errorf("%d of %d canaries stand as planted, %d findings", check.Verified, demoCanaries, len(check.Findings))
	}
	return fmt.Sprintf("%d canaries read back from the database, %d placebo addresses kept apart", check.Verified, rep.Placebos[canary.Email]), nil
}

// pass plays the simulated days: canaries change addresses, people take extracts.
func (d *story) pass(ctx context.Context) (string, error) {
	w := d.world
	step, done := d.app.progress("       days")
	defer done()
	for day := range demoDays {
		d.clock.past = d.clock.past.Add(24 * time.Hour)
		morning := d.clock.past
		rep, err := w.seeder.Rotate(ctx, seeder.RotateConfig{Kind: canary.Email, Count: 2, PlacebosPerEmail: 20})
		if err != nil {
			return "", err
		}
		w.rotated += rep.Rotated
		if err := d.workday(ctx, day); err != nil {
			return "", err
		}
		d.clock.past = morning
		step(day+1, demoDays)
	}
	if _, err := w.reg.ImportExtracts(ctx, w.extracts); err != nil {
		return "", err
	}
	known, err := w.reg.Extracts(ctx)
	if err != nil {
		return "", err
	}
	if len(known) != demoExtracts || len(w.loot) == 0 || w.rotated == 0 {
		return "", fmt.Errorf("%d extracts are known, %d rows leaked, %d addresses changed", len(known), len(w.loot), w.rotated)
	}
	return fmt.Sprintf("%d canary addresses changed in place; %d extracts by %d people are in the log", w.rotated, len(known), demoActors), nil
}

// workday takes the day's extracts: real queries, each logged with the canaries
// whose rows it returned.
func (d *story) workday(ctx context.Context, day int) error {
	w := d.world
	emails, err := w.planted(ctx)
	if err != nil {
		return err
	}
	until := (day + 1) * demoExtracts / demoDays
	for len(w.extracts) < until {
		d.clock.past = d.clock.past.Add(time.Duration(40+w.rng.IntN(80)) * time.Minute)
		n := len(w.extracts)
		where, args := w.question(n)
		rows, err := w.query(ctx, where, args)
		if err != nil {
			return err
		}
		e := canary.Extract{
			ID: canary.ExtractID(fmt.Sprintf("E-%04d", n+1)), Actor: fmt.Sprintf("agent%02d", 1+w.rng.IntN(demoActors)),
			Taken: canary.At(d.clock.past), Place: "db:support", Held: []canary.ID{},
		}
		seen := map[string]bool{}
		for _, r := range rows {
			email := strings.ToLower(r.email) // customers type some with capitals
			if seen[email] {
				continue
			}
			seen[email] = true
			if id, ok := emails[email]; ok {
				e.Held = append(e.Held, id)
			}
		}
		e.Rows = int64(len(seen))
		w.extracts = append(w.extracts, e)
		if n == demoLeak {
			w.leaked, w.loot = e, rows
		}
	}
	return nil
}

// planted maps the addresses that stand now to their canaries.
func (w *world) planted(ctx context.Context) (map[string]canary.ID, error) {
	list, err := w.reg.Plantings(ctx, canary.Filter{})
	if err != nil {
		return nil, err
	}
	emails := map[string]canary.ID{}
	for _, p := range list {
		for _, t := range p.Tokens {
			if t.Kind == canary.Email && t.Window.Until.IsZero() {
				emails[t.Text] = p.ID
			}
		}
	}
	return emails, nil
}

// question makes up what an employee asks the database for.
func (w *world) question(n int) (where string, args []any) {
	if n == demoLeak {
		return "c.language = ?", []any{"en"} // the leak of 2019 took English speakers
	}
	countries := []string{"GB", "US", "DE", "FR", "ES", "IT", "NL", "SE", "PL", "BR"}
	country := countries[w.rng.IntN(len(countries))]
	switch w.rng.IntN(8) {
	case 0:
		return "c.status = ?", []any{"active"} // the weekly report over everybody
	case 1, 2, 3:
		return "c.country = ? AND c.newsletter = ?", []any{country, w.rng.IntN(2)}
	case 4, 5:
		return "c.country = ? AND c.status = ?", []any{country, "active"}
	}
	return "c.country = ?", []any{country}
}

func (w *world) query(ctx context.Context, where string, args []any) ([]row, error) {
	rows, err := w.sql.QueryContext(ctx, "SELECT c.first_name, c.last_name, c.email, c.country, c.phone, t.number FROM customers c LEFT JOIN tickets t ON t.customer_id = c.id WHERE "+where, args...) //nolint:gosec // where is one of the texts above
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.first, &r.last, &r.email, &r.country, &r.phone, &r.ticket); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
