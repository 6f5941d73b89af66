package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// plantFlags are the command line of plant.
type plantFlags struct {
	support, batch, segment string
	strata                  []string
	weights                 []string
	count                   int
	bulk, dryRun, force     bool
	dates, with, over       string
	form                    bool // of export-form
}

func (a *app) plantCmd() *cobra.Command {
	var f plantFlags
	cmd := &cobra.Command{
		Use:   "plant --count K",
		Short: "Put canaries into the support database",
		Long: `Registers K canaries with their placebos, then inserts each with its tickets in
one transaction. --dry-run shows the exact SQL and writes nothing anywhere.

A run that was cut off is resumed by the same command: without --batch the
unfinished run of this support database is carried on to exactly its count. With
--batch NAME the command may be repeated at will: when the batch is complete it
does nothing.

Addresses and numbers come from the pool ('saltmine pool list'). Canaries' addresses
follow the table's own mix of mail providers as far as the pool's mailboxes go: a
mailbox gets a canary whom its name suits; what is at no large provider in the
table, and what the mailboxes do not suffice for, is on your own domains. Mailboxes
and numbers that soak, rest or run out are not used, and one in ten is held back.
The report says which mailboxes are lacking, and what that gives away.

Before anything is written the gate judges the canaries as somebody would who has
the whole table: it drafts them, at least 200, and tries to tell them from
customers. It refuses what it can tell (exit code 1) and names what gives the
canaries away; see [gate] in the configuration. --force plants all the same, and
that is on the record of the batch, with who forced it and when.

With --over the canaries arrive one by one within that time, at the hours at
which the table's customers sign up: 'saltmine serve' inserts each when its time
has come, and so does 'plant --batch NAME', which says when the next comes.`,
		Example: "  saltmine plant --count 5 --dry-run\n  saltmine plant --count 500 --batch spring\n  saltmine plant --count 50 --segment country=GB,product=home\n  saltmine plant --count 500 --strata country --weight country=US:3\n  saltmine plant --count 40 --over 14d --batch autumn\n  saltmine plant --batch autumn",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.plant(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.count, "count", 0, "how many canaries stand when it is done")
	fl.StringVar(&f.support, "support", "", "`NAME` of the support database, when there are several")
	fl.StringVar(&f.batch, "batch", "", "`NAME` of the run; the same name resumes it")
	fl.StringVar(&f.segment, "segment", "", "only among rows like these: `column=value,…`; columns of the customer table, or the recipe's words")
	fl.StringSliceVar(&f.strata, "strata", nil, "spread them over the values of these `COLUMNS`, in proportion to the rows, each made of its own stratum's customers")
	fl.StringArrayVar(&f.weights, "weight", nil, "with --strata, count rows with a value as so many times as many: `column=value:factor`; may be repeated")
	fl.BoolVar(&f.bulk, "bulk", false, "insert many canaries in one transaction")
	fl.StringVar(&f.dates, "dates", "auto", "when canaries signed up: `past` takes keys that the tables have passed over, now comes behind the newest row, auto is the past where there is room")
	fl.StringVar(&f.with, "with", "", "`KINDS` of tokens that every canary is to have, phone and ticket; else they lack them as often as customers do")
	fl.StringVar(&f.over, "over", "", "let them arrive within this `TIME`, such as 14d, among the real sign-ups")
	fl.BoolVar(&f.force, "force", false, "plant what the gate refuses; this is recorded")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show the SQL and what the gate says, write nothing")
	return cmd
}

var batchForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (a *app) plant(ctx context.Context, f plantFlags) (err error) {
	dates, with, err := f.likeness()
	if err != nil {
		return err
	}
	over, err := f.span()
	if err != nil {
		return err
	}
	segment, err := canary.ParseSegment(f.segment)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	weights, err := f.weight()
	if err != nil {
		return err
	}
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	s, err := a.openSupport(ctx, c, f.support)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	unlock, err := c.lock(ctx, s.place)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.importPool(ctx); err != nil {
		return err
	}
	batch, err := a.chooseBatch(ctx, c, s.place, f)
	if err != nil {
		return err
	}
	defer thrifty()()
	learning, step, done := a.plantProgress()
	gate, judged := a.gateOf(c.cfg.Gate, f.force)
	var report seeder.PlantReport
	plan := seeder.PlantConfig{
		Batch: batch, Count: f.count, Segment: segment, Strata: f.strata, Weights: weights,
		PlacebosPerEmail: c.cfg.Pool.PlacebosPerEmail, Bulk: f.bulk, Dates: dates, With: with, Over: over, Gate: gate, DryRun: f.dryRun, Learning: learning, Progress: step,
	}
	err = c.onRecord(ctx, canary.ActPlant, string(batch), f.dryRun, func() (string, error) {
		report, err = s.seeder.Plant(ctx, plan)
		return fmt.Sprintf("%d inserted, %d live", report.Inserted, report.Live), err
	})
	judged()
	done()
	if err != nil {
		a.showRefusal(err)
		return a.cutOff(ctx, c, batch, err)
	}
	return a.print(report, func(w io.Writer) error { return printPlanted(w, report, f.dryRun) })
}

// thrifty collects garbage twice as often until what it returns is called: what
// is learned of a table of millions, with the gate's own figures of it, stays
// well below 256 MB for a tenth more of the processor's time.
func thrifty() (done func()) {
	was := debug.SetGCPercent(50)
	return func() { debug.SetGCPercent(was) }
}

// plantProgress shows first the learning and then the planting.
func (a *app) plantProgress() (learning, step func(done, total int), done func()) {
	learning, learned := a.progress("learning")
	planting, planted := a.progress("planting")
	learned = sync.OnceFunc(learned)
	step = func(n, total int) {
		learned()
		planting(n, total)
	}
	return learning, step, func() {
		learned()
		planted()
	}
}

// likeness checks the flags, and reads those that say what canaries are like.
func (f *plantFlags) likeness() (dates seeder.Dates, with []canary.Kind, err error) {
	if f.count < 1 && (f.batch == "" || f.count < 0) {
		return "", nil, usage("--count K is wanted, 1 or more; or --batch NAME of one that was begun")
	}
	if f.batch != "" && !batchForm.MatchString(f.batch) {
		return "", nil, usage("--batch %q: want 1 to 64 letters, digits, '.', '_' and '-'", f.batch)
	}
	switch f.dates {
	case "auto", "":
	case "past", "now":
		dates = seeder.Dates(f.dates)
	default:
		return "", nil, usage("--dates %q: want auto, past or now", f.dates)
	}
	with, err = f.kinds()
	return dates, with, err
}

// kinds reads --with.
func (f *plantFlags) kinds() (with []canary.Kind, err error) {
	for word := range strings.SplitSeq(f.with, ",") {
		switch kind := canary.Kind(strings.TrimSpace(word)); kind {
		case canary.Phone, canary.Ticket:
			with = append(with, kind)
		case "":
		default:
			return nil, usage("--with %q: want phone, ticket or both", f.with)
		}
	}
	return with, nil
}

// unfinishedError is the error of a run that has begun: the count asked for can
// still be had by the same command.
type unfinishedError struct{ error }

func (e *unfinishedError) Unwrap() error { return e.error }

// cutOff says whether the run that failed can be carried on.
func (a *app) cutOff(ctx context.Context, c *core, batch canary.BatchID, err error) error {
	b, found, _ := c.reg.Batch(context.WithoutCancel(ctx), batch) // a fault of it would not help
	if found && b.Closed.IsZero() {
		return &unfinishedError{err}
	}
	return err
}

// chooseBatch finds the unfinished run of the place, or names a new one.
func (a *app) chooseBatch(ctx context.Context, c *core, place canary.Place, f plantFlags) (canary.BatchID, error) {
	if f.batch != "" {
		return canary.BatchID(f.batch), nil
	}
	if f.dryRun {
		return "dry-run", nil
	}
	open, err := c.reg.UnfinishedBatches(ctx)
	if err != nil {
		return "", err
	}
	for _, b := range open {
		if b.Place != place || b.Form != f.form || b.Over > 0 && !f.began(&b) {
			continue
		}
		if b.Count != f.count && b.Form {
			return "", usage("forms of batch %s (%d) were exported and are not all adopted: 'saltmine adopt --batch %s' first, or name another with --batch", b.ID, b.Count, b.ID)
		}
		if b.Count != f.count {
			return "", usage("batch %s of %d canaries was cut off: finish it first with --count %d, or name another with --batch", b.ID, b.Count, b.Count)
		}
		a.say("resuming batch %s of %d, begun %s", b.ID, b.Count, b.Opened.Format(time.RFC3339))
		return b.ID, nil
	}
	return canary.BatchID(canary.NewID("b")), nil
}

func printDry(w io.Writer, r *seeder.PlantReport) error {
	if err := lines(w, r.Statements); err != nil {
		return err
	}
	if err := printStrata(w, r.Strata); err != nil {
		return err
	}
	if err := printGate(w, "-- ", &r.Gate, true); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "-- dry run: nothing was written; %d more canaries are not shown\n", r.More)
	return err
}

