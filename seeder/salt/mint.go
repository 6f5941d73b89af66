package salt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/persona"
	"saltmine/seeder/salt/study"
)

var (
	// errDonor says that a row cannot be copied; another one is taken.
	errDonor = errors.New("row cannot be copied")
	// errPlace says that no canary can stand at a place; another one is taken.
	errPlace = errors.New("no canary can stand here")
)

// minter makes canaries and their placebos; it writes nothing.
type minter struct {
	c        *Copy
	f        *study.File
	mix      *persona.Mix
	makers   map[int]*maker // by column
	calendar calendar
	phones   []string // free numbers of the pool
	held     []string // numbers held back as placebos
	drawn    map[string]bool
	at       map[study.Kind]int // columns; -1 where there is none
	located  bool               // canaries go where what is made new wants them
	spare    []*study.Place     // places of no canary
}

// draft is a canary on its way to being registered.
type draft struct {
	piece   piece
	who     persona.Person // the donor
	id      persona.Identity
	phone   string            // E.164, empty for none
	tickets []string          // numbers that are tokens
	cells   map[int][]byte    // of the columns by which the list is sorted
	pairs   map[string]string // of the segment
}

// newMinter learns from the sample. It fails where the list gives too little.
func newMinter(ctx context.Context, c *Copy) (*minter, error) {
	m := &minter{c: c, f: c.file, drawn: map[string]bool{}, at: map[study.Kind]int{}, makers: map[int]*maker{}}
	for _, k := range []study.Kind{study.Email, study.Phone, study.Country, study.Language, study.Created} {
		m.at[k] = m.f.Column(k)
	}
	l := persona.NewLearner(nil, len(m.f.People))
	for _, p := range m.f.People {
		l.Add(p)
	}
	var err error
	if m.mix, err = l.Mix(int(m.f.Rows)); err != nil {
		return nil, fmt.Errorf("%w: columns with first and last name, or with the full name, are needed: %w", ErrSample, err)
	}
	if err := m.takePool(ctx); err != nil {
		return nil, err
	}
	m.calendar = learnTimes(m.f, m.at[study.Created], c.s.now())
	m.learnMakers()
	for _, k := range m.f.Order {
		m.located = m.located || m.madeNew(k.Column)
	}
	m.findSpare()
	return m, nil
}

// findSpare lists the places that belong to no ordinal and where an earlier run
// has put nothing.
func (m *minter) findSpare() {
	used := map[int64]bool{}
	for i := range m.c.pieces {
		used[m.c.pieces[i].Offset] = true
	}
	for i := m.c.batch.Count; i < len(m.f.Places); i++ {
		if !used[m.f.Places[i].Offset] {
			m.spare = append(m.spare, &m.f.Places[i])
		}
	}
}

// madeNew reports whether a canary's value of a column follows from nothing but
// chance, so that its place in the order does too.
func (m *minter) madeNew(column int) bool {
	switch m.f.Columns[column].Kind {
	case study.Email, study.Phone, study.First, study.Last, study.Full:
		return true
	default:
		return m.makers[column] != nil && m.f.Columns[column].Gap == nil
	}
}

