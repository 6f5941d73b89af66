package seeder

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"saltmine/internal/canary"
	"saltmine/seeder/gate"
	"saltmine/seeder/gate/view"
	"saltmine/seeder/supportdb"
)

// BelieveConfig says what to measure.
type BelieveConfig struct {
	// Rows is how many customers the canaries are compared with, 0 means 20,000;
	// as many again are read to count in. A table that has not many more is read
	// whole.
	Rows int
	// Owned are the domains that belong to us.
	Owned []string
	Batch canary.BatchID // only its canaries; empty: all of the place
	Seed  uint64
	// MaxAUC is the limit of what classifiers may reach; 0 means .55.
	MaxAUC float64
	// Quick measures with less training: what it refuses would be refused
	// anyway.
	Quick    bool
	Progress func(done, total int) // rows read; may be nil
}

const (
	believeRows    = 20_000
	mostBelievable = 5000 // canaries; of more a random part is looked at
)

// Believable lets the gate measure the canaries that stand in the support
// database against a random sample of its customers.
func (s *Seeder) Believable(ctx context.Context, cfg BelieveConfig) (gate.Report, error) {
	in, err := s.exhibit(ctx, &cfg)
	if err != nil {
		return gate.Report{}, fmt.Errorf("believable: %w", err)
	}
	return gate.Measure(ctx, in)
}

// ExportBelievable writes what the gate would measure, as numbers with a label,
// for other tools, and what the columns mean. The label tells which rows are
// canaries: who has the file has the list.
func (s *Seeder) ExportBelievable(ctx context.Context, cfg BelieveConfig, rows, legend io.Writer) error {
	in, err := s.exhibit(ctx, &cfg)
	if err != nil {
		return fmt.Errorf("believable: %w", err)
	}
	if err := gate.Export(ctx, rows, in); err != nil {
		return err
	}
	return gate.Legend(ctx, legend, in)
}

// exhibit reads what the gate looks at.
func (s *Seeder) exhibit(ctx context.Context, cfg *BelieveConfig) (gate.Input, error) {
	standing, err := s.standing(ctx, nil)
	if err != nil {
		return gate.Input{}, err
	}
	v := survey{wanted: cmp.Or(cfg.Rows, believeRows), ours: map[string]bool{}, progress: cfg.Progress}
	v.rng = rand.New(rand.NewPCG(cfg.Seed, 0x5e1f)) //nolint:gosec // a choice of rows
	var judged []string
	for i := range standing {
		key, err := keyOf(&standing[i])
		if err != nil {
			return gate.Input{}, err
		}
		v.ours[key] = true
		if cfg.Batch == "" || standing[i].Batch == cfg.Batch {
			judged = append(judged, key)
		}
	}
	if v.segment, err = s.segmentOf(ctx, cfg.Batch); err != nil {
		return gate.Input{}, err
	}
	slices.Sort(judged) // the ids by which they came are random: the seed alone decides what is looked at
	v.rng.Shuffle(len(judged), func(i, j int) { judged[i], judged[j] = judged[j], judged[i] })
	count := len(judged)
	judged = judged[:min(count, mostBelievable)]
	flat := s.flattener(nil)
	l, err := s.draw(ctx, v, flat)
	if err != nil {
		return gate.Input{}, err
	}
	records, err := s.cfg.Desk.Portraits(ctx, judged)
	if err != nil {
		return gate.Input{}, err
	}
	rows := map[string]view.Row{}
	for i := range records {
		rows[records[i].Key] = flat.row(&records[i].Image)
	}
	in := l.amongStanding(rows, judged, count)
	in.Table, in.Now, in.Owned, in.Seed, in.Quick, in.MaxAUC = flat.table, s.now(), cfg.Owned, cfg.Seed, cfg.Quick, cfg.MaxAUC
	return in, nil
}

// segmentOf is the segment that a batch was planted in.
func (s *Seeder) segmentOf(ctx context.Context, id canary.BatchID) (canary.Segment, error) {
	if id == "" {
		return "", nil
	}
	b, _, err := s.cfg.Batches.Batch(ctx, id)
	return b.Segment, err
}

// keyOf is the key of a canary's customer row.
func keyOf(p *canary.Planting) (string, error) {
	image, err := supportdb.DecodeImage(p.Rows)
	if err != nil {
		return "", fmt.Errorf("canary %s: %w", p.ID, err)
	}
	keys, err := supportdb.DecodeKeys(p.Keys)
	if err != nil {
		return "", fmt.Errorf("canary %s: %w", p.ID, err)
	}
	return image.CustomerKey(keys), nil
}
