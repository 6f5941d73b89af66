package forensics

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"saltmine/internal/canary"
)

// fewHits is the number of hits below which the first suspect is often the
// wrong one.
const fewHits = 3

// conclude puts the answer into words.
func (a *Answer) conclude() {
	a.Reasons, a.Proves, a.ProvesNot = []string{}, []string{}, []string{}
	if len(a.Hits) == 0 {
		a.Conclusion = "No planted token was hit: there is nothing to trace."
		return
	}
	a.Conclusion = a.verdictLine()
	a.reasonWindow()
	a.reasonSuspects()
	a.bounds()
}

// verdictLine is what a responder reads first. It names nobody before others who
// explain the hits just as well, and says how sure it is.
func (a *Answer) verdictLine() string {
	of := count(len(a.Hits), "hit")
	known := slices.DeleteFunc(slices.Clone(a.Suspects), func(s Suspect) bool { return s.Unlogged })
	logged := a.All + a.Some + a.None
	if logged == 0 {
		return fmt.Sprintf("%s, and no known extract to compare with: the source is not in the log.", of)
	}
	if !slices.ContainsFunc(known, func(s Suspect) bool { return s.Explains > 0 }) {
		return fmt.Sprintf("None of %s explains any of %s: the source is not in the log, or the hits are noise.", count(logged, "known extract"), of)
	}
	first := known[0]
	line := a.level(first.ActorP)
	equal := equals(known)
	line += a.which(&first, equal, of)
	line += a.others(equal)
	if first.ActorP > Suspected {
		line += a.beside(known)
	}
	if a.All == 0 {
		line += fmt.Sprintf(" No known extract explains all %s: there is noise, or more than one, or one that is not in the log.", of)
	}
	return line + fmt.Sprintf(" A copy that is in no log: %s. No leak at all: %s.", Percent(a.Chances.Unlogged), Percent(a.Chances.None))
}

// which says what the first took, or which of several it may as well have been.
func (a *Answer) which(first *Suspect, equal []Suspect, of string) string {
	switch same := a.Alike(first); {
	case len(same) < len(equal) && Both(equal):
		return fmt.Sprintf("%d extracts explain %d of %s each, and probably went together: %s", len(equal), first.Explains, of, names(equal))
	case len(same) < len(equal):
		return fmt.Sprintf("%d extracts explain %d of %s about equally well, and these hits cannot tell them apart: %s", len(equal), first.Explains, of, names(equal))
	case len(same) > 1 && Both(same):
		return fmt.Sprintf("%s, by %d extracts together that explain %d of %s each: %s", plain(first.Actor), len(same), first.Explains, of, ids(same))
	case len(same) > 1:
		return fmt.Sprintf("%s, by one of %d extracts that explain %d of %s and that these hits cannot tell apart: %s", plain(first.Actor), len(same), first.Explains, of, ids(same))
	case first.ActorP-first.P > Slight:
		return fmt.Sprintf("%s, of whose extracts the most probable is, with %s, %s, which explains %d of %s", plain(first.Actor), Percent(first.P), first.what(), first.Explains, of)
	}
	return fmt.Sprintf("%s, explains %d of %s", first.name(), first.Explains, of)
}

// level says what may be made of the first known extract.
func (a *Answer) level(p float64) string {
	switch {
	case a.Suspect(p):
		return fmt.Sprintf("Suspect, %s: ", Percent(p))
	case p > Leads && a.events < fewHits:
		return fmt.Sprintf("A lead, %s, and too few contacts for more: ", Percent(p))
	case p > Leads:
		return fmt.Sprintf("A lead, %s, no more: ", Percent(p))
	case a.Chances.Unlogged > Leads:
		return fmt.Sprintf("Probably a copy that is in no log. Of those who took known extracts the first has %s: ", Percent(p))
	case a.Chances.None > Leads:
		return fmt.Sprintf("Probably no leak. Of those who took known extracts the first has %s: ", Percent(p))
	}
	return fmt.Sprintf("Nobody stands out; the first has %s: ", Percent(p))
}

// Suspect reports whether so probable an extract or actor may be called a suspect: one
// or two contacts make none.
func (a *Answer) Suspect(p float64) bool { return p > Suspected && a.events >= fewHits }

// Standing says what may be made of the probability of a suspect.
func (a *Answer) Standing(p float64) string {
	switch {
	case a.Suspect(p):
		return Percent(p) + ", a suspect"
	case p > Leads:
		return Percent(p) + ", a lead"
	}
	return Percent(p)
}

