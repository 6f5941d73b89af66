package registry_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestActs: what people do is on the evidence log, in order, with who and how.
func TestActs(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		inc := o.Incidents[0].ID
		if h, err := r.CheckActs(ctx); err != nil || h.Seq != 0 {
			t.Errorf("an empty log: %v, %v", h, err)
		}
		must(t, r.Commit(ctx, o))
		cli := registry.By{Who: "dana", Via: "cli"}
		must(t, r.Acknowledge(ctx, inc, cli))
		must(t, r.AcknowledgeAt(ctx, inc, start(), 0, registry.By{Who: "sam", Via: "duty"}))
		must(t, r.SetVerdict(ctx, inc, canary.Noise, cli))
		must(t, r.Reveal(ctx, cli, planting(1).ID, planting(2).ID))
		must(t, r.Record(ctx, canary.Act{Who: "ünder\x00\xff\n" + strings.Repeat("ü", 300), Via: "api", What: "GET /v1/incidents", Outcome: "200"}))
		if err := r.SetVerdict(ctx, "i_nobody", canary.Noise, cli); !errors.Is(err, registry.ErrNotFound) {
			t.Error(err)
		}
		got, err := r.Acts(ctx, registry.ActFilter{}) // but for the first, by which contacts were filed
		must(t, err)
		var text []string
		for i := range got {
			a := got[len(got)-1-i]
			if a.Seq != int64(i+2) || !a.At.Equal(start()) || len(a.Link) != 32 {
				t.Errorf("act %d: %+v", i+2, a)
			}
			text = append(text, fmt.Sprintf("%s %s %s %s %s", a.Who, a.Via, a.What, a.About, a.Outcome))
		}
		if d := cmp.Diff([]string{
			"dana cli acknowledge " + string(inc) + " P2",
			"sam duty acknowledge " + string(inc) + " somebody was first",
			"dana cli verdict " + string(inc) + " noise",
			"dana cli reveal " + string(planting(1).ID) + " opened",
			"dana cli reveal " + string(planting(2).ID) + " opened",
			"ünder???" + strings.Repeat("ü", 192) + " api GET /v1/incidents  200",
		}, text); d != "" {
			t.Error(d)
		}
		for name, c := range map[string]struct {
			f    registry.ActFilter
			want int
		}{
			"about": {registry.ActFilter{About: string(inc)}, 3}, "who": {registry.ActFilter{Who: "sam"}, 1},
			"before": {registry.ActFilter{Before: 4}, 2}, "filed": {registry.ActFilter{Filed: true}, 7}, "limit": {registry.ActFilter{Limit: 4}, 4},
		} {
			if list, err := r.Acts(ctx, c.f); err != nil || len(list) != c.want {
				t.Errorf("%s: %d acts, %v", name, len(list), err)
			}
		}
		end, err := r.CheckActs(ctx, registry.Head{Seq: 3, Link: got[4].Link})
		if err != nil || end != (registry.Head{Seq: 7, Link: got[0].Link}) {
			t.Errorf("%v, %v", end, err)
		}
	})
}

// TestActsAtOnce: cores and commands add to the log at once, and it stays one.
func TestActsAtOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		const writers, each = 8, 10
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if err := r.Record(t.Context(), canary.Act{Who: fmt.Sprint(w), Via: "api", What: fmt.Sprint(i), Outcome: "200"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if end, err := r.CheckActs(t.Context()); err != nil || end.Seq != writers*each {
			t.Errorf("%v, %v", end, err)
		}
	})
}

// TestAnotherLogOfTheSameKeys: whoever has the keys can write a log that is whole; what
// was noted of the true one says where they part.
func TestAnotherLogOfTheSameKeys(t *testing.T) {
	t.Parallel()
	v, noted := vault(t), []registry.Head{}
	path, copied := filepath.Join(t.TempDir(), "r.db"), filepath.Join(t.TempDir(), "r.db")
	genuine := openAt(t, "sqlite:"+path, v)
	var forged *registry.Registry
	for i := range 6 {
		must(t, genuine.Record(t.Context(), canary.Act{Who: "dana", Via: "cli", What: fmt.Sprint("act ", i)}))
		if i == 2 {
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", copied)
			must(t, errors.Join(err, db.Close()))
			forged = openAt(t, "sqlite:"+copied, v)
		}
		if i > 3 {
			must(t, forged.Record(t.Context(), canary.Act{Who: "dana", Via: "cli", What: fmt.Sprint("act ", i)}))
		}
		if i%2 == 1 {
			h, err := genuine.ActsHead(t.Context())
			must(t, err)
			noted = append(noted, h)
		}
	}
	must(t, forged.Record(t.Context(), canary.Act{Who: "dana", Via: "cli", What: "act 6"}))
	_, err := genuine.CheckActs(t.Context(), noted...)
	must(t, err)
	_, err = forged.CheckActs(t.Context())
	must(t, err)
	if _, err := forged.CheckActs(t.Context(), noted...); !errors.Is(err, registry.ErrTampered) || !strings.Contains(err.Error(), "acts 3 to 4 are not all") {
		t.Errorf("another log: %v", err)
	}
}

