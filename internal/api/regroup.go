package api

import (
	"context"
	"errors"
	"net/http"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// mostSplit bounds how many contacts one call takes out of an incident.
const mostSplit = 100

// merge puts an incident to another.
func (a *API) merge(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		Into    canary.IncidentID `json:"into"`
		Version string            `json:"version"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	faults := versionFault(said.Version)
	if !incidentForm.MatchString(string(said.Into)) {
		faults = append(faults, fault{"into", "want the id of an incident"})
	}
	if len(faults) > 0 {
		return nil, faulty(faults...)
	}
	id := canary.IncidentID(c.about)
	return a.regrouped(ctx, id, id, a.cfg.Registry.Merge(ctx, said.Into, id, c.by(said.Version)))
}

// split takes back a merge, or makes some contacts an incident of their own.
func (a *API) split(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		Contacts []canary.ContactID `json:"contacts"`
		Version  string             `json:"version"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	faults := versionFault(said.Version)
	if len(said.Contacts) > mostSplit {
		faults = append(faults, fault{"contacts", "it is too long a list"})
	}
	for _, k := range said.Contacts {
		if !contactForm.MatchString(string(k)) {
			faults = append(faults, fault{"contacts", "want ids of contacts"})
			break
		}
	}
	// An empty list is not the same as none: who chose no contact takes no merge back.
	if said.Contacts != nil && len(said.Contacts) == 0 {
		faults = append(faults, fault{"contacts", "it is empty; leave it out to take back a merge"})
	}
	if len(faults) > 0 {
		return nil, faulty(faults...)
	}
	id := canary.IncidentID(c.about)
	out, err := a.cfg.Registry.Split(ctx, id, said.Contacts, c.by(said.Version))
	return a.regrouped(ctx, id, out, err)
}

// regrouped answers how the incident stands that was changed or made. What happens
// a second time changes nothing and leaves no act, so the call is recorded by itself.
func (a *API) regrouped(ctx context.Context, asked, made canary.IncidentID, err error) (*answer, error) {
	shown := made
	if err != nil {
		shown = asked
	} else {
		a.cfg.Wake()
	}
	if err != nil && !errors.Is(err, registry.ErrStale) && !errors.Is(err, canary.ErrInvalid) {
		return nil, err
	}
	now, lookErr := a.cfg.Registry.Case(ctx, shown)
	switch {
	case lookErr != nil:
		return nil, lookErr
	case errors.Is(err, registry.ErrStale):
		return nil, stale(now)
	case err != nil:
		return nil, &problem{kind: "apart", title: "They cannot be regrouped", status: http.StatusConflict, current: &now,
			detail: "an incident that has a verdict, is merged already, or is no leak of a database is neither merged nor split, nor one with itself; of a split, some contacts must stay"}
	}
	return reply(now)
}
