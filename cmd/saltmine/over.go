package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/seeder"
)

// span reads --over and what does not go with it.
func (f *plantFlags) span() (time.Duration, error) {
	if f.over == "" {
		return 0, nil
	}
	over, err := conf.ParseDuration(f.over)
	switch {
	case err != nil:
		return 0, usage("--over: %w", err)
	case over <= 0:
		return 0, usage("--over %s: want some time, such as 14d", f.over)
	case f.dates == "past":
		return 0, usage("--over and --dates past contradict each other: who arrives among the real sign-ups is of now")
	case f.bulk:
		return 0, usage("--over and --bulk contradict each other: canaries that arrive come one by one")
	}
	return over, nil
}

// began reports whether the command line is the one that a batch over a span
// was begun with. Any other plant lets such a batch go on.
func (f *plantFlags) began(b *canary.Batch) bool {
	over, err := f.span()
	return err == nil && over == b.Over && f.count == b.Count && canary.Segment(f.segment) == b.Segment
}

// printOver says how far a batch that is planted over a span has come.
func printOver(w io.Writer, p *seeder.Progress) error {
	if p == nil {
		return nil
	}
	_, err := fmt.Fprintln(w, overLine(p))
	return err
}

func overLine(p *seeder.Progress) string {
	line := fmt.Sprintf("%d of %d stand", p.Live, p.Count)
	if p.Due > 0 {
		line += fmt.Sprintf(", %d are due", p.Due)
	}
	if !p.Next.IsZero() {
		line += ", next " + p.Next.Format(time.RFC3339)
	}
	if p.Late > 0 {
		line += fmt.Sprintf(", %d came late", p.Late)
	}
	return line
}

// arriving is a batch that is planted over a span and is not complete.
type arriving struct {
	ID    canary.BatchID `json:"id"`
	Place canary.Place   `json:"place"`
	seeder.Progress
}

// arrivingBatches lists the batches whose canaries are still arriving.
func arrivingBatches(ctx context.Context, reg *registry.Registry, now time.Time) ([]arriving, error) {
	open, err := reg.UnfinishedBatches(ctx)
	if err != nil {
		return nil, err
	}
	out := []arriving{}
	for _, b := range open {
		if b.Over == 0 {
			continue
		}
		all, err := reg.Plantings(ctx, canary.Filter{Batch: b.ID})
		if err != nil {
			return nil, err
		}
		out = append(out, arriving{b.ID, b.Place, seeder.ProgressOf(&b, all, now)})
	}
	return out, nil
}

func printArriving(w io.Writer, list []arriving) error {
	for _, r := range list {
		if _, err := fmt.Fprintf(w, "batch %s in %s: %s\n", r.ID, r.Place, overLine(&r.Progress)); err != nil {
			return err
		}
	}
	return nil
}
