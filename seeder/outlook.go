package seeder

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
)

// PoolReport says how well the addresses of all live canaries will hide among
// the table's when a run is done.
type PoolReport struct {
	Own    int `json:"canaries_on_owned_domains"`
	Others int `json:"canaries_at_providers"`
	// Tail is the share of the table's rows that are at small domains; the rest
	// is at large providers. Share and bound of the canaries are in Outlook.
	Tail    float64           `json:"tail_share"`
	Outlook inventory.Outlook `json:"outlook"`
	// Lacks are the providers at which the pool has too few mailboxes for
	// canaries to be spread as the table's rows are.
	Lacks []Lack `json:"mailboxes_lacking,omitempty"`
	// Domains are the owned domains in use; Young of them soak still.
	Domains int `json:"domains"`
	Young   int `json:"domains_that_soak,omitempty"`
}

// Lack is how many mailboxes more a run needs at a provider.
type Lack struct {
	Provider  string `json:"provider"`
	Mailboxes int    `json:"mailboxes"`
}

// report reckons with n canaries that were allotted seats.
func (p *pool) report(mix *persona.Mix, n int) *PoolReport {
	if n == 0 {
		return nil
	}
	r := &PoolReport{Tail: p.shares(mix)[""]}
	var counts []int
	waiting := 0
	for _, o := range p.outlets {
		coming := o.due + o.extra
		if !o.owned {
			r.Others += o.held + coming
			waiting += o.room - coming
			continue
		}
		r.Own += o.held + coming
		if o.held+coming > 0 {
			counts = append(counts, o.held+coming)
			r.Domains++
			if o.young {
				r.Young++
			}
		}
	}
	r.Outlook = inventory.Stock{
		Own: r.Own, Others: r.Others, Waiting: max(waiting, 0), Domains: r.Domains, Counts: counts, Tail: r.Tail, Extract: inventory.Largest,
	}.Outlook()
	for provider, lack := range p.lacks {
		r.Lacks = append(r.Lacks, Lack{provider, lack})
	}
	slices.SortFunc(r.Lacks, func(a, b Lack) int {
		return cmp.Or(cmp.Compare(b.Mailboxes, a.Mailboxes), cmp.Compare(a.Provider, b.Provider))
	})
	return r
}

// warnings says what a person should know of the pool.
func (r *PoolReport) warnings(p *pool) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	o := &r.Outlook
	if r.Own > 0 && o.Share > o.Target {
		add("%.0f %% of the canaries are on owned domains, and %.0f %% of the table's rows at small ones: whoever drops all small domains finds them with AUC %.2f (0.5 is by chance); %d more mailboxes at large providers bring that down to %.2f, one more to %.3f",
			100*o.Share, 100*r.Tail, o.Bound, o.Wanted, 0.5+(o.Target-r.Tail)/2, o.NextMailbox.Bound)
	}
	if len(r.Lacks) > 0 {
		add("mailboxes are lacking for the table's own mix of providers: %s%s", r.lacking(), p.waiting(inventory.Mailbox, inventory.Seed))
	}
	if r.Young > 0 {
		add("%d of the %d owned domains in use have not soaked yet: a domain that is younger than its customers is a tell", r.Young, r.Domains)
	}
	if p.unfit > 0 {
		add("%d mailboxes were left out: a customer has their address, or nobody of this table could", p.unfit)
	}
	return out
}

// lacking lists the greatest lacks.
func (r *PoolReport) lacking() string {
	const most = 6
	var parts []string
	for _, l := range r.Lacks[:min(len(r.Lacks), most)] {
		parts = append(parts, fmt.Sprintf("%d at %s", l.Mailboxes, l.Provider))
	}
	text := strings.Join(parts, ", ")
	if more := len(r.Lacks) - most; more > 0 {
		text += fmt.Sprintf(" and some at %d others", more)
	}
	return text
}
