package registry_test

import (
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestStandingsAreTheHits: however contacts come and whatever people do with
// incidents, what is kept summed up is what the hits are.
func TestStandingsAreTheHits(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		a, b := twoIncidents(t, r)
		check := func(what string) {
			t.Helper()
			for _, id := range []canary.IncidentID{a, b} {
				inc, err := r.Incident(ctx, id)
				must(t, err)
				hits, err := r.IncidentHits(ctx, id)
				must(t, err)
				supports, err := r.Supports(ctx, id)
				must(t, err)
				contacts, canaries, last := map[canary.ContactID]bool{}, map[canary.ID]bool{}, map[canary.ID]int64{}
				for _, h := range hits {
					contacts[h.Contact], canaries[h.Canary] = true, true
					last[h.Canary] = max(last[h.Canary], h.At.UnixMicro())
				}
				if inc.Contacts != len(contacts) || inc.Canaries != len(canaries) || inc.Support != len(supports) {
					t.Errorf("%s: %s has %d, %d and %d, and its hits %d, %d and %d", what, id, inc.Contacts, inc.Canaries, inc.Support, len(contacts), len(canaries), len(supports))
				}
				board, err := r.Board(ctx, start().Add(-canary.RecentPast))
				must(t, err)
				for _, s := range board {
					if s.ID == id && len(s.Touched) != len(last) {
						t.Errorf("%s: %d canaries on the board, %d hit", what, len(s.Touched), len(last))
					}
					for c, at := range s.Touched {
						if s.ID == id && at.UnixMicro() != last[c] {
							t.Errorf("%s: %s was touched last at %s", what, c, at)
						}
					}
				}
			}
		}
		check("at first")
		c := contact(50, canary.SMTP, start().Add(2*canary.RecentPast/3))
		o := canary.Outcome{Entries: []canary.Entry{{Contact: c, CutOff: true}}}
		for n := range 2 { // two tokens of one contact, one of a canary that was hit before
			o.Hits = append(o.Hits, canary.Hit{Contact: c.ID, Token: planting(2 + n).Tokens[0].ID, Canary: planting(2 + n).ID, Role: canary.RolePlanted, Incident: a, At: c.At})
		}
		must(t, r.Commit(ctx, o))
		check("with one more")
		must(t, r.Merge(ctx, a, b, by))
		check("merged")
		_, err := r.Split(ctx, b, nil, by)
		must(t, err)
		check("taken apart")
		// The closing record of what was cut off came after all, and hit only one.
		o.Entries[0] = canary.Entry{Contact: c, Replaces: true}
		o.Hits = o.Hits[:1]
		must(t, r.Commit(ctx, o))
		check("filed anew")
		out, err := r.Split(ctx, a, []canary.ContactID{c.ID}, by)
		must(t, err)
		check("split")
		if inc, err := r.Incident(ctx, out); err != nil || inc.Contacts != 1 || inc.Canaries != 1 {
			t.Errorf("split off: %+v, %v", inc, err)
		}
	})
}
