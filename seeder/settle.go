package seeder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// mint mints and registers canaries that are about to be inserted, or exported.
func (r *planting) mint(ctx context.Context, n, left int) ([]canary.Planting, error) {
	r.spread(n)
	at := r.s.cfg.Now()
	return r.m.group(ctx, r.minted, n, left, func(ctx context.Context, some []canary.Planting) error {
		at = r.spent("mint", at)
		defer func() { at = r.spent("register", at) }()
		return r.intend(ctx, some)
	})
}

func (r *planting) intend(ctx context.Context, some []canary.Planting) error {
	if err := r.s.cfg.Ledger.Intend(ctx, some); err != nil {
		return fmt.Errorf("register canaries: %w", err)
	}
	r.minted += len(some)
	r.countPlacebos(some)
	for i := range some {
		if err := r.division.count(&some[i], 1); err != nil {
			return err
		}
	}
	return nil
}

func (r *planting) countPlacebos(some []canary.Planting) {
	for i := range some {
		for _, t := range some[i].Placebos {
			r.report.Placebos[t.Kind]++
		}
	}
}

// insert inserts registered canaries in one transaction. The keys that the
// server gives are registered before COMMIT, the state after it.
func (s *Seeder) insert(ctx context.Context, group []canary.Planting) error {
	images := make([]supportdb.Image, len(group))
	for i := range group {
		image, err := supportdb.DecodeImage(group[i].Rows)
		if err != nil {
			return fmt.Errorf("canary %s: %w", group[i].ID, err)
		}
		images[i] = image
	}
	return s.insertImages(ctx, group, images)
}

