package incident

import (
	"context"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// Sender is a system of the company's own that writes to its customers.
type Sender struct {
	Name    string
	Domains []string // which sign its mail (DKIM)
	// Expected reports whether its mail is expected at a moment.
	Expected func(at time.Time) bool
}

// Claim is what is proved of a mail's coming from certain domains.
type Claim int

// The claims.
const (
	NotClaimed Claim = iota // its From names none of them
	Unsigned                // its From names one, which did not sign it
	Unproved                // the same, but a key could not be had
	Proved                  // one signed it, and its From is of the same
)

// ownership is whose mail a contact seems to be.
type ownership struct {
	sender   string
	claim    Claim
	expected bool
}

// ownership finds out whether a mail comes from the company itself. Those that
// do not say so cost nothing.
func (w *work) ownership(ctx context.Context, c *canary.Contact, matches []canary.Match) (o ownership) {
	mail := c.Channel == canary.SMTP || c.Channel == canary.IMAP
	planted := func(m canary.Match) bool { return m.Token.Role == canary.RolePlanted }
	if c.Probe || !mail || w.in.cfg.Signed == nil || !slices.ContainsFunc(matches, planted) {
		return o
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(w.had)), func(h canary.Hit) bool { return h.Role == canary.RoleOwn }) {
		return ownership{claim: Proved, expected: true} // it is searched now; what was proved before stays so
	}
	for _, s := range w.in.cfg.Senders {
		one := ownership{sender: s.Name, claim: w.in.cfg.Signed(ctx, c, s.Domains)}
		one.expected = one.claim == Proved && s.Expected(c.At)
		if one.claim > o.claim || one.expected && !o.expected {
			o = one
		}
	}
	return o
}

// own files a hit by the company itself.
func (w *work) own(h canary.Hit, o ownership) {
	h.Role = canary.RoleOwn
	w.out.Hits = append(w.out.Hits, h)
	w.countOwn(h, o)
}

func (w *work) countOwn(h canary.Hit, o ownership) {
	for _, old := range w.had { // it was counted when it came
		if old.Role == canary.RolePlanted || old.Role == canary.RoleOwn {
			return
		}
	}
	if o.sender == "" || slices.ContainsFunc(w.out.Own, func(m canary.OwnMail) bool { return m.Contact == h.Contact }) {
		return
	}
	w.out.Own = append(w.out.Own, canary.OwnMail{Contact: h.Contact, Sender: o.sender, Expected: o.expected, At: h.At})
}

// ofOwner changes a signal by what is known of who a mail claims to come from.
func ofOwner(sig signal, o ownership) signal {
	switch o.claim {
	case Proved:
		return signal{severity: canary.P3, reason: "the company's own " + o.sender + " wrote to a planted address outside every campaign"}
	case Unsigned:
		sig.reason += "; it claims to come from the company's own " + o.sender + " and is not signed by it"
	case Unproved:
		sig.reason += "; it claims to come from the company's own " + o.sender + ", which could not be checked"
	case NotClaimed:
	}
	return sig
}
