package inventory

import (
	"math"

	"saltmine/internal/forensics"
)

// overTail is how much more of the canaries than of the real rows may be on
// domains that are not a large provider's, before the column gives them away.
const overTail = 0.10

// Stock is what the realism of a pool is worked out from.
type Stock struct {
	Own     int // live canaries whose address is on an owned domain
	Others  int // live canaries whose address is at a provider
	Waiting int // mailboxes and seed addresses that may be used now
	Domains int // owned domains that carry addresses, or may
	// Counts are, of each owned domain, the live canaries on it; nil: they are
	// spread evenly.
	Counts []int
	// Tail is the share of the table's real rows whose address is at no large
	// provider; below 0 when it is not known, which counts as 0: the worst.
	Tail float64
	// Extract is the part of the table that the largest extract to be expected
	// holds.
	Extract float64
}

// Outlook says how well the canaries' addresses hide, and what more would buy.
type Outlook struct {
	// Share is the part of the live canaries that are on owned domains.
	Share float64 `json:"share_on_owned_domains"`
	// Bound is the AUC of somebody who calls every address at no large
	// provider a canary: 0.5 tells him nothing.
	Bound float64 `json:"class_attack_auc"`
	// Target is the share up to which the domain column hides canaries: that
	// of the table's own tail and 0.10.
	Target float64 `json:"target_share"`
	// Room is how many more canaries may get addresses on owned domains before
	// the share passes the target, once all waiting mailboxes are used; below 0
	// when there are too many.
	Room int `json:"room_on_owned_domains"`
	// Wanted is how many more mailboxes bring the share down to the target.
	Wanted int `json:"mailboxes_wanted"`
	// Repeats is how many owned domains are expected twice or more in the
	// largest extract: the sum of 1 - e^-x (1+x) over the domains, of which each
	// is expected x times there.
	Repeats float64 `json:"domains_seen_twice"`
	// DomainsFor1 is on how many domains that would be at most about one: k²/2.
	DomainsFor1 int `json:"domains_for_one_repeat"`

	NextMailbox Gain `json:"one_more_mailbox"`
	NextDomain  Gain `json:"one_more_domain"`
}

// Gain is what one more item would change.
type Gain struct {
	Canaries float64 `json:"canaries,omitempty"` // how many more can be planted at the target share
	Bound    float64 `json:"class_attack_auc,omitempty"`
	Repeats  float64 `json:"domains_seen_twice,omitempty"`
}

// Outlook works it out. With no live canary the share is 0.
func (s Stock) Outlook() Outlook {
	tail := math.Max(s.Tail, 0)
	o := Outlook{Share: share(s.Own, s.Others), Target: math.Min(tail+overTail, 1)}
	o.Bound = bound(o.Share, tail)
	k := float64(s.Own) * s.Extract
	o.NextDomain.Repeats = forensics.Repeats(k, s.Domains+1)
	if s.Domains > 0 {
		o.Repeats = forensics.Repeats(k, s.Domains)
	}
	if s.Counts != nil {
		o.Repeats = Repeats(s.Counts, s.Extract)
	}
	o.DomainsFor1 = int(math.Ceil(k * k / 2))
	o.NextMailbox.Bound = bound(share(s.Own, s.Others+1), tail)
	if o.Target >= 1 { // any share will do
		o.Room = math.MaxInt32
		return o
	}
	perMailbox := o.Target / (1 - o.Target) // addresses on domains that one mailbox hides
	o.Room = int(math.Floor(perMailbox*float64(s.Others+s.Waiting)+1e-9)) - s.Own
	o.Wanted = max(0, int(math.Ceil(float64(s.Own)/perMailbox-1e-9))-s.Others-s.Waiting)
	o.NextMailbox.Canaries = 1 + perMailbox
	return o
}

func share(own, others int) float64 {
	if own+others == 0 {
		return 0
	}
	return float64(own) / float64(own+others)
}

// bound is the AUC of the class attack, .5 + (s_c - s_r)/2; whoever finds that
// canaries are too rare in the tail turns it round.
func bound(canaries, rows float64) float64 { return 0.5 + math.Abs(canaries-rows)/2 }

// Largest is the part of the table in the largest extract to be expected where
// nothing else is known: that of a well-known case.
const Largest = 68_000.0 / 12_000_000

// Repeats is how many domains are expected twice or more in an extract that
// holds such a part of the table, for the canaries on each.
func Repeats(counts []int, extract float64) float64 {
	sum := 0.0
	for _, n := range counts {
		sum += forensics.Repeats(float64(n)*extract, 1)
	}
	return sum
}
