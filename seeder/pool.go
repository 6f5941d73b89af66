package seeder

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/recipe"
)

// Defaults of the control group, from the design: 99 placebos for every e-mail
// token, one for every ten of a scarce kind.
const (
	defaultPerEmail  = 99
	defaultPerScarce = 0.1
)

// pool is what tokens of one run come from: the inventory as it was read when
// the run began. What a run takes is taken for good when it is registered.
type pool struct {
	rules     inventory.Rules
	now       time.Time
	items     []inventory.Item // all of them
	outlets   []*outlet        // for addresses
	numbers   []inventory.Item // phones that may be used, the longest ready first
	landings  map[string]bool  // addresses to which mailboxes forward
	spoken    map[string]bool  // languages with countries that mailboxes have
	perEmail  int
	perScarce float64
	boxes     tally
	phones    tally
	seating
}

// tally counts scarce items.
type tally struct {
	placed int // are in a row, or were
	kept   int // are placebos
}

// due is how many placebos are to be held back when n more items are placed.
func (p *pool) due(t tally, n int) int {
	return max(int(math.Ceil(float64(t.placed+n)*p.perScarce-1e-9))-t.kept, 0)
}

// enter counts an item.
func (t *tally) enter(i *inventory.Item) {
	switch {
	case i.Placebo:
		t.kept++
	case i.Token != "", !i.Freed.IsZero():
		t.placed++
	}
}

// place counts an item that a canary gets; one that was in a row is counted.
func (t *tally) place(i *inventory.Item) {
	if i.Freed.IsZero() {
		t.placed++
	}
}

// share is how many placebos go with a token; zero means the defaults.
type share struct {
	perEmail  int
	perScarce float64
}

// newPool reads the inventory.
func (s *Seeder) newPool(ctx context.Context, of share) (*pool, error) {
	p := &pool{
		rules: s.cfg.Rules, now: s.now(), landings: map[string]bool{}, spoken: map[string]bool{},
		perEmail: cmp.Or(of.perEmail, defaultPerEmail), perScarce: cmp.Or(of.perScarce, defaultPerScarce),
	}
	if p.perEmail < 0 || p.perScarce < 0 || p.perScarce > 100 {
		return nil, fmt.Errorf("pool: %w: a share of placebos below zero or beyond reason", ErrConfig)
	}
	var err error
	if p.items, err = s.cfg.Pool(ctx, inventory.Filter{}); err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	at := map[string]*outlet{}
	for n := range p.items {
		p.sort(&p.items[n], at)
	}
	p.numbers = p.rules.Take(p.items, len(p.items), inventory.Filter{Kinds: []inventory.Kind{inventory.Phone}}, p.now)
	slices.SortFunc(p.outlets, func(a, b *outlet) int { return strings.Compare(a.domain, b.domain) })
	short, err := s.shortEnough(p.ownDomains())
	if err != nil {
		return nil, err
	}
	for _, o := range p.outlets {
		if o.owned && !slices.Contains(short, o.domain) {
			o.minted = 0
		}
	}
	return p, nil
}

// ownDomains are those on which addresses may be minted.
func (p *pool) ownDomains() []string {
	var out []string
	for _, o := range p.outlets {
		if o.minted > 0 {
			out = append(out, o.domain)
		}
	}
	return out
}

// sort puts an item where it belongs.
func (p *pool) sort(i *inventory.Item, at map[string]*outlet) {
	domain := i.Text
	switch i.Kind {
	case inventory.Phone:
		p.phones.enter(i)
		return
	case inventory.Mailbox, inventory.Seed:
		_, name, err := token.SplitEmail(i.Text)
		if err != nil {
			return // it never entered the pool
		}
		domain = name
	case inventory.Domain:
	}
	o := at[domain]
	if o == nil {
		o = &outlet{domain: domain}
		at[domain], p.outlets = o, append(p.outlets, o)
	}
	if i.Kind == inventory.Domain {
		o.owned, o.held, o.minted, o.country = true, i.Carried, p.rules.Room(i, p.now), regionOf(i)
		o.young = p.rules.State(i, p.now) == inventory.Soaking
		return
	}
	if to := i.Reading.ForwardTo; to != "" {
		p.landings[to] = true
	}
	p.spoken[strings.ToLower(i.Locale)] = true
	p.boxes.enter(i)
	if i.Token != "" && !i.Placebo {
		o.held++
	}
	if p.rules.Offers(i, p.now) {
		o.boxes = append(o.boxes, *i)
	}
}

// has reports whether the pool has items of a kind, whatever their state, that
// are not retired.
func (p *pool) has(kind inventory.Kind) bool {
	return slices.ContainsFunc(p.items, func(i inventory.Item) bool {
		return i.Kind == kind && p.rules.State(&i, p.now) != inventory.Retired
	})
}

