package watch

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
)

// seen is what the log has shown of itself since the watch began.
type seen struct {
	health *audit.Health
	pieces []canary.BadPiece
	losses []canary.LogLoss
	// switched counts all of switches; fresh are those of this pass.
	switched int64
	switches []canary.LogSwitch
	fresh    []canary.LogSwitch
	own      []canary.LogSpan
	held     canary.LogHealth // what was found of our own reads
}

// mostOwn bounds the times that are held until it is known what they are of.
const mostOwn = 10_000

func (w *Watch) shown() *seen {
	if w.seen.health == nil {
		w.seen.health = audit.NewHealth(w.cfg.Log.State().Format)
	}
	return &w.seen
}

func (w *Watch) note(e *audit.Event) {
	s := w.shown()
	s.health.See(e)
	w.span.at(e.Where.File)
	if e.User+"@"+e.Host == w.cfg.Own {
		s.own = cover.AddOwn(s.own, e)
		s.own = s.own[max(0, len(s.own)-mostOwn):]
	}
	if off, ok := cover.Switch(e); ok {
		off.Account = accountOf(e)
		s.switched++
		s.switches = cover.AddSwitch(s.switches, off)
		s.fresh = cover.AddSwitch(s.fresh, off)
	}
}

// close commits a pass. What went missing and who switched the log off in it is told
// before: who is killed in between tells it again.
func (w *Watch) close(ctx context.Context, batch canary.ReadBatch, lost bool) error {
	fresh := w.seen.fresh
	w.seen.fresh = nil
	if w.cfg.Tell != nil && (lost || len(fresh) > 0) {
		var loss *canary.LogLoss
		if lost {
			loss = &w.seen.losses[len(w.seen.losses)-1]
		}
		if err := w.cfg.Tell(ctx, loss, fresh); err != nil {
			return err
		}
	}
	return w.commit(ctx, batch)
}

func (w *Watch) fault(f *audit.Fault) {
	s := w.shown()
	s.health.Fault()
	s.pieces = cover.AddPiece(s.pieces, f, s.health.Last)
	w.span.at(f.Where.File)
}

// lost asks whether a part of the log went missing, and notes it.
func (w *Watch) lost() bool {
	if !w.cfg.Log.Lost() {
		return false
	}
	s := w.shown()
	after := s.health.Last
	if after.IsZero() {
		after = w.cfg.Health.Last
	}
	s.losses = append(s.losses, canary.LogLoss{After: after, Found: canary.Micro(w.cfg.Now())})
	w.span.Lost = true
	return true
}

// Health is what is known of the log by now.
func (w *Watch) Health() canary.LogHealth {
	s := w.shown()
	more := cover.Of(s.health, s.pieces)
	more.Lost, more.Losses = int64(len(s.losses)), s.losses
	more.Switched, more.Switches = s.switched, s.switches
	more.Own, more.OwnReads, more.OwnMet, more.OwnMissing, more.OwnUntil = s.own, s.held.OwnReads, s.held.OwnMet, s.held.OwnMissing, s.held.OwnUntil
	return cover.Join(w.cfg.Health, more)
}

// Hold holds times in which we read, all that ended since Health().OwnUntil, against what
// was read of the log, and gives those that are not in it. What it finds is kept with the
// next piece of the log.
func (w *Watch) Hold(reads []canary.OwnRead) (missing []canary.OwnRead) {
	h := w.Health()
	before := h
	h.Own = slices.Concat(w.cfg.Health.Own, w.shown().own)
	h.OwnMissing = nil
	missing = cover.Own(&h, reads, w.cfg.Feed.Slack+time.Second)
	s := w.shown()
	s.held.OwnReads += h.OwnReads - before.OwnReads
	s.held.OwnMet += h.OwnMet - before.OwnMet
	s.held.OwnMissing = append(s.held.OwnMissing, missing...)
	s.held.OwnMissing = s.held.OwnMissing[max(0, len(s.held.OwnMissing)-canary.MaxLogSteps):]
	s.held.OwnUntil = h.OwnUntil
	w.unkept = w.unkept || s.held.OwnReads > 0
	return missing
}

