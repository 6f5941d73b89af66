package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
	"saltmine/internal/incident"
)

var authors atomic.Int64 // of mails

// mailRaw is a dialogue that carries one message, of an author who wrote no other.
func mailRaw(subject, text string) []byte {
	author := fmt.Sprintf("author%d@example.org", authors.Add(1))
	raw := dialogue.Append([]byte(dialogue.Magic), dialogue.Record{Kind: dialogue.Command, Bytes: []byte("DATA\r\n")})
	body := "From: " + author + "\r\nSubject: " + subject + "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n.\r\n"
	return dialogue.Append(raw, dialogue.Record{Kind: dialogue.Mail, Bytes: []byte(body)})
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	const name, number = "Dana Whitfield", "TK202500017"
	for what, c := range map[string]struct {
		channel canary.Channel
		said    string
		refused bool
		probe   bool
		placebo int
		want    canary.Severity
		clean   bool
		reason  string // a part of it
	}{
		"mail":                       {channel: canary.SMTP, said: "hello", want: canary.P2, clean: true, reason: "message from a stranger"},
		"mail that names the person": {channel: canary.SMTP, said: "Dear Dana Whitfield", want: canary.P2, clean: true},
		"mail with the ticket":       {channel: canary.SMTP, said: "your case TK-2025-00017", want: canary.P1, clean: true, reason: "by smtp quotes the ticket number"},
		"mail with both":             {channel: canary.SMTP, said: "Dear Dana Whitfield, your case TK-2025-00017", want: canary.P1, clean: true, reason: "names the customer and the ticket"},
		"mailbox":                    {channel: canary.IMAP, said: "hello", want: canary.P2, clean: true},
		"mailbox with the ticket":    {channel: canary.IMAP, said: "case TK202500017", want: canary.P1, clean: true},
		"refused mail":               {channel: canary.SMTP, refused: true, want: canary.P4, reason: "tried and refused"},
		"mail probe":                 {channel: canary.SMTP, probe: true, want: canary.P4, reason: "tested whether"},
		"call":                       {channel: canary.Voice, said: "hello, who is there?", want: canary.P4, reason: "unknown caller"},
		"call that names the person": {channel: canary.Voice, said: "am I speaking to dana whitfield", want: canary.P1, clean: true, reason: "by voice names the customer"},
		"call with the ticket":       {channel: canary.Voice, said: "about ticket TK 2025 00017", want: canary.P1, clean: true, reason: "by voice quotes"},
		"one-ring call":              {channel: canary.Voice, probe: true, want: canary.P4},
		"text message":               {channel: canary.SMS, said: "you won", want: canary.P3},
		"text message with the name": {channel: canary.SMS, said: "Hi Dana Whitfield", want: canary.P1, clean: true},
		"quoted ticket":              {channel: canary.ByTicket, said: "he was in a hurry", want: canary.P2, clean: true, reason: "quoted a ticket number"},
		"quoted ticket repeated":     {channel: canary.ByTicket, said: "TK202500017", want: canary.P2, clean: true},
		"quoted ticket with name":    {channel: canary.ByTicket, said: "said she was Dana Whitfield", want: canary.P1, clean: true, reason: "together with the customer's name"},
		"dump":                       {channel: canary.Dump, want: canary.P1, clean: true},
		"mail from a guesser":        {channel: canary.SMTP, said: "dear customer", placebo: 1, want: canary.P4, reason: "guessing"},
		"guesser who knows":          {channel: canary.SMTP, said: "Dana Whitfield TK202500017", placebo: 1, want: canary.P1, clean: true},
		"dump beside placebos":       {channel: canary.Dump, placebo: 3, want: canary.P4},
		"text from a guesser":        {channel: canary.SMS, said: "hi", placebo: 1, want: canary.P4},
	} {
		contact := canary.Contact{Channel: c.channel, Probe: c.probe, Targets: []canary.Target{{Text: "other"}, {Text: "x", Refused: c.refused}}}
		switch c.channel {
		case canary.SMTP:
			contact.Raw = mailRaw("hello", c.said)
		case canary.IMAP:
			contact.Raw = []byte("Subject: " + c.said + "\r\n\r\n.\r\n")
		default:
			contact.Text = c.said
		}
		got := incident.Weigh(t.Context(), &contact, canary.Match{Target: 1, Name: name, Tickets: []string{"48213", number}}, c.placebo)
		if got.Severity != c.want || got.Clean != c.clean || got.Reason == "" || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %+v, want %s clean=%t %q", what, got, c.want, c.clean, c.reason)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, name     string
		tickets        []string
		person, ticket bool
	}{
		{text: "hello DANA   whitfield!", name: "Dana Whitfield", person: true},
		{text: "Whitfield, Dana", name: "Dana Whitfield", person: true},
		{text: "hello Dana", name: "Dana Whitfield"},
		{text: "Danah Whitfields", name: "Dana Whitfield"},
		{text: "hello Dana", name: "Dana"},
		{text: "hello", name: ""},
		{text: "are you 'Dana Whitfield'?", name: "Dana Whitfield", person: true},
		{text: "Dana Whitfield's account", name: "Dana Whitfield", person: true},
		{text: "Dana Whitfield’s account", name: "Dana Whitfield", person: true},
		{text: "Mr Pat O’Brien", name: "Pat O'Brien", person: true},
		{text: "Mr Pat O'Brien", name: "Pat O’Brien", person: true},
		{text: "ANNE-MARIE LE GALL", name: "Anne-Marie Le Gall", person: true},
		{text: "Anne Marie Le Gall", name: "Anne-Marie Le Gall", person: true},
		{text: "Anne Le Gall", name: "Anne-Marie Le Gall"},
		{text: "Zoe Muller", name: "Zoë Müller", person: true},
		{text: "ZOE\u0308 MU\u0308LLER", name: "Zoë Müller", person: true},
		{text: "Łukasz Großmann", name: "Lukasz Grossmann", person: true},
		{text: "Søren Æbelø", name: "Soren Aebelo", person: true},
		{text: "Анна Иванова", name: "анна иванова", person: true},

		{text: "ticket 48213.", tickets: []string{"48213"}, ticket: true},
		{text: "ticket #48213", tickets: []string{"48213"}, ticket: true},
		{text: "'48213'", tickets: []string{"48213"}, ticket: true},
		{text: "pay 148213 now", tickets: []string{"48213"}},
		{text: "48 213", tickets: []string{"48213"}},
		{text: "a48213", tickets: []string{"48213"}},
		{text: "tk-2025-00017", tickets: []string{"1", "TK202500017"}, ticket: true},
		{text: "TK 2025\n00017", tickets: []string{"TK202500017"}, ticket: true},
		{text: "(TK202500017)", tickets: []string{"TK202500017"}, ticket: true},
		{text: "TK TK2025 00017", tickets: []string{"TK202500017"}, ticket: true},
		{text: "TK2025 000178", tickets: []string{"TK202500017"}},
		{text: "TK2025 0001", tickets: []string{"TK202500017"}},
		{text: "sent 2026-11-22 18:49:07", tickets: []string{"1122184"}},
		{text: "anything", tickets: []string{""}},
		{text: "", tickets: nil},
	} {
		person, ticket := incident.Names(t.Context(), c.text, c.name, c.tickets)
		if person != c.person || ticket != c.ticket {
			t.Errorf("%q names %q: %t, want %t; names %q: %t, want %t", c.text, c.name, person, c.person, c.tickets, ticket, c.ticket)
		}
	}
}

