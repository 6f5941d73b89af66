package seeder_test

import (
	"errors"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// Canaries on a few owned domains can be told: nothing of them is written until
// somebody forces it, and then it is on the record.
func TestPlantRefusesWhatCanBeTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.number(t, "SELECT COUNT(*) FROM customers")
	cfg := plan("told", 25)
	cfg.Gate = seeder.GateConfig{}
	report, err := w.seeder.Plant(t.Context(), cfg)
	refused, ok := errors.AsType[*seeder.RefusedError](err)
	if !ok || !errors.Is(err, seeder.ErrRefused) || !strings.Contains(err.Error(), "e-mail domain") {
		t.Fatalf("%v, want a refusal that names the domains", err)
	}
	if refused.Report.Canaries < 150 || report.Gate.Verdict != canary.Refused {
		t.Errorf("%d canaries were judged, %+v", refused.Report.Canaries, report.Gate.Judgement)
	}
	if n := w.number(t, "SELECT COUNT(*) FROM customers"); n != before || len(w.ledger.plantings)+len(w.ledger.batches) > 0 {
		t.Errorf("%d customers, %d before; %d plantings", n, before, len(w.ledger.plantings))
	}
	if text := refused.Report.Text(); strings.Contains(text, "@") {
		t.Errorf("the report shows an address:\n%s", text)
	}
	dry := cfg
	dry.DryRun = true
	if report, err = w.seeder.Plant(t.Context(), dry); err != nil || report.Gate.Verdict != canary.Refused || report.Gate.Report == nil {
		t.Errorf("a dry run: %v, %+v", err, report.Gate)
	}
	cfg.Gate.Force, cfg.Gate.By = true, "m.roe"
	report = w.mustPlant(t, cfg)
	kept := w.ledger.batches["told"].Gate
	if !kept.Forced || kept.By != "m.roe" || kept.Verdict != canary.Refused || len(kept.Because) == 0 || kept.At.IsZero() {
		t.Errorf("on the record: %+v", kept)
	}
	cfg.Gate.Force = false
	if report, err = w.seeder.Plant(t.Context(), cfg); err != nil || report.Gate.Report != nil {
		t.Errorf("a batch that was begun is judged again: %v", err)
	}
}

func TestPlantSaysWhenNothingIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report := w.mustPlant(t, plan("off", 3))
	if g := report.Gate; g.Verdict != canary.Unjudged || len(g.Because) != 1 || w.ledger.batches["off"].Gate.At.IsZero() {
		t.Errorf("switched off: %+v", g)
	}
	w.exec(t, "DELETE FROM tickets WHERE customer_id NOT IN (SELECT id FROM (SELECT id FROM customers ORDER BY id LIMIT 150) c)")
	w.exec(t, "DELETE FROM customers WHERE id NOT IN (SELECT id FROM (SELECT id FROM customers ORDER BY id LIMIT 150) c)")
	cfg := plan("small", 3)
	cfg.Gate = seeder.GateConfig{}
	cfg.DryRun = true
	report, err := w.seeder.Plant(t.Context(), cfg)
	if err != nil || report.Gate.Verdict != canary.Unjudged || !strings.Contains(strings.Join(report.Gate.Because, " "), "too small") {
		t.Errorf("a small table: %v, %+v", err, report.Gate)
	}
}