// placebosFor is the number of placebos for each of its tickets that the n-th
// canary of a batch (from 0) brings with it: over the batch they are the share,
// rounded up.
func (p *pool) placebosFor(n int) int {
	upTo := func(k int) int { return int(math.Ceil(float64(k)*p.perScarce - 1e-9)) }
	return upTo(n+1) - upTo(n)
}

// need reports whether the pool has numbers enough for so many canaries.
func (p *pool) need(count int) error {
	want := count + p.due(p.phones, count)
	if len(p.numbers) < want {
		return fmt.Errorf("%w: %d free phone numbers are needed (%d canaries and %d placebos), the pool has %d%s",
			ErrPool, want, count, want-count, len(p.numbers), p.waiting(inventory.Phone))
	}
	return nil
}

// waiting says what keeps other items of these kinds from being used.
func (p *pool) waiting(kinds ...inventory.Kind) string {
	if text := p.rules.Wait(p.items, p.now, kinds...).String(); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// waits says what a token that cannot be changed waits for.
func (p *pool) waits(kind canary.Kind) string {
	if kind == canary.Phone {
		return p.rules.Wait(p.items, p.now, inventory.Phone).String()
	}
	return p.rules.Wait(p.items, p.now, inventory.Mailbox, inventory.Seed).String()
}

// takePhone takes a number of the donor's country out of the pool, one of the
// donor's town or network if there is one; when there is none of the country, and
// any will do, another.
func (p *pool) takePhone(mix *persona.Mix, donor persona.Person, anyCountry bool) (inventory.Item, bool) {
	i, best := -1, 0
	closeness := mix.Closeness(donor)
	for n := range p.numbers {
		if c := closeness(p.numbers[n].Text); c > best {
			i, best = n, c
		}
		if best == persona.Closest {
			break
		}
	}
	if i < 0 && anyCountry && len(p.numbers) > 0 {
		i = 0
	}
	if i < 0 {
		return inventory.Item{}, false
	}
	return p.takeNumber(i), true
}

// takeNumber takes the n-th phone number out of the pool.
func (p *pool) takeNumber(n int) inventory.Item {
	number := p.numbers[n]
	p.numbers = slices.Delete(p.numbers, n, n+1)
	return number
}

// holdBack takes the item that is most like another one out of a list, for a
// placebo: of the same provider, country and block of numbers, and as old. It
// was in no row before, so that no stranger has it from there.
func holdBack(list *[]inventory.Item, like *inventory.Item) (inventory.Item, bool) {
	best, most := -1, likeness{}
	for n := range *list {
		i := &(*list)[n]
		if !i.Freed.IsZero() {
			continue
		}
		if is := alike(i, like); best < 0 || is.compare(most) > 0 {
			best, most = n, is
		}
	}
	if best < 0 {
		return inventory.Item{}, false
	}
	out := (*list)[best]
	*list = slices.Delete(*list, best, best+1)
	return out, true
}

// likeness is how much two items are alike, the weightiest first.
type likeness struct {
	provider, country bool
	block             int // leading characters of the text that they share
	age               time.Duration
}

func alike(i, like *inventory.Item) likeness {
	l := likeness{provider: i.Provider == like.Provider, country: i.Region() == like.Region(), age: i.Added.Sub(like.Added).Abs()}
	if i.Kind == inventory.Phone {
		for l.block < min(len(i.Text), len(like.Text)) && i.Text[l.block] == like.Text[l.block] {
			l.block++
		}
	}
	return l
}

func (l likeness) compare(m likeness) int {
	first := func(a, b bool) int {
		switch {
		case a == b:
			return 0
		case a:
			return 1
		}
		return -1
	}
	return cmp.Or(first(l.provider, m.provider), first(l.country, m.country), cmp.Compare(l.block, m.block), cmp.Compare(m.age, l.age))
}

// use makes the tokens of a kind that a pool item becomes, and says where.
func use(i *inventory.Item, id canary.TokenID) canary.Use { return canary.Use{Item: i.ID, Token: id} }

// regionOf is the country in which a domain is at home: the one that is given,
// or that of its name.
func regionOf(i *inventory.Item) string {
	if r := i.Region(); r != "" {
		return r
	}
	end := i.Text[strings.LastIndexByte(i.Text, '.')+1:]
	switch {
	case end == "uk":
		return "GB"
	case len(end) == 2 && end != "eu" && end != "io" && end != "me" && end != "tv" && end != "cc" && end != "co":
		return strings.ToUpper(end)
	}
	return ""
}

// usesPhones says whether canaries get numbers.
func (r *planting) usesPhones(p *pool) (bool, error) {
	at, ok := r.s.cfg.Desk.Fact("phone")
	if !ok {
		return false, nil
	}
	if p.has(inventory.Phone) {
		return true, nil
	}
	if c := r.s.cfg.Desk.Column(at); !c.Nullable && at.Part == recipe.CustomerPart {
		return false, fmt.Errorf("%w: the pool has no phone numbers and %s.%s may not be NULL", ErrPool, r.s.cfg.Desk.Part(at.Part).Table.Name, at.Column)
	}
	return false, nil
}
