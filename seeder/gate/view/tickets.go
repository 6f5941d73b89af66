package view

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// tickets looks at all tickets as a table of their own, each beside its
// customer, and at the tickets of each customer as a sequence.
func (b *builder) tickets() {
	if len(b.x.Table.Ticket) == 0 {
		return
	}
	var rows [][]Value
	b.of = make([][]int, b.c.n)
	for row := range b.c.n {
		for _, values := range b.row(row).Tickets {
			b.of[row] = append(b.of[row], len(rows))
			b.owner = append(b.owner, row)
			rows = append(rows, values)
		}
	}
	b.t = &frame{prefix: "ticket.", n: len(rows), counted: make([]bool, len(rows)), emit: b.gather}
	for i, row := range b.owner {
		b.t.counted[i] = b.c.counted[row]
		if row < b.c.looked {
			b.t.looked = i + 1
		}
	}
	for i, c := range b.x.Table.Ticket {
		b.t.cols = append(b.t.cols, newColumn(c, len(rows), func(row int) Value { return rows[row][i] }))
		b.t.cols[i].group = ticketGroup(b.t.cols[i])
	}
	for _, c := range b.t.cols {
		b.t.describe(c)
	}
	b.t.orders()
	b.sequence()
	b.beside()
	b.ends()
}

// spoken tells whether a column says where people live or what they speak.
func (c *column) spoken() bool { return c.Role == Country || c.Role == Language }

func ticketGroup(c *column) Group {
	switch {
	case c.Kind == Time:
		return Courses
	case c.Role == Key || c.Role == Serial:
		return Keys
	default:
		return Tickets
	}
}

// gather carries a feature of tickets to their customers.
func (b *builder) gather(f Feature) {
	mean, least, greatest := b.c.blank(), b.c.blank(), b.c.blank()
	for row, tickets := range b.of {
		sum, n := 0.0, 0
		for _, i := range tickets {
			v := f.Values[i]
			if isNaN(v) {
				continue
			}
			sum += float64(v)
			if n++; n == 1 {
				least[row], greatest[row] = v, v
			}
			least[row], greatest[row] = min(least[row], v), max(greatest[row], v)
		}
		if n > 0 {
			mean[row] = float32(sum / float64(n))
		}
	}
	f.Values = mean
	b.emitIf(f, "", "")
	if same(least, greatest) {
		return
	}
	if f.extreme(false) {
		f.Values = least
		b.emitIf(f, ".least", ", least of the tickets")
	}
	if f.extreme(true) {
		f.Values = greatest
		b.emitIf(f, ".greatest", ", greatest of the tickets")
	}
}

// extreme tells whether the least or the greatest of several tickets says
// something that their mean hides.
func (f *Feature) extreme(greatest bool) bool {
	if greatest {
		return f.Scale == Spans || strings.HasSuffix(f.Name, ".turned")
	}
	return f.Scale != Plain || strings.HasSuffix(f.Name, ".letters") || strings.Contains(f.Name, "×")
}

func (b *builder) emitIf(f Feature, name, says string) {
	if constant(f.Values[:b.c.looked]) {
		return
	}
	f.Name += name
	f.Says = strings.TrimPrefix(f.Says, "ticket ") + says + " (ticket)"
	b.emit(f)
}

func same(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] && !(isNaN(a[i]) && isNaN(b[i])) {
			return false
		}
	}
	return true
}

// beside compares tickets with their customers: dates with dates, words with words.
func (b *builder) beside() {
	var joined []*column
	for _, c := range b.c.cols {
		j := *c
		j.Name, j.joined, j.ids = "customer "+c.Name, true, make([]int32, b.t.n)
		for i, row := range b.owner {
			j.ids[i] = c.ids[row]
		}
		joined = append(joined, &j)
	}
	for _, c := range b.t.cols {
		if c.Kind == Time {
			b.t.since(c, b.now)
		}
		for _, d := range slices.Concat(b.t.cols, joined) {
			if d.joined || d.Name > c.Name {
				b.t.pair(c, d)
			}
		}
		b.clockBeside(c, joined)
	}
}

// pair compares two columns of tickets, or one of tickets with one of customers.
func (f *frame) pair(c, d *column) {
	wordy := c.Kind == Word || c.Kind == Text && d.joined
	switch {
	case c.Kind == Time && d.Kind == Time:
		f.between(d, c)
	case wordy && d.Kind == Word:
		f.surprise(c.asWords(), d.asWords(), Tickets)
	}
	if d.joined && c.Kind == Text {
		f.says(c, d)
	}
}

