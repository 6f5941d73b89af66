package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// register registers canaries whose addresses could be read from hour to hour, and
// two extracts: of the first half and of the second.
func register(t *testing.T, reg *registry.Registry) {
	t.Helper()
	began := time.Now().UTC().Add(-100 * time.Hour).Truncate(time.Hour)
	held := map[string][]canary.ID{}
	for i := range 8 {
		id := canary.ID(canary.NewID("c"))
		half := []string{"E-1", "E-2"}[i/4]
		held[half] = append(held[half], id)
		err := reg.Intend(t.Context(), []canary.Planting{{
			ID: id, State: canary.Verified, Batch: "b", Place: "db:main", Name: fmt.Sprintf("Dana Whitfield%d", i), Rows: []byte("row"),
			Tokens: []canary.DatedToken{{
				Token:  canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: canary.Email, Role: canary.RolePlanted, Canary: id, Text: fmt.Sprintf("dana%d@%s", i, testDomains()[i%3])},
				Window: canary.Window{Place: "db:main", From: canary.At(began)},
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var list []canary.Extract
	for name, ids := range held {
		list = append(list, canary.Extract{ID: canary.ExtractID(name), Actor: "somebody", Taken: canary.At(began.Add(50 * time.Hour)), Held: ids})
	}
	if _, err := reg.ImportExtracts(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func (s *site) drill(args ...string) (r stagedDrill) {
	s.t.Helper()
	out := s.run(append([]string{"--output", "json", "drill"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return r
}

// TestDrill stages leaks through the fronts of a running serve.
func TestDrill(t *testing.T) {
	t.Parallel()
	cut := newPipe(t)
	s := bareSite(t, "[deadman]\nevery = \"1h\"\nsilence = \"2h\"\nsmtp = [\""+cut.addr+"\"]\n[drill]\nschedule = \"* * * * *\"\n")
	cut.to = listenOf(s, "smtp")
	go cut.run(t.Context()) // ends with its listener
	reg := s.open()
	register(t, reg)
	before, err := reg.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := s.drill("--dry-run", "--count", "3"); r.Drill != "" || r.Contacts != 3+1+2 || len(r.Fronts) != 4 || r.Fronts[0].Leaves {
		t.Errorf("dry run: %+v", r)
	}
	s.fails(exitUsage, "drill", "--route", "nobody")
	s.fails(exitUsage, "drill", "--extract", "E-none", "--dry-run")
	if out := s.fails(exitFailed, "drill", "--wait", "1s"); !strings.Contains(out, "front smtp "+cut.addr+" stayed silent") || !strings.Contains(out, "FAILED: no page") {
		t.Errorf("without serve:\n%s", out)
	}

	srv := s.serve()
	r := s.drill("--extract", "E-2", "--fraction", "0.75", "--delay", "300ms", "--route", "on-call")
	if len(r.Faults) > 0 || r.Canaries != 4 || r.Contacts != 3+1+2 || r.Heard != r.Contacts || r.Severity != "P1" || r.Pages == 0 || r.PageAfter <= 0 || r.Rank != 1 || r.Of < 3 {
		t.Errorf("%+v", r)
	}
	for _, f := range r.Fronts {
		if f.Heard == 0 || f.Heard != f.Made || f.Fault != "" {
			t.Errorf("%+v", f)
		}
	}
	inc, err := reg.Incident(t.Context(), r.Incident)
	if err != nil || inc.Verdict != canary.Drill || inc.Place != canary.AtDrill(r.Drill) {
		t.Errorf("%+v, %v", inc, err)
	}
	tokens, err := reg.DrillTokens(t.Context(), r.Drill)
	if err != nil || len(tokens) != 5 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
	pages, raw := s.hook.received()
	ours := 0
	for _, p := range pages {
		if p.Drill == string(r.Drill) && p.Incident == r.Incident && strings.HasPrefix(p.Summary, "DRILL P") {
			ours++
		}
	}
	if ours == 0 || ours < r.Pages {
		t.Errorf("%d of %d pages: %s", ours, r.Pages, raw)
	}
	for _, tok := range tokens {
		if strings.Contains(raw+srv.log.String(), tok.Text) {
			t.Error("a page or the log names a token")
		}
	}
	if after, err := reg.Counts(t.Context()); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("counts %v, before %v", after, before)
	}

	got, _ := s.hook.received()
	if r := s.drill("--count", "2"); len(r.Faults) > 0 || r.Route != canary.Muted || r.Pages == 0 || r.Rank != 0 || r.RankWhy == "" {
		t.Errorf("muted: %+v", r)
	} else if now, _ := s.hook.received(); slices.ContainsFunc(now, func(p canary.Page) bool { return p.Drill == string(r.Drill) }) {
		t.Errorf("a muted drill paged: %d pages, before %d", len(now), len(got))
	}

	cut.shut.Store(true)
	if out := s.fails(exitFailed, "drill", "--count", "2", "--wait", "1s"); !strings.Contains(out, "FAILED: front smtp "+cut.addr+" stayed silent") || strings.Contains(out, "front dns "+listenOf(s, "dns")+" stayed silent") {
		t.Errorf("with a front cut:\n%s", out)
	}
	cut.shut.Store(false)

	waitUpTo(t, 3*time.Minute, "serve stages a drill on schedule", func() bool { return strings.Contains(srv.log.String(), "drill ended") })
	if out := s.run("drill", "--schedule"); strings.Count(out, "next drill at") != 3 || strings.Count(out, "passed") < 2 || !strings.Contains(out, "stayed silent") {
		t.Errorf("schedule:\n%s", out)
	}
	if list, err := reg.Incidents(t.Context(), 100); err != nil || slices.ContainsFunc(list, func(i canary.Incident) bool { _, is := i.Place.Drill(); return !is }) {
		t.Errorf("incidents beside the drills': %+v, %v", list, err)
	}
}

// TestDrillToNobody: where no contact can be made there is nothing to wait for.
func TestDrillToNobody(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "")
	out := s.fails(exitFailed, "drill", "--count", "2", "--wait", "24h") // longer than any test may take
	if !strings.Contains(out, "could not be made") || !strings.Contains(out, "FAILED: no page") {
		t.Errorf("the drill says\n%s", out)
	}
}
