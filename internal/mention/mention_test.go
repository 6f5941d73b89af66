package mention_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/internal/mention"
	"saltmine/internal/token"
)

func found(text string, kind canary.Kind, canon string) bool {
	return slices.Contains(mention.In(text)[kind], canon)
}

func TestEmails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"dana.w@bücher.example", "Write to <Dana.W+News@BÜCHER.example>.", "dana.w@xn--bcher-kva.example", "mailto:dana.w@bücher.example?subject=x",
		"dana.w%40b%C3%BCcher.example", "dana.w%2Bnews%40xn--bcher-kva.example&x=1", "dana.w%2540xn--bcher-kva.example", "to=dana.w@bücher.example;",
		"ｄａｎａ．ｗ＠ｂücher．example", "dana.w&#64;b&uuml;cher.example", "dana.w [at] bücher [dot] example", "dana.w (AT) bücher (punkt) example", "dana.w @ bücher.example",
		"'dana.w@bücher.example'", "dana.w@bücher.example.Please call", "dana.w@bücher.example.", "dana dot w at bücher dot example", "Dana punkt W ät bücher punkt example",
		"da\u00adna.w@bücher\u200b.example", `"dana.w@bücher.example"`, "sam@x.example,dana.w@bücher.example", "x@y@dana.w@bücher.example", "電話dana.w@xn--bcher-kva.exampleへ",
	} {
		if !found(text, canary.Email, "dana.w@xn--bcher-kva.example") {
			t.Errorf("%q: found %q", text, mention.In(text)[canary.Email])
		}
	}
	for _, text := range []string{"", "@", "dana.w@", "@bücher.example", "dana.w at the bücher", "dana.wx@bücher.example", "dana.w@bücher.examples"} {
		if found(text, canary.Email, "dana.w@xn--bcher-kva.example") {
			t.Errorf("%q: found", text)
		}
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	for canon, texts := range map[string][]string{
		"4711": {
			"[Ticket#4711] your request", "Re: [Example #4711] x", "Ticket 4711", "ticket number is 4711.", "AW: WG: 4711", "case no. 47-11", "Fall Nr. 4711", "#4711",
			"my ticket is four seven one one", "Ticket: vier sieben eins eins", "ticket forty-seven eleven", "Ticket siebenundvierzig elf", "ticket four seven double one",
			"TICKET ４７１１", "Vorgang ٤٧١١", "ticket 4 7 1 1",
		},
		"471122":     {"Re: 4711-22", "Subject: AW: 4711/22", "ticket four seven one one dash two two", "request forty seven eleven twenty-two", "ticket 4711 22"},
		"TK20250042": {"TK-2025-0042", "about tk20250042 please", "TK/2025.0042", "ticket T K 2025 0042", "[TK-2025-0042]", "ticket TK two zero two five, zero zero four two", "see TK‐2025‐0042", "TK%2D2025%2D0042"},
		"20250042":   {"it is 20250042", "2025-0042", "number twenty twenty-five zero zero forty-two"},
	} {
		for _, text := range texts {
			if !found(text, canary.Ticket, canon) {
				t.Errorf("%q in %q: found %q", canon, text, mention.In(text)[canary.Ticket])
			}
		}
	}
	for canon, texts := range map[string][]string{
		"4711":     {"we sold 4711 bottles of 4711", "on 47/11 at 4 to 711", "ticket 47112", "47 11"},
		"20250042": {"in 2025 we had 0042"},
	} {
		for _, text := range texts {
			if found(text, canary.Ticket, canon) {
				t.Errorf("%q in %q: found", canon, text)
			}
		}
	}
}

func TestPhones(t *testing.T) {
	t.Parallel()
	for canon, texts := range map[string][]string{
		"+491711234567": {
			"+49 (0)171 1234567", "+49(0)171/1234567", "+49 171 123 45 67", "0049-171-1234567", "0171 1234567", "0171/123 45 67", "(0171) 1234567", "0171.123.45.67", "0171-1234567",
			"tel:+491711234567", "491711234567", "011 49 171 1234567", "+４９　１７１　１２３４５６７", "٠١٧١ ١٢٣٤٥٦٧", "Call 0171 1234567 or 0172 7654321", "+ 49 171 1234567", "(+49) 171 1234567",
			"oh one seven one, one two three four five six seven", "null eins sieben eins eins zwei drei vier fünf sechs sieben", "zero one seven one one two three, four five, six seven",
			"plus four nine one seven one one two three four five six seven", "%2B49%20171%201234567", "0171\u00a01234567", "0171‑1234567",
		},
		"+14155550142":  {"(415) 555-0142", "415-555-0142", "1-415-555-0142", "+1 415 555 0142", "four one five, triple five, oh one four two", "415.555.0142"},
		"+442079460018": {"020 7946 0018", "0044 (20) 7946-0018", "oh two oh seven nine four six double oh one eight", "+44 (0)20 7946 0018", "(020) 79460018"},
		"+390612345678": {"06 1234 5678", "+39 06 12345678"},
	} {
		for _, text := range texts {
			if !found(text, canary.Phone, canon) {
				t.Errorf("%q in %q: not found, but %q", canon, text, mention.In(text)[canary.Phone])
			}
		}
	}
	for _, text := range []string{"", "0171 123456", "0171 12345678", "x01711234567", "0171 123 and 4567", "0171\n1234567"} {
		if found(text, canary.Phone, "+491711234567") {
			t.Errorf("%q: found", text)
		}
	}
}

