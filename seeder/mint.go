package seeder

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

// source gives the randomness of one step of a batch: the same for the same
// seed and step.
func source(seed []byte, step string, n int) *rand.Rand {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64([]byte(step+"\x00"), uint64(max(n, 0)))) // not negative
	h.Write(seed)
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil)))) //nolint:gosec // repeatable on purpose: names, not keys
}

// minter makes canaries and their placebos; it writes nothing.
type minter struct {
	s     *Seeder
	batch canary.Batch
	form  bool // the application gives the tickets their numbers
	pool  *pool
	l     *lessons
	// control draws the placebo addresses; nil before the first.
	control *persona.Placebos
	next    int // donor
	// withPhone: canaries get phone numbers.
	withPhone bool
	away      turnedAway
	emails    map[string]bool // drawn by this run
	numbers   map[string]bool
	polled    map[inventory.ID]bool // mailboxes of canaries that are to be read by IMAP
	misfits   map[inventory.ID]int  // donors whom a mailbox did not suit
	continued int                   // ticket numbers beyond the table's last
	foreign   int                   // phone numbers of another country than the donor's
	lack      int                   // placebo numbers that could not be made
	by        supportdb.Divider
	wanted    []canary.Segment  // strata of the next drafts; none: from the whole table
	stratum   canary.Segment    // whose turn it is
	pastOnly  bool              // or the run fails
	due       []time.Time       // of those who arrive now; nil where all come at once
	images    []supportdb.Image // of the last group
	young     *young
	unfit     map[string]int // columns for which donors were left
}

// spread is how far back sign-ups are put at most, where the table's newest
// row is older than that.
const spread = 14 * 24 * time.Hour

// entrySize is how many canaries are registered together, with their placebos.
const entrySize = 100

