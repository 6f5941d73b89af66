package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/seeder/salt"
)

// releaseFlags are the command line of extracts release.
type releaseFlags struct {
	to, support             string
	canaries, phones        int
	contactRate, confidence float64
	maxShare                float64
	tickets, force, dryRun  bool
}

const releaseLong = `Copies a list of customers (CSV, TSV or JSON lines, of any size) for one recipient,
with canaries that stand in this copy alone. Whoever is contacted at one of them
was read in this copy, and 'saltmine trace' names it.

The canaries are written in the list's own style and stand where its order wants
them; all else of OUT is IN, byte for byte. They are registered, with their
placebos, before OUT appears. IN is read twice or three times, so it must be a file.

Without --canaries there are as many as it takes to notice a leak with
--confidence when --contact-rate of the leaked rows are contacted, and at most
--max-share of the rows. --dry-run shows what was understood of the list and the
row of a canary that will never exist.

Ticket numbers become tokens when the support database can tell that no customer
has them; --tickets=false does not ask it, and listens for none.

A run that was cut off is finished by the same command. A name belongs to one
list: a second release to the same recipient needs a name of its own.`

func (a *app) releaseCmd() *cobra.Command {
	var f releaseFlags
	cmd := &cobra.Command{
		Use:   "release --to NAME IN OUT",
		Short: "Make one recipient's copy of a list, with canaries of its own",
		Long:  releaseLong,
		Example: `  saltmine extracts release --to acme customers.csv acme.csv --dry-run
  saltmine extracts release --to acme customers.csv acme.csv
  saltmine extracts release --to acme-2025-03 --contact-rate 0.05 --phones 40 customers.jsonl acme.jsonl`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.release(cmd.Context(), f, args[0], args[1])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.to, "to", "", "`NAME` of the recipient: the copy is the place copy:NAME")
	fl.IntVar(&f.canaries, "canaries", 0, "how many canaries; 0 is as many as are needed")
	fl.Float64Var(&f.contactRate, "contact-rate", 0.01, "share of the leaked rows that are contacted")
	fl.Float64Var(&f.confidence, "confidence", 0.99, "probability with which a leak is to be noticed")
	fl.Float64Var(&f.maxShare, "max-share", 0.01, "canaries are at most such a share of the rows")
	fl.IntVar(&f.phones, "phones", -1, "at most so many phone numbers of the pool; -1 is as many as the list's rows have")
	fl.BoolVar(&f.tickets, "tickets", true, "listen for ticket numbers, and ask the support database which are free")
	fl.StringVar(&f.support, "support", "", "`NAME` of the support database, when there are several")
	fl.BoolVar(&f.force, "force", false, "replace OUT where it exists")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be done, write nothing")
	return cmd
}

// check refuses flags that make no sense.
func (f *releaseFlags) check() error {
	between := func(x float64) bool { return x > 0 && x < 1 }
	switch {
	case f.to == "":
		return usage("--to NAME is wanted: who gets the copy")
	case f.canaries < 0:
		return usage("--canaries %d: want 1 or more, or 0 for as many as are needed", f.canaries)
	case !between(f.contactRate):
		return usage("--contact-rate %g: want a share above 0 and below 1", f.contactRate)
	case !between(f.confidence):
		return usage("--confidence %g: want a probability above 0 and below 1", f.confidence)
	}
	if f.canaries == 0 {
		f.canaries = salt.Needed(f.confidence, f.contactRate)
	}
	return nil
}

