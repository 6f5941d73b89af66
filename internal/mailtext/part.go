package mailtext

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
)

// reading is one run of Parse.
type reading struct {
	limits  Limits
	mail    *Mail
	text    strings.Builder
	plain   map[[32]byte]bool // what plain parts said, to leave out the same as HTML
	faults  []error
	stopped bool // a bound on the whole was reached
}

const maxFaults = 20

// fault notes what was not read, each once. Limits always find room: how many
// different ones there are does not depend on the message.
func (r *reading) fault(err error) {
	for _, f := range r.faults {
		if f.Error() == err.Error() {
			return
		}
	}
	if len(r.faults) < maxFaults || errors.Is(err, ErrLimit) {
		r.faults = append(r.faults, err)
	}
}

// stop ends the reading for good.
func (r *reading) stop(err error) {
	r.fault(err)
	r.stopped = true
}

// enter reports whether one more part may be read at this depth.
func (r *reading) enter(ctx context.Context, depth int) bool {
	switch {
	case r.stopped:
	case ctx.Err() != nil:
		r.stop(fmt.Errorf("%w: time: %w", ErrLimit, ctx.Err()))
	case r.mail.Parts >= r.limits.Parts:
		r.stop(fmt.Errorf("%w: more than %d parts", ErrLimit, r.limits.Parts))
	case depth > r.limits.Depth:
		r.fault(fmt.Errorf("%w: nested deeper than %d", ErrLimit, r.limits.Depth))
	default:
		r.mail.Parts++
		return true
	}
	return false
}

// part reads one entity: the message itself at depth 0, a part below.
func (r *reading) part(ctx context.Context, h message.Header, body []byte, depth int) {
	if !r.enter(ctx, depth) {
		return
	}
	kind, params := contentType(h)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		if !r.multipart(ctx, body, params["boundary"], depth) {
			r.fault(fmt.Errorf("%w: multipart without parts", ErrBroken))
			r.addText(body, params["charset"])
		}
	case kind == "message/rfc822" || kind == "message/global":
		head, inner := r.header(r.decode(h, body))
		r.route(head, true)
		r.part(ctx, head, inner, depth+1)
	case kind == "text/html":
		r.addHTML(r.decode(h, body), params["charset"])
	case strings.HasPrefix(kind, "text/"):
		text := r.decode(h, body)
		if strings.EqualFold(params["format"], "flowed") {
			text = unflow(text, strings.EqualFold(params["delsp"], "yes"))
		}
		r.addText(text, params["charset"])
	}
}

// multipart cuts body at its boundary lines (RFC 2046 §5.1.1) and reads the
// parts. It reports whether there was one. A missing end is no reason to lose
// the last part.
func (r *reading) multipart(ctx context.Context, body []byte, boundary string, depth int) bool {
	if boundary == "" {
		return false
	}
	delim := []byte("--" + boundary)
	start, found := -1, false
	read := func(part []byte) {
		found = true
		if r.stopped {
			return
		}
		head, inner := r.header(part)
		r.part(ctx, head, inner, depth+1)
	}
	for pos := 0; !r.stopped; {
		at, next, last := nextBoundary(body, pos, delim)
		if at < 0 {
			break
		}
		if start >= 0 {
			read(trimBreak(body[start:at]))
		}
		if start, pos = next, next; last {
			return found
		}
	}
	if start >= 0 && !r.stopped {
		r.fault(fmt.Errorf("%w: multipart without an end", ErrBroken))
		read(body[start:])
	}
	return found || r.stopped
}

