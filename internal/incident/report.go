package incident

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// What reports of people are joined by.
const (
	reach       = 30 * 24 * time.Hour // people tell of a call weeks later, or weeks before the first that we hear
	independent = 3                   // reporters of one caller that make an incident
	mostReports = 200                 // that an incident keeps: strangers can report for ever
)

// reported reports whether a contact is what a person told us.
func reported(c *canary.Contact) bool { return c.Channel == canary.Report && c.Ear == canary.EarReport }

// when is the moment that a contact is about: of a report, that of the call.
func when(c *canary.Contact) time.Time {
	if reported(c) {
		if at, err := time.Parse(time.RFC3339, c.Facts[canary.ReportedAt]); err == nil {
			return canary.Micro(at)
		}
	}
	return c.At
}

// alike finds the contacts that have a trait in common with this one.
func (w *work) alike(ctx context.Context, c *canary.Contact, traits []trait) ([]canary.Alike, error) {
	blinds := make([]int64, len(traits))
	for i, t := range traits {
		blinds[i] = t.blind
	}
	at := when(c)
	found, err := w.in.cfg.Alike(ctx, blinds, at.Add(-reach), at.Add(reach))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(w.alikeHere(found, blinds), func(a canary.Alike) bool {
		return a.Contact == c.ID || !sayTheSame(a, fewestRuns)
	}), nil
}

// alikeHere adds those of the contacts in hand: they are in no registry yet.
func (w *work) alikeHere(found []canary.Alike, blinds []int64) []canary.Alike {
	filed := len(found)
	for _, old := range w.out.Clues {
		if !slices.Contains(blinds, old.Blind) {
			continue
		}
		same := func(a canary.Alike) bool {
			return a.Contact == old.Contact && a.Incident == old.Incident && a.Trait == old.Trait
		}
		if i := slices.IndexFunc(found[filed:], same); i >= 0 {
			found[filed+i].Common++
			continue
		}
		found = append(found, canary.Alike{Clue: old, Common: 1})
	}
	return found
}

// leave keeps what a contact is known by, for those that come later.
func (w *work) leave(c *canary.Contact, traits []trait, of canary.IncidentID, from string) {
	for _, t := range traits {
		w.out.Clues = append(w.out.Clues, canary.Clue{Blind: t.blind, Trait: t.kind, Contact: c.ID, Incident: of, Origin: from, At: when(c)})
	}
}

// recognise joins the reports of people to the incidents that a contact belongs to,
// by what it has in common with them.
func (w *work) recognise(c *canary.Contact, from string) {
	of := w.incidentsOf(c)
	if w.in.cfg.Alike == nil || c.Probe || len(of) == 0 {
		return
	}
	traits, found := w.kin.traits, w.kin.found
	for _, id := range of {
		w.relate(id)
		w.leave(c, traits, id, from)
		reports := slices.DeleteFunc(slices.Clone(found), func(a canary.Alike) bool {
			// A report that names a token belongs to its incident by that.
			return a.Incident != "" || slices.ContainsFunc(found, func(b canary.Alike) bool { return b.Contact == a.Contact && b.Incident == id })
		})
		for _, a := range weightiest(reports, func(a canary.Alike) string { return string(a.Contact) }) {
			w.joinReport(id, a.Contact, a, because(a, traits, a.At.Sub(when(c))))
		}
	}
}

// incidentsOf are those that a contact belongs to by planted tokens found just now.
func (w *work) incidentsOf(c *canary.Contact) (of []canary.IncidentID) {
	for _, h := range w.out.Hits {
		if h.Contact == c.ID && h.Role == canary.RolePlanted && h.Incident != "" && !slices.Contains(of, h.Incident) {
			of = append(of, h.Incident)
		}
	}
	return of
}

