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

// brief gives the access window, as the 90 % set of its times, and the first suspects as
// lines, one for each actor. No suspect is named by more than the id of the extract.
func brief(a forensics.Answer) (window, suspects []string) {
	const form = "2006-01-02 15:04"
	if a.Chances == nil {
		return nil, nil
	}
	for _, i := range a.Chances.Likely[:min(len(a.Chances.Likely), windowsShown)] {
		window = append(window, fmt.Sprintf("%s to %s UTC", i.From.UTC().Format(form), i.Until.UTC().Format(form)))
	}
	if n := len(a.Chances.Likely) - windowsShown; n > 0 {
		window = append(window, fmt.Sprintf("%d more, the last until %s UTC", n, a.Chances.Likely[len(a.Chances.Likely)-1].Until.UTC().Format(form)))
	}
	told := map[string]bool{}
	for _, s := range a.Suspects {
		switch {
		case len(suspects) == suspectsShown:
			return window, suspects
		case s.Explains == 0 || told[s.Actor]:
		case s.Unlogged:
			suspects = append(suspects, "a copy that is in no log: "+a.Standing(s.P))
		default:
			told[s.Actor] = true
			suspects = append(suspects, fmt.Sprintf("extract %s%s: %s, explains %d of %d hits", s.Extract, besides(&a, &s), standing(&a, &s), s.Explains, s.Of))
		}
	}
	return window, suspects
}

// standing says how probable an extract is, and its actor where that is another thing.
func standing(a *forensics.Answer, s *forensics.Suspect) string {
	if len(a.Alike(s)) > 1 || s.ActorP-s.P < forensics.Slight {
		return a.Standing(s.ActorP)
	}
	return fmt.Sprintf("%s, its actor %s", forensics.Percent(s.P), a.Standing(s.ActorP))
}

// besides says how many extracts of the same actor may as well be the one, or took part
// as well.
func besides(a *forensics.Answer, first *forensics.Suspect) string {
	alike := a.Alike(first)
	or := "or"
	if forensics.Both(alike) {
		or = "and"
	}
	switch n := len(alike) - 1; n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" %s another of its actor", or)
	default:
		return fmt.Sprintf(" %s %d others of its actor", or, n)
	}
}
