package gate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"saltmine/seeder/gate/learn"
)

// extractRows is the size of the extract that the report reckons with: the
// rows that one insider sold in a well-known case.
const extractRows = 68_000

// Owned says what the e-mail domains alone give away.
type Owned struct {
	Domains int `json:"domains"` // owned domains that canaries use
	Owned   int `json:"owned"`   // canaries at owned domains
	// A domain is small when at most Small rows of the table have it, the number
	// that parts canaries from real rows best.
	Small         int     `json:"small"`
	ShareCanaries float64 `json:"share_canaries"` // s_c: share of the canaries at small domains
	ShareReal     float64 `json:"share_real"`     // s_r: share of the real rows
	Bound         float64 `json:"bound"`          // .5 + (s_c − s_r)/2: AUC of dropping all small domains
	// Mailboxes is how many canaries more need mailboxes at large providers
	// for a bound at the limit: of .55, s_c ≤ s_r + .10.
	Mailboxes int `json:"mailboxes"`
	// SeenTwice is how many owned domains are expected twice or oftener in an
	// extract of 68,000 rows, or in the whole table if that is smaller.
	SeenTwice float64 `json:"seen_twice"`
	Statement string  `json:"statement"`
}

// byDomain is the table by registered domains.
type byDomain struct {
	counts         []int // rows that have each, of those that are counted
	real, canaries []int
	order          []int // the smallest first
}

func (a *arena) byDomain() *byDomain {
	d := a.view.Domain
	if d == nil {
		return nil
	}
	t := &byDomain{counts: make([]int, len(d.Texts)), real: make([]int, len(d.Texts)), canaries: make([]int, len(d.Texts))}
	for row, id := range d.IDs {
		switch {
		case id < 0 || row >= a.view.Rows:
		case a.isCanary(row):
			t.canaries[id]++
		default:
			t.real[id]++
		}
		if id >= 0 && a.view.Counted[row] {
			t.counts[id]++
		}
	}
	for id := range d.Texts {
		t.order = append(t.order, id)
	}
	slices.SortFunc(t.order, func(i, j int) int { return cmp.Compare(t.counts[i], t.counts[j]) })
	return t
}

// widest finds the size of a domain below which canaries are commonest
// compared with real rows.
func (t *byDomain) widest(people, canaries int) (small int, shareReal, shareCanaries float64) {
	r, c, best := 0, 0, 0.0
	for i, id := range t.order {
		r += t.real[id]
		c += t.canaries[id]
		last := i+1 == len(t.order) || t.counts[t.order[i+1]] > t.counts[id]
		ofReal, ofCanaries := float64(r)/float64(people), float64(c)/float64(canaries)
		if last && ofCanaries-ofReal > best {
			small, shareReal, shareCanaries, best = t.counts[id], ofReal, ofCanaries, ofCanaries-ofReal
		}
	}
	return small, shareReal, shareCanaries
}

// owned reckons what domains give away; nil without e-mail addresses.
func (a *arena) owned() *Owned {
	t := a.byDomain()
	if t == nil {
		return nil
	}
	o := &Owned{}
	o.Small, o.ShareReal, o.ShareCanaries = t.widest(len(a.in.Real), len(a.in.Canaries))
	o.Bound = auc0 + (o.ShareCanaries-o.ShareReal)/2
	n := float64(len(a.in.Canaries))
	o.Mailboxes = max(0, int(math.Ceil(n*(o.ShareCanaries-o.ShareReal-2*(a.in.MaxAUC-auc0))-1e-9)))
	part := min(1, extractRows/float64(a.in.table())) * float64(cmp.Or(a.in.Count, len(a.in.Canaries))) / n
	for id, text := range a.view.Domain.Texts {
		if k := t.canaries[id]; k > 0 && a.owns[text] {
			o.Domains++
			o.Owned += k
			x := float64(k) * part
			o.SeenTwice += 1 - math.Exp(-x)*(1+x)
		}
	}
	o.state(len(a.in.Canaries), a.in.MaxAUC)
	return o
}

// state puts it plainly.
func (o *Owned) state(canaries int, limit float64) {
	if o.Owned > 0 {
		o.Statement = fmt.Sprintf("%d of %d canaries are at %d owned domains; an extract of 68,000 rows would show %.0f of these domains twice or oftener. ",
			o.Owned, canaries, o.Domains, o.SeenTwice)
	}
	if o.Mailboxes == 0 {
		o.Statement += fmt.Sprintf("Dropping all small domains costs a thief %.1f %% of the real rows and us %.1f %% of the canaries: AUC %.3f.",
			100*o.ShareReal, 100*o.ShareCanaries, o.Bound)
		return
	}
	o.Statement += fmt.Sprintf("THIS CANNOT HOLD: %.1f %% of the canaries and %.1f %% of the real rows are at domains that at most %d rows share. "+
		"Dropping all of these costs a thief %.1f %% of his rows and us %.1f %% of the canaries: AUC ≥ .5 + (s_c − s_r)/2 = %.3f, "+
		"however good everything else is. For %.2f at least %d more of the %d canaries need mailboxes at large providers (s_c ≤ s_r + %.2f); "+
		"each brings the bound down by %.4f. Another owned domain does not change it: it spreads the same canaries over more domains that are small.",
		100*o.ShareCanaries, 100*o.ShareReal, o.Small, 100*o.ShareReal, 100*o.ShareCanaries, o.Bound, limit, o.Mailboxes, canaries, 2*(limit-auc0), 1/(2*float64(canaries)))
}

// providers is the attack of dropping all small domains.
func (a *arena) providers(context.Context) []Attack {
	o := a.owned()
	if o == nil {
		return nil
	}
	n, m := float64(len(a.in.Canaries)), float64(len(a.in.Real))
	spread := func(p, n float64) float64 { return p * (1 - p) / n }
	all := (o.ShareCanaries*n + o.ShareReal*m) / (n + m)
	area := learn.Area{
		AUC: o.Bound, SE: math.Sqrt(spread(o.ShareCanaries, n)+spread(o.ShareReal, m)) / 2,
		SE0: math.Sqrt(spread(all, n)+spread(all, m)) / 2, Marked: len(a.in.Canaries), Regular: len(a.in.Real),
	}
	const sizes = 30 // places where small may end, about
	out := a.onArea("dropping small e-mail domains", area, sizes)
	if out.Value > a.in.MaxAUC {
		out.Note = "see the statement on domains"
		for i := range a.view.Features {
			if a.view.Features[i].Name == "registered.others" {
				out.Tells = []Tell{a.tell(i)}
			}
		}
	}
	return []Attack{out}
}
