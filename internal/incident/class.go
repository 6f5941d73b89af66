package incident

import (
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// classify gives the class of one hit.
func classify(c *canary.Contact, m canary.Match) canary.Class {
	target := c.Targets[m.Target]
	switch {
	case m.Token.Role == canary.RolePlacebo:
		return canary.ClassPlacebo
	case m.Token.Role == canary.RoleDrill:
		return canary.ClassDrill
	case m.Variant:
		return canary.ClassVariant
	case probed(c, m):
		return canary.ClassProbe
	case ended(m.Token.Window, c.At):
		return canary.ClassRetired
	case respelt(target, m.Token.Token):
		return canary.ClassVariant
	}
	return canary.ClassPlanted
}

// probed reports whether a contact only tested whether a token exists.
func probed(c *canary.Contact, m canary.Match) bool { return c.Probe || c.Targets[m.Target].Refused }

// ended reports whether a token stood in no table any more at a moment.
func ended(w canary.Window, at time.Time) bool {
	return w.Until.Come() && !at.Before(w.Until.Latest)
}

// respelt reports whether a target is a token's text in another spelling: with a
// tag, with quotes, with separators. What reached a mailbox through the address
// that it forwards to is no spelling of it.
func respelt(t canary.Target, tok canary.Token) bool {
	if t.Via != "" {
		return false // found by its canonical form
	}
	canon, err := token.Canon(t.Kind, t.Text)
	if err != nil || canon != tok.Text {
		return false
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(t.Text, "<"), ">")
	if t.Kind == canary.Email {
		return !strings.EqualFold(plain, tok.Text)
	}
	return false // numbers and tickets are spelt in as many ways by anybody
}

// telling are the classes of hits, those first that say most about their contact.
// Who reached a placebo guesses, whatever else was reached.
func telling() []canary.Class {
	return []canary.Class{canary.ClassPlacebo, canary.ClassOwn, canary.ClassDrill, canary.ClassProbe, canary.ClassPlanted, canary.ClassVariant, canary.ClassRetired}
}

// class gives the class of a contact that was assessed, by what was made of it. A
// shot of the dead-man's switch makes no hit.
func (w *work) class(c *canary.Contact, matches []canary.Match) canary.Class {
	var of []canary.Class
	for _, h := range w.out.Hits {
		if h.Contact == c.ID {
			of = append(of, h.Class)
		}
	}
	if len(of) == 0 && slices.ContainsFunc(matches, func(m canary.Match) bool { return m.Token.Role == canary.RoleDrill }) {
		of = append(of, canary.ClassDrill)
	}
	return classOf(c, of)
}

// classOf gives the class of a contact by those of its hits.
func classOf(c *canary.Contact, of []canary.Class) canary.Class {
	for _, class := range telling() {
		if slices.Contains(of, class) {
			return class
		}
	}
	if c.Channel == canary.DNS || len(c.Targets) == 0 {
		return "" // a name is no token
	}
	return canary.ClassUnknown
}

// remark says what a class adds to the reasons; it raises nothing.
func remark(class canary.Class) string {
	switch class {
	case canary.ClassRetired:
		return "a token was reached that stood in no table any more: who has it has had it since before it was changed"
	case canary.ClassVariant:
		return "a planted address was reached in another spelling than it stands in the record"
	default:
		return ""
	}
}