func TestNamesInMail(t *testing.T) {
	t.Parallel()
	m := canary.Match{Name: "Zoë Müller", Tickets: []string{"TK202500017"}}
	for what, raw := range map[string][]byte{
		"subject and text": mailRaw("=?utf-8?q?Zo=C3=AB_M=C3=BCller?=", "case TK-2025-00017"),
		"text alone":       mailRaw("hello", "Zoë Müller, case TK-2025-00017"),
	} {
		c := canary.Contact{Channel: canary.SMTP, Targets: []canary.Target{{}}, Raw: raw}
		if got := incident.Weigh(t.Context(), &c, m, 0); got.Severity != canary.P1 || !strings.Contains(got.Reason, "customer and the ticket") {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func TestCrowd(t *testing.T) {
	t.Parallel()
	ago := func(hours ...int) map[canary.ID]time.Time {
		out := map[canary.ID]time.Time{}
		for i, h := range hours {
			out[canary.ID(fmt.Sprint(i))] = start().Add(-time.Duration(h) * time.Hour)
		}
		return out
	}
	for _, c := range []struct {
		clean, touched []int
		want           canary.Severity
	}{
		{nil, []int{0}, canary.P4},
		{nil, []int{0, 0}, canary.P3},
		{nil, []int{0, 72}, canary.P3},
		{nil, []int{0, 73}, canary.P4},
		{[]int{0, 1}, []int{0, 1}, canary.P3},
		{[]int{0, 1, 72}, []int{0, 1, 72}, canary.P1},
		{[]int{0, 1, 73}, []int{0, 1, 73}, canary.P3},
		{[]int{0, 80, 90}, []int{0, 80, 90}, canary.P4},
		{nil, []int{0, 0, 0, 0}, canary.P3},
	} {
		if got := incident.Crowd(&canary.Standing{Clean: ago(c.clean...), Touched: ago(c.touched...)}, start()); got != c.want {
			t.Errorf("clean %v touched %v hours ago: %s, want %s", c.clean, c.touched, got, c.want)
		}
	}
}

func TestRaise(t *testing.T) {
	t.Parallel()
	inc := canary.Incident{Severity: canary.P4}
	incident.Raise(&inc, canary.P4, "")
	for _, s := range []struct {
		sev    canary.Severity
		reason string
		want   canary.Severity
	}{
		{canary.P4, "d", canary.P4}, {canary.P2, "b", canary.P2}, {canary.P3, "c", canary.P2}, {canary.P2, "b", canary.P2},
		{canary.P1, "a", canary.P1}, {canary.P2, "b2", canary.P1}, {canary.P4, "d2", canary.P1},
	} {
		if incident.Raise(&inc, s.sev, s.reason); inc.Severity != s.want {
			t.Errorf("after %s %s: %s, want %s", s.sev, s.reason, inc.Severity, s.want)
		}
	}
	if want := []string{"P1: a", "P2: b", "P2: b2", "P3: c", "P4: d", "P4: d2"}; !slices.Equal(inc.Reasons, want) {
		t.Errorf("reasons %q, want %q", inc.Reasons, want)
	}
}

func TestDeserves(t *testing.T) {
	t.Parallel()
	const p1, p2, p3, p4 = canary.P1, canary.P2, canary.P3, canary.P4
	for _, c := range []struct {
		now, limit, last, acked canary.Severity
		told, want              bool
	}{
		{now: p2, limit: p2, want: true},
		{now: p1, limit: p2, want: true},
		{now: p3, limit: p2},
		{now: p4, limit: p4, want: true},
		{now: p2, limit: p2, told: true, last: p2},
		{now: p1, limit: p2, told: true, last: p2},
		{now: p2, limit: p4, told: true, last: p3, want: true},
		{now: p1, limit: p4, told: true, last: p4, want: true},
		{now: p3, limit: p4, told: true, last: p4},
		{now: p1, limit: p1, told: true, last: p1},
		{now: p1, limit: p2, told: true, last: p2, acked: p2, want: true},
		{now: p1, limit: p2, told: true, last: p1, acked: p2},
		{now: p1, limit: p2, told: true, last: p2, acked: p1},
		{now: p2, limit: p2, told: true, last: p2, acked: p2},
		{now: p3, limit: p3, told: true, last: p4, acked: p4, want: true},
		{now: p3, limit: p2, told: true, last: p4, acked: p4},
	} {
		if got := incident.Deserves(c.now, c.limit, c.last, c.acked, c.told); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
