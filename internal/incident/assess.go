package incident

import (
	"context"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// assess weighs what a contact has of ours, joins each of it to its incident, and names
// what else its author did.
func (w *work) assess(ctx context.Context, c *canary.Contact, from string, said reading, matches []canary.Match, guessing bool) (err error) {
	if w.kin, err = w.kinOfHit(ctx, c, said, matches); err != nil {
		return err
	}
	defer func() { w.kin = kin{} }()
	if err := w.joinAll(ctx, c, from, said, matches, guessing); err != nil {
		return err
	}
	w.recognise(c, from)
	return nil
}

func (w *work) joinAll(ctx context.Context, c *canary.Contact, from string, said reading, matches []canary.Match, guessing bool) error {
	placebos, before, err := w.placebos(ctx, c, from, matches)
	if err != nil {
		return err
	}
	first := before == 0 // the source reaches no placebo before these
	several, by := kindsOf(matches), w.ownership(ctx, c, matches)
	for _, m := range owners(c, said, matches) {
		if _, again := w.had[m.Token.ID]; again && m.Token.Role != canary.RolePlanted {
			continue
		}
		h := w.newHit(c, m, from)
		switch m.Token.Role {
		case canary.RolePlacebo:
			h.Counts = first && (m.Variant || !probed(c, m))
			first = first && !h.Counts
			w.out.Hits = append(w.out.Hits, h)
		case canary.RoleDrill:
			err = w.drill(ctx, c, &m, h, weigh(c, said, m, placebos))
		default:
			err = w.hit(ctx, c, &m, h, by, ofRun(ofSeveral(c, weigh(c, said, m, placebos), several[m.Token.Canary]), guessing))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newHit is a contact on one token, before it is weighed.
func (w *work) newHit(c *canary.Contact, m canary.Match, from string) canary.Hit {
	return canary.Hit{
		Contact: c.ID, Token: m.Token.ID, Canary: m.Token.Canary, Role: m.Token.Role, Origin: from, At: c.At,
		Class: classify(c, m), Cell: w.cell(c, m),
	}
}

// cell is the channel of a contact, and the sort of what it reached.
func (w *work) cell(c *canary.Contact, m canary.Match) canary.Cell {
	stratum := w.in.cfg.Blind.Stratum(m.Token.Kind, m.Token.Text)
	if _, domain, found := strings.Cut(stratum, "|"); m.Variant && found {
		stratum = canary.VariantStratum + domain
	}
	return canary.Cell{Channel: c.Channel, Stratum: stratum}
}

// hit joins a hit on a planted token to its incident.
func (w *work) hit(ctx context.Context, c *canary.Contact, m *canary.Match, h canary.Hit, by ownership, sig signal) (err error) {
	if idle(m.Token.Window, c.At) {
		// What it names may be somebody's own. Where an ear's clock is behind by
		// more, somebody has to hear of it.
		w.in.cfg.Log.Warn("a contact with a canary that did not stand then is no hit", "contact", c.ID, "at", c.At)
		return nil
	}
	old, again := w.had[m.Token.ID]
	if by.claim == Proved {
		h.Class = canary.ClassOwn
	}
	if by.expected {
		if !again {
			w.own(h, by)
			w.judge(c)
		}
		return nil
	}
	if sig, err = w.byRate(ctx, sig, h); err != nil {
		return err
	}
	sig = ofOwner(sig, by)
	if again {
		w.strengthen(old, sig)
		return nil
	}
	if by.claim == Proved {
		w.countOwn(h, by)
	}
	h.Clean, h.Counts, h.Content = sig.clean, counts(h, sig), content(sig)
	if h.Domain, err = w.domain(&m.Token); err != nil {
		return err
	}
	if err := w.join(ctx, h, m.Place, sig); err != nil {
		return err
	}
	w.judge(c)
	return nil
}

// counts reports whether a hit is compared with the placebos' rate.
func counts(h canary.Hit, sig signal) bool {
	return !sig.guess && h.Class != canary.ClassProbe && h.Class != canary.ClassOwn
}

// domain is the blind index of an address's domain, empty for other tokens.
func (w *work) domain(t *canary.DatedToken) (string, error) {
	if t.Kind != canary.Email {
		return "", nil
	}
	_, domain, err := token.SplitEmail(t.Text)
	if err != nil {
		return "", err
	}
	return w.in.cfg.Blind.BlindDomain(domain), nil
}

// idle reports whether a token stood in no table by a moment: it was never
// planted, or only later. An intake that is behind meets such contacts with a
// mailbox or number that had another owner before.
func idle(w canary.Window, at time.Time) bool {
	return w.Never() || at.Add(skew).Before(w.From.Earliest)
}

// placebos counts the placebos that the origin of a contact contacted lately:
// by what is in the registry, by this group, and by the contact itself; before is
// without the last.
func (w *work) placebos(ctx context.Context, c *canary.Contact, from string, matches []canary.Match) (all, before int, err error) {
	own := 0
	for _, m := range matches {
		if m.Token.Role == canary.RolePlacebo {
			own++
		}
	}
	if nameless(c) {
		return own, 0, nil
	}
	since := c.At.Add(-together)
	for _, h := range w.out.Hits {
		if h.Role == canary.RolePlacebo && h.Origin == from && !h.At.Before(since) {
			before++
		}
	}
	filed, err := w.in.cfg.Finder.PlaceboHits(ctx, from, since)
	before += filed
	return own + before, before, err
}

// together judges a hit with the others of its incident.
func (w *work) together(ctx context.Context, s *canary.Standing, h canary.Hit, sig signal) error {
	if h.Counts {
		s.Count(h.Cell, h.Canary, h.At)
	}
	crowd := crowd(s, h.At)
	if w.in.cfg.Rates != nil && h.Role == canary.RolePlanted { // drills have no placebos
		beyond, err := w.reckon(ctx, s, h.At, content(sig))
		if err != nil {
			return err
		}
		if crowd.severity == canary.P1 {
			crowd = tried() // how many are a crowd is a matter of the rate
		}
		if beyond.severity < crowd.severity {
			crowd = beyond
		}
	}
	misspelt, err := w.variants(ctx, s, h)
	if err != nil {
		return err
	}
	if !sig.guess {
		raise(&s.Incident, crowd)
		raise(&s.Incident, misspelt)
	}
	return nil
}
