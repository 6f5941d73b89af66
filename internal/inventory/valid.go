package inventory

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"unicode"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Fault is what is wrong with one field of an item. The field's name is that of
// the files and flags: "address", "imap.host".
type Fault struct {
	Field string
	Err   error
}

// Error gives "FIELD: what is wrong", without the address or number.
func (f *Fault) Error() string { return f.Field + ": " + f.Err.Error() }

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Is makes every fault an [ErrInvalid].
func (f *Fault) Is(target error) bool { return target == ErrInvalid }

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	localeForm  = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`)
)

// maxText bounds a field that a person writes, in bytes.
const maxText = 200

// faults collects what is wrong.
type faults []*Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, &Fault{field, fmt.Errorf(format, args...)})
}

// Faults reports everything that is wrong with the item as it is to be added;
// none when it is well formed. Text is brought to its canonical form before.
func (i *Item) Faults() []*Fault {
	var f faults
	i.textFaults(&f)
	i.wordFaults(&f)
	i.readingFaults(&f)
	if i.Kind == Seed && i.Owner == "" {
		f.add("owner", "missing: a seed address belongs to a person who consents")
	}
	if i.Kind == Seed && i.Consent == "" {
		f.add("consent", "missing: say when the owner consented and where that is kept")
	}
	if i.Kind != Seed && (i.Owner != "" || i.Consent != "") {
		f.add("owner", "owner and consent belong to seed addresses alone")
	}
	if i.Soak < 0 {
		f.add("soak", "must be longer than nothing; give an item that has rested an earlier added date")
	}
	if i.Capacity < 0 || i.Capacity > 0 && i.Kind != Domain {
		f.add("capacity", "is for domains alone, and at least 1")
	}
	return f
}

// Validate joins the faults; nil when there are none.
func (i *Item) Validate() error {
	var all []error
	for _, f := range i.Faults() {
		all = append(all, f)
	}
	return errors.Join(all...)
}

// Canon brings the text of an item to its canonical form, or says why it is
// none: without the text, except for a domain.
func Canon(kind Kind, text string) (string, error) {
	text = strings.TrimSpace(text)
	switch kind {
	case Domain:
		canon, err := token.Domain(text)
		if err != nil || !strings.Contains(canon, ".") {
			return "", fmt.Errorf("%q is not a domain name", text)
		}
		return canon, nil
	case Mailbox, Seed:
		if strings.Contains(text, "+") {
			return "", errors.New("addresses are told apart without what follows a '+'; give one that has none")
		}
		return token.Canon(canary.Email, text)
	case Phone:
		if !strings.HasPrefix(text, "+") {
			return "", errors.New("the number has no leading '+' and country code")
		}
		return token.Canon(canary.Phone, text)
	}
	return "", fmt.Errorf("kind %q: want domain, mailbox, seed or phone", kind)
}

// field is what the files call the item's text.
func (k Kind) field() string {
	switch k {
	case Mailbox, Seed:
		return "address"
	case Phone:
		return "number"
	case Domain:
	}
	return "domain"
}

func (i *Item) textFaults(f *faults) {
	canon, err := Canon(i.Kind, i.Text)
	switch {
	case err != nil:
		*f = append(*f, &Fault{i.Kind.field(), err})
	case canon != i.Text:
		f.add(i.Kind.field(), "is not in canonical form")
	}
}

func (i *Item) wordFaults(f *faults) {
	for _, w := range []struct{ field, text string }{
		{"provider", i.Provider}, {"name", i.Name}, {"owner", i.Owner}, {"consent", i.Consent}, {"imap.user", i.Reading.User},
	} {
		if len(w.text) > maxText || strings.ContainsFunc(w.text, unicode.IsControl) {
			f.add(w.field, "want at most %d bytes of printable text", maxText)
		}
	}
	if i.Country != "" && !countryForm.MatchString(i.Country) {
		f.add("country", "%q is not a country: want two capitals, such as GB", i.Country)
	}
	if i.Locale != "" && !localeForm.MatchString(i.Locale) {
		f.add("locale", "%q is not a locale: want a form such as en-GB", i.Locale)
	}
	switch i.Line {
	case "", "mobile", "landline":
	default:
		f.add("type", "%q: want mobile or landline", i.Line)
	}
}

func (i *Item) readingFaults(f *faults) {
	r := i.Reading
	if i.Kind != Mailbox && i.Kind != Seed {
		if !r.IsZero() {
			f.add("imap", "a %s is not read this way", i.Kind)
		}
		return
	}
	switch imap := r.byIMAP(); {
	case r.IsZero():
		f.add("imap", "missing: give imap, or forward_to: else nobody hears what arrives")
	case imap && r.ForwardTo != "":
		f.add("forward_to", "imap is given too; keep one of them")
	case imap:
		r.imapFaults(f)
	default:
		if canon, err := token.Canon(canary.Email, r.ForwardTo); err != nil || canon != r.ForwardTo {
			f.add("forward_to", "is not an address in canonical form")
		}
	}
}

func (r Reading) byIMAP() bool {
	return r.Host != "" || r.User != "" || r.SecretFile != "" || r.TokenFile != ""
}

func (r Reading) imapFaults(f *faults) {
	if host, port, err := net.SplitHostPort(r.Host); err != nil || host == "" || port == "" {
		f.add("imap.host", "%q is not host:port, such as imap.example.net:993", r.Host)
	}
	if r.User == "" {
		f.add("imap.user", "missing")
	}
	if canon, err := Canon(Domain, r.Operator); r.Operator != "" && (err != nil || canon != r.Operator) {
		f.add("imap.operator", "%q is not a domain name", r.Operator)
	}
	switch {
	case r.SecretFile == "" && r.TokenFile == "":
		f.add("imap.secret_file", "missing")
	case r.SecretFile != "" && r.TokenFile != "":
		f.add("imap.token_file", "secret_file is given too; keep one of them")
	}
}
