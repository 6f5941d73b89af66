package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/drill"
)

// staging is what a drill is to be.
type staging struct {
	extract  canary.ExtractID // empty: of no real rows
	count    int              // canaries, where no extract is named
	fraction float64          // of them that are contacted
	delay    time.Duration    // over which
	route    string           // of the pages
	wait     time.Duration    // for what was made to come through
}

// stagedDrill is the report of a drill.
type stagedDrill struct {
	Drill    canary.DrillID   `json:"drill,omitempty"` // empty on a dry run
	Began    time.Time        `json:"began"`
	Extract  canary.ExtractID `json:"extract,omitempty"`
	Route    string           `json:"route"`
	Canaries int              `json:"canaries"` // in the extract
	Contacts int              `json:"contacts"` // that were to be made
	Fronts   []stagedFront    `json:"fronts"`
	Heard    int              `json:"heard"` // contacts that came through
	// Coverage is the part of the contacts that did.
	Coverage float64           `json:"coverage"`
	Incident canary.IncidentID `json:"incident,omitempty"`
	Severity string            `json:"severity,omitempty"`
	// PageAfter is the time from the first contact to the first page that the route
	// accepted, in milliseconds; 0 when there was none.
	PageAfter int64 `json:"page_after_ms"`
	Pages     int   `json:"pages"`
	// Rank is the place of the extract among the suspects, from 1; 0 when there is
	// none, and RankWhy says why.
	Rank    int      `json:"rank"`
	Of      int      `json:"of,omitempty"` // suspects
	RankWhy string   `json:"rank_why,omitempty"`
	Faults  []string `json:"faults"`
}

// stagedFront is what became of one front.
type stagedFront struct {
	Front  string `json:"front"`
	Leaves bool   `json:"leaves_this_machine"`
	Why    string `json:"why"`
	// Left is why it was left out.
	Left  string `json:"left_out,omitempty"`
	Made  int    `json:"made"`
	Heard int    `json:"heard"`
	Fault string `json:"fault,omitempty"` // of the last contact that could not be made
}

// shutDrillTime is what is left to end a drill that is told to stop.
const shutDrillTime = 10 * time.Second

