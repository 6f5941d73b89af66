package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/drill"
	"saltmine/internal/token"
	"saltmine/internal/webhook"
)

// fronts are where drills make contacts: what [deadman] names, and else this
// process's own listeners, which are those of the core of that name. taken says
// where those listen by now, by section.
func fronts(cfg *conf.Config, taken map[string]string, core string) []drill.Front {
	var named conf.Deadman
	if cfg.Deadman != nil {
		named = *cfg.Deadman
	}
	own := func(section string, listen []string) (out []string) {
		for _, addr := range listen {
			out = append(out, reachable(addr, taken[section]))
		}
		return out
	}
	var smtp, dns, phone []string
	if cfg.SMTP != nil {
		smtp = own("smtp", cfg.SMTP.Listen)
	}
	if cfg.DNS != nil {
		dns = own("dns", cfg.DNS.Listen)
	}
	if cfg.Phone != nil {
		phone = []string{"http://" + own("phone", []string{cfg.Phone.Listen})[0]}
	}
	var list []drill.Front
	of := func(named []string) string {
		if len(named) > 0 {
			return ""
		}
		return core
	}
	add := func(f drill.Front) {
		if !slices.ContainsFunc(list, func(old drill.Front) bool { return old.Name() == f.Name() }) {
			list = append(list, f)
		}
	}
	for _, addr := range chosen(named.SMTP, smtp) {
		add(drill.Front{Kind: drill.SMTP, Address: addr, Of: of(named.SMTP)})
	}
	for _, addr := range chosen(named.DNS, dns) {
		add(drill.Front{Kind: drill.DNS, Address: addr, Of: of(named.DNS)})
	}
	for _, addr := range chosen(named.Phone, phone) {
		for _, f := range phoneFronts(cfg.Phone, addr, of(named.Phone)) {
			add(f)
		}
	}
	return list
}

// phoneFronts are the fronts of one address, one for each provider.
func phoneFronts(c *conf.Phone, addr, of string) (list []drill.Front) {
	if c == nil { // an edge's, whose secrets are not here
		return []drill.Front{{Kind: drill.Phone, Address: addr}}
	}
	for _, p := range c.Providers {
		list = append(list, drill.Front{Kind: drill.Phone, Address: addr, Provider: p.Kind, Secret: webhook.Hidden(p.Secret.Reveal()), Public: c.PublicURL, Of: of})
	}
	return list
}

// coreOf names a core by its spool, of which no other core has the like.
func coreOf(id [16]byte) string { return hex.EncodeToString(id[:4]) }

func chosen(named, own []string) []string {
	if len(named) > 0 {
		return named
	}
	return own
}

// reachable is where a listener is reached from this machine.
func reachable(listen, taken string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if port == "0" && taken != "" {
		_, port, _ = net.SplitHostPort(taken)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// marksman makes the contacts of one drill.
type marksman struct {
	*core
	rule   token.Rule
	run    canary.DrillID
	tokens []canary.DrillToken
	turn   map[string]int // of a front, whose turn it is among the domains
}

func newMarksman(c *core, run canary.DrillID) (*marksman, error) {
	rule, err := acceptance(c.keys.Accept(), c.cfg)
	return &marksman{core: c, rule: rule, run: run, turn: map[string]int{}}, err
}

// address mints an address at a domain.
func (m *marksman) address(ctx context.Context, domain string) (canary.DrillToken, bool, error) {
	var fault error
	email, ok := drill.Address(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), domain, m.rule.Passes, func(email string) bool { //nolint:gosec // an address is no secret before it is registered
		known, err := m.reg.Known(ctx, canary.Email, email)
		fault = cmp.Or(fault, err)
		return known || slices.ContainsFunc(m.tokens, func(t canary.DrillToken) bool { return t.Text == email })
	})
	return m.mint(canary.Email, email), ok, fault
}

func (m *marksman) number() canary.DrillToken {
	return m.mint(canary.Phone, drill.Number(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))) //nolint:gosec // as above
}

func (m *marksman) mint(kind canary.Kind, text string) canary.DrillToken {
	return canary.DrillToken{Run: m.run, Token: canary.Token{
		ID: canary.TokenID(canary.NewID("t")), Kind: kind, Role: canary.RoleDrill, Canary: canary.ID(canary.NewID("c")), Text: text,
	}}
}

// of are the tokens of a kind.
func (m *marksman) of(kind canary.Kind) (list []canary.DrillToken) {
	for _, t := range m.tokens {
		if t.Kind == kind {
			list = append(list, t)
		}
	}
	return list
}

// next is a target for a front: each domain in its turn, and none that has left
// the pool, whose mail is refused by now. Empty is none.
func (m *marksman) next(f *drill.Front) string {
	turn := m.turn[f.Name()]
	m.turn[f.Name()]++
	switch f.Kind {
	case drill.DNS:
		if n := len(m.cfg.Pool.Domains); n > 0 {
			return m.cfg.Pool.Domains[turn%n]
		}
	case drill.SMTP:
		list := slices.DeleteFunc(m.of(canary.Email), func(t canary.DrillToken) bool {
			return !slices.Contains(m.cfg.Pool.Domains, domainOf(t.Text))
		})
		if len(list) > 0 {
			return list[turn%len(list)].Text
		}
	case drill.Phone:
		if list := m.of(canary.Phone); len(list) > 0 {
			return list[turn%len(list)].Text
		}
	}
	return ""
}

// shoot registers a contact and makes it.
func (m *marksman) shoot(ctx context.Context, f *drill.Front, target string) error {
	usable := func(string) bool { return true }
	if f.Kind == drill.DNS { // a name that a canary could have is never counted among a flood
		usable = func(mark string) bool { return m.rule.Passes(mark, target) }
	}
	shot, mark, err := m.reg.Issue(ctx, m.run, f.Name(), target, usable)
	if err != nil {
		return err
	}
	return f.Make(ctx, drill.Contact{Target: target, Mark: mark, At: shot.Issued})
}