// takePool finds the numbers of the pool that are free. One in ten of those
// that are used is a placebo.
func (m *minter) takePool(ctx context.Context) error {
	if m.at[study.Phone] < 0 || m.c.order.Phones == 0 {
		return nil
	}
	var all []string
	for i, n := range m.c.s.cfg.Phones {
		canon, err := token.Canon(canary.Phone, n)
		if err != nil {
			return fmt.Errorf("%w: phone number %d of the pool: %w", ErrConfig, i+1, err)
		}
		all = append(all, canon)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	known, err := m.c.s.cfg.Ledger.KnownAmong(ctx, canary.Phone, all)
	if err != nil {
		return fmt.Errorf("look up the pool's numbers: %w", err)
	}
	m.phones = without(all, known)
	m.c.report.PhonesFree = len(m.phones)
	most := len(m.phones)
	if asked := m.c.order.Phones; asked > 0 {
		most = min(most, asked)
	}
	use := min(most, int(math.Ceil(float64(m.c.batch.Count)*(1+scarceShare))))
	spare := int(math.Ceil(float64(use) * scarceShare / (1 + scarceShare)))
	source(m.c.seed(), "phones", 0).Shuffle(len(m.phones), func(i, j int) { m.phones[i], m.phones[j] = m.phones[j], m.phones[i] })
	m.held, m.phones = slices.Clone(m.phones[:spare]), m.phones[spare:use]
	return nil
}

// scarceShare is how many placebos go with a phone or ticket token.
const scarceShare = 0.1

// draft makes the canary of an ordinal at its place in the list, or at a spare
// one where no canary can stand there: the only number that is left out there
// may be a token of another copy.
func (m *minter) draft(ctx context.Context, ordinal int) (*draft, error) {
	rng := source(m.c.seed(), "mint", ordinal)
	place := &m.f.Places[ordinal]
	for tries := 0; ; tries++ {
		d, err := m.stand(ctx, rng, place)
		if err == nil {
			d.piece.Ordinal, d.piece.Offset = ordinal, place.Offset
			return d, nil
		}
		if !errors.Is(err, errDonor) && !errors.Is(err, errPlace) {
			return nil, err
		}
		if tries == spareTries || len(m.spare) == 0 {
			return nil, m.exhausted()
		}
		place, m.spare = m.spare[0], m.spare[1:]
	}
}

const (
	spareTries = 30
	mostDonors = 60
)

// exhausted says why no row could be copied.
func (m *minter) exhausted() error {
	if phone := m.at[study.Phone]; phone >= 0 && len(m.phones) == 0 && m.f.Columns[phone].Null == nil {
		return fmt.Errorf("%w: every row of the list has a phone number, and the pool has no free one left", ErrPool)
	}
	return fmt.Errorf("%w: no row was found that could be copied: they hold addresses or numbers of their owners in other columns, or the numbers that are left out are in use", ErrSample)
}

// stand makes a canary for a place. A donor whose phone number nothing can take
// the place of comes last.
func (m *minter) stand(ctx context.Context, rng *rand.Rand, place *study.Place) (*draft, error) {
	donors := m.donors(rng, place)
	for _, anyPhone := range []bool{false, true} {
		for _, donor := range donors {
			w := &writer{m: m, rng: rng, place: place, donor: donor}
			d, err := w.draft(ctx, anyPhone)
			if !errors.Is(err, errDonor) {
				return d, err
			}
		}
	}
	return nil, errDonor
}

// donors are the rows to copy, the best first: rows nearby, then others of the
// sample, all of them alike in what the list is sorted by.
func (m *minter) donors(rng *rand.Rand, p *study.Place) []*study.Row {
	var near, far []*study.Row
	add := func(list []*study.Row, r *study.Row) []*study.Row {
		if m.located || m.alike(r, p) {
			return append(list, r)
		}
		return list
	}
	for i := range p.Donors {
		near = add(near, &p.Donors[i])
	}
	near = add(add(near, &p.Before), &p.After)
	for range mostDonors {
		far = add(far, &m.f.Sample[rng.IntN(len(m.f.Sample))])
	}
	if m.located {
		return append(far, near...) // neighbours in a list that is sorted by names have the same ones
	}
	return append(near, far...)
}

// alike reports whether a row could stand at a place as far as coarse columns go.
func (m *minter) alike(r *study.Row, p *study.Place) bool {
	for _, k := range m.f.Order {
		c := &m.f.Columns[k.Column]
		if c.When == nil && c.Gap == nil && !m.madeNew(k.Column) && r.Text(k.Column) != p.Before.Text(k.Column) {
			return false
		}
	}
	return true
}

// identity draws name and address. The address is not in the list, was not
// drawn and is not registered.
func (m *minter) identity(ctx context.Context, rng *rand.Rand, who persona.Person) (persona.Identity, error) {
	some, err := m.identities(ctx, rng, who, m.domains(), 1)
	if err != nil {
		return persona.Identity{}, err
	}
	return some[0], nil
}

// identities draws n. Where people like the donor are few, so that nearly all of
// their addresses are in use, it goes on with the people around them.
func (m *minter) identities(ctx context.Context, rng *rand.Rand, who persona.Person, domains []string, n int) ([]persona.Identity, error) {
	var out []persona.Identity
	pool := persona.Pool{Domains: domains, Accept: m.c.s.cfg.Accept, Usable: func(id persona.Identity) bool {
		return !m.drawn[id.Email()] && !m.f.Seen(m.at[study.Email], []byte(id.Email()))
	}}
	for i := range redraws {
		some, err := m.mix.Identities(rng, who, pool, n-len(out))
		if errors.Is(err, persona.ErrVariety) && who.Widen() {
			err = nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: more domains, or a longer list to learn names from, would help: %w", ErrPool, err)
		}
		fresh, err := m.unregistered(ctx, some)
		if err != nil {
			return nil, err
		}
		if out = append(out, fresh...); len(out) == n {
			return out, nil
		}
		if i%4 == 3 {
			who.Widen()
		}
	}
	return nil, fmt.Errorf("%w: nearly all addresses that the list yields on %d domains are registered; more domains would help", ErrPool, len(domains))
}

// unregistered gives those whose addresses are not registered in any role.
func (m *minter) unregistered(ctx context.Context, some []persona.Identity) ([]persona.Identity, error) {
	texts := make([]string, len(some))
	for i := range some {
		texts[i] = some[i].Email()
		m.drawn[texts[i]] = true
	}
	known, err := m.c.s.cfg.Ledger.KnownAmong(ctx, canary.Email, texts)
	if err != nil {
		return nil, fmt.Errorf("look up addresses: %w", err)
	}
	return slices.DeleteFunc(some, func(id persona.Identity) bool { return slices.Contains(known, id.Email()) }), nil
}

// redraws bounds how often addresses are drawn anew that are registered.
const redraws = 20

func without(list, gone []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return slices.Contains(gone, s) })
}