// Percent writes a probability, never as certain.
func Percent(p float64) string {
	switch {
	case p >= .9995:
		return "over 99.9 %"
	case p < .0005:
		return "under 0.1 %"
	case p >= .99 || p < .01:
		return fmt.Sprintf("%.1f %%", 100*p)
	}
	return fmt.Sprintf("%.0f %%", 100*p)
}

// Both reports whether extracts took part together rather than one of them: then they are
// more than one in sum.
func Both(list []Suspect) bool { return Together(list) > 1+Slight }

// Together gives the sum of the probabilities of extracts: that one of them took part, at
// most.
func Together(list []Suspect) (sum float64) {
	for i := range list {
		sum += list[i].P
	}
	return sum
}

// beside names the others who are suspects.
func (a *Answer) beside(known []Suspect) (line string) {
	told := map[string]bool{known[0].Actor: true}
	for _, s := range known[1:] {
		if !told[s.Actor] && a.Suspect(s.ActorP) && len(told) <= mostNamed {
			told[s.Actor] = true
			line += fmt.Sprintf(" Suspect as well, %s: %s.", Percent(s.ActorP), s.name())
		}
	}
	return line
}

// Slight is a difference of probabilities that a reader need not be told of.
const Slight = .05

// equals gives the first of the known extracts, and those that are about as probable and
// explain as much. Where the first one's actor is sure, only what he took himself.
func equals(known []Suspect) []Suspect {
	first := &known[0]
	out := []Suspect{*first}
	for _, s := range known[1:] {
		mine := s.Actor == first.Actor
		if s.Explains == first.Explains && s.P > 0 && s.P >= first.P/2 && (mine || first.ActorP <= Suspected && s.ActorP >= first.ActorP/2) {
			out = append(out, s)
		}
	}
	return out
}

// Alike gives the extracts of a suspect's actor that may as well be the one: they explain
// as much and are about as probable, the suspect among them.
func (a *Answer) Alike(first *Suspect) (out []Suspect) {
	for _, s := range a.Suspects {
		if !s.Unlogged && s.Actor == first.Actor && (s.Extract == first.Extract || s.Explains == first.Explains && s.P > 0 && s.P >= first.P/2) {
			out = append(out, s)
		}
	}
	return out
}

const mostNamed = 3 // extracts in a sentence

// names lists a few extracts with their actors.
func names(known []Suspect) string {
	return listed(known, func(s *Suspect) string { return fmt.Sprintf("%s by %s", plain(string(s.Extract)), plain(s.Actor)) })
}

// ids lists a few extracts.
func ids(known []Suspect) string {
	return listed(known, func(s *Suspect) string { return plain(string(s.Extract)) })
}

func listed(known []Suspect, name func(*Suspect) string) string {
	var out []string
	for i := range known[:min(len(known), mostNamed)] {
		out = append(out, name(&known[i]))
	}
	if len(known) > mostNamed {
		out = append(out, fmt.Sprintf("%d more", len(known)-mostNamed))
	}
	return strings.Join(out, ", ")
}

// others ends the sentence with what the known extracts explain that it has not named.
func (a *Answer) others(named []Suspect) string {
	all, some := a.All, a.Some
	for _, w := range named {
		switch w.Verdict {
		case ExplainsAll:
			all--
		case ExplainsSome:
			some--
		case ExplainsNone:
		}
	}
	switch {
	case all == 0 && some == 0:
		return "; no other known extract explains any."
	case all == 0:
		return fmt.Sprintf("; %s some.", explain(some, "other extract"))
	case some == 0:
		return fmt.Sprintf("; %s all too.", explain(all, "other extract"))
	}
	return fmt.Sprintf("; %s all too, %d some.", explain(all, "other extract"), some)
}

func explain(n int, what string) string {
	if n == 1 {
		return "1 " + what + " explains"
	}
	return count(n, what) + " explain"
}

