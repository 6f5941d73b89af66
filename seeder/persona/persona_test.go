package persona_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/token"
	"saltmine/seeder/persona"
)

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// sample is a small town: three countries, several styles.
func sample() []persona.Person {
	names := map[string][2][]string{
		"US": {{"James", "Mary", "Robert", "Linda", "Dana", "Kevin"}, {"Smith", "Johnson", "Whitfield", "O'Hara", "Garcia", "Lee"}},
		"DE": {{"Jürgen", "Anke", "Björn", "Ute", "Sönke", "Heike"}, {"Müller", "Schröder", "Weiß", "Krüger", "Jäger", "Kuhn"}},
		"JP": {{"健", "美咲", "蓮"}, {"佐藤", "鈴木", "高橋"}},
	}
	var out []persona.Person
	r := rng(9)
	for _, country := range []string{"DE", "JP", "US"} {
		for i := range 120 {
			first, last := names[country][0][r.IntN(len(names[country][0]))], names[country][1][r.IntN(len(names[country][1]))]
			f, l := ascii(first), ascii(last)
			local := []string{f + "." + l, f[:1] + l + fmt.Sprint(10+i%90), f + "_" + l, "night" + fmt.Sprint(i) + "owl", l + f}[i%5]
			if country == "JP" {
				local = "user" + fmt.Sprint(1000+i)
			}
			phone := map[string]string{"US": "+1 (212) 555-%04d", "DE": "+49 30 901 %04d", "JP": "+81-3-5550-%04d"}[country]
			out = append(out, persona.Person{First: first, Last: last, Email: fmt.Sprintf("%s@real%d.test", local, i%7), Phone: fmt.Sprintf(phone, i), Country: country, Language: strings.ToLower(country)})
		}
	}
	return out
}

func ascii(s string) string {
	out := strings.NewReplacer("ü", "ue", "ö", "oe", "ä", "ae", "ß", "ss", "'", "").Replace(strings.ToLower(s))
	if out[0] > 'z' {
		return "xx"
	}
	return out
}

func mix(t interface{ Fatal(...any) }) *persona.Mix {
	m, err := persona.Learn(sample())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestIdentityInvariants(t *testing.T) {
	t.Parallel()
	people, m := sample(), mix(t)
	known := map[string]bool{}
	firsts, lasts := map[string]bool{}, map[string]bool{}
	locals := map[string]bool{}
	for _, p := range people {
		known[p.Email] = true
		locals[p.Email[:strings.Index(p.Email, "@")]] = true
		firsts[p.Country+p.First], lasts[p.Country+p.Last] = true, true
	}
	rule, err := token.NewRule([]byte("0123456789abcdef"), 64)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		donor := people[rapid.IntRange(0, len(people)-1).Draw(t, "donor")]
		seed := rapid.Uint64().Draw(t, "seed")
		pool := persona.Pool{Domains: []string{"example.net", "example.org"}, Accept: rule.Passes}
		id, err := m.Identity(rng(seed), donor, pool)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Identity(rng(seed), donor, pool)
		if err != nil || again != id {
			t.Fatalf("not deterministic: %v", err)
		}
		canon, err := token.Canon("email", id.Email())
		if err != nil || canon != id.Email() || !rule.Passes(id.Local, id.Domain) || known[id.Email()] {
			t.Fatalf("address of %d bytes: %v", len(id.Email()), err)
		}
		if strings.ContainsAny(id.Local, "0123456789") && locals[id.Local] {
			t.Fatal("a local part with digits is that of a customer")
		}
		if !firsts[donor.Country+id.First] || !lasts[donor.Country+id.Last] {
			t.Fatal("a name of another country")
		}
		further, err := m.Address(rng(seed), persona.Person{First: id.First, Last: id.Last, Country: donor.Country}, pool)
		if err != nil || further.First != id.First || !rule.Passes(further.Local, further.Domain) {
			t.Fatalf("further address: %v", err)
		}
	})
}

