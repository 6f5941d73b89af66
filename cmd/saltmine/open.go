package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/seeder"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// core is an opened configuration with its registry.
type core struct {
	cfg  *conf.Config
	keys *seal.Keys
	reg  *registry.Registry
}

func (a *app) openCore(ctx context.Context) (*core, error) {
	cfg, keys, err := a.load()
	if err != nil {
		return nil, err
	}
	reg, err := registry.Open(ctx, registry.Config{DSN: registryDSN(cfg), Vault: keys.Vault, Now: a.now, Log: a.quietLogger(), Pool: poolRules(cfg)})
	if err != nil {
		return nil, err
	}
	return &core{cfg, keys, reg}, nil
}

func (c *core) close() error { return c.reg.Close() }

func registryDSN(cfg *conf.Config) string {
	if src := cfg.Registry.Source; src.Engine == conf.MySQL {
		return "mysql://" + src.DSN.Reveal()
	}
	return "sqlite:" + cfg.Registry.Source.Path
}

// support is one support database, opened through its recipe.
type support struct {
	name   string
	db     *supportdb.DB
	seeder *seeder.Seeder
	place  canary.Place
}

func (s *support) close() error { return s.db.Close() }

// chooseSupport finds the configuration of a support database: the one that is
// named, or the only one there is.
func chooseSupport(cfg *conf.Config, name string) (string, conf.Support, error) {
	names := slices.Sorted(maps.Keys(cfg.Support))
	switch {
	case len(names) == 0:
		return "", conf.Support{}, usage("the configuration names no support database: add a section [support.main]")
	case name == "" && len(names) > 1:
		return "", conf.Support{}, usage("there are several support databases (%s): choose one with --support NAME", strings.Join(names, ", "))
	case name == "":
		name = names[0]
	}
	s, ok := cfg.Support[name]
	if !ok {
		return "", conf.Support{}, usage("there is no section [support.%s]; there is %s", name, strings.Join(names, ", "))
	}
	return name, s, nil
}

// openDatabase opens a support database within the bounds of its section.
// openDatabase opens a support database; opened hears of its sessions, nil if nobody.
func openDatabase(ctx context.Context, sc conf.Support, opened func(context.Context, uint32) error) (*supportdb.DB, error) {
	zone, err := time.LoadLocation(sc.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("open support database: %w", err)
	}
	return supportdb.OpenWith(ctx, sc.Source.DSN.Reveal(), supportdb.Settings{
		Load: supportdb.Load{RowsPerSecond: sc.ReadRateMax, Statement: sc.StatementTimeMax}, Attributes: sc.Attributes, Zone: zone, Opened: opened,
	})
}

// notes keeps which sessions in the database of a place are ours: what is read in them is
// read by design.
func (c *core) notes(place canary.Place) func(context.Context, uint32) error {
	return func(ctx context.Context, session uint32) error { return c.reg.NoteSession(ctx, place, session) }
}

func (a *app) openSupport(ctx context.Context, c *core, name string) (*support, error) {
	name, sc, err := chooseSupport(c.cfg, name)
	if err != nil {
		return nil, err
	}
	place, err := canary.ParsePlace("db:" + name)
	if err != nil {
		return nil, err
	}
	if sc.Recipe == "" {
		return nil, usage("[support.%s] has no recipe: run 'saltmine inspect --write recipe.toml', read it, and set recipe = \"recipe.toml\"", name)
	}
	r, err := loadRecipe(sc.Recipe)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	db, err := openDatabase(ctx, sc, c.notes(place))
	if err != nil {
		return nil, fmt.Errorf("[support.%s]: %w", name, err)
	}
	s, err := newSeeder(ctx, c, db, r, place, a)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("[support.%s]: %w", name, err), db.Close())
	}
	return &support{name: name, db: db, seeder: s, place: place}, nil
}

func newSeeder(ctx context.Context, c *core, db *supportdb.DB, r recipe.Recipe, place canary.Place, a *app) (*seeder.Seeder, error) {
	desk, err := db.Use(ctx, r)
	if err != nil {
		return nil, err
	}
	rule, err := acceptance(c.keys.Accept(), c.cfg)
	if err != nil {
		return nil, err
	}
	return seeder.New(seeder.Config{
		Desk: desk, Ledger: c.reg, Batches: c.reg, Pool: c.reg.PoolItems, Rules: poolRules(c.cfg), Place: place, Accept: rule.Passes, Polled: c.cfg.Mailbox != nil, Now: a.now, Log: a.quietLogger(),
	})
}

// numbers reads the pool's phone numbers; none where none are configured.
func numbers(cfg *conf.Config) ([]string, error) {
	if cfg.Pool.Phones == "" {
		return nil, nil
	}
	list, err := conf.Numbers(cfg.Pool.Phones)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return list, nil
}
