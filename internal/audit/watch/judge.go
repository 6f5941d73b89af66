package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"saltmine/internal/audit"
	"saltmine/internal/audit/replay"
	"saltmine/internal/audit/tripwire"
	"saltmine/internal/canary"
)

// usual is what the accounts of the place usually read; it is asked for anew now and
// then.
type usual struct {
	at                time.Time
	before            time.Time
	sums              map[canary.ReaderID]canary.ReadSums
	typical, guessing float64 // of an hour of a typical account
}

// The measure of what is usual.
const (
	usualFor   = 10 * time.Minute
	leastHours = 5 // of an account, to be one of those by which others are judged
	leastPeers = 3
	growth     = 2 // a verdict stands until an hour is so many times what it was
)

// learn asks for what was usual before the day of an hour.
func (w *Watch) learn(ctx context.Context, hour time.Time) error {
	before := hour.Add(time.Hour - day)
	if now := w.cfg.Now(); w.usual.before.Equal(before) && now.Sub(w.usual.at) < usualFor {
		return nil
	}
	sums, err := w.cfg.Store.ReadSums(ctx, w.cfg.Place, before)
	if err != nil {
		return err
	}
	w.usual = usual{at: w.cfg.Now(), before: before, sums: sums}
	var rates, guesses []float64
	for _, s := range sums {
		if s.Hours >= leastHours {
			rates, guesses = append(rates, s.Canaries/float64(s.Hours)), append(guesses, s.Guessed/float64(s.Hours))
		}
	}
	w.usual.typical, w.usual.guessing = median(rates), median(guesses)
	return nil
}