// group mints n canaries, the first of which is the batch's ordinal-th; left
// is how many the batch still needs, these included. They go to enter with their
// placebos, some at a time: those of all would fill the memory.
func (m *minter) group(ctx context.Context, ordinal, n, left int, enter func(context.Context, []canary.Planting) error) ([]canary.Planting, error) {
	rng := source(m.batch.Seed, "mint", ordinal)
	if m.pool.seats() < n || m.pool.starved() { // some were given up
		if err := m.pool.allot(m.l.mix, left); err != nil {
			return nil, err
		}
	}
	drafts, err := m.drafts(ctx, rng, n, left)
	if err != nil {
		return nil, err
	}
	spare, err := m.number(ctx, rng, ordinal, drafts)
	if err != nil {
		return nil, err
	}
	at := m.s.now()
	out := make([]canary.Planting, n)
	m.images = make([]supportdb.Image, n)
	for i, d := range drafts {
		m.images[i] = d.image
		if out[i], err = m.planting(d, at); err != nil {
			return nil, err
		}
	}
	for _, text := range spare {
		t, err := placebo(canary.Ticket, text)
		if err != nil {
			return nil, err
		}
		out[0].Placebos = append(out[0].Placebos, t)
	}
	for from := 0; from < n; from += entrySize {
		to := min(from+entrySize, n)
		if err := m.entry(ctx, rng, drafts[from:to], out[from:to], enter); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entry makes the placebos of some canaries and forgets them when all were entered.
func (m *minter) entry(ctx context.Context, rng *rand.Rand, drafts []*draft, some []canary.Planting, enter func(context.Context, []canary.Planting) error) error {
	for i, d := range drafts {
		if err := m.placebos(ctx, rng, d, &some[i]); err != nil {
			return err
		}
	}
	if err := enter(ctx, some); err != nil {
		return err
	}
	for i := range some {
		some[i].Placebos = nil
	}
	return nil
}

// drafts puts n new customers between the table's newest row and now: keys
// grow with the dates, as they do in a table that is filled by sign-ups.
func (m *minter) drafts(ctx context.Context, rng *rand.Rand, n, left int) ([]*draft, error) {
	if m.due != nil {
		return m.arriving(ctx, rng, m.due)
	}
	if m.l.past != nil {
		out, err := m.pastDrafts(ctx, rng, n)
		if !errors.Is(err, errNoRoom) || m.pastOnly {
			return out, err
		}
		m.l.past = nil // the rest is of now
		for _, d := range out {
			m.undo(d)
		}
	}
	low, high, err := m.s.room(ctx)
	if err != nil {
		return nil, err
	}
	high = low.Add(time.Duration(float64(high.Sub(low)) * float64(n) / float64(max(left, n))))
	starts := persona.Spread(rng, n, low, high)
	out := make([]*draft, n)
	for i := range out {
		m.turn(i)
		end := high
		if i+1 < n {
			end = starts[i+1]
		}
		if out[i], err = m.draft(ctx, rng, starts[i], end); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// zoneAhead is how far the clocks of the easternmost zone are before UTC.
const zoneAhead = 14 * time.Hour

// room is the interval in which a row that is inserted now may be dated
// without contradicting the order of the keys.
func (s *Seeder) room(ctx context.Context) (low, high time.Time, err error) {
	high = s.now()
	newest, err := s.cfg.Desk.Newest(ctx)
	if err != nil {
		return low, high, err
	}
	low = newest
	if low.Before(high.Add(-spread)) {
		low = high.Add(-spread)
	}
	switch {
	case !low.After(high):
	case low.Sub(high) <= zoneAhead: // its dates are of a zone east of UTC
		high = low
	default: // of no zone: somebody mistyped a year
		low = high
	}
	return low, high, nil
}

// draft takes the next donor that can be copied and makes a new person of it.
func (m *minter) draft(ctx context.Context, rng *rand.Rand, start, end time.Time) (*draft, error) {
	for tries := range 2 * len(m.l.donors) {
		n := m.next % len(m.l.donors)
		donor := m.l.donors[n]
		m.next++
		if !m.suits(n) {
			continue
		}
		facts := m.s.cfg.Desk.Facts(&donor.Image)
		d := &draft{donor: donor, who: person(&facts), start: start, end: end}
		ready, err := m.finish(ctx, rng, d, tries >= len(m.l.donors))
		if ready || err != nil {
			return d, err
		}
	}
	return nil, fmt.Errorf("%w: no donor is left that could be copied: %s", ErrSample, m.whyNone())
}

// finish gives a draft its phone number, name, address and rows. It is not
// ready when this donor cannot be copied. A donor with a number makes a canary
// with one, if the pool has any at all.
func (m *minter) finish(ctx context.Context, rng *rand.Rand, d *draft, anyCountry bool) (ready bool, err error) {
	if !m.equip(rng, d, anyCountry) {
		return false, nil
	}
	if err = m.person(ctx, rng, d); err == nil {
		err = m.s.compose(ctx, rng, m.l, d)
	}
	if err == nil {
		err = m.stays(d)
	}
	if err == nil {
		err = m.alone(ctx, d)
	}
	if err == nil {
		if d.phone != "" && !m.l.mix.Suits(d.who, d.phone) {
			m.foreign++
		}
		return true, nil
	}
	m.undo(d)
	if fault, ok := errors.AsType[*donorError](err); ok {
		m.unfit[fault.where]++
	}
	if errors.Is(err, errDonor) {
		err = nil
	}
	return false, err
}

// undo gives back what a draft has of the pool that comes to nothing.
func (m *minter) undo(d *draft) {
	if d.seat.box == nil {
		delete(m.emails, d.id.Email()) // nobody has it
	} else {
		delete(m.polled, d.seat.box.ID)
	}
	m.pool.giveBack(&d.seat)
	if d.number != nil {
		m.pool.numbers = append(m.pool.numbers, *d.number)
	}
}

// equip takes out of the pool what a canary like the donor needs.
func (m *minter) equip(rng *rand.Rand, d *draft, anyCountry bool) (ok bool) {
	if anyCountry { // all donors were tried
		m.pool.refused = max(m.pool.refused, patience)
	}
	calls := d.who.Phone != "" && m.withPhone
	if !calls && m.away.strict() {
		m.away.refuse()
		return false
	}
	if d.seat, ok = m.pool.takeSeat(rng, m.l.mix, &d.who); !ok {
		return false
	}
	if !calls {
		m.away.over()
		return true
	}
	number, ok := m.phone(rng, d, anyCountry)
	if !ok {
		m.away.refuse()
		m.pool.giveBack(&d.seat)
		return false
	}
	m.away.over()
	d.number, d.phone = &number, number.Text
	return true
}

// whyNone says what kept donors from being copied.
func (m *minter) whyNone() string {
	if len(m.unfit) == 0 {
		return "none has a phone number for which the pool has one, or is at a provider where an address is due"
	}
	worst := slices.Collect(maps.Keys(m.unfit))
	slices.SortFunc(worst, func(a, b string) int { return cmp.Or(m.unfit[b]-m.unfit[a], strings.Compare(a, b)) })
	return fmt.Sprintf("their rows hold somebody's addresses or numbers in columns that may not be NULL and that the recipe does not name: %s", strings.Join(worst[:min(3, len(worst))], ", "))
}

// person draws name and address. The address is in no table and no registry.
func (m *minter) person(ctx context.Context, rng *rand.Rand, d *draft) error {
	if d.seat.box != nil {
		return m.given(ctx, rng, d)
	}
	for range 20 {
		var failed error
		id, err := m.l.mix.Identity(rng, d.who, persona.Pool{Domains: []string{d.seat.at.domain}, Accept: m.s.cfg.Accept, Usable: func(id persona.Identity) bool {
			return m.s.fits(id) && m.fresh(ctx, id.Email(), &failed)
		}})
		if err = errors.Join(failed, err); err != nil {
			return m.dry(d, err)
		}
		taken, err := m.stands(ctx, id.Email())
		if err != nil {
			return err
		}
		m.emails[id.Email()] = true
		if d.id = id; !taken {
			return nil
		}
	}
	return fmt.Errorf("draw an address: %w", ErrClashes)
}

// stands reports whether an address stands in the support database.
func (m *minter) stands(ctx context.Context, email string) (bool, error) {
	at, _ := m.s.cfg.Desk.Fact("email")
	taken, err := m.s.cfg.Desk.Taken(ctx, at, []string{email})
	return len(taken) > 0, err
}

// fresh reports whether an address was not drawn and is not registered. After
// an error it takes everything, so that drawing ends.
func (m *minter) fresh(ctx context.Context, email string, failed *error) bool {
	if *failed != nil {
		return true
	}
	if m.emails[email] || m.pool.landings[email] {
		return false
	}
	known, err := m.s.known(ctx, canary.Email, email)
	*failed = err
	return err != nil || !known
}

// fits reports whether the identity's parts fit into their columns.
func (s *Seeder) fits(id persona.Identity) bool {
	for word, text := range map[string]string{"email": id.Email(), "first_name": id.First, "last_name": id.Last, "name": id.Full} {
		at, ok := s.cfg.Desk.Fact(word)
		if !ok {
			continue
		}
		if !s.cfg.Desk.Column(at).Holds(text) {
			return false
		}
	}
	return true
}

// planting makes the registry's form of a draft.
func (m *minter) planting(d *draft, at time.Time) (canary.Planting, error) {
	rows, err := d.image.Encode()
	if err != nil {
		return canary.Planting{}, err
	}
	facts := m.s.cfg.Desk.Facts(&d.image)
	p := canary.Planting{
		ID: canary.ID(canary.NewID("c")), State: canary.Intended, Batch: m.batch.ID, Place: m.s.cfg.Place,
		Segment: m.s.cfg.Desk.SegmentOf(&facts), Name: d.id.First + " " + d.id.Last, Rows: rows,
	}
	add := func(kind canary.Kind, text string, item *inventory.Item) {
		t, fault := m.s.planted(kind, p.ID, text, at)
		err = errors.Join(err, fault)
		p.Tokens = append(p.Tokens, t)
		if item != nil {
			p.Uses = append(p.Uses, use(item, t.ID))
		}
	}
	add(canary.Email, d.id.Email(), d.seat.box)
	if d.phone != "" {
		add(canary.Phone, d.phone, d.number)
	}
	if !m.form && !m.s.cfg.Desk.NumberIsKey() {
		for _, number := range m.s.numbersOf(&d.image) {
			add(canary.Ticket, number, nil)
		}
	}
	if err == nil {
		p.Life, err = m.s.begin(d)
	}
	return p, err
}

// allTimes are the dates of all tickets of the drafts, in order.
func allTimes(drafts []*draft) []time.Time {
	var out []time.Time
	for _, d := range drafts {
		out = append(out, d.times...)
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func isTaken(taken []string, text string) bool {
	return slices.ContainsFunc(taken, func(t string) bool { return supportdb.SameText(t, text) })
}
