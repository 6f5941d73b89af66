package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"saltmine/internal/api"
	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/exclude"
	"saltmine/internal/heartbeat"
	"saltmine/internal/incident"
	"saltmine/internal/mailauth"
	"saltmine/internal/pager"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

func (a *app) serveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Listen for contacts, page responders, show the console",
		Long: `Runs the ears, the intake, the pager, the console and the scheduled rotation in
one process, until it is told to stop. Contacts are durable in the spool before
the other side gets its yes; what was spooled before a crash is taken in at the
next start.`,
		Example: "  saltmine serve --config /etc/saltmine/saltmine.toml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			s := &server{app: a, core: c, log: a.logger()}
			return s.run(cmd.Context())
		},
	}
}

// server is serve, wired.
type server struct {
	*core
	app  *app
	log  *slog.Logger
	jobs []job

	ready  chan struct{} // closed when every port is taken; may be nil
	spool  *spool.Spool
	ears   *ears
	pager  *pager.Pager
	told   []incident.Route
	sends  map[string]pager.Send
	mails  *mailauth.Worker // nil: nobody asks who sent a mail
	signed *signatures      // what is the company's own
	turn   sync.Mutex       // of intakes and the searcher
	seeks  *incident.Searcher
	pulls  []*puller
	stamps []*stamp.Collector
	filed  chan struct{} // an incident was
}

func (s *server) run(ctx context.Context) (err error) {
	if needsEar(s.cfg) && s.cfg.Core == nil {
		return usage("the configuration has no ear: add at least one of [smtp], [dns], [phone], [ticket], [report], [mailbox], or [[core.pull]] with an edge that has some")
	}
	s.spool, err = spool.Open(spool.Config{Dir: s.cfg.Spool.Dir, MaxBytes: s.cfg.Spool.MaxBytes, Now: s.app.now, Log: s.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.spool.Close()) }()
	if err := s.wire(ctx); err != nil {
		return err
	}
	s.log.Info("ready", "jobs", len(s.jobs))
	s.tell(ctx, heartbeat.Ready)
	if s.ready != nil {
		close(s.ready)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, j := range s.jobs {
		g.Go(func() error {
			if err := j.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
			return nil
		})
	}
	err = g.Wait()
	s.log.Info("stopped")
	return err
}

// wire makes every part and takes every port; nothing runs yet.
func (s *server) wire(ctx context.Context) error {
	rule, err := acceptance(s.keys.Accept(), s.cfg)
	if err != nil {
		return err
	}
	s.ears = &ears{cfg: s.cfg, road: newRoad(s.keys.Core.Lid(), s.spool), rule: rule, seed: s.keys.Accept(), now: s.app.now, log: s.log}
	routes, sends, err := s.routes()
	if err != nil {
		return err
	}
	s.pager = pager.New(pager.Config{Outbox: s.reg.Outbox(), Routes: sends, Enrich: s.enrich, Now: s.app.now, Log: s.log.With("part", "pager")})
	s.told, s.sends, s.filed = routes, sends, make(chan struct{}, 1)
	s.signed = newSignatures(s.cfg, s.app.now)
	if s.mails = s.judging(); s.mails != nil {
		s.jobs = append(s.jobs, job{"mailauth", s.mails.Run})
	}
	s.seeks = incident.NewSearcher(s.taking([16]byte{}, nil), s.reg)
	taking := s.taking(s.spool.ID(), s.spool)
	taking.Looker = s.reg.Looker
	intake := incident.New(taking)
	if err := s.edgeClients(); err != nil {
		return err
	}
	chores, err := s.chores()
	tapes, err2 := s.recordings(s.ears.road.Hear)
	outsiders, err3 := s.witnesses()
	stamping, err4 := s.stamping()
	answers, err5 := s.responses(ctx)
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	if err := s.ears.open(ctx); err != nil {
		return err
	}
	switchJobs, err := s.deadmanJobs()
	if err = errors.Join(err, s.mailboxes(ctx)); err != nil {
		s.ears.close()
		return err
	}
	s.jobs = append(s.jobs, s.ears.jobs...)
	s.jobs = append(s.jobs, job{"intake", intake.Run}, job{"search", s.seeks.Run}, job{"pager", s.pager.Run}, job{"witness", s.witness}, job{"checkpoints", s.checkpoints})
	s.jobs = append(s.jobs, s.updating()...)
	s.jobs = append(s.jobs, outsiders...)
	s.jobs = append(s.jobs, stamping...)
	s.jobs = append(s.jobs, answers...)
	s.jobs = append(s.jobs, s.pullJobs()...)
	s.jobs = append(s.jobs, s.choreJobs(chores)...)
	s.jobs = append(s.jobs, job{"heartbeat", s.beat})
	s.jobs = append(s.jobs, switchJobs...)
	if tapes != nil {
		s.jobs = append(s.jobs, job{"recordings", tapes.Run})
	}
	if err := errors.Join(s.console(ctx), s.admin(ctx)); err != nil {
		s.ears.close()
		return err
	}
	return nil
}

// spoolName is under which name what comes from a spool is filed.
func spoolName(id [16]byte) string { return "spool-" + hex.EncodeToString(id[:8]) }

// taking is the intake's configuration for a spool.
func (s *server) taking(id [16]byte, source incident.Source) incident.Config {
	c := incident.Config{
		Name: spoolName(id), Source: source, Open: s.keys.Core.Open, Finder: s.reg, Filer: filer{s.reg, s.filed}, Blind: s.reg,
		Routes: s.told, Link: s.link, Wake: s.pager.Wake, Stray: s.stray, Known: s.reg.KnownAmong, Marked: s.reg.Marked, Alike: s.reg.Alike, Variants: s.reg.Variants, Unmet: s.reg.Unmet, Call: s.callOf, Rates: s.reg, Written: s.reg.PagesSince, Turn: &s.turn, Now: s.app.now, Log: s.log.With("part", "intake"),
	}
	if s.seeks != nil { // it is not there yet when it is made itself
		c.Searching = s.seeks.Wake
	}
	if len(s.cfg.Own) > 0 {
		c.Senders, c.Signed = s.senders(), s.signed.by
	}
	if s.mails != nil {
		c.Judge, c.Judging = true, s.mails.Wake
	}
	return c
}

// updating tells of what came to incidents after their pages, where that is wanted.
func (s *server) updating() []job {
	if s.cfg.Pager.UpdateEvery == 0 {
		return nil
	}
	u := incident.NewUpdater(incident.UpdaterConfig{
		Untold: s.reg.Untold, Since: s.reg.UpdatesSince, Commit: s.reg.Commit, Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) },
		Link: s.link, Wake: s.pager.Wake, Every: s.cfg.Pager.UpdateEvery, Now: s.app.now, Log: s.log.With("part", "updates"),
	})
	return []job{{"updates", u.Run}}
}

