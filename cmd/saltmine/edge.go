package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"saltmine/internal/conf"
	"saltmine/internal/pull"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/internal/token"
	"saltmine/internal/webhook"
)

func (a *app) edgeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edge",
		Short: "Run the ears alone, on a machine that knows nothing",
		Long: `Runs the ears and the spool on a machine that faces the internet. It has its
domains, the key of the acceptance rule and the core's public key: no list of
canaries, no registry, and nothing with which to read what it has recorded. The
core pulls from it and trims it; the edge itself opens no connection to it.

'saltmine edge enroll' sets one up.`,
		Example: "  saltmine edge --config /etc/saltmine/saltmine.toml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := forgetful(); err != nil {
				return err
			}
			roomy()
			return a.edge(cmd.Context())
		},
	}
	cmd.AddCommand(a.enrollCmd(), a.revokeCmd())
	return cmd
}

// wiper makes the garbage collector write over what it frees. Go reads the
// setting when a process starts, so the edge starts itself once more.
const wiper = "clobberfree=1"

func forgetful() error {
	const name = "GODEBUG"
	now := os.Getenv(name)
	if strings.Contains(now, wiper) {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	env := append(os.Environ(), name+"="+strings.TrimPrefix(now+","+wiper, ","))
	if err := syscall.Exec(self, os.Args, env); err != nil { //nolint:gosec // itself, as it was started
		return fmt.Errorf("edge: start again with %s=%s: %w", name, wiper, err)
	}
	return nil
}

// What the collector may let grow: it is run to forget, not to save, and every
// fifth of a flood's processor time would be its own.
const (
	edgeGarbage = 400       // percent of what is in use
	edgeMemory  = 400 << 20 // bytes, beyond which it saves after all
)

// roomy spends memory for speed, unless the operator has said otherwise.
func roomy() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(edgeGarbage)
		debug.SetMemoryLimit(edgeMemory)
	}
}

// edge runs until ctx ends.
func (a *app) edge(ctx context.Context) (err error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if cfg.Edge == nil {
		return usage("the configuration has no section [edge]: 'saltmine edge enroll' on the core makes one")
	}
	if err := cfg.Blind(); err != nil {
		return &exitError{exitUsage, fmt.Errorf("%s is not an edge's: %w", a.config, err)}
	}
	if needsEar(cfg) {
		return usage("the configuration has no ear: add at least one of [smtp], [dns], [phone], [report]")
	}
	e := &edge{app: a, cfg: cfg, log: a.logger()}
	if e.keys, err = seal.LoadEdge(cfg.Edge.Keys); err != nil {
		return &exitError{exitUsage, err}
	}
	e.spool, err = spool.Open(spool.Config{Dir: cfg.Spool.Dir, MaxBytes: cfg.Spool.MaxBytes, Now: a.now, Log: e.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.spool.Close()) }()
	if err := e.wire(ctx); err != nil {
		return err
	}
	e.log.Info("ready", "jobs", len(e.jobs))
	g, ctx := errgroup.WithContext(ctx)
	for _, j := range e.jobs {
		g.Go(func() error {
			if err := j.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
			return nil
		})
	}
	err = g.Wait()
	e.log.Info("stopped")
	return err
}

// edge is the edge, wired.
type edge struct {
	app   *app
	cfg   *conf.Config
	keys  *seal.EdgeKeys
	spool *spool.Spool
	ears  *ears
	log   *slog.Logger
	jobs  []job
}

func (e *edge) wire(ctx context.Context) error {
	rule, err := acceptance(e.keys.Accept(), e.cfg)
	if err != nil {
		return err
	}
	serving, err := edgeServing(e.cfg)
	if err != nil {
		return err
	}
	e.ears = &ears{cfg: e.cfg, road: newRoad(e.keys.Lid, e.spool), rule: rule, seed: e.keys.Accept(), now: e.app.now, log: e.log}
	began := e.app.now()
	if err := e.ears.open(ctx); err != nil {
		return err
	}
	ln, err := e.ears.listen(ctx, "edge", e.cfg.Edge.Listen)
	if err != nil {
		e.ears.close()
		return err
	}
	h := pull.NewServer(pull.ServerConfig{
		Spool: e.spool, Began: began, Refused: func() time.Time { return e.spool.Stats().LastRefused }, Now: e.app.now, Log: e.log.With("part", "pull"),
	})
	e.jobs = append(e.ears.jobs, job{"pull", e.pull(tls.NewListener(ln, serving), h)}, job{"forget", forget})
	return e.admin(ctx)
}

// edgeServing is how an edge answers the core that it is enrolled with.
func edgeServing(cfg *conf.Config) (*tls.Config, error) {
	id, err := loadIdentity(cfg.Edge.Keys, edgeName)
	if err != nil {
		return nil, err
	}
	core, err := os.ReadFile(certFile(cfg.Edge.Keys, coreName))
	if err != nil {
		return nil, fmt.Errorf("[edge]: %w", err)
	}
	serving, err := id.Serving(core)
	if err != nil {
		return nil, fmt.Errorf("[edge]: %w", err)
	}
	return serving, nil
}

// pull serves the core. A request that waits for a contact ends with the edge.
func (e *edge) pull(ln net.Listener, h http.Handler) func(context.Context) error {
	return func(ctx context.Context) error {
		srv := webhook.Server(h, e.log)
		srv.WriteTimeout = 5 * time.Minute // it waits, and then sends megabytes
		srv.BaseContext = func(net.Listener) context.Context { return ctx }
		return serveJob(ln, srv)(ctx)
	}
}

func (e *edge) admin(ctx context.Context) error {
	if e.cfg.Admin == nil {
		return nil
	}
	ln, err := e.ears.listen(ctx, "admin", e.cfg.Admin.Listen)
	if err != nil {
		e.ears.close()
		return err
	}
	e.jobs = append(e.jobs, job{"admin", webJob(ln, (&health{spool: e.spool, ears: e.ears}).handler(), e.log)})
	return nil
}

// forget has the collector free, and so write over, what was in hand: nothing
// that was heard more than a minute ago is left in memory. What libraries keep for
// the next time outlives one collection, and a second if it was used meanwhile.
func forget(ctx context.Context) error {
	const collections = 3
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for range collections {
				debug.FreeOSMemory()
			}
		}
	}
}

// acceptance is the rule of a configuration.
func acceptance(key []byte, cfg *conf.Config) (token.Rule, error) {
	rule, err := token.NewRule(key, cfg.Pool.AcceptOneIn)
	if err != nil {
		return rule, err
	}
	return rule.Rated(cfg.Pool.Accept)
}
