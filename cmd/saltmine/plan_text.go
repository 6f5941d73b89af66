package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	sched "saltmine/seeder/schedule"
)

// text prints the plan: what to do first, then what it is worth.
func (p *planned) text(w io.Writer) error {
	t := &planText{}
	p.answer(t)
	p.textDetection(t)
	p.textTime(t)
	p.textAddresses(t)
	p.textPhones(t)
	p.textWindow(t)
	p.textSegments(t)
	p.textInjection(t)
	t.line("\nWhat more would buy")
	for _, x := range p.Buys {
		show := short
		if x.chance {
			show = chance
		}
		t.line("  %s", x.More)
		t.para("    ", "%s: %s -> %s", x.Measure, show(x.Now), show(x.Then))
	}
	p.textCosts(t)
	t.line("")
	t.para("", "Assumed, not measured: that contacted rows are picked at random, the shares, the prices and the pace of a campaign. Your own numbers go before these defaults.")
	_, err := io.WriteString(w, t.String())
	return err
}

// planText is the page that is being written.
type planText struct{ strings.Builder }

const planWidth = 78

func (t *planText) line(format string, args ...any) {
	t.WriteString(fmt.Sprintf(format, args...) + "\n")
}

// para breaks a sentence at spaces and indents its lines.
func (t *planText) para(indent, format string, args ...any) {
	line := indent
	for word := range strings.FieldsSeq(fmt.Sprintf(format, args...)) {
		switch {
		case line == indent:
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > planWidth:
			t.line("%s", line)
			line = indent
		default:
			line += " "
		}
		line += word
	}
	t.line("%s", line)
}

// answer is for somebody tired: what to plant, and what comes of it.
func (p *planned) answer(t *planText) {
	c := p.Canaries
	if p.f.canaries > 0 {
		t.para("", "With %s, %s of leaks like this one touch %s or more. To make that %s, plant %s.",
			many(c.Planned, "canary"), chance(c.Probability), many(c.Hits, "canary"), perCent(c.Confidence), thousands(c.Needed))
	} else {
		t.para("", "Plant %s: then %s of leaks like this one touch %s or more.",
			many(c.Planned, "canary"), perCent(c.Confidence), many(c.Hits, "canary"))
	}
	t.para("", "One row in %s is then a canary. The thief's %s rows hold about %s of them; of the %s that are contacted, about %s.",
		short(c.RowsForOne), thousands(p.Leak.Extract), short(c.Held), thousands(p.Leak.Contacted), short(c.Contacted))
	switch {
	case c.Planned > p.Leak.Rows:
		t.para("", "Those are more canaries than customers: so small a leak is not met this way.")
	case c.RowsForOne < 100:
		t.para("", "That is more than one row in a hundred, which shows. Fewer do where thieves look: give the rows that they want as --segment-size.")
	}
	if c.Hits < 3 {
		t.para("", "Plan for 3 hits or more: with fewer the first suspect is often the wrong one.")
	}
}

func (p *planned) textDetection(t *planText) {
	t.line("\nProbability of at least so many hits, also when the thief drops own domains")
	var head, all, careful strings.Builder
	for _, d := range p.Detection {
		fmt.Fprintf(&head, "%9s", thousands(d.Hits))
		fmt.Fprintf(&all, "%9s", chance(d.All))
		fmt.Fprintf(&careful, "%9s", chance(d.Careful))
	}
	t.line("  %-22s%s\n  %-22s%s\n  %-22s%s", "hits", &head, "all canaries", &all, "without own domains", &careful)
}

func (p *planned) textTime(t *planText) {
	t.line("\nDays from the first contact to a hit: half of leaks / 19 in 20")
	t.line("  %-16s%16s%16s%16s%12s", "contacts a day", "1st hit", "2nd hit", "3rd hit", "1st by 90")
	for i := 0; i < len(p.Time); i += 3 {
		var cells strings.Builder
		for _, x := range p.Time[i : i+3] {
			fmt.Fprintf(&cells, "%16s", daysText(x.Half)+" / "+daysText(x.Most))
		}
		t.line("  %-16s%s%12s", thousands(p.Time[i].PerDay), &cells, chance(p.Time[i].Within90))
	}
	var cells strings.Builder
	for _, x := range p.Campaign {
		fmt.Fprintf(&cells, "%16s", daysText(x.Half))
	}
	t.line("  %-16s%s", "after the access", &cells)
	t.para("  ", "Never: in so many leaks the contacts end before. By 90: the 1st hit comes within 90 days. The last line counts half of leaks from the access, for buyers who begin after about 4 days and take some 20.")
}

func (p *planned) textAddresses(t *planText) {
	a := p.Addresses
	t.line("\nAddresses")
	t.para("  ", "%s with mailboxes at large providers, %s on %s.", many(a.Mailboxes, "canary"), thousands(a.Own), many(a.Domains, "own domain"))
	t.para("  ", "Outside the large providers are %s of customers and %s of canaries (AUC %.2f).", perCent(p.f.tailShare), perCent(float64(a.Own)/float64(p.Canaries.Planned)), a.ClassAUC)
	if a.ClassAUC > plainest {
		t.para("  ", "That gives them away: whoever drops all addresses outside the large providers loses few customers. Get more mailboxes, or plant fewer on own domains.")
	}
	if a.Own == 0 {
		return
	}
	t.para("  ", "The extract holds about %s of those on own domains, %s of them on the fullest one; %s domains are seen twice or more (%s bring that down to one).", short(a.HeldOwn), short(a.LargestCluster), short(a.SeenTwice), many(a.SafeDomains, "domain"))
	if a.HeldOwn < fewOwn {
		return
	}
	t.para("  ", "Beside customers' small domains they look %s (AUC %.2f).", rarity(a.TailAUC), a.TailAUC)
}

