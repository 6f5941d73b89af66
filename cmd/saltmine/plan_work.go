package main

import (
	"math"
	"slices"
	"time"

	"saltmine/internal/forensics"
	sched "saltmine/seeder/schedule"
)

// planned is the answer of plan. Days that never come are left out.
type planned struct {
	Leak struct {
		Rows        int     `json:"rows"`
		Extract     int     `json:"extract"`
		ContactRate float64 `json:"contact_rate"`
		Contacted   int     `json:"contacted"`
	} `json:"leak"`
	Canaries  plannedCanaries  `json:"canaries"`
	Detection []plannedDetect  `json:"detection"`
	Time      []plannedTime    `json:"time"`
	Campaign  []plannedDays    `json:"campaign"`
	Addresses plannedAddresses `json:"addresses"`
	Phones    plannedPhones    `json:"phones"`
	Window    plannedWindow    `json:"window"`
	Segments  []plannedSegment `json:"segments,omitempty"`
	Injection plannedInjection `json:"injection"`
	Buys      []plannedBuy     `json:"buys"`
	Costs     []forensics.Cost `json:"costs"`

	f    *planFlags
	leak forensics.Leak
}

type plannedCanaries struct {
	Hits       int     `json:"hits"`
	Confidence float64 `json:"confidence"`
	Needed     int     `json:"needed"`
	Planned    int     `json:"planned"`
	// Probability is that of so many hits with the planned number.
	Probability float64 `json:"probability"`
	Held        float64 `json:"held"`          // expected in the extract
	Contacted   float64 `json:"contacted"`     // expected to be contacted
	RowsForOne  float64 `json:"rows_a_canary"` // one row in so many is a canary
}

// plannedDetect is the probability of at least so many hits, with all canaries
// and with those alone that a thief keeps who drops every address outside the
// large providers.
type plannedDetect struct {
	Hits    int     `json:"hits"`
	All     float64 `json:"all"`
	Careful float64 `json:"careful"`
}

// plannedTime is days after the first contact.
type plannedTime struct {
	PerDay int      `json:"contacts_a_day"`
	Hit    int      `json:"hit"`
	Half   *float64 `json:"days_half,omitempty"`
	Most   *float64 `json:"days_95,omitempty"`
	// Within90 is the probability that it comes within 90 days.
	Within90 float64 `json:"within_90_days"`
}

// plannedDays is days after the access, in the usual campaign.
type plannedDays struct {
	Hit  int      `json:"hit"`
	Half *float64 `json:"days_half,omitempty"`
}

// plannedBuy is what more of something does to a measure.
type plannedBuy struct {
	More    string  `json:"more"`
	Measure string  `json:"measure"`
	Now     float64 `json:"now"`
	Then    float64 `json:"then"`

	chance bool // Now and Then are probabilities
}

const (
	planDay = 24 * time.Hour
	planYr  = 365.25
)

func makePlan(f *planFlags) (*planned, error) {
	p := &planned{f: f, leak: f.leak()}
	p.Leak.Rows, p.Leak.Extract, p.Leak.ContactRate, p.Leak.Contacted = f.rows(), f.extract, f.contactRate, p.leak.Contacted()
	need, err := p.leak.Need(f.hits, f.confidence)
	if err != nil {
		return nil, err
	}
	m := need
	if f.canaries > 0 {
		m = f.canaries
	}
	p.Canaries = plannedCanaries{
		Hits: f.hits, Confidence: f.confidence, Needed: need, Planned: m, Probability: p.leak.Detect(m, f.hits),
		Held: p.leak.Held(m), Contacted: p.leak.Hits(m), RowsForOne: float64(f.rows()+m) / float64(m),
	}
	p.address()
	p.detect()
	p.times()
	if err := p.windows(); err != nil {
		return nil, err
	}
	if err := p.call(); err != nil {
		return nil, err
	}
	p.allocate()
	p.inject()
	if err := p.buy(); err != nil {
		return nil, err
	}
	prices := forensics.Prices{Domain: f.priceDomain, Number: f.priceNumber, Mailbox: f.priceMailbox}
	p.Costs = prices.Costs(forensics.Stock{Domains: p.Addresses.Domains, Numbers: f.phones, Mailboxes: p.Addresses.Mailboxes + p.Addresses.Spare})
	return p, nil
}

