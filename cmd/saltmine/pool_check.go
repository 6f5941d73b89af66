package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
	"saltmine/internal/inventory/rdap"
	"saltmine/internal/inventory/survey"
)

// poolCheckJob is the name under which the registry keeps when the pool was
// last looked at.
const poolCheckJob = "pool check"

func (a *app) poolCheckCmd() *cobra.Command {
	var resolver string
	var registration bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look at the pool from outside: is it still ours, readable, harmless",
		Long: `Looks at every item that is not retired, once a month. Domains: name servers, mail
exchangers, addresses and the issuer of the exchanger's certificate as at the last
check; block_lists and disposable of [pool]; and when they run out, as given or,
with --rdap, as the registration data say. Numbers: their form, and when they run
out. Mailboxes: whether they open by IMAP. Each finding comes with what to do. What
is found at fault gets no new token until a later check finds it sound.

DNS questions go to the system's resolver, which then knows the domains, or to
--resolver. Block lists are asked only when block_lists names some: they learn it
too. Certificates are read by an SMTP session up to STARTTLS; where no mail may go
out, they are left alone. Forwarded mailboxes are not tried.`,
		Example: "  saltmine pool check\n  saltmine pool check --rdap --resolver 127.0.0.1:53 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := poolChecker{now: a.now, resolver: net.DefaultResolver}
			if resolver != "" {
				if _, _, err := net.SplitHostPort(resolver); err != nil {
					return usage("--resolver %q: want host:port", resolver)
				}
				p.resolver = resolverAt(resolver)
			}
			if registration {
				p.registration = askRegistration(rdap.New(rdap.Config{}))
			}
			return a.withPool(cmd.Context(), func(c *core) (err error) {
				if p.login, err = mailboxLogin(c.cfg.Mailbox); err != nil {
					return err
				}
				return a.poolCheck(cmd.Context(), c, p)
			})
		},
	}
	cmd.Flags().StringVar(&resolver, "resolver", "", "`HOST:PORT` of the DNS resolver to ask")
	cmd.Flags().BoolVar(&registration, "rdap", false, "ask the registration data of domains when they run out (RDAP)")
	return cmd
}

// resolverAt asks one DNS server alone.
func resolverAt(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
}

func askRegistration(c *rdap.Client) func(context.Context, string) (time.Time, string, error) {
	return func(ctx context.Context, domain string) (time.Time, string, error) {
		r, err := c.Domain(ctx, domain)
		return r.Expires, r.Registrar, err
	}
}

// poolChecker looks at a pool: by hand, or on a schedule.
type poolChecker struct {
	now          func() time.Time
	resolver     *net.Resolver
	registration func(context.Context, string) (time.Time, string, error) // nil: not asked
	login        login.Config
	// choose picks the items that are looked at; nil is all.
	choose func([]inventory.Item) []inventory.Item
}

// poolFound is one finding as it is printed.
type poolFound struct {
	Item   inventory.ID   `json:"item"`
	Kind   inventory.Kind `json:"kind"`
	Domain string         `json:"domain,omitempty"`
	inventory.Finding
}

// poolChecked is what pool check prints.
type poolChecked struct {
	Checked  int         `json:"checked"`
	Findings []poolFound `json:"findings"`
}

// run looks at the whole pool and keeps every result in the registry. The
// pool has been imported.
func (p poolChecker) run(ctx context.Context, c *core) (poolChecked, error) {
	out := poolChecked{Findings: []poolFound{}}
	cfg, err := p.survey(c)
	if err != nil {
		return out, err
	}
	items, err := c.reg.PoolItems(ctx, inventory.Filter{})
	if err != nil {
		return out, err
	}
	if p.choose != nil {
		items = p.choose(items)
	}
	err = survey.New(cfg).Run(ctx, items, func(i *inventory.Item, check inventory.Check) error {
		out.Checked++
		for _, f := range check.Findings {
			found := poolFound{Item: i.ID, Kind: i.Kind, Finding: f}
			if i.Kind == inventory.Domain {
				found.Domain = i.Text
			}
			out.Findings = append(out.Findings, found)
		}
		return c.reg.NotePoolCheck(ctx, i.ID, check)
	})
	if err != nil {
		return out, err
	}
	slices.SortStableFunc(out.Findings, func(a, b poolFound) int {
		kinds := inventory.Kinds()
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Item, b.Item))
	})
	return out, c.reg.SetLastRun(ctx, poolCheckJob, p.now())
}

func (p poolChecker) survey(c *core) (survey.Config, error) {
	cfg := survey.Config{
		Resolver: p.resolver, Dial: (&net.Dialer{Timeout: 10 * time.Second, Resolver: p.resolver}).DialContext, Login: p.open,
		Registration: p.registration, BlockLists: c.cfg.Pool.BlockLists, Rules: poolRules(c.cfg), Now: p.now,
	}
	if path := c.cfg.Pool.Disposable; path != "" {
		list, err := conf.ReadDomains(path)
		if err != nil {
			return cfg, &exitError{exitUsage, &configError{err}}
		}
		cfg.Disposable = list.Has
	}
	return cfg, nil
}

// open tries an account.
func (p poolChecker) open(ctx context.Context, r inventory.Reading) error {
	account, err := credentials(r)
	if err != nil {
		return err
	}
	return p.login.Try(ctx, account)
}

// credentials reads the password or the access token of a mailbox from its file.
// The file's path may be named after the address, so it stands in no error.
func credentials(r inventory.Reading) (login.Account, error) {
	name, path := "secret_file", r.SecretFile
	if path == "" {
		name, path = "token_file", r.TokenFile
	}
	secret, err := conf.ReadSecret(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return login.Account{}, fmt.Errorf("its %s is not there", name)
	case errors.Is(err, conf.ErrReadableByOthers):
		return login.Account{}, fmt.Errorf("others may read its %s: chmod 600 it", name)
	case err != nil:
		return login.Account{}, fmt.Errorf("its %s cannot be read", name)
	}
	a := login.Account{Host: r.Host, User: r.User}
	if r.SecretFile != "" {
		a.Password = secret.Reveal()
	} else {
		a.Token = secret.Reveal()
	}
	return a, nil
}

func (a *app) poolCheck(ctx context.Context, c *core, p poolChecker) error {
	checked, err := p.run(ctx, c)
	if err == nil {
		err = c.filePool(ctx, p.now())
	}
	if err != nil {
		return err
	}
	if err := a.print(checked, checked.text); err != nil {
		return err
	}
	if len(checked.Findings) > 0 {
		return &exitError{code: exitFound}
	}
	return nil
}

func (p *poolChecked) text(w io.Writer) error {
	var out []string
	for _, f := range p.Findings {
		out = append(out, findingLine(cmp.Or(f.Domain, fmt.Sprintf("%s %s", f.Kind, f.Item)), f.Finding))
	}
	return lines(w, append(out, fmt.Sprintf("%d looked at, %d findings", p.Checked, len(p.Findings))))
}
