package prose

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"saltmine/seeder/persona"
)

// Composed is a text for a canary.
type Composed struct {
	Text      string
	Exchanged int  // units that are not the donor's
	Common    bool // customers have this very text, but for names and numbers
}

// usually is one of how many texts repeats a sentence where repeating is usual.
const usually = 100

// Finish prepares the book for use; Add is over.
func (b *Book) Finish() {
	for _, l := range b.languages {
		l.twice = b.twice*usually > b.texts
		l.common, l.shared = byLength(l.units), byLength(l.wholes)
	}
}

// byLength lists the templates that are everybody's and that a canary can fill.
func byLength(in map[string]*entry) []*entry {
	var out []*entry
	for _, e := range in {
		if e.isCommon() && fillable(e.template) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int {
		return cmp.Or(len(a.template)-len(b.template), strings.Compare(a.template, b.template))
	})
	return out
}

// Compose makes a text for a canary in the place of its donor's.
func (b *Book) Compose(rng *rand.Rand, donor Writer, text string, heir Heir) (Composed, error) {
	units := split(text)
	if len(units) == 0 {
		return Composed{Text: text}, nil
	}
	if len(units) > maxUnits {
		return Composed{}, fmt.Errorf("compose a text of %d sentences: %w", len(units), ErrUncommon)
	}
	l, m := b.languages[languageOf(&donor.Person)], newMask(&donor)
	if l == nil {
		return Composed{}, fmt.Errorf("compose a text in a language that was not learned: %w", ErrUncommon)
	}
	templates := make([]unit, len(units))
	for i, u := range units {
		templates[i].text, _ = m.template(u.text)
		templates[i].gap = u.gap
	}
	out := Composed{Common: true}
	if whole := join(templates); !l.wholes[whole].isCommon() || !fillable(whole) || !heir.fits(whole) {
		if out.Exchanged, out.Common = l.unlike(rng, templates, &heir); out.Exchanged == 0 {
			return Composed{}, fmt.Errorf("compose a text of %d sentences: %w", len(units), ErrUncommon)
		}
	}
	for i, t := range templates {
		units[i] = unit{l.fill(rng, t.text, &heir), t.gap}
	}
	out.Text = join(units)
	return out, nil
}

// unlike exchanges units until the text is none that customers have in common,
// as the donor's was none, if that can be had.
func (l *language) unlike(rng *rand.Rand, units []unit, heir *Heir) (exchanged int, common bool) {
	const tries = 6
	own := slices.Clone(units)
	for range tries {
		copy(units, own)
		exchanged = l.exchange(rng, units, heir)
		if common = l.wholes[join(units)].isCommon(); !common {
			break
		}
	}
	return exchanged, common
}

// exchange puts common templates in the place of those that are not, and of
// half of the others; it gives back how many, or 0 when one was not found.
func (l *language) exchange(rng *rand.Rand, units []unit, heir *Heir) int {
	n, odd := 0, make([]bool, len(units))
	for i, u := range units {
		if odd[i] = !l.units[u.text].isCommon() || !fillable(u.text) || !heir.fits(u.text); odd[i] {
			n++
		}
	}
	for _, i := range rng.Perm(len(units)) {
		if n >= (len(units)+1)/2 {
			break
		}
		if !odd[i] {
			odd[i] = true
			n++
		}
	}
	for i := range units {
		if !odd[i] {
			continue
		}
		e := l.like(rng, units, i, heir)
		if e == nil {
			return 0
		}
		units[i].text = e.template
	}
	return n
}

// like finds a common template for the place of a unit: of the same place in a
// text and a line, if there is one, beginning and end and about its length, each
// as likely as it is frequent there. Nil when there is none.
func (l *language) like(rng *rand.Rand, units []unit, i int, heir *Heir) *entry {
	at := placeOf(units, i)
	for _, inLine := range []bool{true, false} {
		var some []*entry
		sum := 0.0
		for _, e := range l.alike(units, i) {
			if n := e.stands(at, inLine); n > 0 && heir.fits(e.template) {
				some = append(some, e)
				sum += float64(n)
			}
		}
		x := rng.Float64() * sum
		for _, e := range some {
			if x -= float64(e.stands(at, inLine)); x < 0 {
				return e
			}
		}
	}
	return nil
}

