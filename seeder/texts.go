package seeder

import (
	"crypto/md5" //nolint:gosec // an index that a help desk keeps, guards nothing
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/seeder/persona"
	"saltmine/seeder/supportdb"
)

var (
	addresses  = regexp.MustCompile(`[^\s<>@"',;:()\[\]]+@[^\s<>@"',;:()\[\]]+\.[\pL]{2,}`)
	numbers    = regexp.MustCompile(`\+?[0-9][0-9 ()./-]{5,}[0-9]`)
	idHeaders  = regexp.MustCompile(`(?mi)^(RT-|X-)?(Message-ID|In-Reply-To|References):.*$`)
	messageIDs = regexp.MustCompile(`<[^<>\s@]+@[^<>\s@]+>|^[^<>\s@]+@[^<>\s@]+$`)
)

// isProse reports whether a column holds text in which somebody may be named.
func isProse(c *supportdb.Column) bool {
	return c.IsText() || c.Type == "json" || strings.HasSuffix(c.Type, "blob")
}

// publicShare is the share of donors in whose rows an address must stand to be
// the help desk's own and nobody's.
const (
	publicShare  = 0.02
	publicDonors = 5
)

// learnPublic finds the addresses that many donors' rows hold: of the desk
// itself, of its queues and agents.
func (l *lessons) learnPublic(s *Seeder) {
	counts := map[string]int{}
	for i := range l.donors {
		seen := map[string]bool{}
		for _, it := range l.donors[i].Items {
			for _, v := range it.Row.Values {
				for _, a := range addresses.FindAllString(v.Text(), -1) {
					seen[strings.ToLower(a)] = true
				}
			}
		}
		delete(seen, strings.ToLower(s.fact(&l.donors[i].Image, "email").Text()))
		for a := range seen {
			counts[a]++
		}
	}
	l.public = map[string]bool{}
	for a, n := range counts {
		l.public[a] = n >= publicDonors && float64(n) >= publicShare*float64(len(l.donors))
	}
}

// masked hides the public addresses of a text behind private characters, so
// that they are nobody's; unmask brings them back.
func (l *lessons) masked(text string) (hidden string, unmask func(string) string) {
	var found []string
	hidden = addresses.ReplaceAllStringFunc(text, func(a string) string {
		if !l.public[strings.ToLower(a)] {
			return a
		}
		found = append(found, a)
		return mask(len(found) - 1)
	})
	return hidden, func(text string) string {
		for i, a := range found {
			text = strings.ReplaceAll(text, mask(i), a)
		}
		return text
	}
}

// mask is a word of private characters that stands for the n-th thing that was
// taken out of a text.
func mask(n int) string {
	return "\ue000" + strings.Map(func(r rune) rune { return r - '0' + '\ue100' }, strconv.Itoa(n)) + "\ue001"
}

// learnIDs makes new message ids for those that the donor's mails have: the
// same in every row that names them, in a column of its own or in a header.
func (c *composer) learnIDs() {
	for n := range c.d.image.Items {
		it := &c.d.image.Items[n]
		for _, column := range c.s.cfg.Desk.Part(it.Part).MessageIDs {
			c.rename(it.Row.Get(column).Text())
		}
		for _, v := range it.Row.Values {
			for _, text := range append([]supportdb.Value{v}, v.F...) {
				for _, header := range idHeaders.FindAllString(text.Text(), -1) {
					c.rename(header)
				}
			}
		}
	}
}

// rename makes new ids for those in a text.
func (c *composer) rename(text string) {
	for _, id := range messageIDs.FindAllString(text, -1) {
		if id = strings.Trim(id, "<>"); c.renamed[id] == "" {
			c.renamed[id] = c.messageID(id)
		}
	}
}

// messageID makes one of the same form: of a mail of the customer's on the
// canary's domain, with other digits and letters behind its first ones.
func (c *composer) messageID(id string) string {
	local, domain, _ := strings.Cut(id, "@")
	_, own, _ := strings.Cut(c.d.who.Email, "@")
	if strings.EqualFold(domain, own) {
		domain = c.d.id.Domain
	}
	return reroll(c.rng, local, len(local)/3) + "@" + domain
}