// insertImages is insert of images that are at hand.
func (s *Seeder) insertImages(ctx context.Context, group []canary.Planting, images []supportdb.Image) error {
	var before time.Time
	write := s.cfg.Desk.Insert
	if len(group) > 1 {
		write = s.cfg.Desk.InsertMany
	}
	err := write(ctx, images, func(ctx context.Context, keys []supportdb.Keys) error {
		if last := len(keys) - 1; len(keys[last].Rows) < len(images[last].Items) {
			return s.noteKeys(ctx, &group[last], keys[last])
		}
		before = s.now()
		defer s.amending()()
		list := make([]canary.Amendment, len(group))
		for i := range group {
			var err error
			if list[i], err = s.announce(&group[i], keys[i], before); err != nil {
				return fmt.Errorf("canary %s: %w", group[i].ID, err)
			}
			list[i].Row = images[i].CustomerKey(keys[i])
		}
		if err := s.cfg.Ledger.AmendAll(ctx, list); err != nil {
			return fmt.Errorf("register the keys: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The rows stand: this is written even when the run is being stopped.
	ctx = context.WithoutCancel(ctx)
	from := settled(before, s.now())
	defer s.amending()()
	list := make([]canary.Amendment, len(group))
	for i := range group {
		list[i] = canary.Amendment{Canary: group[i].ID, State: canary.Planted, Windows: begun(coming(&group[i]), from)}
	}
	if err := s.cfg.Ledger.AmendAll(ctx, list); err != nil {
		return fmt.Errorf("register as planted: %w", err)
	}
	return nil
}

// coming are the tokens that the rows of an intended canary hold: all but
// those that were closed as never come.
func coming(p *canary.Planting) []canary.DatedToken {
	return slices.DeleteFunc(slices.Clone(p.Tokens), func(t canary.DatedToken) bool { return t.Window.Until.Come() })
}

// announce makes the amendment that registers keys before they are committed,
// with the windows beginning now at the earliest, and changes the planting
// alike. Ticket numbers that are keys become tokens here.
func (s *Seeder) announce(p *canary.Planting, keys supportdb.Keys, at time.Time) (canary.Amendment, error) {
	encoded, err := keys.Encode()
	if err != nil {
		return canary.Amendment{}, err
	}
	a := canary.Amendment{Canary: p.ID, Keys: encoded, Windows: map[canary.TokenID]canary.Window{}}
	if s.cfg.Desk.NumberIsKey() {
		if err := s.keyTokens(p, keys.Numbers, at, &a); err != nil {
			return a, err
		}
	}
	for i := range p.Tokens {
		if w := &p.Tokens[i].Window; !w.From.Come() && !w.Until.Come() {
			w.From = canary.After(at)
			if !slices.ContainsFunc(a.Tokens, func(t canary.DatedToken) bool { return t.ID == p.Tokens[i].ID }) {
				a.Windows[p.Tokens[i].ID] = *w
			}
		}
	}
	p.Keys = encoded
	return a, nil
}

// keyTokens makes the tokens of tickets whose number is their key, and closes
// those of keys that an earlier transaction was given and that never came. It
// changes the planting and the amendment alike.
func (s *Seeder) keyTokens(p *canary.Planting, keys []string, at time.Time, a *canary.Amendment) error {
	standing := map[string]bool{}
	for _, key := range keys {
		t, err := s.planted(canary.Ticket, p.ID, key, at)
		if err != nil {
			return err
		}
		standing[t.Text] = true
		if slices.ContainsFunc(p.Tokens, func(o canary.DatedToken) bool { return o.Kind == canary.Ticket && o.Text == t.Text }) {
			continue
		}
		a.Tokens = append(a.Tokens, t)
		p.Tokens = append(p.Tokens, t)
	}
	for i := range p.Tokens {
		if t := &p.Tokens[i]; t.Kind == canary.Ticket && !standing[t.Text] && !t.Window.Until.Come() {
			t.Window = never(t.Window)
			a.Windows[t.ID] = t.Window
		}
	}
	return nil
}

// outcome is what looking at an intended canary found.
type outcome int

const (
	absent  outcome = iota // no row has the address: it may be inserted
	adopted                // the row stands and is ours
	retired                // the address or a number is somebody else's
)

// settle looks in the support database what became of an intended canary. When
// nothing did, its rows are dated anew, so that it can be inserted.
func (s *Seeder) settle(ctx context.Context, p *canary.Planting) (outcome, error) {
	end, err := s.look(ctx, p)
	if err != nil || end != absent {
		return end, err
	}
	clash, err := s.numbersTaken(ctx, p)
	if err != nil {
		return absent, err
	}
	if clash {
		return retired, s.retire(ctx, p, somebodys)
	}
	return absent, s.redate(ctx, p)
}

// settleClash is settle after a unique key was violated: what is neither ours
// nor anybody's address is a clash of another column.
func (s *Seeder) settleClash(ctx context.Context, p *canary.Planting) (outcome, error) {
	end, err := s.look(ctx, p)
	if err != nil || end != absent {
		return end, err
	}
	return retired, s.retire(ctx, p, somebodys)
}

func (s *Seeder) look(ctx context.Context, p *canary.Planting) (outcome, error) {
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return absent, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	whole, err := s.swept(ctx, p, &image)
	if err != nil {
		return absent, err
	}
	found, err := s.cfg.Desk.ByEmail(ctx, s.fact(&image, "email").Text())
	if err != nil {
		return absent, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	if len(found) == 0 {
		return absent, nil
	}
	for i := range found {
		if whole && s.ours(&found[i].Image, &image) {
			return s.adopt(ctx, p, &image, &found[i])
		}
	}
	return retired, s.retire(ctx, p, somebodys)
}

// ours reports whether a row is the one that we wrote: same address, same
// name, same number.
func (s *Seeder) ours(stands, image *supportdb.Image) bool {
	for _, word := range []string{"email", "name", "first_name", "last_name", "phone"} {
		was, is := s.fact(image, word), s.fact(stands, word)
		if was.IsNull() != is.IsNull() || !supportdb.SameText(was.Text(), is.Text()) {
			return false
		}
	}
	return true
}

// adopt registers a canary as planted that an earlier run inserted. Its keys
// were registered before COMMIT.
func (s *Seeder) adopt(ctx context.Context, p *canary.Planting, image *supportdb.Image, standing *supportdb.Record) (outcome, error) {
	now := s.now()
	keys, err := supportdb.DecodeKeys(p.Keys)
	if err != nil || image.CustomerKey(keys) != standing.Key {
		return retired, s.retire(ctx, p, somebodys) // a namesake with our address: not our row
	}
	a := canary.Amendment{Canary: p.ID, State: canary.Planted, Windows: map[canary.TokenID]canary.Window{}}
	for i, t := range p.Tokens {
		if t.Window.From.Come() || t.Window.Until.Come() {
			continue
		}
		t.Window.From = settled(t.Window.From.Earliest, now)
		p.Tokens[i] = t
		a.Windows[t.ID] = t.Window
	}
	if err := s.amend(ctx, a); err != nil {
		return absent, fmt.Errorf("canary %s: adopt: %w", p.ID, err)
	}
	s.cfg.Log.InfoContext(ctx, "canary adopted", "canary", p.ID)
	return adopted, nil
}

// Why a canary is given up.
const (
	somebodys = "its address or a number is somebody else's"
	unwanted  = "it was withdrawn before it was inserted"
	refused   = "the server refuses its rows"
)

// retire gives up a canary that was never inserted. Its windows are empty.
func (s *Seeder) retire(ctx context.Context, p *canary.Planting, why string) error {
	a := canary.Amendment{Canary: p.ID, State: canary.Retired, Windows: map[canary.TokenID]canary.Window{}}
	for _, t := range p.Tokens {
		a.Windows[t.ID] = never(t.Window)
	}
	if err := s.amend(ctx, a); err != nil {
		return fmt.Errorf("canary %s: retire: %w", p.ID, err)
	}
	s.cfg.Log.WarnContext(ctx, "canary retired before it was inserted", "canary", p.ID, "why", why)
	return nil
}

// numbersTaken reports whether a ticket number of an intended canary was given
// to somebody since.
func (s *Seeder) numbersTaken(ctx context.Context, p *canary.Planting) (bool, error) {
	desk := s.cfg.Desk
	if desk.NumberIsKey() {
		return false, nil
	}
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return false, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	at, _ := desk.TicketFact("number")
	taken, err := desk.Taken(ctx, at, s.numbersOf(&image))
	return len(taken) > 0, err
}

// redate moves the dates of rows that were registered earlier and are inserted
// now: their keys will be new, so their dates have to be.
func (s *Seeder) redate(ctx context.Context, p *canary.Planting) error {
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return fmt.Errorf("canary %s: %w", p.ID, err)
	}
	low, high, err := s.room(ctx)
	if err != nil {
		return err
	}
	if s.cfg.Desk.Given(&image, image.Customer()) {
		return nil // its key and its dates belong together
	}
	signedUp, ok := s.signedUp(&image)
	if !ok || !signedUp.Before(low) && !signedUp.After(high) {
		return nil
	}
	next := s.moveTo(image, low, high)
	if p.Rows, err = next.Encode(); err != nil {
		return err
	}
	if err := s.amend(ctx, canary.Amendment{Canary: p.ID, Rows: p.Rows}); err != nil {
		return fmt.Errorf("canary %s: date the rows anew: %w", p.ID, err)
	}
	return nil
}

// moveTo returns the image as of a customer who signs up at low, with
// everything that has happened by high.
func (s *Seeder) moveTo(image supportdb.Image, low, high time.Time) supportdb.Image {
	next := image.Clone()
	c := composer{s: s, d: &draft{donor: supportdb.Record{Image: image}}, timeline: s.timelineOf(&image, low, high)}
	for n := range next.Items {
		p := s.cfg.Desk.Part(next.Items[n].Part)
		row := &next.Items[n].Row
		for i, name := range row.Columns {
			col, ok := p.Table.Column(name)
			if ok && !row.Values[i].Tied() && (p.IsTime(col) || col.Type == "date") {
				row.Values[i] = c.moved(n, p, col, row.Values[i])
			}
		}
	}
	return next
}
