package deskkit

import (
	"embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

//go:embed data
var data embed.FS

// errWords is a fault of this package's own data.
var errWords = errors.New("unreadable line of texts")

// words are the sentences of data/texts.txt by "what language".
type words map[string][]string

func readWords() (words, error) {
	text, err := data.ReadFile("data/texts.txt")
	if err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	w := words{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.SplitN(line, " ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%w: %q", errWords, line)
		}
		key := parts[0] + " " + parts[1]
		w[key] = append(w[key], parts[2])
	}
	return w, nil
}

// pick takes a sentence of the language, or of English.
func (w words) pick(r *rand.Rand, what, language string) string {
	list := w[what+" "+language]
	if len(list) == 0 {
		list = w[what+" en"]
	}
	return list[r.IntN(len(list))]
}

// message is what a customer writes: paragraphs, one a line. Some quote their
// own number or address, which copies of the message carry along.
func (w words) message(r *rand.Rand, p *person, mail, phone string) string {
	lines := []string{w.pick(r, "hello", p.Language), w.pick(r, "ask", p.Language)}
	if phone != "" && r.IntN(100) < 8 {
		lines = append(lines, strings.ReplaceAll(w.pick(r, "call", p.Language), "{phone}", phone))
	}
	if r.IntN(100) < 6 {
		lines = append(lines, strings.ReplaceAll(w.pick(r, "write", p.Language), "{mail}", mail))
	}
	return strings.Join(append(lines, w.pick(r, "bye", p.Language), p.name()), "\n")
}

// answer is what an agent writes.
func (w words) answer(r *rand.Rand, p *person, a agent) string {
	dear := strings.NewReplacer("{first}", p.FirstName, "{last}", p.LastName).Replace(w.pick(r, "dear", p.Language))
	return strings.Join([]string{dear, w.pick(r, "answer", p.Language), w.pick(r, "bye", p.Language), a.first + " " + a.last}, "\n")
}
