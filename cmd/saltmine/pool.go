package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/inventory"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

func (a *app) poolCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pool",
		Short: "The domains, mailboxes and numbers that canaries are made of",
		Long: `What tokens come from, kept as inventory: owned domains, provider mailboxes, seed
addresses of people on the staff who consent, and phone numbers. What the files in
[pool] list is entered whenever the pool is used; more can be added by hand. Each
mailbox and number soaks before its first use, and rests between two rows; one in
ten is held back as a placebo. Domains that soak are used, with a warning.`,
		Example: "  saltmine pool list\n  saltmine pool check",
	}
	cmd.AddCommand(a.poolAddCmd(), a.poolListCmd(), a.poolCheckCmd(), a.poolShowCmd(), a.poolRetireCmd())
	return cmd
}

// withPool opens the core with the pool as the configuration has it now.
func (a *app) withPool(ctx context.Context, fn func(*core) error) (err error) {
	c, err := a.openCore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.importPool(ctx); err != nil {
		return err
	}
	return fn(c)
}

// poolRules are the times and numbers of [pool].
func poolRules(cfg *conf.Config) inventory.Rules {
	return inventory.Rules{Soak: cfg.Pool.Soak, Quarantine: cfg.Pool.Quarantine, Capacity: cfg.Pool.DomainCapacity}
}

// importPool enters what the configuration lists into the registry's pool. It
// is to be called before the pool is used; the same files again change nothing.
func (c *core) importPool(ctx context.Context) error {
	items, err := c.listedPool()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	_, err = c.reg.ImportPool(ctx, items)
	return err
}

// listedPool reads everything that [pool] lists. The faults of both files come
// together.
func (c *core) listedPool() ([]inventory.Item, error) {
	var items []inventory.Item
	for _, name := range c.cfg.Pool.Domains {
		items = append(items, inventory.Item{Kind: inventory.Domain, Text: name})
	}
	landing, err := c.landing()
	if err != nil {
		return nil, err
	}
	var faults []error
	if path := c.cfg.Pool.Mailboxes; path != "" {
		list, err := conf.Mailboxes(path, landing)
		faults, items = append(faults, err), append(items, list...)
	}
	if path := c.cfg.Pool.Phones; path != "" {
		list, err := conf.Phones(path)
		faults, items = append(faults, err), append(items, list...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &configError{err}
	}
	return items, nil
}

// landing is where forwarded mail may arrive.
func (c *core) landing() (conf.Landing, error) {
	rule, err := acceptance(c.keys.Accept(), c.cfg)
	return conf.Landing{Domains: c.cfg.Pool.Domains, Accept: rule.Passes}, err
}

// pooled is a pool item as it is printed: nothing that could identify a canary.
// Domains are not secret.
type pooled struct {
	ID       inventory.ID        `json:"id"`
	Kind     inventory.Kind      `json:"kind"`
	State    inventory.State     `json:"state"`
	Domain   string              `json:"domain,omitempty"`
	Provider string              `json:"provider,omitempty"`
	Country  string              `json:"country,omitempty"`
	Reading  string              `json:"reading,omitempty"`
	Line     string              `json:"type,omitempty"`
	Added    time.Time           `json:"added"`
	Days     int                 `json:"age_days"`
	Ready    time.Time           `json:"ready,omitzero"`    // when its soak or quarantine ends
	Token    canary.TokenID      `json:"token,omitempty"`   // that holds it
	Placebo  bool                `json:"placebo,omitempty"` // it is held back, and in no row
	Carries  int                 `json:"carries"`
	Capacity int                 `json:"capacity"`
	Offered  bool                `json:"offered"` // a token may be put there now
	Expires  time.Time           `json:"expires,omitzero"`
	Reason   string              `json:"reason,omitempty"`
	Checked  time.Time           `json:"checked,omitzero"`
	Findings []inventory.Finding `json:"findings,omitempty"`
}

func maskItem(i *inventory.Item, r inventory.Rules, now time.Time) pooled {
	p := pooled{
		ID: i.ID, Kind: i.Kind, State: r.State(i, now), Provider: i.Provider, Country: i.Region(), Line: i.Line, Added: i.Added,
		Days: int(now.Sub(i.Added) / (24 * time.Hour)), Token: i.Token, Placebo: i.Placebo, Carries: i.Used(), Capacity: r.Holds(i), Offered: r.Offers(i, now),
		Expires: i.Until(), Reason: i.Reason, Checked: i.Check.At, Findings: i.Check.Findings,
	}
	switch i.Kind {
	case inventory.Domain:
		p.Domain = i.Text
		if i.Check.Registrar != "" {
			p.Provider = i.Check.Registrar
		}
	case inventory.Mailbox, inventory.Seed:
		p.Reading = i.Reading.String()
	case inventory.Phone:
	}
	if p.State == inventory.Soaking || p.State == inventory.Quarantine {
		p.Ready = r.ReadyAt(i)
	}
	if p.State == inventory.Retired && p.Reason == "" {
		p.Reason = "no longer listed"
	}
	return p
}

// line is one item in a list.
func (p *pooled) line() string {
	parts := []string{string(p.ID), fmt.Sprintf("%-7s  %-10s", p.Kind, p.State)}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for _, text := range []string{p.Domain, p.Provider, p.Country, p.Line, p.Reading} {
		if text != "" {
			add("%s", text)
		}
	}
	add("%d days old", p.Days)
	if p.Kind == inventory.Domain {
		add("%d of %d addresses", p.Carries, p.Capacity)
	}
	switch {
	case p.Placebo:
		add("held back as a placebo")
	case p.Token != "":
		add("holds %s", p.Token)
	}
	if !p.Ready.IsZero() {
		add("until %s", p.Ready.Format(time.DateOnly))
	}
	if !p.Expires.IsZero() {
		add("runs out %s", p.Expires.Format(time.DateOnly))
	}
	if p.Reason != "" {
		add("%s", p.Reason)
	}
	if n := len(p.Findings); n > 0 {
		add("%d findings", n)
	}
	return strings.Join(parts, "  ")
}

// findItem looks one item up by its name.
func findItem(ctx context.Context, c *core, id inventory.ID) (*inventory.Item, error) {
	list, err := c.reg.PoolItems(ctx, inventory.Filter{Fits: func(i *inventory.Item) bool { return i.ID == id }})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("pool item %s: %w", id, registry.ErrNotFound)
	}
	return &list[0], nil
}

