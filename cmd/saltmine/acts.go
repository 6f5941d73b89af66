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
	var limit *rowLimit
	var verify, given bool
	var noted []string
	var against string
	cmd := &cobra.Command{
		Use:   "acts",
		Short: "The evidence log: who did what, and whether it is whole",
		Long: `Lists who gave verdicts, acknowledged, opened identities and called the HTTP
interface, the last first. --verify reads the whole log and tells whether an act
was changed, taken out or put in behind Saltmine's back, whether its tree and its
signed checkpoints are of these acts, and whether each contact, and each page, is what
its leaf on the log says: where not, the exit code is 3. Contacts that were given up
(retention, redact) are proved to have been so by somebody.
It prints the end of the log, NUMBER:LINK. Note that elsewhere, or keep the log of
'saltmine serve', which says it each hour: with --noted it shows whether an older
copy of the registry has been put back since. --against does so with all that a
[[witness]] was told: a file of it, or of a log in which the notes stand.`,
		Example: "  saltmine acts --verify --against /mnt/worm/saltmine.heads\n  saltmine acts --about i_abcdefghijklmnop\n  saltmine acts --verify --noted 4711:0f5c…",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			heads, err := parseHeads(noted)
			if err != nil {
				return err
			}
			return a.withCore(cmd.Context(), func(c *core) error {
				if verify || len(heads) > 0 || against != "" {
					return a.verifyActs(cmd.Context(), c, heads, against)
				}
				if given {
					f.What = []string{canary.ActShred}
				}
				f.Limit = limit.oneMore()
				list, err := c.reg.Acts(cmd.Context(), f)
				if err != nil {
					return err
				}
				list = newest(a, list, limit)
				return a.print(list, func(w io.Writer) error { return printActs(w, list) })
			})
		},
	}
	cmd.Flags().StringVar(&f.About, "about", "", "acts about this `ID`")
	cmd.Flags().StringVar(&f.Who, "who", "", "acts of this `PERSON`")
	limit = limited(cmd, actsShown)
	cmd.Flags().BoolVar(&given, "shredded", false, "those by which the content of contacts was given up")
	cmd.Flags().BoolVar(&f.Filed, "filed", false, "also those by which contacts came upon the log, which are many")
	cmd.Flags().BoolVar(&verify, "verify", false, "read it all and tell whether it is as it was written")
	cmd.Flags().StringVar(&against, "against", "", "`FILE` with the notes of a witness, each of which must stand in it")
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
	Checkpoints int    `json:"checkpoints"` // that were signed of it
	Windows     int    `json:"windows"`     // of tokens that were committed to
	Against     *held  `json:"against,omitempty"`
	Fault       string `json:"fault,omitempty"`
}

// look fills in what is found, up to the first fault.
func (v *verified) look(ctx context.Context, c *core, noted []registry.Head, against string) (err error) {
	if against != "" {
		if v.Against, err = readWitness(against, c.keys.Signer); err != nil {
			return err
		}
		noted = append(noted, v.Against.heads...)
	}
	if v.End, err = c.reg.CheckActs(ctx, noted...); err != nil {
		return err
	}
	if v.Against != nil {
		v.Against.Since = v.End.Seq - v.Against.last
	}
	if v.Checkpoints, err = c.reg.CheckTree(ctx, c.key()); err != nil {
		return err
	}
	if v.Windows, err = c.reg.CheckWindows(ctx); err != nil {
		return err
	}
	v.Kept, err = c.reg.CheckContacts(ctx)
	return err
}

func (a *app) verifyActs(ctx context.Context, c *core, noted []registry.Head, against string) error {
	var v verified
	err := v.look(ctx, c, noted, against)
	if err != nil && !errors.Is(err, registry.ErrTampered) {
		return err
	}
	if v.Whole = err == nil; err != nil {
		v.Fault = err.Error()
	}
	if err := a.print(v, func(w io.Writer) error {
		if !v.Whole {
			_, err := fmt.Fprintln(w, v.Fault)
			return err
		}
		_, err := fmt.Fprintf(w, "whole, up to %s\n%d signed checkpoints are of it\n%d contacts are as they were filed, %d were given up ('saltmine acts --shredded' says by whom and why)\n", v.End, v.Checkpoints, v.Contacts, v.Shredded)
		if err == nil && v.Against != nil {
			_, err = fmt.Fprintf(w, "as the witness has it: %d notes, the last at %s, %d acts before the end\n", v.Against.Notes, v.Against.Last.Format(time.RFC3339), v.Against.Since)
		}
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