func median(list []float64) float64 {
	if len(list) < leastPeers {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// judge opens or raises incidents for the hours that changed.
func (w *Watch) judge(ctx context.Context, batch *canary.ReadBatch) error {
	// Hour by hour: what was usual is asked for once for each.
	byHour := slices.SortedFunc(maps.Values(w.hours), func(a, b *tally) int {
		return cmp.Or(a.hour.Compare(b.hour), cmp.Compare(a.reader, b.reader))
	})
	for _, t := range byHour {
		if !t.touched || len(t.missed)+len(t.guessed) == 0 {
			continue
		}
		if err := w.learn(ctx, t.hour); err != nil {
			return err
		}
		f, ok := w.weigh(t)
		if !ok {
			continue
		}
		if err := w.raise(ctx, t, &f, batch); err != nil {
			return err
		}
	}
	return nil
}

// finding is what is told of an account.
type finding struct {
	tripwire.Finding
	guess       bool
	from, until time.Time
	copyTo      string
	low         bool
	canaries    float64 // of the hour
}

// weigh judges an hour and the day that ends with it.
func (w *Watch) weigh(t *tally) (f finding, found bool) {
	list := []*tally{t}
	for key, other := range w.hours {
		if key.reader == t.reader && key.hour.Before(t.hour) && key.hour.After(t.hour.Add(-day)) {
			list = append(list, other)
		}
	}
	s := w.usual.sums[t.reader]
	sure := tripwire.History{Own: s.Canaries, OwnHours: s.Hours, Most: s.MostCanaries, Usual: w.usual.typical}
	maybe := tripwire.History{Own: s.Guessed, OwnHours: s.Hours, Most: s.MostGuessed, Usual: w.usual.guessing}
	canaries, _ := sums(t)
	for _, guess := range []bool{false, true} {
		for _, span := range [][]*tally{list[:1], list} {
			read, also := sums(span...)
			h := sure
			if guess {
				read, h = also, maybe
			}
			if len(span) > 1 {
				h.Most = 0 // that of an hour says nothing of a day
			}
			one := tripwire.Judge(read, float64(len(span)), h, w.album.each)
			if one.Implausible() {
				f = finding{Finding: one, guess: guess, canaries: canaries}
				f.within(span)
				return f, true
			}
		}
	}
	return f, false
}

// within notes when the reads of some hours were.
func (f *finding) within(span []*tally) {
	for _, t := range span {
		if !t.from.IsZero() && (f.from.IsZero() || t.from.Before(f.from)) {
			f.from = t.from
		}
		if t.until.After(f.until) {
			f.until = t.until
		}
		f.low = f.low || t.low
		if t.copyTo != "" {
			f.copyTo = t.copyTo
		}
	}
}

// raise opens the incident of an account, or brings it up to date.
func (w *Watch) raise(ctx context.Context, t *tally, f *finding, batch *canary.ReadBatch) error {
	inc, err := w.cfg.Store.ReaderStanding(ctx, t.reader)
	if err != nil {
		return err
	}
	severity := f.Severity()
	if f.guess {
		severity = canary.P3
	}
	if inc.ID == "" && t.filed.Incident != "" && f.canaries < growth*t.told {
		return nil // it has a verdict
	}
	fresh := inc.ID == ""
	if fresh {
		inc = canary.Incident{ID: canary.IncidentID(canary.NewID("i")), Place: canary.ByReader(t.reader), Severity: severity, Opened: canary.Micro(f.from)}
	}
	if fresh || severity < inc.Severity {
		inc.Severity = min(inc.Severity, severity)
		batch.Page = append(batch.Page, inc.ID)
		t.told = f.canaries
		w.cfg.Logger.Warn("an account of the support database reads in bulk", "place", w.cfg.Place, "incident", inc.ID, "severity", severity.String())
	}
	inc.Updated = canary.Micro(w.cfg.Now())
	inc.Reasons = f.reasons(t.account, w.cfg.Place, w.album.each)
	t.filed.Incident = inc.ID
	i := slices.IndexFunc(batch.Incidents, func(other canary.Incident) bool { return other.ID == inc.ID })
	if i < 0 {
		batch.Incidents = append(batch.Incidents, inc)
	} else {
		batch.Incidents[i] = inc
	}
	return nil
}

// reasons say what was seen, in words that name no canary.
func (f *finding) reasons(account string, place canary.Place, each float64) []string {
	verb, of := "was given", ""
	if f.guess {
		verb = "may have been given"
	}
	if f.Hours > 1 {
		of = fmt.Sprintf(" in %.0f hours of work", f.Hours)
	}
	list := []string{
		fmt.Sprintf("account %s of %s %s %d planted records%s, between %s and %s; %s are usual", strconv.QuoteToGraphic(account), place, verb,
			f.Canaries, of, f.from.UTC().Format("2006-01-02 15:04Z"), f.until.UTC().Format("15:04Z"), amount(f.Expected)),
		fmt.Sprintf("that is about %s customers (95 %% sure: %s to %s), one in %.0f of whom is planted", round(f.Rows.Middle), round(f.Rows.Low), round(f.Rows.High), each),
	}
	if f.guess {
		list = append(list, "what some of the statements returned could not be worked out from the log; half of what they may have returned is counted")
	}
	if f.guess && f.low {
		list = append(list, "the log can be forged: what a statement or a name says can look like its lines, in anybody's name; half of what such lines tell is counted")
	}
	if f.copyTo == "file" {
		list = append(list, "rows went into a file on the server")
	} else if f.copyTo != "" {
		list = append(list, "rows went into the table "+strconv.QuoteToGraphic(f.copyTo))
	}
	return list
}

// amount is a mean for people.
func amount(n float64) string {
	if n < 1 {
		return fmt.Sprintf("%.2g", n)
	}
	return fmt.Sprintf("%.0f", n)
}

// round has two digits that mean something.
func round(n float64) string {
	unit := 1.0
	for n/unit >= 100 {
		unit *= 10
	}
	digits := strconv.FormatFloat(unit*float64(int64(n/unit+0.5)), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// kept is what goes with the place in a log.
type kept struct {
	Span    span             `json:"span,omitzero"`
	Waiting []replay.Waiting `json:"waiting,omitempty"` // tables that were read, without statements yet
}

func encodeState(s audit.State, with kept) ([]byte, error) {
	b, err := json.Marshal(struct {
		audit.State
		kept
	}{s, with})
	if err != nil {
		return nil, fmt.Errorf("keep the place in the log: %w", err)
	}
	return b, nil
}

// DecodeState reads where a log is to be gone on; nothing is its beginning.
func DecodeState(b []byte) (s audit.State, err error) {
	if len(b) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("the place in the log: %w", err)
	}
	return s, nil
}