func printPlanted(w io.Writer, r seeder.PlantReport, dryRun bool) error {
	if dryRun {
		return printDry(w, &r)
	}
	_, err := fmt.Fprintf(w, "batch %s: %d of %d canaries stand (%d inserted now, %d found from an earlier run, %d given up)\n",
		r.Batch, r.Live, r.Asked, r.Inserted, r.Adopted, r.Retired)
	if err != nil {
		return err
	}
	if err := printOver(w, r.Over); err != nil {
		return err
	}
	if r.Dates != "" {
		where := map[seeder.Dates]string{seeder.DatesPast: "in the table's past, on keys that it has passed over", seeder.DatesNow: "behind the table's newest rows, of now"}[r.Dates]
		if _, err := fmt.Fprintf(w, "dates: %s\n", where); err != nil {
			return err
		}
	}
	if err := printGate(w, "", &r.Gate, false); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "placebos minted now: %d email, %d phone, %d ticket\n", r.Placebos[canary.Email], r.Placebos[canary.Phone], r.Placebos[canary.Ticket]); err != nil {
		return err
	}
	if err := printStrata(w, r.Strata); err != nil {
		return err
	}
	notes := make([]string, len(r.Warnings))
	for i, warning := range r.Warnings {
		notes[i] = "note: " + warning
	}
	return lines(w, notes)
}
