package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestCutListsSaySo: a list that shows not all says so, where a program that reads it
// does not stumble over it, and shows all when it is asked to.
func TestCutListsSaySo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "site")
	if out, err := command(t, "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, reg := registryIn(t, dir, time.Now)
	defer reg.Close()
	var notices []canary.Notice
	var o canary.Outcome
	for i := range 3 {
		at := time.Now().UTC().Truncate(time.Second).Add(-time.Duration(i) * time.Hour)
		notices = append(notices, canary.Notice{Mark: fmt.Sprint(i), Severity: canary.P4, Text: "one of three"})
		o.Incidents = append(o.Incidents, canary.Incident{ID: canary.IncidentID(fmt.Sprintf("i_%016d", i)), Place: "db:main", Severity: canary.P3, Opened: at, Updated: at, Reasons: []string{"P3: a test"}})
		if _, err := reg.Ask(t.Context(), registry.By{Who: "sue", Via: "cli"}, "show", []string{fmt.Sprint("c_", i)}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := reg.Commit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := reg.FileNotices(t.Context(), canary.NoticePool, "item", notices, func(n canary.Notice) (canary.Page, []canary.Delivery) {
		return canary.Page{ID: canary.PageID("p_" + string(n.ID)[2:]), Notice: n.ID, Severity: n.Severity, At: n.Raised, Summary: n.Text}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"notices", "approvals", "incidents", "acts"} {
		for limit, cut := range map[string]bool{"2": true, "3": false, "4": false, "0": false} {
			cmd := command(t, "--config", filepath.Join(dir, "saltmine.toml"), list, "--limit", limit, "--output", "json")
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v: %s", list, err, said.String())
			}
			var rows []json.RawMessage
			if err := json.Unmarshal(out, &rows); err != nil || len(rows) != map[bool]int{true: 2, false: 3}[cut] {
				t.Errorf("%s --limit %s: %d rows, %v", list, limit, len(rows), err)
			}
			if strings.Contains(said.String(), "these are the newest 2, and there are more") != cut {
				t.Errorf("%s --limit %s says %q", list, limit, said.String())
			}
		}
		for _, limit := range []string{"-3", "x", "1.5"} {
			out, err := command(t, "--config", filepath.Join(dir, "saltmine.toml"), list, "--limit", limit).CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitUsage || !strings.Contains(string(out), "want a number of rows, or 0 for all") {
				t.Errorf("%s --limit %s: %v: %s", list, limit, err, out)
			}
		}
	}
}