// nextBoundary finds the first boundary line at or after pos: where it begins,
// where the next line begins, and whether it closes the multipart. at is -1
// when there is none.
func nextBoundary(body []byte, pos int, delim []byte) (at, next int, last bool) {
	for {
		i := bytes.Index(body[pos:], delim)
		if i < 0 {
			return -1, 0, false
		}
		at = pos + i
		pos = at + len(delim)
		if at > 0 && body[at-1] != '\n' {
			continue
		}
		next = len(body)
		if n := bytes.IndexByte(body[pos:], '\n'); n >= 0 {
			next = pos + n + 1
		}
		rest := bytes.TrimRight(body[pos:next], " \t\r\n")
		if len(rest) == 0 || string(rest) == "--" {
			return at, next, len(rest) > 0
		}
	}
}

// trimBreak takes off the line break that belongs to the boundary below.
func trimBreak(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

var (
	boundaryParam = regexp.MustCompile(`(?i)[;\s]boundary\s*=\s*(?:"([^"]{1,200})"?|([^\s;"]{1,200}))`)
	charsetParam  = regexp.MustCompile(`(?i)[;\s]charset\s*=\s*"?([A-Za-z0-9_.:+-]{1,60})`)
)

// contentType gives the media type in lower case and its parameters. Where the
// field is broken, the two parameters that matter are searched for.
func contentType(h message.Header) (string, map[string]string) {
	raw := h.Get("Content-Type")
	if len(raw) <= maxValue {
		if kind, params, err := h.ContentType(); err == nil {
			return strings.ToLower(kind), params
		}
	} else {
		raw = raw[:maxValue]
	}
	kind, _, _ := strings.Cut(raw, ";")
	params := map[string]string{}
	if m := boundaryParam.FindStringSubmatch(raw); m != nil {
		params["boundary"] = m[1] + m[2]
	}
	if m := charsetParam.FindStringSubmatch(raw); m != nil {
		params["charset"] = m[1]
	}
	if kind = strings.ToLower(strings.TrimSpace(kind)); !strings.Contains(kind, "/") {
		kind = "text/plain" // RFC 2045 §5.2
	}
	return kind, params
}

// unflow joins the lines that a sender broke only to keep them short (RFC 3676
// §4): those that end in a space, which goes as well when delsp says so. The
// depth of quotation is left in place.
func unflow(b []byte, delsp bool) []byte {
	out := make([]byte, 0, len(b))
	for l := range bytes.Lines(b) {
		text := bytes.TrimRight(l, "\r\n")
		if flows := bytes.HasSuffix(text, []byte(" ")); !flows || string(text) == "-- " {
			out = append(append(out, text...), '\n')
			continue
		}
		if delsp {
			text = text[:len(text)-1]
		}
		out = append(out, text...)
	}
	return out
}

// addText adds a plain part.
func (r *reading) addText(b []byte, charset string) {
	s := r.toUTF8(b, charset)
	if r.plain == nil {
		r.plain = map[[32]byte]bool{}
	}
	r.plain[wording(s)] = true
	r.add(s)
}

// addHTML adds what an HTML part says, unless a plain part said it already.
func (r *reading) addHTML(b []byte, charset string) {
	if s := Clean(stripHTML(r.toUTF8(b, charset))); !r.plain[wording(s)] {
		r.add(s)
	}
}

// wording is a hash of the words of s, whatever the space between them.
func wording(s string) [32]byte {
	sum := sha256.New()
	for w := range strings.FieldsSeq(s) {
		sum.Write([]byte(w))
		sum.Write([]byte{' '})
	}
	return [32]byte(sum.Sum(nil))
}

// room is how many bytes of text may still be added.
func (r *reading) room() int { return r.limits.Bytes - r.text.Len() }

// add appends a part's text, on lines of its own.
func (r *reading) add(s string) {
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	if room := r.room() - 1; len(s) > room {
		r.stop(fmt.Errorf("%w: more than %d bytes of text", ErrLimit, r.limits.Bytes))
		room = max(0, room)
		for room > 0 && !utf8.RuneStart(s[room]) {
			room--
		}
		s = s[:room]
	}
	if s != "" {
		r.text.WriteString(s)
		r.text.WriteByte('\n')
	}
}
