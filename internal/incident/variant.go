package incident

import (
	"context"
	"fmt"
	"slices"

	"saltmine/internal/canary"
)

// matches finds what the targets of a contact are: tokens, and beside these what they
// are one letter off. It says nothing of who has a record that somebody tried a name
// near it: strangers try whole dictionaries, and people mistype. So such a contact is
// filed, and weighs only by what it says, or where planted addresses are so many times
// more misspelt than as many placebos that chance is not to blame.
func (w *work) matches(ctx context.Context, c *canary.Contact) (exact, all []canary.Match, err error) {
	rest := slices.Clone(c.Targets)
	for i, t := range rest {
		if w.unmet[t] {
			rest[i] = canary.Target{}
		}
	}
	if !slices.ContainsFunc(rest, func(t canary.Target) bool { return t.Kind != "" }) {
		return nil, nil, nil
	}
	if exact, err = w.in.cfg.Finder.Match(ctx, rest); err != nil || w.in.cfg.Variants == nil || c.Channel != canary.SMTP {
		return exact, exact, err
	}
	for _, m := range exact {
		rest[m.Target] = canary.Target{} // it is a token itself
	}
	all, err = w.beside(ctx, rest, exact)
	return exact, all, err
}

// beside adds to what is reached the tokens that the other targets are one letter off.
func (w *work) beside(ctx context.Context, rest []canary.Target, exact []canary.Match) ([]canary.Match, error) {
	near, err := w.in.cfg.Variants(ctx, rest)
	all := slices.Clone(exact)
	for i := range rest {
		m, found := nearest(i, near)
		if !found || slices.ContainsFunc(all, func(o canary.Match) bool { return o.Token.ID == m.Token.ID }) {
			continue // what it reaches as well is reached
		}
		// The same address again, in whatever spelling, is matched once: it is no slip.
		itself, err := w.in.cfg.Finder.Match(ctx, rest[i:i+1])
		if err != nil {
			return all, err
		}
		if len(itself) == 0 {
			all = append(all, m)
		}
	}
	return all, err
}

// fewAtOnce are contacts of which each is looked up by itself.
const fewAtOnce = 8

// findUnmet finds what most contacts of a large group try in vain.
func (w *work) findUnmet(ctx context.Context, contacts []canary.Contact) (err error) {
	if w.in.cfg.Unmet == nil || len(contacts) < fewAtOnce {
		return nil
	}
	var targets []canary.Target
	for i := range contacts {
		if !contacts[i].Open {
			targets = append(targets, contacts[i].Targets...)
		}
	}
	w.unmet, err = w.in.cfg.Unmet(ctx, targets)
	return err
}

// nearest is what a target counts as that is one letter off several addresses: a
// placebo, where one is among them.
func nearest(target int, near []canary.Match) (m canary.Match, found bool) {
	for _, n := range near {
		if n.Target == target && (!found || m.Token.Role == canary.RolePlanted) {
			m, found = n, true
		}
	}
	return m, found
}

// weighVariant judges a contact with what is one letter off a planted address.
func weighVariant(t canary.Target) signal {
	reason := "an address one letter off a planted one was written to"
	if t.Refused {
		reason = "an address one letter off a planted one was tried and refused"
	}
	return signal{severity: canary.P4, reason: reason + ": a slip of somebody who has it, or a guess that came near"}
}

// variants judges how many planted addresses of an incident were misspelt lately by
// how many placebos were: there are as many of them that are watched.
func (w *work) variants(ctx context.Context, s *canary.Standing, h canary.Hit) (signal, error) {
	if !h.Cell.Variant() || w.in.cfg.Rates == nil {
		return signal{severity: canary.P4}, nil
	}
	n := 0
	for _, at := range s.Counted[h.Cell] {
		if h.At.Sub(at) <= together {
			n++
		}
	}
	x, err := w.rates(ctx, h.Cell, h.At)
	if err != nil {
		return signal{severity: canary.P4}, err
	}
	r := reached{rated: x, canaries: make([]canary.ID, n)}
	if r.tally.Add(r.evidence()); r.tally.EValue() < oftenMisspelt {
		return signal{severity: canary.P4}, nil
	}
	return signal{severity: canary.P3, reason: fmt.Sprintf("addresses one letter off %d or more planted ones were tried within 72 hours, far more than off as many that were never planted", fewestVariants)}, nil
}

// oftenMisspelt is the e-value from which misspelt planted addresses are a sign.
// fewestVariants is how many that takes, and no placebo: with as many placebos as
// planted addresses each doubles it at most.
const (
	oftenMisspelt  = 1000
	fewestVariants = 10
)
