package picture

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Sort is how much a contact weighs.
type Sort int

// The sorts of contacts.
const (
	Weighed Sort = iota // it is evidence
	Aside               // a probe, an unnamed call, noise
	Placebo             // with what stands in no table
	Beside              // no contact with a token, but it came with them: a DNS query, a report
)

func (s Sort) point() shape { return weighed + shape(s) }

// Contact is when something came on a channel.
type Contact struct {
	Channel string
	At      time.Time
	Sort    Sort
}

// maxChannels are drawn.
const maxChannels = 12

// Contacts draws what came when, a channel a row.
func Contacts(list []Contact) Picture {
	if len(list) == 0 {
		return Picture{}
	}
	from, until := math.Inf(1), math.Inf(-1)
	byChannel := map[string][]Contact{}
	var names []string
	for _, c := range list {
		from, until = min(from, micros(c.At)), max(until, micros(c.At))
		if byChannel[c.Channel] == nil {
			names = append(names, c.Channel)
		}
		byChannel[c.Channel] = append(byChannel[c.Channel], c)
	}
	slices.Sort(names)
	until = max(until, from+float64(time.Hour/time.Microsecond))
	s := scene{
		id: "contacts", title: "Contacts: what came when, by channel", axis: timeAxis(from, until+(until-from)/49),
		table: [][]string{{"Channel", "Sort", "How many", "First (UTC)", "Last (UTC)"}},
		desc:  fmt.Sprintf("%s on %s, from %s to %s UTC.", many(len(list), "contact"), many(len(names), "channel"), stamp(from), stamp(until)),
	}
	for _, name := range names[:min(len(names), maxChannels)] {
		s.channel(name, byChannel[name])
	}
	if more := len(names) - maxChannels; more > 0 {
		s.notes = append(s.notes, fmt.Sprintf("and %s more", many(more, "channel")))
	}
	return Picture{[]scene{s}}
}

// channel adds the row of a channel; what weighs most is drawn last.
func (s *scene) channel(name string, list []Contact) {
	r := row{label: name, value: fmt.Sprint(len(list))}
	for sort := Beside; sort >= Weighed; sort-- {
		var times []float64
		for _, c := range list {
			if c.Sort == sort {
				times = append(times, micros(c.At))
			}
		}
		if len(times) == 0 {
			continue
		}
		slices.Sort(times)
		for _, at := range times {
			r.marks = append(r.marks, mark{sort.point(), at, at})
		}
		s.table = append(s.table, []string{name, sort.point().words(), fmt.Sprint(len(times)), stamp(times[0]), stamp(times[len(times)-1])})
	}
	s.rows = append(s.rows, r)
}
