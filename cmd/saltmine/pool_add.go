package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
)

// addFlags describe an item that is added by hand.
type addFlags struct {
	provider, name, locale, country string
	owner, consent                  string
	host, user, secret, token       string
	forward, operator               string
	added, expires, soak            string
	capacity                        int
}

func (a *app) poolAddCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add domains, mailboxes, seed addresses or numbers to the pool",
		Long: `Adds to the pool beside what the files in [pool] list. What is there already is
described anew and keeps its soak and use. When one line or argument is wrong, all
faults are reported and nothing is added.`,
		Example: "  saltmine pool add domain example.net --expires 2027-08-01\n  saltmine pool add phones numbers.csv",
	}
	cmd.AddCommand(a.addDomainCmd(), a.addMailboxCmd(inventory.Mailbox), a.addMailboxCmd(inventory.Seed), a.addPhonesCmd())
	return cmd
}

func (a *app) addDomainCmd() *cobra.Command {
	var f addFlags
	cmd := &cobra.Command{
		Use:     "domain NAME...",
		Short:   "Add owned mail domains",
		Example: "  saltmine pool add domain example.net example.org --registrar 'Example Registrar' --expires 2027-08-01 --capacity 60",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addToPool(cmd.Context(), func(c *core) ([]inventory.Item, error) {
				var items []inventory.Item
				var faults []error
				for _, name := range args {
					i, err := f.item(inventory.Domain, name)
					items, faults = append(items, i), append(faults, err)
					if err == nil && !slices.Contains(c.cfg.Pool.Domains, i.Text) {
						a.say("note: the ears do not listen on %s, and no address is minted there, until it stands in domains of [pool]", i.Text)
					}
				}
				return items, errors.Join(faults...)
			})
		},
	}
	cmd.Flags().StringVar(&f.provider, "registrar", "", "`NAME` of the registrar")
	cmd.Flags().IntVar(&f.capacity, "capacity", 0, "planted addresses that it is to carry at a time; 0 is domain_capacity of [pool]")
	f.dates(cmd)
	return cmd
}

func (f *addFlags) dates(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.added, "added", "", "`DATE` on which you got it; without it the soak begins now")
	cmd.Flags().StringVar(&f.expires, "expires", "", "`DATE` on which it runs out")
	cmd.Flags().StringVar(&f.soak, "soak", "", "how long it rests before its first use, such as 30d; without it soak of [pool]")
}

func (a *app) addMailboxCmd(kind inventory.Kind) *cobra.Command {
	var f addFlags
	what, more := "Add accounts at mail providers", ""
	if kind == inventory.Seed {
		what, more = "Add addresses of people on the staff who consent", " --owner 'J. Doe' --consent 'signed 2026-08-01, folder 12'"
	}
	cmd := &cobra.Command{
		Use:   string(kind) + " FILE.toml|ADDRESS",
		Short: what,
		Long: what + `. A name that ends in .toml is a file such as
configs/mailboxes.toml, which says what each of its addresses is; the flags are for a
single address. What arrives there must be read, by IMAP or because it is forwarded.`,
		Example: fmt.Sprintf("  saltmine pool add %[1]s mailboxes.toml\n  saltmine pool add %[1]s d.whitfield@mail.example --imap-host imap.mail.example --imap-user d.whitfield --secret-file one.secret%[2]s", kind, more),
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addToPool(cmd.Context(), func(c *core) ([]inventory.Item, error) {
				landing, err := c.landing()
				if err != nil {
					return nil, err
				}
				if strings.HasSuffix(args[0], ".toml") {
					return conf.Mailboxes(args[0], landing)
				}
				i, err := f.mailbox(kind, args[0], landing)
				return []inventory.Item{i}, err
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.provider, "provider", "", "`NAME` of the provider; without it the address's domain")
	fl.StringVar(&f.name, "name", "", "`NAME` of the person whom the address fits")
	fl.StringVar(&f.locale, "locale", "", "such as `en-GB`")
	fl.StringVar(&f.country, "country", "", "two capitals, such as `GB`")
	fl.StringVar(&f.host, "imap-host", "", "`HOST` of IMAP over TLS, with a port when it is not 993")
	fl.StringVar(&f.user, "imap-user", "", "`USER` of IMAP")
	fl.StringVar(&f.secret, "secret-file", "", "`FILE` with the password")
	fl.StringVar(&f.token, "token-file", "", "`FILE` in which somebody keeps a valid OAuth 2.0 access token, instead of a password")
	fl.StringVar(&f.operator, "imap-operator", "", "`DOMAIN` from which the provider itself writes about the account, such as google.com")
	fl.StringVar(&f.forward, "forward-to", "", "`ADDRESS` on an owned domain to which the provider forwards")
	if kind == inventory.Seed {
		fl.StringVar(&f.owner, "owner", "", "who consents")
		fl.StringVar(&f.consent, "consent", "", "when, and where that is kept")
	}
	f.dates(cmd)
	return cmd
}

func (a *app) addPhonesCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "phones FILE.csv",
		Short:   "Add rented phone numbers",
		Long:    "Adds the numbers of a file such as configs/numbers.csv; a bare list with one number a line is one too.",
		Example: "  saltmine pool add phones numbers.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addToPool(cmd.Context(), func(*core) ([]inventory.Item, error) { return conf.Phones(args[0]) })
		},
	}
}

