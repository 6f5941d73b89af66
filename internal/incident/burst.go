package incident

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// However much noise there is, people get so many pages of incidents an hour. P1
// goes beyond: noise does not make it. Of the others some are kept free for P2.
const (
	hour       = time.Hour
	mostPages  = 10
	mostOfNote = 5 // of P3 and P4
)

// room says how many more pages may be written now.
type room struct {
	known        bool
	urgent, note int // that were written within the hour
}

// admit reports whether a page of that severity may be written now, and counts it.
// What goes to logs alone takes nobody's time. One that may not is written when there is room (see [Intake.PageHeld]).
func (w *work) admit(ctx context.Context, s *canary.Standing, routes []Route) (bool, error) {
	_, drill := s.Place.Drill()
	people := slices.ContainsFunc(routes, func(r Route) bool { return !r.Log })
	if drill || !people || w.in.cfg.Written == nil {
		return true, nil
	}
	if !w.room.known {
		urgent, note, err := w.in.cfg.Written(ctx, w.in.cfg.Now().Add(-hour))
		if err != nil {
			return false, err
		}
		w.room = room{true, urgent, note}
	}
	all := w.room.urgent + w.room.note
	switch {
	case s.Severity == canary.P1:
	case all >= mostPages, !s.Severity.Reaches(canary.P2) && w.room.note >= mostOfNote:
		w.in.cfg.Log.Warn("a page waits: too many were written within the hour", "incident", s.ID, "severity", s.Severity.String())
		return false, nil
	}
	if s.Severity.Reaches(canary.P2) {
		w.room.urgent++
	} else {
		w.room.note++
	}
	return true, nil
}

// PageHeld writes the pages that there was no room for, as far as there is now. Only
// what was held is looked at: a route that is new is not told of what was paged before.
func (in *Intake) PageHeld(ctx context.Context) error {
	if in.cfg.Written == nil {
		return nil
	}
	in.cfg.Turn.Lock()
	defer in.cfg.Turn.Unlock()
	w, err := in.begin(ctx, nil, canary.Outcome{})
	if err != nil {
		return err
	}
	if err := w.pageAll(ctx, func(s *canary.Standing) bool { return s.Held }); err != nil || len(w.out.Pages)+len(w.out.Freed) == 0 {
		return err
	}
	if err := in.cfg.Filer.Commit(ctx, w.out); err != nil {
		return err
	}
	in.cfg.Wake()
	return nil
}

// first has the most urgent incidents first, and of these what noise does least often:
// where there is no room for all, a hit that could be noise waits behind the one that
// hardly can. Among those that differ little the oldest is first.
func first(board []*canary.Standing, which func(*canary.Standing) bool) []*canary.Standing {
	yearly := func(s *canary.Standing) float64 {
		if s.Weight == nil {
			return math.Inf(1)
		}
		return math.Round(math.Log10(s.Weight.Yearly))
	}
	list := slices.DeleteFunc(slices.Clone(board), func(s *canary.Standing) bool { return !which(s) })
	slices.SortStableFunc(list, func(a, b *canary.Standing) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(yearly(a), yearly(b)))
	})
	return list
}

// pageAll writes the pages that incidents deserve.
func (w *work) pageAll(ctx context.Context, which func(*canary.Standing) bool) error {
	for _, s := range first(w.board, which) {
		routes := w.deserving(s)
		if len(routes) == 0 {
			if s.Held { // what was to be told has been
				w.out.Freed = append(w.out.Freed, s.ID)
			}
			continue
		}
		ok, err := w.admit(ctx, s, routes)
		if err != nil {
			return err
		}
		if !ok {
			if !s.Held {
				w.out.Held = append(w.out.Held, s.ID)
			}
			continue
		}
		if s.Held {
			w.out.Freed = append(w.out.Freed, s.ID)
		}
		p := compose(&s.Incident, w.in.cfg.Now(), w.in.cfg.Link(s.ID))
		p.Anew = w.anew[s.ID]
		w.out.Pages = append(w.out.Pages, p)
		w.out.Deliveries = append(w.out.Deliveries, Deliveries(p.ID, routes)...)
	}
	return nil
}

// deserving are the routes that are to be told of an incident.
func (w *work) deserving(s *canary.Standing) (routes []Route) {
	for _, r := range w.routesOf(s) {
		last, told := s.Paged[r.Name]
		if deserves(s.Severity, r.Min, last, s.Acked, told) || told && w.anew[s.ID] && s.Severity.Reaches(r.Min) {
			routes = append(routes, r)
		}
	}
	return routes
}

// proves reports whether a hit is the first of an acknowledged incident that names
// a record: whoever is at it may have taken it for noise.
func proves(s *canary.Standing, sig signal) bool {
	return sig.named && s.Acked != 0 && s.Weight != nil && s.Weight.Content < baserate.NamedFacts
}