func (a *app) release(ctx context.Context, f releaseFlags, in, out string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	size, mode, err := checkInput(in, out)
	if err != nil {
		return err
	}
	r := &releasing{app: a, flags: f, in: in, out: out, size: size, mode: mode}
	if err := r.order().Validate(); err != nil {
		return wrongUse(err)
	}
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	s, done, err := a.openSalter(ctx, c, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r.salter = s
	if f.dryRun {
		return r.preview(ctx)
	}
	unlock, err := c.lock(ctx, r.order().Place())
	if errors.Is(err, errBusy) {
		return fmt.Errorf("another release to %s is running; wait until it is done", f.to)
	}
	if err != nil {
		return err
	}
	defer unlock()
	return r.run(ctx)
}

// checkInput refuses what is no file, and OUT that is IN.
func checkInput(in, out string) (size int64, mode os.FileMode, err error) {
	info, err := os.Stat(in)
	if err != nil {
		return 0, 0, fmt.Errorf("release: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, 0, usage("%s is no file: the list is read more than once", in)
	}
	other, err := os.Stat(out)
	switch {
	case err == nil && os.SameFile(info, other):
		return 0, 0, usage("OUT is IN: the list itself stays as it is; name another file")
	case err == nil && !other.Mode().IsRegular():
		return 0, 0, usage("%s is no file: the copy is made beside it and renamed", out)
	}
	return info.Size(), info.Mode().Perm(), nil
}

// openSalter opens what a release needs; done closes it.
func (a *app) openSalter(ctx context.Context, c *core, f releaseFlags) (s *salt.Salter, done func() error, err error) {
	done = func() error { return nil }
	if len(c.cfg.Pool.Domains) == 0 {
		return nil, done, usage("[pool] domains is empty: canaries need addresses on domains that you own")
	}
	phones, err := numbers(c.cfg)
	if err != nil {
		return nil, done, err
	}
	rule, err := acceptance(c.keys.Accept(), c.cfg)
	if err != nil {
		return nil, done, err
	}
	cfg := salt.Config{
		Ledger: c.reg, Batches: c.reg, Extracts: c.reg, Domains: c.cfg.Pool.Domains, Phones: phones,
		PlacebosPerEmail: c.cfg.Pool.PlacebosPerEmail, Accept: rule.Passes, Now: a.now, Log: a.quietLogger(),
	}
	if f.tickets && len(c.cfg.Support) > 0 {
		if cfg.Taken, done, err = openTickets(ctx, c, f.support); err != nil {
			return nil, done, fmt.Errorf("%w; --tickets=false releases without asking for ticket numbers", err)
		}
	}
	s, err = salt.New(cfg)
	if err != nil {
		return nil, done, errors.Join(err, done())
	}
	return s, done, nil
}

// openTickets opens the support database to ask which ticket numbers it has.
func openTickets(ctx context.Context, c *core, name string) (taken func(context.Context, []string) ([]string, error), done func() error, err error) {
	done = func() error { return nil }
	name, sc, err := chooseSupport(c.cfg, name)
	if err != nil {
		return nil, done, err
	}
	if sc.Recipe == "" {
		return nil, done, nil // nothing was planted there yet
	}
	r, err := loadRecipe(sc.Recipe)
	if err != nil {
		return nil, done, &exitError{exitUsage, err}
	}
	db, err := openDatabase(ctx, sc, c.notes(canary.Place("db:"+name)))
	if err != nil {
		return nil, done, fmt.Errorf("[support.%s]: %w", name, err)
	}
	desk, err := db.Use(ctx, r)
	if err != nil {
		return nil, done, errors.Join(fmt.Errorf("[support.%s]: %w", name, err), db.Close())
	}
	at, ok := desk.TicketFact("number")
	if !ok {
		return nil, db.Close, nil
	}
	return func(ctx context.Context, list []string) ([]string, error) { return desk.Taken(ctx, at, list) }, db.Close, nil
}

// releasing is one run of the command.
type releasing struct {
	*app
	flags   releaseFlags
	in, out string
	size    int64
	mode    os.FileMode
	salter  *salt.Salter
	stage   salt.Stage
	step    func(done, total int)
	done    func()
}

func (r *releasing) order() *salt.Order {
	return &salt.Order{
		To: r.flags.to, Canaries: r.flags.canaries, MaxShare: r.flags.maxShare, Phones: r.flags.phones,
		Open: func() (io.ReadCloser, error) { return os.Open(r.in) }, Progress: r.tell,
	}
}

// tell shows how far the stage has come. Bytes are shown in megabytes.
func (r *releasing) tell(stage salt.Stage, done, total int64) {
	const mega = 1 << 20
	if stage != r.stage {
		r.ended()
		unit := " (MB)"
		if stage == salt.Registering {
			unit = ""
		}
		r.stage = stage
		r.step, r.done = r.progress(string(stage) + unit)
	}
	switch stage {
	case salt.Registering:
		r.step(int(done), int(total))
	default:
		r.step(int(done/mega), int(r.size/mega))
	}
}

func (r *releasing) ended() {
	if r.done != nil {
		r.done()
		r.done = nil
	}
}

func (r *releasing) preview(ctx context.Context) error {
	p, err := r.salter.Preview(ctx, *r.order())
	r.ended()
	if err != nil {
		return wrongUse(err)
	}
	return r.print(p, func(w io.Writer) error { return r.printPreview(w, p) })
}

func (r *releasing) run(ctx context.Context) error {
	resume, err := r.checkOutput(ctx)
	if err != nil {
		return err
	}
	err = r.write(ctx, resume)
	r.ended()
	if err == nil {
		return nil
	}
	if begun, _ := r.salter.Unfinished(context.WithoutCancel(ctx), r.flags.to); begun { // a fault of it would not help
		return &unfinishedError{err}
	}
	return wrongUse(err)
}

// checkOutput refuses to replace a file. Where a release was cut off, OUT may be
// what it has written.
func (r *releasing) checkOutput(ctx context.Context) (resume bool, err error) {
	if resume, err = r.salter.Unfinished(ctx, r.flags.to); err != nil {
		return false, err
	}
	if resume {
		r.say("carrying on with a release to %s that was cut off", r.flags.to)
	}
	if _, err := os.Lstat(r.out); err == nil && !r.flags.force && !resume {
		return false, usage("%s exists: name another file, or replace it with --force", r.out)
	}
	return resume, nil
}

// write makes the copy beside OUT and then renames it. The file is opened first:
// where none can be made nothing is registered.
func (r *releasing) write(ctx context.Context, resume bool) error {
	part := filepath.Join(filepath.Dir(r.out), "."+filepath.Base(r.out)+"."+r.flags.to+".part")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, r.mode|0o200)
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	defer os.Remove(part) //nolint:errcheck // after the rename there is none
	defer f.Close()       //nolint:errcheck // after Sync nothing is left to fail
	c, err := r.salter.Prepare(ctx, *r.order())
	if err != nil {
		return err
	}
	if err := errors.Join(c.WriteTo(ctx, f), f.Sync()); err != nil {
		return err
	}
	if resume && !r.flags.force {
		if err := same(part, r.out); err != nil {
			return err
		}
	}
	if err := c.Release(ctx, func() error { return publish(part, r.out) }); err != nil {
		return err
	}
	r.ended()
	report := released{c.Report(), r.out, r.flags.contactRate, salt.Chance(c.Report().Canaries, r.flags.contactRate)}
	return r.print(report, report.Text)
}

// publish makes the copy appear, and the folder durable.
func publish(part, out string) error {
	if err := os.Rename(part, out); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(out))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// wrongUse gives faults of the settings the exit code of wrong use.
func wrongUse(err error) error {
	if errors.Is(err, salt.ErrConfig) {
		return &exitError{exitUsage, err}
	}
	return err
}
