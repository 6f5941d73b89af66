package persona

import "strings"

// umlaut is how letters with marks are written in ASCII.
type umlaut uint8

const (
	umlautAny   umlaut = iota // the name has none
	umlautPlain               // ü is u, å is a, ø is o
	umlautE                   // ü is ue, å is aa, ø is oe
)

// fold brings a name to lower-case ASCII letters as they stand in local parts.
// Letters that have no Latin base are left out, so a name in another script
// comes out empty.
func fold(name string, u umlaut) string {
	if text, ok := foldASCII(name); ok {
		return text
	}
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case u == umlautE && strings.ContainsRune("äöüø", r):
			b.WriteString(base(r) + "e")
		case u == umlautE && r == 'å':
			b.WriteString("aa")
		case r > '~':
			b.WriteString(base(r))
		}
	}
	return b.String()
}

func foldASCII(name string) (string, bool) {
	out := make([]byte, 0, maxLocal)
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z':
			out = append(out, c)
		case c >= 'A' && c <= 'Z':
			out = append(out, c|' ')
		case c > '~':
			return "", false
		}
	}
	return string(out), true
}

// base gives the ASCII letters of a Latin letter (Latin-1, Latin Extended-A) or
// a Cyrillic one (as in passports, ICAO 9303 part 3), nothing for all else.
func base(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	}
	const letters = "aàáâãäåāăą cçćĉċč dďđð eèéêëēĕėęě gĝğġģ hĥħ iìíîïĩīĭįı jĵ kķ lĺļľŀł nñńņňŋ oòóôõöøōŏő rŕŗř sśŝşšș tţťŧț uùúûüũūŭůűų wŵ yýÿŷ zźżž" +
		" aа bб vв gгґ dд eеёэє zз iийі kк lл mм nн oо pп rр sс tт uу fф yы"
	for family := range strings.FieldsSeq(letters) {
		if strings.ContainsRune(family[1:], r) {
			return family[:1]
		}
	}
	const pairs = "zhж khх tsц chч shш shchщ iuю iaя yiї "
	if at := strings.IndexRune(pairs, r); r > '~' && at > 0 {
		return pairs[strings.LastIndexByte(pairs[:at], ' ')+1 : at]
	}
	return ""
}