// span is a part of the log that goes upon the evidence log as one act: from the end of
// the last one, however the log was rotated in between.
type span struct {
	ID    string    `json:"id"`
	File  string    `json:"file,omitempty"`
	From  int64     `json:"from"`
	To    string    `json:"to,omitempty"`   // the file that was read last
	Since time.Time `json:"since,omitzero"` // when the first of its reads was filed
	Lost  bool      `json:"lost,omitempty"`
	// Statements, Reads and Faults are counted; Sum is the state of the hash.
	Statements int    `json:"statements,omitempty"`
	Reads      int    `json:"reads,omitempty"`
	Faults     int    `json:"malformed,omitempty"`
	Sum        []byte `json:"sum,omitempty"`
}

// recordEvery is how far apart acts of one log are at least.
const recordEvery = time.Minute

func (s *span) at(file string) {
	if s.File == "" {
		s.File = file
	}
	s.To = file
}

func (s *span) count(r *Report, now time.Time) {
	s.Statements += r.Statements
	s.Faults += r.Faults
	if s.Reads += r.Reads; s.Reads > 0 && s.Since.IsZero() {
		s.Since = now
	}
}

func (s *span) due(now time.Time) bool { return s.Reads > 0 && now.Sub(s.Since) >= recordEvery }

// resume goes on with the part of the log that has not been recorded yet.
func (w *Watch) resume() error {
	var before kept
	if len(w.log.State) > 0 {
		if err := json.Unmarshal(w.log.State, &before); err != nil {
			return fmt.Errorf("the place in the log: %w", err)
		}
	}
	w.feed.Wait(before.Waiting)
	if w.cfg.Act == nil {
		return nil
	}
	w.span = before.Span
	if w.span.ID == "" || len(w.span.Sum) == 0 {
		w.begin()
		return nil
	}
	sum, ok := w.cfg.Sum.(encoding.BinaryUnmarshaler)
	if !ok {
		return errors.New("the hash of the log cannot be gone on with")
	}
	if err := sum.UnmarshalBinary(w.span.Sum); err != nil {
		return fmt.Errorf("go on with the hash of the log: %w", err)
	}
	return nil
}

func (w *Watch) begin() {
	w.cfg.Sum.Reset()
	w.span = span{ID: canary.NewID("r"), From: w.cfg.Log.State().Offset, File: w.span.To}
}

// record adds to a batch what the log shows of itself, and the act of what was read when
// it is due.
func (w *Watch) record(batch *canary.ReadBatch) error {
	if w.cfg.Health.ID != "" {
		h := w.Health()
		batch.Health = &h
		w.unkept = false
	}
	if w.cfg.Act == nil {
		return nil
	}
	if w.span.due(w.cfg.Now()) || w.span.Reads > 0 && w.ending {
		act := *w.cfg.Act
		act.About, act.Outcome = w.span.ID, w.outcome()
		batch.Act = &act
		w.begin()
	}
	sum, ok := w.cfg.Sum.(encoding.BinaryMarshaler)
	if !ok {
		return errors.New("the hash of the log cannot be kept")
	}
	var err error
	if w.span.Sum, err = sum.MarshalBinary(); err != nil {
		return fmt.Errorf("keep the hash of the log: %w", err)
	}
	return nil
}

const maxFile = 30 // characters, so that all finds room in an act

func (w *Watch) outcome() string {
	s := &w.span
	file := func(name string) string { return short(filepath.Base(name), maxFile) }
	from := fmt.Sprintf("byte %d", s.From)
	if s.File != s.To {
		from += " of " + file(s.File)
	}
	missing := ""
	if s.Lost {
		missing = ", a part is missing"
	}
	return fmt.Sprintf("sha256 %x, %s to byte %d of %s; %d statements, %d reads, %d malformed%s", w.cfg.Sum.Sum(nil), from, w.cfg.Log.State().Offset, file(s.To), s.Statements, s.Reads, s.Faults, missing)
}

// End puts what was read, and is on the evidence log not yet, there.
func (w *Watch) End(ctx context.Context) error {
	if w.cfg.Act == nil || w.span.Reads == 0 {
		return nil
	}
	w.ending = true
	return w.commit(ctx, canary.ReadBatch{Log: w.log, Place: w.cfg.Place})
}