// alike lists the common templates about as long as a unit and of the same
// beginning and end.
func (l *language) alike(units []unit, i int) []*entry {
	text := units[i].text
	from, _ := slices.BinarySearchFunc(l.common, len(text)/2, func(e *entry, n int) int { return len(e.template) - n })
	var out []*entry
	for _, e := range l.common[from:] {
		if len(e.template) > 2*len(text)+10 {
			break
		}
		if ending(e.template) == ending(text) && (l.twice || !slices.ContainsFunc(units, func(u unit) bool { return u.text == e.template })) {
			out = append(out, e)
		}
	}
	return out
}

// ending tells a question from a statement, a list from a line.
func ending(text string) string {
	end := text[len(text)-1:]
	if !strings.Contains(".!?,:", end) {
		end = ""
	}
	if begin := text[:1]; strings.Contains("->*•", begin) {
		end += begin
	}
	return end
}

// fill writes a template out.
func (l *language) fill(rng *rand.Rand, template string, heir *Heir) string {
	e, number := l.units[template], -1
	return places.ReplaceAllStringFunc(template, func(p string) string {
		switch name := p[1 : len(p)-1]; strings.ToLower(name) {
		case "first":
			return caseLike(name, heir.First)
		case "last":
			return caseLike(name, heir.Last)
		default:
			if own := heir.own(name); own != "" {
				return caseLike(name, own)
			}
		}
		number++
		if e != nil && number < len(e.values) && len(e.values[number]) > 1 {
			return mixed(rng, e.values[number])
		}
		n := 1
		if _, err := fmt.Sscanf(p, "{#%d}", &n); err != nil {
			return ""
		}
		return digits(rng, min(n, 40))
	})
}

// mixed takes the beginning of one number and the end of another, so that years
// stay years; one and two digits are nobody's.
func mixed(rng *rand.Rand, values []string) string {
	a, b := values[rng.IntN(len(values))], values[rng.IntN(len(values))]
	if len(a) < 3 || len(a) != len(b) {
		return a
	}
	return a[:len(a)-2] + b[len(b)-2:]
}

func digits(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789"[rng.IntN(10)]
	}
	if b[0] == '0' && n > 1 {
		b[0] = "123456789"[rng.IntN(9)]
	}
	return string(b)
}

// Share tells of sampled texts how many could be composed, and how many became
// texts that customers have who were not texts that customers have.
func (b *Book) Share(rng *rand.Rand) (composed, becameCommon float64) {
	done, common := 0, 0
	for _, p := range b.probes {
		c, err := b.Compose(rng, p.who, p.text, Heir{persona.Identity{First: "Kim", Last: "Lee"}, p.who.Own})
		if err != nil {
			continue
		}
		done++
		if c.Common && c.Exchanged > 0 {
			common++
		}
	}
	n := float64(max(len(b.probes), 1))
	return float64(done) / n, float64(common) / n
}

// Whole gives a text that customers have in common in the place of one that
// cannot be composed: one of the same language, about as long. There is none
// where customers have no text in common.
func (b *Book) Whole(rng *rand.Rand, donor Writer, text string, heir Heir) (Composed, bool) {
	const choice = 8
	l := b.languages[languageOf(&donor.Person)]
	if l == nil {
		return Composed{}, false
	}
	shared := slices.DeleteFunc(slices.Clone(l.shared), func(e *entry) bool { return !heir.fits(e.template) })
	if len(shared) == 0 {
		return Composed{}, false
	}
	at, _ := slices.BinarySearchFunc(shared, len(text), func(e *entry, n int) int { return len(e.template) - n })
	from := max(min(at-choice/2, len(shared)-choice), 0)
	near := shared[from:min(from+choice, len(shared))]
	e := near[rng.IntN(len(near))]
	units := split(e.template)
	for i, u := range units {
		units[i].text = l.fill(rng, u.text, &heir)
	}
	return Composed{Text: join(units), Exchanged: len(units), Common: true}, true
}
