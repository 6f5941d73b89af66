package mailtext

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
)

// decode undoes the Content-Transfer-Encoding. Unlike the library's readers it
// does not stop at the first bad byte: senders of junk are careless, and a
// ticket number may stand after the fault.
func (r *reading) decode(h message.Header, body []byte) []byte {
	switch enc := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))); enc {
	case "", "7bit", "8bit", "binary":
		return body
	case "quoted-printable":
		return unquote(body)
	case "base64":
		return unbase64(body)
	default:
		r.fault(fmt.Errorf("%w: unknown transfer encoding", ErrBroken))
		return body
	}
}

// unquote decodes quoted-printable (RFC 2045 §6.7); an "=" that begins no
// escape stays as it is.
func unquote(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for l := range bytes.Lines(b) {
		text := bytes.TrimRight(l, " \t\r\n")
		soft := bytes.HasSuffix(text, []byte("="))
		if soft {
			text = text[:len(text)-1]
		}
		for i := 0; i < len(text); i++ {
			c := text[i]
			if c == '=' && i+2 < len(text) {
				hi, lo := unhex(text[i+1]), unhex(text[i+2])
				if hi >= 0 && lo >= 0 {
					c = byte(hi<<4 | lo) //nolint:gosec // two nibbles
					i += 2
				}
			}
			out = append(out, c)
		}
		if !soft {
			out = append(out, '\n')
		}
	}
	return out
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// unbase64 decodes base64 (RFC 2045 §6.8), passing over every byte that is not
// of its alphabet. Padding ends a run; another may follow.
func unbase64(b []byte) []byte {
	out := make([]byte, 0, len(b)*3/4+3)
	var bits uint32
	n := 0 // sextets in bits
	flush := func() {
		if n >= 2 {
			bits <<= 6 * (4 - n)
			out = append(out, []byte{byte(bits >> 16), byte(bits >> 8), byte(bits)}[:n-1]...) //nolint:gosec // the low eight bits are meant
		}
		bits, n = 0, 0
	}
	for _, c := range b {
		v := sextet(c)
		if c == '=' {
			flush()
		}
		if v < 0 {
			continue
		}
		bits = bits<<6 | uint32(v) //nolint:gosec // 0 to 63
		if n++; n == 4 {
			flush()
		}
	}
	flush()
	return out
}

func sextet(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// toUTF8 brings bytes of a charset to clean UTF-8, as far as there is room for
// them. Bytes that are not what they claim to be are read as windows-1252, in
// which every byte means something.
func (r *reading) toUTF8(b []byte, name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if name != "" && name != "utf-8" && name != "us-ascii" {
		s, err := r.convert(b, name)
		if err == nil {
			return Clean(s)
		}
		r.fault(fmt.Errorf("%w: charset", ErrBroken))
	}
	b = r.fit(b)
	if !utf8.Valid(b) {
		if s, err := r.convert(b, "windows-1252"); err == nil {
			return Clean(s)
		}
	}
	return Clean(string(b))
}

// convert reads b through the charset's decoder.
func (r *reading) convert(b []byte, name string) (string, error) {
	in, err := charset.Reader(name, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	n, err := io.Copy(&out, io.LimitReader(in, int64(max(0, r.room()))+1))
	if err != nil {
		return "", err
	}
	if int(n) > r.room() {
		r.fault(fmt.Errorf("%w: more than %d bytes of text", ErrLimit, r.limits.Bytes))
	}
	return out.String(), nil
}

// fit cuts b to the room that is left, between two characters.
func (r *reading) fit(b []byte) []byte {
	room := max(0, r.room())
	if len(b) <= room {
		return b
	}
	r.fault(fmt.Errorf("%w: more than %d bytes of text", ErrLimit, r.limits.Bytes))
	for range utf8.UTFMax {
		if room == 0 || utf8.RuneStart(b[room]) {
			break
		}
		room--
	}
	return b[:room]
}
