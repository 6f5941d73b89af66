// Package mailauth says what can be proved of who sent a mail: SPF (RFC 7208)
// for the HELO name and the envelope, DKIM (RFC 6376, 8301, 8463) for every
// signature, and DMARC (RFC 7489) for the address that a reader sees. It works
// after the fact, from the bytes that an ear kept, and keeps every DNS answer
// that it used, whole, as evidence:
//
//	report := judge.Evaluate(ctx, message)        // asks a resolver
//	same := mailauth.Again(message, report.Answers) // asks nobody
//
// The invariant: Again gives what Evaluate gave, on any machine and at any
// time. So nothing here looks at a clock but to stamp an answer; a signature's
// expiry is judged at the time of reception; an answer that never came is an
// answer of its own kind. That is also why DKIM is verified here and not by the
// library that the tests sign and compare with: it judges expiry by the clock of
// the machine, and refuses every signature with a body length.
//
// Message and answers are foreign and may be made to hurt. Bounds: 10
// signatures, 1 MiB of header, RSA keys of 1,024 to 8,192 bits, 10 look-ups and
// 2 void ones for each SPF identity (RFC 7208 §4.6.4), 100 questions and 20
// seconds for a mail. What lies beyond is counted and not looked at. An alias is
// followed by the resolver; a chain without an end is an answer without data.
//
// The package refuses to judge: a pass proves that a domain sent the mail, not
// that it is harmless, and a fail is no proof of forgery (forwarding breaks SPF).
//
// How it fails: a resolver that does not answer makes the result temperror, to
// be tried again ([Worker] does, a few times); what the sender has wrong is
// permerror. Evaluate returns no error: what could not be found out stands in
// the report.
package mailauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/dialogue"
)

// Result is one of the words of RFC 8601 §2.7.
type Result string

// The results.
const (
	None      Result = "none"
	Neutral   Result = "neutral"
	Pass      Result = "pass"
	Fail      Result = "fail"
	SoftFail  Result = "softfail"
	TempError Result = "temperror"
	PermError Result = "permerror"
)

// Message is a mail with what the ear knows of how it came.
type Message struct {
	Peer     netip.Addr // who sent it; not valid where that is unknown: then SPF is none
	Helo     string
	MailFrom string // envelope sender without brackets; empty is the null sender
	At       time.Time
	Raw      []byte
}

// SPF is the result for one identity.
type SPF struct {
	Scope  string `json:"scope"` // "helo" or "mailfrom"
	Domain string `json:"domain"`
	Result Result `json:"result"`
	Why    string `json:"why,omitempty"`
}