func (p *planned) detect() {
	rows := []int{1, 2, 3, 5, 10}
	if !slices.Contains(rows, p.f.hits) {
		rows = append(rows, p.f.hits)
		slices.Sort(rows)
	}
	for _, h := range rows {
		p.Detection = append(p.Detection, plannedDetect{h, p.leak.Detect(p.Canaries.Planned, h), p.leak.Detect(p.Addresses.Mailboxes, h)})
	}
}

func (p *planned) times() {
	rho := p.leak.Density(p.Canaries.Planned)
	days := func(hit, perDay int, q float64) *float64 {
		if p.leak.Detect(p.Canaries.Planned, hit) < q { // the contacts end before
			return nil
		}
		return finite(float64(forensics.Contacts(rho, hit, q)) / float64(perDay))
	}
	for _, n := range p.f.perDay {
		for hit := 1; hit <= 3; hit++ {
			soon := forensics.HitWithin(min(90*n, p.leak.Contacted()), rho, hit)
			p.Time = append(p.Time, plannedTime{n, hit, days(hit, n, .5), days(hit, n, .95), soon})
		}
	}
	for hit := 1; hit <= 3; hit++ {
		p.Campaign = append(p.Campaign, plannedDays{hit, finite(forensics.Usual().Days(p.Canaries.Contacted, hit, .5))})
	}
}

// finite is nil where JSON has no number.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

// plannedPhones is what telephone numbers add. Their owners call rows that have
// a number; a call that names the persona or the ticket is strong evidence, any
// other next to none.
type plannedPhones struct {
	// RowsForOne and RowsForHits are the canaries with a number of their own that
	// it takes for one of them, or the hits, to be called with the confidence; 0
	// where there are not so many calls.
	RowsForOne  int `json:"rows_for_one"`
	RowsForHits int `json:"rows_for_hits"`
	// NumbersForOne counts those that rest besides.
	NumbersForOne int `json:"numbers_for_one"`
	Numbers       int `json:"numbers"`
	Rows          int `json:"rows"` // that Numbers keep supplied
	// One is the probability that one of the rows is called.
	One      float64       `json:"one"`
	Schedule *plannedShape `json:"schedule,omitempty"`
	// Cell is the probability that so many numbers called, by the place in the
	// list from 1, name the one stay within the horizon in which they stood.
	Cell []float64 `json:"cell,omitempty"`
}

func (p *planned) call() error {
	f, ph := p.f, &p.Phones
	calls := p.leak.Calling(f.callShare)
	// No call at all, or fewer than hits: then there is no such number.
	ph.RowsForOne, _ = calls.Need(1, f.confidence)
	ph.RowsForHits, _ = calls.Need(f.hits, f.confidence)
	stay := f.pace()
	ph.NumbersForOne, ph.Numbers = f.numbersFor(ph.RowsForOne), f.phones
	if f.phones == 0 {
		return nil
	}
	ph.Rows = f.phones
	if stay > 0 {
		ph.Rows = int(float64(f.phones) / (1 + f.quarantine.Hours()/stay.Hours()))
	}
	ph.Rows = min(ph.Rows, p.Canaries.Planned)
	ph.One = calls.Detect(ph.Rows, 1)
	plan, err := sched.Choose(f.budget(ph.Rows, f.phones))
	if err != nil {
		return err
	}
	ph.Schedule = shapeOf("phone numbers", ph.Rows, plan)
	if cells := int(f.back.Hours() / max(plan.Stay.Hours(), 1)); plan.Kind != sched.Still && cells > 1 {
		for h := 1; h <= 5; h++ {
			ph.Cell = append(ph.Cell, forensics.Cell(f.phones, ph.Rows, cells, h))
		}
	}
	return nil
}

// numbersFor counts the numbers that so many rows take, with those that rest.
func (f *planFlags) numbersFor(rows int) int {
	if stay := f.pace(); stay > 0 {
		return forensics.Numbers(rows, stay, f.quarantine)
	}
	return rows
}
