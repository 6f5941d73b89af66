package seeder

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// regions remembers which country the spellings of a table mean, in the codes
// of pool items.
type regions struct {
	codes map[string]string // by the table's spelling
	names map[string]string // codes of countries by their names in small letters
}

// of gives the ISO 3166-1 alpha-2 code of a country as a table has it: a code of
// two or three letters or three digits, or a name in English or in the country's
// own language. It is empty where that says nothing.
func (r *regions) of(country string) string {
	code, known := r.codes[country]
	if !known {
		if r.codes == nil {
			r.codes, r.names = map[string]string{}, regionNames()
		}
		code = r.named(country)
		r.codes[country] = code
	}
	return code
}

// abroad reports whether two countries are known, the first by its code, and
// not the same.
func (r *regions) abroad(code, country string) bool {
	there := r.of(country)
	return code != "" && there != "" && !strings.EqualFold(code, there)
}

func (r *regions) named(country string) string {
	country = strings.TrimSpace(country)
	const code = 3 // letters or digits at most
	if len(country) <= code {
		region, err := language.ParseRegion(country)
		if err != nil || !region.IsCountry() {
			return ""
		}
		return region.Canonicalize().String()
	}
	return r.names[strings.ToLower(country)]
}

func regionNames() map[string]string {
	out := map[string]string{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !region.IsCountry() || region.String() != region.Canonicalize().String() {
				continue
			}
			own, _ := language.Compose(region)
			base, _ := own.Base()
			for _, in := range []language.Tag{language.English, language.Make(base.String())} {
				if namer := display.Regions(in); namer != nil {
					out[strings.ToLower(namer.Name(region))] = region.String()
				}
			}
		}
	}
	return out
}
