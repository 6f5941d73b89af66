package incident

import (
	"fmt"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// manyCanaries is how the reason of a crowd begins.
const manyCanaries = "three or more canaries of the place were contacted within 72 hours"

// signal is how much one hit weighs.
type signal struct {
	severity canary.Severity
	reason   string
	clean    bool // it weighs as evidence
	guess    bool // its origin guesses: it says nothing about a crowd either
	named    bool // it names facts that stand together in one record
}

// weigh judges one hit by itself. placebos is how many placebos the same origin
// contacted lately.
func weigh(c *canary.Contact, said reading, m canary.Match, placebos int) signal {
	if why := standsTogether(c, said, m); why != "" && !c.Probe {
		return signal{severity: canary.P1, reason: why, clean: true, named: true}
	}
	if placebos > 0 {
		return signal{severity: canary.P4, reason: "the same origin also contacted addresses that were never planted anywhere, so it is guessing", guess: true}
	}
	if m.Variant {
		return weighVariant(c.Targets[m.Target])
	}
	if c.Probe {
		return signal{severity: canary.P4, reason: "somebody tested whether a planted token exists"}
	}
	if via := c.Targets[m.Target].Via; via != "" {
		return weighNamed(m.Token.Kind, via)
	}
	return weighReached(c, m)
}

// weighReached judges a hit on the token that a contact was aimed at.
func weighReached(c *canary.Contact, m canary.Match) signal {
	switch c.Channel {
	case canary.SMTP, canary.IMAP:
		if c.Targets[m.Target].Refused {
			return signal{severity: canary.P4, reason: "a planted address was tried and refused"}
		}
		return signal{severity: canary.P2, reason: "a message from a stranger reached a planted address", clean: true}
	case canary.ByTicket:
		return signal{severity: canary.P2, reason: "somebody quoted a ticket number that only a planted record has", clean: true}
	case canary.Dump:
		return weighDump(c)
	case canary.SMS:
		return signal{severity: canary.P3, reason: "a text message reached a planted number"}
	default:
		// Strangers call any number about once in one to two weeks.
		return signal{severity: canary.P4, reason: "an unknown caller rang a planted number and named nothing of the record"}
	}
}

// weighDump judges a find in a file by what the scan of the whole file made of it.
func weighDump(c *canary.Contact) signal {
	switch c.Facts[canary.FindWeight] {
	case canary.FindChance:
		return signal{severity: canary.P4, guess: true, reason: "a planted token was found in a file that has as many of those that were never planted: it is chance, or a list of all there can be"}
	case canary.FindWeak:
		return signal{severity: canary.P3, guess: true, reason: "a number as a planted record has it was found in a file, so short or without its country that it stands in any file now and then"}
	}
	return signal{severity: canary.P1, reason: "a planted token was found in a file", clean: true}
}

// standsTogether says which facts of the record the contact names besides the
// token it used. Facts that stand together in one planted record alone can
// hardly be guessed.
func standsTogether(c *canary.Contact, said reading, m canary.Match) string {
	if c.Channel == canary.Dump {
		return standsInFile(said, m)
	}
	ticket := c.Channel != canary.ByTicket && said.namesTicket(m.Tickets)
	name := said.namesPerson(m.Name)
	quoted := c.Targets[m.Target].Via != ""
	switch {
	case ticket && name:
		return "it names the customer and the ticket, which stand together only in this record"
	case ticket && (!quoted || m.Token.Kind != canary.Ticket): // a quoted number does not stand by itself twice
		return fmt.Sprintf("a contact by %s quotes the ticket number of the same record", c.Channel)
	case !name:
		return ""
	case quoted:
		return namedWith(m.Token.Kind)
	case c.Channel == canary.Voice, c.Channel == canary.SMS:
		return fmt.Sprintf("a contact by %s names the customer to whom only this record gives that number", c.Channel)
	case c.Channel == canary.ByTicket:
		return "somebody quoted the ticket number together with the customer's name, which stand together only in this record"
	}
	return ""
}

// standsInFile says what stands beside a find. An address may be made of the name, and
// a ticket number does not stand by itself twice.
func standsInFile(said reading, m canary.Match) string {
	switch name := said.namesPerson(m.Name); {
	case m.Token.Kind != canary.Email && name:
		return "a file has it beside the customer's name, which stand together only in this record"
	case m.Token.Kind != canary.Ticket && said.namesTicket(m.Tickets):
		return "a file has it beside the ticket number of the same record"
	}
	return ""
}

// namedWith says what a name together with a quoted token proves: an address
// may be made of the name.
func namedWith(kind canary.Kind) string {
	if kind != canary.Phone {
		return ""
	}
	return "it names the customer and the number, which stand together only in this record"
}

// crowd judges how many canaries of one place were contacted lately.
func crowd(s *canary.Standing, now time.Time) signal {
	count := func(hits map[canary.ID]time.Time) (n int) {
		for _, at := range hits {
			if now.Sub(at) <= together {
				n++
			}
		}
		return n
	}
	if count(s.Clean) >= 3 {
		return signal{severity: canary.P1, reason: manyCanaries}
	}
	if count(s.Touched) >= 2 {
		return tried()
	}
	return signal{severity: canary.P4}
}

func tried() signal {
	return signal{severity: canary.P3, reason: "two or more canaries of the place were tried within 72 hours"}
}

// content is how much likelier what a contact says is under a leak than under
// noise: facts that stand together are not guessed, and a file, a quoted ticket or
// a forwarded mail is more than a message to an address.
func content(sig signal) float64 {
	switch {
	case sig.named:
		return baserate.NamedFacts
	case sig.severity == canary.P1 && sig.clean:
		return baserate.MostContent
	}
	return 1
}

// raise takes a signal into an incident: severity only rises, and each reason
// stands once, the weightiest first.
func raise(inc *canary.Incident, sig signal) {
	if sig.reason == "" {
		return
	}
	line := sig.severity.String() + ": " + sig.reason
	at := 0
	for i, old := range inc.Reasons {
		if old == line {
			return
		}
		if old[:2] <= line[:2] {
			at = i + 1
		}
	}
	inc.Reasons = append(inc.Reasons[:at], append([]string{line}, inc.Reasons[at:]...)...)
	if sig.severity.Reaches(inc.Severity) {
		inc.Severity = sig.severity
	}
}

// deserves reports whether a route is to be told of an incident: once, once more
// when what was told as a note has become urgent, and when it has become more
// urgent than what somebody acknowledged: no escalation runs any more, and who is
// at it knows of the least of it.
func deserves(now, limit, last, acked canary.Severity, told bool) bool {
	if !now.Reaches(limit) {
		return false
	}
	return !told || now.Reaches(canary.P2) && !last.Reaches(canary.P2) || acked != 0 && now < acked && now < last
}