// callOf finds what a call began with.
func (s *server) callOf(ctx context.Context, id canary.ContactID) (*canary.Contact, error) {
	c, err := s.reg.Contact(ctx, id)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil //nolint:nilnil // there may be none
	}
	return c, err
}

// chores are all that serve does by a timetable.
func (s *server) chores() ([]chore, error) {
	rotation, err := s.rotation()
	verifying, err2 := s.verifying()
	pool, err3 := s.poolWatch()
	living, err4 := s.living()
	drills, err5 := s.drilling()
	retaining, err6 := s.retaining()
	return slices.Concat(rotation, verifying, pool, living, drills, retaining), errors.Join(err, err2, err3, err4, err5, err6)
}

func (s *server) link(id canary.IncidentID) string {
	if s.cfg.API == nil {
		return ""
	}
	return s.cfg.API.PublicURL + "/incidents/" + string(id)
}

// originOf is a public address without its path; empty where it names no host, as that
// which follows from listen = ":80".
func originOf(public string) string {
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (s *server) console(ctx context.Context) error {
	if s.cfg.API == nil {
		return nil
	}
	forms, err := people.Forms(originOf(s.cfg.API.PublicURL))
	if err != nil {
		return fmt.Errorf("[api] public_url: %w", err)
	}
	ln, err := s.listen(ctx, "api", s.cfg.API.Listen)
	if err != nil {
		return err
	}
	door := doorOf(s.cfg.API, s.app.now)
	mux := http.NewServeMux()
	mux.Handle("/", console.New(console.Config{
		Incidents: s.reg.Cases, Incident: s.reg.Case, Joined: s.reg.JoinedTo, Notices: s.reg.Notices, Responses: s.reg.Responses, Log: s.log,
		Missing: func(err error) bool { return errors.Is(err, registry.ErrNotFound) }, Door: door, Record: s.reg.Record,
		Deeds: s.reg, Wake: s.pager.Wake, Forms: forms,
		Trace: func(ctx context.Context, id canary.IncidentID) (console.Report, error) {
			return traceDrawn(ctx, s.reg, id, s.app.now())
		},
	}))
	mux.Handle("/v1/", api.New(api.Config{
		Registry: s.reg, Door: door, Wake: s.pager.Wake, Log: s.log.With("part", "api"),
		Second: api.Second{Wanted: s.cfg.NeedsSecond(), Valid: s.cfg.Approval.Valid},
		Trace: func(ctx context.Context, id canary.IncidentID) (any, error) {
			return traceIncident(ctx, s.reg, id, s.app.now())
		},
	}))
	if check := s.exclusions(); check != nil {
		mux.Handle("POST "+exclude.Path, check)
	}
	for path, h := range s.acks() {
		mux.Handle(path, h)
	}
	s.jobs = append(s.jobs, job{"console", webJob(ln, mux, s.log)})
	return nil
}

func (s *server) admin(ctx context.Context) error {
	if s.cfg.Admin == nil {
		return nil
	}
	ln, err := s.listen(ctx, "admin", s.cfg.Admin.Listen)
	if err != nil {
		return err
	}
	s.jobs = append(s.jobs, job{"admin", webJob(ln, (&health{spool: s.spool, ears: s.ears, reg: s.reg, edges: s.edges, stamps: s.stamps, deadman: s.cfg.Deadman, began: s.app.now(), now: s.app.now}).handler(), s.log)})
	return nil
}

func (s *server) listen(ctx context.Context, what, addr string) (net.Listener, error) {
	return s.ears.listen(ctx, what, addr)
}
