package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestAlike finds contacts by what they have in common, within a time, and not those
// of incidents that were no leak; many reports hide no incident, and of those that
// have one clue within 72 hours no more than the first 200 are kept.
func TestAlike(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		number, run := r.BlindClue(canary.SameCaller, "+442079460999"), r.BlindClue(canary.SameWords, "+442079460999")
		if number == run {
			t.Fatal("one index for two traits")
		}
		inc, mail := o.Incidents[0].ID, o.Entries[0].Contact.ID
		clue := func(blind int64, contact canary.ContactID, of canary.IncidentID, at time.Time) canary.Clue {
			return canary.Clue{Blind: blind, Trait: canary.SameCaller, Contact: contact, Incident: of, Origin: "o", At: at}
		}
		o.Clues = []canary.Clue{clue(number, mail, inc, start()), clue(run, mail, inc, start()), clue(number, mail, inc, start())}
		for n := range 600 {
			o.Clues = append(o.Clues, clue(number, canary.ContactID(fmt.Sprintf("k_report%04d", n)), "", start().Add(time.Duration(n)*time.Second)))
		}
		must(t, r.Commit(ctx, o))
		ask := func(from, until time.Time) []canary.Alike {
			list, err := r.Alike(ctx, []int64{number, run, 7}, from, until)
			must(t, err)
			return list
		}
		list := ask(start(), start().Add(time.Hour))
		want := canary.Alike{Clue: clue(min(number, run), mail, inc, start()), Common: 2}
		if len(list) != 201 || cmp.Diff(want, list[0]) != "" || list[1].Contact != "k_report0199" || list[1].Incident != "" {
			t.Errorf("%d alike: %s", len(list), cmp.Diff(want, list[0]))
		}
		if list := ask(start().Add(199*time.Second), start().Add(time.Hour)); len(list) != 1 {
			t.Errorf("%d within a time", len(list))
		}
		// What is left for a contact and an incident takes the place of what was.
		must(t, r.Commit(ctx, canary.Outcome{Clues: []canary.Clue{clue(7, mail, inc, start())}}))
		if list := ask(start(), start()); len(list) != 2 || list[0].Blind != 7 || list[0].Common != 1 {
			t.Errorf("after another: %+v", list)
		}
		must(t, r.SetVerdict(ctx, inc, canary.Leak, registry.By{}))
		if n := len(ask(start(), start())); n != 2 {
			t.Errorf("%d alike when it is a leak", n)
		}
		must(t, r.SetVerdict(ctx, inc, canary.Noise, registry.By{}))
		if list := ask(start(), start()); len(list) != 1 || list[0].Incident != "" {
			t.Errorf("when it was noise: %+v", list)
		}
	})
}

// TestJoinedTo gives what was joined, and why.
func TestJoinedTo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		var want []canary.Joined
		for n := range 3 {
			c := contact(10+n, canary.Report, start().Add(time.Duration(-n)*time.Hour))
			o.Entries = append(o.Entries, canary.Entry{Contact: c})
			o.Supports = append(o.Supports, canary.Support{Incident: o.Incidents[0].ID, Contact: c.ID, Why: "the same caller +44…, 2 h after"})
			want = append(want, canary.Joined{Contact: c.ID, Channel: canary.Report, At: c.At, Why: "the same caller +44…, 2 h after"})
		}
		must(t, r.Commit(ctx, o))
		got, err := r.JoinedTo(ctx, o.Incidents[0].ID, 2)
		if d := cmp.Diff(want[:2], got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
	})
}
