package deskkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"saltmine/internal/helpdesk"
)

// person is a customer as the company knows them at the moment.
type person struct {
	helpdesk.Customer
	mail   string // the address now; at first Customer.Email
	phone  string // as typed; empty where none was given
	doomed bool   // erased before the end
}

func (p *person) name() string { return p.FirstName + " " + p.LastName }

// matter is a ticket.
type matter struct {
	helpdesk.Ticket
	of     *person
	agent  int  // who works on it, see agents()
	doomed bool // spam, or its customer is doomed
}

// what is the kind of an event.
type what int

const (
	signUp   what = iota + 1
	newMail       // text is the address
	newPhone      // text is the number
	opened        // text is the first message
	answered      // by an agent; text is the message
	wrote         // the customer wrote again
	resolved      // an agent closed it; for tickets of the status resolved
	closed        // the same, for tickets of the status closed
	deleted       // the ticket was deleted
	left          // the customer was deleted, without tickets by now
)

// event is one thing that happened.
type event struct {
	at    time.Time
	what  what
	of    *person
	about *matter // nil for what concerns the person alone
	text  string
}

// become makes a change of address or number true of the person.
func (e event) become() {
	if e.what == newMail {
		e.of.mail = e.text
	}
	if e.what == newPhone {
		e.of.phone = e.text
	}
}

// agent is one of the people who answer.
type agent struct{ first, last, login, mail string }

func agents() []agent {
	var all []agent
	for _, name := range []string{"Dana Whitfield", "Oskar Lindqvist", "Priya Raman", "Tomás Herrera",
		"Ingrid Vogel", "Samuel Okafor", "Claire Morvan", "Jakub Zielinski"} {
		first, last, _ := strings.Cut(name, " ")
		login := strings.ToLower(strings.NewReplacer("á", "a").Replace(first[:1] + last))
		all = append(all, agent{first, last, login, login + "@support.example.com"})
	}
	return all
}

// teller makes up a story.
type teller struct {
	r      *rand.Rand
	words  words
	events []event
	taken  map[string]bool // addresses, in lower case
	end    time.Time
}

// story returns what happened, in order. That many customers and tickets are
// left at its end; about one in thirty more are deleted on the way.
func story(seed uint64, customers, tickets int) ([]event, error) {
	spare, spam := customers/25+1, tickets/30
	desk, err := helpdesk.New(helpdesk.Config{
		Customers: customers + spare, Tickets: tickets + spam, Seed: seed,
		From: Until().AddDate(0, -months, 0), To: Until(),
	})
	if err != nil {
		return nil, fmt.Errorf("people of a help desk: %w", err)
	}
	w, err := readWords()
	if err != nil {
		return nil, err
	}
	t := &teller{r: rand.New(rand.NewPCG(seed, 0x5707)), words: w, taken: map[string]bool{}, end: Until()} //nolint:gosec // repeatable on purpose
	people, matters := t.cast(desk)
	t.doom(people, matters, spare, spam)
	for _, p := range people {
		t.live(p)
	}
	for _, m := range matters {
		t.work(m)
	}
	slices.SortStableFunc(t.events, func(a, b event) int { return a.at.Compare(b.at) })
	return t.current(), nil
}

// cast collects the people and their tickets.
func (t *teller) cast(desk *helpdesk.Desk) ([]*person, []*matter) {
	byID := map[int64]*person{}
	var people []*person
	for c := range desk.Customers() {
		p := &person{Customer: c, mail: c.Email}
		if c.Phone != nil {
			p.phone = *c.Phone
		}
		byID[c.ID], t.taken[strings.ToLower(c.Email)] = p, true
		people = append(people, p)
	}
	var matters []*matter
	for k := range desk.Tickets() {
		matters = append(matters, &matter{Ticket: k, of: byID[k.CustomerID], agent: t.r.IntN(len(agents()))})
	}
	return people, matters
}

// doom picks who and what is deleted: people together with all their tickets,
// then single tickets.
func (t *teller) doom(people []*person, matters []*matter, spare, spam int) {
	has := map[*person]int{}
	for _, m := range matters {
		has[m.of]++
	}
	for _, i := range t.r.Perm(len(people)) {
		if p := people[i]; spare > 0 && has[p] <= min(spam, 2) {
			p.doomed = true
			spare--
			spam -= has[p]
		}
	}
	for _, m := range matters {
		m.doomed = m.of.doomed
	}
	for _, i := range t.r.Perm(len(matters)) {
		if m := matters[i]; spam > 0 && !m.doomed {
			m.doomed = true
			spam--
		}
	}
}

