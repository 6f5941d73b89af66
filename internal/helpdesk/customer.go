package helpdesk

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// traits are what the rest of a customer follows from. They can be drawn for
// any row alone, which is how tickets know their customer's language.
type traits struct {
	country *country
	female  bool
	first   string
	last    string
	born    int // year
	product string
}

func (d *Desk) traits(i int) traits {
	r := d.random(ofTraits, uint64(i))
	c := d.world.countries[d.world.weights.index(r)]
	t := traits{country: c, female: r.IntN(100) < 46}
	list := c.names.male
	if t.female {
		list = c.names.female
	}
	t.first, t.last = frequent(r, list, 8), surname(r, c, t.female)
	t.born = 1938 + r.IntN(35) + r.IntN(34)
	t.product = products().pick(r)
	return t
}

func products() *weighted {
	var w weighted
	w.add(46, "Internet Security")
	w.add(22, "Antivirus Plus")
	w.add(18, "Maximum Security")
	w.add(9, "Mobile Security")
	w.add(5, "Password Manager")
	return &w
}

// surname follows the habits of a country: two family names in Spain and often
// in Brazil, a feminine form in Poland, a hyphen now and then elsewhere.
func surname(r *rand.Rand, c *country, female bool) string { //nolint:cyclop // a flat table of habits
	last := frequent(r, c.names.last, 20)
	roll := r.IntN(100)
	switch c.code {
	case "ES":
		if roll < 68 {
			last += " " + frequent(r, c.names.last, 20)
		}
	case "BR":
		if roll < 40 {
			last += " " + frequent(r, c.names.last, 20)
		}
	case "PL":
		if female && (strings.HasSuffix(last, "ski") || strings.HasSuffix(last, "cki")) {
			last = last[:len(last)-1] + "a"
		}
	default:
		if other := frequent(r, c.names.last, 20); female && roll < 2 && other != last {
			last += "-" + other
		}
	}
	return last
}

// customer makes row i.
func (d *Desk) customer(i int, used taken) Customer {
	t, r := d.traits(i), d.random(ofCustomer, uint64(i))
	created := d.signup(i)
	c := Customer{
		ID:         d.customerID(i),
		Email:      d.email(r, t, i, used),
		Phone:      phone(r, t.country),
		Country:    t.country.code,
		Language:   t.country.language,
		Product:    t.product,
		Newsletter: r.IntN(100) < 38,
		Created:    created,
		Updated:    d.changed(r, created),
	}
	c.FirstName, c.LastName = typed(r, t.first, t.last)
	c.Status = status(r, d.cfg.To.Sub(created))
	return c
}

// signup returns when customer i signed up; it grows with i.
func (d *Desk) signup(i int) time.Time {
	return d.signups.at((float64(i) + 0.5) / float64(d.cfg.Customers))
}

func (d *Desk) customerID(i int) int64 { return d.gapped(i, 64) }

// gapped turns a row's place into an id: one id in each block is missing.
func (d *Desk) gapped(i, block int) int64 {
	b := i / block
	id := int64(i) + int64(b) + 1
	if i%block >= d.random(ofGaps, uint64(b)<<16|uint64(block)).IntN(block) {
		id++
	}
	return id
}

// changed returns updated_at: two rows in five were never touched, the others
// at some later time, rather early.
func (d *Desk) changed(r *rand.Rand, created time.Time) time.Time {
	if r.IntN(100) < 40 {
		return created
	}
	left := d.cfg.To.Sub(created).Seconds()
	return created.Add(time.Duration(left*math.Pow(r.Float64(), 1.6)) * time.Second)
}

// typed spells a name as customers type it: mostly right.
func typed(r *rand.Rand, first, last string) (string, string) {
	switch roll := r.IntN(1000); {
	case roll < 18:
		return strings.ToLower(first), strings.ToLower(last)
	case roll < 26:
		return strings.ToUpper(first), strings.ToUpper(last)
	default:
		return first, last
	}
}

// status: subscriptions last a year, and some are not renewed.
func status(r *rand.Rand, age time.Duration) string {
	years := age.Hours() / (24 * 365)
	switch roll := r.Float64(); {
	case roll < 0.01+0.008*years:
		return "closed"
	case years > 1 && roll < 0.05+0.09*years:
		return "expired"
	default:
		return "active"
	}
}

// phone fills one of the country's patterns; a third of the customers gave none.
func phone(r *rand.Rand, c *country) *string {
	if r.IntN(100) < 35 {
		return nil
	}
	text := []byte(c.phones.pick(r))
	for i, b := range text {
		switch b {
		case '#':
			text[i] = byte('0' + r.IntN(10))
		case '@':
			text[i] = byte('1' + r.IntN(9))
		case '%':
			text[i] = byte('2' + r.IntN(8))
		}
	}
	return new(string(text))
}
