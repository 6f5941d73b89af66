package main

import (
	"fmt"
	"slices"

	"saltmine/internal/forensics"
)

// plannedSegment is one part of the table: what it gets of the canaries that are planned,
// and what it takes by itself.
type plannedSegment struct {
	Name        string  `json:"name"`
	Rows        int     `json:"rows"`
	Weight      float64 `json:"weight"`
	Canaries    int     `json:"canaries"`
	Probability float64 `json:"probability"`
	// Needed are the canaries with which an extract of this segment alone has the hits with
	// the confidence, Domains the own ones that these stand on, and Numbers are those for
	// one call; 0 where so few rows are contacted that there is no such number.
	Needed  int `json:"needed"`
	Domains int `json:"domains"`
	Numbers int `json:"numbers"`
}

// leakOf is a leak of one segment alone.
func (f *planFlags) leakOf(s forensics.Share) forensics.Leak {
	return forensics.Leak{Rows: s.Rows, Extract: min(f.extract, s.Rows), Rate: f.contactRate}
}

// allocate spreads the canaries over the segments that were named.
func (p *planned) allocate() {
	shares := slices.Clone(p.f.parts)
	for i := range shares {
		shares[i].Contacted = float64(p.f.leakOf(shares[i]).Contacted())
	}
	for i, m := range forensics.Allocate(p.Canaries.Planned, shares) {
		s, leak := shares[i], p.f.leakOf(shares[i])
		one := plannedSegment{Name: s.Name, Rows: s.Rows, Weight: s.Weight, Canaries: m, Probability: leak.Detect(m, p.f.hits)}
		one.need(p.f, leak)
		p.Segments = append(p.Segments, one)
	}
}

// need works out what the segment takes by itself.
func (s *plannedSegment) need(f *planFlags, leak forensics.Leak) {
	var err error
	if s.Needed, err = leak.Need(f.hits, f.confidence); err != nil {
		s.Needed = 0 // fewer rows are contacted than hits are wanted
		return
	}
	if own := int(f.tailShare * float64(s.Needed)); own > 0 {
		s.Domains = domainsFor(own, leak.Held(s.Needed)*float64(own)/float64(s.Needed), f.tailOf(leak.Extract))
	}
	if rows, err := leak.Calling(f.callShare).Need(1, f.confidence); err == nil {
		s.Numbers = f.numbersFor(rows)
	}
}

func (p *planned) textSegments(t *planText) {
	if len(p.Segments) == 0 {
		return
	}
	t.line("\nSegments, so that a thief is least likely to get by\n  %-20s%14s%10s%12s%20s", "segment", "rows", "weight", "canaries", fmt.Sprintf("%d or more hits", p.f.hits))
	sum := 0
	for _, s := range p.Segments {
		sum += s.Canaries
		t.line("  %-20s%14s%10s%12s%20s", s.Name, thousands(s.Rows), short(s.Weight), thousands(s.Canaries), chance(s.Probability))
	}
	if left := p.Canaries.Planned - sum; left > 0 {
		t.line("  %s canaries find no room: no segment takes more than one in a hundred rows", thousands(left))
	}
	p.textNeeds(t)
}

// textNeeds says what each segment takes by itself.
func (p *planned) textNeeds(t *planText) {
	t.line("\nWhat each takes, should the thief take of it alone (%s, %s or more hits)\n  %-20s%14s%14s%14s%14s", perCent(p.f.confidence), thousands(p.f.hits), "segment", "canaries", "one row in", "own domains", "numbers")
	all := 0
	for _, s := range p.Segments {
		if s.Needed == 0 {
			t.line("  %-20s%14s", s.Name, "never")
			continue
		}
		all += s.Needed
		t.line("  %-20s%14s%14s%14s%14s", s.Name, thousands(s.Needed), short(float64(s.Rows+s.Needed)/float64(s.Needed)), thousands(s.Domains), thousands(s.Numbers))
	}
	t.line("  %-20s%14s", "together", thousands(all))
	t.para("  ", "Numbers are those for one call, with those that rest. Never: fewer rows are contacted than hits are wanted. Segments may share domains.")
}

// plannedInjection is what it takes to give each extract canaries of its own.
type plannedInjection struct {
	Canaries int     `json:"canaries"` // in each
	Share    float64 `json:"share"`    // of the extract's rows
	// From is the least extract that they are given to; those are so great a share of all
	// extracts, and carry so great a share of all rows.
	From     int     `json:"from_rows"`
	Extracts float64 `json:"of_extracts"`
	Rows     float64 `json:"of_rows"`
}

// injectFrom is the least extract that is worth it.
const injectFrom = 1000

func (p *planned) inject() {
	n := &p.Injection
	n.Canaries, n.From = forensics.Inject(p.f.contactRate, p.f.confidence), injectFrom
	n.Share = float64(n.Canaries) / float64(p.f.extract)
	n.Extracts, n.Rows = forensics.UsualSizes().From(injectFrom)
}

func (p *planned) textInjection(t *planText) {
	n := p.Injection
	t.line("\nCanaries of its own in each extract (mode B)")
	t.para("  ", "Where rows can be added to what goes out, %s in it alone (%s of %s rows), and in %s of leaks one is contacted, which names the extract. 'saltmine extracts release' does that to a copy; for queries it takes a proxy before the database.",
		many(n.Canaries, "canary"), perCent2(n.Share), thousands(p.Leak.Extract), perCent(p.f.confidence))
	t.para("  ", "Extracts of %s rows or more are %.0f %% of extracts, and carry %.0f %% of rows, where half have over %s (assumed).",
		thousands(n.From), 100*n.Extracts, 100*n.Rows, short(forensics.UsualSizes().Median))
}

// perCent2 prints a small share.
func perCent2(p float64) string { return fmt.Sprintf("%.2f %%", 100*p) }