// The rule must not shift the mix of styles: those drawn under it are
// distributed as those drawn without.
func TestRuleKeepsStyles(t *testing.T) {
	t.Parallel()
	m := mix(t)
	rule, err := token.NewRule([]byte("fedcba9876543210"), 64)
	if err != nil {
		t.Fatal(err)
	}
	donor := persona.Person{First: "Mary", Last: "Lee", Country: "US"}
	dots := func(accept func(string, string) bool) float64 {
		n := 0
		var domains []string
		for i := range 40 {
			domains = append(domains, fmt.Sprintf("d%d.example", i))
		}
		r := rng(3)
		for range 2000 {
			id, err := m.Identity(r, donor, persona.Pool{Domains: domains, Accept: accept})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(id.Local, ".") {
				n++
			}
		}
		return float64(n) / 2000
	}
	free, ruled := dots(func(string, string) bool { return true }), dots(rule.Passes)
	if free < 0.1 || ruled < free-0.06 || ruled > free+0.06 {
		t.Errorf("first.last is %.3f of all, %.3f under the rule", free, ruled)
	}
}

// Somebody whose name stays gets a further address in the styles of the table,
// also in those in which a name has one address at a domain.
func TestRuleKeepsStylesOfFurtherAddresses(t *testing.T) {
	t.Parallel()
	m := mix(t)
	rule, err := token.NewRule([]byte("fedcba9876543210"), 64)
	if err != nil {
		t.Fatal(err)
	}
	var domains []string
	for i := range 300 {
		domains = append(domains, fmt.Sprintf("d%d.example", i))
	}
	r, plain := rng(5), 0
	for range 300 {
		id, err := m.Address(r, persona.Person{First: "Mary", Last: "Lee", Country: "US"}, persona.Pool{Domains: domains, Accept: rule.Passes})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Trim(id.Local, "abcdefghijklmnopqrstuvwxyz._") == "" {
			plain++
		}
	}
	if plain < 130 { // of 180
		t.Errorf("%d of 300 addresses are without digits, 180 of the table's", plain)
	}
}

// Placebos are different, of the sample none.
func TestIdentitiesDiffer(t *testing.T) {
	t.Parallel()
	m := mix(t)
	pool := persona.Pool{Domains: []string{"x.test"}, Accept: every(3)}
	some, err := m.Identities(rng(1), sample()[250], pool, 99)
	seen := map[string]bool{}
	for _, id := range some {
		seen[id.Email()] = true
	}
	if err != nil || len(seen) != 99 {
		t.Errorf("%d different of 99: %v", len(seen), err)
	}
}

