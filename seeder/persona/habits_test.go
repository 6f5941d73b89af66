package persona_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saltmine/seeder/persona"
)

func anything(string, string) bool { return true }

// village is a sample in which first names go with salutations, digits with old
// sign-ups, styles with providers, and some names are of several words.
func village() []persona.Person {
	r := rng(12)
	var out []persona.Person
	for i := range 1200 {
		p := persona.Person{Salutation: "Ms", Country: "NL", Created: time.Date(2004, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 6*i)}
		p.First = []string{"Anna", "Eva", "Fleur", "Sanne", "Lotte", "Femke"}[r.IntN(6)]
		if r.IntN(2) == 0 {
			p.Salutation, p.First = "Mr", []string{"Daan", "Sem", "Lucas", "Bram", "Thijs", "Ruben"}[r.IntN(6)]
		}
		p.Last = []string{"Jan", "Bak", "Vis", "Mul", "Bos", "Kuip", "Post", "Kost"}[r.IntN(8)] + []string{"sen", "ker", "man", "der", "stra", "huis", "ma", "ink", "ers", "laar"}[r.IntN(10)]
		switch i % 6 {
		case 0:
			p.Last = []string{"van der ", "de ", "van den "}[r.IntN(3)] + []string{"Berg", "Vries", "Linden", "Heuvel", "Broek", "Meer", "Wal"}[r.IntN(7)] + fmt.Sprintf("%c", 'a'+r.IntN(26))
		case 1:
			p.First += fmt.Sprintf(" %c.", 'A'+r.IntN(26))
		}
		first, last := strings.ToLower(strings.Fields(p.First)[0]), strings.ToLower(strings.ReplaceAll(p.Last, " ", ""))
		domain, local := "gmail.test", first+"."+last
		if i%3 == 0 {
			domain, local = "hotmail.test", last+"_"+first
		}
		if i < 600 {
			local += fmt.Sprint(60 + r.IntN(35))
		}
		p.Email = local + "@" + domain
		if i%10 == 0 {
			p.Email = strings.ToUpper(p.Email[:1]) + p.Email[1:]
		}
		out = append(out, p)
	}
	return out
}

func TestHabits(t *testing.T) {
	t.Parallel()
	people := village()
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	women := map[string]bool{}
	for _, p := range people {
		women[strings.Fields(p.First)[0]] = p.Salutation == "Ms"
	}
	r, digits, particles, initials, capitals := rng(1), [2]int{}, 0, 0, 0
	for i, donor := range people {
		domain := donor.Email[strings.Index(donor.Email, "@")+1:]
		id, err := m.Identity(r, donor, persona.Pool{Domains: []string{domain}, Accept: anything})
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(id.First)
		if woman, known := women[words[0]]; known && woman != (donor.Salutation == "Ms") {
			t.Fatalf("%s %s", donor.Salutation, id.First)
		}
		if strings.Contains(id.Local, "_") != (domain == "hotmail.test") {
			t.Fatalf("%d bytes of local part in the style of another provider", len(id.Local))
		}
		if strings.ContainsAny(id.Local, "0123456789") {
			digits[i/600]++
		}
		if strings.HasPrefix(id.Last, "van der ") || strings.HasPrefix(id.Last, "de ") || strings.HasPrefix(id.Last, "van den ") {
			particles++
		}
		if len(words) == 2 && len(words[1]) == 2 && words[1][1] == '.' {
			initials++
		}
		if id.Written != id.Email() {
			capitals++
		}
		if !strings.EqualFold(id.Written, id.Email()) {
			t.Fatal("the address is written as another")
		}
	}
	t.Logf("digits %v, particles %d, initials %d, capitals %d", digits, particles, initials, capitals)
	if digits[0] < 500 || digits[1] > 100 || particles < 150 || particles > 280 || initials < 150 || initials > 250 || capitals < 80 || capitals > 160 {
		t.Errorf("digits %v, particles %d, initials %d, capitals %d", digits, particles, initials, capitals)
	}
}

// Long numbers are not copied: a date of birth stays a date, of any other
// number the beginning stays.
func TestLongNumbers(t *testing.T) {
	t.Parallel()
	people, seen := village(), map[string]bool{}
	for i := range people {
		local := fmt.Sprintf("%s%02d%02d%d", strings.ToLower(strings.Fields(people[i].First)[0]), 1+i%28, 1+i%12, 1950+i%50)
		people[i].Email = local + "@gmail.test"
		seen[strings.Trim(local, "abcdefghijklmnopqrstuvwxyz")] = true
	}
	m, err := persona.Learn(people)
	if err != nil {
		t.Fatal(err)
	}
	r, same := rng(1), 0
	for range 300 {
		id, err := m.Identity(r, people[5], persona.Pool{Domains: []string{"gmail.test"}, Accept: anything})
		if err != nil {
			t.Fatal(err)
		}
		born, err := time.Parse("02012006", strings.Trim(id.Local, "abcdefghijklmnopqrstuvwxyz"))
		if err != nil || born.Year() < 1950 || born.Year() > 1999 {
			t.Fatalf("%d letters end in %v, %v", len(id.Local), born, err)
		}
		if seen[born.Format("02012006")] {
			same++
		}
	}
	if same > 60 {
		t.Errorf("%d of 300 dates are those of the sample", same)
	}
}
