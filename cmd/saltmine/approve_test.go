package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"saltmine/internal/canary"
)

// TestSecondPerson: with two people in the people file, every command that shows
// whom canaries are wants the other one's yes, for each use.
func TestSecondPerson(t *testing.T) {
	t.Parallel()
	s, _, all := planted(t, 4)
	id := string(all[0].id)
	wants(t, s.run("show", id, "--reveal"), all[0].email) // nobody else is there
	s.with("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[api]\n", "[api]\npeople_file = \"people.txt\"\n", 1))
	for who, role := range map[string]string{"f.law": "forensics", "s.eed": "seeder", "a.udit": "auditor"} {
		s.write(who, strings.TrimSpace(s.run("agent", who, "--file", s.path("people.txt"), "--role", role)))
	}
	as := func(who string, args ...string) []string { return append(args, "--token-file", s.path(who)) }
	wants(t, s.run("check"), "second person (2 can approve)")
	wants(t, s.run("show", id), "(masked)") // shows nothing, so nobody is asked
	forms := s.path("forms.csv")
	s.write("dump.sql", stolen(all))
	s.write("clean.sql", stolen(nil))
	for _, c := range []struct {
		who  string
		args []string
	}{
		{"f.law", []string{"show", id, "--reveal"}},
		{"f.law", []string{"evidence", "disclose", id, s.path("one.json")}},
		{"f.law", []string{"scan", "filter", "--for", "K. Holm", "--expires", "2099-12-31", s.path("one.filter")}},
		{"f.law", []string{"scan", "--dry-run", s.path("clean.sql")}},
		{"f.law", []string{"scan", s.path("clean.sql")}},
		{"s.eed", []string{"rotate", "--dry-run"}},
		{"s.eed", []string{"live", "--dry-run"}},
		{"s.eed", []string{"withdraw", "--all", "--dry-run"}},
		{"s.eed", []string{"export-form", "--count", "1", "--batch", "forms", "--out", forms}},
	} {
		hidden := func(text string) {
			t.Helper()
			for _, one := range all {
				if strings.Contains(text, one.email) {
					t.Errorf("%q shows %s", c.args, one.id)
				}
			}
		}
		hidden(s.fails(exitUsage, c.args...))
		text := s.fails(exitFailed, as(c.who, c.args...)...)
		hidden(text)
		ask := strings.Fields(text[strings.Index(text, "a_"):])[0]
		wants(t, s.fails(exitFailed, as(c.who, c.args...)...), ask) // still the same
		if c.who == "f.law" {
			wants(t, s.fails(exitFailed, as("f.law", "approve", ask)...), "own request")
		} else {
			wants(t, s.fails(exitFailed, as("s.eed", "approve", ask)...), "has not the role")
		}
		wants(t, s.run(as("a.udit", "approve", ask)...), "by a.udit")
		if _, err := os.Stat(forms); err == nil {
			t.Error("forms were written before they were approved")
		}
		s.run(as(c.who, c.args...)...)
		wants(t, s.run("acts", "--about", ask), "used", "approved", "asked")
		if c.args[0] != "export-form" {
			wants(t, s.fails(exitFailed, as(c.who, c.args...)...), "asked for as a_") // once
		}
	}
	for what, outcome := range map[string]string{"plant": "4 inserted, 4 live", "rotate": "1 email", "withdraw": "1 withdrawn"} {
		if what != "plant" {
			s.run(map[string][]string{"rotate": {"rotate"}, "withdraw": {"withdraw", id}}[what]...)
		}
		if text := s.run("acts", "--limit", "0"); !strings.Contains(text, what+"  ") || !strings.Contains(text, "begun") || !strings.Contains(text, outcome) {
			t.Errorf("%s is not on the evidence log: %s", what, text)
		}
	}
	wants(t, s.fails(exitFailed, as("s.eed", "show", id, "--reveal")...), "has not the role")
	for _, args := range [][]string{{"scan", "--dry-run"}, {"scan"}} {
		text := s.fails(exitFailed, as("s.eed", append(args, s.path("dump.sql"))...)...)
		if wants(t, text, "has not the role forensics"); strings.Contains(text, "offset") || strings.Contains(text, "canaries") {
			t.Errorf("without the role it says %s", text)
		}
	}
	wants(t, s.fails(exitUsage, as("saltmine.toml", "show", id, "--reveal")...), "token")
	var list []canary.Approval
	if err := json.Unmarshal([]byte(s.run("approvals", "--all", "--output", "json")), &list); err != nil || len(list) != 17 {
		t.Errorf("%d requests, %v", len(list), err)
	}
	wants(t, s.run("acts", "--verify"), "whole")
}
