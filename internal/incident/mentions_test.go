package incident_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
)

// letter is a mail with a header and a body to an address that is no token.
func (w *world) letter(head, body string) canary.Contact {
	c := w.mail("collector@example.net")
	c.Raw = dialogue.Append([]byte(dialogue.Magic), dialogue.Record{Kind: dialogue.Mail, Bytes: []byte(head + "\r\n" + body + "\r\n.\r\n")})
	return c
}

// TestCollectedMail: a mail to an address that gathers what others forward is a
// hit on the canary that its header or its envelope names, and the page says how
// that is known.
func TestCollectedMail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, head, source string
		want               canary.Severity // 0: no incident
		reason             string
	}{
		{"delivered", "Delivered-To: Dana.Whitfield1@example.net\r\n", "", canary.P2, "(Delivered-To); a header can be forged"},
		{"the last of several", "Delivered-To: collector@example.net\r\nDelivered-To: dana.whitfield1@example.net\r\n", "", canary.P2, "(Delivered-To)"},
		{"postfix", "X-Original-To: dana.whitfield1@example.net\r\n", "", canary.P2, "(X-Original-To)"},
		{"gmail's fields", "X-Forwarded-To: collector@example.net\r\nX-Forwarded-For: dana.whitfield1@example.net collector@example.net\r\n", "", canary.P2, "(X-Forwarded-For)"},
		{"exim", "Envelope-to: dana.whitfield1@example.net\r\n", "", canary.P2, "(Envelope-To)"},
		{"received", "Received: from a by b with ESMTP id 1\r\n for <dana.whitfield1+x@example.net>; Mon, 2 Mar 2026\r\n", "", canary.P2, "(Received)"},
		{"sent on by hand", "Resent-To: Dana <dana.whitfield1@example.net>\r\n", "", canary.P2, "(Resent-To)"},
		{"a notice", "Original-Recipient: rfc822;dana.whitfield1@example.net\r\n", "", canary.P2, "(Original-Recipient)"},
		{"gmail's envelope", "", "dana.whitfield1+caf_=collector=example.net@example.net", canary.P2, "envelope's sender"},
		{"addressee", "To: Dana <dana.whitfield1@example.net>\r\n", "", canary.P3, "(To, Cc)"},
		{"copy", "To: x@example.org\r\nCc: dana.whitfield1@example.net\r\n", "", canary.P3, "(To, Cc)"},
		{"both", "Delivered-To: dana.whitfield1@example.net\r\nTo: dana.whitfield1@example.net\r\n", "", canary.P2, "(Delivered-To)"},
		{"a placebo beside it", "Delivered-To: dana.whitfield1@example.net\r\nTo: tom.placebo1@example.net\r\n", "", canary.P4, "guessing"},
		{"nobody", "Delivered-To: nobody@example.net\r\nTo: x@example.net\r\n", "", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", 1, 2)
			c := w.letter(tt.head, "hello")
			if tt.source != "" {
				c.Source = tt.source
			}
			w.take(c)
			if tt.want == 0 {
				if list := w.incidents(); len(list) > 0 {
					t.Errorf("%+v", list)
				}
				return
			}
			w.want(tt.want, 1, 1, 0)
			if got := strings.Join(w.only().Reasons, "\n"); !strings.Contains(got, tt.reason) {
				t.Errorf("reasons %q, want one with %q", got, tt.reason)
			}
			if strings.Contains(strings.ToLower(fmt.Sprint(w.only().Reasons)), "whitfield") {
				t.Error("the reasons show the canary")
			}
			if got, err := w.reg.Contact(t.Context(), c.ID); err != nil || len(got.Targets) != 1 {
				t.Errorf("filed with %v, %v: what was found must not be written into the evidence", got.Targets, err)
			}
		})
	}
}

// TestForwarderIsNoOrigin: what a forwarder passes on comes from whoever wrote
// it. One who hits a placebo through it makes no guessers of the others.
func TestForwarderIsNoOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	guess, honest := w.mail(placebo(1)), w.mail(address(1))
	guess.Peer, honest.Peer = "192.0.2.9:1", "192.0.2.9:2"
	guess.Source, honest.Source = "SRS0=A=B=guesser.example=x@forwarder.example", "SRS0=A=B=scam.example=y@forwarder.example"
	w.take(guess, honest)
	w.want(canary.P2, 1, 1, 0)
	again := w.mail(address(1))
	again.Peer, again.Source = "192.0.2.9:3", "prvs=0123abcdef=z@guesser.example"
	w.take(again)
	if got := w.only().Reasons; len(got) != 2 || !strings.Contains(got[1], "guessing") {
		t.Errorf("reasons %q", got)
	}
}