// Where nearly all addresses of a few people are in use, those that are left
// come with the error, and a wider group has more.
func TestIdentitiesRunDry(t *testing.T) {
	t.Parallel()
	people := sample()
	for i := range 60 { // a country whose people all have one name and one style
		people = append(people, persona.Person{First: "Jan", Last: "Berg", Email: fmt.Sprintf("jan.berg@d%d.test", i), Country: "XX", Salutation: "Mr"})
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	who := people[len(people)-1]
	pool := persona.Pool{Domains: []string{"x.test"}, Accept: every(3)}
	some, err := m.Identities(rng(1), who, pool, 99)
	if !errors.Is(err, persona.ErrVariety) || len(some) > 50 {
		t.Fatalf("%d of one name: %v", len(some), err)
	}
	for who.Widen() {
		some, err = m.Identities(rng(2), who, pool, 99)
	}
	if err != nil || len(some) != 99 {
		t.Errorf("%d of all: %v", len(some), err)
	}
}

func TestIdentityFails(t *testing.T) {
	t.Parallel()
	if _, err := persona.Learn(sample()[:5]); !errors.Is(err, persona.ErrSample) {
		t.Errorf("five people: %v", err)
	}
	never := func(string, string) bool { return false }
	for name, pool := range map[string]persona.Pool{"no domain": {Accept: never}, "nothing passes": {Domains: []string{"x.test"}, Accept: never}} {
		if _, err := mix(t).Identity(rng(1), sample()[0], pool); !errors.Is(err, persona.ErrVariety) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := mix(t).Address(rng(1), sample()[0], pool); !errors.Is(err, persona.ErrVariety) {
			t.Errorf("%s: address: %v", name, err)
		}
	}
}

func TestFullNames(t *testing.T) {
	t.Parallel()
	var people []persona.Person
	for i, p := range sample() {
		q := persona.Person{Full: p.First + " " + p.Last, Email: p.Email, Country: p.Country}
		if i%2 == 0 {
			q.Full = strings.ToUpper(p.Last + ", " + p.First)
		}
		people = append(people, q)
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	pool := persona.Pool{Domains: []string{"x.test"}, Accept: func(string, string) bool { return true }}
	for _, p := range people[240:260] {
		id, err := m.Identity(rng(2), p, pool)
		if err != nil {
			t.Fatal(err)
		}
		comma := strings.Contains(p.Full, ", ")
		if strings.Contains(id.Full, ", ") != comma || comma && id.Full != strings.ToUpper(id.Full) || strings.EqualFold(id.Full, p.Full) {
			t.Errorf("%q is written like %q", id.Full, p.Full)
		}
	}
}

func TestFormatPhone(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"+1 (212) 555-0100", "+13105550199", "+1 (310) 555-0199"},
		{"(212) 555-0100", "+13105550199", "(310) 555-0199"},
		{"1-212-555-0100", "+13105550199", "1-310-555-0199"},
		{"212.555.0100x12", "+13105550199", "310.555.0199"},
		{"+44 20 7946 0018", "+442079460999", "+44 20 7946 0999"},
		{"020 7946 0018", "+442079460999", "020 7946 0999"},
		{"+44 (0)20 7946 0018", "+442079460999", "+44 (0)20 7946 0999"},
		{"0044 20 7946 0018", "+442079460999", "0044 20 7946 0999"},
		{"0171 1234567", "+49301234", "0301 234"},
		{"0171/123", "+4930123456", "0301/23456"},
		{"06 1234 5678", "+390612345678", "06 1234 5678"},
		{"+49 30 901", "+13105550199", "+1 31 0555"}, // grows below
		{"", "+13105550199", "+13105550199"},
	} {
		want := c[2]
		if c[0] == "+49 30 901" {
			want = "+1 31 0555" + "0199"
		}
		if got := persona.FormatPhone(c[0], c[1]); got != want {
			t.Errorf("%q like %q: %q, wanted %q", c[1], c[0], got, want)
		}
	}
}

// Whatever the donor's form, an international one spells the number itself.
func TestFormatPhoneKeepsTheNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := "+" + rapid.StringMatching(`[1-9][0-9]{7,13}`).Draw(t, "number")
		like := rapid.StringMatching(`(\+|00)?[0-9][0-9 ()./-]{0,20}`).Draw(t, "like")
		got := persona.FormatPhone(like, number)
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, got)
		code := persona.CallingCode(number[1:])
		if !strings.HasSuffix(digits, number[1+len(code):]) {
			t.Fatalf("%q like %q lost digits: %q", number, like, got)
		}
		if strings.HasPrefix(like, "+") && !strings.Contains(like, "(0)") {
			if canon, err := token.Canon("phone", got); err != nil || canon != number {
				t.Fatalf("%q like %q: %q", number, like, got)
			}
		}
	})
}

func TestCallingCode(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{"12125550100": "1", "442079460018": "44", "79261234567": "7", "35312345678": "353", "97212345678": "972", "21": "21"} {
		if got := persona.CallingCode(number); got != want {
			t.Errorf("%s: %s, wanted %s", number, got, want)
		}
	}
}

