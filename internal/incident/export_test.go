package incident

import (
	"context"
	"slices"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// Signal is a signal as tests see it.
type Signal struct {
	Severity canary.Severity
	Reason   string
	Clean    bool
}

// Weigh reads a contact and weighs one hit of it.
func Weigh(ctx context.Context, c *canary.Contact, m canary.Match, placebos int) Signal {
	s := weigh(c, read(ctx, c, maxSaid), m, placebos)
	return Signal{s.severity, s.reason, s.clean}
}

// Settle takes in a contact that no spool held.
func (in *Intake) Settle(ctx context.Context, c canary.Contact) error {
	return in.settle(ctx, []canary.Contact{c}, canary.Outcome{})
}

// SettleAll takes in a group that no spool held.
func (in *Intake) SettleAll(ctx context.Context, list []canary.Contact) error {
	return in.settle(ctx, list, canary.Outcome{})
}

// Classify gives the class of a hit, and ClassOf that of its contact.
func Classify(c *canary.Contact, m canary.Match) canary.Class { return classify(c, m) }

// ClassOf gives the class of a contact with such hits.
func ClassOf(c *canary.Contact, of ...canary.Class) canary.Class { return classOf(c, of) }

// Crowd gives the severity of a crowd.
func Crowd(s *canary.Standing, now time.Time) canary.Severity { return crowd(s, now).severity }

// Raise takes a signal into an incident.
func Raise(inc *canary.Incident, sev canary.Severity, reason string) {
	raise(inc, signal{severity: sev, reason: reason})
}

// Deserves reports whether a route is told.
func Deserves(now, limit, last, acked canary.Severity, told bool) bool {
	return deserves(now, limit, last, acked, told)
}

// Names reports whether a text names a person and one of the tickets.
func Names(ctx context.Context, text, name string, tickets []string) (person, ticket bool) {
	r := read(ctx, &canary.Contact{Channel: canary.SMS, Text: text}, maxSaid)
	return r.namesPerson(name), r.namesTicket(tickets)
}

// RateOf is the noise that is expected on a cell of which so much is known.
func RateOf(cell canary.Cell, x canary.Exposure) baserate.Rate {
	return newRated(cell, prior(cell), x).rate
}

// Compose writes the page of an incident.
func Compose(inc *canary.Incident, now time.Time) canary.Page { return compose(inc, now, "") }

// Many is how the reason of a crowd begins.
const Many = manyCanaries

// InCommon gives how many runs of words two texts share, and how many the first has.
func InCommon(ctx context.Context, a, b *canary.Contact) (shared, of int) {
	runs, others := runsOf(read(ctx, a, maxSaid).order), runsOf(read(ctx, b, maxSaid).order)
	for _, run := range runs {
		if slices.Contains(others, run) {
			shared++
		}
	}
	return shared, len(runs)
}

// FewestRuns is how many a report shares with what it tells of.
const FewestRuns = fewestRuns

// EnoughRuns is how many texts share that are one author's.
func EnoughRuns(of int) int { return enoughRuns(of) }