// reroll draws new digits and letters behind the first keep bytes, hex letters
// for hex letters.
func reroll(rng *rand.Rand, text string, keep int) string {
	b := []byte(text)
	for i := keep; i < len(b); i++ {
		for _, class := range []string{"0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ"} {
			if strings.IndexByte(class, b[i]) >= 0 {
				b[i] = class[rng.IntN(len(class))]
				break
			}
		}
	}
	return string(b)
}

// hiddenIDs is the first number of the masks of message ids.
const hiddenIDs = 1 << 20

// prose rewrites a text of the donor's for the canary. It is not clean when
// something of somebody is left in it.
func (c *composer) prose(text string) (string, bool) {
	if moved, ok := c.movedText(text); ok {
		return moved, true
	}
	for old, fresh := range c.renamed {
		text = strings.ReplaceAll(text, old, fresh)
	}
	text, unmask := c.l.masked(text)
	ids := make([]string, 0, len(c.renamed))
	for _, fresh := range c.renamed {
		ids = append(ids, fresh)
	}
	slices.Sort(ids)
	for i, id := range ids { // they look like addresses
		text = strings.ReplaceAll(text, id, mask(hiddenIDs+i))
	}
	text = numbers.ReplaceAllStringFunc(text, c.ownNumber)
	text, clean := c.scrub.Text(text)
	for i, id := range ids {
		text = strings.ReplaceAll(text, mask(hiddenIDs+i), id)
	}
	return counted(unmask(text)), clean
}

var (
	phpArray  = regexp.MustCompile(`^a:[0-9]+:\{`)
	phpString = regexp.MustCompile(`s:[0-9]+:"([^"]*)";`)
)

// counted sets the lengths of the strings in a serialised array of PHP right.
func counted(text string) string {
	if !phpArray.MatchString(text) {
		return text
	}
	return phpString.ReplaceAllStringFunc(text, func(s string) string {
		inner := phpString.FindStringSubmatch(s)[1]
		return fmt.Sprintf(`s:%d:"%s";`, len(inner), inner)
	})
}

// ownNumber writes the canary's phone number where a text has the donor's, in
// whatever spelling.
func (c *composer) ownNumber(span string) string {
	const tail = 7 // digits that tell two numbers apart
	a, b := digits(span), digits(c.d.who.Phone)
	if len(a) < tail || len(b) < tail || a[len(a)-tail:] != b[len(b)-tail:] || c.phone == "" {
		return span
	}
	return persona.FormatPhone(span, c.d.phone)
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// movedText moves a text that is a date as a whole.
func (c *composer) movedText(text string) (string, bool) {
	for _, layout := range []string{"2006/01/02", time.DateTime, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return c.at(c.d.image.Customer(), at).Format(layout), true
		}
	}
	return "", false
}

// sums sets the columns that hold the MD5 sum of another.
func (c *composer) sums(n int) {
	it := &c.d.image.Items[n]
	for column, of := range c.s.cfg.Desk.Part(it.Part).MD5 {
		if it.Row.Get(column).IsNull() {
			continue
		}
		sum := md5.Sum([]byte(it.Row.Get(of).Text())) //nolint:gosec // see above
		it.Row.Set(column, supportdb.Text(hex.EncodeToString(sum[:])))
	}
}

// rewrite puts one text for another in all texts of a ticket's rows.
func rewrite(i *supportdb.Image, ticket int, old, fresh string) {
	if old == fresh || len(old) < 4 {
		return
	}
	change := func(v supportdb.Value) supportdb.Value {
		if v.T != nil && strings.Contains(*v.T, old) {
			return supportdb.Text(strings.ReplaceAll(*v.T, old, fresh))
		}
		return v
	}
	for n := range i.Items {
		if !i.Under(n, ticket) {
			continue
		}
		row := &i.Items[n].Row
		for at, v := range row.Values {
			if v.F == nil {
				row.Values[at] = change(v)
				continue
			}
			pieces := slices.Clone(v.F)
			for p := range pieces {
				pieces[p] = change(pieces[p])
			}
			row.Values[at] = supportdb.Value{F: pieces}
		}
	}
}
