package dialogue

import "bytes"

// Message gives the mail that a dialogue carries, as its sender meant it: the
// bytes after the answer to DATA without the ending dot and with doubled dots
// made single (RFC 5321 §4.5.2). A line begins after CR LF and nowhere else, and
// only CR LF . CR LF ends a message, so that the core and the ear can never
// disagree on where a mail stopped.
//
// It reports false when there is no whole message: none was sent, the
// connection broke inside it, it was cut at a bound, or the dialogue is
// damaged. What there is of the message is given all the same.
func Message(raw []byte) ([]byte, bool) {
	var sent []byte
	sound := true
	for r, err := range Records(raw) {
		if err != nil {
			sound = false
			break
		}
		if r.Kind == Mail {
			sent = append(sent, r.Bytes...)
		}
	}
	body, whole := cutEnd(sent)
	return unstuff(body), sound && whole
}

func cutEnd(sent []byte) (body []byte, whole bool) {
	if bytes.Equal(sent, []byte(".\r\n")) {
		return nil, true
	}
	if !bytes.HasSuffix(sent, []byte("\r\n.\r\n")) {
		return sent, false
	}
	return sent[:len(sent)-len(".\r\n")], true
}

// unstuff removes the first dot of every line that begins with one, in place.
func unstuff(b []byte) []byte {
	out := b[:0]
	start := true
	for len(b) > 0 {
		end := bytes.Index(b, []byte("\r\n"))
		line := b
		if end >= 0 {
			line = b[:end+2]
		}
		b = b[len(line):]
		if start && line[0] == '.' {
			line = line[1:]
		}
		out = append(out, line...)
		start = end >= 0
	}
	return out
}
