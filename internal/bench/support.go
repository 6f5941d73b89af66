package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"saltmine/internal/helpdesk"
)

// ticketShare is how many customers there are for one ticket.
const ticketShare = 5

// compareSupport measures the program beside MariaDB's client on a support
// database of MariaDB.
func compareSupport(ctx context.Context, p *plan, t *table) (err error) {
	m, err := startMariaDB(ctx, filepath.Join(p.dir, "mariadb"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	w := &planter{mariadb: m, dir: p.dir, program: filepath.Join(p.dir, "saltmine")}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", w.program, "./cmd/saltmine").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	began := time.Now()
	if err := fill(ctx, m, p.customers); err != nil {
		return err
	}
	fmt.Printf("support database: %d customers, %d tickets, made in %.0f s\n", p.customers, p.customers/ticketShare, time.Since(began).Seconds())
	learning, err := compareLearning(ctx, p, w)
	if err != nil {
		return err
	}
	bulk, err := compareBulk(ctx, p, w)
	t.comparisons = append(t.comparisons, learning, bulk)
	return err
}

// fill makes the tables of a help desk. Indexes come last: building them row by
// row would take most of the time.
func fill(ctx context.Context, m *mariadb, customers int) error {
	to := time.Now().UTC().Add(-time.Hour)
	d, err := helpdesk.New(helpdesk.Config{Customers: customers, Tickets: customers / ticketShare, Seed: 1, From: to.AddDate(-6, 0, 0), To: to})
	if err != nil {
		return err
	}
	isTable := func(s string) bool { return strings.HasPrefix(s, "CREATE TABLE") }
	if err := m.run(ctx, desk, slices.DeleteFunc(helpdesk.Schema(), func(s string) bool { return !isTable(s) })...); err != nil {
		return err
	}
	err = m.load(ctx, "customers", func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		for c := range d.Customers() {
			phone := `\N`
			if c.Phone != nil {
				phone = *c.Phone
			}
			newsletter := 0
			if c.Newsletter {
				newsletter = 1
			}
			fmt.Fprintf(b, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", c.ID, c.FirstName, c.LastName, c.Email, phone, c.Country, c.Language, //nolint:errcheck // Flush has it
				c.Product, newsletter, c.Status, c.Created.Format(time.DateTime), c.Updated.Format(time.DateTime))
		}
		return b.Flush()
	})
	if err != nil {
		return err
	}
	err = m.load(ctx, "tickets", func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		for t := range d.Tickets() {
			fmt.Fprintf(b, "%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Number, t.CustomerID, t.Subject, t.Status, t.Priority, t.Channel, //nolint:errcheck // Flush has it
				t.Created.Format(time.DateTime), t.Updated.Format(time.DateTime))
		}
		return b.Flush()
	})
	if err != nil {
		return err
	}
	return m.run(ctx, desk, slices.DeleteFunc(helpdesk.Schema(), isTable)...)
}

// planter runs the program on the support database.
type planter struct {
	mariadb *mariadb
	dir     string
	program string
}

// ownDomains is how many domains the canaries are on: a hundred on each.
const ownDomains = 100

// settings are those of a registry that is used once, with the placebos that
// are usual.
func settings() string {
	domains := make([]string, ownDomains)
	for i := range domains {
		domains[i] = fmt.Sprintf("%q", fmt.Sprintf("own%d.example", i))
	}
	return `[registry]
dsn = "sqlite:saltmine.db"
keys = "keys/"
[support.main]
dsn_file = "support.dsn"
recipe = "generic"
read_rate_max = 0
[pool]
domains = [` + strings.Join(domains, ", ") + `]
domain_capacity = 1000000
soak = "0d"
[spool]
dir = "spool/"
`
}

// planted is what one run of plant did.
type planted struct {
	Live    int                `json:"live"`
	Seconds map[string]float64 `json:"seconds"`
	peak    int64              // bytes of memory
}

// plant runs the program with a new registry.
func (w *planter) plant(ctx context.Context, args ...string) (out planted, err error) {
	home, err := os.MkdirTemp(w.dir, "core-")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	if err := finish(exec.CommandContext(ctx, w.program, "init", home)); err != nil {
		return out, err
	}
	for name, text := range map[string]string{"saltmine.toml": settings(), "support.dsn": "mysql://bench@" + w.mariadb.addr + "/" + desk} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			return out, err
		}
	}
	cmd := exec.CommandContext(ctx, w.program, append([]string{"--config", filepath.Join(home, "saltmine.toml"), "--output", "json", "plant"}, args...)...)
	cmd.Stderr = os.Stderr
	report, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("saltmine plant: %w", err)
	}
	if err := json.Unmarshal(report, &out); err != nil {
		return out, fmt.Errorf("saltmine plant: %w", err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		out.peak = usage.Maxrss << 10 // Linux counts in KiB
	}
	return out, nil
}
