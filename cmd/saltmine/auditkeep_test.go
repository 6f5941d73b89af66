package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"saltmine/internal/canary"
)

// keepsLog: what was imported last is on the evidence log with the hash of its file, and
// every read leads there.
func (s *site) keepsLog(file string, reads int, how string) {
	s.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	var logs []canary.LogHealth
	if err := json.Unmarshal([]byte(s.run("--output", "json", "audit", "health")), &logs); err != nil || len(logs) != 1 {
		s.t.Fatalf("%+v, %v", logs, err)
	}
	l := logs[0]
	if sum := fmt.Sprintf("%x", sha256.Sum256(b)); l.Log != file || l.SHA256 != sum || l.Size != int64(len(b)) || l.Events == 0 || !l.Last.After(l.First) {
		s.t.Errorf("%+v, not of %s", l, sum)
	}
	var acts []canary.Act
	if err := json.Unmarshal([]byte(s.run("--output", "json", "acts", "--limit", "3")), &acts); err != nil || len(acts) != 3 {
		s.t.Fatalf("%+v, %v", acts, err)
	}
	if about := acts[1]; about.What != canary.ActAuditImport || about.About != l.ID || !strings.HasPrefix(about.Outcome, fmt.Sprintf("sha256 %s, %d bytes; ", l.SHA256, l.Size)) ||
		!strings.HasSuffix(about.Outcome, fmt.Sprintf("%d reads, 0 malformed; zone UTC%s", reads, how)) {
		s.t.Errorf("%+v", about)
	}
	if acts[2].Outcome != "begun" || acts[2].About != "db:main" || !strings.HasPrefix(acts[0].Outcome, "1 files, ") || !strings.HasSuffix(acts[0].Outcome, "than before"+how) {
		s.t.Errorf("%+v", acts)
	}
	list, err := s.open().ReadsSince(s.t.Context(), "db:main", acts[0].At.AddDate(-1, 0, 0))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range list {
		if r.Source != l.ID {
			s.t.Errorf("a read of %s leads to %q, not to %q", r.Where, r.Source, l.ID)
		}
	}
	wants(s.t, s.run("audit", "health"), "Log "+file+" covers ", l.ID)
}
