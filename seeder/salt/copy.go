package salt

import (
	"bytes"
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/salt/study"
)

// Copy is a release whose canaries are registered. It is written with WriteTo
// and made known with Release.
type Copy struct {
	s      *Salter
	order  Order
	batch  canary.Batch
	opened bool // the batch is registered
	file   *study.File
	pieces []piece
	report Report
}

// piece is what is registered of a canary in the field for its rows: the
// record, with its line end, and where it is put in.
type piece struct {
	Ordinal int    `json:"ordinal"` // of the canary in its batch, from 0
	Offset  int64  `json:"offset"`  // in the list
	Rank    int    `json:"rank"`    // among pieces of one offset
	Text    []byte `json:"text"`

	planting canary.Planting
}

// Prepare reads the list, and registers the canaries of the copy. Called again
// for the same recipient and list it finishes what was begun, or gives the copy
// that was released.
func (s *Salter) Prepare(ctx context.Context, o Order) (*Copy, error) {
	c := &Copy{s: s, order: o}
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("release to %s: %w", o.To, err)
	}
	return c, nil
}

func (c *Copy) prepare(ctx context.Context) error {
	if err := c.learn(ctx); err != nil {
		return err
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	if err := c.mint(ctx); err != nil {
		return err
	}
	slices.SortFunc(c.pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	return nil
}

// learn finds the batch, reads the list and decides how many canaries it gets.
func (c *Copy) learn(ctx context.Context) error {
	if err := c.order.Validate(); err != nil {
		return err
	}
	if err := c.findBatch(ctx); err != nil {
		return err
	}
	if err := c.study(ctx); err != nil {
		return err
	}
	if c.opened && !bytes.Equal(c.batch.Seed[seedBytes:], c.file.Digest[:]) {
		if c.batch.Closed.IsZero() {
			return fmt.Errorf("%w: it was begun on %s with another list", ErrBegun, c.batch.Opened.Format("2006-01-02"))
		}
		return fmt.Errorf("%w, of %s", ErrTaken, c.batch.Closed.Format("2006-01-02"))
	}
	return c.decide()
}

// findBatch reads the batch of the recipient, or makes up the one that will be
// registered.
func (c *Copy) findBatch(ctx context.Context) error {
	b, found, err := c.s.cfg.Batches.Batch(ctx, c.order.batch())
	if err != nil {
		return fmt.Errorf("read the batch: %w", err)
	}
	if found {
		if b.Place != c.order.Place() || len(b.Seed) <= seedBytes {
			return fmt.Errorf("%w: a batch of this name was planted", ErrTaken)
		}
		c.batch, c.opened = b, true
		return nil
	}
	extracts, err := c.s.cfg.Extracts.Extracts(ctx)
	if err != nil {
		return fmt.Errorf("read the extracts: %w", err)
	}
	if slices.ContainsFunc(extracts, func(e canary.Extract) bool { return e.ID == c.order.extract() }) {
		return fmt.Errorf("%w: an extract %s was imported", ErrTaken, c.order.extract())
	}
	seed := slices.Clone(c.order.Seed)
	if seed == nil {
		seed = make([]byte, seedBytes)
		crand.Read(seed) // never fails since Go 1.24
	}
	c.batch = canary.Batch{ID: c.order.batch(), Place: c.order.Place(), Seed: seed}
	return nil
}

func (c *Copy) seed() []byte { return c.batch.Seed[:seedBytes] }

// study reads the list for the first time.
func (c *Copy) study(ctx context.Context) error {
	in, err := c.order.Open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	c.file, err = study.Read(ctx, in, study.Config{
		Places: c.order.Canaries + c.order.Canaries/4 + 20, Domains: c.s.domains, Rand: source(c.seed(), "study", 0),
		Progress: func(read int64) { c.order.tell(Reading, read, 0) },
	})
	return err
}

// decide sets how many canaries the copy gets: as many as were asked for, fewer
// in a list that is short or leaves too little room.
func (c *Copy) decide() error {
	f := c.file
	count := min(c.order.Canaries, int(float64(f.Rows)*c.order.MaxShare))
	if count < 1 {
		return fmt.Errorf("%w: %d rows, and canaries are to be at most %.3g %% of them", ErrRoom, f.Rows, 100*c.order.MaxShare)
	}
	if len(f.Places) == 0 {
		return fmt.Errorf("%w: it is in the order of a column that counts and leaves out no number, so every row that is put in would be seen: leave that column out of the copy", ErrRoom)
	}
	count = min(count, len(f.Places))
	if c.opened && c.batch.Count != count {
		return fmt.Errorf("%w: it was begun with %d canaries", ErrBegun, c.batch.Count)
	}
	c.batch.Count = count
	c.describe()
	return nil
}

// load reads what an earlier run registered.
func (c *Copy) load(ctx context.Context) error {
	if !c.opened {
		return nil
	}
	list, err := c.s.cfg.Ledger.Plantings(ctx, canary.Filter{Batch: c.batch.ID})
	if err != nil {
		return fmt.Errorf("read the canaries: %w", err)
	}
	for i := range list {
		p := piece{planting: list[i]}
		if err := json.Unmarshal(list[i].Rows, &p); err != nil {
			return fmt.Errorf("canary %s: its record: %w", list[i].ID, err)
		}
		c.pieces = append(c.pieces, p)
		c.count(&list[i])
	}
	return nil
}

// missing lists the ordinals that are not registered yet.
func (c *Copy) missing() []int {
	have := map[int]bool{}
	for i := range c.pieces {
		have[c.pieces[i].Ordinal] = true
	}
	var out []int
	for i := range c.batch.Count {
		if !have[i] {
			out = append(out, i)
		}
	}
	return out
}

// mint makes and registers the canaries that are missing.
func (c *Copy) mint(ctx context.Context) error {
	todo := c.missing()
	if len(todo) == 0 {
		return nil
	}
	m, err := newMinter(ctx, c)
	if err != nil {
		return err
	}
	drafts := make([]*draft, 0, len(todo))
	for _, ordinal := range todo {
		if err := ctx.Err(); err != nil {
			return err
		}
		d, err := m.draft(ctx, ordinal)
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	if err := c.put(ctx, m, drafts); err != nil {
		return err
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	for group := range slices.Chunk(drafts, groupSize) {
		if err := c.register(ctx, m, group); err != nil {
			return err
		}
		c.order.tell(Registering, int64(len(c.pieces)), int64(c.batch.Count))
	}
	return nil
}

// open registers the batch.
func (c *Copy) open(ctx context.Context) error {
	if c.opened {
		return nil
	}
	c.batch.Seed = append(c.batch.Seed[:seedBytes:seedBytes], c.file.Digest[:]...)
	c.batch.Opened = c.s.now()
	if err := c.s.cfg.Batches.OpenBatch(ctx, c.batch); err != nil {
		return fmt.Errorf("register the release: %w", err)
	}
	c.opened = true
	return nil
}

// register makes the placebos of a group and registers all of it.
func (c *Copy) register(ctx context.Context, m *minter, group []*draft) error {
	at := c.s.now()
	list := make([]canary.Planting, len(group))
	for i, d := range group {
		p, err := m.planting(ctx, d, at)
		if err != nil {
			return err
		}
		list[i] = p
	}
	if err := c.s.cfg.Ledger.Intend(ctx, list); err != nil {
		return fmt.Errorf("register canaries: %w", err)
	}
	for i, d := range group {
		for _, t := range list[i].Placebos {
			c.report.Placebos[t.Kind]++
		}
		list[i].Placebos, list[i].Rows = nil, nil // they were written
		d.piece.planting = list[i]
		c.pieces = append(c.pieces, d.piece)
		c.count(&list[i])
	}
	return nil
}

// Unfinished reports whether a release to a recipient was begun and cut off.
func (s *Salter) Unfinished(ctx context.Context, to string) (bool, error) {
	o := Order{To: to}
	b, found, err := s.cfg.Batches.Batch(ctx, o.batch())
	if err != nil {
		return false, fmt.Errorf("release to %s: read the batch: %w", to, err)
	}
	return found && b.Place == o.Place() && b.Closed.IsZero(), nil
}
