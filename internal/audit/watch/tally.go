package watch

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"saltmine/internal/canary"
)

type hourOf struct {
	reader canary.ReaderID
	hour   time.Time
}

// tally is what an account was given in an hour.
type tally struct {
	hourOf
	account    string
	statements int64
	// missed is how likely each canary was not returned.
	missed  map[canary.ID]float64
	guessed map[canary.ID]bool
	texts   map[uint64]bool // statements with a LIMIT
	copyTo  string
	from    time.Time
	until   time.Time
	touched bool // since the last commit
	low     bool // some of it could have been forged
	filed   canary.ReadHour
	told    float64 // canaries when an incident was opened or raised
}

// guessWeight is how much a canary weighs that a statement which could not be worked
// out may have returned.
const guessWeight = 0.5

// seed makes hashes that are this process's own.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // one for all tallies

func (w *Watch) tally(reader canary.ReaderID, at time.Time) *tally {
	key := hourOf{reader, at.UTC().Truncate(time.Hour)}
	t := w.hours[key]
	if t == nil {
		t = newTally(key)
		w.hours[key] = t
	}
	t.touched = true
	return t
}

func newTally(key hourOf) *tally {
	return &tally{hourOf: key, missed: map[canary.ID]float64{}, guessed: map[canary.ID]bool{}, texts: map[uint64]bool{}}
}

// maxTexts bounds the statements with a LIMIT that are told apart in an hour.
const maxTexts = 100_000

// fresh reports whether a statement comes for the first time in the hour.
func (t *tally) fresh(text []byte) bool {
	h := maphash.Bytes(seed, text)
	if t.texts[h] {
		return false
	}
	if len(t.texts) < maxTexts {
		t.texts[h] = true
	}
	return true
}

// count takes in a read.
func (t *tally) count(r *canary.Read) {
	t.low = t.low || r.Low
	for _, id := range slices.Concat(r.Returned, r.Likely) {
		if r.Low {
			t.guessed[id] = true
		} else {
			t.missed[id] = 0
		}
	}
	for _, id := range r.Possible {
		if r.Guess || r.Low {
			t.guessed[id] = true
			continue
		}
		before, known := t.missed[id]
		if !known {
			before = 1
		}
		t.missed[id] = before * (1 - r.Share)
	}
	if r.CopyTo != "" {
		t.copyTo = r.CopyTo
	}
	if t.from.IsZero() || r.At.Before(t.from) {
		t.from = r.At
	}
	if r.At.After(t.until) {
		t.until = r.At
	}
}

// sums are the canaries that were returned, and those with what is only guessed.
func sums(list ...*tally) (canaries, guessed float64) {
	missed, maybe := map[canary.ID]float64{}, map[canary.ID]bool{}
	for _, t := range list {
		for id, m := range t.missed {
			if before, known := missed[id]; known {
				m *= before
			}
			missed[id] = m
		}
		for id := range t.guessed {
			maybe[id] = true
		}
	}
	for _, m := range missed {
		canaries += 1 - m
	}
	guessed = canaries
	for id := range maybe {
		m, known := missed[id]
		if !known {
			m = 1
		}
		guessed += m * guessWeight
	}
	return canaries, guessed
}

// remember takes the hours from a time on out of the store, but for those that are held.
func (w *Watch) remember(ctx context.Context, since time.Time) error {
	if !w.since.IsZero() && !since.Before(w.since) {
		return nil
	}
	w.since = since
	hours, err := w.cfg.Store.ReadHours(ctx, w.cfg.Place, since)
	if err != nil {
		return err
	}
	fresh := map[hourOf]*tally{}
	for _, h := range hours {
		key := hourOf{h.Reader, h.Hour.UTC()}
		if w.hours[key] != nil {
			continue
		}
		t := newTally(key)
		t.statements, t.filed = h.Statements, h
		if h.Incident != "" {
			t.told = h.Canaries
		}
		w.hours[key], fresh[key] = t, t
	}
	if len(fresh) == 0 {
		return nil
	}
	reads, err := w.cfg.Store.ReadsSince(ctx, w.cfg.Place, since.Add(-w.cfg.Feed.Longest-w.cfg.Feed.Slack)) // by when they may have begun
	if err != nil {
		return err
	}
	for i := range reads {
		r := &reads[i]
		if t := fresh[hourOf{r.Reader, r.At.UTC().Truncate(time.Hour)}]; t != nil {
			t.account = r.Account
			t.count(r)
		}
	}
	return nil
}

// forget drops the hours before a time.
func (w *Watch) forget(before time.Time) {
	if before.After(w.since) {
		w.since = before
	}
	for key, t := range w.hours {
		if key.hour.Before(before) && !t.touched {
			delete(w.hours, key)
		}
	}
}

// commit files a batch, and what the hours have grown by.
func (w *Watch) commit(ctx context.Context, batch canary.ReadBatch) error {
	err := w.record(&batch)
	if err != nil {
		return err
	}
	if w.album.replayer != nil {
		batch.Copies = w.album.replayer.Copies()
	}
	if batch.Log.State, err = encodeState(w.cfg.Log.State(), kept{w.span, w.feed.Waiting(mostWaiting)}); err != nil {
		return err
	}
	var grown []*tally
	for _, t := range w.hours {
		if !t.touched {
			continue
		}
		canaries, guessed := sums(t)
		grown = append(grown, t)
		batch.Hours = append(batch.Hours, canary.ReadHour{
			Reader: t.reader, Hour: t.hour, Statements: t.statements - t.filed.Statements, Canaries: canaries - t.filed.Canaries,
			Guessed: guessed - t.filed.Guessed, Incident: t.filed.Incident,
		})
	}
	if err := w.cfg.Store.FileReads(ctx, batch); err != nil {
		return err
	}
	w.log.Version++
	for _, t := range grown {
		t.touched, t.filed.Statements = false, t.statements
		t.filed.Canaries, t.filed.Guessed = sums(t)
	}
	return nil
}
