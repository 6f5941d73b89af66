package main

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// ownChanges are changes of ours in a log: when they were made is known.
type ownChanges struct {
	account string
	came    map[string]canary.Moment // by what came with them
	off     []time.Duration
}

// exactly is how well it has to be known when a change was made to check a clock by it.
const exactly = 10 * time.Second

func (o *ownChanges) learn(ctx context.Context, reg interface {
	Plantings(ctx context.Context, f canary.Filter) ([]canary.Planting, error)
}, place canary.Place) error {
	all, err := reg.Plantings(ctx, canary.Filter{Place: place})
	if err != nil {
		return err
	}
	o.came = map[string]canary.Moment{}
	for i := range all {
		for _, t := range all[i].Tokens {
			from := t.Window.From
			if t.Kind == canary.Email && from.Come() && from.Latest.Sub(from.Earliest) < exactly {
				o.came[strings.ToLower(t.Text)] = from
			}
		}
	}
	return nil
}

// mostChecked bounds what is remembered of our own changes.
const mostChecked = 10_000

// see compares the time of an event with that of the change that it is.
func (o *ownChanges) see(e *audit.Event) {
	if e.Kind != audit.Query || e.At.IsZero() || len(o.off) >= mostChecked || e.User+"@"+e.Host != o.account {
		return
	}
	first, _, _ := bytes.Cut(bytes.TrimSpace(e.Text), []byte(" "))
	if word := strings.ToLower(string(first)); word != "update" && word != "insert" {
		return
	}
	// Between quotes stands what was written, and what stood there before.
	var latest canary.Moment
	for piece := range bytes.SplitSeq(e.Text, []byte("'")) {
		if at, ours := o.came[strings.ToLower(string(piece))]; ours && at.Earliest.After(latest.Earliest) {
			latest = at
		}
	}
	if !latest.IsZero() {
		o.off = append(o.off, e.At.Sub(latest.Earliest))
	}
}

// offset is by how much the times of the log are off, and by how many changes that is
// known. Later changes of a row name what stands in it, too: unless most agree, they tell
// nothing.
func (o *ownChanges) offset() (time.Duration, int) {
	if len(o.off) == 0 {
		return 0, 0
	}
	slices.SortFunc(o.off, cmp.Compare)
	middle, agree := o.off[len(o.off)/2], 0
	for _, d := range o.off {
		if (d - middle).Abs() <= time.Minute {
			agree++
		}
	}
	if 2*agree <= len(o.off) {
		return 0, 0
	}
	return middle, agree
}
