package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/incident"
	"saltmine/internal/pull"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

// puller takes in what one edge has heard.
type puller struct {
	name    string
	client  *pull.Client
	silence time.Duration // of so long is told
	log     *slog.Logger
	off     bool // its clock is, and that was said; owned by the job
	// cert is the fingerprint of its certificate, and revoked whether that was seen to be.
	cert    string
	revoked atomic.Bool
}

// mind warns of an edge whose clock is off: its contacts have its time.
func (p *puller) mind() {
	s := p.client.State()
	off := s.Off()
	if off && !p.off {
		p.log.Warn("edge's clock is off: its contacts carry its time", "ahead", s.Ahead.String(), "unsure", s.Unsure.String())
	}
	p.off = off
}

// edgeState is what is known of an edge.
type edgeState struct {
	name    string
	state   pull.State
	silence time.Duration // of so long is told
}

// heard is when it last answered, in seconds since 1970; 0 is never.
func (e *edgeState) heard() float64 {
	if e.state.Heard.IsZero() {
		return 0
	}
	return float64(e.state.Heard.UnixMicro()) / 1e6
}

// edgeClients makes a client for every edge of the configuration.
func (s *server) edgeClients() error {
	for _, p := range s.cfg.Core.Edges() {
		client, err := edgeClient(s.cfg, s.reg, p, s.app.now)
		if err != nil {
			return fmt.Errorf("[[core.pull]] %s: %w", p.Name, err)
		}
		cert, err := edgeCert(s.cfg, p)
		if err != nil {
			return err
		}
		s.pulls = append(s.pulls, &puller{name: p.Name, client: client, cert: cert, silence: p.Silence, log: s.log.With("edge", p.Name)})
	}
	return nil
}

func edgeClient(cfg *conf.Config, reg *registry.Registry, p conf.Pull, now func() time.Time) (*pull.Client, error) {
	id, err := loadIdentity(edgesDir(cfg), coreName)
	if err != nil {
		return nil, err
	}
	return edgeClientAs(cfg, reg, p, id, now)
}

// edgeClientAs makes a client that shows an identity.
func edgeClientAs(cfg *conf.Config, reg *registry.Registry, p conf.Pull, id pull.Identity, now func() time.Time) (*pull.Client, error) {
	cert, err := os.ReadFile(certFile(edgesDir(cfg), p.FileName()))
	if err != nil {
		return nil, &exitError{exitUsage, fmt.Errorf("%w; 'saltmine edge enroll --url %s --out FILE' makes it", err, p.URL)}
	}
	asking, err := id.Asking(cert)
	if err != nil {
		return nil, err
	}
	if reg != nil { // else check says what is wrong with it
		guarded(asking, reg)
	}
	return pull.NewClient(pull.ClientConfig{URL: p.URL, TLS: asking, Poll: p.Silence / 4, Now: now}), nil
}

