package seeder

import (
	"context"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// swept tells whether an intended canary stands whole or not at all, as it does
// in tables with transactions. In others it may stand in part, which is taken
// back.
func (s *Seeder) swept(ctx context.Context, p *canary.Planting, image *supportdb.Image) (whole bool, err error) {
	if len(s.cfg.Desk.Transactional()) == 0 {
		return true, nil
	}
	keys, err := supportdb.DecodeKeys(p.Keys)
	if err != nil {
		keys = supportdb.Keys{} // it died before the first was noted
	}
	if len(keys.Rows) == len(image.Items) {
		found, err := s.cfg.Desk.Read(ctx, []string{image.CustomerKey(keys)})
		if err != nil {
			return false, fmt.Errorf("canary %s: %w", p.ID, err)
		}
		if len(found) == 1 && s.ours(&found[0].Image, image) && s.allStand(image, keys, &found[0]) {
			return true, nil
		}
	}
	if err := s.cfg.Desk.Sweep(ctx, image, keys); err != nil {
		return false, fmt.Errorf("canary %s: %w", p.ID, err)
	}
	return false, nil
}

func (s *Seeder) allStand(image *supportdb.Image, keys supportdb.Keys, standing *supportdb.Record) bool {
	for n := range image.Items {
		if s.cfg.Desk.Stands(image, keys, n, standing) == nil {
			return false
		}
	}
	return true
}

// noteKeys registers the keys of the rows that stand so far in tables without
// transactions.
func (s *Seeder) noteKeys(ctx context.Context, p *canary.Planting, keys supportdb.Keys) error {
	encoded, err := keys.Encode()
	if err != nil {
		return err
	}
	p.Keys = encoded
	if err := s.amend(ctx, canary.Amendment{Canary: p.ID, Keys: encoded}); err != nil {
		return fmt.Errorf("register the keys so far: %w", err)
	}
	return nil
}
