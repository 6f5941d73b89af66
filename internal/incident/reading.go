package incident

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/mailtext"
	"saltmine/internal/mention"
)

// reading is what a contact says, ready to be compared with a record.
type reading struct {
	words map[string]bool // plain words
	order []string        // the same in the order in which they were said
	text  string          // all of it
	mail  mailtext.Mail   // what was read of a mail
}

const (
	glanced = 64 << 10 // bytes of a contact that are read before its page
	maxSaid = 8 << 20  // bytes of text that are searched
	maxTold = 1 << 20  // bytes of it that are compared with a record
)

// glance is what is read of a contact before its page: the beginning. Bounded by
// size, and not by time, it says the same however busy the machine is.
func (in *Intake) glance(ctx context.Context, c *canary.Contact) (r reading) {
	in.carefully(ctx, c, func() { r = read(ctx, c, glanced) })
	return r
}

// carefully runs what reads a stranger's text. Where it breaks off, that is
// logged and no more: a process that ended of it would meet the contact again.
func (in *Intake) carefully(ctx context.Context, c *canary.Contact, fn func()) {
	defer func() {
		if v := recover(); v != nil { // what it says may show what a stranger wrote
			in.cfg.Log.ErrorContext(ctx, "what a contact says could not be read", "contact", c.ID, "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	fn()
}

// words are what the ear understood as text.
func words(c *canary.Contact) string {
	return strings.TrimSpace(c.Text + "\n" + c.Facts["caller_name"])
}

// read takes the words out of a contact: the text the ear understood, and for
// mail the subject and body, of at most so many bytes; digits that are said as
// words are digits as well. What cannot be read says nothing; the raw bytes stay
// the evidence.
func read(ctx context.Context, c *canary.Contact, most int) reading {
	var r reading
	said := words(c)
	if c.Channel == canary.SMTP || c.Channel == canary.IMAP {
		message := c.Raw
		if c.Channel == canary.SMTP {
			message, _ = dialogue.Message(c.Raw)
		}
		if most < maxSaid {
			message = message[:min(len(message), most)]
		}
		r.mail, _ = mailtext.Parse(ctx, message, mailtext.Limits{Bytes: most}) // what could be read is good even beside an error
		const subject = "\nSubject: "                                          // a number in it is a ticket's
		said += subject + strings.Join(append([]string{r.mail.Subject}, r.mail.Attached...), subject) + "\n" + r.mail.Text
	}
	r.text, r.words = mention.Fold(said[:min(len(said), most)]), map[string]bool{}
	r.hear(r.text[:min(len(r.text), maxTold)])
	return r
}

// hear adds the words of a text.
func (r *reading) hear(text string) {
	list := wordsOf(text + "\n" + mention.Spoken(text))
	for _, word := range list {
		r.words[word] = true
	}
	r.order = append(r.order, list...)
}

// wordsOf splits a text at everything that is neither letter nor digit. Words
// are lower-case without accents, so that "Renée O’Brien" is said by "Renee
// O'Brien" too: people and transcripts leave accents out, and apostrophes are
// also quotation marks.
func wordsOf(text string) []string {
	return strings.FieldsFunc(unaccent(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// Latin letters with accents, and below each the letter that it is written on.
const (
	accented = "àáâãäåāăąçćĉċčďđèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľłñńņňòóôõöøōŏőŕŗřśŝşšșţťŧțùúûüũūŭůűųŵýÿŷźżž"
	plain    = "aaaaaaaaacccccddeeeeeeeeegggghhiiiiiiiiijkllllnnnnooooooooorrrsssssttttuuuuuuuuuuwyyyzzz"
)

func unaccent(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return strings.ToLower(text) // most of what is said
	}
	base := map[rune]rune{}
	letters := []rune(plain)
	for i, r := range []rune(accented) {
		base[r] = letters[i]
	}
	text = strings.Map(func(r rune) rune {
		if r < 0x80 {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}
		r = unicode.ToLower(r)
		switch b := base[r]; {
		case b != 0:
			return b
		case unicode.Is(unicode.Mn, r):
			return -1 // an accent that is a character of its own
		}
		return r
	}, text)
	return strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe").Replace(text)
}

// namesPerson reports whether all words of a full name occur.
func (r reading) namesPerson(name string) bool {
	parts := wordsOf(name)
	if len(parts) < 2 {
		return false // one word alone names nobody
	}
	for _, part := range parts {
		if !r.words[part] {
			return false
		}
	}
	return true
}

// longTicket is the length from which a ticket number may be written with
// separators inside. A shorter one would be found in dates and sums.
const longTicket = 7

// namesTicket reports whether one of the ticket numbers, given in canonical
// form, occurs as a word, or a long one as several words in a row.
func (r reading) namesTicket(tickets []string) bool {
	for _, t := range tickets {
		t = strings.ToLower(t)
		if t == "" {
			continue
		}
		if r.words[t] || len(t) >= longTicket && r.spells(t) {
			return true
		}
	}
	return false
}

// spells reports whether words that follow one another make up a text.
func (r reading) spells(text string) bool {
	for i := range r.order {
		rest, ok := text, true
		for _, word := range r.order[i:] {
			if rest, ok = strings.CutPrefix(rest, word); !ok || rest == "" {
				break
			}
		}
		if ok && rest == "" {
			return true
		}
	}
	return false
}