// says compares a text of tickets with a column of customers.
func (f *frame) says(c, d *column) {
	if d.Kind == Word || d.group == Names {
		f.insideOf(d, c)
	}
	if d.Kind == Word && d.spoken() {
		f.lettersBy(c.Name, c, c.ids, c.texts, d.asWords())
	}
}

// clockBeside compares the hour of tickets with the customer's country.
func (b *builder) clockBeside(c *column, joined []*column) {
	if c.Kind != Time {
		return
	}
	hours := c.slots(func(t float64) float64 { return within(t, day) / hour }).named(c.Name+".hour", "the hour of the ticket's "+c.Name, c)
	for _, d := range slices.Concat(joined, b.t.cols) {
		if d.spoken() || d.Kind == Word && !d.joined {
			b.t.surprise(hours, d.asWords(), Courses)
		}
	}
}

// sequence looks at each customer's tickets in the order of their dates.
func (b *builder) sequence() {
	number := b.c.blank()
	for row, tickets := range b.of {
		number[row] = float32(len(tickets))
	}
	b.c.emitOf(Feature{Name: "tickets", Says: "the number of tickets", Column: "ticket", Group: Tickets, Values: number})
	when := b.ticketTime()
	if when == nil {
		return
	}
	least, greatest, span := b.c.blank(), b.c.blank(), b.c.blank()
	first, last := make([]float64, b.c.n), make([]float64, b.c.n)
	for row, tickets := range b.of {
		slices.SortStableFunc(tickets, func(i, j int) int { return cmp.Compare(when.num(i), when.num(j)) })
		first[row], last[row] = math.NaN(), math.NaN()
		for k, i := range tickets {
			if k == 0 {
				first[row] = when.num(i)
			} else {
				gap := float32(math.Log1p(when.num(i) - when.num(tickets[k-1])))
				if k == 1 {
					least[row], greatest[row] = gap, gap
				}
				least[row], greatest[row] = min(least[row], gap), max(greatest[row], gap)
			}
			last[row] = when.num(i)
		}
		if len(tickets) > 1 {
			span[row] = float32(math.Log1p(last[row] - first[row]))
		}
	}
	name := "ticket." + when.Name
	b.c.emitOf(Feature{Name: "tickets.gap.least", Says: "the shortest time between two tickets", Column: name, Group: Courses, Scale: Spans, Values: least})
	b.c.emitOf(Feature{Name: "tickets.gap.greatest", Says: "the longest time between two tickets", Column: name, Group: Courses, Scale: Spans, Values: greatest})
	b.c.emitOf(Feature{Name: "tickets.span", Says: "the time from the first to the last ticket", Column: name, Group: Courses, Scale: Spans, Values: span})
	b.rate(first, last, name)
}

// rate emits tickets against the time that there was for them.
func (b *builder) rate(first, last []float64, name string) {
	for _, c := range b.c.cols {
		if c.Kind != Time {
			continue
		}
		opened, closed := b.c.blank(), b.c.blank()
		for row := range first {
			opened[row] = float32(signedLog(first[row] - c.num(row)))
			closed[row] = float32(signedLog(last[row] - c.num(row)))
		}
		b.c.emitOf(Feature{Name: c.Name + "→first ticket", Says: "the time from " + c.Name + " to the first ticket", Column: name, Group: Courses, Scale: Spans, Values: opened})
		b.c.emitOf(Feature{Name: c.Name + "→last ticket", Says: "the time from " + c.Name + " to the last ticket", Column: name, Group: Courses, Scale: Spans, Values: closed})
	}
}

// ticketTime is the date by which tickets are ordered.
func (b *builder) ticketTime() *column {
	if c := b.t.role(Created); c != nil && c.Kind == Time {
		return c
	}
	for _, c := range b.t.cols {
		if c.Kind == Time {
			return c
		}
	}
	return nil
}

// ends offers the words of each customer's first and last ticket for equality.
func (b *builder) ends() {
	for _, c := range b.t.cols {
		if c.Kind != Word && c.Kind != Text {
			continue
		}
		for _, end := range []string{"first", "last"} {
			w := words{name: "ticket." + c.Name + "." + end, says: c.Name + " of the " + end + " ticket", column: "ticket." + c.Name, group: Tickets, ids: make([]int32, b.c.n), texts: c.texts, spelled: c.Kind == Text}
			for row, tickets := range b.of {
				w.ids[row] = null
				if len(tickets) > 0 && end == "first" {
					w.ids[row] = c.ids[tickets[0]]
				} else if len(tickets) > 0 {
					w.ids[row] = c.ids[tickets[len(tickets)-1]]
				}
			}
			b.offer(w, false)
		}
	}
}
