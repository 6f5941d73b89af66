package main

import (
	"fmt"
	"strings"
	"time"

	"saltmine/internal/forensics"
	sched "saltmine/seeder/schedule"
)

// plannedAddresses is where the canaries' addresses are.
type plannedAddresses struct {
	Own       int `json:"own"`       // canaries with an address on a domain of ours
	Mailboxes int `json:"mailboxes"` // canaries with a mailbox at a large provider
	Spare     int `json:"spare"`     // mailboxes that rest
	Domains   int `json:"domains"`
	// HeldOwn is the expected number of Own in the extract.
	HeldOwn float64 `json:"held_own"`
	// ClassAUC says how well "not at a large provider" tells canaries from
	// customers, TailAUC how well the number of rows on the same domain does
	// among those.
	ClassAUC       float64 `json:"class_auc"`
	TailAUC        float64 `json:"tail_auc"`
	LargestCluster float64 `json:"largest_cluster"`
	SeenTwice      float64 `json:"domains_seen_twice"`
	// SafeDomains are enough for one domain at most to be seen twice.
	SafeDomains int `json:"domains_for_one_repeat"`

	tail forensics.Tail
}

// The sizes of the domains of customers outside the large providers, as
// ATTRIBUTION 4 assumes them: measure your own.
const (
	tailDomains  = 400_000
	tailExponent = 0.95
	// rarest is how far domains may be rarer than those of customers.
	rarest = 0.45
	// fewDomains are so few that one seizure takes too much; with fewOwn canaries
	// in an extract nobody counts domains.
	fewDomains, fewOwn = 4, 3
	// plainest is the AUC from which on a class of addresses gives canaries away.
	plainest = 0.55
)

// address parts the canaries into those on own domains, as many as customers
// have such addresses, and the others, as far as there are mailboxes for them.
func (p *planned) address() {
	f, a, m := p.f, &p.Addresses, p.Canaries.Planned
	a.Mailboxes = m - int(f.tailShare*float64(m))
	if f.mailboxes >= 0 {
		a.Spare = max(f.mailboxes-a.Mailboxes, 0)
		a.Mailboxes = min(f.mailboxes, a.Mailboxes)
	}
	a.Own = m - a.Mailboxes
	a.ClassAUC = forensics.ClassAUC(float64(a.Own)/float64(m), f.tailShare)
	a.TailAUC = .5
	if a.Own == 0 {
		return
	}
	a.HeldOwn = p.Canaries.Held * float64(a.Own) / float64(m)
	a.tail = f.tailOf(f.extract)
	if a.Domains = f.domains; a.Domains < 1 {
		a.Domains = domainsFor(a.Own, a.HeldOwn, a.tail)
	}
	a.TailAUC = a.tail.AUC(a.HeldOwn, a.Domains)
	a.LargestCluster = forensics.LargestCluster(a.HeldOwn, a.Domains)
	a.SeenTwice = forensics.Repeats(a.HeldOwn, a.Domains)
	a.SafeDomains = forensics.DomainsFor(a.HeldOwn, 1)
}

// tailOf is how the domains of customers outside the large providers occur in an extract.
func (f *planFlags) tailOf(extract int) forensics.Tail {
	return forensics.NewTail(f.tailShare*float64(extract), tailDomains, tailExponent)
}

// domainsFor is on how many domains so many canaries stand as customers do, of which an
// extract holds some.
func domainsFor(own int, held float64, tail forensics.Tail) int {
	n := fewDomains
	if held >= fewOwn {
		n = max(tail.Most(held, rarest), fewDomains)
	}
	return min(n, own)
}

// plannedWindow is how closely a leak is dated.
type plannedWindow struct {
	Plans  []*plannedShape `json:"plans"`
	Widths []plannedWidth  `json:"widths"`
	Tell   plannedTell     `json:"tell"`
	Ticks  plannedTicks    `json:"ticks"`

	parts []sched.Part
	ends  sched.Ends
}

// plannedShape is one schedule.
type plannedShape struct {
	What    string     `json:"what"`
	Live    int        `json:"live"`
	Kind    sched.Kind `json:"kind"`
	Stay    float64    `json:"stay_days,omitempty"`
	Duty    float64    `json:"duty"`
	Changes float64    `json:"changes_a_day"`
	Tokens  float64    `json:"tokens"`
	Why     string     `json:"why"`
}

// plannedWidth is the expected width of the access window in days after so many
// hits, and what it would be if no token changed.
type plannedWidth struct {
	Hits  int     `json:"hits"`
	Days  float64 `json:"days"`
	Still float64 `json:"days_if_none_changed"`
}

// plannedTicks is when serve makes the changes.
type plannedTicks struct {
	Schedule string      `json:"schedule"`
	Next     []time.Time `json:"next"`
	// Each is the expected number of changes at one.
	Each float64 `json:"changes_each"`
}

// plannedTell is what somebody sees who compares two copies of the table.
type plannedTell struct {
	Canaries float64 `json:"canaries_a_year"`  // changes per row and year
	Table    float64 `json:"customers_a_year"` // the same
	Apart90  float64 `json:"auc_90_days"`
	Apart365 float64 `json:"auc_365_days"`
}

// pace is the stay of a scarce token that the rate of changes asks for, 0 for no
// changes at all.
func (f *planFlags) pace() time.Duration {
	if f.every > 0 {
		return f.every
	}
	perYear := f.changeRate * f.changeMax
	if perYear == 0 {
		return 0
	}
	return max(time.Duration(min(planYr/perYear, 36525)*float64(planDay)), f.spell)
}

