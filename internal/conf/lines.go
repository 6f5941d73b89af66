package conf

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// keyLines finds the line of every key and table header of a TOML text. The
// TOML library checks the syntax but keeps the places of keys to itself, and
// for a list of tables knows only the last one. Keys inside an inline table
// are not entered: they stand on the line of the key that holds them.
//
// The text need not be valid: then the lines are of no use, and nobody asks.
func keyLines(text string) map[string]int {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} { // the library passes over these too
		text = strings.TrimPrefix(text, mark)
	}
	s := &scanner{text: text, line: 1, lines: map[string]int{}, count: map[string]int{}}
	for s.blank(); s.at < len(s.text); s.blank() {
		before := s.at
		if s.text[s.at] == '[' {
			s.header()
		} else {
			s.setting()
		}
		if s.at == before { // only in a text that is not valid TOML
			break
		}
	}
	return s.lines
}

// scanner walks over statements: table headers and settings.
type scanner struct {
	text  string
	at    int
	line  int            // of text[at], from 1
	table string         // the table that settings belong to, with indexes
	lines map[string]int // result
	count map[string]int // tables so far in each list of tables
}

// step moves on by n bytes, counting lines.
func (s *scanner) step(n int) {
	n = min(n, len(s.text)-s.at)
	s.line += strings.Count(s.text[s.at:s.at+n], "\n")
	s.at += n
}

// blank skips white space and comments.
func (s *scanner) blank() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.step(1)
		case '#':
			s.skipComment()
		default:
			return
		}
	}
}

func (s *scanner) skipComment() {
	end := strings.IndexByte(s.text[s.at:], '\n')
	if end < 0 {
		end = len(s.text) - s.at
	}
	s.step(end)
}

// header reads "[a.b]" or "[[a.b]]".
func (s *scanner) header() {
	line, list := s.line, strings.HasPrefix(s.text[s.at:], "[[")
	s.step(1)
	if list {
		s.step(1)
	}
	parts := splitKey(s.until(']'))
	s.step(1)
	if list {
		s.step(1)
	}
	if len(parts) == 0 {
		return
	}
	s.table = s.place("", parts, line)
	if list {
		s.note(s.table, line)
		n := s.count[s.table]
		s.count[s.table] = n + 1
		s.table = fmt.Sprintf("%s[%d]", s.table, n)
	}
	s.note(s.table, line)
}

// setting reads "a.b = value".
func (s *scanner) setting() {
	line := s.line
	parts := splitKey(s.until('='))
	s.step(1)
	s.value()
	if len(parts) > 0 {
		s.note(s.place(s.table, parts, line), line)
	}
}

func (s *scanner) note(key string, line int) {
	if _, known := s.lines[key]; !known {
		s.lines[key] = line
	}
}

// place joins the parts under base; a part that names a list of tables means
// its last table, but the last part names the key itself. Tables on the way
// that have no header of their own are noted on this line.
func (s *scanner) place(base string, parts []string, line int) string {
	for i, part := range parts {
		if base != "" {
			base += "."
		}
		base += part
		if i == len(parts)-1 {
			break
		}
		if n := s.count[base]; n > 0 {
			base = fmt.Sprintf("%s[%d]", base, n-1)
		}
		s.note(base, line)
	}
	return base
}

// until gives the text up to the next stop outside quotes, on this line.
func (s *scanner) until(stop byte) string {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] != stop && s.text[s.at] != '\n' {
		s.atom()
	}
	return s.text[from:s.at]
}

// value skips a value: to the end of the line outside quotes and brackets.
func (s *scanner) value() {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '#':
			s.skipComment()
			continue
		case '\n':
			if depth <= 0 {
				return
			}
		}
		s.atom()
	}
}

// atom skips one byte or one whole string.
func (s *scanner) atom() {
	rest := s.text[s.at:]
	for _, quote := range []string{`"""`, `'''`, `"`, `'`} {
		if !strings.HasPrefix(rest, quote) {
			continue
		}
		s.step(len(quote) + stringLen(rest[len(quote):], quote))
		return
	}
	s.step(1)
}

// stringLen gives the length of a string's body with its closing quote. Up to
// two quotes may stand before the closing three (TOML 1.0, "String").
func stringLen(body, quote string) int {
	for i := 0; i < len(body); i++ {
		if quote[0] == '"' && body[i] == '\\' {
			i++
			continue
		}
		if !strings.HasPrefix(body[i:], quote) {
			continue
		}
		end := i + len(quote)
		for extra := 0; len(quote) == 3 && extra < 2 && end < len(body) && body[end] == quote[0]; extra++ {
			end++
		}
		return end
	}
	return len(body)
}

// splitKey splits a dotted key as the TOML library does, quotes and escapes
// included; nil when it is no key.
func splitKey(raw string) []string {
	meta, err := toml.Decode(raw+" = 0", &map[string]any{})
	if err != nil || len(meta.Keys()) != 1 {
		return nil
	}
	return meta.Keys()[0]
}
