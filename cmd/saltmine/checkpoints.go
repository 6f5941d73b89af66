package main

import (
	"context"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// checkpointEvery is how old acts are at most before a signature stands over them.
const checkpointEvery = time.Minute

// checkpoints signs the evidence log each minute in which it has grown, and when an
// incident was filed.
func (s *server) checkpoints(ctx context.Context) error {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		if c, err := s.reg.MakeCheckpoint(ctx, s.key()); err != nil && ctx.Err() == nil {
			s.log.Error("the evidence log could not be signed; 'saltmine acts --verify' says what is wrong with it", "part", "evidence", "err", err)
		} else if err == nil {
			s.log.Debug("evidence log signed", "part", "evidence", "acts", c.Size)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.filed:
		}
	}
}

// filer files for the intake, and says so when an incident was among it.
type filer struct {
	*registry.Registry
	filed chan<- struct{}
}

// Commit files an outcome, all of it or nothing.
func (f filer) Commit(ctx context.Context, o canary.Outcome) error {
	err := f.Registry.Commit(ctx, o)
	if err == nil && len(o.Incidents) > 0 {
		select {
		case f.filed <- struct{}{}:
		default: // one is about to be signed
		}
	}
	return err
}
