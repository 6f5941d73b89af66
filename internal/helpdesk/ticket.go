package helpdesk

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Tickets streams the tickets in the order of their ids. Each belongs to a
// customer who had signed up before.
func (d *Desk) Tickets() iter.Seq[Ticket] {
	return func(yield func(Ticket) bool) {
		r := d.random(ofTickets, 0)
		owners := make([]int32, 0, d.cfg.Tickets)
		year, number := 0, 0
		for j := range d.cfg.Tickets {
			opened := later(d.demand.at((float64(j)+0.5)/float64(d.cfg.Tickets)), d.signup(0))
			owner := d.owner(r, opened, owners)
			owners = append(owners, int32(owner)) // Config.check bounds it
			if opened.Year() != year {
				year, number = opened.Year(), 0
			}
			number += 1 + gap(r)
			t := d.ticket(r, owner, opened)
			t.ID = d.gapped(j, 48)
			t.Number = fmt.Sprintf("TK-%04d-%06d", year, number)
			if !yield(t) {
				return
			}
		}
	}
}

// owner picks who opens a ticket at some time. One in three is a follow-up of
// somebody who had a ticket before, which gives few customers many; the others
// signed up some time ago, many of them just now.
func (d *Desk) owner(r *rand.Rand, opened time.Time, before []int32) int {
	if len(before) > 0 && r.IntN(3) == 0 {
		return int(before[r.IntN(len(before))])
	}
	since := opened.Sub(d.cfg.From)
	back := time.Duration(float64(since) * r.Float64())
	if r.IntN(100) < 30 {
		back = min(time.Duration(r.ExpFloat64()*float64(9*24*time.Hour)), since)
	}
	i := int(d.signups.share(opened.Add(-back)) * float64(d.cfg.Customers))
	i = min(max(i, 0), d.cfg.Customers-1)
	for i > 0 && d.signup(i).After(opened) {
		i-- // at most a step or two: shares are cut to seconds
	}
	return i
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// gap: numbers of deleted spam and merged tickets are missing.
func gap(r *rand.Rand) int {
	if r.IntN(100) < 4 {
		return 1 + r.IntN(2)
	}
	return 0
}

func (d *Desk) ticket(r *rand.Rand, owner int, opened time.Time) Ticket {
	who := d.traits(owner)
	t := Ticket{
		CustomerID: d.customerID(owner),
		Subject:    subject(r, who),
		Priority:   choose(r, choice{"normal", 70}, choice{"low", 14}, choice{"high", 13}, choice{"urgent", 3}),
		Channel:    choose(r, choice{"email", 46}, choice{"web", 31}, choice{"phone", 15}, choice{"chat", 8}),
		Created:    opened,
	}
	// The median ticket rests after a day and a half, a few after weeks.
	took := time.Duration(36*math.Exp(1.3*r.NormFloat64())*3600) * time.Second
	t.Updated = opened.Add(took)
	if t.Updated.Before(d.cfg.To) {
		t.Status = choose(r, choice{"closed", 86}, choice{"resolved", 12}, choice{"pending", 2})
		return t
	}
	// Work goes on: it was touched at some time until now.
	t.Updated = opened.Add(time.Duration(d.cfg.To.Sub(opened).Seconds()*r.Float64()) * time.Second)
	t.Status = choose(r, choice{"open", 55}, choice{"pending", 45})
	return t
}

// choice is a text with its percentage.
type choice struct {
	text string
	of   int
}

// choose takes one; the percentages add up to 100.
func choose(r *rand.Rand, choices ...choice) string {
	roll := r.IntN(100)
	for _, c := range choices {
		if roll -= c.of; roll < 0 {
			return c.text
		}
	}
	return choices[0].text
}

func subject(r *rand.Rand, who traits) string {
	text := frequent(r, who.country.names.subjects, 6)
	text = strings.ReplaceAll(text, "{product}", who.product)
	text = strings.ReplaceAll(text, "{code}", strconv.Itoa(1000+r.IntN(900)))
	text = strings.ReplaceAll(text, "{percent}", strconv.Itoa(1+r.IntN(99)))
	switch roll := r.IntN(100); {
	case roll < 9:
		return strings.ToLower(text)
	case roll < 11:
		return strings.ToUpper(text)
	case roll < 15:
		return text + "!"
	default:
		return text
	}
}
