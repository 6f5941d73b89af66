package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/forensics"
	"saltmine/internal/inventory"
)

// planFlags are the command line of plan.
type planFlags struct {
	population, extract, segmentSize       int
	contactRate, confidence                float64
	hits, canaries                         int
	mailboxes, domains, phones             int
	tailShare, callShare                   float64
	changeRate, changeMax                  float64
	turnover, tickets                      float64
	rotateEvery, schedule                  string
	lifetime, presence, rest, horizon      string
	segments                               []string
	perDay                                 []int
	priceDomain, priceNumber, priceMailbox float64
	plot                                   string

	// what the texts say
	every, stand, spell, quarantine, back time.Duration
	ticks                                 cron.Schedule
	now                                   time.Time
	parts                                 []forensics.Share
}

const planLong = `Says how many canaries a leak must meet to be seen, on how many domains, mailboxes
and numbers, how long it takes, and how narrow the access window becomes. It is
arithmetic: it needs no configuration and no database, and changes nothing.

Assume a leak: a thief carries off --extract of --population rows, and
--contact-rate of those are then contacted. Only contacts count: at a rate of
0.01 it takes ten times the canaries that it takes at 0.1. When thieves want one
part of the table (English speakers, say), keep the canaries to it and give its
rows as --segment-size; --segment spreads them over several, and says what each takes
by itself: canaries, own domains and numbers with which an extract of it alone is met.

Without --canaries it plans for --hits hits with --confidence; with it, for the
canaries that there are. --mailboxes, --domains and --phones are what there is;
what is left out is counted up to what is needed.

Tokens change at most --change-rate-max times as often as the table's own rows,
which change --change-rate times a year: what is faster is seen by whoever
compares two copies. --rotate-every plans for another pace, and says how plainly
that shows. What is not given here is what 'saltmine serve' does by default:
give what your [support], [pool] and [rotate] say.`

const planExample = `  saltmine plan --population 12000000 --extract 68000 --contact-rate 0.01
  saltmine plan --population 12000000 --extract 68000 --contact-rate 0.01 --segment-size 3000000 --hits 5
  saltmine plan --population 12000000 --extract 68000 --contact-rate 0.1 --canaries 20000 --mailboxes 18000 --domains 60
  saltmine plan --population 12000000 --extract 68000 --contact-rate 0.1 --segment en:3000000:8 --segment rest:9000000:2
  saltmine plan --population 12000000 --extract 68000 --contact-rate 0.1 --rotate-every 30d --plot plan.svg`

func (a *app) planCmd() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:     "plan --population N --extract n --contact-rate f",
		Short:   "Say how many canaries it takes, how soon a leak is seen, and how closely it is dated",
		Long:    planLong,
		Example: planExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.read(cmd.Flags().Changed); err != nil {
				return err
			}
			f.now = a.now().UTC()
			return a.plan(&f)
		},
	}
	f.declare(cmd)
	return cmd
}