func (a *Answer) reasonWindow() {
	hits := len(a.Hits)
	if len(a.Window) > 0 {
		first, last := a.Window[0], a.Window[len(a.Window)-1]
		a.say("%s between %s and %s", together(hits), stamp(first.From), stamp(last.Until))
		if len(a.Certain) == 0 {
			a.say("at no moment was that certain for all of them: the ends of the windows carry some doubt")
		}
		return
	}
	a.say("there is no moment at which all %s could be read: more than one extract, or noise among the hits", count(hits, "token")+" hit")
	if len(a.Peaks) > 0 {
		p := a.Peaks[0]
		a.say("at most %d of %d fit one moment, between %s and %s in %s", p.Tokens, hits, stamp(p.From), stamp(p.Until), p.Place)
	}
	if n := len(placesOf(a.Hits)); n > 1 {
		a.say("the tokens hit stood in %d different places; one extract of one place cannot hold them all", n)
	}
}

func together(hits int) string {
	if hits == 1 {
		return "the token hit could be read, and had not been contacted yet,"
	}
	return fmt.Sprintf("all %d tokens hit could be read together, and none had been contacted yet, only", hits)
}

func placesOf(hits []Reached) []canary.Place {
	var out []canary.Place
	for _, h := range hits {
		for _, w := range h.Windows {
			if !slices.Contains(out, w.Place) {
				out = append(out, w.Place)
			}
		}
	}
	return out
}

func (a *Answer) reasonSuspects() {
	if a.All > 1 {
		a.say("of the %d extracts that explain all hits, those that held fewer silent canaries are more probable: a larger one would have brought contacts elsewhere too", a.All)
	}
	switch {
	case len(a.Hits) < fewHits:
		a.say("only %s: with fewer than %d the first suspect is often the wrong one", count(len(a.Hits), "hit"), fewHits)
	case a.events < fewHits:
		a.say("only %s, for tokens of one record that were named together count once: with fewer than %d the first suspect is often the wrong one", count(a.events, "independent hit"), fewHits)
	}
	if a.aside > 0 {
		a.say("%s left out, beside which another with the same token tells far more: it may be a stranger's", count(a.aside, "contact"))
	}
	if a.lacks > 0 {
		a.say("the lists of what extracts held have faults: those of one report lack about %.0f %% of each other's canaries; so nobody is accused lightly for one that another's list lacks", 100*a.lacks)
	}
	if a.left > 0 {
		a.say("of so many records that were contacted %d, evenly chosen, were not weighed for the probabilities", a.left)
	}
	if a.Unusable > 0 {
		a.say("%s passed over, for want of an actor, a time, or what was held", count(a.Unusable, "known extract"))
	}
}

func (a *Answer) bounds() {
	a.Proves = append(a.Proves, fmt.Sprintf("someone used %s that stood only in records of ours: %s with %s",
		count(len(a.Hits), "token"), count(a.Contacts, "contact"), count(a.canaries(), "canary")))
	if len(a.Window) > 0 {
		a.Proves = append(a.Proves, fmt.Sprintf("if one extract brought them all, it was taken not before %s and before %s",
			stamp(a.Window[0].From), stamp(a.Window[len(a.Window)-1].Until)))
	}
	a.ProvesNot = append(a.ProvesNot,
		"that the actor named gave anything away: others may have had the extract, the account or the machine",
		"that the log is complete: an extract that nobody logged explains the hits as well",
		"anything from silence alone: most records of a leak are never contacted")
}

func (a *Answer) canaries() int {
	seen := map[canary.ID]bool{}
	for _, h := range a.Hits {
		seen[h.Canary] = true
	}
	return len(seen)
}

func (a *Answer) say(format string, args ...any) {
	a.Reasons = append(a.Reasons, fmt.Sprintf(format, args...))
}

// name gives "extract E-7 by j.doe, taken 2026-03-01 10:00:00 UTC".
func (s Suspect) name() string {
	if s.Unlogged {
		return "an extract that is not in the log"
	}
	return fmt.Sprintf("extract %s by %s, taken %s", plain(string(s.Extract)), plain(s.Actor), momentText(s.Taken))
}

// what gives "extract E-7, taken 2026-03-01 10:00:00 UTC".
func (s Suspect) what() string {
	return fmt.Sprintf("extract %s, taken %s", plain(string(s.Extract)), momentText(s.Taken))
}

func momentText(m canary.Moment) string {
	if m.Earliest.Equal(m.Latest) {
		return stamp(m.Latest)
	}
	if m.Earliest.IsZero() {
		return "before " + stamp(m.Latest)
	}
	return "between " + stamp(m.Earliest) + " and " + stamp(m.Latest)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// plain makes foreign text fit for a terminal: what does not print, or would
// turn the writing direction, becomes '?'.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "ary"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
