package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxCandidates of one kind are drawn.
const maxCandidates = 8

// Kind is what a candidate is.
type Kind int

// The kinds of candidates, in the order in which they are drawn.
const (
	Extract Kind = iota
	Actor
	Unlogged // an extract that is in no log
	None     // no leak: the contacts are noise
)

// bar is the shape of a kind.
func (k Kind) bar() shape { return []shape{extractBar, actorBar, unloggedBar, noneBar}[k] }

// Candidate is an explanation and its probability.
type Candidate struct {
	Kind Kind
	Name string // of an extract or an actor
	P    float64
}

// name is what a candidate is called.
func (c *Candidate) name() string {
	switch c.Kind {
	case Unlogged, None:
		return c.Kind.bar().words()
	case Extract, Actor:
	}
	return c.Kind.bar().words() + " " + c.Name
}

// Suspects draws how probable each candidate is: the extracts, the actors, each the most
// probable first, then that it is in no log, and that there was no leak.
func Suspects(list []Candidate) Picture {
	if len(list) == 0 {
		return Picture{}
	}
	s := scene{
		id: "suspects", title: "Suspects: how probable each is", axis: axis{0, 1, "probability", 5, percent},
		table: [][]string{{"Candidate", "Probability"}},
	}
	lead := []string{"The most probable of each kind."}
	for _, kind := range []Kind{Extract, Actor, Unlogged, None} {
		of := slices.DeleteFunc(slices.Clone(list), func(c Candidate) bool { return c.Kind != kind })
		slices.SortStableFunc(of, func(x, y Candidate) int { return cmp.Or(cmp.Compare(y.P, x.P), cmp.Compare(x.Name, y.Name)) })
		rest := 0.
		for i, c := range of {
			if i >= maxCandidates {
				rest += c.P
				continue
			}
			s.rows = append(s.rows, row{label: c.name(), value: chance(c.P), marks: []mark{{kind.bar(), 0, c.P}}})
			s.table = append(s.table, []string{c.name(), chance(c.P)})
		}
		if more := len(of) - maxCandidates; more > 0 {
			s.notes = append(s.notes, fmt.Sprintf("and %s more, together %s", many(more, kind.bar().words()), percent(min(rest, 1))))
		}
		if len(of) > 0 {
			lead = append(lead, fmt.Sprintf("%s: %s.", of[0].name(), chance(of[0].P)))
		}
	}
	s.desc = strings.Join(lead, " ")
	if slices.ContainsFunc(list, func(c Candidate) bool { return c.Kind == Actor }) {
		s.notes = append(s.notes, "An actor has the probability of all that he or she took, so extracts and actors do not add up.")
	}
	return Picture{[]scene{s}}
}

// chance is a probability that was worked out: it is never nothing.
func chance(p float64) string { return percent(max(p, 1e-9)) }
