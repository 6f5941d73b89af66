package registry_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
)

// twoIncidents files an incident of P2 that waits for its route, and one of P3 on
// another place, of which only a log was told; each has two contacts.
func twoIncidents(t *testing.T, r *registry.Registry) (a, b canary.IncidentID) {
	t.Helper()
	var o canary.Outcome
	for i, c := range []struct {
		place canary.Place
		sev   canary.Severity
		route string
	}{{"db:main", canary.P3, "log"}, {"db:shop", canary.P2, "duty"}} {
		id := canary.IncidentID(fmt.Sprintf("i_incident%08d", i))
		at := start().Add(time.Duration(i) * time.Hour)
		o.Incidents = append(o.Incidents, canary.Incident{ID: id, Place: c.place, Severity: c.sev, Opened: at, Updated: at, Reasons: []string{c.sev.String() + ": because"}})
		page := canary.Page{ID: canary.PageID(fmt.Sprintf("p_page%012d", i)), Incident: id, Severity: c.sev, At: at, Place: c.place}
		o.Pages, o.Deliveries = append(o.Pages, page), append(o.Deliveries, canary.Delivery{Page: page.ID, Route: c.route})
		for n := range 2 {
			k := contact(10*i+n, canary.SMTP, at.Add(time.Duration(n)*time.Minute))
			o.Entries = append(o.Entries, canary.Entry{Contact: k})
			o.Hits = append(o.Hits, canary.Hit{Contact: k.ID, Token: planting(1 + n).Tokens[0].ID, Canary: planting(1 + n).ID, Role: canary.RolePlanted, Incident: id, At: k.At})
		}
		dns := contact(10*i+5, canary.DNS, at)
		shared := contact(99, canary.DNS, at)
		o.Entries = append(o.Entries, canary.Entry{Contact: dns})
		if i == 0 {
			o.Entries = append(o.Entries, canary.Entry{Contact: shared})
		}
		o.Supports = append(o.Supports, canary.Support{Incident: id, Contact: dns.ID}, canary.Support{Incident: id, Contact: shared.ID})
	}
	must(t, r.Commit(t.Context(), o))
	return o.Incidents[0].ID, o.Incidents[1].ID
}

// TestMergeAndSplit: the survivor has what both had, and is on the board for the
// places of both; its page waits, and that of the other goes nowhere. A second time
// nothing happens. Split, both are what they were.
func TestMergeAndSplit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		a, b := twoIncidents(t, r)
		must(t, r.Acknowledge(ctx, b, by))
		before := state(t, r, a, b)
		for range 2 {
			must(t, r.Merge(ctx, a, b, by))
			inc, err := r.Incident(ctx, a)
			if err != nil || inc.Severity != canary.P2 || inc.Contacts != 4 || inc.Canaries != 2 || inc.Support != 3 || len(inc.Reasons) != 2 || inc.Reasons[0] != "P2: because" {
				t.Errorf("survivor %+v, %v", inc, err)
			}
			gone, err := r.Incident(ctx, b)
			if err != nil || gone.Merged != a || gone.Contacts != 0 {
				t.Errorf("merged %+v, %v", gone, err)
			}
			board, err := r.Board(ctx, start().Add(-time.Hour))
			if err != nil || len(board) != 1 || board[0].ID != a || len(board[0].Also) != 1 || board[0].Also[0] != "db:shop" || !board[0].Held || board[0].Acked != canary.P2 || len(board[0].Paged) != 1 {
				t.Errorf("board %+v, %v", board, err)
			}
			due, err := r.Outbox().Due(ctx, start().Add(2*time.Hour), 10)
			if err != nil || len(due) != 1 || due[0].Page.Incident != a || due[0].Kind != pager.Trigger {
				t.Errorf("due %+v, %v", due, err)
			}
		}
		if acts, err := r.Acts(ctx, registry.ActFilter{What: []string{canary.ActMerge}}); err != nil || len(acts) != 2 || acts[1].Outcome != "took "+string(b) || acts[0].About != string(b) {
			t.Errorf("acts %+v, %v", acts, err)
		}
		late := canary.Outcome{Incidents: []canary.Incident{{ID: b, Place: "db:shop", Severity: canary.P2, Opened: start(), Updated: start()}}}
		if err := r.Commit(ctx, late); !errors.Is(err, registry.ErrMoved) {
			t.Errorf("what joins the merged one: %v", err)
		}
		for range 2 {
			if id, err := r.Split(ctx, b, nil, by); err != nil || id != b {
				t.Errorf("split: %s, %v", id, err)
			}
			if d := cmp.Diff(before, state(t, r, a, b)); d != "" {
				t.Errorf("after the split: %s", d)
			}
		}
		if _, err := r.CheckActs(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestSplitLeavesStepsHeld: a step that was held back when incidents were merged waits
// on, once they are split, for as long as it had to then.
func TestSplitLeavesStepsHeld(t *testing.T) {
	t.Parallel()
	now := start()
	r, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(t.TempDir(), "r.db"), Vault: vault(t), Now: func() time.Time { return now }})
	must(t, err)
	defer r.Close()
	ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
	a, b := twoIncidents(t, r)
	page := canary.Page{ID: "p_steps", Incident: b, Severity: canary.P2, At: now, Place: "db:shop"}
	must(t, r.Commit(ctx, canary.Outcome{Pages: []canary.Page{page}, Deliveries: []canary.Delivery{
		{Page: page.ID, Route: "first"}, {Page: page.ID, Route: "boss", After: 20 * time.Minute, Fallback: 15 * time.Minute},
	}}))
	now = now.Add(5 * time.Minute)
	must(t, r.Merge(ctx, a, b, by))
	now = now.Add(time.Hour)
	if list, err := r.Outbox().Escalate(ctx, now); err != nil || len(list) != 0 {
		t.Errorf("while they are merged: %+v, %v", list, err)
	}
	_, err = r.Split(ctx, b, nil, by)
	must(t, err)
	if list, err := r.Outbox().Escalate(ctx, now.Add(10*time.Minute-time.Microsecond)); err != nil || len(list) != 0 {
		t.Errorf("before its time: %+v, %v", list, err)
	}
	if list, err := r.Outbox().Escalate(ctx, now.Add(10*time.Minute)); err != nil || len(list) != 1 || list[0].Route != "boss" {
		t.Errorf("at its time: %+v, %v", list, err)
	}
}

