package incident_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

// paragraphs reads a file of the corpus, without what is said of it.
func paragraphs(t *testing.T, name, between string) (out []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	must(t, err)
	var kept []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	for part := range strings.SplitSeq(strings.Join(kept, ""), between) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// speech makes contacts of pitches, each time with other names and numbers.
type speech struct {
	rng      *rand.Rand
	everyday []string
	words    []string // that a transcript has in place of what it did not understand
}

func newSpeech(t *testing.T, seed uint64) (*speech, []string) {
	t.Helper()
	pitches := paragraphs(t, "pitches.txt", "\n\n")
	return &speech{rand.New(rand.NewPCG(seed, 1)), paragraphs(t, "everyday.txt", "\n"), strings.Fields(strings.Join(pitches, " "))}, pitches
}

func (s *speech) pick(list ...string) string { return list[s.rng.IntN(len(list))] }

// fill gives a pitch as it is made to one person.
func (s *speech) fill(pitch string) string {
	return strings.NewReplacer(
		"{name}", s.pick("Dana Whitfield", "Mr Okafor", "Renée O'Brien", "Frau Lindqvist", "Tom", "Señora Ibáñez"),
		"{number}", fmt.Sprintf("0%d %d", 100+s.rng.IntN(900), 1000000+s.rng.IntN(9000000)),
		"{ticket}", fmt.Sprintf("%d-%d", 1000+s.rng.IntN(9000), s.rng.IntN(100)),
		"{sum}", fmt.Sprintf("%d,%d %s", s.rng.IntN(900), 10+s.rng.IntN(90), s.pick("euros", "pounds", "dollars")),
		"{url}", fmt.Sprintf("https://x%d.example/%x", s.rng.IntN(1000), s.rng.Uint32()),
	).Replace(pitch)
}

// mail is a pitch between a greeting and what stands below mails.
func (s *speech) mail(pitch string) *canary.Contact {
	lines := strings.Split(s.fill(pitch), "\n")
	text := []string{s.pick("Dear customer,", "Hello Dana,", "Guten Tag,", "Good morning Mr Okafor,"), "", strings.Join(lines, " "), ""}
	for range 1 + s.rng.IntN(3) {
		text = append(text, s.pick(s.everyday...))
	}
	kind, body := "plain", strings.Join(text, "\r\n")
	if s.rng.IntN(2) == 0 {
		kind, body = "html", `<html><body style="margin:0"><p>`+strings.Join(text, "</p><p>")+"</p></body></html>"
	}
	head := "From: sam@example.org\r\nSubject: " + s.pick("Your account", "Important", "Re: your request") + "\r\nContent-Type: text/" + kind + "; charset=utf-8\r\n\r\n"
	return &canary.Contact{Channel: canary.IMAP, Raw: []byte(head + body + "\r\n")}
}

// sms is the shorter half of it and more, without a greeting.
func (s *speech) sms(pitch string) *canary.Contact {
	lines := strings.Split(s.fill(pitch), "\n")
	return &canary.Contact{Channel: canary.SMS, Text: strings.Join(lines[:(len(lines)+2)/2], " ")}
}

// transcript is what a program understands of it: without marks, each eighth word wrong,
// with what is said between.
func (s *speech) transcript(pitch string) *canary.Contact {
	var out []string
	for word := range strings.FieldsSeq(strings.ToLower(s.fill(pitch))) {
		word = strings.Trim(word, ".,!?")
		switch s.rng.IntN(32) {
		case 0:
			continue
		case 1, 2, 3:
			word = strings.ToLower(s.pick(s.words...))
		case 4:
			out = append(out, s.pick("um", "so", "well", "äh", "please"))
		}
		out = append(out, word)
	}
	return &canary.Contact{Channel: canary.Voice, Text: s.pick("hello is this dana ", "yes hello ", "guten tag ") + strings.Join(out, " ")}
}

// likeness is how often contacts are known to be one author's, of how many.
type likeness struct{ told, sure, of int }

func (l *likeness) add(n, of int) {
	l.of++
	if n >= incident.FewestRuns {
		l.told++
	}
	if n >= incident.EnoughRuns(of) {
		l.sure++
	}
}

func (l *likeness) percent() (told, sure float64) {
	return 100 * float64(l.told) / float64(l.of), 100 * float64(l.sure) / float64(l.of)
}

// TestLikenessOnACorpus: what one author says is known again on other ways, and what
// different ones say is not, whatever stands below their mails. Both error rates are
// logged; the bounds leave room for another seed.
func TestLikenessOnACorpus(t *testing.T) {
	t.Parallel()
	s, pitches := newSpeech(t, 7)
	makers := map[string]func(string) *canary.Contact{"mail": s.mail, "text": s.sms, "call": s.transcript}
	for _, pair := range []struct {
		a, b            string
		known, mistaken float64 // percent, of one author at least and of two at most
	}{
		{"mail", "mail", 99, 3}, {"mail", "text", 97, .5}, {"mail", "call", 94, .5}, {"text", "text", 99, .5}, {"text", "call", 88, .5}, {"call", "call", 84, .5},
	} {
		var same, other likeness
		for range 40 {
			for i, pitch := range pitches {
				x := makers[pair.a](pitch)
				same.add(incident.InCommon(t.Context(), x, makers[pair.b](pitch)))
				other.add(incident.InCommon(t.Context(), x, makers[pair.b](pitches[(i+1+s.rng.IntN(len(pitches)-1))%len(pitches)])))
			}
		}
		joins, known := same.percent()
		joined, mistaken := other.percent()
		t.Logf("%s and %s, %d pairs each: one author known again %.1f %% (as a report %.1f), two taken for one %.2f %% (%.2f)", pair.a, pair.b, same.of, known, joins, mistaken, joined)
		if known < pair.known || mistaken > pair.mistaken {
			t.Errorf("%s and %s: want at least %v %% known again and at most %v %% mistaken", pair.a, pair.b, pair.known, pair.mistaken)
		}
	}
}
