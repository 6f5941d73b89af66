package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/audit/replay"
	"saltmine/internal/conf"
	"saltmine/seeder/supportdb"
)

// scratchSummary is what became of the statements that replay left open.
type scratchSummary struct {
	// Asked were run there, and Answered of them told something. Returned and Excluded are
	// the pairs of a statement and a canary that are open no more.
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Returned int `json:"returned"`
	Excluded int `json:"excluded"`
}

func (s *scratchSummary) text() string {
	return fmt.Sprintf("%d statements that replay left open were run on the scratch server, which took %d of them: of what may have been returned %d was, and %d was not",
		s.Asked, s.Answered, s.Returned, s.Excluded)
}

// scratchTime is after how long the scratch server ends a statement.
const scratchTime = 5 * time.Second

// openScratch makes the scratch database, where --replay-dsn names a server for it.
func (m *importing) openScratch(ctx context.Context, sup *support) error {
	if m.flags.scratch == "" {
		return nil
	}
	if strings.ContainsAny(m.flags.scratch, "@(") || strings.Contains(m.flags.scratch, "://") {
		return usage("--replay-dsn: write the DSN into a file (mode 0600) and name that: everybody on the machine sees what stands here")
	}
	source, err := scratchSource(m.flags.scratch)
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("--replay-dsn: %w", err)}
	}
	if m.scratch, err = sup.db.OpenScratch(ctx, source.DSN.Reveal(), scratchTime); err != nil {
		return fmt.Errorf("--replay-dsn: %w", err)
	}
	return nil
}

// scratchSource reads the file with the DSN. A database's name in it says nothing.
func scratchSource(file string) (conf.Source, error) {
	dsn, err := conf.ReadSecret(file)
	if err != nil {
		return conf.Source{}, err
	}
	text := dsn.Reveal()
	if strings.HasSuffix(text, "/") {
		text += "none"
	}
	source, err := conf.ParseSource(text, ".")
	if err == nil && source.Engine != conf.MySQL {
		err = conf.ErrSource
	}
	return source, err
}

func (m *importing) closeScratch(ctx context.Context) error {
	if m.scratch == nil {
		return nil
	}
	return m.scratch.Close(ctx)
}

func (m *importing) tellScratch() {
	if m.scratch != nil {
		m.out.Scratch = &scratchSummary{Asked: m.run.Asked, Answered: m.run.Answered, Returned: m.run.Found, Excluded: m.run.Cleared}
	}
}

// filler fills the scratch database; nil without one.
func (m *importing) filler() func(context.Context, []replay.Table, []replay.Row) (replay.Server, error) {
	if m.scratch == nil {
		return nil
	}
	return func(ctx context.Context, tables []replay.Table, rows []replay.Row) (replay.Server, error) {
		columns := map[string][]string{}
		for _, t := range tables {
			columns[t.Name] = nil
			for _, c := range t.Columns {
				columns[t.Name] = append(columns[t.Name], c.Name)
			}
		}
		list := make([]supportdb.ScratchRow, len(rows))
		for i := range rows {
			list[i] = supportdb.ScratchRow{Table: rows[i].Table, Values: rows[i].Values, Unknown: rows[i].Unknown}
		}
		return scratchServer{m.scratch}, m.scratch.Fill(ctx, columns, list)
	}
}

// scratchServer answers what replay asks.
type scratchServer struct{ at *supportdb.Scratch }

// Run runs a statement.
func (s scratchServer) Run(ctx context.Context, a *replay.Ask) (ways []map[int]bool, ok bool, err error) {
	return s.at.Run(ctx, &supportdb.ScratchQuery{Text: a.Text, Mode: a.Mode, Zone: a.Zone, Clocks: a.Clocks})
}

// Holds tells whether a row stands as it did.
func (s scratchServer) Holds(row int, a *replay.Ask) bool { return s.at.Holds(row, a.Names) }
