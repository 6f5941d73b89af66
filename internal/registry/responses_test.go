package registry_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

func opened(id string, place canary.Place, severity canary.Severity) canary.Incident {
	return canary.Incident{ID: canary.IncidentID(id), Place: place, Severity: severity, Opened: start(), Updated: start()}
}

// unanswered are the incidents about which a rule did nothing.
func unanswered(t *testing.T, r *registry.Registry, rule, cause string) string {
	t.Helper()
	list, err := r.Unanswered(t.Context(), rule, cause, 100)
	must(t, err)
	var ids []string
	for _, inc := range list {
		ids = append(ids, string(inc.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestResponseCauses: a rule is given what it fits, but no drill, nothing judged to be
// nothing, nothing that stood before it was made, and nothing twice.
func TestResponseCauses(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, dana := t.Context(), registry.By{Who: "dana", Via: "cli"}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{opened("i_old", "db:old", canary.P1)}}))
		causes := map[string]string{
			"verdict:leak": "i_leak", "severity:P1": "i_leak i_one i_reader", "severity:P2": "i_leak i_one i_reader i_two", "tripwire": "i_reader",
		}
		for cause := range causes {
			must(t, r.ArmResponse(ctx, "on "+cause, cause))
		}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{
			opened("i_one", "db:a", canary.P1), opened("i_two", "db:b", canary.P2), opened("i_three", "db:c", canary.P3), opened("i_noise", "db:d", canary.P1),
			opened("i_leak", "db:e", canary.P1), opened("i_reader", canary.ByReader("abc"), canary.P1), opened("i_drill", canary.AtDrill("d_1"), canary.P1),
		}}))
		must(t, r.SetVerdict(ctx, "i_noise", canary.Noise, dana))
		must(t, r.SetVerdict(ctx, "i_leak", canary.Leak, dana))
		for cause, want := range causes {
			if got := unanswered(t, r, "on "+cause, cause); got != want {
				t.Errorf("%s: %q, want %q", cause, got, want)
			}
			must(t, r.ArmResponse(ctx, "on "+cause, cause)) // as after a restart: nothing is passed
		}
		a := canary.Response{Rule: "on tripwire", Incident: "i_reader", State: canary.ResponseDue}
		for _, want := range []bool{true, false} {
			added, err := r.AddResponse(ctx, a)
			must(t, err)
			if added != want {
				t.Errorf("added: %v, want %v", added, want)
			}
		}
		if got := unanswered(t, r, "on tripwire", "tripwire"); got != "" {
			t.Errorf("again %q", got)
		}
		must(t, r.ArmResponse(ctx, "on tripwire", "severity:P1")) // another rule by the same name
		if got := unanswered(t, r, "on tripwire", "severity:P1"); got != "" {
			t.Errorf("what stood is answered: %q", got)
		}
		wantErr(t, r.ArmResponse(ctx, "x", "verdict:noise"), canary.ErrInvalid)
	})
}

// TestResponseSteps: a response is begun once, ends once, and is begun again when a
// person says so; every step is on the evidence log.
func TestResponseSteps(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, dana := t.Context(), registry.By{Who: "dana", Via: "cli"}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{opened("i_one", "db:a", canary.P1)}}))
		_, err := r.AddResponse(ctx, canary.Response{Rule: "suspend", Incident: "i_one", State: canary.ResponseWaiting})
		must(t, err)
		id, facts := r.ResponseID("suspend", "i_one"), json.RawMessage(`{"a":1}`)
		begin := func(want error) {
			t.Helper()
			_, err := r.BeginResponse(ctx, id, "core", facts, time.Minute)
			wantErr(t, err, want)
		}
		begin(registry.ErrMoved) // it waits
		_, err = r.DecideResponse(ctx, id, true, dana)
		must(t, err)
		_, err = r.DecideResponse(ctx, id, true, dana)
		wantErr(t, err, registry.ErrNotOpen)
		begin(nil)
		begin(registry.ErrMoved)
		last, err := r.ResponseBegun(ctx, "suspend")
		must(t, err)
		if !last.Equal(canary.Micro(start())) {
			t.Errorf("begun %s", last)
		}
		_, err = r.EndResponse(ctx, id, canary.Response{State: canary.ResponseFailed, Outcome: "exit\nstatus 3", Output: "no\n", OutputBytes: 3})
		must(t, err)
		_, err = r.EndResponse(ctx, id, canary.Response{State: canary.ResponseDone})
		wantErr(t, err, registry.ErrMoved)
		_, err = r.DecideResponse(ctx, id, true, dana)
		must(t, err)
		begin(nil)
		_, err = r.EndResponse(ctx, id, canary.Response{State: canary.ResponseUnknown, Outcome: "cut off"})
		must(t, err)
		_, err = r.DecideResponse(ctx, id, false, dana)
		must(t, err)
		got, err := r.Response(ctx, id)
		must(t, err)
		if got.State != canary.ResponseRefused || got.Attempts != 2 || got.By != "dana" || string(got.Facts) != `{"a":1}` {
			t.Errorf("%+v", got)
		}
		var acts []string
		list, err := r.Acts(ctx, registry.ActFilter{})
		must(t, err)
		for _, act := range list {
			if act.What == canary.ActResponse && act.About == string(id) {
				acts = append([]string{act.Who + " " + strings.Split(act.Outcome, ":")[0]}, acts...)
			}
		}
		if want := "- waiting, dana confirmed, - begun, - failed, dana confirmed, - begun, - unknown, dana refused"; strings.Join(acts, ", ") != want {
			t.Errorf("the log has %q", acts)
		}
		counts, err := r.ResponseCounts(ctx)
		must(t, err)
		if len(counts) != 1 || counts[[2]string{"suspend", "refused"}] != 1 {
			t.Errorf("%v", counts)
		}
		_, err = r.Response(ctx, "r_nobody")
		wantErr(t, err, registry.ErrNotFound)
	})
}

