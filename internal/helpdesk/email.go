package helpdesk

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
)

// taken remembers the addresses given out, as hashes: a false "taken" costs
// another try, and millions of rows cost tens of megabytes.
type taken map[uint64]struct{}

func newTaken(rows int) taken { return make(taken, rows) }

// take reports whether the address was free, and takes it.
func (t taken) take(address string) bool {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(address))) // never fails
	sum := h.Sum64()
	if _, found := t[sum]; found {
		return false
	}
	t[sum] = struct{}{}
	return true
}

// email gives customer i an address that nobody before has. Namesakes at one
// provider end up with digits, as they do there.
func (d *Desk) email(r *rand.Rand, t traits, i int, used taken) string {
	first, last := fold(t.first, t.country.language), fold(t.last, t.country.language)
	if cut := strings.IndexAny(t.last, " -"); cut > 3 && r.IntN(3) > 0 {
		last = fold(t.last[:cut], t.country.language) // the first of two family names
	}
	for attempt := range 24 {
		local, domain := d.address(r, t, first, last)
		for range attempt / 3 {
			local += strconv.Itoa(r.IntN(10))
		}
		if address := capitals(r, local) + "@" + domain; used.take(address) {
			return address
		}
	}
	address := first + "." + last + ".x" + strconv.Itoa(i) + "@" + t.country.mail.texts[0]
	used.take(address)
	return address
}

func (d *Desk) address(r *rand.Rand, t traits, first, last string) (local, domain string) {
	switch roll := r.IntN(1000); {
	case roll < 905:
		return private(r, t.born, first, last), t.country.mail.pick(r)
	case roll < 975:
		return atWork(r, first, last), d.company(r, t.country)
	default:
		return atHome(r, first), last + "." + t.country.tlds.pick(r)
	}
}

// private makes a local part as people choose it at a large provider.
func private(r *rand.Rand, born int, first, last string) string { //nolint:cyclop // a flat table of habits
	year := strconv.Itoa(born)
	if r.IntN(3) > 0 {
		year = year[2:]
	}
	number := strconv.Itoa(1 + r.IntN(99))
	switch roll := r.IntN(100); {
	case roll < 24:
		return first + "." + last
	case roll < 36:
		return first + last
	case roll < 46:
		return first + "." + last + year
	case roll < 55:
		return first[:1] + last + year
	case roll < 63:
		return first + last + number
	case roll < 69:
		return first[:1] + "." + last
	case roll < 75:
		return first + "_" + last
	case roll < 80:
		return last + "." + first
	case roll < 85:
		return last + first[:1] + number
	case roll < 92:
		return first + year
	default:
		return nick(r, first) + number
	}
}

func nick(r *rand.Rand, first string) string {
	stems := [...]string{"tiger", "sunny", "biker", "star", "moon", "rocky", "blue", "lucky", "gamer", "angel", "fox", "music", "red", "happy", "wolf", "crazy"}
	stem := stems[r.IntN(len(stems))]
	if r.IntN(2) == 0 {
		return stem + first
	}
	return first[:min(len(first), 4)] + stem
}

func atWork(r *rand.Rand, first, last string) string {
	switch roll := r.IntN(100); {
	case roll < 42:
		return first + "." + last
	case roll < 60:
		return first[:1] + "." + last
	case roll < 72:
		return first[:1] + last
	case roll < 90:
		return first
	default:
		return [...]string{"info", "office", "contact", "mail"}[r.IntN(4)]
	}
}

func atHome(r *rand.Rand, first string) string {
	switch roll := r.IntN(10); {
	case roll < 6:
		return first
	case roll < 8:
		return first[:1]
	default:
		return [...]string{"mail", "me", "family", "post"}[r.IntN(4)]
	}
}

// company picks one of the country's small domains; their sizes follow Zipf.
func (d *Desk) company(r *rand.Rand, c *country) string {
	k := rank(r, 4000, 2)
	own := d.random(ofCompanies, uint64(c.code[0])<<24|uint64(c.code[1])<<16|uint64(k))
	name := fold(frequent(own, c.names.last, 60), c.language)
	word := c.names.words[own.IntN(len(c.names.words))]
	tld := c.tlds.pick(own)
	switch own.IntN(4) {
	case 0:
		return name + word + "." + tld
	case 1:
		return word + "-" + name + "." + tld
	default:
		return name + "-" + word + "." + tld
	}
}

// capitals: a few addresses are stored as "First.Last".
func capitals(r *rand.Rand, local string) string {
	if r.IntN(100) > 2 {
		return local
	}
	parts := strings.SplitAfter(local, ".")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// fold brings a name to the letters of a local part: lower-case ASCII.
func fold(name, language string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case language == "de" && strings.ContainsRune("äöü", r):
			b.WriteString(plain(r) + "e")
		default:
			b.WriteString(plain(r))
		}
	}
	if b.Len() == 0 {
		return "x"
	}
	return b.String()
}

// plain gives the base letters of a letter with marks; everything else is dropped.
func plain(r rune) string {
	const marked = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿąćęłńóśźżœßšžčřěőű"
	const base = "aaaaaa?ceeeeiiiinoooooouuuuyyacelnoszz??szcreou"
	switch r {
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ß':
		return "ss"
	}
	i := 0
	for _, m := range marked {
		if m == r {
			return base[i : i+1]
		}
		i++
	}
	return ""
}
