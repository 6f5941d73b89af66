package conf

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/inventory"
	"saltmine/internal/token"
)

const (
	maxMailboxesFile = 64 << 20 // bytes of a mailboxes file
	imapPort         = "993"    // RFC 8314 §3.2
)

// Landing is where mail is taken in: what a forwarding address is judged by.
type Landing struct {
	Domains []string                        // owned domains
	Accept  func(local, domain string) bool // the blind acceptance rule
}

// Mailboxes reads a file of provider mailboxes and seed addresses, a strict
// TOML file with a table [[mailbox]] for each:
//
//	[[mailbox]]
//	address = "d.whitfield81@mail.example"
//	kind = "mailbox"                  # or "seed"; default mailbox
//	provider = "mail.example"         # default: the address's domain
//	name = "Dana Whitfield"           # the person whom the address fits
//	locale = "en-GB"
//	country = "GB"                    # default: the locale's
//	added = 2026-08-01                # default: when it is first read
//	soak = "30d"                      # default: soak in [pool]
//	expires = 2027-08-01
//	imap = { host = "imap.mail.example:993", user = "d.whitfield81", secret_file = "whitfield.secret" }
//
//	[[mailbox]]
//	address = "j.doe@corp.example"
//	kind = "seed"
//	owner = "J. Doe"
//	consent = "signed on 2026-08-01, folder 12"
//	forward_to = "in7@example.net"
//
// What arrives must be read, by IMAP over TLS or because it is forwarded to an
// address of our own: one for each, which the mail ear accepts. Where the
// provider wants OAuth 2.0, token_file takes the place of secret_file: somebody
// else keeps a valid access token in it. Relative secret and token files start in
// the file's folder and are read once, to see that they can be.
// operator is the domain from which the provider itself writes about the account.
// Every fault is reported with its line, without the address, and then no item
// comes back.
func Mailboxes(path string, l Landing) ([]inventory.Item, error) {
	m, err := readMailboxes(path, l)
	if err != nil {
		return nil, err
	}
	if len(m.book.faults) == 0 && len(m.items) == 0 {
		m.book.add("", "no [[mailbox]] in it")
	}
	if err := m.book.err(); err != nil {
		return nil, err
	}
	return m.items, nil
}

// mailboxFiles are the files that a mailboxes file names, whatever else it says.
func mailboxFiles(path string) ([]NamedFile, error) {
	m, err := readMailboxes(path, Landing{})
	if err != nil {
		return nil, err
	}
	return m.book.named, nil
}

func readMailboxes(path string, l Landing) (*mailboxes, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("mailboxes file: %w", err)
	}
	data, err := readBounded(abs, maxMailboxesFile)
	if err != nil {
		return nil, fmt.Errorf("mailboxes file: %w", err)
	}
	m := &mailboxes{book: newBook(path, data), Landing: l, taken: map[string]string{}}
	if top := m.book.top(filepath.Dir(abs), data); top != nil {
		for _, t := range top.subs("mailbox") {
			m.read(t)
		}
		top.finish()
	}
	return m, nil
}

// mailboxes is a mailboxes file being read.
type mailboxes struct {
	Landing
	book  *book
	taken map[string]string // keys by the address that stands there
	items []inventory.Item
}

func (m *mailboxes) read(t *table) {
	i := inventory.Item{Kind: inventory.Mailbox}
	kind := string(i.Kind)
	t.text("address", &i.Text)
	t.text("kind", &kind)
	t.text("provider", &i.Provider)
	t.text("name", &i.Name)
	t.text("owner", &i.Owner)
	t.text("consent", &i.Consent)
	t.text("locale", &i.Locale)
	t.text("country", &i.Country)
	t.text("forward_to", &i.Reading.ForwardTo)
	t.date("added", &i.Added)
	t.date("expires", &i.Expires)
	soak := time.Duration(-1)
	t.duration("soak", &soak)
	m.imap(t.sub("imap"), &i.Reading)
	t.finish()
	k := &checks{}
	if i.Kind = inventory.Kind(kind); i.Kind != inventory.Mailbox && i.Kind != inventory.Seed {
		k.kind(t.path, kind, string(inventory.Mailbox), string(inventory.Seed))
		i.Kind = inventory.Mailbox
	}
	switch {
	case soak == 0:
		k.bad(t.key("soak"), "%w", errNoSoak)
	case soak > 0:
		i.Soak = soak
	}
	m.canon(&i)
	for _, f := range slices.Concat(i.Faults(), m.Faults(&i)) {
		k.bad(t.key(f.Field), "%w", f.Err)
	}
	m.once(k, t.key("address"), i.Text)
	m.once(k, t.key("forward_to"), i.Reading.ForwardTo)
	m.book.addAll(k.found)
	m.items = append(m.items, i)
}