// report joins what a person told us to the incidents of contacts with which it has
// something in common. Where there are none, several people who tell of the same
// caller make one.
func (w *work) report(ctx context.Context, c *canary.Contact, said reading, from string) error {
	if w.in.cfg.Alike == nil {
		return nil
	}
	traits := w.traits(c, said)
	found, err := w.alike(ctx, c, traits)
	if err != nil {
		return err
	}
	w.leave(c, traits, "", from)
	ofContacts := slices.DeleteFunc(slices.Clone(found), func(a canary.Alike) bool { return a.Incident == "" })
	for _, a := range weightiest(ofContacts, func(a canary.Alike) string { return string(a.Incident) }) {
		w.joinReport(a.Incident, c.ID, a, because(a, traits, when(c).Sub(a.At)))
	}
	if len(ofContacts) == 0 && len(w.incidentsOf(c)) == 0 {
		w.several(c, from, found, traits)
	}
	return nil
}

// joinReport joins a report to an incident.
func (w *work) joinReport(id canary.IncidentID, report canary.ContactID, by canary.Alike, why string) {
	if w.supported(id, report) || w.hits(id, report) {
		return
	}
	for _, s := range w.board {
		if s.ID != id {
			continue
		}
		if s.Support >= mostSupport+mostReports {
			return
		}
		s.Support++
		raise(&s.Incident, signal{severity: canary.P4, reason: "a person reported " + common(by.Trait)})
		w.changed[id] = true
	}
	w.out.Supports = append(w.out.Supports, canary.Support{Incident: id, Contact: report, Why: why})
}

// hits reports whether a contact belongs to an incident by what it names.
func (w *work) hits(id canary.IncidentID, contact canary.ContactID) bool {
	belongs := func(h canary.Hit) bool { return h.Incident == id && h.Contact == contact }
	return slices.ContainsFunc(w.out.Hits, belongs) || slices.ContainsFunc(slices.Collect(maps.Values(w.had)), belongs)
}

// several makes an incident of the reports of one caller or sender by people who
// have nothing to do with one another, as far as can be seen. Words and domains are
// shared by too many, and reports that were found to be noise make no other one.
func (w *work) several(c *canary.Contact, from string, found []canary.Alike, traits []trait) {
	near := slices.DeleteFunc(found, func(a canary.Alike) bool {
		return a.Trait != canary.SameCaller && a.Trait != canary.SameSender || a.At.Sub(when(c)).Abs() > together || a.Judged
	})
	origins := map[string]bool{from: true}
	for _, a := range near {
		origins[a.Origin] = true
	}
	if len(origins) < independent {
		return
	}
	best := weightiest(near, func(canary.Alike) string { return "" })[0]
	s := w.ofReports(near, best, c.At)
	for _, a := range weightiest(near, func(a canary.Alike) string { return string(a.Contact) }) {
		w.joinReport(s.ID, a.Contact, a, because(a, traits, a.At.Sub(when(c))))
	}
	w.joinReport(s.ID, c.ID, best, because(best, traits, when(c).Sub(best.At)))
	s.Updated = latest(s.Updated, c.At)
	raise(&s.Incident, signal{severity: canary.P3, reason: fmt.Sprintf("%s was reported by %d or more people within 72 hours, who have nothing in common as far as can be seen", common(best.Trait), independent)})
	w.changed[s.ID] = true
}

// ofReports finds the incident of reports that one of some was joined to, or opens
// one. Its mark alone would not do: a number without its country has an index for
// each country, and two reports of it have others in common than a third.
func (w *work) ofReports(near []canary.Alike, best canary.Alike, at time.Time) *canary.Standing {
	for _, s := range w.board {
		if slices.ContainsFunc(near, func(a canary.Alike) bool { return a.Joined == s.ID }) {
			return s
		}
	}
	mark := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(best.Blind))) //nolint:gosec // all 64 bits, whatever the sign
	return w.standing(canary.AtReports(mark), at)
}

// rank orders traits, the one first that says most.
func rank(t canary.Trait) int {
	return slices.Index([]canary.Trait{canary.SameCaller, canary.SameSender, canary.SameWords, canary.SameDomain}, t)
}