// addToPool enters what read gives.
func (a *app) addToPool(ctx context.Context, read func(*core) ([]inventory.Item, error)) error {
	return a.withPool(ctx, func(c *core) error {
		items, err := read(c)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		e, err := c.reg.AddPoolItems(ctx, items)
		if err != nil {
			return err
		}
		result := struct {
			Added   int `json:"added"`
			Changed int `json:"changed"`
			Known   int `json:"known"`
		}{len(e.Added), len(e.Changed), len(items) - len(e.Added) - len(e.Changed)}
		return a.print(result, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%d added, %d described anew, %d known already\n", result.Added, result.Changed, result.Known)
			return err
		})
	})
}

// item makes an item of the flags.
func (f *addFlags) item(kind inventory.Kind, text string) (inventory.Item, error) {
	i := inventory.Item{
		Kind: kind, Text: text, Provider: f.provider, Name: f.name, Locale: f.locale, Country: f.country, Owner: f.owner, Consent: f.consent, Capacity: f.capacity,
	}
	if canon, err := inventory.Canon(kind, text); err == nil {
		i.Text = canon
	}
	var faults []error
	for _, d := range []struct {
		flag, text string
		into       *time.Time
	}{{"added", f.added, &i.Added}, {"expires", f.expires, &i.Expires}} {
		if d.text == "" {
			continue
		}
		at, err := time.Parse(time.DateOnly, d.text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s %q: want a date such as 2027-03-01", d.flag, d.text))
		}
		*d.into = at
	}
	if f.soak != "" {
		d, err := conf.ParseDuration(f.soak)
		if err == nil && d == 0 {
			err = errors.New("must be longer than nothing; give --added an earlier date instead")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("--soak: %w", err))
		}
		i.Soak = d
	}
	if kind == inventory.Domain {
		faults = append(faults, flagFaults(i.Faults())...)
	}
	return i, errors.Join(faults...)
}

// mailbox makes a mailbox or seed address of the flags.
func (f *addFlags) mailbox(kind inventory.Kind, address string, l conf.Landing) (inventory.Item, error) {
	i, err := f.item(kind, address)
	faults := []error{err}
	i.Reading = inventory.Reading{Host: f.host, User: f.user, Operator: f.operator, ForwardTo: f.forward}
	if _, _, err := net.SplitHostPort(f.host); err != nil && f.host != "" {
		i.Reading.Host += ":993"
	}
	if canon, err := token.Canon(canary.Email, f.forward); err == nil {
		i.Reading.ForwardTo = canon
	}
	if _, domain, err := token.SplitEmail(i.Text); err == nil && i.Provider == "" {
		i.Provider = domain
	}
	for _, file := range []struct {
		name string
		into *string
	}{{f.secret, &i.Reading.SecretFile}, {f.token, &i.Reading.TokenFile}} {
		if file.name == "" {
			continue
		}
		if *file.into, err = filepath.Abs(file.name); err == nil {
			_, err = conf.ReadSecret(*file.into)
		}
		faults = append(faults, err)
	}
	return i, errors.Join(append(faults, flagFaults(slices.Concat(i.Faults(), l.Faults(&i)))...)...)
}

// flagFaults names the faults of fields as the command line does.
func flagFaults(list []*inventory.Fault) []error {
	var out []error
	for _, f := range list {
		switch f.Field {
		case "domain", "address":
			out = append(out, f)
		case "imap":
			out = append(out, fmt.Errorf("--imap-host: %w", f.Err))
		case "imap.secret_file", "imap.token_file":
			out = append(out, fmt.Errorf("--%s: %w", strings.NewReplacer("imap.", "", "_", "-").Replace(f.Field), f.Err))
		default:
			out = append(out, fmt.Errorf("--%s: %w", strings.NewReplacer(".", "-", "_", "-").Replace(f.Field), f.Err))
		}
	}
	return out
}
