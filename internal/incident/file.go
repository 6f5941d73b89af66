package incident

import (
	"context"
	"slices"

	"saltmine/internal/canary"
)

// File takes in contacts that no ear heard and no spool holds: finds in a file. They
// are filed when it returns nil; those that were filed before stay as they are.
func (in *Intake) File(ctx context.Context, contacts []canary.Contact) error {
	const tries = 5
	for part := range slices.Chunk(contacts, groupSize) {
		err := in.settle(ctx, part, canary.Outcome{})
		for try := 1; try < tries && err != nil && ctx.Err() == nil; try++ { // another process may have changed what it was worked out from
			err = in.settle(ctx, part, canary.Outcome{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