func TestSuits(t *testing.T) {
	t.Parallel()
	m := mix(t)
	for _, c := range []struct {
		donor  persona.Person
		number string
		want   bool
	}{
		{persona.Person{Phone: "+1 212 555 0100"}, "+13105550199", true},
		{persona.Person{Phone: "+1 212 555 0100"}, "+4930123456", false},
		{persona.Person{Phone: "030 123456", Country: "DE"}, "+4930123456", true},
		{persona.Person{Phone: "030 123456", Country: "DE"}, "+13105550199", false},
		{persona.Person{Phone: "02 9555 0100", Country: "au"}, "+61295550100", true},
		{persona.Person{Phone: "02 9555 0100", Country: "AU"}, "+33199000000", false},
		{persona.Person{Phone: "030 123456", Country: "unheard of"}, "+13105550199", true},
	} {
		if got := m.Suits(c.donor, c.number); got != c.want {
			t.Errorf("%q for %+v: %v", c.number, c.donor, got)
		}
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	donor := persona.Person{First: "Dana", Last: "Whitfield", Email: "dwhit84@real.test", Phone: "+1 212 555 0100"}
	id := persona.Identity{First: "Kevin", Last: "Lee", Full: "Kevin Lee", Local: "k.lee", Domain: "example.net"}
	s := persona.NewScrub(donor, id, "+1 310 555 0199")
	for value, want := range map[string]string{
		"DWHIT84@real.test":                     "k.lee@example.net",
		"dwhit84":                               "k.lee",
		"Dana Whitfield":                        "Kevin Lee",
		"Whitfield, Dana":                       "Lee, Kevin",
		"DANA WHITFIELD":                        "KEVIN LEE",
		"dana":                                  "Kevin",
		"2125550100":                            "2125550100",
		"1 (212) 555-0100":                      "+1 310 555 0199",
		"Dana called: Whitfield's mail is slow": "Kevin called: Lee's mail is slow",
		"mail dwhit84@real.test bounced for Dana": "mail k.lee@example.net bounced for Kevin",
		"Bandana order 2025-7":                    "Bandana order 2025-7",
		"seen from 192.168.100.200":               "seen from 192.168.100.200",
		"on 2025-11-20 10:30":                     "on 2025-11-20 10:30",
		"":                                        "",
	} {
		if got, clean := s.Text(value); value != "2125550100" && (!clean || got != want) {
			t.Errorf("%q: %q, %v; wanted %q", value, got, clean, want)
		}
	}
	for _, value := range []string{"ask sister@real.test", "call +44 20 7946 0018", "2125550100", "mobile 0171 2345678"} {
		if got, clean := s.Text(value); clean {
			t.Errorf("%q went through as %q", value, got)
		}
	}
}

// Capitals and small letters of a word are one where their pattern says so, the
// two small forms of sigma as well.
func TestScrubOfAnotherScript(t *testing.T) {
	t.Parallel()
	s := persona.NewScrub(persona.Person{First: "Γιώργος", Last: "Παππάς"}, persona.Identity{First: "Νίκος", Last: "Ρήγας"}, "")
	if got, _ := s.Text("κλήση από ΓΙΏΡΓΟΣ Παππάς"); strings.Contains(got, "Παππάς") || strings.Contains(got, "ΓΙΏΡΓΟΣ") {
		t.Errorf("a donor's name is left: %q", got)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	var uuids, codes []string
	r := rng(5)
	for i := range 60 {
		uuids = append(uuids, fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16))
		codes = append(codes, fmt.Sprintf("CU-%04d", i))
	}
	s, ok := persona.LearnShape(uuids)
	if !ok {
		t.Fatal("UUIDs have no shape")
	}
	got, err := s.Draw(r, func(text string) bool { return slices.Contains(uuids, text) })
	if err != nil || len(got) != 36 || got[14] != '4' || got[19] != 'a' || slices.Contains(uuids, got) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Draw(r, func(string) bool { return true }); !errors.Is(err, persona.ErrVariety) {
		t.Errorf("all used: %v", err)
	}
	for name, values := range map[string][]string{"few": uuids[:5], "narrow": codes, "words": slices.Repeat([]string{"two words"}, 30)} {
		if _, ok := persona.LearnShape(values); ok {
			t.Errorf("%s: a shape was learned", name)
		}
	}
}
