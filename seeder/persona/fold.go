package persona

import "strings"

// umlaut is how German vowels with dots are written in ASCII.
type umlaut int

const (
	umlautE     umlaut = iota + 1 // ü is ue
	umlautPlain                   // ü is u
)

// fold brings a name to lower-case ASCII letters as they stand in local parts.
// Letters that have no Latin base are left out, so a name in another script
// comes out empty.
func fold(name string, u umlaut) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case u == umlautE && (r == 'ä' || r == 'ö' || r == 'ü'):
			b.WriteString(base(r) + "e")
		default:
			b.WriteString(base(r))
		}
	}
	return b.String()
}

// base gives the ASCII letters of a Latin letter (Latin-1, Latin Extended-A),
// nothing for all else.
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
	const letters = "aàáâãäåāăą cçćĉċč dďđð eèéêëēĕėęě gĝğġģ hĥħ iìíîïĩīĭįı jĵ kķ lĺļľŀł nñńņňŋ oòóôõöøōŏő rŕŗř sśŝşšș tţťŧț uùúûüũūŭůűų wŵ yýÿŷ zźżž"
	for family := range strings.FieldsSeq(letters) {
		if strings.ContainsRune(family[1:], r) {
			return family[:1]
		}
	}
	return ""
}
