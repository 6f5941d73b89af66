package cover

import (
	"slices"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// AddOwn notes that our account did something: what is ten seconds apart at most is one time.
func AddOwn(list []canary.LogSpan, e *audit.Event) []canary.LogSpan {
	if e.Kind != audit.Query || e.At.IsZero() {
		return list
	}
	one := canary.LogSpan{From: e.At, Until: e.At.Add(e.Precision)}
	n := len(list)
	if n == 0 || e.At.Before(list[n-1].From.Add(-apart)) || e.At.After(list[n-1].Until.Add(apart)) {
		return append(list, one)
	}
	last := &list[n-1]
	if one.From.Before(last.From) {
		last.From = one.From
	}
	if one.Until.After(last.Until) {
		last.Until = one.Until
	}
	return list
}

const apart = 10 * time.Second

// Own holds times in which we read against what stands in a log, whose clock may be off
// by so much, and adds them to what is known of it. Those that the log does not cover are
// no fault of it; one that is followed covers all since it began. It gives those that are
// not in it.
func Own(h *canary.LogHealth, reads []canary.OwnRead, off time.Duration) (missing []canary.OwnRead) {
	for _, r := range reads {
		if r.Until.After(h.OwnUntil) {
			h.OwnUntil = r.Until
		}
		if h.First.IsZero() || r.From.Before(h.First.Add(off)) || !h.Followed && r.Until.After(h.Last.Add(-off)) {
			continue
		}
		h.OwnReads++
		if slices.ContainsFunc(h.Own, func(s canary.LogSpan) bool { return s.From.Before(r.Until.Add(off)) && s.Until.After(r.From.Add(-off)) }) {
			h.OwnMet++
			continue
		}
		missing = append(missing, r)
		h.OwnMissing = append(h.OwnMissing, r)
		h.OwnMissing = h.OwnMissing[max(0, len(h.OwnMissing)-canary.MaxLogSteps):]
	}
	return missing
}
