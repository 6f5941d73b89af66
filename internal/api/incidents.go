package api

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

var (
	placeForm    = regexp.MustCompile(`^(db|copy|desk|report|reader):[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	incidentForm = regexp.MustCompile(`^i_[A-Za-z0-9._-]{8,120}$`)
	versionForm  = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

func verdicts() []string {
	return []string{string(canary.Leak), string(canary.Noise), string(canary.Own), string(canary.Drill)}
}

func (a *API) incidents(ctx context.Context, c *call) (*answer, error) {
	q := parseQuery(c.r.URL.RawQuery)
	state := q.word("state", "open", "closed")
	f := registry.CaseFilter{
		Open: state == "open", Closed: state == "closed",
		Verdict: canary.Verdict(q.word("verdict", verdicts()...)),
		Place:   canary.Place(q.matching("place", placeForm, "db:NAME, copy:NAME, desk:NAME, report:NAME or reader:ID")),
		Since:   q.time("since"), Until: q.time("until"),
	}
	if text := q.word("severity", "P1", "P2", "P3", "P4"); text != "" {
		f.AtLeast = canary.Severity(text[1] - '0')
	}
	after := q.after()
	f.After.Opened, f.After.ID = after.At, canary.IncidentID(after.ID)
	size := q.limit()
	f.Limit = size + 1
	if err := q.done(); err != nil {
		return nil, err
	}
	list, err := a.cfg.Registry.Cases(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(c, list, size, func(i *registry.Case) registry.Cursor { return registry.Cursor{At: i.Opened, ID: string(i.ID)} })
}

// detail is one incident with what belongs to it.
type detail struct {
	registry.Case
	// Listed are the newest contacts; the header Link leads to more.
	Listed []registry.FiledContact `json:"contact_list"`
	// Joined are reports of people and what the author sent elsewhere, the newest, each
	// with what it has in common with the incident.
	Joined []canary.Joined       `json:"joined"`
	Pages  []registry.PageStatus `json:"pages"`
	// History is what responders said, the last first.
	History []canary.Act `json:"history"`
}

func (a *API) incident(ctx context.Context, c *call) (*answer, error) {
	if err := parseQuery(c.r.URL.RawQuery).done(); err != nil {
		return nil, err
	}
	id := canary.IncidentID(c.about)
	found, err := a.cfg.Registry.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	d := detail{Case: found}
	if d.Listed, err = a.cfg.Registry.Contacts(ctx, registry.ContactFilter{Incident: id, Limit: pageDefault + 1}); err != nil {
		return nil, err
	}
	if d.Joined, err = a.cfg.Registry.JoinedTo(ctx, id, pageDefault); err != nil {
		return nil, err
	}
	if d.Pages, err = a.cfg.Registry.PagesOf(ctx, id); err != nil {
		return nil, err
	}
	acts, err := a.cfg.Registry.Acts(ctx, registry.ActFilter{About: c.about, What: []string{canary.ActVerdict, canary.ActAcknowledge, canary.ActMerge, canary.ActSplit}, Limit: pageDefault})
	if err != nil {
		return nil, err
	}
	more := len(d.Listed) > pageDefault
	d.Listed = d.Listed[:min(pageDefault, len(d.Listed))]
	d.Listed, d.Joined, d.Pages, d.History = some(d.Listed), some(d.Joined), some(d.Pages), some(acts)
	out, err := reply(d)
	if err == nil && more {
		u := *c.r.URL
		u.Path, u.RawPath = u.Path+"/contacts", ""
		out.next(&u, "after", contactCursor(&d.Listed[pageDefault-1]).String())
	}
	return out, err
}

// some makes an empty list a list.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *API) trace(ctx context.Context, c *call) (*answer, error) {
	if err := parseQuery(c.r.URL.RawQuery).done(); err != nil {
		return nil, err
	}
	report, err := a.cfg.Trace(ctx, canary.IncidentID(c.about))
	if err != nil {
		return nil, err
	}
	return reply(report)
}

func (a *API) verdict(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		Verdict canary.Verdict `json:"verdict"`
		Version string         `json:"version"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	var faults []fault
	if !slices.Contains(verdicts(), string(said.Verdict)) {
		faults = append(faults, fault{"verdict", "want leak, noise, own or drill"})
	}
	faults = append(faults, versionFault(said.Version)...)
	if len(faults) > 0 {
		return nil, faulty(faults...)
	}
	id := canary.IncidentID(c.about)
	return a.changed(ctx, c, id, a.cfg.Registry.SetVerdict(ctx, id, said.Verdict, c.by(said.Version)))
}

func (a *API) acknowledge(ctx context.Context, c *call) (*answer, error) {
	var said struct {
		Version string `json:"version"`
	}
	if err := c.body(&said); err != nil {
		return nil, err
	}
	if faults := versionFault(said.Version); len(faults) > 0 {
		return nil, faulty(faults...)
	}
	id := canary.IncidentID(c.about)
	return a.changed(ctx, c, id, a.cfg.Registry.Acknowledge(ctx, id, c.by(said.Version)))
}

func versionFault(version string) []fault {
	if versionForm.MatchString(version) {
		return nil
	}
	return []fault{{"version", "want the version of the incident that was shown to you"}}
}

// changed answers how an incident stands after a change, or what it was refused for.
func (a *API) changed(ctx context.Context, c *call, id canary.IncidentID, err error) (*answer, error) {
	if err != nil && !errors.Is(err, registry.ErrStale) {
		return nil, err
	}
	if err == nil {
		c.recorded = true
		a.cfg.Wake()
	}
	now, lookErr := a.cfg.Registry.Case(ctx, id)
	switch {
	case lookErr != nil:
		return nil, lookErr
	case err != nil:
		return nil, stale(now)
	}
	return reply(now)
}
