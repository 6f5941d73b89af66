package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

const contactsHelp = `

With --contacts FILE contacts are traced that no ear of ours heard: mail that a partner
passed on, numbers that customers say were quoted. FILE is CSV with a heading, or JSON lines,
"-" for standard input, with
  token    an address, a telephone number, a ticket number, or a token's id
  at       when, in RFC 3339
  channel  smtp, imap, voice, sms, ticket or dump; without it, what the token is says it
  kind     email, phone or ticket, where that is not plain
  source   who it came from: an address, a number; contacts of one source count as such
  content  what was said; or names_person, cites_ticket
They are weighed as an ear's would be, alone or with those of --incident, and nothing of
them is filed. To file: 'saltmine scan FILE' takes what stands in a file as a dump, 'saltmine
ticket NUMBER' a number that was quoted. What is no contact with a planted token is counted and
told with its line: a time that is none, a token that is not known, one that stood in no row
yet. That tells which addresses are canaries, so it takes the role forensics, a second person
where one has to approve, and is on the evidence log before FILE is looked up.`

// heardLine is one contact of a list.
type heardLine struct {
	line int

	Token   string `json:"token"`
	TokenID string `json:"token_id"` // another name for it, so is time
	At      string `json:"at"`
	Time    string `json:"time"`
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	Source  string `json:"source"`
	Content string `json:"content"`
}

// lineFault is why a line is not traced. It does not show what stands there.
type lineFault struct {
	Line  int    `json:"line"`
	Fault string `json:"fault"`
}

// contactList is what was read of a list.
type contactList struct {
	all    []heardLine
	faults []lineFault
	passed []string // columns that say nothing of a contact
}

// mostListed bounds a list.
const mostListed = 100_000

func (l *contactList) add(c heardLine) error {
	if len(l.all)+len(l.faults) >= mostListed {
		return fmt.Errorf("more than %d contacts: trace them in parts", mostListed)
	}
	c.Token, c.At = strings.TrimSpace(cmp.Or(c.Token, c.TokenID)), strings.TrimSpace(cmp.Or(c.At, c.Time))
	l.all = append(l.all, c)
	return nil
}

func (l *contactList) fault(line int, format string, args ...any) {
	l.faults = append(l.faults, lineFault{line, fmt.Sprintf(format, args...)})
}

// readContacts reads a list of contacts, CSV or JSON lines.
func readContacts(in io.Reader) (*contactList, error) {
	rest, first, err := fromStart(in)
	if err != nil {
		return nil, err
	}
	var l contactList
	if first == '{' {
		return &l, l.readJSON(rest)
	}
	return &l, l.readCSV(rest)
}

func (l *contactList) readJSON(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		c := heardLine{line: n}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil { // which may show what stands there
			l.fault(n, "it is no JSON object with texts in token, at, channel, kind, source, content")
			continue
		}
		if err := l.add(c); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("after %d contacts: %w", len(l.all), err)
	}
	return nil
}

func (l *contactList) readCSV(in io.Reader) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	at, err := l.heading(r)
	if err != nil {
		return err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d contacts: %w", len(l.all), err)
		}
		field := func(name string) string {
			if i, ok := at[name]; ok && i < len(record) {
				return strings.Clone(strings.TrimSpace(record[i]))
			}
			return ""
		}
		c := heardLine{Token: field("token"), TokenID: field("token_id"), At: field("at"), Time: field("time"), Channel: field("channel"), Kind: field("kind"), Source: field("source"), Content: field("content")}
		c.line, _ = r.FieldPos(0)
		if err := l.add(c); err != nil {
			return err
		}
	}
}

// heading reads where which column stands. What stands in a first line that is no heading
// is not shown.
func (l *contactList) heading(r *csv.Reader) (map[string]int, error) {
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("no heading: %w", err)
	}
	known := []string{"token", "token_id", "at", "time", "channel", "kind", "source", "content"}
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if at[name] = i; !slices.Contains(known, name) {
			l.passed = append(l.passed, strings.Clone(name))
		}
	}
	one := func(a, b string) bool {
		_, first := at[a]
		_, second := at[b]
		return first != second
	}
	if !one("token", "token_id") || !one("at", "time") {
		return nil, errors.New("line 1: want a heading with token and at, and of channel, kind, source, content what there is")
	}
	return at, nil
}

// contact is a line as an ear would have heard it, without what it reached: of which kind
// that can be comes beside it. Fault is what is wrong.
func (c *heardLine) contact(sum string, now time.Time) (k canary.Contact, kinds []canary.Kind, fault string) {
	at, err := time.Parse(time.RFC3339, c.At)
	switch {
	case c.Token == "":
		return k, nil, "it names no token"
	case c.At == "":
		return k, nil, "it has no time"
	case err != nil:
		return k, nil, "its time is none: want RFC 3339, such as 2025-03-01T09:30:00Z"
	case at.After(now):
		return k, nil, "its time has not come yet"
	}
	if kinds, fault = c.kinds(); fault != "" {
		return k, nil, fault
	}
	k = canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_list-%s-%d", sum[:32], c.line)), At: canary.Micro(at), Ear: "list", Source: c.Source, Text: c.Content,
		Facts: map[string]string{"caller": c.Source, canary.FindFile: sum},
	}
	if c.Source == "" { // nobody says that two of these are of one
		k.Peer = fmt.Sprintf("line-%d", c.line)
	}
	switch channel := canary.Channel(strings.ToLower(c.Channel)); channel {
	case canary.SMTP, canary.IMAP, canary.Voice, canary.SMS, canary.ByTicket, canary.Dump:
		k.Channel = channel
	case "": // by what it reaches
	default:
		return k, nil, "its channel is none of smtp, imap, voice, sms, ticket, dump"
	}
	return k, kinds, ""
}

// kinds are what a token can be, the likeliest first.
func (c *heardLine) kinds() ([]canary.Kind, string) {
	switch kind := canary.Kind(strings.ToLower(c.Kind)); {
	case kind == canary.Email, kind == canary.Phone, kind == canary.Ticket:
		return []canary.Kind{kind}, ""
	case kind != "":
		return nil, "its kind is none of email, phone, ticket"
	case strings.Contains(c.Token, "@"):
		return []canary.Kind{canary.Email}, ""
	}
	channel := canary.Channel(strings.ToLower(c.Channel))
	switch {
	case channel == canary.Voice, channel == canary.SMS:
		return []canary.Kind{canary.Phone}, ""
	case channel == canary.ByTicket:
		return []canary.Kind{canary.Ticket}, ""
	}
	return []canary.Kind{canary.Phone, canary.Ticket}, ""
}

// heardBy is the channel on which a token of a kind is reached.
func heardBy(kind canary.Kind) canary.Channel {
	switch kind {
	case canary.Phone:
		return canary.Voice
	case canary.Ticket:
		return canary.ByTicket
	case canary.Email:
	}
	return canary.SMTP
}