// budget is what a schedule for so many canaries may use; scarce is the size
// of their pool, 0 for addresses on own domains.
func (f *planFlags) budget(live, scarce int) sched.Budget {
	b := sched.Budget{
		Live: live, Free: -1, Scarce: scarce, Changes: sched.Allowed(live, f.changeRate, f.changeMax),
		Quarantine: f.quarantine, Shortest: f.stand, Horizon: f.back, Hits: f.hits,
	}
	if scarce > 0 {
		b.Shortest = f.spell
	}
	if f.every > 0 {
		b.Shortest, b.Changes = f.every, float64(live)/(f.every.Hours()/24)
	}
	return b
}

func shapeOf(what string, live int, p sched.Plan) *plannedShape {
	return &plannedShape{what, live, p.Kind, p.Stay.Hours() / 24, p.Duty, p.Changes, p.Tokens, p.Why}
}

// widthHits are the numbers of hits for which widths are given.
func widthHits() []int { return []int{1, 3, 10, 30} }

func (p *planned) windows() error {
	f, w, m := p.f, &p.Window, p.Canaries.Planned
	parts, err := f.schedules(p.Addresses.Own, p.Addresses.Mailboxes, p.Addresses.Spare)
	if err != nil {
		return err
	}
	w.parts = parts
	for i, what := range []string{"Addresses on own domains", "Mailboxes"} {
		if live := int(parts[i].Share); live > 0 {
			w.Plans = append(w.Plans, shapeOf(what, live, parts[i].Plan))
			w.Tell.Canaries += parts[i].Plan.Changes * planYr / float64(m)
		}
	}
	perDay := func(rate float64) float64 { return rate * float64(m) / planYr }
	w.ends = sched.Events{SignUps: perDay(f.turnover), Withdrawals: perDay(f.turnover), Tickets: perDay(f.tickets)}.Per(m)
	for _, h := range widthHits() {
		w.Widths = append(w.Widths, plannedWidth{h, w.days(h), days(sched.Width(h, f.back, w.ends))})
	}
	w.Ticks = f.upcoming(parts)
	w.Tell.Table = f.changeRate
	w.Tell.Apart90 = forensics.ChangeAUC(w.Tell.Canaries, f.changeRate, 90)
	w.Tell.Apart365 = forensics.ChangeAUC(w.Tell.Canaries, f.changeRate, 365)
	return nil
}

// upcoming are the next ticks, and what is done at one on average, over a year.
func (f *planFlags) upcoming(parts []sched.Part) plannedTicks {
	t := plannedTicks{Schedule: f.schedule}
	for at := f.ticks.Next(f.now); !at.IsZero() && len(t.Next) < previewTicks; at = f.ticks.Next(at) {
		t.Next = append(t.Next, at)
	}
	perYear := 0
	for at := f.ticks.Next(f.now); !at.IsZero() && at.Before(f.now.AddDate(1, 0, 0)); at = f.ticks.Next(at) {
		perYear++
	}
	for _, p := range parts {
		t.Each += p.Plan.Changes * planYr / float64(max(perYear, 1))
	}
	return t
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// days is the width after so many hits.
func (w *plannedWindow) days(hits int) float64 {
	return days(sched.Width(hits, w.parts[0].Plan.Horizon, w.ends, w.parts...))
}

// schedules are those of the two pools, with the canaries that follow them.
func (f *planFlags) schedules(own, boxes, spare int) ([]sched.Part, error) {
	var parts []sched.Part
	for _, b := range []sched.Budget{f.budget(own, 0), f.budget(boxes, boxes+spare)} {
		plan, err := sched.Choose(b)
		if err != nil {
			return nil, err
		}
		parts = append(parts, sched.Part{Share: float64(b.Live), Plan: plan})
	}
	return parts, nil
}

// buy says what a little more of everything would change.
func (p *planned) buy() error {
	f, a, m := p.f, p.Addresses, p.Canaries.Planned
	add := func(more, measure string, now, then float64) {
		p.Buys = append(p.Buys, plannedBuy{more, measure, now, then, strings.HasPrefix(measure, "probability")})
	}
	some := max(m/10, 1)
	add(many(some, "more canary"), fmt.Sprintf("probability of %d or more hits", f.hits), p.Canaries.Probability, p.leak.Detect(m+some, f.hits))
	if a.Own > 0 {
		boxes := min(max(m/10, 1), a.Own)
		add(fmt.Sprintf("%s mailboxes in place of own addresses", thousands(boxes)), fmt.Sprintf("probability of %d or more hits, if he drops own domains", f.hits),
			p.leak.Detect(a.Mailboxes, f.hits), p.leak.Detect(a.Mailboxes+boxes, f.hits))
		ten := a.Domains + max(a.Domains/10, 1)
		add(many(ten-a.Domains, "more domain"), "own canaries on the fullest domain of the extract", a.LargestCluster, forensics.LargestCluster(a.HeldOwn, ten))
		add(many(ten-a.Domains, "more domain"), "how rare own domains are (AUC, 0.5 is like customers')", a.TailAUC, a.tail.AUC(a.HeldOwn, ten))
	}
	if a.Mailboxes == 0 {
		return nil
	}
	spare := max(a.Mailboxes/10, 1)
	parts, err := f.schedules(a.Own, a.Mailboxes, a.Spare+spare)
	if err != nil {
		return err
	}
	then := plannedWindow{parts: parts, ends: p.Window.ends}
	add(fmt.Sprintf("%s more mailboxes to change to", thousands(spare)), fmt.Sprintf("days of access window after %d hits", f.hits), p.Window.days(f.hits), then.days(f.hits))
	return nil
}
