package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/registry"
)

// TestMerged: an incident that was merged is not shown as open, and leads to where
// its contacts are; a look at one that was split off is recorded with its id.
func TestMerged(t *testing.T) {
	t.Parallel()
	merged, split := inc(), canary.IncidentID("i_0189abcdef018901")
	merged.ID, merged.Merged = split, "i_bbbbbbbbbbbbbbbb"
	var looks []string
	s := serve(t, func(c *console.Config) {
		c.Incidents = func(context.Context, registry.CaseFilter) ([]registry.Case, error) {
			return []registry.Case{{Incident: merged}}, nil
		}
		c.Incident = func(context.Context, canary.IncidentID) (registry.Case, error) {
			return registry.Case{Incident: merged}, nil
		}
		c.Trace = func(context.Context, canary.IncidentID) (console.Report, error) { return report{}, nil }
		c.Record = func(_ context.Context, a canary.Act) error { looks = append(looks, a.About); return nil }
	})
	for _, path := range []string{"/", "/incidents/" + string(split)} {
		_, body := ask(t, s, http.MethodGet, path)
		if !strings.Contains(body, `merged into <a href="/incidents/i_bbbbbbbbbbbbbbbb">i_bbbbbbbbbbbbbbbb</a>`) || strings.Contains(body, "open</tr>") || strings.Contains(body, "verdict open") {
			t.Errorf("%s: %s", path, body)
		}
	}
	if len(looks) != 2 || looks[1] != string(split) {
		t.Errorf("recorded: %q", looks)
	}
}
