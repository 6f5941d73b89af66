// Package cover says what time the audit logs that were read cover, and where something
// may be missing in them: "not in the log" means little of a time that no log covers.
//
// A log covers what lies between its first and its last event. What it shows of its own
// faults is kept as a [canary.LogHealth]: [Of] makes one of what one reading found, and
// [Join] adds what was read later. [Over] holds those of a place against the times of an
// access, and says in plain lines what there is: gaps, clocks that went back, pieces
// that were not understood or went missing, and each time that no log covers.
//
// It refuses to weigh: that a log is whole cannot be proved by the log. A gap is only
// an hour without any event, which a quiet night is as well. It does no I/O, has no
// clock, and of a log it gives places, lengths and fixed words, never its bytes.
package cover

import (
	"cmp"
	"slices"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// Of is what one reading of a log found.
func Of(h *audit.Health, pieces []canary.BadPiece) canary.LogHealth {
	return canary.LogHealth{
		First: h.First, Last: h.Last, Events: h.Events, Malformed: h.Faults, Pieces: pieces,
		Gaps: steps(h.Silences), Backwards: h.Backwards, Steps: steps(h.Steps),
		Truncated: h.Truncated, Low: h.Low, NoTime: h.NoTime, Uncertain: h.Uncertain,
		Restarts: h.Restarts, MissingConnections: h.MissingConnections,
	}
}

func steps(list []audit.Jump) (out []canary.LogStep) {
	for _, j := range list {
		out = append(out, canary.LogStep{From: j.From, Until: j.Until, Line: j.Where.Line, Offset: j.Where.Offset})
	}
	return out
}

// AddPiece keeps a piece that was not understood, if it is among the first.
func AddPiece(list []canary.BadPiece, f *audit.Fault, after time.Time) []canary.BadPiece {
	if len(list) >= canary.MaxBadPieces {
		return list
	}
	return append(list, canary.BadPiece{
		File: f.Where.File, Line: f.Where.Line, Offset: f.Where.Offset, Length: f.Length, Reason: f.Reason, After: after,
		Raw: slices.Clone(f.Raw[:min(len(f.Raw), canary.MaxBadBytes)]),
	})
}

// gap is how long nothing has to stand in a log to be told.
const gap = time.Hour

// Join adds what was read of a log later to what was kept of it. Which log it is stays.
func Join(kept, more canary.LogHealth) canary.LogHealth {
	out := kept
	out.Gaps = slices.Concat(kept.Gaps, more.Gaps)
	if between := (canary.LogStep{From: kept.Last, Until: more.First}); !kept.Last.IsZero() && more.First.Sub(kept.Last) >= gap {
		out.Gaps = append(out.Gaps, between)
	}
	out.Gaps, out.Steps = longest(out.Gaps), longest(slices.Concat(kept.Steps, more.Steps))
	if kept.First.IsZero() || !more.First.IsZero() && more.First.Before(kept.First) {
		out.First = more.First
	}
	if more.Last.After(kept.Last) {
		out.Last = more.Last
	}
	out.Pieces = slices.Concat(kept.Pieces, more.Pieces)
	out.Pieces = out.Pieces[:min(len(out.Pieces), canary.MaxBadPieces)]
	out.Losses = slices.Concat(kept.Losses, more.Losses)
	out.Losses = out.Losses[max(0, len(out.Losses)-canary.MaxLogSteps):]
	out.Switches = slices.Concat(kept.Switches, more.Switches)
	out.Switches = out.Switches[max(0, len(out.Switches)-canary.MaxLogSteps):]
	out.OwnMissing = slices.Concat(kept.OwnMissing, more.OwnMissing)
	out.OwnMissing = out.OwnMissing[max(0, len(out.OwnMissing)-canary.MaxLogSteps):]
	out.Own = slices.Concat(kept.Own, more.Own)
	out.Own = out.Own[max(0, len(out.Own)-canary.MaxOwnSpans):]
	if more.OwnUntil.After(kept.OwnUntil) {
		out.OwnUntil = more.OwnUntil
	}
	for _, sum := range []struct {
		to   *int64
		more int64
	}{
		{&out.Events, more.Events}, {&out.Malformed, more.Malformed}, {&out.Backwards, more.Backwards}, {&out.Lost, more.Lost}, {&out.Switched, more.Switched}, {&out.OwnReads, more.OwnReads}, {&out.OwnMet, more.OwnMet},
		{&out.Truncated, more.Truncated}, {&out.Low, more.Low}, {&out.NoTime, more.NoTime}, {&out.Uncertain, more.Uncertain},
		{&out.Restarts, more.Restarts}, {&out.MissingConnections, more.MissingConnections},
	} {
		*sum.to += sum.more
	}
	return out
}

func longest(list []canary.LogStep) []canary.LogStep {
	slices.SortStableFunc(list, func(a, b canary.LogStep) int { return cmp.Compare(b.Length(), a.Length()) })
	return list[:min(len(list), canary.MaxLogSteps)]
}
