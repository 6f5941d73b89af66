package forensics_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/forensics"
)

const main = canary.Place("db:main")

// day gives a moment of the test's calendar: days since 1 March 2026, and hours.
func day(days, hours float64) time.Time {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration((days*24 + hours) * float64(time.Hour)))
}

// open is a window from one moment to another, each known to a second.
func open(from, until time.Time) canary.Window {
	w := canary.Window{Place: main, From: canary.Between(from, from.Add(time.Second))}
	if !until.IsZero() {
		w.Until = canary.Between(until, until.Add(time.Second))
	}
	return w
}

func tokenID(n int) canary.TokenID { return canary.TokenID(fmt.Sprintf("t_token%011d", n)) }

func canaryID(n int) canary.ID { return canary.ID(fmt.Sprintf("c_canary%010d", n)) }

// hit is the first contact with token n of canary n.
func hit(n int, w canary.Window, at time.Time) forensics.Hit {
	return forensics.Hit{
		Token: tokenID(n), Canary: canaryID(n), Kind: canary.Email, Channel: canary.SMTP,
		At: at, Window: w, Contact: canary.ContactID(fmt.Sprintf("k_contact-%d", n)),
	}
}

func extract(id, actor string, taken canary.Moment, held ...int) canary.Extract {
	e := canary.Extract{ID: canary.ExtractID(id), Actor: actor, Taken: taken, Held: []canary.ID{}}
	for _, n := range held {
		e.Held = append(e.Held, canaryID(n))
	}
	return e
}

// world is a believable case: canaries of several segments whose e-mail
// rotates every thirty days, each at its own hour, extracts of segments by
// many actors, one of which leaked.
type world struct {
	tokens   []forensics.Live
	extracts []canary.Extract
	culprit  canary.Extract
	hits     []forensics.Hit
}

func segmentOf(n int) canary.Segment {
	countries := []string{"de", "es", "fr", "gb", "us"}
	return canary.MakeSegment(map[string]string{"country": countries[n%5], "product": []string{"home", "pro"}[n/5%2]})
}

// makeWorld plants the canaries and takes the extracts within 90 days; the
// culprit's extract is contacted over the month after it.
func makeWorld(r *rand.Rand, canaries, extracts, contacts int) world {
	var w world
	for n := range canaries {
		phase := r.Float64() * 30
		for i := range 4 {
			from, until := day(phase+float64(i-1)*30, 0), day(phase+float64(i)*30, 0)
			w.tokens = append(w.tokens, forensics.Live{
				Token: tokenID(n*10 + i), Canary: canaryID(n), Segment: segmentOf(n), Window: open(from, until),
			})
		}
		w.tokens = append(w.tokens, forensics.Live{
			Token: tokenID(n*10 + 9), Canary: canaryID(n), Segment: segmentOf(n), Window: open(day(-r.Float64()*200, 0), time.Time{}),
		})
	}
	for i := range extracts {
		pairs := segmentOf(r.IntN(10)).Pairs()
		switch r.IntN(4) {
		case 0:
			delete(pairs, "country")
		case 1:
			delete(pairs, "product")
		}
		w.extracts = append(w.extracts, canary.Extract{
			ID: canary.ExtractID(fmt.Sprintf("E-%04d", i)), Actor: fmt.Sprintf("actor%02d", r.IntN(40)),
			Taken: canary.At(day(r.Float64()*60, 0)), Place: main, Segment: canary.MakeSegment(pairs),
		})
	}
	w.culprit = w.extracts[r.IntN(len(w.extracts))]
	w.leak(r, contacts)
	return w
}

// leak contacts tokens that stood in the culprit's extract.
func (w *world) leak(r *rand.Rand, contacts int) {
	taken := w.culprit.Taken.Latest
	for _, i := range r.Perm(len(w.tokens)) {
		l := w.tokens[i]
		if len(w.hits) == contacts {
			return
		}
		if !w.culprit.Segment.Covers(l.Segment) || !l.Window.Possible(taken) {
			continue
		}
		kind, channel := canary.Email, canary.SMTP
		if l.Window.Until.IsZero() {
			kind, channel = canary.Ticket, canary.ByTicket
		}
		w.hits = append(w.hits, forensics.Hit{
			Token: l.Token, Canary: l.Canary, Kind: kind, Channel: channel, Segment: l.Segment, Window: l.Window,
			At: taken.Add(time.Duration((2 + r.Float64()*20) * 24 * float64(time.Hour))), Contact: canary.ContactID(fmt.Sprintf("k_contact%d", i)),
		})
	}
}

func (w *world) question() forensics.Question {
	return forensics.Question{Hits: w.hits, Tokens: w.tokens, Extracts: w.extracts, Now: day(100, 0)}
}