func (t *teller) tell(at time.Time, what what, p *person, m *matter, text string) {
	t.events = append(t.events, event{at, what, p, m, text})
}

// between is a moment in the span, rather early.
func (t *teller) between(from, to time.Time) time.Time {
	u := t.r.Float64()
	return from.Add(time.Duration(float64(to.Sub(from)) * u * u)).Truncate(time.Second)
}

// live tells what becomes of a person.
func (t *teller) live(p *person) {
	t.tell(p.Created, signUp, p, nil, "")
	if t.r.IntN(100) < 7 {
		t.tell(t.between(p.Created, t.end), newMail, p, nil, t.otherMail(p))
	}
	if p.phone != "" && t.r.IntN(100) < 6 {
		t.tell(t.between(p.Created, t.end), newPhone, p, nil, otherDigits(t.r, p.phone))
	}
	if p.doomed {
		t.tell(t.end.Add(-time.Second), left, p, nil, "") // moved to its place by current
	}
}

// otherMail is an address at a large provider that nobody has.
func (t *teller) otherMail(p *person) string {
	local, _, _ := strings.Cut(strings.ToLower(p.Email), "@")
	for {
		other := fmt.Sprintf("%s%d@%s", local, t.r.IntN(1000),
			[...]string{"gmail.com", "outlook.com", "proton.me", "icloud.com"}[t.r.IntN(4)])
		if !t.taken[other] {
			t.taken[other] = true
			return other
		}
	}
}

// otherDigits draws the last four digits anew.
func otherDigits(r *rand.Rand, phone string) string {
	text := []byte(phone)
	for i, left := len(text)-1, 4; i >= 0 && left > 0; i-- {
		if text[i] >= '0' && text[i] <= '9' {
			text[i] = "0123456789"[r.IntN(10)]
			left--
		}
	}
	return string(text)
}

// work tells what becomes of a ticket.
func (t *teller) work(m *matter) {
	t.tell(m.Created, opened, m.of, m, "")
	if m.doomed {
		t.tell(t.between(m.Created, earlier(m.Created.Add(96*time.Hour), t.end)), deleted, m.of, m, "")
		return
	}
	n := 1
	for t.r.IntN(100) < 30 && n < 5 {
		n += 2
	}
	var times []time.Time
	for range n {
		times = append(times, m.Created.Add(time.Duration(float64(m.Updated.Sub(m.Created))*t.r.Float64())).Truncate(time.Second))
	}
	slices.SortFunc(times, time.Time.Compare)
	switch m.Status {
	case "open": // nobody answered yet, or the customer wrote last
		times = times[:n-1]
	case "pending":
		times[n-1] = m.Updated
	}
	for i, at := range times {
		t.tell(at, []what{answered, wrote}[i%2], m.of, m, "")
	}
	switch m.Status {
	case "resolved":
		t.tell(m.Updated, resolved, m.of, m, "")
	case "closed":
		t.tell(m.Updated, closed, m.of, m, "")
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// current walks through the events in order: it lets people leave when the last
// of their tickets is gone, and writes the messages with what is true of the
// customer at that moment.
func (t *teller) current() []event {
	last := map[*person]time.Time{}
	for _, e := range t.events {
		if e.what != left {
			last[e.of] = e.at
		}
	}
	for i := range t.events {
		if e := &t.events[i]; e.what == left {
			e.at = earlier(last[e.of].Add(time.Duration(1+t.r.IntN(72))*time.Hour), t.end)
		}
	}
	slices.SortStableFunc(t.events, func(a, b event) int { return a.at.Compare(b.at) })
	mail, phone := map[*person]string{}, map[*person]string{}
	for i := range t.events {
		e := &t.events[i]
		switch e.what {
		case signUp:
			mail[e.of], phone[e.of] = e.of.Email, e.of.phone
		case newMail:
			mail[e.of] = e.text
		case newPhone:
			phone[e.of] = e.text
		case opened, wrote:
			e.text = t.words.message(t.r, e.of, mail[e.of], phone[e.of])
		case answered:
			e.text = t.words.answer(t.r, e.of, agents()[e.about.agent])
		default: // nothing is said
		}
	}
	return t.events
}