// checkEdge asks an edge for its name and its clock.
func checkEdge(ctx context.Context, cfg *conf.Config, reg *registry.Registry, p conf.Pull, now func() time.Time) error {
	const patience = 10 * time.Second
	client, err := edgeClient(cfg, reg, p, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := client.Greet(ctx)
	if err == nil && s.Off() {
		err = fmt.Errorf("its clock is off by %s (give or take %s), and its contacts carry its time", s.Ahead.Round(time.Millisecond), s.Unsure.Round(time.Millisecond))
	}
	return err
}

func (s *server) edges() []edgeState {
	var out []edgeState
	for _, p := range s.pulls {
		if p.revoked.Load() {
			continue // it is not missed
		}
		out = append(out, edgeState{p.name, p.client.State(), p.silence})
	}
	return out
}

func (s *server) pullJobs() []job {
	var jobs []job
	for _, p := range s.pulls {
		jobs = append(jobs, job{"pull " + p.name, func(ctx context.Context) error { return s.pullFrom(ctx, p) }})
	}
	if len(jobs) > 0 {
		jobs = append(jobs, job{"edges", s.watchEdges})
	}
	return jobs
}

// pullFrom takes in what an edge hears until ctx ends. An edge that does not
// answer is asked again; one that was set up anew is begun anew.
func (s *server) pullFrom(ctx context.Context, p *puller) error {
	const shortest, longest = time.Second, 30 * time.Second
	for pause := shortest; ctx.Err() == nil; pause = min(2*pause, longest) {
		if s.lost(ctx, p) {
			return nil
		}
		state, err := p.client.Greet(ctx)
		if err == nil {
			pause = shortest
			p.log.Info("edge answers", "began", state.Began, "clock_ahead", state.Ahead.String(), "unsure", state.Unsure.String())
			p.mind()
			if err = s.knowSpool(ctx, p.name, state.Spool); err == nil {
				err = s.takeFrom(ctx, p, state)
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		p.log.Warn("edge will be asked again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// edgePlace is where it is noted which spool an edge has.
func edgePlace(name string) string { return "edge " + name }

// knowSpool tells somebody when an edge has another spool than the last time: what
// the old one still held is lost with it, or was taken.
func (s *server) knowSpool(ctx context.Context, name string, id [16]byte) error {
	place, now := edgePlace(name), hex.EncodeToString(id[:])
	last, err := s.reg.Position(ctx, place)
	if err != nil || last == now {
		return err
	}
	if last != "" {
		raised, err := s.reg.RaiseNotice(ctx, canary.Notice{
			// A scope of its own: that the edge answers does not end it.
			Kind: canary.NoticeEdge, Scope: name + " spool", Mark: now, Severity: canary.P2,
			Text: fmt.Sprintf("edge %s has another spool than before: what the old one held and the core had not taken in is missing", name),
			Next: []string{
				"if you set the edge up anew, or moved it, nothing is wrong: look whether its old disk still holds a spool that was not drained",
				"if nobody did, somebody had the machine: 'saltmine edge enroll' it anew on a clean one",
			},
		}, s.compose())
		if err != nil {
			return err
		}
		if raised {
			s.pager.Wake()
		}
	}
	return s.reg.SetPosition(ctx, place, now)
}

// takeFrom runs the intake of one edge's spool until the edge has another one.
func (s *server) takeFrom(ctx context.Context, p *puller, state pull.State) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := s.taking(state.Spool, &watched{p.client, p, func(ctx context.Context) error { return trusts(ctx, s.reg, p.cert) }, cancel})
	c.Began = p.client.Began
	c.Log = c.Log.With("edge", p.name)
	if err := incident.New(c).Run(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// watched is a client that ends the intake when its spool is gone: the intake
// itself would ask for it again for ever.
type watched struct {
	*pull.Client
	from   *puller
	trusts func(ctx context.Context) error
	gone   context.CancelCauseFunc
}

func (w *watched) look(err error) error {
	if errors.Is(err, pull.ErrOther) {
		w.gone(err)
	}
	return err
}

// Read reads, and notes when the spool is another one. What came from an edge that was
// revoked meanwhile is not handed on.
func (w *watched) Read(ctx context.Context, from spool.Cursor, limit int) ([]spool.Record, error) {
	records, err := w.Client.Read(ctx, from, limit)
	if err == nil && len(records) > 0 {
		if err = w.trusts(ctx); err != nil {
			w.gone(err)
			return nil, err
		}
	}
	return records, w.look(err)
}

// Wait waits, and notes when the spool is another one.
func (w *watched) Wait(ctx context.Context, from spool.Cursor) error {
	return w.look(w.Client.Wait(ctx, from))
}

// Ack acknowledges, and notes when the spool is another one. Its answer also
// tells how the edge's clock goes.
func (w *watched) Ack(ctx context.Context, upTo spool.Cursor) error {
	err := w.Client.Ack(ctx, upTo)
	w.from.mind()
	return w.look(err)
}
