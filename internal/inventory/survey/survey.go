// Package survey looks at the items of a pool from outside: are they still ours,
// can they still be read, and do they still look harmless. It is run once a
// month.
//
//	domain    delegated, has a mail exchanger with an address; name servers,
//	          exchangers, addresses and the issuer of the exchanger's
//	          certificate as at the last time; on no block list and on no list
//	          of disposable domains; not about to run out
//	number    can be dialled, is not one of those kept for films; not about to
//	          run out
//	mailbox   opens with its account; not about to run out
//
// DNS is asked with the resolver that it is given, block lists too (RFC 5782).
// A certificate is only read, never believed: what counts is whether the
// issuer is another than before, because exchangers renew theirs every few
// weeks. Addresses of an exchanger at a large provider are not kept: they
// change by the hour.
//
// What it cannot find out it reports as not looked at, with the same weight
// for a person and none for the rules: a resolver that is down must not take
// the pool out of use. What was seen before is then kept.
//
// The invariant: no finding shows an address or a number. Domains are shown.
package survey

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"

	"saltmine/internal/inventory"
)

const (
	atOnce  = 8                // items that are looked at together
	maxTime = 90 * time.Second // for one item
)

// Config is what a survey needs. What is nil or empty is not looked at.
type Config struct {
	Resolver *net.Resolver
	// Dial connects to mail exchangers, to read their certificates.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Login tries an account of a mailbox. Its error shows nothing of it.
	Login func(ctx context.Context, r inventory.Reading) error
	// Registration asks when a domain runs out and who its registrar is.
	Registration func(ctx context.Context, domain string) (expires time.Time, registrar string, err error)
	// BlockLists are the zones of DNS block lists of domains.
	BlockLists []string
	// Disposable says whether a domain is on a list of disposable ones.
	Disposable func(domain string) bool
	Rules      inventory.Rules
	Now        func() time.Time
}

// Survey looks at items.
type Survey struct {
	cfg Config

	mu    sync.Mutex
	lists map[string]error // by zone, what is wrong with a block list
}

// New makes a survey, of one round: what is wrong with a block list is asked once.
func New(cfg Config) *Survey { return &Survey{cfg: cfg, lists: map[string]error{}} }

// Run looks at every item that is not retired, or carries a token all the same,
// some at a time, and gives each result to note, one after the other in no fixed
// order. It ends when note fails or ctx ends; a look that ctx cut short is not
// noted.
func (s *Survey) Run(ctx context.Context, items []inventory.Item, note func(*inventory.Item, inventory.Check) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *inventory.Item)
	var all sync.WaitGroup
	var one sync.Mutex
	for range min(atOnce, len(items)) {
		all.Go(func() { // ends when work is closed
			for i := range work {
				c := s.Check(ctx, i)
				one.Lock()
				if ctx.Err() == nil {
					if err := note(i, c); err != nil {
						cancel(err)
					}
				}
				one.Unlock()
			}
		})
	}
	for n := range items {
		if i := &items[n]; s.wanted(i) && ctx.Err() == nil {
			work <- i
		}
	}
	close(work)
	all.Wait()
	return context.Cause(ctx)
}

func (s *Survey) wanted(i *inventory.Item) bool {
	return i.Used() > 0 || s.cfg.Rules.State(i, s.cfg.Now()) != inventory.Retired
}

// Check looks at one item.
func (s *Survey) Check(ctx context.Context, i *inventory.Item) inventory.Check {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	seen := *i
	seen.Check = inventory.Check{At: now, Seen: i.Check.Seen, Expires: i.Check.Expires, Registrar: i.Check.Registrar}
	var found []inventory.Finding
	switch i.Kind {
	case inventory.Domain:
		found = s.domain(ctx, &seen)
	case inventory.Mailbox, inventory.Seed:
		found = s.mailbox(ctx, i)
	case inventory.Phone:
		found = i.Dials()
	}
	seen.Check.Findings = slices.Concat(found, seen.Running(now), seen.Strays(now))
	return seen.Check
}

// domain looks at a domain and keeps what it saw in its check.
func (s *Survey) domain(ctx context.Context, i *inventory.Item) []inventory.Finding {
	before := i.Check.Seen
	l := &look{survey: s, domain: i.Text, unasked: map[string]bool{}}
	if s.cfg.Resolver != nil {
		l.names(ctx)
		l.blocked(ctx)
		i.Check.Seen = l.whole(before)
	}
	if s.cfg.Disposable != nil && s.cfg.Disposable(i.Text) {
		l.found("it is on the list of disposable domains", "ask the list's keepers to take it off, or retire it: many forms refuse such addresses, so no customer has one")
	}
	if s.cfg.Registration != nil {
		l.registration(ctx, &i.Check)
	}
	return slices.Concat(before.Changes(i.Check.Seen), l.findings)
}

func (s *Survey) mailbox(ctx context.Context, i *inventory.Item) []inventory.Finding {
	if s.cfg.Login == nil || i.Reading.Host == "" {
		return nil
	}
	if err := s.cfg.Login(ctx, i.Reading); err != nil {
		return []inventory.Finding{{
			What: "it does not open: " + err.Error(),
			Do:   "log in by hand and look whether the provider locked it; check user and secret_file or token_file (large providers want an app password), and that IMAP is switched on",
		}}
	}
	return nil
}

// certificate is what an exchanger shows.
type certificate struct {
	issuer, leaf string
	until        time.Time
}

func readOnly(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // it is read, not believed, and nothing is sent
}
