package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// kin is what a contact has in common with others.
type kin struct {
	traits []trait
	found  []canary.Alike
	// authors are, for each incident that is one author's with the contact, what says so
	// best.
	authors []canary.Alike
}

// mostRelated is how many incidents one names that are its authors' as well.
const mostRelated = 5

// kinOf finds what a contact has in common with others.
func (w *work) kinOf(ctx context.Context, c *canary.Contact, said reading) (k kin, err error) {
	if w.in.cfg.Alike == nil || c.Probe {
		return k, nil
	}
	k.traits = w.traits(c, said)
	if k.found, err = w.alike(ctx, c, k.traits); err == nil {
		k.authors = authorsOf(k.found, k.traits)
	}
	return k, err
}

// gather finds what a contact has in common with others, and takes the open incidents
// of its author to the board, however long ago they heard something.
func (w *work) gather(ctx context.Context, c *canary.Contact, said reading) (k kin, err error) {
	if k, err = w.kinOf(ctx, c, said); err != nil {
		return k, err
	}
	var away []canary.IncidentID
	for _, a := range k.authors {
		if !slices.ContainsFunc(w.board, func(s *canary.Standing) bool { return s.ID == a.Incident }) {
			away = append(away, a.Incident)
		}
	}
	again, err := w.in.cfg.Filer.Standings(ctx, away)
	for i := range again {
		w.board = append(w.board, &again[i])
	}
	return k, err
}

// kinOfHit gathers for a contact that is about to be joined to incidents.
func (w *work) kinOfHit(ctx context.Context, c *canary.Contact, said reading, matches []canary.Match) (kin, error) {
	if !slices.ContainsFunc(matches, func(m canary.Match) bool { return m.Token.Role == canary.RolePlanted }) {
		return kin{}, nil
	}
	return w.gather(ctx, c, said)
}

// authorsOf leaves what says best of each incident that its author is a contact's. An
// address of the same domain is not enough, and neither are a few words.
func authorsOf(found []canary.Alike, traits []trait) []canary.Alike {
	runs := 0
	for _, t := range traits {
		if t.kind == canary.SameWords {
			runs++
		}
	}
	return weightiest(slices.DeleteFunc(slices.Clone(found), func(a canary.Alike) bool {
		return a.Incident == "" || a.Trait == canary.SameDomain || !sayTheSame(a, enoughRuns(runs))
	}), func(a canary.Alike) string { return string(a.Incident) })
}

// of gives what says best that an incident is one author's with the contact.
func (k *kin) of(id canary.IncidentID) (canary.Alike, bool) {
	if i := slices.IndexFunc(k.authors, func(a canary.Alike) bool { return a.Incident == id }); i >= 0 {
		return k.authors[i], true
	}
	return canary.Alike{}, false
}

// continued finds the open incident of a place that the author of the contact in hand
// made before: a caller who comes back after a week goes on with it.
func (w *work) continued(place canary.Place, at time.Time) (best *canary.Standing) {
	for _, a := range w.kin.authors {
		for _, s := range w.board {
			if s.ID == a.Incident && (s.Place == place || slices.Contains(s.Also, place)) && (best == nil || apart(s, at) < apart(best, at)) {
				best = s
			}
		}
	}
	return best
}

// comesBack says of an incident that its author went on with it after days. It wakes
// people as an incident of its own would: who was at the first may have laid it aside.
func (w *work) comesBack(s *canary.Standing, at time.Time, sig signal) {
	if a, one := w.kin.of(s.ID); one && apart(s, at) > together {
		raise(&s.Incident, signal{severity: canary.P4, reason: common(a.Trait) + " came back after more than 72 hours"})
		w.anew[s.ID] = w.anew[s.ID] || sig.severity.Reaches(canary.P2)
	}
}

// relate names in an incident others of its author. Two places whose canaries one
// author has are two leaks, or one extract of both: who looks at it decides.
func (w *work) relate(id canary.IncidentID) {
	for _, a := range w.kin.authors {
		for _, s := range w.board {
			if s.ID != id || a.Incident == id || related(s) >= mostRelated || strings.Contains(strings.Join(s.Reasons, "\n"), string(a.Incident)) {
				continue
			}
			raise(&s.Incident, signal{severity: canary.P4, reason: common(a.Trait) + ofIncident + string(a.Incident) + ": if both are one leak, merge them"})
			w.changed[id] = true
		}
	}
}

// ofIncident stands between what two incidents have in common and the other's id.
const ofIncident = " as in incident "

func related(s *canary.Standing) (n int) {
	for _, why := range s.Reasons {
		if strings.Contains(why, ofIncident) {
			n++
		}
	}
	return n
}

// kindred joins a contact that reached no canary to the incidents of its author. That
// an author reaches others as well tells whoever looks at it what to think of it.
func (w *work) kindred(ctx context.Context, c *canary.Contact, said reading) error {
	k, err := w.gather(ctx, c, said)
	if err != nil {
		return err
	}
	placebo := slices.ContainsFunc(w.hitsOf(c.ID), func(h canary.Hit) bool { return h.Role == canary.RolePlacebo })
	for _, a := range k.authors {
		for _, s := range w.board {
			if s.ID != a.Incident || s.Support >= mostSupport || w.supported(s.ID, c.ID) {
				continue
			}
			s.Support++
			w.out.Supports = append(w.out.Supports, canary.Support{Incident: s.ID, Contact: c.ID, Why: because(a, k.traits, when(c).Sub(a.At))})
			reason := fmt.Sprintf("%s came to an address or number of ours that is no canary's", common(a.Trait))
			if placebo {
				reason = fmt.Sprintf("%s came to an address or number that was never planted: noise does so, and whoever has the records does not", common(a.Trait))
			}
			raise(&s.Incident, signal{severity: canary.P4, reason: reason})
			w.changed[s.ID] = true
		}
	}
	return nil
}

// hitsOf are the hits of a contact, found just now or filed before.
func (w *work) hitsOf(id canary.ContactID) (list []canary.Hit) {
	for _, h := range w.out.Hits {
		if h.Contact == id {
			list = append(list, h)
		}
	}
	for _, h := range w.had {
		if h.Contact == id {
			list = append(list, h)
		}
	}
	return list
}
