package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/inventory"
	"saltmine/internal/inventory/login"
	"saltmine/listener/mailbox"
)

// mailboxes makes the mailbox ear, which belongs to the core alone: it knows the
// pool's addresses and their passwords.
func (s *server) mailboxes(ctx context.Context) error {
	c := s.cfg.Mailbox
	if c == nil {
		return nil
	}
	if err := s.importPool(ctx); err != nil {
		return err
	}
	how, err := mailboxLogin(c)
	if err != nil {
		return err
	}
	ear := mailbox.New(mailbox.Config{
		Accounts: s.readByIMAP, Credentials: credentials, Login: how, Store: s.reg, Hear: s.ears.road.Hear, Unread: s.unread,
		Connections: c.Connections, Poll: c.Poll, MaxMessage: c.MaxMessage, Now: s.app.now, Log: s.log.With("ear", "mailbox"),
	})
	s.ears.mailbox = ear
	s.ears.jobs = append(s.ears.jobs, job{"mailbox", ear.Run})
	s.ears.stats = append(s.ears.stats, func() (string, map[string]float64) {
		st := ear.Stats()
		return "mailbox", map[string]float64{"heard": float64(st.Heard), "truncated": float64(st.Truncated), "vanished": float64(st.Vanished), "logins": float64(st.Logins), "failed": float64(st.Failed)}
	})
	return nil
}

// mailboxLogin is how the servers of mailboxes are reached.
func mailboxLogin(c *conf.Mailbox) (login.Config, error) {
	if c == nil || c.Roots == "" {
		return login.Config{}, nil
	}
	pem, err := os.ReadFile(c.Roots)
	if err != nil {
		return login.Config{}, fmt.Errorf("[mailbox] roots: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return login.Config{}, errors.New("[mailbox] roots: no certificate in it")
	}
	return login.Config{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, nil
}

// readByIMAP lists the mailboxes of the pool that are to be read: those that are
// retired too, because old tokens are listened to for years, and not those whose
// credentials the configuration has lost.
func (c *core) readByIMAP(ctx context.Context) ([]mailbox.Account, error) {
	items, err := c.reg.PoolItems(ctx, inventory.Filter{Kinds: []inventory.Kind{inventory.Mailbox, inventory.Seed}})
	if err != nil {
		return nil, err
	}
	var list []mailbox.Account
	for i := range items {
		if it := &items[i]; it.Reading.Host != "" && it.Unlisted.IsZero() {
			list = append(list, mailbox.Account{ID: it.ID, Address: it.Text, Reading: it.Reading, Since: it.Added})
		}
	}
	return list, nil
}

// unread brings the notices of mailboxes up to date that cannot be read: one for
// each server, so that a provider that is away is one page.
func (s *server) unread(ctx context.Context, list []mailbox.Unread) error {
	of := map[string][]mailbox.Unread{}
	var hosts []string
	for _, u := range list {
		if of[u.Host] == nil {
			hosts = append(hosts, u.Host)
		}
		of[u.Host] = append(of[u.Host], u)
	}
	slices.Sort(hosts)
	var notices []canary.Notice
	for _, host := range hosts {
		notices = append(notices, s.unreadNotice(host, of[host]))
	}
	_, err := s.reg.FileNotices(ctx, canary.NoticeMailbox, "mailboxes", notices, s.compose())
	s.pager.Wake()
	return err
}

// unreadNotice names the mailboxes by their ids, and the server not at all.
func (s *server) unreadNotice(host string, list []mailbox.Unread) canary.Notice {
	const shown = 5
	first := slices.MinFunc(list, func(a, b mailbox.Unread) int { return a.Since.Compare(b.Since) })
	var names []string
	for _, u := range list[:min(len(list), shown)] {
		names = append(names, string(u.ID))
	}
	which := strings.Join(names, ", ")
	if more := len(list) - shown; more > 0 {
		which += fmt.Sprintf(" and %d more", more)
	}
	why := "no connection was free"
	if first.Why != nil {
		why = plainFault(first.Why)
	}
	sum := sha256.Sum256([]byte(host))
	return canary.Notice{
		Mark: hex.EncodeToString(sum[:8]), Severity: s.cfg.Mailbox.Severity,
		Text: fmt.Sprintf("%d mailboxes of one server cannot be read, the first not since %s: %s (%s)", len(list), first.Since.UTC().Format(time.DateTime), why, which),
		Next: []string{
			"what arrives there meanwhile is read when it goes again, and pages late",
			fmt.Sprintf("'saltmine pool show %s --reveal' shows which it is; log in by hand and look whether the provider locked it", first.ID),
			"check its secret_file or token_file: passwords and tokens run out",
		},
	}
}

// plainFault is what may be said of a fault: an error of the network names hosts.
func plainFault(err error) string {
	for _, known := range []error{login.ErrUnreachable, login.ErrTLS, login.ErrDenied, login.ErrProtocol, mailbox.ErrRefused} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// errNotOpen is what check says of mailboxes.
var errNotOpen = errors.New("do not open")

// checkMailboxes logs in to every mailbox that would be read, some at a time.
func (c *core) checkMailboxes(ctx context.Context) (what string, err error) {
	const atOnce, shown = 8, 3
	how, err := mailboxLogin(c.cfg.Mailbox)
	if err != nil {
		return "mailboxes", err
	}
	list, err := c.readByIMAP(ctx)
	if err != nil {
		return "mailboxes", err
	}
	how.Time = 10 * time.Second
	var all sync.WaitGroup
	var mu sync.Mutex
	var faults []string
	work := make(chan mailbox.Account)
	for range min(atOnce, len(list)) {
		all.Go(func() { // ends when work is closed
			for a := range work {
				account, err := credentials(a.Reading)
				if err == nil {
					err = how.Try(ctx, account)
				}
				if err != nil {
					mu.Lock()
					faults = append(faults, fmt.Sprintf("%s: %s", a.ID, plainFault(err)))
					mu.Unlock()
				}
			}
		})
	}
	for _, a := range list {
		work <- a
	}
	close(work)
	all.Wait()
	what = fmt.Sprintf("mailboxes (%d, by IMAP)", len(list))
	if len(faults) == 0 {
		return what, nil
	}
	slices.SortFunc(faults, cmp.Compare[string])
	return what, fmt.Errorf("%d %w: %s", len(faults), errNotOpen, strings.Join(faults[:min(len(faults), shown)], "; "))
}