// TestAnySpelling writes random tokens into prose in random spellings.
func TestAnySpelling(t *testing.T) {
	t.Parallel()
	english := strings.Fields("zero one two three four five six seven eight nine")
	german := strings.Fields("null eins zwei drei vier fünf sechs sieben acht neun")
	rapid.Check(t, func(t *rapid.T) {
		national := rapid.StringMatching(`[1-9][0-9]{8,9}`).Draw(t, "national")
		words := rapid.SampledFrom([][]string{english, german, nil, nil}).Draw(t, "words")
		var said []string
		text := rapid.SampledFrom([]string{"+49", "0049", "+49 (0)", "0"}).Draw(t, "prefix")
		if words != nil {
			for _, d := range "0" + national {
				said = append(said, words[d-'0'])
			}
			text = strings.Join(said, rapid.SampledFrom([]string{" ", ", ", "-"}).Draw(t, "between"))
		} else {
			for i, d := range national {
				if i > 0 && i%3 == 0 {
					text += rapid.SampledFrom([]string{" ", ".", "-", "/", "", " / "}).Draw(t, "sign")
				}
				text += string(d)
			}
		}
		text = rapid.SampledFrom([]string{"", "Please call me: ", "Bitte unter (", "ruf an,\n"}).Draw(t, "before") + text + rapid.SampledFrom([]string{"", ".", " today", ")"}).Draw(t, "after")
		if !found(text, canary.Phone, "+49"+national) {
			t.Fatalf("%q: not found, but %q", text, mention.In(text)[canary.Phone])
		}
	})
}

// TestBombs feeds what is made to hurt: the work stays linear in the text, and
// the candidates bounded.
func TestBombs(t *testing.T) {
	t.Parallel()
	const size = 1 << 17
	for _, unit := range []string{
		"@", "a@b.", "a@b.c.d.e ", "ä@ä.ö", "1", "1 ", "1-", "+1", "(", "#", "ticket 1", "#1-2-3-4-5-6 ", "a1b2c3-", "%41", "%25", "&amp;", "&", "one ", "double ", "oh ", "at ", "dot ",
		"[at]", "[", " @ ", "\uFF11", "\u0661", "0171 123 45 67 ", "TK-2025-0042 ", "\xff", " ", "\n", "forty ", "hundred ", "1 hundred ",
	} {
		text := strings.Repeat(unit, size/len(unit))
		start := time.Now()
		c := mention.In(text)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%q: took %v", unit, took)
		}
		if len(c[canary.Email]) > 1000 || len(c[canary.Ticket]) > 4000 || len(c[canary.Phone]) > 20_000 {
			t.Errorf("%q: %d addresses, %d tickets, %d numbers", unit, len(c[canary.Email]), len(c[canary.Ticket]), len(c[canary.Phone]))
		}
	}
}

func FuzzIn(f *testing.F) {
	for _, s := range []string{
		"Re: [Ticket#4711] dana+x@b\u00fccher.example", "+49 (0)171/123 45 67 or (415) 555-0142", "ticket four seven double one dash two two", "dana%2Bx%40example.net &#64; %zz%",
		"\uFF54\uFF4B\uFF0D\uFF12 \u0664\u0667", "oh one seven one, triple five at example dot net", "a@b@c\xff@d..e.", "hundert siebenundvierzig elf plus",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind, list := range mention.In(text) {
			for _, canon := range list {
				if again, err := token.Canon(kind, canon); err != nil || again != canon {
					t.Errorf("%s %q is %q, %v in canonical form", kind, canon, again, err)
				}
			}
		}
		if folded := mention.Fold(text); mention.Fold(folded) != folded {
			t.Errorf("folded twice it is not the same: %q", text)
		}
	})
}

func TestTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"ticket ": true, "[Ticket#": true, "#": true, "Re: [example.net #": true, `{"ticket_id":"`: true, "Case No. ": true, "Vorgang Nr. ": true,
		"": false, "(": false, "tickets\n": false, "the ticket was closed on the day of ": false, "x;": false,
	} {
		if got := mention.Told(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