func (f *planFlags) declare(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&f.population, "population", 0, "`ROWS` of the table")
	fl.IntVar(&f.extract, "extract", 0, "`ROWS` that the thief carries off")
	fl.Float64Var(&f.contactRate, "contact-rate", 0, "`SHARE` of them that is contacted, above 0 and at most 1")
	fl.IntVar(&f.hits, "hits", 3, "canaries to be contacted; with fewer than 3 the first suspect is often wrong")
	fl.Float64Var(&f.confidence, "confidence", 0.95, "`SHARE` of such leaks in which that is to happen")
	fl.IntVar(&f.segmentSize, "segment-size", 0, "`ROWS` of the part that both the thief and the canaries keep to; 0 is the whole table")
	fl.IntVar(&f.canaries, "canaries", 0, "canaries that there are; 0 plans for as many as are needed")
	fl.IntVar(&f.mailboxes, "mailboxes", -1, "mailboxes at large providers that there are; -1 is as many as are needed")
	fl.IntVar(&f.domains, "domains", -1, "own domains that there are; -1 is as many as fit in")
	fl.IntVar(&f.phones, "phones", 0, "phone numbers that there are")
	fl.Float64Var(&f.tailShare, "tail-share", 0.08, "`SHARE` of customers whose address is not at a large provider")
	fl.Float64Var(&f.callShare, "call-share", 0.8, "`SHARE` of contacts that are calls, where a row has a number")
	support, rotate := conf.DefaultSupport(), conf.DefaultRotate()
	fl.Float64Var(&f.changeRate, "change-rate", support.ChangeRate, "how often a customer's address changes, per `YEAR`: 'saltmine rotate --dry-run' says what was measured")
	fl.Float64Var(&f.changeMax, "change-rate-max", support.ChangeRateMax, "how many `TIMES` that rate canaries may change")
	fl.StringVar(&f.rotateEvery, "rotate-every", "", "change every canary's token so often, whatever the table does: `30d`")
	fl.StringVar(&f.lifetime, "lifetime", inDays(rotate.Lifetime), "an address on an own domain stands in a row for so `LONG` at least")
	fl.StringVar(&f.presence, "presence-lifetime", inDays(rotate.PresenceLifetime), "a mailbox or number does for so `LONG` at least")
	fl.StringVar(&f.rest, "quarantine", inDays(inventory.Defaults().Quarantine), "a mailbox or number rests for so `LONG` between two rows")
	fl.StringVar(&f.horizon, "horizon", inDays(rotate.Horizon), "how far `BACK` a leak is to be dated")
	fl.StringVar(&f.schedule, "schedule", rotate.Schedule, "when tokens are changed: a `CRON` text of five fields, in UTC")
	fl.Float64Var(&f.turnover, "turnover", 0, "`SHARE` of canaries that sign up in a year; as many are withdrawn")
	fl.Float64Var(&f.tickets, "tickets", 0, "tickets that a canary opens in a `YEAR` and contacts quote")
	fl.IntSliceVar(&f.perDay, "per-day", []int{20, 100, 500}, "contacts in a `DAY` to give times for")
	fl.StringArrayVar(&f.segments, "segment", nil, "spread the canaries: `NAME:ROWS:WEIGHT`, once for each segment")
	fl.Float64Var(&f.priceDomain, "price-domain", 10, "`PRICE` of a domain for a year")
	fl.Float64Var(&f.priceNumber, "price-number", 1.15, "`PRICE` of a number for a month")
	fl.Float64Var(&f.priceMailbox, "price-mailbox", 1, "`PRICE` of a mailbox for a month")
	fl.StringVar(&f.plot, "plot", "", "also draw it, as SVG, in `FILE`, which must not exist")
}

// The most that is asked for: beyond it sums take long and mean nothing.
const (
	mostPlanRows = 100_000_000_000
	mostPlanHits = 10_000
)

// read checks the flags and reads their texts.
func (f *planFlags) read(given func(string) bool) error {
	for _, name := range []string{"population", "extract", "contact-rate"} {
		if !given(name) {
			return usage("--%s is wanted (see: saltmine plan --help)", name)
		}
	}
	for _, v := range []struct {
		name      string
		v         float64
		low, high float64
	}{
		{"population", float64(f.population), 1, mostPlanRows},
		{"extract", float64(f.extract), 1, mostPlanRows},
		{"contact-rate", f.contactRate, math.SmallestNonzeroFloat64, 1},
		{"hits", float64(f.hits), 1, mostPlanHits},
		{"confidence", f.confidence, 0.001, 0.999999},
		{"segment-size", float64(f.segmentSize), 0, mostPlanRows},
		{"canaries", float64(f.canaries), 0, mostPlanRows},
		{"mailboxes", float64(f.mailboxes), -1, mostPlanRows},
		{"domains", float64(f.domains), -1, mostPlanRows},
		{"phones", float64(f.phones), 0, mostPlanRows},
		{"tail-share", f.tailShare, 0, 1},
		{"call-share", f.callShare, 0, 1},
		{"change-rate", f.changeRate, 0, 365},
		{"change-rate-max", f.changeMax, 0, 100},
		{"turnover", f.turnover, 0, 365},
		{"tickets", f.tickets, 0, 365},
		{"price-domain", f.priceDomain, 0, 1e6},
		{"price-number", f.priceNumber, 0, 1e6},
		{"price-mailbox", f.priceMailbox, 0, 1e6},
	} {
		if !(v.v >= v.low && v.v <= v.high) { // NaN is in no range
			return usage("--%s %s: want %s", v.name, plainNumber(v.v), within(v.low, v.high))
		}
	}
	if err := f.readRows(); err != nil {
		return err
	}
	return cmp.Or(f.readTimes(), f.readSegments())
}

