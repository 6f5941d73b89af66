package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// actsShown is how many acts are listed where nobody says.
const actsShown = 50

func (a *app) actsCmd() *cobra.Command {
	var f registry.ActFilter
	var verify, given bool
	var noted []string
	cmd := &cobra.Command{
		Use:   "acts",
		Short: "The evidence log: who did what, and whether it is whole",
		Long: `Lists who gave verdicts, acknowledged, opened identities and called the HTTP
interface, the last first. --verify reads the whole log and tells whether an act
was changed, taken out or put in behind Saltmine's back, and whether each contact is
what its leaf on the log says: where not, the exit code is 3. Contacts that were given
up (retention, redact) are proved to have been so by somebody.
It prints the end of the log, NUMBER:LINK. Note that elsewhere, or keep the log of
'saltmine serve', which says it each hour: with --noted it shows whether an older
copy of the registry has been put back since.`,
		Example: "  saltmine acts --about i_abcdefghijklmnop\n  saltmine acts --verify --noted 4711:0f5c…",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			heads, err := parseHeads(noted)
			if err != nil {
				return err
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				if verify || len(heads) > 0 {
					return a.verifyActs(cmd.Context(), c.reg, heads)
				}
				if given {
					f.What = []string{canary.ActShred}
				}
				list, err := c.reg.Acts(cmd.Context(), f)
				if err != nil {
					return err
				}
				if list == nil {
					list = []canary.Act{} // an empty list is a list
				}
				return a.print(list, func(w io.Writer) error { return printActs(w, list) })
			})
		},
	}
	cmd.Flags().StringVar(&f.About, "about", "", "acts about this `ID`")
	cmd.Flags().StringVar(&f.Who, "who", "", "acts of this `PERSON`")
	cmd.Flags().IntVar(&f.Limit, "limit", actsShown, "at most `N`; 0 is all")
	cmd.Flags().BoolVar(&given, "shredded", false, "those by which the content of contacts was given up")
	cmd.Flags().BoolVar(&f.Filed, "filed", false, "also those by which contacts came upon the log, which are many")
	cmd.Flags().BoolVar(&verify, "verify", false, "read it all and tell whether it is as it was written")
	cmd.Flags().StringSliceVar(&noted, "noted", nil, "an end, `NUMBER:LINK`, that was noted earlier and must stand in it")
	return cmd
}

func parseHeads(list []string) ([]registry.Head, error) {
	var heads []registry.Head
	for _, text := range list {
		seq, link, ok := strings.Cut(text, ":")
		n, err := strconv.ParseInt(seq, 10, 64)
		if !ok || err != nil || n < 1 || len(link) != 32 {
			return nil, usage("--noted %q: want NUMBER:LINK, as --verify prints it", text)
		}
		heads = append(heads, registry.Head{Seq: n, Link: link})
	}
	return heads, nil
}

// verified is what --verify prints.
type verified struct {
	Whole bool          `json:"whole"`
	End   registry.Head `json:"end"`
	registry.Kept
	Fault string `json:"fault,omitempty"`
}

func (a *app) verifyActs(ctx context.Context, reg *registry.Registry, noted []registry.Head) error {
	end, err := reg.CheckActs(ctx, noted...)
	if err != nil && !errors.Is(err, registry.ErrTampered) {
		return err
	}
	v := verified{Whole: err == nil, End: end}
	if err == nil {
		v.Kept, err = reg.CheckContacts(ctx)
		if err != nil && !errors.Is(err, registry.ErrTampered) {
			return err
		}
		v.Whole = err == nil
	}
	if err != nil {
		v.Fault = err.Error()
	}
	if err := a.print(v, func(w io.Writer) error {
		if !v.Whole {
			_, err := fmt.Fprintln(w, v.Fault)
			return err
		}
		_, err := fmt.Fprintf(w, "whole, up to %s\n%d contacts are as they were filed, %d were given up ('saltmine acts --shredded' says by whom and why)\n", end, v.Contacts, v.Shredded)
		return err
	}); err != nil {
		return err
	}
	if !v.Whole {
		return &exitError{code: exitFound}
	}
	return nil
}

func printActs(w io.Writer, list []canary.Act) error {
	for _, act := range list {
		line := fmt.Sprintf("%6d  %s  %s (%s)  %s  %s  %s", act.Seq, act.At.Format(time.RFC3339), act.Who, act.Via, act.What, act.About, act.Outcome)
		if _, err := fmt.Fprintln(w, strings.ReplaceAll(line, "    ", "  ")); err != nil {
			return err
		}
	}
	return nil
}

// checkActs is a line of check.
func checkActs(ctx context.Context, reg *registry.Registry) (what string, err error) {
	end, err := reg.CheckActs(ctx)
	if err != nil {
		return "evidence log", err
	}
	return fmt.Sprintf("evidence log (%d acts)", end.Seq), nil
}

// witness logs the end of the evidence log each hour: whoever keeps serve's log
// elsewhere can tell whether an older copy of the registry was put back.
func (s *server) witness(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		end, err := s.reg.ActsHead(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Error("the end of the evidence log cannot be read", "part", "acts", "err", err)
		default:
			s.log.Info("end of the evidence log", "part", "acts", "noted", end.String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
