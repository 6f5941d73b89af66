package mailtext

import (
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

// Routed is an address that a field of the header names as one to which the
// message went. Whoever sends a message can write such fields.
type Routed struct {
	Field string // "Delivered-To", "Received", "To" …
	Mail  string // local@domain, as written
	Inner bool   // the field stands in an attached message
}

// maxRouted bounds the addresses of all fields together.
const maxRouted = 200

// routing are the fields that servers add which take a message on or deliver
// it. Gmail writes X-Forwarded-To and X-Forwarded-For, Exim Envelope-To,
// Postfix X-Original-To, people who send a message on Resent-To (RFC 5322 §3.6.6),
// and notices Original-Recipient (RFC 8098 §2.3).
func routing() []string {
	return []string{
		"Delivered-To", "X-Delivered-To", "X-Original-To", "X-Forwarded-To", "X-Forwarded-For", "Envelope-To", "X-Envelope-To",
		"X-Rcpt-To", "Original-Recipient", "X-Original-Recipient", "Resent-To", "Resent-Cc", "Resent-Bcc",
	}
}

var receivedFor = regexp.MustCompile(`(?i)\sfor\s+<?([^\s<>"(),;]+@[^\s<>"(),;]+)>?`)

// route notes what a header says of the way of its message. Of an attached one
// the addressees count as well: it was somebody's mail.
func (r *reading) route(head message.Header, inner bool) {
	h := mail.Header{Header: head}
	for _, field := range routing() {
		for _, v := range firstOf(h.Values(field)) {
			r.routed(field, looksLikeAddress.FindAllString(v[:min(len(v), maxValue)], maxSameField), inner)
		}
	}
	for _, v := range firstOf(h.Values("Received")) {
		for _, m := range receivedFor.FindAllStringSubmatch(v[:min(len(v), maxLine)], 2) {
			r.routed("Received", m[1:], inner)
		}
	}
	if !inner {
		return
	}
	for _, field := range []string{"To", "Cc"} {
		for _, a := range r.addresses(h, field) {
			r.routed(field, []string{a.Mail}, inner)
		}
	}
	if s := r.subject(h); s != "" && len(r.mail.Attached) < maxSameField {
		r.mail.Attached = append(r.mail.Attached, s)
	}
}

func (r *reading) routed(field string, list []string, inner bool) {
	for _, a := range list {
		one := Routed{field, line(strings.TrimSuffix(a, ".")), inner}
		if len(r.mail.Routed) < maxRouted {
			r.mail.Routed = append(r.mail.Routed, one)
		}
	}
}
