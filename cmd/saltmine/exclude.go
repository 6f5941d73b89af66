package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/exclude"
)

// exclusionTimeout bounds an answer that does not come.
const exclusionTimeout = 30 * time.Second

func (a *app) excludeCmd() *cobra.Command {
	var to, tokenFile string
	cmd := &cobra.Command{
		Use:   "exclude CUSTOMER... | -",
		Short: "Ask which customers a job of your own is to leave out",
		Long: `Asks a running 'saltmine serve' with a section [exclude], as a billing, analytics or
campaign job does, and prints "drop" or "keep" with each customer. With - customers
are read from standard input, one a line. Each is named as [exclude] by says.

A "drop" is a canary, or one of the real customers who are left out to hide them.
Questions are counted and recorded; over the day's budget there is no answer, and
somebody is told. Without an answer the job must not go on.`,
		Example: "  saltmine exclude dana.whitfield@example.org --token-file campaigns.token\n  cut -d, -f3 mailing.csv | saltmine exclude - --token-file campaigns.token",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if tokenFile == "" {
				return usage("--token-file is wanted: the file with the job's token, from the callers file of [exclude]")
			}
			token, err := conf.ReadSecret(tokenFile)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			if slices.Equal(args, []string{"-"}) {
				if args, err = readLines(a.stdin); err != nil {
					return err
				}
			}
			client := &exclude.Client{HTTP: &http.Client{Timeout: exclusionTimeout}, URL: to, Token: strings.TrimSpace(token.Reveal())}
			return a.exclude(cmd.Context(), client, args)
		},
	}
	cmd.Flags().StringVar(&to, "url", "http://127.0.0.1:8080", "`URL` of serve's [api]")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`FILE` with the job's token")
	return cmd
}

// excluded is one answer as it is printed.
type excluded struct {
	Customer string `json:"customer"`
	Answer   string `json:"answer"`
}

func (a *app) exclude(ctx context.Context, client *exclude.Client, customers []string) error {
	list := []excluded{}
	for group := range slices.Chunk(customers, exclude.MaxCustomers) {
		answers, err := client.Ask(ctx, group)
		if err != nil {
			return err
		}
		for i, word := range answers {
			list = append(list, excluded{group[i], word})
		}
	}
	return a.print(list, func(w io.Writer) error {
		out := make([]string, len(list))
		for i, e := range list {
			out[i] = e.Answer + "\t" + e.Customer
		}
		return lines(w, out)
	})
}

func readLines(r io.Reader) ([]string, error) {
	var out []string
	in := bufio.NewScanner(r)
	for in.Scan() {
		if text := strings.TrimSpace(in.Text()); text != "" {
			out = append(out, text)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return out, nil
}

// exclusions makes the check of [exclude]; nil where there is none.
func (s *server) exclusions() http.Handler {
	e := s.cfg.Exclude
	if e == nil {
		return nil
	}
	var callers []exclude.Caller
	for _, c := range e.Callers {
		callers = append(callers, exclude.Caller{Name: c.Name, Token: c.Token.Reveal(), PerDay: e.PerDay(), Exact: slices.Contains(e.Exact, c.Name)})
	}
	return exclude.New(exclude.Config{
		Callers: callers, Ask: s.reg.Exclusions(e.By == conf.ByKey, e.Decoys).Ask, Over: s.overBudget, Now: s.app.now, Log: s.log.With("part", "exclude"),
	})
}

// overBudget tells once a day that a caller asked about too many customers.
func (s *server) overBudget(ctx context.Context, caller string, at time.Time) {
	raised, err := s.reg.RaiseNotice(context.WithoutCancel(ctx), canary.Notice{
		Kind: canary.NoticeExclude, Scope: caller, Mark: at.UTC().Format(time.DateOnly), Severity: canary.P3,
		Text: fmt.Sprintf("the job %s asked about more than %d customers on %s: somebody may be looking for the canaries with its token", caller, s.cfg.Exclude.PerDay(), at.UTC().Format(time.DateOnly)),
		Next: []string{"ask the job's owners whether they did", "if not, give the job another token in the callers file of [exclude], and restart serve", "if so, raise share_per_day in [exclude]"},
	}, s.compose())
	if err != nil {
		s.log.Error("the notice of a caller over the budget was not written", "caller", caller, "err", err)
	}
	if raised {
		s.pager.Wake()
	}
}
