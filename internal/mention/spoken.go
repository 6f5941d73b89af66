package mention

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"unicode"
)

// Spoken writes a text as a transcript would have been written by somebody who
// uses digits and signs: "four seven, double one" is 4711, "dana dot w at
// example dot net" an address. Digits that follow one another are joined where one was a word. It is
// empty where the text holds no word for a digit.
func Spoken(text string) string {
	s := speech{words: numerals(), signs: signs()}
	found := false
	for text != "" {
		word, gap, rest := nextWord(text)
		if s.say(strings.ToLower(word), word) {
			found = true
		}
		s.gap(gap)
		text = rest
	}
	s.flush()
	if !found {
		return ""
	}
	return string(s.out)
}

// nextWord cuts a text behind its first word and what is no word after it.
func nextWord(text string) (word, gap, rest string) {
	end := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	if end < 0 {
		return text, "", ""
	}
	next := strings.IndexFunc(text[end:], func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
	if next < 0 {
		return text[:end], text[end:], ""
	}
	return text[:end], text[end : end+next], text[end+next:]
}

// speech is a text on its way.
type speech struct {
	words  map[string]string
	signs  map[string]string
	out    []byte
	number []byte // digits said in a row
	raw    []byte // the same as they were written
	worded bool   // one of them was a word
	tens   bool   // number ends in tens, to which a unit may come: "forty seven"
	times  int    // how often the next digit stands: "double"
	wait   string // what stood behind the last word
}

// say takes a word in and reports whether it stands for something else.
func (s *speech) say(word, written string) bool {
	if n := times(word); n > 0 {
		s.times, s.worded = n, true
		return true
	}
	if digits, known := s.digits(word); known {
		s.raw = append(s.raw, written...)
		s.worded = s.worded || !isDigit(word[0])
		s.join(word, digits)
		return s.worded
	}
	if zeros := zeros(word); zeros != "" && len(s.number) > 0 {
		s.number = append(s.number, zeros...)
		s.tens, s.worded = false, true
		return true
	}
	s.flush()
	s.times = 0
	if sign := s.signs[word]; sign != "" {
		s.wait = sign
		return true
	}
	s.out = append(s.out, written...)
	return false
}

// times is how often the digit behind a word stands.
func times(word string) int {
	switch word {
	case "double", "doppel", "doppelt", "zweimal":
		return 2
	case "triple", "treble", "dreimal":
		return 3
	}
	return 0
}

func zeros(word string) string {
	switch word {
	case "hundred", "hundert":
		return "00"
	case "thousand", "tausend":
		return "000"
	}
	return ""
}

// digits reads a word for a number, or digits. "Oh" is one only among others.
func (s *speech) digits(word string) (string, bool) {
	if digits, known := s.words[word]; known {
		return digits, word != "o" && word != "oh" || len(s.number) > 0 || s.times > 0
	}
	if word != "" && !strings.ContainsFunc(word, func(c rune) bool { return c < '0' || c > '9' }) {
		return word, true
	}
	unit, tens, ok := strings.Cut(word, "und") // siebenundvierzig
	if u, t := s.words[unit], s.words[tens]; ok && len(u) == 1 && len(t) == 2 && t[1] == '0' {
		return t[:1] + u, true
	}
	return "", false
}

// join sets the digits of a word behind those that were said before.
func (s *speech) join(word, digits string) {
	if n := len(s.number); s.tens && len(digits) == 1 && digits != "0" && s.times == 0 {
		s.number[n-1] = digits[0]
		s.tens = false
		return
	}
	s.tens = len(digits) == 2 && digits[1] == '0' && digits[0] > '1' && !isDigit(word[0])
	if s.times > 1 && len(digits) == 1 {
		digits = strings.Repeat(digits, s.times)
	}
	s.times = 0
	s.number = append(s.number, digits...)
}

// gap notes what stands behind a word. A number goes on over spaces, commas
// and hyphens.
func (s *speech) gap(text string) {
	if (len(s.number) > 0 || s.times > 0) && strings.Trim(text, " ,-\t") == "" {
		s.raw = append(s.raw, text...)
		return
	}
	s.flush()
	switch {
	case s.wait == "":
		s.out = append(s.out, text...)
	case strings.TrimSpace(text) == "":
		s.out = append(bytes.TrimRight(s.out, " "), s.wait...)
	default:
		s.out = append(append(s.out, s.wait...), text...)
	}
	s.wait = ""
}

// flush writes what was said in a row: digits alone stay as they were written.
func (s *speech) flush() {
	switch {
	case len(s.number) > 0 && s.worded:
		s.out = append(append(s.out, s.number...), ' ')
	case len(s.number) > 0:
		s.out = append(s.out, s.raw...)
	}
	s.number, s.raw, s.tens, s.worded = s.number[:0], s.raw[:0], false, false
}

// signs are the words for what stands in addresses and numbers.
func signs() map[string]string {
	return map[string]string{
		"at": "@", "ät": "@", "dot": ".", "point": ".", "punkt": ".", "punto": ".", "dash": "-", "hyphen": "-", "minus": "-",
		"bindestrich": "-", "strich": "-", "underscore": "_", "unterstrich": "_", "plus": "+", "slash": "/", "schrägstrich": "/",
	}
}

// numerals are the words for numbers that are said in a row.
func numerals() map[string]string {
	out := map[string]string{}
	for _, list := range []string{
		"zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
		"null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
		"zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
		"cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
	} {
		for n, word := range strings.Fields(list) {
			out[word] = strconv.Itoa(n)
		}
	}
	for i, list := range []string{"twenty zwanzig", "thirty dreißig dreissig", "forty vierzig", "fifty fünfzig fuenfzig", "sixty sechzig", "seventy siebzig", "eighty achtzig", "ninety neunzig"} {
		for word := range strings.FieldsSeq(list) {
			out[word] = strconv.Itoa(10 * (i + 2))
		}
	}
	maps.Copy(out, map[string]string{
		"oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "ein": "1", "eine": "1", "zwo": "2", "fuenf": "5", "zwoelf": "12", "fuenfzehn": "15",
	})
	return out
}
