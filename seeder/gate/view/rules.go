package view

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

// rules tries what a careful reader would: each rule is a thing that real rows
// hardly ever do.
func (b *builder) rules() {
	b.mailRules()
	b.phoneRules()
	b.dateRules()
	b.textRules()
	b.copyRules()
}

func (b *builder) check(name string, hit func(row int) bool) {
	hits := make([]bool, b.c.looked)
	for row := range hits {
		hits[row] = hit(row)
	}
	if slices.Contains(hits, true) {
		b.view.Checks = append(b.view.Checks, Check{name, hits})
	}
}

// exceeds makes a rule of a feature that was emitted before.
func (b *builder) exceeds(name, feature string, over float64) {
	for i := range b.view.Features {
		if b.view.Features[i].Name == feature {
			values := b.view.Features[i].Values
			b.check(name, func(row int) bool { return float64(values[row]) > over })
		}
	}
}

func (b *builder) mailRules() {
	c := b.c.role(Email)
	if c == nil {
		return
	}
	b.check("e-mail: at a domain set aside for examples", func(row int) bool {
		d := domainOf(c.text(row))
		return strings.HasSuffix(d, "example.com") || strings.HasSuffix(d, "example.net") || strings.HasSuffix(d, "example.org") ||
			strings.HasSuffix(d, ".example") || strings.HasSuffix(d, ".test") || strings.HasSuffix(d, ".invalid") || strings.HasSuffix(d, ".localhost")
	})
	b.exceeds("e-mail: the same address but for dots, +tag and capitals is there twice", "canonical.others", 0)
	b.check("e-mail: nothing of the name is in the address, which is letters and digits mixed", func(row int) bool {
		local := fold(localOf(c.text(row)))
		p := b.parts[row]
		return mixedUp.MatchString(local) && alike(squeeze(local), squeeze(p.first)+squeeze(p.last)) < 0.2
	})
	b.check("e-mail: a sub-domain of its own below a registered domain", func(row int) bool {
		d := domainOf(c.text(row))
		return len(d) > len(Registered(d))
	})
}

// mixedUp: letters, digits and letters again.
var mixedUp = regexp.MustCompile(`[a-z][0-9]+[a-z][a-z0-9]*[0-9]`)

// fiction are numbers set aside for films and books, by their last nine
// digits: North America, Great Britain, France, Australia, Germany.
var fiction = regexp.MustCompile(`^\d{2}55501\d{2}$|^(7700|\d{2,3}4960|1632960|2079460|1914980)\d+$|^(19900|26191|35301|46571|53649|63998)\d{4}$|^(491570|55010|70010)\d+$|^\d*(23125|6990009|4066969|22149990|8999998)\d+$`)

func (b *builder) phoneRules() {
	c := b.c.role(Phone)
	if c == nil {
		return
	}
	b.check("phone: reserved for fiction", func(row int) bool {
		d := digitsOf(c.text(row))
		return len(d) >= national && fiction.MatchString(d[len(d)-national:])
	})
	b.exceeds("phone: three or more other rows in the same block of 1,000", "phone.block1000.others", math.Log(3.5))
	b.exceeds("phone: another row in the same block of 100", "phone.block100.others", 0)
	b.exceeds("phone: another row has the same number", "phone.whole.others", 0)
}

func (b *builder) dateRules() {
	for _, c := range b.c.cols {
		if c.Kind != Time {
			continue
		}
		if b.now != 0 {
			b.check("dates: "+c.Name+" is in the future", func(row int) bool { return c.num(row) > b.now })
		}
		b.check("dates: "+c.Name+" is at midnight", func(row int) bool {
			return c.ids[row] != null && len(c.texts[c.ids[row]]) > len(dateForm) && within(c.num(row), day) == 0
		})
		b.exceeds("dates: another row has the same second in "+c.Name, c.Name+".others", 0)
	}
	created, updated := b.c.role(Created), b.c.role(Updated)
	if created != nil && updated != nil {
		b.check("dates: changed before it was made", func(row int) bool { return updated.num(row) < created.num(row) })
	}
	b.orderRules(b.c)
	if b.t != nil {
		b.orderRules(b.t)
		b.ticketRules(created)
	}
}

// orderRules: the key says that a row is much younger or older than its date.
func (b *builder) orderRules(f *frame) {
	for _, c := range f.cols {
		for _, t := range f.cols {
			name := f.prefix + c.Name + "." + t.Name
			suffix := ""
			if f == b.t {
				suffix = ".greatest"
			}
			b.exceeds("keys: "+f.prefix+c.Name+" lies wrongly between those of the same time by "+t.Name, name+".turned"+suffix, besides-0.5)
		}
	}
}

func (b *builder) ticketRules(created *column) {
	when := b.ticketTime()
	if when == nil {
		return
	}
	anyTicket := func(hit func(ticket, row int) bool) func(int) bool {
		return func(row int) bool {
			return slices.ContainsFunc(b.of[row], func(i int) bool { return hit(i, row) })
		}
	}
	if created != nil {
		b.check("tickets: opened before the customer signed up", anyTicket(func(i, row int) bool { return when.num(i) < created.num(row) }))
		b.check("tickets: opened in the second of the sign-up", anyTicket(func(i, row int) bool { return when.num(i) == created.num(row) }))
	}
	if b.now != 0 {
		b.check("tickets: opened in the future", anyTicket(func(i, _ int) bool { return when.num(i) > b.now }))
	}
	if updated := b.t.role(Updated); updated != nil {
		b.check("tickets: changed before it was opened", anyTicket(func(i, _ int) bool { return updated.num(i) < when.num(i) }))
	}
	b.check("tickets: none, and nothing ever changed", func(row int) bool {
		updated := b.c.role(Updated)
		return len(b.of[row]) == 0 && updated != nil && created != nil && updated.num(row) == created.num(row)
	})
}

// telling are words that people who plant rows leave in them.
var telling = regexp.MustCompile(`(?i)\b(test|dummy|canary|honey\w*|decoy|fake|lorem|ipsum|placeholder|saltmine|seed ?row)\b|\{\{|\}\}|%[sdv]\b|\$\{`)

func (b *builder) textRules() {
	for _, f := range []*frame{b.c, b.t} {
		if f == nil {
			continue
		}
		for _, c := range f.cols {
			if c.Kind == Time || c.Kind == Number {
				continue
			}
			bad := make([]bool, len(c.texts))
			for id, t := range c.texts {
				bad[id] = telling.MatchString(t)
			}
			hit := func(i int) bool { return c.ids[i] != null && bad[c.ids[i]] }
			if f == b.c {
				b.check("texts: "+c.Name+" holds a word like “test” or a placeholder", hit)
				continue
			}
			b.check("texts: ticket "+c.Name+" holds a word like “test” or a placeholder", func(row int) bool {
				return slices.ContainsFunc(b.of[row], hit)
			})
		}
	}
}

func (b *builder) copyRules() {
	b.exceeds("copies: much rare detail, names aside, in common with one other row", "twin.behaviour", 3*math.Log(float64(b.c.population()))/2)
	b.exceeds("copies: another row has the same name", "namesakes", 0)
}
