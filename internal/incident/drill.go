package incident

import (
	"context"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// What a drill's mark is good for.
const (
	markFresh = 15 * time.Minute // after it was issued, by the clock of the ear that heard it
	markSkew  = 5 * time.Minute  // so far an ear's clock may be behind
)

// drill takes in that a contact reached a token of a drill. What carries a fresh
// mark for it is the drill's and goes where its pages go. Anything else is weighed
// as any contact is: nobody can know the token who has not seen a drill's traffic.
// Whatever else a marked contact reaches or names is weighed as ever.
func (w *work) drill(ctx context.Context, c *canary.Contact, m *canary.Match, h canary.Hit, sig signal) error {
	shot, ok, err := w.shotAt(ctx, c, m)
	switch {
	case err != nil:
		return err
	case !ok:
		h.Clean, h.Class = sig.clean, canary.ClassUnknown // no drill's, and nobody's
		return w.join(ctx, h, canary.Unmarked, ofUnmarked(sig, w.off))
	case w.had != nil: // it is searched, and was a shot when it was taken in
		return nil
	}
	spent := canary.Spent{Shot: shot.ID, Contact: c.ID, At: c.At}
	switch {
	case c.Probe || shot.Ended: // it did not come through, or too late for its drill
	case shot.Run == canary.Deadman:
		spent.Page = w.muted(&shot)
	default:
		w.runs[shot.Run] = shot.Route
		h.Clean = sig.clean
		err = w.join(ctx, h, canary.AtDrill(shot.Run), sig)
	}
	w.out.Spent = append(w.out.Spent, spent)
	return err
}

// drillQuery takes in a DNS query for a name that is a mark, and reports whether
// it was one: such a query supports no incident.
func (w *work) drillQuery(ctx context.Context, c *canary.Contact) (bool, error) {
	w.off = 0
	zone := c.Facts["zone"]
	if len(c.Targets) != 1 || zone == "" {
		return false, nil
	}
	label, below := strings.CutSuffix(c.Targets[0].Text, "."+zone)
	if !below {
		return false, nil
	}
	shot, ok, err := w.marked(ctx, c, zone, label)
	if err != nil || !ok {
		return false, err
	}
	spent := canary.Spent{Shot: shot.ID, Contact: c.ID, At: c.At}
	if shot.Run == canary.Deadman && !shot.Ended {
		spent.Page = w.muted(&shot)
	}
	w.out.Spent = append(w.out.Spent, spent)
	return true, nil
}

// shotAt finds the shot that a contact is, by what it carries for a target: the
// tag of the address, or a word of the text.
func (w *work) shotAt(ctx context.Context, c *canary.Contact, m *canary.Match) (shot canary.Shot, ok bool, err error) {
	w.off = 0
	var said []string
	if m.Token.Kind == canary.Email {
		local, _, _ := strings.Cut(strings.ToLower(c.Targets[m.Target].Text), "@")
		_, tag, _ := strings.Cut(local, "+")
		said = []string{tag}
	} else {
		said = strings.Fields(c.Text)
		said = said[:min(len(said), 20)] // a shot says little
	}
	for _, word := range said {
		if shot, ok, err = w.marked(ctx, c, m.Token.Text, word); ok || err != nil {
			return shot, ok, err
		}
	}
	return shot, false, nil
}

// marked finds the shot of a mark that is fresh and that no other contact has
// used up.
func (w *work) marked(ctx context.Context, c *canary.Contact, target, mark string) (canary.Shot, bool, error) {
	none := canary.Shot{}
	if w.in.cfg.Marked == nil || mark == "" {
		return none, false, nil
	}
	shot, found, err := w.in.cfg.Marked(ctx, target, mark)
	if err != nil || !found {
		return none, false, err
	}
	used := shot.Contact
	for _, s := range w.out.Spent {
		if s.Shot == shot.ID {
			used = s.Contact
		}
	}
	now := w.in.cfg.Now()
	late := c.At.Sub(shot.Issued)
	if w.off = clockOff(c.At, shot.Issued, now); w.off != 0 {
		w.in.cfg.Log.WarnContext(ctx, "the clock of an ear is off: its contacts carry its time", "contact", c.ID, "ear", c.Ear, "front", shot.Front, "off", w.off.String())
		late = now.Sub(shot.Issued) // our clock says what its does not
	}
	if used != "" && used != c.ID || late > markFresh {
		w.in.cfg.Log.WarnContext(ctx, "a contact with an old mark of a drill is no drill's", "contact", c.ID, "front", shot.Front, "used", used, "late", late.String())
		return none, false, nil
	}
	return shot, true, nil
}

// clockOff is by how much the clock of an ear is off for sure, more being ahead: it
// heard a mark before that was issued, or later than now. 0 is not that we know.
func clockOff(heard, issued, now time.Time) time.Duration {
	switch {
	case heard.Before(issued.Add(-markSkew)):
		return heard.Sub(issued)
	case heard.After(now.Add(markSkew)):
		return heard.Sub(now)
	}
	return 0
}

// isOff says in words that the clock of an ear is off.
func isOff(by time.Duration) string {
	side := "ahead"
	if by < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the clock of the ear that heard it is %s or more %s: what it hears carries that time", by.Abs().Round(time.Second), side)
}

// muted writes the page of a shot, which goes through the outbox like any other
// and to nobody.
func (w *work) muted(shot *canary.Shot) canary.PageID {
	p := canary.Page{
		ID: canary.PageID(canary.NewID("p")), Drill: string(shot.ID), Severity: canary.P4, At: canary.Micro(w.in.cfg.Now()),
		Summary: "DRILL: a contact of the dead-man's switch came through " + shot.Front, Reasons: []string{"it carries the mark of a drill"},
		Proves: "What comes in there reaches the pager.", ProvesNot: "That a page reaches anybody.", Next: []string{"nothing"},
	}
	if w.off != 0 {
		p.Reasons = append(p.Reasons, isOff(w.off))
	}
	w.out.Pages = append(w.out.Pages, p)
	w.out.Deliveries = append(w.out.Deliveries, Deliveries(p.ID, []Route{{Name: canary.Muted}})...)
	return p.ID
}

// ofUnmarked says of a signal what it is about: the token was never planted. Where
// the clock of the ear is off, it may be a drill's that came late.
func ofUnmarked(sig signal, off time.Duration) signal {
	sig.reason = "a contact that was no drill's reached a token that drills alone use"
	if off != 0 {
		sig.reason += "; it has a drill's mark, which is too old by our clock, and " + isOff(off)
	}
	return sig
}

// routesOf are the routes for the pages of an incident: of a drill the one that
// was chosen for it, however urgent.
func (w *work) routesOf(s *canary.Standing) []Route {
	run, is := s.Place.Drill()
	if !is {
		return w.in.cfg.Routes
	}
	return []Route{{Name: w.runs[run], Min: canary.P4}}
}

// composeDrill fills the page of a drill.
func composeDrill(p canary.Page, run canary.DrillID, inc *canary.Incident) canary.Page {
	p.Drill = string(run)
	p.Summary = fmt.Sprintf("DRILL %s: a staged leak; %s with tokens of drill %s; first at %s",
		inc.Severity, counted(inc.Contacts, "contact"), run, inc.Opened.UTC().Format("2006-01-02 15:04:05Z"))
	p.Proves = "That a leak like this comes through to here. It was staged: nothing has left."
	p.ProvesNot = "Anything about customers' data."
	p.Sure = "Certain: its contacts carry marks that only this system can make."
	p.Next = []string{"Do what you would do if it were none; the drill ends by itself"}
	return p
}

// composeUnmarked fills the page about contacts with drills' tokens that were no
// drill's.
func composeUnmarked(p canary.Page) canary.Page {
	p.Proves = "Somebody contacts addresses or numbers that stand in no table and that drills alone use."
	p.ProvesNot = "That customers' data has left. Somebody may have read the drills' traffic on its way, or have taken an edge; a mail of a drill may have come late."
	p.Sure = "Unsure: rare guesses hit such an address too."
	p.Next = []string{
		"Look at the contact: its time and its sender say whether it is an old one of a drill",
		"If it is not, look at who can read what comes to the fronts: the edges, and what stands before them",
	}
	return p
}
