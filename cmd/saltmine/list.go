package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
)

// listed is one canary as list shows it: nothing that could identify it.
type listed struct {
	ID      canary.ID      `json:"id"`
	State   canary.State   `json:"state"`
	Place   canary.Place   `json:"place"`
	Batch   canary.BatchID `json:"batch"`
	Segment canary.Segment `json:"segment"`
	Tokens  int            `json:"tokens"`
}

func (a *app) listCmd() *cobra.Command {
	var state, batch string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List canaries, masked, with counts", Args: cobra.NoArgs,
		Example: "  saltmine list --state planted\n  saltmine list --output json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if state != "" && !slices.Contains(states(), state) {
				return usage("--state %q: want %s", state, strings.Join(states(), ", "))
			}
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			f := canary.Filter{Batch: canary.BatchID(batch), Limit: limit}
			if state != "" {
				f.States = []canary.State{canary.State(state)}
			}
			return a.list(cmd.Context(), c.reg, f)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only canaries in this `STATE`: intended, planted, verified, retired")
	cmd.Flags().StringVar(&batch, "batch", "", "only canaries of this `BATCH`")
	completes(cmd, "state", states()...)
	cmd.Flags().IntVar(&limit, "limit", 0, "at most `N`; 0 is all")
	return cmd
}

func states() []string {
	return []string{string(canary.Intended), string(canary.Planted), string(canary.Verified), string(canary.Retired)}
}

func (a *app) list(ctx context.Context, reg *registry.Registry, f canary.Filter) error {
	counts, err := reg.Counts(ctx)
	if err != nil {
		return err
	}
	plantings, err := reg.Plantings(ctx, f)
	if err != nil {
		return err
	}
	coming, err := arrivingBatches(ctx, reg, a.now())
	if err != nil {
		return err
	}
	rows := make([]listed, len(plantings))
	for i, p := range plantings {
		rows[i] = listed{p.ID, p.State, p.Place, p.Batch, p.Segment, len(p.Tokens)}
	}
	batches, err := listBatches(ctx, reg, f.Batch)
	if err != nil {
		return err
	}
	result := struct {
		Counts   map[string]int `json:"counts"`
		Batches  []listedBatch  `json:"batches"`
		Canaries []listed       `json:"canaries"`
		Arriving []arriving     `json:"arriving"`
	}{counts, batches, rows, coming}
	return a.print(result, func(w io.Writer) error {
		if err := printBatches(w, batches); err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := fmt.Fprintf(w, "%s  %-8s  %s  %s  %d tokens  %s\n", r.ID, r.State, r.Place, r.Batch, r.Tokens, r.Segment); err != nil {
				return err
			}
		}
		for _, k := range slices.Sorted(maps.Keys(counts)) {
			if _, err := fmt.Fprintf(w, "%7d %s\n", counts[k], k); err != nil {
				return err
			}
		}
		return printArriving(w, coming)
	})
}

// shown is one canary as show prints it. Name and texts are filled with
// --reveal alone.
type shown struct {
	listed
	Name   string       `json:"name,omitempty"`
	Tokens []shownToken `json:"tokens"`
}

type shownToken struct {
	ID     canary.TokenID `json:"id"`
	Kind   canary.Kind    `json:"kind"`
	Text   string         `json:"text,omitempty"`
	Window canary.Window  `json:"window"`
}

func (a *app) showCmd() *cobra.Command {
	var reveal bool
	cmd := &cobra.Command{
		Use:   "show CANARY",
		Short: "Show one canary; with --reveal its identity, which is recorded",
		Long: `Shows a canary's state, tokens and windows. --reveal opens its name, address,
number and tickets; who opened it and when is recorded in the registry first. Where
a second person has to approve that, the first try asks for it, and the same command
shows it when 'saltmine approve' has said yes.`,
		Example: "  saltmine show c_abcdefghijklmnop\n  saltmine show c_abcdefghijklmnop --reveal",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, err := a.openCore(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, c.close()) }()
			return a.show(cmd.Context(), c, canary.ID(args[0]), reveal, asked(cmd, args, people.Forensics))
		},
	}
	a.tokenFlag(cmd)
	cmd.Flags().BoolVar(&reveal, "reveal", false, "open the identity; this is recorded")
	return cmd
}

func (a *app) show(ctx context.Context, c *core, id canary.ID, reveal bool, q request) error {
	list, err := c.reg.Plantings(ctx, canary.Filter{IDs: []canary.ID{id}})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("canary %s: %w", id, registry.ErrNotFound)
	}
	p := list[0]
	s := shown{listed: listed{p.ID, p.State, p.Place, p.Batch, p.Segment, len(p.Tokens)}}
	if reveal {
		by, err := a.may(ctx, c, q)
		if err != nil {
			return err
		}
		if err := c.reg.Reveal(ctx, by, id); err != nil {
			return err
		}
		s.Name = p.Name
	}
	for _, t := range p.Tokens {
		st := shownToken{ID: t.ID, Kind: t.Kind, Window: t.Window}
		if reveal {
			st.Text = t.Text
		}
		s.Tokens = append(s.Tokens, st)
	}
	return a.print(s, s.text)
}

func (s shown) text(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s  %s  %s  batch %s  %s\n", s.ID, s.State, s.Place, s.Batch, s.Segment); err != nil {
		return err
	}
	if s.Name != "" {
		if _, err := fmt.Fprintf(w, "name  %s\n", s.Name); err != nil {
			return err
		}
	}
	for _, t := range s.Tokens {
		text := t.Text
		if text == "" {
			text = "(masked)"
		}
		if _, err := fmt.Fprintf(w, "%-6s  %s  %s  from %s  until %s\n", t.Kind, t.ID, text, moment(t.Window.From), moment(t.Window.Until)); err != nil {
			return err
		}
	}
	return nil
}

func moment(m canary.Moment) string {
	switch {
	case m.IsZero():
		return "open"
	case !m.Come():
		return "announced " + m.Earliest.Format("2006-01-02T15:04:05Z")
	}
	return fmt.Sprintf("%s ±%s", m.Earliest.Format("2006-01-02T15:04:05Z"), m.Latest.Sub(m.Earliest))
}

// here is whoever runs a command.
func here() registry.By { return registry.By{Who: whoami(), Via: "cli"} }

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