// imap reads the table, and the secret once.
func (m *mailboxes) imap(t *table, into *inventory.Reading) {
	if t == nil {
		return
	}
	t.text("host", &into.Host)
	t.text("user", &into.User)
	t.file("secret_file", &into.SecretFile)
	t.file("token_file", &into.TokenFile)
	t.text("operator", &into.Operator)
	t.finish()
	if _, _, err := net.SplitHostPort(into.Host); err != nil && into.Host != "" {
		into.Host += ":" + imapPort
	}
	loadSecret(m.book, t.key("secret_file"), into.SecretFile)
	loadSecret(m.book, t.key("token_file"), into.TokenFile)
}

// canon brings the texts to canonical form where they have one, and fills in
// the provider.
func (m *mailboxes) canon(i *inventory.Item) {
	if canon, err := inventory.Canon(i.Kind, i.Text); err == nil {
		i.Text = canon
	}
	if canon, err := token.Canon(canary.Email, i.Reading.ForwardTo); err == nil {
		i.Reading.ForwardTo = canon
	}
	if _, domain, err := token.SplitEmail(i.Text); err == nil && i.Provider == "" {
		i.Provider = domain
	}
}

// Faults judges an item by where mail is taken in: an address of its own may
// not be on an owned domain, where addresses are minted, and a forwarding
// address must be one that the mail ear takes. The item is in canonical form.
func (l Landing) Faults(i *inventory.Item) []*inventory.Fault {
	var out []*inventory.Fault
	if _, domain, err := token.SplitEmail(i.Text); err == nil && slices.Contains(l.Domains, domain) {
		out = append(out, &inventory.Fault{Field: "address", Err: fmt.Errorf("is on %s, which is in domains of [pool]: addresses there are minted", domain)})
	}
	local, domain, err := token.SplitEmail(i.Reading.ForwardTo)
	switch {
	case err != nil: // none, or reported by the item's own faults
	case !slices.Contains(l.Domains, domain):
		out = append(out, &inventory.Fault{Field: "forward_to", Err: errors.New("is not on one of the domains of [pool]: nobody would hear what arrives")})
	case l.Accept != nil && !l.Accept(local, domain):
		out = append(out, &inventory.Fault{Field: "forward_to", Err: fmt.Errorf("the mail ear does not take this name on %s%s", domain, l.another(local, domain))})
	}
	return out
}

// another finds a name that the mail ear takes.
func (l Landing) another(local, domain string) string {
	for n := 2; n < 10_000; n++ {
		if name := fmt.Sprintf("%s%d", local, n); l.Accept(name, domain) {
			return fmt.Sprintf("; it takes %q", name)
		}
	}
	return ""
}

// once refuses an address that an earlier table has; what is none is reported
// as that.
func (m *mailboxes) once(k *checks, key, address string) {
	if !strings.Contains(address, "@") {
		return
	}
	if first, taken := m.taken[address]; taken {
		k.bad(key, "is that of %s too", first)
		return
	}
	m.taken[address] = key
}

var errDate = errors.New("want a date such as 2027-03-01")

// date reads a TOML date, or a time, whose day counts.
func (t *table) date(key string, into *time.Time) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	at, ok := v.(time.Time)
	if !ok || at.Location().String() == "time-local" {
		t.book.addErr(t.key(key), errDate)
		return
	}
	y, month, day := at.Date()
	*into = time.Date(y, month, day, 0, 0, 0, 0, time.UTC)
}
