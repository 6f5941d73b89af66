package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/seeder"
)

// gateOf is how the configuration and the operator want a batch judged.
func (a *app) gateOf(c conf.Gate, force bool) (cfg seeder.GateConfig, done func()) {
	step, done := a.progress("judging")
	return seeder.GateConfig{Off: c.Off, Rows: c.Rows, MaxAUC: c.MaxAUC, Force: force, By: whoami(), Progress: step}, done
}

// showRefusal prints the table of a refusal, which the error sums up.
func (a *app) showRefusal(err error) {
	if refused, ok := errors.AsType[*seeder.RefusedError](err); ok {
		fmt.Fprintln(a.stderr, refused.Report.Text()) //nolint:errcheck // a terminal that went away
	}
}

// printGate says what the gate said, each line behind a prefix.
func printGate(w io.Writer, prefix string, r *seeder.GateReport, dryRun bool) error {
	if r.Report != nil && dryRun {
		for line := range strings.SplitSeq(strings.TrimSpace(r.Report.Text()), "\n") {
			if _, err := fmt.Fprintf(w, "%s%s\n", prefix, line); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%sgate: %s\n", prefix, gateLine(&r.Judgement))
	if err != nil || r.Verdict == canary.Unjudged {
		return err
	}
	for _, why := range r.Because {
		if _, err := fmt.Fprintf(w, "%s  - %s\n", prefix, why); err != nil {
			return err
		}
	}
	return nil
}

// gateLine is a judgement in one line.
func gateLine(j *canary.Judgement) string {
	switch {
	case j.Verdict == canary.Unjudged && len(j.Because) == 0:
		return "not judged: the batch was begun before there was a gate"
	case j.Verdict == canary.Unjudged:
		return "NOT JUDGED: " + strings.Join(j.Because, "; ")
	case j.Verdict == canary.Passed:
		return "passed: nothing tells these canaries from customers"
	case j.Verdict == canary.Faint:
		return "passed, but so few canaries show coarse faults only: 'saltmine selftest believable' on more of them tells more"
	case j.Forced:
		return fmt.Sprintf("REFUSED, and FORCED by %s at %s: these canaries can be told from customers", j.By, j.At.Format(time.RFC3339))
	default:
		return "REFUSED: these canaries can be told from customers"
	}
}

// listedBatch is one run of plant as list shows it.
type listedBatch struct {
	ID    canary.BatchID   `json:"id"`
	Place canary.Place     `json:"place"`
	Count int              `json:"count"`
	Form  bool             `json:"form,omitempty"` // entered through the application
	Gate  canary.Judgement `json:"gate"`
}

// listBatches lists the runs of plant, or one; released copies have no gate.
func listBatches(ctx context.Context, reg *registry.Registry, only canary.BatchID) ([]listedBatch, error) {
	all, err := reg.Batches(ctx)
	out := []listedBatch{}
	for _, b := range all {
		if (only == "" || b.ID == only) && strings.HasPrefix(string(b.Place), "db:") {
			out = append(out, listedBatch{b.ID, b.Place, b.Count, b.Form, b.Gate})
		}
	}
	return out, err
}

func printBatches(w io.Writer, batches []listedBatch) error {
	for _, b := range batches {
		how := ""
		if b.Form {
			how = "  exported as a form"
		}
		if _, err := fmt.Fprintf(w, "batch %s  %s  %d canaries%s  gate: %s\n", b.ID, b.Place, b.Count, how, gateLine(&b.Gate)); err != nil {
			return err
		}
	}
	return nil
}
