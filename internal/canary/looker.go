package canary

import (
	"slices"
	"strings"
	"time"
)

// deskPlace begins the place of incidents about a help-desk agent's look-ups.
const deskPlace = "desk:"

// AtDesk is the place of incidents about what an agent looks up. No token can be
// read there, so ParsePlace does not know it.
func AtDesk(agent string) Place { return Place(deskPlace + agent) }

// Agent gives the agent of a place that AtDesk made.
func (p Place) Agent() (string, bool) { return strings.CutPrefix(string(p), deskPlace) }

// Bounds of what is remembered of an agent.
const (
	LookUpsKept = 200            // look-ups, of
	LookUpsFor  = 24 * time.Hour // this time
	lookUpDays  = 28             // days with look-ups that are counted
)

// LookUp is one ticket number that an agent entered.
type LookUp struct {
	Contact ContactID `json:"contact"`
	At      time.Time `json:"at"`
	Number  string    `json:"number"`       // in canonical form
	Of      string    `json:"of,omitempty"` // what has the number: a canary's id, or a placebo's
}

// Looker is what is remembered of the look-ups of one help-desk agent.
type Looker struct {
	Agent   string         `json:"-"`
	Version int64          `json:"-"`      // of what the registry has; 0 is nothing
	Recent  []LookUp       `json:"recent"` // oldest first
	Days    map[string]int `json:"days"`   // look-ups by day, UTC
}

// Add remembers a look-up and forgets what is too old or too much.
func (l *Looker) Add(u LookUp) {
	l.Recent = append(l.Recent, u)
	l.Recent = slices.DeleteFunc(l.Recent, func(old LookUp) bool { return u.At.Sub(old.At) > LookUpsFor })
	l.Recent = l.Recent[max(0, len(l.Recent)-LookUpsKept):]
	if l.Days == nil {
		l.Days = map[string]int{}
	}
	l.Days[dayOf(u.At)]++
	for len(l.Days) > lookUpDays {
		oldest := ""
		for day := range l.Days {
			if oldest == "" || day < oldest {
				oldest = day
			}
		}
		delete(l.Days, oldest)
	}
}

// Usual is the mean number of look-ups of the agent's days before one with at
// least one look-up; 0 when there is no such day.
func (l *Looker) Usual(before time.Time) float64 {
	sum, days := 0, 0
	for day, n := range l.Days {
		if day < dayOf(before) {
			sum, days = sum+n, days+1
		}
	}
	return float64(sum) / float64(max(1, days))
}

// On is the number of look-ups of a time's day.
func (l *Looker) On(at time.Time) int { return l.Days[dayOf(at)] }

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }
