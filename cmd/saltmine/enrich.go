package main

import (
	"context"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

// What a page names of a trace at most.
const (
	suspectsShown = 3
	windowsShown  = 3
)

// enrich adds to an incident's page when its extract must have been taken and
// who comes into question, where a trace finds that out in time.
func (s *server) enrich(ctx context.Context, p canary.Page) canary.Page {
	if p.Incident == "" {
		return p
	}
	if _, desk := p.Place.Agent(); desk || p.Place.Reports() || p.Place == canary.Unmarked {
		return p
	}
	t, err := traceIncident(ctx, s.reg, p.Incident, s.app.now())
	if err != nil {
		s.log.Warn("page goes out without suspects", "incident", string(p.Incident), "error", err)
		return p
	}
	p.Window, p.Suspects = brief(t.Answer)
	return p
}

// brief gives the access window and the first suspects as lines. No suspect is
// named by more than the id of the extract.
func brief(a forensics.Answer) (window, suspects []string) {
	const form = "2006-01-02 15:04"
	for _, i := range a.Window[:min(len(a.Window), windowsShown)] {
		window = append(window, fmt.Sprintf("%s %s to %s UTC", i.Place, i.From.UTC().Format(form), i.Until.UTC().Format(form)))
	}
	for _, s := range a.Suspects[:min(len(a.Suspects), suspectsShown)] {
		switch {
		case s.Explains == 0:
		case s.Unlogged:
			suspects = append(suspects, "a copy that is in no log: "+a.Standing(s.P))
		default:
			suspects = append(suspects, fmt.Sprintf("extract %s: %s, explains %d of %d hits", s.Extract, a.Standing(s.P), s.Explains, s.Of))
		}
	}
	return window, suspects
}
