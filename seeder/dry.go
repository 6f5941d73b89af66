package seeder

import (
	"context"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// dry mints the first canaries and shows what would be sent for them. Neither
// database is written to.
func (r *planting) dry(ctx context.Context) error {
	left := r.cfg.Count - r.report.Live
	if left <= 0 {
		return nil
	}
	shown := min(left, dryShown)
	r.m.due = r.due(shown)
	r.spread(shown)
	r.reportStrata()
	group, err := r.m.group(ctx, r.minted, shown, left, func(_ context.Context, some []canary.Planting) error {
		r.countPlacebos(some)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range group {
		image, err := supportdb.DecodeImage(group[i].Rows)
		if err != nil {
			return err
		}
		r.report.Statements = append(r.report.Statements, r.s.cfg.Desk.InsertStatements(image)...)
	}
	r.report.More = left - shown
	r.warn()
	return nil
}

// checkDesk looks whether rows can be written, and how the table's clock goes.
func (r *planting) checkDesk(ctx context.Context) error {
	check := r.s.cfg.Desk.CheckWrite
	switch {
	case r.cfg.form:
		check = func(context.Context) error { return nil } // nothing is written
	case r.cfg.DryRun:
		check = r.s.cfg.Desk.CheckTriggers
	}
	if err := check(ctx); err != nil {
		return err
	}
	off, err := r.s.cfg.Desk.Off(ctx, r.s.now())
	r.warnOff(off)
	return err
}

// warnOff says that the application's clock seems to be another than ours. In a
// table of a quiet company it may only seem so.
func (r *planting) warnOff(off time.Duration) {
	const set = "set time_zone in its section, or canaries of today are out of order"
	switch hours := off.Abs().Round(time.Minute); {
	case off > 0:
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("the newest row of the support database is dated %s ahead: the application writes local time; %s", hours, set))
	case off < 0:
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("rows came in short order until %s ago: where the application writes local time, %s", hours, set))
	}
}

// lump is how many canaries come in one piece behind the newest row, 0 where they
// are too few for a word.
func (r *planting) lump() int {
	const few = 20
	if r.report.Dates != DatesNow || r.batch.Over > 0 || r.cfg.form || r.report.Asked < few {
		return 0
	}
	return r.report.Asked
}

// warn says what a person should know before planting, or after.
func (r *planting) warn() {
	if r.report.Pool != nil {
		r.report.Warnings = append(r.report.Warnings, r.report.Pool.warnings(r.m.pool)...)
	}
	add := func(n int, format string) {
		if n > 0 {
			r.report.Warnings = append(r.report.Warnings, fmt.Sprintf(format, n))
		}
	}
	if !r.s.cfg.Polled {
		add(len(r.m.polled), "%d canaries have mailboxes that are to be read by IMAP, and there is no section [mailbox]: what arrives there is not heard")
	}
	if r.s.cfg.Desk.Recipe().Ticket.Counter == nil {
		add(r.m.continued, "%d ticket numbers go on after the table's last one: a help desk that keeps its counter elsewhere must be told (ticket.counter in the recipe)")
	}
	add(r.lump(), "%d canaries stand in one piece behind the table's newest row, which the gate does not judge: who leaves out the newest rows leaves them out; with --over they arrive among the sign-ups")
	add(r.m.foreign, "%d canaries have a phone number of another country than their row")
	add(r.m.lack, "%d placebo ticket numbers could not be made: the table has skipped too few")
	if h := r.m.l.neighbours; !h.none() && !h.indexed && h.read < r.s.cfg.Desk.Estimate()*9/10 {
		r.report.Warnings = append(r.report.Warnings, fmt.Sprintf("no index leads to names: that no canary has the name and the town of a customer was looked up among %d customers only", h.read))
	}
	if _, ok := r.s.cfg.Desk.Fact("phone"); ok && !r.m.withPhone {
		r.report.Warnings = append(r.report.Warnings, "canaries have no phone number")
	}
	r.report.Warnings = append(r.report.Warnings, r.s.cfg.Desk.Cautions()...)
}