// opened is a pool item with what identifies it, which is filled with --reveal
// alone.
type opened struct {
	pooled
	Text  string             `json:"text,omitempty"`
	Name  string             `json:"name,omitempty"`
	Owner string             `json:"owner,omitempty"`
	Note  string             `json:"consent,omitempty"`
	Read  *inventory.Reading `json:"read,omitempty"`
}

func (a *app) poolShowCmd() *cobra.Command {
	var reveal bool
	cmd := &cobra.Command{
		Use:   "show ITEM",
		Short: "Show one item; with --reveal its address or number, which is recorded",
		Long: `Shows an item of the pool and what its last check found. --reveal opens its
address or number and how it is read; who opened it and when is recorded in the
registry first.`,
		Example: "  saltmine pool show o_abcdefghijklmnop\n  saltmine pool show o_abcdefghijklmnop --reveal",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withPool(cmd.Context(), func(c *core) error {
				return a.poolShow(cmd.Context(), c, inventory.ID(args[0]), reveal, asked(cmd, args, people.Forensics, people.Seeder))
			})
		},
	}
	a.tokenFlag(cmd)
	cmd.Flags().BoolVar(&reveal, "reveal", false, "open the address or number; this is recorded")
	return cmd
}

func (a *app) poolShow(ctx context.Context, c *core, id inventory.ID, reveal bool, q request) error {
	i, err := findItem(ctx, c, id)
	if err != nil {
		return err
	}
	o := opened{pooled: maskItem(i, poolRules(c.cfg), a.now())}
	if reveal {
		by, err := a.may(ctx, c, q)
		if err != nil {
			return err
		}
		if err := c.reg.Reveal(ctx, by, canary.ID(id)); err != nil {
			return err
		}
		o.Text, o.Name, o.Owner, o.Note = i.Text, i.Name, i.Owner, i.Consent
		if !i.Reading.IsZero() {
			o.Read = &i.Reading
		}
	}
	return a.print(o, o.text)
}

func (o *opened) text(w io.Writer) error {
	out := []string{o.line()}
	add := func(what, text string) {
		if text != "" {
			out = append(out, fmt.Sprintf("%-8s  %s", what, text))
		}
	}
	add("text", o.Text)
	add("name", o.Name)
	add("owner", o.Owner)
	add("consent", o.Note)
	if o.Read != nil {
		add("imap", strings.TrimSpace(o.Read.Host+"  "+o.Read.User+"  "+o.Read.SecretFile+o.Read.TokenFile))
		add("forward", o.Read.ForwardTo)
	}
	for _, f := range o.Findings {
		out = append(out, findingLine("found", f))
	}
	return lines(w, out)
}

func findingLine(where string, f inventory.Finding) string {
	return fmt.Sprintf("%s: %s\n        do: %s", where, f.What, f.Do)
}

func (a *app) poolRetireCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "retire ITEM...",
		Short: "Put nothing new into an item; it is still listened to",
		Long: `Retires items: no new token is put there. A token that stands in a row stays until
it is rotated or withdrawn, and old ones are listened to for years.`,
		Example: "  saltmine pool retire o_abcdefghijklmnop --reason 'given back to the provider'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withPool(cmd.Context(), func(c *core) error {
				for _, id := range args {
					if err := c.reg.RetirePoolItem(cmd.Context(), inventory.ID(id), reason); err != nil {
						return err
					}
				}
				return a.print(struct {
					Retired []string `json:"retired"`
				}{args}, func(w io.Writer) error { return lines(w, []string{fmt.Sprintf("%d retired", len(args))}) })
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "retired by hand", "`TEXT` that is kept with it")
	return cmd
}