// weightiest keeps one of each group, that which says most; of these the earliest.
func weightiest(list []canary.Alike, group func(canary.Alike) string) []canary.Alike {
	best := map[string]canary.Alike{}
	for _, a := range list {
		old, has := best[group(a)]
		if !has || rank(a.Trait) < rank(old.Trait) || rank(a.Trait) == rank(old.Trait) && a.At.Before(old.At) {
			best[group(a)] = a
		}
	}
	out := make([]canary.Alike, 0, len(best))
	for _, key := range slices.Sorted(maps.Keys(best)) {
		out = append(out, best[key])
	}
	return out
}

// common says a trait in words.
func common(t canary.Trait) string {
	switch t {
	case canary.SameCaller:
		return "the same caller"
	case canary.SameSender:
		return "the same sender"
	case canary.SameWords:
		return "the same words"
	case canary.SameDomain:
		return "an address of the same domain"
	}
	return ""
}

// because says what a report has in common with another contact, and how long after
// that it was. Of a number it shows the country: a caller may show a planted one.
func because(a canary.Alike, traits []trait, after time.Duration) string {
	why := common(a.Trait)
	if i := slices.IndexFunc(traits, func(t trait) bool { return t.blind == a.Blind && t.shown != "" }); i >= 0 && a.Common == 1 { // of several, the country is not known
		why += " " + traits[i].shown
	}
	side := "after"
	if after < 0 {
		side = "before"
	}
	switch after = after.Abs(); {
	case after < time.Minute:
		return why + ", at the same time"
	case after < 2*time.Hour:
		return fmt.Sprintf("%s, %d min %s", why, int(after.Minutes()), side)
	case after < 72*time.Hour:
		return fmt.Sprintf("%s, %d h %s", why, int(after.Hours()), side)
	}
	return fmt.Sprintf("%s, %d days %s", why, int(after.Hours()/24), side)
}

// composeReports fills the page of several people's reports.
func composeReports(p canary.Page, inc *canary.Incident) canary.Page {
	p.Summary = fmt.Sprintf("%s reports: several people were contacted by the same stranger, says %s; first at %s",
		inc.Severity, counted(inc.Support, "report"), inc.Opened.UTC().Format("2006-01-02 15:04:05Z"))
	p.Proves = "Nothing yet: people who do not know one another tell of the same caller or sender."
	p.ProvesNot = "That data has left. No planted token was reached, whoever calls many numbers is reported by many, and reports can be made up."
	p.Sure = "Unsure: it rests on what people say."
	p.Next = []string{
		"Read what they say the caller knew: saltmine incidents show " + string(inc.ID),
		"If it is what only a customer's record holds, treat it as a leak and look for what else the caller reached",
		"Ring back those who left how to reach them, on the number that your records have",
	}
	return p
}

// trait is one trait of a contact, and its blind index.
type trait struct {
	kind  canary.Trait
	blind int64
	shown string // of it, to people
}

// addTrait adds a trait, once.
func (w *work) addTrait(list []trait, kind canary.Trait, text, shown string) []trait {
	t := trait{kind, w.in.cfg.Blind.BlindClue(kind, text), shown}
	if text == "" || slices.ContainsFunc(list, func(old trait) bool { return old.blind == t.blind }) {
		return list
	}
	return append(list, t)
}

// traits are all by which a contact may be recognised.
func (w *work) traits(c *canary.Contact, said reading) (list []trait) {
	numbers, addresses := authors(c, said)
	for _, n := range numbers {
		list = w.addTrait(list, canary.SameCaller, n, n[:min(len(n), 3)]+"…")
	}
	for _, a := range addresses {
		list = w.addTrait(list, canary.SameSender, a, "")
	}
	for _, a := range addresses {
		if _, domain, _ := strings.Cut(a, "@"); !everybodys(domain) {
			list = w.addTrait(list, canary.SameDomain, domain, "")
		}
	}
	if runs := runsOf(said.order); len(runs) >= fewestRuns { // fewer make no text like another
		for _, run := range runs {
			list = w.addTrait(list, canary.SameWords, run, "")
		}
	}
	return list
}
