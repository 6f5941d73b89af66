package incident

import (
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// searched reports whether a contact may name tokens in what it says. What an
// agent of the help desk enters is no stranger's.
func searched(c *canary.Contact) bool {
	switch c.Channel {
	case canary.SMTP, canary.IMAP:
		return !c.Probe
	case canary.Voice, canary.SMS:
		return !c.Probe && words(c) != ""
	case canary.Report:
		return !c.Probe && !c.Reporter()
	default:
		return false
	}
}

// routedTo are the addresses that a mail's header and envelope say it had on
// its way here, those that servers write before those that its author wrote.
func routedTo(c *canary.Contact, said reading) []canary.Target {
	var out []canary.Target
	add := func(text, via string) {
		if canon, err := token.Canon(canary.Email, text); err == nil {
			out = append(out, canary.Target{Kind: canary.Email, Text: canon, Via: via})
		}
	}
	if by, ok := token.ForwardedBy(c.Source); ok {
		add(by, canary.InSender)
	}
	for _, r := range said.mail.Routed {
		if r.Inner {
			add(r.Mail, canary.InText)
		} else {
			add(r.Mail, r.Field)
		}
	}
	for _, a := range slices.Concat(said.mail.To, said.mail.Cc) {
		add(a.Mail, "To")
	}
	return out
}

// weighNamed judges a hit on a token that the contact was not aimed at.
func weighNamed(kind canary.Kind, via string) signal {
	switch {
	case via == "To":
		return signal{severity: canary.P3, reason: "a mail that came to another address of ours names a planted one as its addressee (To, Cc), which its author may write at will"}
	case via == canary.InSender:
		return signal{severity: canary.P2, clean: true, reason: "a mail was forwarded here from a planted address, by what the forwarding provider wrote into the envelope's sender; it can be forged by who knows the address, unlike an envelope's recipient"}
	case via != canary.InText:
		return signal{severity: canary.P2, clean: true, reason: "a mail was forwarded here from a planted address, by its header (" + via + "); a header can be forged by who knows the address, unlike an envelope's recipient"}
	case kind == canary.Ticket:
		return signal{severity: canary.P2, clean: true, reason: "a message quotes a ticket number that only a planted record has"}
	case kind == canary.Phone:
		return signal{severity: canary.P3, reason: "a message quotes the number of a planted record"}
	}
	return signal{severity: canary.P2, clean: true, reason: "a message quotes an address that only a planted record has"}
}

// kindsOf says of each canary which kinds of its tokens a contact has.
func kindsOf(matches []canary.Match) map[canary.ID]map[canary.Kind]bool {
	out := map[canary.ID]map[canary.Kind]bool{}
	for _, m := range matches {
		if m.Token.Role != canary.RolePlanted {
			continue
		}
		if out[m.Token.Canary] == nil {
			out[m.Token.Canary] = map[canary.Kind]bool{}
		}
		out[m.Token.Canary][m.Token.Kind] = true
	}
	return out
}

// ofSeveral raises a signal when the contact has tokens of several kinds of the
// same canary: hardly anybody guesses two.
func ofSeveral(c *canary.Contact, sig signal, kinds map[canary.Kind]bool) signal {
	if len(kinds) < 2 || c.Probe || sig.severity == canary.P1 {
		return sig
	}
	return signal{severity: canary.P1, clean: true, named: true, reason: "it has an address, a number or a ticket of a record together with another of these, which stand together only in this record"}
}