func rarity(auc float64) string {
	switch {
	case auc > plainest:
		return "too frequent: take more domains"
	case auc < rarest-1e-3:
		return "too rare: take fewer domains"
	}
	return "alike"
}

func (p *planned) textPhones(t *planText) {
	ph := p.Phones
	t.line("\nPhone numbers (they confirm, with voice and script; e-mail attributes)")
	if ph.RowsForOne == 0 {
		t.para("  ", "Not one call is to be expected.")
	} else {
		t.para("  ", "For one call: %s with a number, %s with those that rest.", many(ph.RowsForOne, "row"), many(ph.NumbersForOne, "number"))
	}
	if ph.RowsForHits > 0 && p.Canaries.Hits > 1 {
		t.para("  ", "For %s rows called: %s with a number.", thousands(p.Canaries.Hits), many(ph.RowsForHits, "row"))
	}
	if ph.Numbers == 0 {
		return
	}
	t.para("  ", "Your %s keep %s supplied; one is called in %s of leaks.", many(ph.Numbers, "number"), many(ph.Rows, "row"), chance(ph.One))
	if len(ph.Cell) > 0 {
		var cells []string
		for _, c := range ph.Cell {
			cells = append(cells, chance(c))
		}
		t.para("  ", "1, 2, … numbers called name the stay of %s days in which they stood with: %s.", short(ph.Schedule.Stay), strings.Join(cells, ", "))
	}
}

func (p *planned) textWindow(t *planText) {
	w := p.Window
	t.line("\nAccess window, for a leak of the last %s days that is not in the log", short(days(p.f.back)))
	for _, s := range w.Plans {
		if s.Kind == sched.Still {
			t.para("  ", "%s never change: %s.", s.What, s.Why)
			continue
		}
		t.para("  ", "%s: a %s, each stands for %s days, %s changes a day; %s.", s.What, s.Kind, short(s.Stay), short(s.Changes), s.Why)
	}
	p.textTicks(t)
	var head, width, still strings.Builder
	for _, x := range w.Widths {
		fmt.Fprintf(&head, "%10s", thousands(x.Hits))
		fmt.Fprintf(&width, "%10s", short(x.Days))
		fmt.Fprintf(&still, "%10s", short(x.Still))
	}
	t.line("  %-24s%s\n  %-24s%s\n  %-24s%s", "after so many hits", &head, "expected days", &width, "if no token changed", &still)
	t.para("  ", "A canary changes %s times a year, a customer %s: two copies 90 days apart tell them apart with AUC %.2f, a year apart %.2f.", short(w.Tell.Canaries), short(w.Tell.Table), w.Tell.Apart90, w.Tell.Apart365)
	if w.Tell.Canaries > p.f.changeMax*w.Tell.Table*1.001 {
		t.para("  ", "That is more than %s times the table's rate, and shows.", short(p.f.changeMax))
	}
	t.para("  ", "A leak whose extract is in the log is dated by the log, to the second: keep it.")
}

func (p *planned) textTicks(t *planText) {
	k := p.Window.Ticks
	if k.Each == 0 {
		return
	}
	often := short(k.Each) + " changes at each"
	if k.Each < 1 {
		often = "a change at one in " + short(1/k.Each)
	}
	var next []string
	for _, at := range k.Next {
		next = append(next, at.Format("2006-01-02 15:04"))
	}
	t.para("  ", "serve changes tokens at the ticks of %q, %s; the next are %s UTC.", k.Schedule, often, strings.Join(next, ", "))
}

func (p *planned) textCosts(t *planText) {
	t.line("\nCosts%33s%14s%14s", "", "a month", "a year")
	for _, c := range p.Costs {
		what := c.What
		if c.Count > 0 {
			what = thousands(c.Count) + " " + c.What
		}
		t.line("  %-36s%14s%14s", what, money(c.Month), money(c.Year))
	}
}

// thousands prints 111782 as 111,782.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short prints a number with two or three digits that count.
func short(v float64) string {
	switch {
	case math.Abs(v) >= 100:
		return thousands(int(math.Round(v)))
	case math.Abs(v) >= 10:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// chance prints a probability, never as certainty.
func chance(p float64) string {
	switch {
	case p < 0.0005:
		return "< 0.1 %"
	case p > 0.9995:
		return "> 99.9 %"
	}
	return perCent(p)
}

// perCent prints a share.
func perCent(p float64) string {
	return strconv.FormatFloat(math.Round(p*1000)/10, 'f', -1, 64) + " %"
}

func money(v float64) string { return thousands(int(math.Round(v))) }

func daysText(d *float64) string {
	if d == nil {
		return "never"
	}
	return short(*d)
}

func many(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "ary"):
		return thousands(n) + " " + strings.TrimSuffix(what, "y") + "ies"
	case what == "row called":
		return thousands(n) + " rows called"
	}
	return thousands(n) + " " + what + "s"
}
