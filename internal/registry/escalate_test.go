package registry_test

import (
	"errors"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestAcknowledgements: an old word is not taken for one about what came later.
func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		must(t, r.Intend(ctx, []canary.Planting{planting(1)}))
		must(t, r.Commit(ctx, o))
		id, paged := o.Incidents[0].ID, o.Pages[0].At
		if err := r.AcknowledgeAt(ctx, id, paged.Add(-time.Hour), "dana", "duty"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("acknowledged before it was paged: %v", err)
		}
		for _, unknown := range []error{r.Acknowledge(ctx, "i_nobody", "dana", "cli"), r.AcknowledgeAt(ctx, "i_nobody", paged, "dana", "duty")} {
			if !errors.Is(unknown, registry.ErrNotFound) {
				t.Errorf("an unknown incident: %v", unknown)
			}
		}
		said := paged.Add(-time.Second) // their clock is behind
		must(t, r.AcknowledgeAt(ctx, id, said, "dana", "duty"))
		must(t, r.Acknowledge(ctx, id, "somebody else", "cli"))
		want := registry.Ack{Severity: canary.P2, At: said, Who: "dana", Via: "duty"}
		if got, err := r.AckOf(ctx, string(id)); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		worse := o.Incidents[0]
		worse.Severity = canary.P1
		page := o.Pages[0]
		page.ID, page.Severity, page.At = "p_later", canary.P1, paged.Add(time.Hour)
		must(t, r.Commit(ctx, canary.Outcome{Incidents: []canary.Incident{worse}, Pages: []canary.Page{page}}))
		must(t, r.AcknowledgeAt(ctx, id, said, "dana", "duty")) // the same webhook again
		if got, err := r.AckOf(ctx, string(id)); err != nil || got != want {
			t.Errorf("sent again: %+v, %v; want %+v", got, err, want)
		}
		must(t, r.Acknowledge(ctx, id, "sam", "cli"))
		if got, err := r.AckOf(ctx, string(id)); err != nil || got.Severity != canary.P1 || got.Who != "sam" {
			t.Errorf("acknowledged as it is now: %+v, %v", got, err)
		}
	})
}
