package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder"
	sched "saltmine/seeder/schedule"
)

// upcoming is the timetable of a support database, as it is shown.
type upcoming struct {
	Schedule string         `json:"schedule,omitempty"`
	Lanes    []lanePreview  `json:"lanes"`
	Next     []seeder.Ahead `json:"next"`

	tickless bool
}

// lanePreview is the canaries whose tokens of a kind come from one sort of pool.
type lanePreview struct {
	Kind   canary.Kind `json:"kind"`
	Scarce bool        `json:"scarce"`
	Live   int         `json:"live"`
	Shape  sched.Kind  `json:"shape"`
	Stay   float64     `json:"stay_days,omitempty"`
	Why    string      `json:"why"`
	// Table and Canaries are changes a row and year; Multiple is their ratio.
	Table    float64        `json:"customers_a_year"`
	Canaries float64        `json:"canaries_a_year"`
	Multiple float64        `json:"multiple"`
	Measured seeder.Watched `json:"measured"`
	Assumed  float64        `json:"assumed_a_year"`
}

// previewTicks is how many ticks to come are shown.
const previewTicks = 5

// upcoming works out which ticks change something next, and how often canaries
// and customers change.
func (c *core) upcoming(ctx context.Context, s *support, now time.Time) (upcoming, error) {
	pace, err := c.pace(ctx, s, now)
	if err != nil {
		return upcoming{}, err
	}
	known, err := c.measured(ctx, s)
	if err != nil {
		return upcoming{}, err
	}
	t, err := s.seeder.Timetable(ctx, pace)
	if err != nil {
		return upcoming{}, err
	}
	u := upcoming{Lanes: []lanePreview{}, Next: []seeder.Ahead{}}
	for _, l := range t.Lanes {
		p := lanePreview{
			Kind: l.Kind, Scarce: l.Scarce, Live: l.Live, Shape: l.Plan.Kind, Stay: days(l.Plan.Stay), Why: l.Plan.Why,
			Table: pace.Rates[l.Kind], Canaries: l.Plan.Changes * planYr / float64(l.Live),
			Measured: known[l.Kind], Assumed: c.cfg.Support[s.name].ChangeRate,
		}
		p.Multiple = p.Canaries / p.Table
		u.Lanes = append(u.Lanes, p)
	}
	rotate, _, err := schedules(c.cfg)
	if err != nil || rotate == nil {
		u.tickless = true
		return u, err
	}
	u.Schedule = c.cfg.Rotate.Schedule
	u.Next = t.Ahead(now.UTC(), rotate.Next, previewTicks)
	return u, nil
}

func (u *upcoming) print(w io.Writer) error {
	for i := range u.Lanes {
		if err := u.Lanes[i].print(w); err != nil {
			return err
		}
	}
	if u.tickless {
		_, err := fmt.Fprintln(w, "nothing is scheduled: the configuration has no section [rotate]")
		return err
	}
	if len(u.Next) == 0 {
		_, err := fmt.Fprintf(w, "no canary comes due soon (schedule %q)\n", u.Schedule)
		return err
	}
	for _, a := range u.Next {
		var what []string
		for _, kind := range []canary.Kind{canary.Email, canary.Phone} {
			if n := a.Changes[kind]; n > 0 {
				what = append(what, fmt.Sprintf("%d %s", n, kind))
			}
		}
		if _, err := fmt.Fprintf(w, "next: %s  %s\n", a.At.UTC().Format("2006-01-02 15:04 UTC"), strings.Join(what, ", ")); err != nil {
			return err
		}
	}
	return nil
}

func (p *lanePreview) print(w io.Writer) error {
	what := map[bool]string{false: "on own domains", true: "from the pool"}[p.Scarce]
	if p.Shape == sched.Still {
		_, err := fmt.Fprintf(w, "%s %s: %d canaries, none changes: %s\n", p.Kind, what, p.Live, p.Why)
		return err
	}
	_, err := fmt.Fprintf(w, "%s %s: %s, each changes every %s days (%s): %s\n", p.Kind, what, many(p.Live, "canary"), short(p.Stay), p.Shape, p.Why)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "  customers change %s times a year (%.0f changes seen in %.0f row-years; %s assumed before), canaries %s times: %s as often\n",
		short(p.Table), p.Measured.Changes, p.Measured.RowYears, short(p.Assumed), short(p.Canaries), short(p.Multiple))
	return err
}
