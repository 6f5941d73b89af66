package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
)

// choose finds the extract, and the place that it was taken from.
func (m *affecting) choose(ctx context.Context) (canary.Place, error) {
	id := canary.ExtractID(m.flags.extract)
	if id == "" {
		answer, err := traceIncident(ctx, m.core.reg, canary.IncidentID(m.flags.incident), m.app.now())
		if err != nil {
			return "", err
		}
		if id, err = m.suspect(answer.Incident.ID, &answer.Answer); err != nil {
			return "", err
		}
	}
	if name, logged := strings.CutPrefix(string(id), "read:"); logged {
		return m.chooseRead(ctx, id, name)
	}
	list, err := m.core.reg.Extracts(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range list {
		if e.ID == id {
			m.out.Extract, m.out.Actor, m.out.Taken, m.out.Held = e.ID, e.Actor, e.Taken, len(e.Held)
			return e.Place, nil
		}
	}
	return "", fmt.Errorf("extract %s: %w", id, registry.ErrNotFound)
}

// suspect is the extract that a trace puts first, if it is a lead at least: customers are
// not told of what somebody probably did not take.
func (m *affecting) suspect(inc canary.IncidentID, a *forensics.Answer) (canary.ExtractID, error) {
	first, ok := a.Leading()
	switch {
	case !ok:
		return "", fmt.Errorf("no known extract explains a hit of incident %s: name one, 'saltmine trace --affected EXTRACT'", inc)
	case first.ActorP <= forensics.Leads || forensics.Together(a.Alike(&first)) <= forensics.Leads:
		return "", fmt.Errorf("no extract stands out in incident %s, the first one's actor has %s: see 'saltmine trace --incident %s', and name one, 'saltmine trace --affected EXTRACT'", inc, forensics.Percent(first.ActorP), inc)
	}
	m.out.P = first.P
	also := ""
	if first.ActorP != first.P {
		also = ", and its actor with " + forensics.Percent(first.ActorP)
	}
	m.note("it was this extract, which the trace puts first with %s%s", forensics.Percent(first.P), also)
	alike := a.Alike(&first)
	for _, s := range a.Suspects {
		same := slices.ContainsFunc(alike, func(x forensics.Suspect) bool { return x.Extract == s.Extract })
		if !s.Unlogged && s.Actor == first.Actor && s.Extract != first.Extract && (s.P > worthAsking || same) {
			m.note("it was this extract alone, though its actor's %s has %s: ask for that one too, 'saltmine trace --affected %s'", s.Extract, forensics.Percent(s.P), s.Extract)
		}
	}
	return first.Extract, nil
}

// worthAsking is the probability over which another extract of the same actor is named.
const worthAsking = .05

func (m *affecting) chooseRead(ctx context.Context, id canary.ExtractID, name string) (canary.Place, error) {
	list, err := m.core.reg.ReadsNamed(ctx, name)
	if err != nil {
		return "", err
	}
	if len(list) != 1 {
		return "", fmt.Errorf("extract %s: %w: %d statements are called that", id, registry.ErrNotFound, len(list))
	}
	r := &list[0]
	m.read = r
	m.out.Extract, m.out.Actor, m.out.Taken, m.out.Shape, m.out.Held = id, r.Account, r.Taken, r.Shape, len(r.Returned)
	return r.Place, nil
}

// zoneOf is the zone of the server's sessions by the [[audit]] of the database, if all of
// them say the same, else that of the application.
func (m *affecting) zoneOf(name, application string) (*time.Location, error) {
	said := map[string]bool{}
	for i := range m.core.cfg.Audits {
		if l := &m.core.cfg.Audits[i]; l.Support == "" || l.Support == name {
			said[l.TimeZone] = true
		}
	}
	if len(said) == 1 {
		for zone := range said {
			application = zone
		}
	}
	zone, err := time.LoadLocation(application)
	if err != nil {
		return nil, fmt.Errorf("the time zone of [support.%s]: %w", name, err)
	}
	return zone, nil
}
