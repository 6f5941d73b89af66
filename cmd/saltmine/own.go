package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/incident"
	"saltmine/internal/mailauth"
)

func (a *app) ownCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "own",
		Short: "Count the company's own mails that reached canaries",
		Long: `Shows for each sender of [[own]] in the configuration how many of its mails reached
canaries, in its campaigns and outside of them. They are recognised by a DKIM
signature that is aligned with From. Inside they wake nobody; outside they are a
finding, and "saltmine incidents" has it.

A sender that is not shown has written to no canary: after a mailing to all
customers that means that canaries were left out, or that its mail is not signed
as the configuration says.`,
		Example: "  saltmine own --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				list, err := c.reg.OwnCounts(cmd.Context())
				if err != nil {
					return err
				}
				if list == nil {
					list = []canary.OwnCount{}
				}
				return a.print(list, func(w io.Writer) error { return printOwn(w, list) })
			})
		},
	}
}

func printOwn(w io.Writer, list []canary.OwnCount) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no mail of the company's own has reached a canary")
		return err
	}
	out := make([]string, 0, 1+len(list))
	out = append(out, fmt.Sprintf("%-24s %10s %10s  %s", "SENDER", "EXPECTED", "OUTSIDE", "LAST"))
	for _, o := range list {
		out = append(out, fmt.Sprintf("%-24s %10d %10d  %s", o.Sender, o.Expected, o.Outside, o.Last.Format(time.RFC3339)))
	}
	return lines(w, out)
}

// senders are the company's own, as the intake takes them.
func (s *server) senders() []incident.Sender {
	list := make([]incident.Sender, len(s.cfg.Own))
	for i, o := range s.cfg.Own {
		list[i] = incident.Sender{Name: o.Name, Domains: o.Domains, Expected: func(at time.Time) bool { return expected(o, at) }}
	}
	return list
}

func expected(o conf.Own, at time.Time) bool {
	for _, c := range o.Campaigns {
		if !at.Before(c.From) && at.Before(c.Until) {
			return true
		}
	}
	return o.Always
}

// signatures looks at whether mail is the company's own, while a page waits for
// it: a resolver that is silent costs a second in ten.
type signatures struct {
	judge *mailauth.Judge
	now   func() time.Time

	mu    sync.Mutex
	again time.Time // not asked before
}

func newSignatures(c *conf.Config, now func() time.Time) *signatures {
	var resolver string
	if c.MailAuth != nil {
		resolver = c.MailAuth.Resolver
	}
	return &signatures{judge: mailauth.New(mailauth.Config{Resolver: resolver, Now: now}), now: now}
}

// by says what is proved of a mail's coming from the domains.
func (s *signatures) by(ctx context.Context, c *canary.Contact, domains []string) (claim incident.Claim) {
	defer func() {
		if recover() != nil { // the mail is a stranger's bytes; whoever looks at it later tells
			claim = incident.Unproved
		}
	}()
	const patience, pause = time.Second, 10 * time.Second
	m, whole := mailauth.FromContact(c)
	if !whole {
		return incident.NotClaimed
	}
	s.mu.Lock()
	silent := s.now().Before(s.again)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if silent {
		cancel() // what needs no answer is still found
	}
	switch s.judge.SignedBy(ctx, m, domains...) {
	case mailauth.Pass:
		return incident.Proved
	case mailauth.TempError:
		if !silent {
			s.mu.Lock()
			s.again = s.now().Add(pause)
			s.mu.Unlock()
		}
		return incident.Unproved
	case mailauth.None:
		return incident.NotClaimed
	default:
		return incident.Unsigned
	}
}
