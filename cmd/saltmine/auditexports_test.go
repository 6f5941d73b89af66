package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestAuditExports makes extracts of an application's list of exports, once, and has a
// trace name who took the one that leaked.
func TestAuditExports(t *testing.T) {
	t.Parallel()
	s, reg, _ := planted(t, 12)
	country := s.plantings(reg)[0].Segment.Pairs()["country"]
	other := map[bool]string{true: "FR", false: "DE"}[country == "DE"]
	s.run("plant", "--count", "12", "--batch", "second", "--with", "phone,ticket", "--segment", "country="+other)
	at := time.Now().UTC().Truncate(time.Second)
	line := func(number int, who, op, rows, land, status string) string {
		return fmt.Sprintf("%d;%s;%s;%s;%s;%s;%s", number, at.Format("2006-01-02 15:04:05"), who, op, rows, land, status)
	}
	heading := "Number;Run_at;Employee;Action;Rows;Land;Status"
	first := []string{
		line(1, "ann", "export", "3000", "", "200"), line(2, "bob", "export", "12", country, ""), line(3, "eve", "export", "", "Atlantis", ""),
		line(4, "", "export", "5", "", ""), line(5, "ann", "export", "0", "", ""), line(6, "ann", "export", "5", "", "500"), line(7, "ann", "login", "", "", ""),
		line(8, "ann", "export", "5", "a=b", ""), line(12, "ann", "export", "5", "", "Denied"), "9;yesterday;ann;export;5;;", "10;2199-01-01 00:00:00;ann;export;5;;",
	}
	s.write("exports.csv", strings.Join(append([]string{heading}, first...), "\n"))
	s.write("newer.csv", strings.Join([]string{heading, first[1], line(11, "zoe", "export", "8", country, "")}, "\n"))
	args := []string{"audit", "import", "--exports", "--column", "at=Run_at,user=Employee,rows=Rows,outcome=Status,operation=Action", "--segment", "country=Land", "--only", "export", "--output", "json"}
	var got exportSummary
	reads := func(more ...string) exportSummary {
		t.Helper()
		got = exportSummary{auditSummary: &auditSummary{}}
		if err := json.Unmarshal([]byte(s.run(append(args, more...)...)), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	dry := reads("--dry-run", s.path("exports.csv"))
	if list, err := reg.Extracts(t.Context()); err != nil || len(list) > 0 || dry.Extracts != 3 || dry.Actors != 3 || dry.New != 0 {
		t.Errorf("a dry run: %+v, %d extracts, %v", dry, len(list), err)
	}
	reads(s.path("exports.csv"))
	if got.Extracts != 3 || got.New != 3 || got.Uncounted != 1 || got.Empty != 1 || got.Place != "db:main" || len(got.Shown) != 7 || len(got.Left) != 7 || len(got.Files[0].Malformed) != 1 {
		t.Errorf("%+v, left are %v", got, got.Shown)
	}
	for _, left := range got.Shown {
		want := map[int64]string{5: "names nobody", 6: "no rows", 7: "failed, by its outcome 500", 8: "not in --only", 9: "more than a value", 10: "failed, by its outcome 1", 12: "lies ahead"}[left.Line]
		if want == "" || !strings.Contains(left.Why, want) {
			t.Errorf("line %d: %s", left.Line, left.Why)
		}
	}
	reads(s.path("exports.csv"), s.path("newer.csv"), s.path("exports.csv"))
	list, err := reg.Extracts(t.Context())
	if err != nil || len(list) != 4 || got.New != 1 || got.Extracts != 4 {
		t.Errorf("imported again: %+v, %d extracts, %v", got, len(list), err)
	}
	for _, x := range list {
		if x.Actor == "bob" && (x.Rows != 12 || x.Segment != canary.Segment("country="+country) || x.Place != "db:main" || x.Taken.Earliest.After(at) || x.Taken.Latest.Before(at)) {
			t.Errorf("%+v", x)
		}
	}
	s.exportsInAnyOrder(args, heading, line)
	s.exportsByID(args, heading, first[1])
	s.exportTraced(reg)
}

// exportsInAnyOrder: a line is the same one wherever it stands, and another where it is of
// another segment.
func (s *site) exportsInAnyOrder(args []string, heading string, line func(int, string, string, string, string, string) string) {
	t := s.t
	lines := []string{
		line(20, "max", "export", "12", "Lemuria", ""), line(20, "max", "export", "13", "Lemuria", ""),
		line(20, "max", "export", "", "Lemuria", ""), line(20, "max", "export", "", "Mu", ""),
	}
	s.write("up.csv", heading+"\n"+strings.Join(lines, "\n"))
	slices.Reverse(lines)
	s.write("down.csv", heading+"\n"+strings.Join(lines, "\n"))
	for _, name := range []string{"up.csv", "down.csv"} {
		got := exportSummary{auditSummary: &auditSummary{}}
		if err := json.Unmarshal([]byte(s.run(append(args, s.path(name))...)), &got); err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"up.csv": 4}[name]; got.Extracts != 4 || got.New != want {
			t.Errorf("%s: %d extracts, %d of them new, want %d", name, got.Extracts, got.New, want)
		}
	}
}

// exportsByID has the newest of an id hold.
func (s *site) exportsByID(args []string, heading, line string) {
	t := s.t
	s.write("a.csv", heading+"\n"+line+"\n"+strings.Replace(line, "2;", ";", 1))
	s.write("b.csv", heading+"\n"+strings.Replace(line, "bob;export;12", "bob;export;13", 1))
	for i, name := range []string{"a.csv", "b.csv"} {
		got := exportSummary{auditSummary: &auditSummary{}}
		if err := json.Unmarshal([]byte(s.run(append(args, "--id", "Number", "--place", "copy:reports", s.path(name))...)), &got); err != nil {
			t.Fatal(err)
		}
		if got.Extracts != 1 || got.New != 1-i || got.Left["its column of --id is empty"] != 1-i || len(got.Notes) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for want, more := range map[string][]string{
		"--place": {"--place", "main", s.path("a.csv")}, "KEY=COLUMN": {"--segment", "country=", s.path("a.csv")}, "--anew goes with statements": {"--anew", s.path("a.csv")},
	} {
		wants(t, s.fails(exitUsage, append(args, more...)...), want)
	}
	wants(t, s.fails(exitUsage, "audit", "import", "--id", "Number", s.path("a.csv")), "go with --exports")
}

// exportTraced leaks what one took of all countries, and asks who it was. Those who
// exported one country alone hold but half of it.
func (s *site) exportTraced(reg *registry.Registry) {
	t := s.t
	all := leakedExtract{held: map[canary.ID]bool{}}
	for _, p := range s.plantings(reg) {
		all.held[p.ID] = true
	}
	var b strings.Builder
	b.WriteString("token,at,source\n")
	for i, q := range s.choosePrey(reg, all, 20) {
		fmt.Fprintf(&b, "%s,%s,s%d@stranger%d.example\n", q.email, time.Now().UTC().Format(time.RFC3339Nano), i, i)
	}
	if err := os.WriteFile(s.path("heard.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var got heardTrace
	if err := json.Unmarshal([]byte(s.run("trace", "--contacts", s.path("heard.csv"), "--output", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if first, ok := got.Answer.Leading(); !ok || first.Actor != "ann" || !strings.HasPrefix(string(first.Extract), "export:") {
		t.Errorf("first is %+v", first)
	}
}