// TestResponseRestored: after a registry was put back nothing that was due is begun, and
// what stands is passed.
func TestResponseRestored(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		must(t, r.ArmResponse(ctx, "suspend", "severity:P1"))
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{opened("i_one", "db:a", canary.P1), opened("i_two", "db:b", canary.P1)}}))
		states := map[canary.IncidentID]canary.ResponseState{"i_one": canary.ResponseDue, "i_waits": canary.ResponseWaiting, "i_failed": canary.ResponseFailed, "i_no": canary.ResponseRefused}
		for id, state := range states {
			_, err := r.AddResponse(ctx, canary.Response{Rule: "suspend", Incident: id, State: state})
			must(t, err)
		}
		rules, err := r.RestoredResponses(ctx)
		must(t, err)
		for id, was := range states {
			got, err := r.Response(ctx, r.ResponseID("suspend", id))
			must(t, err)
			if unknown := got.State == canary.ResponseUnknown; rules != 1 || unknown != (was != canary.ResponseRefused) {
				t.Errorf("%d rules, %+v", rules, got)
			}
		}
		must(t, r.ArmResponse(ctx, "suspend", "severity:P1"))
		if again := unanswered(t, r, "suspend", "severity:P1"); again != "" {
			t.Errorf("answered: %s", again)
		}
	})
}

// TestResponseDisarmed: a rule that was taken out and put back passes what came
// meanwhile, and what was due by it is not done.
func TestResponseDisarmed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		for _, rule := range []string{"stays", "suspend"} {
			must(t, r.ArmResponse(ctx, rule, "severity:P1"))
		}
		_, err := r.AddResponse(ctx, canary.Response{Rule: "suspend", Incident: "i_due", State: canary.ResponseDue})
		must(t, err)
		for _, want := range []int{1, 0} {
			gone, err := r.DisarmResponses(ctx, []string{"stays"})
			must(t, err)
			if len(gone) != want {
				t.Errorf("gone: %v", gone)
			}
		}
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{opened("i_meanwhile", "db:a", canary.P1)}}))
		for _, rule := range []string{"stays", "suspend"} {
			must(t, r.ArmResponse(ctx, rule, "severity:P1"))
		}
		if got := unanswered(t, r, "suspend", "severity:P1") + "|" + unanswered(t, r, "stays", "severity:P1"); got != "|i_meanwhile" {
			t.Errorf("answered %q", got)
		}
		got, err := r.Response(ctx, r.ResponseID("suspend", "i_due"))
		must(t, err)
		if got.State != canary.ResponseRefused {
			t.Errorf("%+v", got)
		}
	})
}

// TestResponseUnderApproval: where a second person is wanted, one's yes is not enough.
func TestResponseUnderApproval(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx := t.Context()
		_, err := r.AddResponse(ctx, canary.Response{Rule: "suspend", Incident: "i_one", State: canary.ResponseWaiting})
		must(t, err)
		id := r.ResponseID("suspend", "i_one")
		a, err := r.Ask(ctx, registry.By{Who: "dana", Via: "cli"}, "respond confirm", []string{string(id)}, aDay)
		must(t, err)
		_, err = r.DecideResponse(ctx, id, true, under(a.ID))
		wantErr(t, err, registry.ErrNotApproved)
		_, err = r.Decide(ctx, a.ID, true, second())
		must(t, err)
		got, err := r.DecideResponse(ctx, id, true, under(a.ID))
		must(t, err)
		if got.State != canary.ResponseDue {
			t.Errorf("%+v", got)
		}
	})
}

// TestResponseForged: who can write to the database and has no keys makes nothing run,
// and nothing a second time.
func TestResponseForged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.db")
	r := openAt(t, "sqlite:"+path, vault(t))
	ctx := t.Context()
	for _, id := range []canary.IncidentID{"i_one", "i_two"} {
		_, err := r.AddResponse(ctx, canary.Response{Rule: "suspend", Incident: id, State: canary.ResponseWaiting})
		must(t, err)
	}
	one, two := r.ResponseID("suspend", "i_one"), r.ResponseID("suspend", "i_two")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		_, err := db.ExecContext(ctx, query, args...)
		must(t, err)
	}
	exec("UPDATE responses SET state = 'due' WHERE id = ?", one)
	_, err = r.BeginResponse(ctx, one, "core", nil, time.Minute)
	wantErr(t, err, registry.ErrTampered)
	list, err := r.Responses(ctx, registry.ResponseFilter{})
	wantErr(t, err, registry.ErrTampered)
	if len(list) != 1 || list[0].ID != two { // the others go on
		t.Errorf("%+v", list)
	}

	_, err = r.DecideResponse(ctx, two, true, second())
	must(t, err)
	exec("CREATE TABLE old AS SELECT * FROM responses WHERE id = ?", two)
	_, err = r.BeginResponse(ctx, two, "core", nil, time.Minute)
	must(t, err)
	_, err = r.EndResponse(ctx, two, canary.Response{State: canary.ResponseDone})
	must(t, err)
	exec("DELETE FROM responses WHERE id = ?", two)
	exec("INSERT INTO responses SELECT * FROM old")
	_, err = r.BeginResponse(ctx, two, "core", nil, time.Minute)
	wantErr(t, err, registry.ErrTampered)
}