// Signature is the result of one DKIM signature.
type Signature struct {
	Domain    string `json:"domain"`
	Selector  string `json:"selector,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Bits      int    `json:"bits,omitempty"` // of an RSA key
	Result    Result `json:"result"`
	Why       string `json:"why,omitempty"`
	// Weak says why a pass proves little: text behind the signed length, or a
	// domain that is only testing. A weak pass does not count for DMARC.
	Weak string `json:"weak,omitempty"`
}

// DMARC is the result for the domain of the From field.
type DMARC struct {
	Domain string `json:"domain,omitempty"` // of From
	Result Result `json:"result"`
	Policy string `json:"policy,omitempty"` // what the domain asks for: none, quarantine, reject
	At     string `json:"policy_at,omitempty"`
	SPF    bool   `json:"spf_aligned"`
	DKIM   bool   `json:"dkim_aligned"`
	Why    string `json:"why,omitempty"`
}

// Report is what was found out of one mail, and from which answers.
type Report struct {
	SPF        []SPF       `json:"spf"`
	DKIM       []Signature `json:"dkim"`
	Unverified int         `json:"signatures_not_verified,omitempty"` // beyond the bound
	DMARC      DMARC       `json:"dmarc"`
	Answers    []Answer    `json:"answers"`
}

// FromContact gives the mail of a contact, and false where there is none whole.
// One that was fetched from a mailbox has no peer: its provider took it in.
func FromContact(c *canary.Contact) (Message, bool) {
	m := Message{At: c.At, Raw: c.Raw}
	switch c.Channel {
	case canary.IMAP:
		return m, len(c.Raw) > 0 && c.Facts["truncated"] == ""
	case canary.SMTP:
	default:
		return m, false
	}
	host := c.Peer
	if h, _, err := net.SplitHostPort(c.Peer); err == nil {
		host = h
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		m.Peer = addr.Unmap().WithZone("")
	}
	m.Helo, m.MailFrom = c.Facts["helo"], strings.Trim(c.Source, "<>")
	var whole bool
	m.Raw, whole = dialogue.Message(c.Raw)
	return m, whole && !c.Probe
}

// Again evaluates a mail from recorded answers alone. What was not recorded
// was not answered.
func Again(m Message, answers []Answer) Report {
	r := &recorder{replay: map[question]Answer{}}
	for _, a := range answers {
		r.replay[a.question()] = a
	}
	return evaluate(m, r)
}

// Evaluate asks for what it needs and judges the mail.
func (j *Judge) Evaluate(ctx context.Context, m Message) Report {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	return evaluate(m, &recorder{ask: func(q question) Answer { return j.ask(ctx, q) }})
}

func evaluate(m Message, r *recorder) Report {
	var out Report
	out.SPF = checkSPF(m, r)
	mail := split(m.Raw)
	out.DKIM, out.Unverified = verify(mail, m.At, r)
	out.DMARC = checkDMARC(mail, &out, r)
	out.Answers = r.answers
	return out
}

// Temporary reports whether a later attempt may find out more.
func (r *Report) Temporary() bool {
	if r.DMARC.Result == TempError {
		return true
	}
	for _, s := range r.SPF {
		if s.Result == TempError {
			return true
		}
	}
	for _, s := range r.DKIM {
		if s.Result == TempError {
			return true
		}
	}
	return false
}

// Signed reports whether the mail bears a sound signature of one of the
// domains, or of a domain of the same organisation, that is aligned with From:
// then it comes from whoever runs that domain. The names are in ASCII.
func (r *Report) Signed(by ...string) bool {
	for _, s := range r.DKIM {
		if s.Result != Pass || s.Weak != "" || !aligned(s.Domain, r.DMARC.Domain, false) {
			continue
		}
		for _, d := range by {
			if aligned(s.Domain, d, false) {
				return true
			}
		}
	}
	return false
}

// SignedBy does what [Report.Signed] does, for who cannot wait for a whole report:
// it looks at no signature but those of the domains, and asks for nothing but
// their keys. Pass: the mail is signed so. Fail: From is of one of the domains, and the
// mail is not signed by it. TempError: the same, but a key could not be had. None:
// From is of none of them.
func (j *Judge) SignedBy(ctx context.Context, m Message, by ...string) Result {
	mail := split(m.Raw)
	from, fault := fromDomain(mail)
	theirs := func(domain string) bool {
		return aligned(domain, from, false) && slices.ContainsFunc(by, func(d string) bool { return aligned(domain, d, false) })
	}
	if fault != nil || !theirs(from) {
		return None
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	v := verifier{mail: mail, at: m.At, answers: &recorder{ask: func(q question) Answer { return j.ask(ctx, q) }}}
	out, looked := Fail, 0
	for i := range mail.fields {
		f := &mail.fields[i]
		if f.name != "dkim-signature" || looked == maxSignatures {
			continue
		}
		looked++
		if tags, fault := parseTags(f.value()); fault != nil || !theirs(strings.ToLower(bare(tags["d"]))) {
			continue
		}
		switch s := v.signature(f); {
		case s.Result == Pass && s.Weak == "":
			return Pass
		case s.Result == TempError:
			out = TempError
		}
	}
	return out
}

// Lines tell the results to a person, one each.
func (r *Report) Lines() []string {
	var out []string
	for _, s := range r.SPF {
		scope := "envelope"
		if s.Scope == scopeHelo {
			scope = "helo"
		}
		out = append(out, fmt.Sprintf("SPF %s (%s %s)%s", s.Result, scope, s.Domain, because(s.Why)))
	}
	for _, s := range r.DKIM {
		out = append(out, fmt.Sprintf("DKIM %s (%s, selector %s, %s)%s%s", s.Result, s.Domain, s.Selector, s.Algorithm, because(s.Why), because(s.Weak)))
	}
	if len(r.DKIM) == 0 {
		out = append(out, "DKIM none")
	}
	if r.Unverified > 0 {
		out = append(out, fmt.Sprintf("%d further signatures were not looked at", r.Unverified))
	}
	line := fmt.Sprintf("DMARC %s (from %s", r.DMARC.Result, r.DMARC.Domain)
	if r.DMARC.Policy != "" {
		line += ", policy " + r.DMARC.Policy
	}
	return append(out, line+")"+because(r.DMARC.Why))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// Encode gives the form in which a report is stored.
func (r *Report) Encode() ([]byte, error) { return json.Marshal(r) }

// Decode reads what Encode wrote.
func Decode(b []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return Report{}, fmt.Errorf("mail authentication report: %w", err)
	}
	return r, nil
}
