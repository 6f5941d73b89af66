package persona

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// Splice makes a word that looks like two others, as coined names are made. It
// is not ok when nothing new comes of them.
func Splice(rng *rand.Rand, a, b string) (string, bool) {
	return splice(&dice{rng.Uint64()}, a, b)
}

// splice makes a word that looks like two others: the beginning of one and the
// end of the other, where they have letters in common ("Brandstätter" and
// "Hofstatter" give nothing, "Brandstetter" and "Hofstetten" "Brandstetten").
// Words of a script without capitals have few, meaningful letters: there one
// letter of each is enough. It is not ok when nothing new comes of them.
func splice(rng *dice, a, b string) (string, bool) {
	x, y := []rune(a), []rune(b)
	if len(x) < 2 || len(y) < 2 {
		return "", false
	}
	if strings.ToUpper(a) == strings.ToLower(a) {
		if len(x) > 4 || len(y) > 4 {
			return "", false
		}
		return differs(string(x[:len(x)/2])+string(y[len(y)/2:]), a, b)
	}
	for same := 3; same >= 1; same-- {
		from := rng.n(len(x))
		for i := range x {
			i = (i + from) % len(x)
			if i < 1 || i+same > len(x) {
				continue
			}
			if word, ok := joint(rng, x, y, i, same); ok {
				return word, true
			}
		}
	}
	return "", false
}

// joint goes on with the end of y where as many letters are the same as in x.
func joint(rng *dice, x, y []rune, i, same int) (string, bool) {
	to := rng.n(len(y))
	for j := range y {
		j = (j + to) % len(y)
		if j < 1 || j+same >= len(y) || !alike(x[i:i+same], y[j:j+same]) {
			continue
		}
		if word, ok := differs(string(x[:i])+string(y[j:]), string(x), string(y)); ok && lengthBetween(word, x, y) {
			return word, true
		}
	}
	return "", false
}

func differs(word, a, b string) (string, bool) { return word, word != a && word != b }

func lengthBetween(word string, x, y []rune) bool {
	n := len([]rune(word))
	return n >= min(len(x), len(y))-1 && n <= max(len(x), len(y))+1
}

func alike(a, b []rune) bool {
	for i := range a {
		if unicode.ToLower(a[i]) != unicode.ToLower(b[i]) {
			return false
		}
	}
	return true
}

// coin makes a name that nobody in the sample has, of the kind that rare names
// are: one of several words is put together from words of others, any other is
// spliced. It is not ok when nothing comes of the rare names at hand.
func (x *lexicon) coin(rng *dice, rare []int32, words bool) (*name, bool) {
	tries := 20
	if len(rare) < 2 {
		tries = 0
	}
	for range tries {
		a, b := x.oneOf(rng, rare), x.oneOf(rng, rare)
		var text string
		var ok bool
		if words {
			text, ok = x.compound(rng, a, rare)
		} else if !strings.ContainsAny(a+b, " -") {
			text, ok = splice(rng, a, b)
		}
		if ok && !x.has(text) {
			return new(newName(text)), true
		}
	}
	return nil, false
}

func (x *lexicon) oneOf(rng *dice, ids []int32) string {
	return x.names[ids[rng.n(len(ids))]].text
}

func (x *lexicon) has(text string) bool {
	_, found := x.ids[text]
	_, lower := x.lower[strings.ToLower(text)]
	return found || lower
}

// compound replaces the words of a name of several words by those that stand at
// the same place in another; particles in small letters stay, initials are
// drawn. It is not ok for a name of one word.
func (x *lexicon) compound(rng *dice, text string, rare []int32) (string, bool) {
	gaps := strings.FieldsFunc(text, func(r rune) bool { return r != ' ' && r != '-' })
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '-' })
	if len(words) < 2 || len(gaps) != len(words)-1 {
		return "", false
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(gaps[i-1])
		}
		word := x.wordLike(rng, w, i, rare)
		if strings.Contains(b.String(), word) {
			return "", false
		}
		b.WriteString(word)
	}
	return b.String(), true
}

// wordLike draws a word for the place of another.
func (x *lexicon) wordLike(rng *dice, word string, place int, rare []int32) string {
	letter := []rune(strings.TrimSuffix(word, "."))
	switch {
	case len(letter) == 1 && unicode.IsUpper(letter[0]) && letter[0] <= 'Z':
		const initials = "AAABBCCCDDDEEEFGGHIJJJJKLLLMMMMNOPPRRRSSSTVW"
		return string(initials[rng.n(len(initials))]) + word[len(string(letter)):]
	case habitOf(word) == typedLower:
		return word
	}
	for range 8 {
		words := strings.FieldsFunc(x.oneOf(rng, rare), func(r rune) bool { return r == ' ' || r == '-' })
		if len(words) > 1 && place < len(words) && habitOf(words[place]) != typedLower && len([]rune(words[place])) > 2 {
			return words[place]
		}
	}
	return word
}
