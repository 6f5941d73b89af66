package prose_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/helpdesk"
	"saltmine/seeder/persona"
	"saltmine/seeder/persona/prose"
)

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

type letter struct {
	who  persona.Person
	text string
}

// letters are texts as customers write them: what many say, and something of
// their own.
func letters(n int) []letter {
	r := rng(4)
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var out []letter
	for i := range n {
		who := persona.Person{First: pick("Dana", "Kevin", "Mary", "Robert"), Last: pick("Whitfield", "Smith", "Garcia") + pick("", "s"), Language: "en", Email: fmt.Sprintf("c%d@real.test", i)}
		lines := []string{
			pick("Hello,", "Hi,", "Dear support team,", "Good morning,"),
			pick("I cannot activate my licence.", "The update stops at "+fmt.Sprint(10+r.IntN(80))+"%.", "My computer is very slow.", "I was charged twice.", "The scan never ends.", "It does not start any more.") + " " +
				pick("Error code "+fmt.Sprint(1000+r.IntN(900))+".", "What can I do?", "Please help.", "It worked until yesterday.", "Is this known?"),
			pick("Order "+fmt.Sprint(100000+r.IntN(900000))+".", "I have tried everything.", "Call me on +44 20 7946 "+fmt.Sprintf("%04d", r.IntN(10000))+".", "My address is "+who.Email+".", fmt.Sprintf("secretword%s is what my neighbour Olga%s said.", spell(i), spell(i))),
			pick("Regards, ", "Thanks, ", "Best wishes ") + who.First + " " + who.Last,
		}
		out = append(out, letter{who, strings.Join(lines, "\n")})
	}
	return out
}

// spell writes a number in letters.
func spell(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprint(n))
}

func book(all []letter) *prose.Book {
	b := prose.NewBook()
	for i, l := range all {
		b.Add(fmt.Sprint(i), prose.Writer{Person: l.who}, l.text)
	}
	b.Finish()
	return b
}

// Nothing that is somebody's own comes out, names are the canary's, and the
// text is like the donor's in lines and length, but not the donor's.
func TestCompose(t *testing.T) {
	t.Parallel()
	all := letters(3000)
	b, id := book(all), persona.Identity{First: "Zoe", Last: "Quill", Local: "zq", Domain: "x.test"}
	failed, longer := 0, 0.0
	for i := 0; i < len(all); i += 3 {
		l := all[i]
		got, err := b.Compose(rng(uint64(i)), prose.Writer{Person: l.who}, l.text, prose.Heir{Identity: id})
		if errors.Is(err, prose.ErrUncommon) {
			failed++
			continue
		}
		for _, word := range []string{"secretword", "olga", "real.test", "7946", strings.ToLower(l.who.First), strings.ToLower(l.who.Last), "{"} {
			if strings.Contains(strings.ToLower(got.Text), word) {
				t.Fatalf("%q is in the text", word)
			}
		}
		if at := strings.Index(l.text, "Order "); at >= 0 && strings.Contains(got.Text, l.text[at:at+12]) {
			t.Fatal("the donor's order is in the text")
		}
		if got.Text == l.text || strings.Count(got.Text, "\n") != strings.Count(l.text, "\n") || !strings.HasSuffix(got.Text, "Zoe Quill") {
			t.Fatalf("of %q became %q", l.text, got.Text)
		}
		longer += float64(len(got.Text)) / float64(len(l.text))
	}
	if mean := longer / float64(1000-failed); failed > 30 || mean < 0.8 || mean > 1.1 {
		t.Errorf("%d of 1000 failed, %.2f of the length", failed, mean)
	}
	composed, common := b.Share(rng(1))
	t.Logf("%.3f could be composed, %.3f became common", composed, common)
	if composed < 0.95 || common > 0.1 {
		t.Errorf("%.3f could be composed, %.3f became common", composed, common)
	}
}