func within(low, high float64) string {
	if low == math.SmallestNonzeroFloat64 {
		return fmt.Sprintf("above 0 and at most %s", plainNumber(high))
	}
	return fmt.Sprintf("%s to %s", plainNumber(low), plainNumber(high))
}

func plainNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// readRows checks what must fit into what.
func (f *planFlags) readRows() error {
	switch {
	case f.segmentSize > f.population:
		return usage("--segment-size %d: the table has only --population %d rows", f.segmentSize, f.population)
	case f.extract > f.rows():
		return usage("--extract %d: that is more than all %d rows", f.extract, f.rows())
	case f.canaries > f.rows():
		return usage("--canaries %d: more canaries than customers", f.canaries)
	case f.domains == 0:
		return usage("--domains 0: want 1 or more; leave it out to have them counted")
	case f.segmentSize > 0 && len(f.segments) > 0:
		return usage("--segment-size and --segment: want one of them")
	}
	for _, n := range f.perDay {
		if n < 1 || n > mostPlanRows {
			return usage("--per-day %d: want 1 or more", n)
		}
	}
	if err := f.leak().Check(); err != nil {
		return &exitError{exitUsage, fmt.Errorf("--contact-rate: %w", err)}
	}
	if c := f.leak().Contacted(); f.hits > c {
		return usage("--hits %d: only %d of the %d rows are contacted at --contact-rate %s", f.hits, c, f.extract, plainNumber(f.contactRate))
	}
	return nil
}

func (f *planFlags) readTimes() error {
	for _, d := range []struct {
		name, text string
		least      time.Duration
		into       *time.Duration
	}{
		{"rotate-every", cmp.Or(f.rotateEvery, "0s"), 0, &f.every},
		{"lifetime", f.lifetime, time.Hour, &f.stand},
		{"presence-lifetime", f.presence, time.Hour, &f.spell},
		{"quarantine", f.rest, 0, &f.quarantine},
		{"horizon", f.horizon, 24 * time.Hour, &f.back},
	} {
		v, err := conf.ParseDuration(d.text)
		if err != nil {
			return usage("--%s: %w", d.name, err)
		}
		if v < d.least || v > 36525*24*time.Hour {
			return usage("--%s %s: want %s to 36525d", d.name, d.text, d.least)
		}
		*d.into = v
	}
	if f.rotateEvery != "" && f.every < time.Hour {
		return usage("--rotate-every %s: want 1h or more", f.rotateEvery)
	}
	ticks, err := timetable("--schedule", f.schedule)
	f.ticks = ticks
	return err
}

// inDays writes a time as flags take it.
func inDays(d time.Duration) string { return fmt.Sprintf("%.0fd", days(d)) }

// readSegments reads NAME:ROWS:WEIGHT.
func (f *planFlags) readSegments() error {
	sum := 0
	for _, text := range f.segments {
		name, rest, _ := strings.Cut(text, ":")
		rows, weight, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(rows)
		w, err2 := strconv.ParseFloat(weight, 64)
		if name == "" || err != nil || err2 != nil || n < 1 || n > f.population || !(w > 0 && w <= 1e9) {
			return usage("--segment %q: want NAME:ROWS:WEIGHT, such as en:3000000:8, with weights above 0", text)
		}
		if sum += n; sum > f.population {
			return usage("--segment: together they have more rows than --population %d", f.population)
		}
		f.parts = append(f.parts, forensics.Share{Name: name, Rows: n, Weight: w})
	}
	return nil
}

// rows are those that the thief takes from.
func (f *planFlags) rows() int { return cmp.Or(f.segmentSize, f.population) }

func (f *planFlags) leak() forensics.Leak {
	return forensics.Leak{Rows: f.rows(), Extract: f.extract, Rate: f.contactRate}
}

func (a *app) plan(f *planFlags) error {
	p, err := makePlan(f)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if f.plot != "" {
		if err := writeNew(f.plot, p.svg()); err != nil {
			return err
		}
	}
	return a.print(p, func(w io.Writer) error { return p.text(w) })
}
