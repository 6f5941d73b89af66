package seeder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// BelieveConfig says what to measure.
type BelieveConfig struct {
	// Rows is how many customers the canaries are compared with, 0 means 20,000.
	Rows int
	// Owned are the domains that belong to us.
	Owned    []string
	Batch    canary.BatchID // only its canaries; empty: all of the place
	Seed     uint64
	Progress func(done, total int) // rows read; may be nil
}

const believeRows = 20_000

// Believable lets the gate measure the canaries that stand in the support
// database against a random sample of its customers.
func (s *Seeder) Believable(ctx context.Context, cfg BelieveConfig) (gate.Report, error) {
	in, err := s.exhibit(ctx, &cfg)
	if err != nil {
		return gate.Report{}, fmt.Errorf("believable: %w", err)
	}
	return gate.Measure(ctx, in)
}

// ExportBelievable writes what the gate would measure, as numbers with a label,
// for other tools, and what the columns mean. The label tells which rows are
// canaries: who has the file has the list.
func (s *Seeder) ExportBelievable(ctx context.Context, cfg BelieveConfig, rows, legend io.Writer) error {
	in, err := s.exhibit(ctx, &cfg)
	if err != nil {
		return fmt.Errorf("believable: %w", err)
	}
	if err := gate.Export(ctx, rows, in); err != nil {
		return err
	}
	return gate.Legend(ctx, legend, in)
}

// exhibit reads what the gate looks at.
func (s *Seeder) exhibit(ctx context.Context, cfg *BelieveConfig) (gate.Input, error) {
	ours, err := s.standingKeys(ctx, cfg.Batch)
	if err != nil {
		return gate.Input{}, err
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x5e1f)) //nolint:gosec // a choice of rows
	sample, err := s.cfg.Desk.Sample(ctx, rng, cmp.Or(cfg.Rows, believeRows), "")
	if err != nil {
		return gate.Input{}, err
	}
	own := map[string]bool{}
	for _, k := range ours {
		own[k] = true
	}
	var theirs []string
	for i := range sample {
		if k := sample[i].Get("key").Text(); !own[k] {
			theirs = append(theirs, k)
		}
	}
	table, flat := s.flattener()
	in := gate.Input{Table: table, Owned: cfg.Owned, Seed: cfg.Seed, Now: s.now()}
	read := func(keys []string, into *[]view.Row) error {
		for group := range slices.Chunk(keys, 500) {
			records, err := s.cfg.Desk.Read(ctx, group)
			if err != nil {
				return err
			}
			for i := range records {
				*into = append(*into, flat(&records[i].Image))
			}
			if cfg.Progress != nil {
				cfg.Progress(len(in.Canaries)+len(in.Real), len(ours)+len(theirs))
			}
		}
		return nil
	}
	return in, errors.Join(read(ours, &in.Canaries), read(theirs, &in.Real))
}

// standingKeys are the keys of the canaries' customer rows.
func (s *Seeder) standingKeys(ctx context.Context, batch canary.BatchID) ([]string, error) {
	standing, err := s.standing(ctx, batch, nil)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(standing))
	for i := range standing {
		image, err := supportdb.DecodeImage(standing[i].Rows)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", standing[i].ID, err)
		}
		keys, err := supportdb.DecodeKeys(standing[i].Keys)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", standing[i].ID, err)
		}
		out = append(out, image.CustomerKey(keys))
	}
	return out, nil
}

// flattener tells how a customer with the tickets becomes one row of the gate:
// the columns of the two tables, and the facts that stand in other parts.
func (s *Seeder) flattener() (view.Table, func(*supportdb.Image) view.Row) {
	desk := s.cfg.Desk
	customer := columnsOf(desk, recipe.CustomerPart, desk.Recipe().CustomerFacts(), desk.Fact)
	ticket := columnsOf(desk, recipe.TicketPart, desk.Recipe().TicketFacts(), desk.TicketFact)
	var table view.Table
	for _, c := range customer {
		table.Customer = append(table.Customer, c.column)
	}
	for _, c := range ticket {
		table.Ticket = append(table.Ticket, c.column)
	}
	read := func(i *supportdb.Image, n int, columns []flatColumn) []view.Value {
		out := make([]view.Value, len(columns))
		for k, c := range columns {
			v := i.Get(n, c.at)
			out[k] = view.Value{Text: v.Text(), Null: v.IsNull()}
			if c.epoch && !v.IsNull() {
				if at, ok := desk.Part(c.at.Part).ParseTime(c.at.Column, v); ok {
					out[k].Text = at.Format(time.DateTime)
				}
			}
		}
		return out
	}
	return table, func(i *supportdb.Image) view.Row {
		row := view.Row{Values: read(i, i.Customer(), customer)}
		for _, n := range i.Tickets() {
			row.Tickets = append(row.Tickets, read(i, n, ticket))
		}
		return row
	}
}

// flatColumn is a column of the gate and where it is read.
type flatColumn struct {
	column view.Column
	at     recipe.Place
	epoch  bool
}

func columnsOf(desk *supportdb.Desk, part string, facts []recipe.Fact, find func(string) (recipe.Place, bool)) []flatColumn {
	roles := map[recipe.Place]view.Role{}
	var out []flatColumn
	for _, f := range facts {
		at, _ := find(f.Word)
		if role := roleOf(f.Word); roles[at] == "" {
			roles[at] = role
		}
		if at.Part != part {
			out = append(out, flatColumn{view.Column{Name: f.Word, Role: roleOf(f.Word)}, at, false})
		}
	}
	p := desk.Part(part)
	for i := range p.Table.Columns {
		c := &p.Table.Columns[i]
		at := recipe.Place{Part: part, Column: c.Name}
		flat := flatColumn{view.Column{Name: c.Name, Role: roles[at]}, at, p.IsTime(c) && !c.IsTime()}
		if p.IsTime(c) || c.Type == "date" {
			flat.column.Kind = view.Time
		}
		out = append(out, flat)
	}
	return out
}

func roleOf(word string) view.Role {
	switch word {
	case "key", "email", "phone", "first_name", "last_name", "name", "created", "updated", "number", "subject", "status":
		return view.Role(word)
	case "segment.country":
		return view.Country
	case "segment.language":
		return view.Language
	}
	if len(word) > 8 && word[:8] == "segment." {
		return view.Segment
	}
	return ""
}
