package forensics

import (
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/picture"
)

// Picture gives what is drawn of an answer, naming tokens and extracts by their ids.
func (a *Answer) Picture() picture.Picture {
	p := &picture.Access{Silent: a.Silent}
	for _, h := range a.Hits {
		t := picture.Token{Name: string(h.Token) + " " + string(h.Kind), First: h.First}
		for _, w := range h.Windows {
			t.Perhaps = append(t.Perhaps, hull(w).drawn()...)
			t.Surely = append(t.Surely, core(w).drawn()...)
		}
		p.Tokens = append(p.Tokens, t)
	}
	for _, in := range a.Window {
		p.Window = append(p.Window, picture.Span{From: in.From, Until: in.Until})
	}
	for _, peak := range a.Peaks {
		if peak.Tokens == a.Peaks[0].Tokens {
			p.Most = append(p.Most, picture.Span{From: peak.From, Until: peak.Until})
		}
	}
	if c := a.Chances; c != nil {
		for _, t := range c.Times {
			p.Density = append(p.Density, picture.Moment{At: t.From, P: t.P})
		}
		for percent, set := range map[int][]TimeSpan{50: c.Half, 90: c.Likely, 99: c.Nearly} {
			p.Credible = append(p.Credible, picture.Credible{Percent: percent, Intervals: drawnSet(set)})
		}
		slices.SortFunc(p.Credible, func(x, y picture.Credible) int { return x.Percent - y.Percent })
	}
	for _, s := range a.Suspects {
		if !s.Unlogged && s.Explains > 0 {
			p.Taken = append(p.Taken, picture.Taken{Name: string(s.Extract), Span: picture.Span{From: s.Taken.Earliest, Until: s.Taken.Latest}})
		}
	}
	return picture.Window(p)
}

func drawnSet(set []TimeSpan) (out []picture.Span) {
	for _, s := range set {
		out = append(out, picture.Span{From: s.From, Until: s.Until})
	}
	return out
}

// Candidates gives what is drawn of the probabilities of an answer.
func (a *Answer) Candidates() picture.Picture {
	if a.Chances == nil {
		return picture.Picture{}
	}
	list := []picture.Candidate{{Kind: picture.Unlogged, P: a.Chances.Unlogged}, {Kind: picture.None, P: a.Chances.None}}
	for _, c := range a.Chances.Extracts {
		list = append(list, picture.Candidate{Kind: picture.Extract, Name: c.Name, P: c.P})
	}
	for _, c := range a.Chances.Actors {
		list = append(list, picture.Candidate{Kind: picture.Actor, Name: c.Name, P: c.P})
	}
	return picture.Suspects(list)
}

// drawn is a span as it is drawn; an empty one is not.
func (s span) drawn() []picture.Span {
	switch {
	case s.empty():
		return nil
	case s.until == forever:
		return []picture.Span{{From: moment(s.from)}}
	}
	return []picture.Span{{From: moment(s.from), Until: moment(s.until)}}
}

// silentTokens counts the tokens that may have been readable in the access window, or
// where most hits fit, and were not hit.
func (a *Answer) silentTokens(tokens []Live) int {
	when := a.Window
	if len(when) == 0 && len(a.Peaks) > 0 {
		when = []Interval{a.Peaks[0].Interval}
	}
	seen := map[canary.TokenID]bool{}
	for _, h := range a.Hits {
		seen[h.Token] = true
	}
	reached := len(seen)
	for _, l := range tokens {
		s := hull(l.Window)
		if slices.ContainsFunc(when, func(in Interval) bool {
			return in.Place == l.Window.Place && s.from < in.Until.UnixMicro() && s.until > in.From.UnixMicro()
		}) {
			seen[l.Token] = true
		}
	}
	return len(seen) - reached
}