// state is what stands of two incidents.
func state(t *testing.T, r *registry.Registry, ids ...canary.IncidentID) (out []any) {
	t.Helper()
	for _, id := range ids {
		inc, err := r.Incident(t.Context(), id)
		must(t, err)
		hits, err := r.IncidentHits(t.Context(), id)
		must(t, err)
		support, err := r.Supports(t.Context(), id)
		must(t, err)
		pages, err := r.PagesOf(t.Context(), id)
		must(t, err)
		out = append(out, inc, hits, support, pages)
	}
	return out
}

// TestSplitKeepsWhatCameSince: what reached the survivor after the merge stays there,
// with the urgency that it gave.
func TestSplitKeepsWhatCameSince(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		a, b := twoIncidents(t, r)
		must(t, r.Merge(ctx, a, b, by))
		inc, err := r.Incident(ctx, a)
		must(t, err)
		inc.Severity, inc.Reasons = canary.P1, append([]string{"P1: worse"}, inc.Reasons...)
		k := contact(50, canary.SMTP, start())
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{inc}, Entries: []canary.Entry{{Contact: k}},
			Hits: []canary.Hit{{Contact: k.ID, Token: planting(3).Tokens[0].ID, Canary: planting(3).ID, Role: canary.RolePlanted, Incident: a, At: k.At}}}))
		_, err = r.Split(ctx, b, nil, by)
		must(t, err)
		inc, err = r.Incident(ctx, a)
		other, err2 := r.Incident(ctx, b)
		if err != nil || err2 != nil || inc.Severity != canary.P1 || inc.Contacts != 3 || other.Contacts != 2 || other.Severity != canary.P2 {
			t.Errorf("%+v and %+v, %v %v", inc, other, err, err2)
		}
	})
}

// TestSplitOff: contacts by hand make one incident of their own, once, that whoever
// split is at; merged back, nothing is left of it.
func TestSplitOff(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		_, b := twoIncidents(t, r)
		one := contact(10, canary.SMTP, start()).ID
		var ids [2]canary.IncidentID
		for i := range ids {
			var err error
			ids[i], err = r.Split(ctx, b, []canary.ContactID{one, one}, by)
			must(t, err)
		}
		apart, err := r.Incident(ctx, ids[0])
		rest, err2 := r.Incident(ctx, b)
		if err != nil || err2 != nil || ids[0] != ids[1] || apart.Contacts != 1 || apart.Severity != canary.P2 || apart.Place != "db:shop" || rest.Contacts != 1 {
			t.Errorf("%v: %+v and %+v, %v %v", ids, apart, rest, err, err2)
		}
		if ack, err := r.AckOf(ctx, string(ids[0])); err != nil || ack.Who != "dana" || ack.Severity != canary.P2 {
			t.Errorf("at it: %+v, %v", ack, err)
		}
		must(t, r.Merge(ctx, b, ids[0], by))
		if rest, err = r.Incident(ctx, b); err != nil || rest.Contacts != 2 {
			t.Errorf("merged back: %+v, %v", rest, err)
		}
	})
}

// TestMergeRefuses: what is closed, merged already, itself, a drill's or not there;
// and a split that leaves nothing, or names what is not in it.
func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, by := t.Context(), registry.By{Who: "dana", Via: "cli"}
		a, b := twoIncidents(t, r)
		drill, third := canary.IncidentID("i_drill000000001"), canary.IncidentID("i_third000000001")
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{
			{ID: drill, Place: canary.AtDrill("d_aaaaaaaaaaaaaaaa"), Severity: canary.P2, Opened: start(), Updated: start()},
			{ID: third, Place: "db:main", Severity: canary.P2, Opened: start(), Updated: start()}}}))
		refused := func(err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		refused(r.Merge(ctx, a, a, by), canary.ErrInvalid)
		refused(r.Merge(ctx, a, drill, by), canary.ErrInvalid)
		refused(r.Merge(ctx, a, "i_nobody00000000", by), registry.ErrNotFound)
		_, err := r.Split(ctx, b, []canary.ContactID{contact(10, canary.SMTP, start()).ID, contact(11, canary.SMTP, start()).ID}, by)
		refused(err, canary.ErrInvalid)
		_, err = r.Split(ctx, b, []canary.ContactID{contact(10, canary.SMTP, start()).ID, contact(1, canary.SMTP, start()).ID}, by)
		refused(err, canary.ErrInvalid)
		_, err = r.Split(ctx, b, []canary.ContactID{contact(1, canary.SMTP, start()).ID}, by)
		refused(err, registry.ErrNotFound)
		must(t, r.Merge(ctx, a, b, by))
		refused(r.Merge(ctx, third, b, by), canary.ErrInvalid)
		refused(r.Merge(ctx, b, third, by), canary.ErrInvalid)
		must(t, r.SetVerdict(ctx, third, canary.Noise, by))
		refused(r.Merge(ctx, a, third, by), canary.ErrInvalid)
	})
}
