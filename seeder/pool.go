package seeder

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

// Defaults of the control group, from the design: 99 placebos for every e-mail
// token, one for every ten of a scarce kind.
const (
	defaultPerEmail  = 99
	defaultPerScarce = 0.1
)

// pool is what tokens of one run come from.
type pool struct {
	domains   []string
	phones    []string // free numbers, E.164
	perEmail  int
	perScarce float64
}

// share is how many placebos go with a token; zero means the defaults.
type share struct {
	perEmail  int
	perScarce float64
}

// newPool checks the pool's parts and takes out the numbers that are in use.
func (s *Seeder) newPool(ctx context.Context, domains, phones []string, of share) (p *pool, err error) {
	p = &pool{perEmail: cmp.Or(of.perEmail, defaultPerEmail), perScarce: cmp.Or(of.perScarce, defaultPerScarce)}
	if p.perEmail < 0 || p.perScarce < 0 || p.perScarce > 100 {
		return nil, fmt.Errorf("pool: %w: a share of placebos below zero or beyond reason", ErrConfig)
	}
	for _, d := range domains {
		canon, err := token.Domain(d)
		if err != nil {
			return nil, fmt.Errorf("pool: %w: domain %q: %w", ErrConfig, d, err)
		}
		p.domains = append(p.domains, canon)
	}
	if p.domains, err = s.shortEnough(p.domains); err != nil {
		return nil, err
	}
	return p, s.addPhones(ctx, p, phones)
}

func (s *Seeder) addPhones(ctx context.Context, p *pool, phones []string) error {
	listed := map[string]bool{}
	var all []string
	for i, n := range phones {
		canon, err := token.Canon(canary.Phone, n)
		if err != nil {
			return fmt.Errorf("pool: %w: phone number %d of the list: %w", ErrConfig, i+1, err)
		}
		if !listed[canon] {
			listed[canon] = true
			all = append(all, canon)
		}
	}
	known, err := s.cfg.Ledger.KnownAmong(ctx, canary.Phone, all)
	if err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	p.phones = append(p.phones, slices.DeleteFunc(all, func(n string) bool { return slices.Contains(known, n) })...)
	return nil
}

// placebosFor is the number of scarce placebos that the n-th canary of a batch
// (from 0) brings with it: over the batch they are the share, rounded up.
func (p *pool) placebosFor(n int) int {
	upTo := func(k int) int { return int(math.Ceil(float64(k)*p.perScarce - 1e-9)) }
	return upTo(n+1) - upTo(n)
}

// need reports whether the pool is large enough for canaries n to n+count-1.
func (p *pool) need(n, count int) error {
	want := count
	for i := range count {
		want += p.placebosFor(n + i)
	}
	if len(p.phones) < want {
		return fmt.Errorf("%w: %d free phone numbers are needed (%d canaries and %d placebos), the pool has %d", ErrPool, want, count, want-count, len(p.phones))
	}
	return nil
}

// takePhone takes a number of the donor's country out of the pool; when there
// is none, and any will do, another.
func (p *pool) takePhone(mix *persona.Mix, donor persona.Person, anyCountry bool) (string, bool) {
	i := slices.IndexFunc(p.phones, func(n string) bool { return mix.Suits(donor, n) })
	if i < 0 && anyCountry && len(p.phones) > 0 {
		i = 0
	}
	if i < 0 {
		return "", false
	}
	number := p.phones[i]
	p.phones = slices.Delete(p.phones, i, i+1)
	return number, true
}