// TestTokensInWhatIsSaid: a contact that reached no token, or another one, names
// one in its text.
func TestTokensInWhatIsSaid(t *testing.T) {
	t.Parallel()
	sms := func(text string) func(*world) canary.Contact {
		return func(w *world) canary.Contact { return w.call(canary.SMS, "+4420790000000", text) }
	}
	call := func(text string) func(*world) canary.Contact {
		return func(w *world) canary.Contact { return w.call(canary.Voice, "+4420790000000", text) }
	}
	letter := func(head, body string) func(*world) canary.Contact {
		return func(w *world) canary.Contact { return w.letter(head, body) }
	}
	encoded := url.QueryEscape(address(1))
	for _, tt := range []struct {
		name     string
		contact  func(*world) canary.Contact
		want     canary.Severity // 0: no incident
		canaries int
	}{
		{"address", letter("", "please unsubscribe Dana.Whitfield1+news@EXAMPLE.net"), canary.P2, 1},
		{"address in a link", letter("Content-Type: text/html\r\n", `<a href=x>https://x.example/?u=`+encoded+`</a>`), canary.P2, 1},
		{"address in full width", letter("Content-Type: text/plain; charset=utf-8\r\n", "ｄａｎａ．ｗｈｉｔｆｉｅｌｄ１＠ｅｘａｍｐｌｅ．ｎｅｔ"), canary.P2, 1},
		{"address in base64 that is broken", letter("Content-Transfer-Encoding: base64\r\n", "ZGFuYS53aGl0ZmllbGQx!!\r\nQGV4YW1wbGUubmV0*"), canary.P2, 1},
		{"address in an attached mail", letter("Content-Type: message/rfc822\r\n", "To: dana.whitfield1@example.net\r\nSubject: x\r\n\r\nhello"), canary.P2, 1},
		{"address said", call("his mail is dana dot whitfield1 at example dot net"), canary.P2, 1},
		{"ticket", sms("about TK-2025-00001"), canary.P2, 1},
		{"ticket in the subject", letter("Subject: =?utf-8?q?AW=3A_=5BTK-2025/00001=5D?=\r\n", "hello"), canary.P2, 1},
		{"ticket in an attached subject", letter("Content-Type: message/rfc822\r\n", "Subject: Re: TK 2025 00001\r\n\r\nhello"), canary.P2, 1},
		{"ticket broken over flowed lines", letter("Content-Type: text/plain; format=flowed; delsp=yes\r\n", "my ticket is TK2025 \r\n00001, thanks"), canary.P2, 1},
		{"ticket said", call("it is ticket T K two zero two five, zero zero zero zero one"), canary.P2, 1},
		{"ticket said in german", call("Ticket T K zwei null zwei fünf null null null null eins"), canary.P2, 1},
		{"name and ticket", sms("Dana Whitfield1, ticket TK202500001"), canary.P1, 1},
		{"name and ticket said", call("is that dana whitfield1? ticket T K twenty twenty-five, triple zero, zero one"), canary.P1, 1},
		{"number", letter("", "call me: 020 794 00001"), canary.P3, 1},
		{"number from abroad", sms("0044 (0)20 794 00001"), canary.P3, 1},
		{"name and number", letter("", "Dana Whitfield1, +44 20 79400001"), canary.P1, 1},
		{"address and number", letter("", "dana.whitfield1@example.net, +44 20 79400001"), canary.P1, 1},
		{"a list", letter("", "dana.whitfield1@example.net\r\ndana.whitfield2@example.net\r\ndana.whitfield3@example.net"), canary.P1, 3},
		{"a list in an attachment", letter("Content-Type: text/csv\r\nContent-Disposition: attachment\r\n", "mail\r\ndana.whitfield1@example.net\r\ndana.whitfield2@example.net\r\ndana.whitfield3@example.net"), canary.P1, 3},
		{"a list with placebos", letter("", "dana.whitfield1@example.net tom.placebo1@example.net tom.placebo2@example.net"), canary.P4, 1},
		{"nothing", letter("Subject: offer\r\n", "buy 500 now, call 0800 1234567, ref 20250000"), 0, 0},
		{"a probe says nothing", func(w *world) canary.Contact {
			c := w.letter("", "dana.whitfield1@example.net")
			c.Probe = true
			return c
		}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", 1, 2, 3)
			w.take(tt.contact(w))
			if tt.want == 0 {
				if list := w.incidents(); len(list) > 0 {
					t.Errorf("%+v", list)
				}
				return
			}
			w.want(tt.want, 1, tt.canaries, 0)
		})
	}
}

// TestSameTokenInEnvelopeAndText: what quotes the address that it came to is
// judged by the envelope alone.
func TestSameTokenInEnvelopeAndText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plant("db:main", 1)
	c := w.letter("To: dana.whitfield1@example.net\r\n", "dear dana.whitfield1@example.net")
	c.Targets[0].Text = address(1)
	w.take(c)
	w.want(canary.P2, 1, 1, 0)
	if got := w.only().Reasons; len(got) != 1 || got[0] != "P2: a message from a stranger reached a planted address" {
		t.Errorf("reasons %q", got)
	}
}
