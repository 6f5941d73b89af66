package incident

import (
	"context"
	"strings"
	"unicode"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/mailtext"
	"saltmine/internal/token"
)

// reading is what a contact says, ready to be compared with a record.
type reading struct {
	words map[string]bool // lower-case words
	text  string          // letters and digits only, upper-case, as ticket numbers are
}

// maxSaid bounds the bytes of text that are compared.
const maxSaid = 1 << 20

// read takes the words out of a contact: the text the ear understood, and for
// mail the subject and body. What cannot be read says nothing; the raw bytes
// stay the evidence.
func read(ctx context.Context, c *canary.Contact) reading {
	said := c.Text + "\n" + c.Facts["caller_name"]
	if c.Channel == canary.SMTP || c.Channel == canary.IMAP {
		message := c.Raw
		if c.Channel == canary.SMTP {
			message, _ = dialogue.Message(c.Raw)
		}
		mail, _ := mailtext.Parse(ctx, message, mailtext.Limits{Bytes: maxSaid}) // what could be read is good even beside an error
		said += "\n" + mail.Subject + "\n" + mail.Text
	}
	if len(said) > maxSaid {
		said = said[:maxSaid]
	}
	r := reading{words: map[string]bool{}}
	for _, word := range strings.FieldsFunc(strings.ToLower(said), notWord) {
		r.words[word] = true
	}
	r.text = strings.Map(func(x rune) rune {
		if x < 0x80 && (unicode.IsLetter(x) || unicode.IsDigit(x)) {
			return unicode.ToUpper(x)
		}
		return -1
	}, said)
	return r
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }

// namesPerson reports whether all words of a full name occur.
func (r reading) namesPerson(name string) bool {
	parts := strings.FieldsFunc(strings.ToLower(name), notWord)
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

// namesTicket reports whether one of the ticket numbers occurs. A short number
// must stand as a word of its own, a long one may be written with separators.
func (r reading) namesTicket(tickets []string) bool {
	for _, t := range tickets {
		if r.words[strings.ToLower(t)] || len(t) >= 7 && strings.Contains(r.text, t) {
			return true
		}
		if canon, err := token.Canon(canary.Ticket, t); err == nil && r.words[strings.ToLower(canon)] {
			return true
		}
	}
	return false
}
