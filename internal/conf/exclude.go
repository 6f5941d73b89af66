package conf

import "math"

// Exclude is the check by which the company's own jobs leave canaries out. It
// answers on the listener of [api].
type Exclude struct {
	CallersFile string  `json:"callers_file"` // one "name token" a line; see [Agents]
	Callers     []Agent `json:"callers"`
	// By is what customers are named by, for all callers: "email" or "key". Who
	// could ask by both would tell decoys from canaries.
	By string `json:"by"`
	// Customers is about how many rows the customer table has.
	Customers int `json:"customers"`
	// SharePerDay is the share of them that a caller may ask about in a day, and
	// so about the share of the canaries that it may learn of. Default 0.05.
	SharePerDay float64 `json:"share_per_day"`
	// Decoys is the share of real customers who are left out too. Default 0.01.
	Decoys float64 `json:"decoys"`
	// Exact are the names of callers that get no decoys.
	Exact []string `json:"exact,omitempty"`
}

// What customers are named by.
const (
	ByEmail = "email"
	ByKey   = "key"
)

// leastPerDay is what a caller may always ask.
const leastPerDay = 100

// PerDay is how many customers a caller may ask about in a day.
func (e *Exclude) PerDay() int {
	return max(leastPerDay, int(math.Ceil(float64(e.Customers)*e.SharePerDay)))
}

func (c *Config) decodeExclude(t *table) {
	if t == nil {
		return
	}
	e := &Exclude{By: ByEmail, SharePerDay: 0.05, Decoys: 0.01}
	c.Exclude = e
	t.file("callers_file", &e.CallersFile)
	t.text("by", &e.By)
	t.whole("customers", &e.Customers)
	t.number("share_per_day", &e.SharePerDay)
	t.number("decoys", &e.Decoys)
	t.texts("exact", &e.Exact)
	t.finish()
}

func (c *Config) checkExclude(k *checks) {
	e := c.Exclude
	if e == nil {
		return
	}
	if c.API == nil {
		k.bad("exclude", "it answers on the listener of [api], which is missing")
	}
	if e.CallersFile == "" && len(e.Callers) == 0 {
		k.bad("exclude.callers_file", "missing")
	}
	k.kind("exclude", e.By, ByEmail, ByKey)
	if e.Customers < 1 {
		k.bad("exclude.customers", "missing: about how many rows the customer table has")
	}
	if !(e.SharePerDay > 0 && e.SharePerDay <= 1) {
		k.bad("exclude.share_per_day", "%v is not above 0 and at most 1", e.SharePerDay)
	}
	if !(e.Decoys >= 0 && e.Decoys <= 0.5) {
		k.bad("exclude.decoys", "%v is not between 0 and 0.5", e.Decoys)
	}
}

func (p printer) exclude(e *Exclude) {
	if e == nil {
		return
	}
	p.value("exclude.callers_file", e.CallersFile)
	p.value("exclude.callers", len(e.Callers))
	p.value("exclude.by", e.By)
	p.value("exclude.customers", e.Customers)
	p.value("exclude.share_per_day", e.SharePerDay)
	p.value("exclude.decoys", e.Decoys)
	p.value("exclude.exact", e.Exact)
}