// TestTamperedActs changes the database behind the registry's back in every way
// but one, and each is found.
func TestTamperedActs(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"another person":    "UPDATE acts SET who = 'mallory' WHERE seq = 3",
		"another time":      "UPDATE acts SET done = done + 1 WHERE seq = 3",
		"another outcome":   "UPDATE acts SET outcome = '404' WHERE seq = 3",
		"another salt":      "UPDATE acts SET salt = '00' WHERE seq = 3",
		"another link":      "UPDATE acts SET link = '00000000000000000000000000000000' WHERE seq = 5",
		"one taken out":     "DELETE FROM acts WHERE seq = 3",
		"the first gone":    "DELETE FROM acts WHERE seq = 1",
		"the end cut off":   "DELETE FROM acts WHERE seq > 3",
		"all gone":          "DELETE FROM acts",
		"one put in":        "INSERT INTO acts (seq, done, who, via, what, about, outcome, link, salt) SELECT 6, done, who, via, what, about, outcome, link, salt FROM acts WHERE seq = 5",
		"closed up":         "DELETE FROM acts WHERE seq = 3; UPDATE acts SET seq = seq - 1 WHERE seq > 3",
		"the end's row":     "UPDATE act_head SET sealed = x'00'",
		"the end's row out": "DELETE FROM act_head",
		"the end emptied":   "DELETE FROM acts WHERE seq > 2; UPDATE act_head SET sealed = ''",
		"begun anew":        "DELETE FROM acts; UPDATE act_head SET sealed = ''",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "r.db")
			r := openAt(t, "sqlite:"+path, vault(t))
			for i := range 5 {
				must(t, r.Record(t.Context(), canary.Act{Who: "dana", Via: "api", What: fmt.Sprint("call ", i), Outcome: "200"}))
			}
			noted, err := r.CheckActs(t.Context())
			must(t, err)
			db, err := sql.Open("sqlite", "file:"+path)
			must(t, err)
			defer db.Close()
			for part := range strings.SplitSeq(statement, "; ") {
				_, err = db.ExecContext(t.Context(), part)
				must(t, err)
			}
			if _, err := r.CheckActs(t.Context(), noted); !errors.Is(err, registry.ErrTampered) {
				t.Errorf("found: %v", err)
			}
		})
	}
}

// TestCases lists incidents by page and by filter.
func TestCases(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		var o canary.Outcome
		for i := range 7 { // two of each minute
			at := start().Add(time.Duration(i/2) * time.Minute)
			o.Incidents = append(o.Incidents, canary.Incident{ID: canary.IncidentID(fmt.Sprintf("i_%016d", i)), Place: canary.Place("db:p" + fmt.Sprint(i%2)),
				Severity: canary.Severity(1 + i%4), Opened: at, Updated: at, Reasons: []string{}})
		}
		must(t, r.Commit(ctx, o))
		by := registry.By{Who: "dana", Via: "cli"}
		must(t, r.SetVerdict(ctx, o.Incidents[2].ID, canary.Noise, by))
		must(t, r.Acknowledge(ctx, o.Incidents[4].ID, by))
		order := func(f registry.CaseFilter) (out string) {
			t.Helper()
			list, err := r.Cases(ctx, f)
			must(t, err)
			for _, c := range list {
				out += string(c.ID[len(c.ID)-1])
				if (c.Ack != nil) != (c.ID == o.Incidents[4].ID) {
					t.Errorf("%s: acknowledged %v", c.ID, c.Ack)
				}
			}
			return out
		}
		for want, f := range map[string]registry.CaseFilter{
			"6452301": {},
			"645":     {Limit: 3},
			"645301":  {Open: true},
			"2":       {Closed: true, Verdict: canary.Noise},
			"":        {Verdict: canary.Leak},
			"4501":    {AtLeast: canary.P2},
			"531":     {Place: "db:p1"},
			"45":      {Since: start().Add(2 * time.Minute), Until: start().Add(3 * time.Minute)},
			"301":     {After: o.Incidents[2]},
			"52":      {After: o.Incidents[4], Limit: 2},
		} {
			if got := order(f); got != want {
				t.Errorf("%+v: %s, want %s", f, got, want)
			}
		}
		if _, err := r.Case(ctx, ""); !errors.Is(err, registry.ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestNobodyOverwrites: of responders who saw the same, one is first, and the
// others are told.
func TestNobodyOverwrites(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Commit(ctx, o))
		id := o.Incidents[0].ID
		shown, err := r.Case(ctx, id)
		must(t, err)
		var wg sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			wg.Go(func() {
				by := registry.By{Who: fmt.Sprint("person ", i), Via: "api", Version: shown.Version}
				if i%2 == 0 {
					results[i] = r.Acknowledge(ctx, id, by)
				} else {
					results[i] = r.SetVerdict(ctx, id, canary.Noise, by)
				}
			})
		}
		wg.Wait()
		first := -1
		for i, err := range results {
			switch {
			case err == nil && first < 0:
				first = i
			case err == nil:
				t.Errorf("persons %d and %d both decided what they saw", first, i)
			case !errors.Is(err, registry.ErrStale):
				t.Errorf("person %d: %v", i, err)
			}
		}
		acts, err := r.Acts(ctx, registry.ActFilter{})
		if err != nil || len(acts) != 1 || first < 0 || acts[0].Who != fmt.Sprint("person ", first) {
			t.Errorf("first %d; on the log: %+v, %v", first, acts, err)
		}
		now, err := r.Case(ctx, id)
		must(t, err)
		if now.Version == shown.Version {
			t.Error("the version stands")
		}
		must(t, r.SetVerdict(ctx, id, canary.Leak, registry.By{Who: "dana", Via: "api", Version: now.Version}))
	})
}
