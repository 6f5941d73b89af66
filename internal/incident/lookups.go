package incident

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// What makes a run of look-ups.
const (
	mostPlanted = 3   // canaries, or placebos, whose numbers nobody has a reason to know
	steps       = 4   // equal steps from one look-up to the next, each of at most
	widest      = 100 // so much
	chain       = 12  // numbers that follow one another, looked up in any order
	timesUsual  = 4   // look-ups in a day that are far too many: so many times as usual, where
	little      = 25  // fewer than so many a day are not counted as less
	dated       = 14  // digits from which a number ends in a check digit (OTRS, Znuny)
	maxAgent    = 64  // bytes of a name that a place can hold
)

// lookUp remembers what an agent looked up, and opens or updates the agent's
// incident when it belongs to a run. It reports whether the agent goes through
// numbers in a row: a number that is met so says nothing about who knows it.
func (w *work) lookUp(ctx context.Context, c *canary.Contact, matches []canary.Match) (bool, error) {
	if w.in.cfg.Looker == nil || c.Channel != canary.ByTicket || c.Source == "" || len(c.Source) > maxAgent || len(c.Targets) == 0 {
		return false, nil
	}
	l := w.lookers[c.Source]
	if l == nil {
		got, err := w.in.cfg.Looker(ctx, c.Source)
		if err != nil {
			return false, err
		}
		l = &got
		w.lookers[c.Source] = l
	}
	u := canary.LookUp{Contact: c.ID, At: c.At}
	// What is no ticket number follows no other.
	u.Number, _ = token.Canon(canary.Ticket, c.Targets[0].Text)
	if len(matches) > 0 {
		u.Of = cmp.Or(string(matches[0].Token.Canary), string(matches[0].Token.ID))
	}
	l.Add(u)
	signals, guessing := runs(l, c.At, c.Facts["over_rate"] != "" || c.Facts["unrecorded"] != "")
	if len(signals) > 0 {
		w.joinRun(c, l, signals)
	}
	return guessing, nil
}

// joinRun puts a look-up that belongs to a run to the agent's incident.
func (w *work) joinRun(c *canary.Contact, l *canary.Looker, signals []signal) {
	s := w.standing(canary.AtDesk(l.Agent), c.At)
	if len(s.Reasons) == 0 { // it is new: what led to it belongs to it
		for _, u := range l.Recent[:len(l.Recent)-1] {
			w.support(s, u.Contact)
		}
	}
	w.support(s, c.ID)
	s.Updated = latest(s.Updated, c.At)
	for _, sig := range signals {
		raise(&s.Incident, sig)
	}
	w.changed[s.ID] = true
}

// saveLookers puts what is remembered into the outcome.
func (w *work) saveLookers() {
	for _, name := range slices.Sorted(maps.Keys(w.lookers)) {
		w.out.Lookers = append(w.out.Lookers, *w.lookers[name])
	}
}

// runs judges the newest of an agent's look-ups by those before it. guessing
// means that the agent goes through numbers.
func runs(l *canary.Looker, now time.Time, tooFast bool) (list []signal, guessing bool) {
	if planted(l.Recent) >= mostPlanted {
		list = append(list, signal{severity: canary.P2, reason: "the agent looked up numbers of three or more planted records within a day, or numbers that stand nowhere at all"})
	}
	if inSteps(l.Recent) || inChain(l.Recent) {
		guessing = true
		list = append(list, signal{severity: canary.P2, reason: "the agent looked up numbers that follow one another"})
	}
	if tooFast {
		guessing = true
		list = append(list, signal{severity: canary.P3, reason: "the agent looked up numbers faster than the rate allows"})
	}
	if float64(l.On(now)) >= timesUsual*max(l.Usual(now), little) {
		list = append(list, signal{severity: canary.P3, reason: "the agent looked up far more numbers in a day than usual"})
	}
	return list, guessing
}

// ofRun is what a hit weighs when its agent goes through numbers.
func ofRun(sig signal, guessing bool) signal {
	if !guessing || sig.severity == canary.P1 {
		return sig
	}
	return signal{severity: canary.P4, reason: "an agent who went through ticket numbers met a planted one", guess: true}
}

// planted counts the different canaries and placebos among look-ups.
func planted(list []canary.LookUp) int {
	seen := map[string]bool{}
	for _, u := range list {
		if u.Of != "" {
			seen[u.Of] = true
		}
	}
	return len(seen)
}

// counter is a ticket number as the application counts it.
type counter struct {
	prefix string
	n      int64
}

// count takes a number apart: what stands before its last digits, and these. A
// long one also counts without its last digit, which checks the others.
func count(number string) (list []counter, ok bool) {
	digits := len(number) - len(strings.TrimRight(number, "0123456789"))
	prefix := number[:len(number)-digits]
	n, err := strconv.ParseInt(number[len(prefix):], 10, 64)
	if err != nil {
		return nil, false
	}
	list = []counter{{prefix, n}}
	if digits >= dated {
		list = append(list, counter{prefix + "/", n / 10})
	}
	return list, true
}

// inSteps reports whether the last look-ups go up or down by equal steps.
func inSteps(list []canary.LookUp) bool {
	if len(list) <= steps {
		return false
	}
	tail := list[len(list)-steps-1:]
	first, ok := count(tail[0].Number)
	if !ok {
		return false
	}
	for as := range first {
		if equalSteps(tail, as) {
			return true
		}
	}
	return false
}

func equalSteps(tail []canary.LookUp, as int) bool {
	var step int64
	var last counter
	for i, u := range tail {
		all, ok := count(u.Number)
		if !ok || as >= len(all) {
			return false
		}
		at := all[as]
		if i > 0 {
			gone := at.n - last.n
			if at.prefix != last.prefix || gone == 0 || max(gone, -gone) > widest || i > 1 && gone != step {
				return false
			}
			step = gone
		}
		last = at
	}
	return true
}

// inChain reports whether the newest look-up stands in a row of numbers that
// were all looked up.
func inChain(list []canary.LookUp) bool {
	seen := map[counter]bool{}
	for _, u := range list {
		all, _ := count(u.Number)
		for _, at := range all {
			seen[at] = true
		}
	}
	newest, _ := count(list[len(list)-1].Number)
	for _, at := range newest {
		if row(seen, at, -1)+row(seen, at, 1)+1 >= chain {
			return true
		}
	}
	return false
}

// row counts the numbers that follow one another from a number on.
func row(seen map[counter]bool, from counter, step int64) int {
	for n := 0; ; n++ {
		if from.n += step; !seen[from] {
			return n
		}
	}
}
