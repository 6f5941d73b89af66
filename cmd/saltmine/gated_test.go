package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/seeder/gate"
)

// Canaries on five owned domains are refused, in words that say what to do;
// forced they stand, and every list says so; and what stands is found again by
// the self-test, whose export is for its owner alone.
func TestGate(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	text, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("saltmine.toml", strings.Replace(string(text), "[gate]\noff = true\n", "[gate]\nrows = 1000\n", 1))
	out := s.fails(exitFailed, "plant", "--count", "30")
	wants(t, out, "FAILED: these canaries can be told", "dropping small e-mail domains", "THIS CANNOT HOLD", "the gate refuses", "share the", "hint: ", "--force")
	for _, domain := range testDomains() {
		if strings.Contains(out, domain) {
			t.Errorf("the refusal names %s", domain)
		}
	}
	wants(t, s.run("plant", "--count", "30", "--dry-run"), "-- gate: REFUSED", "-- dry run: nothing was written")
	wants(t, s.run("plant", "--count", "30", "--batch", "forced", "--force"), "30 of 30 canaries stand", "gate: REFUSED, and FORCED by ")
	wants(t, s.run("plant", "--count", "30", "--batch", "forced"), "30 of 30 canaries stand", "FORCED by ")
	wants(t, s.run("list"), "batch forced", "FORCED by ")
	cmd := s.command("selftest", "believable", "--quick", "--output", "json")
	body, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != exitFound {
		t.Fatalf("exit code %d, %v", code, err)
	}
	var report gate.Report
	if err := json.Unmarshal(body, &report); err != nil || report.Verdict != gate.Failed || report.Owned == nil || report.Canaries == 0 {
		t.Errorf("%v: %+v", err, report)
	}
	file := filepath.Join(t.TempDir(), "rows.csv")
	s.run("selftest", "believable", "--export", file)
	for _, name := range []string{file, file + ".columns"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
