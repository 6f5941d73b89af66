package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/inventory"
)

// poolView is what pool list is asked for.
type poolView struct {
	kind, state   string
	tail, extract float64
}

func (a *app) poolListCmd() *cobra.Command {
	var v poolView
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the pool, masked, with what is free and what more would buy",
		Long: `Lists the pool without an address or number, counts it, and says how well the
canaries' addresses hide: somebody who drops every address that is at no large
provider drops all canaries on owned domains. --tail-share is the share of your
table's real rows with such addresses; without it the worst is assumed.`,
		Example: "  saltmine pool list\n  saltmine pool list --kind mailbox --state ready\n  saltmine pool list --tail-share 0.08 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := v.check(cmd); err != nil {
				return err
			}
			return a.withPool(cmd.Context(), func(c *core) error { return a.poolList(cmd.Context(), c, v) })
		},
	}
	cmd.Flags().StringVar(&v.kind, "kind", "", "only items of this `KIND`: "+names(inventory.Kinds()))
	cmd.Flags().StringVar(&v.state, "state", "", "only items in this `STATE`: "+names(inventory.States()))
	cmd.Flags().Float64Var(&v.tail, "tail-share", -1, "`SHARE` of the table's rows whose address is at no large provider, 0 to 1")
	cmd.Flags().Float64Var(&v.extract, "extract-share", inventory.Largest, "`SHARE` of the table in the largest extract to be expected")
	completes(cmd, "kind", strings.Split(names(inventory.Kinds()), ", ")...)
	completes(cmd, "state", strings.Split(names(inventory.States()), ", ")...)
	return cmd
}

