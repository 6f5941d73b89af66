package response_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/response"
)

// TestRuleChanged: what is due by a rule that was another one is not done when that is a
// dry run now, and asked about when it asks now and nobody said yes.
func TestRuleChanged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	do := d.script(`echo x >>"` + d.dir + `/done"`)
	d.keeper(response.Rule{Do: do})
	add := func(id canary.IncidentID, state canary.ResponseState) {
		t.Helper()
		d.incident(id)
		if _, err := d.AddResponse(t.Context(), canary.Response{Rule: "r", Incident: id, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	add("i_due", canary.ResponseDue)
	d.look(d.keeper(response.Rule{Do: do, Dry: true}))
	if a := d.of("i_due"); a.State != canary.ResponseRefused || a.Outcome != "the rule is a dry run now" {
		t.Errorf("%+v", a)
	}
	add("i_asks", canary.ResponseDue)
	add("i_said", canary.ResponseWaiting)
	if _, err := d.DecideResponse(t.Context(), d.ResponseID("r", "i_said"), true, registry.By{Who: "dana", Via: "cli"}); err != nil {
		t.Fatal(err)
	}
	asks := d.keeper(response.Rule{Do: do, Confirm: true})
	d.look(asks)
	if a, b := d.of("i_asks"), d.of("i_said"); a.State != canary.ResponseWaiting || b.State != canary.ResponseDone || d.read("done") != "x\n" || len(d.told) != 1 {
		t.Errorf("%+v, %+v, done %q, told %+v", a, b, d.read("done"), d.told)
	}
}

// TestToldAnew: a no ends what is told, and so does a yes to what rests.
func TestToldAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script("true"), Confirm: true, MinInterval: time.Hour})
	for _, id := range []canary.IncidentID{"i_first", "i_no", "i_rests"} {
		d.incident(id)
	}
	d.look(k)
	if len(d.told) != 3 {
		t.Fatalf("told %+v", d.told)
	}
	for _, one := range []struct {
		id   canary.IncidentID
		yes  bool
		told int
	}{{"i_first", true, 2}, {"i_no", false, 1}, {"i_rests", true, 0}} {
		if _, err := d.DecideResponse(t.Context(), d.ResponseID("r", one.id), one.yes, registry.By{Who: "dana", Via: "cli"}); err != nil {
			t.Fatal(err)
		}
		d.look(k)
		if len(d.told) != one.told {
			t.Errorf("after %s told %+v", one.id, d.told)
		}
	}
	if a := d.of("i_rests"); a.State != canary.ResponseDue {
		t.Errorf("%+v", a)
	}
}

// broken is a registry that cannot read one of its incidents.
type broken struct {
	*desk
	id canary.IncidentID
}

func (b broken) Incident(ctx context.Context, id canary.IncidentID) (canary.Incident, error) {
	if id == b.id {
		return canary.Incident{}, os.ErrInvalid
	}
	return b.desk.Incident(ctx, id)
}

// TestOneGoesWrong: what goes wrong with one does not stop the later ones, and is told
// after five minutes, until it is over.
func TestOneGoesWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script("true")})
	k.Incident = broken{d, "i_bad"}.Incident
	for _, id := range []canary.IncidentID{"i_bad", "i_good"} {
		d.incident(id)
		d.pass(time.Second)
	}
	for range 2 {
		if err := k.Look(t.Context()); !errors.Is(err, os.ErrInvalid) {
			t.Fatal(err)
		}
		if a := d.of("i_good"); a.State != canary.ResponseDone || !d.failing.IsZero() {
			t.Errorf("%+v, failing %s", a, d.failing)
		}
	}
	since := d.now()
	d.pass(5 * time.Minute)
	if err := k.Look(t.Context()); !errors.Is(err, os.ErrInvalid) || !d.failing.Equal(since) {
		t.Errorf("%v, failing %s, want %s", err, d.failing, since)
	}
	k.Incident = d.Incident
	d.look(k)
	if a := d.of("i_bad"); a.State != canary.ResponseDone || !d.failing.IsZero() {
		t.Errorf("%+v, failing %s", a, d.failing)
	}
}
