package incident

import (
	"context"
	"time"

	"saltmine/internal/canary"
)

// cutOff is the fact "end" of a dialogue that nobody closed.
const cutOff = "cut off"

// CloseCutOff closes dialogues of which no part came after a time: they are
// probes, and perhaps hits.
func (in *Intake) CloseCutOff(ctx context.Context, before time.Time) error {
	for {
		list, err := in.cfg.Filer.Pending(ctx, in.cfg.Name, before, groupSize)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			list[i].Open, list[i].Probe = false, true
			if list[i].Facts == nil {
				list[i].Facts = map[string]string{}
			}
			list[i].Facts["end"] = cutOff
		}
		if err := in.settle(ctx, list, canary.Outcome{}); err != nil {
			return err
		}
	}
}
