package mailtext

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"
)

// Bounds of a header. The library keeps some hundred bytes for every field and
// takes quadratic time over comments in a Message-ID, so its input is kept small.
const (
	maxHeader    = 256 << 10
	maxFields    = 500
	maxValue     = 16 << 10 // a value that is parsed rather than searched
	maxSameField = 50       // fields of one name that are looked at
	maxAddresses = 1000
	maxLine      = 2000 // characters of a subject, a name or an id
)

// header cuts raw into header and body. Lines that are no header field are
// left out; when there is no field at all, everything is body.
func (r *reading) header(raw []byte) (message.Header, []byte) {
	end, body := blankLine(raw)
	head := raw[:end]
	if len(head) > maxHeader {
		r.fault(fmt.Errorf("%w: header of more than %d bytes", ErrLimit, maxHeader))
		head = head[:maxHeader]
	}
	fields, clean := tidy(head)
	if !clean {
		r.fault(fmt.Errorf("%w: lines in the header that are no fields", ErrBroken))
	}
	if len(fields) == 0 && end > 0 {
		return message.Header{}, raw
	}
	h, err := textproto.ReadHeader(bufio.NewReader(io.MultiReader(bytes.NewReader(fields), strings.NewReader("\r\n"))))
	if err != nil {
		r.fault(fmt.Errorf("%w: header", ErrBroken))
	}
	return message.Header{Header: h}, raw[body:]
}

// blankLine finds the first empty line: where the header ends, its last line
// break included, and where the body begins.
func blankLine(raw []byte) (end, body int) {
	for pos := 0; pos < len(raw); {
		n := bytes.IndexByte(raw[pos:], '\n')
		if n < 0 {
			break
		}
		if n == 0 || n == 1 && raw[pos] == '\r' {
			return pos, pos + n + 1
		}
		pos += n + 1
	}
	return len(raw), len(raw)
}

// tidy keeps the lines of a header that are fields or continue one, and
// reports whether that is all of them.
func tidy(head []byte) (fields []byte, clean bool) {
	clean = true
	keeping, kept := false, 0
	for line := range bytes.Lines(head) {
		if line[0] != ' ' && line[0] != '\t' {
			keeping = isField(line) && kept < maxFields
			kept++
		}
		if !keeping {
			clean = false
			continue
		}
		fields = append(fields, bytes.TrimRight(line, "\r\n")...)
		fields = append(fields, '\r', '\n')
	}
	return fields, clean
}

// isField reports whether line begins with a field name and a colon (RFC 5322 §2.2).
func isField(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	return ok && len(name) > 0 && !bytes.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// envelope reads the fields of the message itself.
func (r *reading) envelope(head message.Header) {
	h := mail.Header{Header: head}
	m := r.mail
	m.From = r.addresses(h, "From")
	m.To = r.addresses(h, "To")
	m.Cc = r.addresses(h, "Cc")
	m.Subject = r.subject(h)
	m.Date = r.date(h)
	m.MessageID = messageID(h)
	m.DKIM = claimedDomains(h)
	r.route(head, false)
}

func (r *reading) subject(h mail.Header) string {
	raw := h.Get("Subject")
	if len(raw) > maxValue {
		r.fault(fmt.Errorf("%w: subject of more than %d bytes", ErrLimit, maxValue))
		return line(raw[:maxValue])
	}
	s, err := h.Subject()
	if err != nil {
		r.fault(fmt.Errorf("%w: subject", ErrBroken))
	}
	return line(s)
}

func (r *reading) date(h mail.Header) time.Time {
	if len(h.Get("Date")) > maxLine {
		return time.Time{}
	}
	t, err := h.Date()
	if err != nil {
		r.fault(fmt.Errorf("%w: date", ErrBroken))
		return time.Time{}
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{} // would not print as RFC 3339
	}
	return t
}

func messageID(h mail.Header) string {
	raw := h.Get("Message-Id")
	if len(raw) <= maxLine {
		if id, err := h.MessageID(); err == nil {
			return line(id)
		}
	}
	return strings.Trim(line(raw), "<> ")
}

var looksLikeAddress = regexp.MustCompile(`[^\s<>"(),;:@]+@[^\s<>"(),;:@]+`)

// addresses reads all fields of a name. A list that does not parse is searched
// for what looks like addresses.
func (r *reading) addresses(h mail.Header, name string) []Address {
	var out []Address
	for _, v := range firstOf(h.Values(name)) {
		list, err := mail.ParseAddressList(v)
		for _, a := range list {
			out = append(out, Address{Name: line(a.Name), Mail: line(a.Address)})
		}
		if len(list) == 0 {
			for _, a := range looksLikeAddress.FindAllString(v, maxAddresses+1) {
				out = append(out, Address{Mail: line(a)})
			}
		}
		if err != nil {
			r.fault(fmt.Errorf("%w: %s", ErrBroken, name))
		}
		if len(out) > maxAddresses {
			r.fault(fmt.Errorf("%w: more than %d addresses in %s", ErrLimit, maxAddresses, name))
			return out[:maxAddresses]
		}
	}
	return out
}

var domainForm = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// claimedDomains gives the d= of every DKIM-Signature (RFC 6376 §3.5), each once.
func claimedDomains(h mail.Header) []string {
	var out []string
	for _, v := range firstOf(h.Values("Dkim-Signature")) {
		for tag := range strings.SplitSeq(v, ";") {
			k, d, _ := strings.Cut(tag, "=")
			d = strings.ToLower(strings.Join(strings.Fields(d), "")) // folding may stand inside
			if strings.TrimSpace(k) == "d" && len(d) <= 253 && domainForm.MatchString(d) && !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

func firstOf(s []string) []string { return s[:min(maxSameField, len(s))] }
