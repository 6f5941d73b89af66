package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestContacts lists contacts, without what they were aimed at.
func TestContacts(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *registry.Registry) {
		ctx, o := t.Context(), outcome(r)
		o.Hits = append(o.Hits, o.Hits[0], o.Hits[0], o.Hits[0])
		o.Hits[1].Token, o.Hits[1].Clean = "t_another", false
		o.Hits[2].Token, o.Hits[2].Canary, o.Hits[2].Incident = "t_third", planting(2).ID, "i_another"
		o.Hits[3].Token, o.Hits[3].Canary, o.Hits[3].Incident, o.Hits[3].Role = "t_placebo", "", "", canary.RolePlacebo
		o.Entries[0].Class = canary.ClassPlanted
		for i := range 5 {
			c := contact(3+i, canary.Voice, start().Add(time.Duration(i/2)*time.Minute))
			c.Probe, c.Unverified = i == 1, i == 2
			o.Entries = append(o.Entries, canary.Entry{Contact: c, Pending: i == 3, CutOff: i == 4})
		}
		must(t, r.Commit(ctx, o))
		inc := o.Incidents[0].ID
		got, err := r.FiledContact(ctx, o.Entries[0].Contact.ID)
		if d := cmp.Diff(registry.FiledContact{
			ID: "k_contact0001", Channel: canary.SMTP, At: start(), Received: start(), Ear: "smtpd", State: "complete", Class: o.Entries[0].Class,
			Bytes: int64(len(o.Entries[0].Contact.Raw)), Canaries: 2, Placebos: 1, Clean: true, Incidents: []canary.IncidentID{"i_another", inc},
		}, got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
		if got, err := r.FiledContact(ctx, o.Entries[1].Contact.ID); err != nil || len(got.Incidents) != 1 || got.Canaries != 0 || got.Clean {
			t.Errorf("a supporting one: %+v, %v", got, err)
		}
		for _, id := range []canary.ContactID{"", "k_nobody"} {
			if _, err := r.FiledContact(ctx, id); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		for want, f := range map[string]registry.ContactFilter{
			"7:cut off 5:complete unverified 6:pending 1:complete 3:complete 4:complete probe 2:complete ": {},
			"1:complete 2:complete ":           {Incident: inc},
			"1:complete ":                      {Incident: "i_another"},
			"":                                 {Incident: "i_nobody"},
			"2:complete ":                      {Channel: canary.DNS},
			"7:cut off 5:complete unverified ": {Limit: 2},
			"5:complete unverified 6:pending ": {Since: start().Add(time.Minute), Until: start().Add(2 * time.Minute)},
			"1:complete 3:complete ":           {After: registry.FiledContact{ID: "k_contact0006", At: start().Add(time.Minute)}, Limit: 2},
			"3:complete 4:complete probe 2:complete ": {After: registry.FiledContact{ID: "k_contact0001", At: start()}},
		} {
			list, err := r.Contacts(ctx, f)
			must(t, err)
			var text strings.Builder
			for _, c := range list {
				fmt.Fprint(&text, string(c.ID[len(c.ID)-1]), ":", c.State, map[bool]string{true: " probe"}[c.Probe], map[bool]string{true: " unverified"}[c.Unverified], " ")
			}
			if text.String() != want {
				t.Errorf("%+v: %q, want %q", f, text.String(), want)
			}
		}
	})
}