func (a *app) drillCmd() *cobra.Command {
	var s staging
	var extract string
	var dry, schedule bool
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Stage a leak through every front to the pager, and score what comes of it",
		Long: `Makes the contacts of a leak at the fronts, over real sockets: mails, names asked,
text messages of the phone providers whose requests can be signed here. They go to
tokens of the drill's own, which stand in no table and count nowhere, and each
carries a mark that only this system can make, once. 'saltmine serve' must be
running: it takes them in and sends the pages to the chosen route, as a drill's, or
to nobody.

With --extract the drill's tokens stand for the canaries of a known extract, and the
trace is scored: at which place the extract comes. Exit code 1 when a front stayed
silent or no page came. Without flags [drill] of the configuration says what is staged.`,
		Example: "  saltmine drill --dry-run\n  saltmine drill --extract E-117 --fraction 0.3 --delay 1m --route on-call\n  saltmine drill --schedule",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.extract = canary.ExtractID(extract)
			return a.withCore(cmd.Context(), func(c *core) error {
				if schedule {
					return a.drillSchedule(cmd.Context(), c)
				}
				set := func(flag string) bool { return cmd.Flags().Changed(flag) }
				if err := s.complete(c.cfg, set); err != nil {
					return err
				}
				return a.drill(cmd.Context(), c, s, dry)
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&extract, "extract", "", "stage that this known extract leaked: its `ID`")
	fl.IntVar(&s.count, "count", 0, "stage an extract of `N` canaries that are nobody's")
	fl.Float64Var(&s.fraction, "fraction", 0, "which part of its canaries is contacted")
	fl.DurationVar(&s.delay, "delay", 0, "spread the contacts over this time")
	fl.StringVar(&s.route, "route", "", "`NAME` of the route for the pages; none: nobody is told")
	fl.DurationVar(&s.wait, "wait", 2*time.Minute, "how long after the last contact something may come through")
	fl.BoolVar(&dry, "dry-run", false, "say what would be done, and whether it leaves this machine")
	fl.BoolVar(&schedule, "schedule", false, "say when serve stages its next drills, and how the last ended")
	cmd.MarkFlagsMutuallyExclusive("extract", "count")
	return cmd
}

// complete takes from the configuration what was not said.
func (s *staging) complete(cfg *conf.Config, set func(flag string) bool) error {
	if !set("count") {
		s.count = cfg.Drill.Count
	}
	if !set("fraction") {
		s.fraction = cfg.Drill.Fraction
	}
	if !set("delay") {
		s.delay = cfg.Drill.Delay
	}
	if !set("route") {
		s.route = cfg.Drill.Route
	}
	if s.route != "" && !slices.ContainsFunc(cfg.Routes, func(r conf.Route) bool { return r.Name == s.route }) {
		return usage("--route %q: no [[route]] is called so", s.route)
	}
	if s.route == "" {
		s.route = canary.Muted
	}
	return s.check()
}

func (s *staging) check() error {
	switch {
	case s.count < 1 || s.count > mostStaged:
		return usage("--count %d: want 1 to %d", s.count, mostStaged)
	case !(s.fraction > 0 && s.fraction <= 1):
		return usage("--fraction %v: want more than 0 and at most 1", s.fraction)
	case s.delay < 0 || s.delay > 24*time.Hour:
		return usage("--delay %s: want 0 to 24h", s.delay)
	case s.wait < time.Second:
		return usage("--wait %s: want 1s or more", s.wait)
	}
	return nil
}

func (a *app) drill(ctx context.Context, c *core, s staging, dry bool) error {
	list := fronts(c.cfg, nil, "")
	st, err := newStage(ctx, c, s, list, a.now)
	if err != nil {
		return err
	}
	if !dry {
		for _, f := range st.report.Fronts {
			a.say("%s: %s", f.Front, f.where())
		}
		if err := st.run(ctx); err != nil {
			return err
		}
	}
	r := &st.report
	if err := a.print(r, r.Text); err != nil {
		return err
	}
	if len(r.Faults) > 0 && !dry {
		return fmt.Errorf("the drill failed: %s", r.Faults[0])
	}
	return nil
}

func (f *stagedFront) where() string {
	switch {
	case f.Left != "":
		return "left out: " + f.Left
	case f.Leaves:
		return "traffic LEAVES this machine (" + f.Why + ")"
	}
	return "traffic stays on this machine (" + f.Why + ")"
}

// Text prints the report for a person.
func (r *stagedDrill) Text(w io.Writer) error {
	what := fmt.Sprintf("an extract of %d canaries that are nobody's", r.Canaries)
	if r.Extract != "" {
		what = fmt.Sprintf("extract %s with %d canaries", r.Extract, r.Canaries)
	}
	out := []string{fmt.Sprintf("Drill %s: %s leaks; %d contacts; pages to %s", r.Drill, what, r.Contacts, r.Route)}
	if r.Drill == "" {
		out[0] = "Dry run, nothing was done. " + out[0]
	}
	for i := range r.Fronts {
		f := &r.Fronts[i]
		line := "  " + f.Front + ": " + f.where()
		if r.Drill != "" && f.Left == "" {
			line += fmt.Sprintf("; %d of %d contacts came through", f.Heard, f.Made)
		}
		if f.Fault != "" {
			line += "; " + f.Fault
		}
		out = append(out, line)
	}
	if r.Drill == "" {
		return lines(w, out)
	}
	page := "no page was accepted"
	if r.Pages > 0 {
		page = fmt.Sprintf("first page accepted %s after the first contact; %d pages", (time.Duration(r.PageAfter) * time.Millisecond).String(), r.Pages)
	}
	out = append(out, "Time to page: "+page, "Severity: "+orNone(r.Severity), fmt.Sprintf("Coverage: %d of %d contacts came through (%.0f%%)", r.Heard, r.Contacts, 100*r.Coverage))
	if r.Rank > 0 {
		out = append(out, fmt.Sprintf("Rank of the culprit: %d of %d suspects", r.Rank, r.Of))
	} else {
		out = append(out, "Rank of the culprit: none; "+r.RankWhy)
	}
	for _, fault := range r.Faults {
		out = append(out, "FAILED: "+fault)
	}
	if len(r.Faults) == 0 {
		out = append(out, "PASSED")
	}
	return lines(w, out)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// drillSchedule says when the next drills are, and how the last ended.
func (a *app) drillSchedule(ctx context.Context, c *core) error {
	reports, err := c.reg.DrillReports(ctx, 10)
	if err != nil {
		return err
	}
	answer := struct {
		Schedule string        `json:"schedule"`
		Next     []time.Time   `json:"next"`
		Last     []stagedDrill `json:"last"`
	}{Schedule: c.cfg.Drill.Schedule, Next: []time.Time{}, Last: []stagedDrill{}}
	if answer.Schedule != "" {
		plan, err := timetable("[drill] schedule", answer.Schedule)
		if err != nil {
			return err
		}
		for at := a.now().UTC(); len(answer.Next) < 3; {
			at = plan.Next(at)
			answer.Next = append(answer.Next, at)
		}
	}
	for _, body := range reports {
		var r stagedDrill
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("report of a drill: %w", err)
		}
		answer.Last = append(answer.Last, r)
	}
	return a.print(answer, func(w io.Writer) error {
		out := []string{"no drill is on schedule: [drill] schedule is empty"}
		for i, at := range answer.Next {
			out = append(out[:i], "next drill at "+at.Format(time.DateTime))
		}
		for _, r := range answer.Last {
			verdict := "passed"
			if len(r.Faults) > 0 {
				verdict = "FAILED: " + r.Faults[0]
			}
			out = append(out, fmt.Sprintf("%s  %s  %s  %d of %d contacts  %s", r.Began.Format(time.DateTime), r.Drill, orNone(r.Severity), r.Heard, r.Contacts, verdict))
		}
		return lines(w, out)
	})
}

var errNoFront = errors.New("there is no front to stage a leak at: name those of the edges in [deadman]")

// mostStaged bounds the canaries of a staged extract.
const mostStaged = 1000

// playable are the fronts of a kind at which contacts can be made.
func playable(list []drill.Front, kind string) (out []*drill.Front) {
	for i := range list {
		if f := &list[i]; f.Kind == kind && f.Playable() == nil {
			out = append(out, f)
		}
	}
	return out
}