// Subjects of a help desk: those that many have stay, with other numbers.
func TestComposeSubjects(t *testing.T) {
	t.Parallel()
	desk, err := helpdesk.New(helpdesk.Config{Customers: 4000, Tickets: 6000, Seed: 5, From: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	people := map[int64]persona.Person{}
	for c := range desk.Customers() {
		people[c.ID] = persona.Person{First: c.FirstName, Last: c.LastName, Language: c.Language, Country: c.Country}
	}
	b := prose.NewBook()
	var tickets []helpdesk.Ticket
	count := map[string]int{}
	for k := range desk.Tickets() {
		tickets = append(tickets, k)
		count[k.Subject]++
		b.Add(fmt.Sprint(k.CustomerID), prose.Writer{Person: people[k.CustomerID]}, k.Subject)
	}
	b.Finish()
	failed, had, have := 0, 0, 0
	for i, k := range tickets[:2000] {
		got, err := b.Compose(rng(uint64(i)), prose.Writer{Person: people[k.CustomerID]}, k.Subject, prose.Heir{Identity: persona.Identity{First: "Kim", Last: "Lee"}})
		if err != nil {
			failed++
			continue
		}
		if count[k.Subject] > 1 {
			had++
		}
		if count[got.Text] > 0 {
			have++
		}
	}
	t.Logf("%d of 2000 failed; %d had a subject that others have, of the canaries %d", failed, had, have)
	if failed > 100 || have > had+160 || have < had-160 {
		t.Errorf("%d of 2000 failed; %d had a subject that others have, of the canaries %d", failed, had, have)
	}
}

func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	all := letters(300)
	b, id := book(all), persona.Identity{First: "Zoe", Last: "Quill"}
	for name, c := range map[string]letter{
		"a language unheard of": {persona.Person{Language: "eo"}, all[0].text},
		"nothing like it":       {all[0].who, "- What?"},
		"a book":                {all[0].who, strings.Repeat("Please help.\n", 100)},
	} {
		if got, err := b.Compose(rng(1), prose.Writer{Person: c.who}, c.text, prose.Heir{Identity: id}); !errors.Is(err, prose.ErrUncommon) {
			t.Errorf("%s: %q, %v", name, got.Text, err)
		}
	}
	if got, err := b.Compose(rng(1), prose.Writer{Person: all[0].who}, "", prose.Heir{Identity: id}); err != nil || got.Text != "" {
		t.Errorf("no text became %q, %v", got.Text, err)
	}
}

// Whatever is learned, what few wrote is forgotten before memory grows, and
// what many wrote is not.
func TestForgets(t *testing.T) {
	t.Parallel()
	b := prose.NewBook()
	who := persona.Person{First: "Dana", Last: "Whitfield", Language: "en"}
	for i := range 40_000 {
		text := fmt.Sprintf("Sentence %s alone.", strings.Repeat(string(rune('a'+i%26)), 1+i%7)+fmt.Sprintf("%x", i))
		if i%1000 == 0 {
			text = "Many say this."
		}
		b.Add(fmt.Sprint(i), prose.Writer{Person: who}, text)
	}
	b.Finish()
	if got, err := b.Compose(rng(1), prose.Writer{Person: who}, "Many say this.", prose.Heir{}); err != nil || got.Text != "Many say this." {
		t.Errorf("%q, %v", got.Text, err)
	}
}

// Who has one product does not write of another, and what few write of each many
// write of theirs.
func TestComposeOwn(t *testing.T) {
	t.Parallel()
	b := prose.NewBook()
	products := []string{"Home", "Premium", "Office 365", "Mobile"}
	ask := []string{"I cannot install %s.", "When does %s end?", "%s is slow since Monday.", "Please help me with %s."}
	who := func(i int) prose.Writer {
		return prose.Writer{Person: persona.Person{First: "Dana", Last: fmt.Sprint("Whit", i), Country: "GB"}, Own: []string{products[i%4]}}
	}
	text := func(i int) string { return "Hello, it is urgent.\n" + fmt.Sprintf(ask[i/4%4], products[i%4]) }
	for i := range 96 {
		b.Add(fmt.Sprint(i), who(i), text(i))
	}
	b.Finish()
	kim := persona.Identity{First: "Kim", Last: "Lee"}
	for i := range 24 {
		got, err := b.Compose(rng(uint64(i)), who(i), text(i), prose.Heir{Identity: kim, Own: []string{"Family"}})
		if err != nil || !strings.Contains(got.Text, "Family") || strings.Contains(got.Text, "{") {
			t.Errorf("composed %q, %v", got.Text, err)
		}
		if got, err = b.Compose(rng(uint64(i)), who(i), text(i), prose.Heir{Identity: kim}); err == nil && strings.Contains(got.Text, "{") {
			t.Errorf("composed %q for one who has nothing", got.Text)
		}
	}
}

// A sentence that another one always follows in its line ends no line.
func TestComposeLines(t *testing.T) {
	t.Parallel()
	b := prose.NewBook()
	who := persona.Person{First: "Dana", Last: "Whitfield", Country: "GB"}
	hello, bye := []string{"Hello", "Hi all"}, []string{"Thanks", "Regards"}
	goes, ends := []string{"It is slow today.", "It was quick once."}, []string{"Please do help me.", "What is to be done.", "This went on a week."}
	for i := range 120 {
		line := goes[i%2] + " " + ends[i/2%3]
		if i%3 == 0 {
			line = ends[i/3%3]
		}
		b.Add(fmt.Sprint(i), prose.Writer{Person: who}, hello[i%4%2]+"\n"+line+fmt.Sprintf("\nNote %c%c\n", 'a'+rune(i%26), 'a'+rune(i/26))+bye[i%2])
	}
	b.Finish()
	for i := range 60 {
		got, err := b.Compose(rng(uint64(i)), prose.Writer{Person: who}, hello[i%2]+"\n"+ends[i%3]+"\n"+bye[i%2], prose.Heir{Identity: persona.Identity{First: "Kim", Last: "Lee"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range goes {
			if strings.Contains(got.Text, g+"\n") {
				t.Errorf("composed %q", got.Text)
			}
		}
	}
}

func FuzzCompose(f *testing.F) {
	b, who := book(letters(200)), persona.Person{First: "Dana", Last: "İx", Language: "en"}
	f.Add("Hello,\n\nI cannot activate my licence. {First} {#99999}\r\nRegards, Dana")
	f.Add("\xff. . .\n- İx İX")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := b.Compose(rng(1), prose.Writer{Person: who}, text, prose.Heir{Identity: persona.Identity{First: "Zoe", Last: "Quill"}})
		if err == nil && strings.TrimSpace(text) != "" && slices.Contains([]string{"", text}, got.Text) && got.Exchanged > 0 {
			t.Errorf("%q became %q", text, got.Text)
		}
	})
}