func names[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

func (v *poolView) check(cmd *cobra.Command) error {
	switch {
	case v.kind != "" && !slices.Contains(inventory.Kinds(), inventory.Kind(v.kind)):
		return usage("--kind %q: want one of %s", v.kind, names(inventory.Kinds()))
	case v.state != "" && !slices.Contains(inventory.States(), inventory.State(v.state)):
		return usage("--state %q: want one of %s", v.state, names(inventory.States()))
	case cmd.Flags().Changed("tail-share") && !(v.tail >= 0 && v.tail <= 1): // also refuses NaN
		return usage("--tail-share %v: want a share from 0 to 1", v.tail)
	case !(v.extract >= 0 && v.extract <= 1):
		return usage("--extract-share %v: want a share from 0 to 1", v.extract)
	}
	return nil
}

// poolCount is how many items are alike.
type poolCount struct {
	Kind     inventory.Kind  `json:"kind"`
	State    inventory.State `json:"state"`
	Provider string          `json:"provider,omitempty"`
	Items    int             `json:"items"`
	Youngest int             `json:"youngest_days"`
	Oldest   int             `json:"oldest_days"`
}

// poolFree is what may be used now.
type poolFree struct {
	Addresses int `json:"addresses"` // on owned domains
	Domains   int `json:"domains"`
	Mailboxes int `json:"mailboxes"`
	Seeds     int `json:"seeds"`
	Phones    int `json:"phones"`
}

// poolListed is what pool list prints.
type poolListed struct {
	Items   []pooled          `json:"items"`
	Counts  []poolCount       `json:"counts"`
	Free    poolFree          `json:"free"`
	Own     int               `json:"canaries_on_owned_domains"`
	Others  int               `json:"canaries_at_providers"`
	Tail    *float64          `json:"tail_share,omitempty"`
	Extract float64           `json:"extract_share"`
	Outlook inventory.Outlook `json:"outlook"`
}

func (a *app) poolList(ctx context.Context, c *core, v poolView) error {
	items, err := c.reg.PoolItems(ctx, inventory.Filter{})
	if err != nil {
		return err
	}
	own, others, err := c.reg.AddressShare(ctx)
	if err != nil {
		return err
	}
	rules, now := poolRules(c.cfg), a.now()
	l := poolListed{Own: own, Others: others, Extract: v.extract}
	stock := inventory.Stock{Own: own, Others: others, Tail: v.tail, Extract: v.extract}
	if v.tail >= 0 {
		l.Tail = &v.tail
	}
	for n := range items {
		p := maskItem(&items[n], rules, now)
		l.Free.add(&p)
		if p.Kind == inventory.Domain && (p.Carries > 0 || p.Offered) {
			stock.Domains++
			stock.Counts = append(stock.Counts, p.Carries)
		}
		if (v.kind == "" || string(p.Kind) == v.kind) && (v.state == "" || string(p.State) == v.state) {
			l.Items = append(l.Items, p)
		}
	}
	stock.Waiting = l.Free.Mailboxes + l.Free.Seeds
	l.Outlook = stock.Outlook()
	l.sort()
	return a.print(l, l.text)
}

func (f *poolFree) add(p *pooled) {
	if !p.Offered {
		return
	}
	switch p.Kind {
	case inventory.Domain:
		f.Domains++
		f.Addresses += p.Capacity - p.Carries
	case inventory.Mailbox:
		f.Mailboxes++
	case inventory.Seed:
		f.Seeds++
	case inventory.Phone:
		f.Phones++
	}
}

// sort orders the items and counts those that are alike.
func (l *poolListed) sort() {
	kinds, states := inventory.Kinds(), inventory.States()
	place := func(p *pooled) (int, int) { return slices.Index(kinds, p.Kind), slices.Index(states, p.State) }
	slices.SortFunc(l.Items, func(a, b pooled) int {
		kindA, stateA := place(&a)
		kindB, stateB := place(&b)
		return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(stateA, stateB), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	})
	for n := range l.Items {
		p := &l.Items[n]
		last := len(l.Counts) - 1
		if last < 0 || l.Counts[last].Kind != p.Kind || l.Counts[last].State != p.State || l.Counts[last].Provider != p.Provider {
			l.Counts = append(l.Counts, poolCount{Kind: p.Kind, State: p.State, Provider: p.Provider, Youngest: p.Days})
			last++
		}
		c := &l.Counts[last]
		c.Items, c.Youngest, c.Oldest = c.Items+1, min(c.Youngest, p.Days), max(c.Oldest, p.Days)
	}
}

func (l *poolListed) text(w io.Writer) error {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for n := range l.Items {
		out = append(out, l.Items[n].line())
	}
	for _, c := range l.Counts {
		add("%7d %-7s  %-10s  %s", c.Items, c.Kind, c.State, strings.TrimSpace(fmt.Sprintf("%s  %d to %d days old", c.Provider, c.Youngest, c.Oldest)))
	}
	add("free now: %d addresses on %d domains, %d mailboxes, %d seed addresses, %d numbers", l.Free.Addresses, l.Free.Domains, l.Free.Mailboxes, l.Free.Seeds, l.Free.Phones)
	o := l.Outlook
	add("canaries: %d on owned domains, %d at providers: %.1f %% on owned domains", l.Own, l.Others, 100*o.Share)
	if l.Own+l.Others == 0 {
		return lines(w, out)
	}
	tail := "tail share not known, the worst is assumed: see --tail-share"
	if l.Tail != nil {
		tail = fmt.Sprintf("tail share %.1f %%", 100**l.Tail)
	}
	add("whoever takes every address at no large provider for a canary: AUC %.3f, where 0.5 tells nothing (%s)", o.Bound, tail)
	out = append(out, l.advice()...)
	return lines(w, out)
}

// advice says what more would buy.
func (l *poolListed) advice() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	o := l.Outlook
	switch {
	case o.Target >= 1:
		add("with a tail that large any share hides")
	case o.Room >= 0:
		add("up to %.0f %% hide: room for %d more on owned domains; one more mailbox makes room for %.1f canaries, AUC %.4f", 100*o.Target, o.Room, o.NextMailbox.Canaries, o.NextMailbox.Bound)
	default:
		add("up to %.0f %% hide: %d too many on owned domains, or %d mailboxes too few; one more mailbox: AUC %.4f", 100*o.Target, -o.Room, o.Wanted, o.NextMailbox.Bound)
	}
	if l.Own > 0 {
		add("largest extract (%.2f %% of the table): %.1f canaries on owned domains, %.2f domains seen twice; one more domain: %.2f; about one at %d domains",
			100*l.Extract, float64(l.Own)*l.Extract, o.Repeats, o.NextDomain.Repeats, o.DomainsFor1)
	}
	return out
}
