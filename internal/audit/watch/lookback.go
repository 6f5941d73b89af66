package watch

import (
	"context"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
)

// oldest is when the first of some events may have begun; now, when the log keeps up. What
// is forgotten lies well before it, however far the log is behind.
func (w *Watch) oldest(events []audit.Event) time.Time {
	first := w.cfg.Now()
	for i := range events {
		if at := events[i].At; !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	for _, x := range w.feed.Waiting(mostWaiting) {
		if at := x.First.At; !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first.Add(-w.cfg.Feed.Longest - w.cfg.Feed.Slack)
}

// reach looks at the rows of the time of a statement, where they were forgotten.
func (w *Watch) reach(ctx context.Context, s *replay.Statement) error {
	if w.cfg.Past != nil && w.album.replayer.Sees(s).Before(w.album.forgotten) {
		return w.lookBack(ctx)
	}
	return nil
}