// domains of the pool, in a fixed order.
func (m *minter) domains() []string {
	out := make([]string, 0, len(m.c.s.domains))
	for d := range m.c.s.domains {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// takePhone takes a number that suits the donor; where none is left that does,
// another one if any will do.
func (m *minter) takePhone(who persona.Person) (string, bool) {
	i := slices.IndexFunc(m.phones, func(n string) bool { return m.mix.Suits(who, n) })
	if i < 0 {
		return "", false
	}
	number := m.phones[i]
	m.phones = slices.Delete(m.phones, i, i+1)
	return number, true
}

// planting makes the registry's form of a draft, with its placebos.
func (m *minter) planting(ctx context.Context, d *draft, at time.Time) (canary.Planting, error) {
	rows, err := json.Marshal(d.piece)
	if err != nil {
		return canary.Planting{}, fmt.Errorf("keep a record: %w", err)
	}
	o := &m.c.order
	p := canary.Planting{
		ID: canary.ID(canary.NewID("c")), State: canary.Intended, Batch: o.batch(), Place: o.Place(),
		Segment: canary.MakeSegment(d.pairs), Name: strings.TrimSpace(d.id.First + " " + d.id.Last), Rows: rows,
	}
	add := func(kind canary.Kind, text string) {
		t, fault := newToken(kind, canary.RolePlanted, text)
		err = errors.Join(err, fault)
		t.Canary = p.ID
		p.Tokens = append(p.Tokens, canary.DatedToken{Token: t, Window: canary.Window{Place: p.Place, From: canary.After(at)}})
	}
	add(canary.Email, d.id.Email())
	if d.phone != "" {
		add(canary.Phone, d.phone)
	}
	for _, n := range d.tickets {
		add(canary.Ticket, n)
	}
	if err != nil {
		return p, err
	}
	p.Placebos, err = m.placebos(ctx, d)
	return p, err
}

// placebos makes the control group of one canary: addresses of the same grammar
// on the same domain, and now and then a number that is held back.
func (m *minter) placebos(ctx context.Context, d *draft) ([]canary.Token, error) {
	rng := source(m.c.seed(), "placebos", d.piece.Ordinal)
	var out []canary.Token
	add := func(kind canary.Kind, text string) error {
		t, err := newToken(kind, canary.RolePlacebo, text)
		out = append(out, t)
		return err
	}
	ids, err := m.identities(ctx, rng, d.who, []string{d.id.Domain}, m.c.s.cfg.PlacebosPerEmail)
	if err != nil {
		return nil, fmt.Errorf("placebo addresses: %w", err)
	}
	for _, id := range ids {
		if err := add(canary.Email, id.Email()); err != nil {
			return nil, err
		}
	}
	if d.phone != "" && len(m.held) > 0 && rng.Float64() < 2*scarceShare {
		number := m.held[0]
		m.held = m.held[1:]
		return out, add(canary.Phone, number)
	}
	return out, nil
}

func newToken(kind canary.Kind, role canary.Role, text string) (canary.Token, error) {
	canon, err := token.Canon(kind, text)
	if err != nil {
		return canary.Token{}, fmt.Errorf("%s token: %w", kind, err)
	}
	return canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: kind, Role: role, Text: canon}, nil
}
