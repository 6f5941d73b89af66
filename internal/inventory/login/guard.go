package login

import (
	"bytes"
	"slices"
	"strings"
)

// maxDepth is how many lists may be open inside one another in an answer. The
// library goes down with them, and takes quadratic time on its way back.
const maxDepth = 32

// guard watches what a server says, outside of literals (RFC 9051 §4.3), for
// lists inside lists. The zero value is at the beginning of a line.
type guard struct {
	skip    int64  // bytes of a literal that are still to come
	head    []byte // the beginning of the line, up to its second word
	plain   bool   // the rest of the line is for people: it has no lists
	depth   int
	quoted  bool
	escaped bool
	size    int64 // of the literal that the line is about to end with; -1 is none
	counted bool  // size is complete
}

// passes reports whether the bytes may be read.
func (g *guard) passes(p []byte) bool {
	for len(p) > 0 {
		if g.skip > 0 {
			n := min(g.skip, int64(len(p)))
			g.skip -= n
			p = p[n:]
			continue
		}
		if g.see(p[0]); g.depth > maxDepth {
			return false
		}
		p = p[1:]
	}
	return true
}

func (g *guard) see(b byte) {
	if b == '\n' {
		if g.counted && !g.plain {
			g.skip, g.counted, g.size = g.size, false, -1
			return // the line goes on behind the literal
		}
		*g = guard{size: -1, head: g.head[:0]}
		return
	}
	if g.begins(b); g.plain {
		return
	}
	if g.quoted {
		g.quoted = g.escaped || b != '"'
		g.escaped = b == '\\' && !g.escaped
		return
	}
	g.count(b)
	switch b {
	case '"':
		g.quoted = true
	case '(':
		g.depth++
	case ')':
		g.depth = max(g.depth-1, 0)
	}
}

// begins finds out what kind of line it is: a status, or a request to go on, is
// for people.
func (g *guard) begins(b byte) {
	const most = 64
	if g.plain || len(g.head) >= most {
		return
	}
	g.head = append(g.head, b)
	words := strings.Fields(string(bytes.ToUpper(g.head)))
	if len(words) == 0 || b != ' ' && b != '\r' {
		return
	}
	status := []string{"OK", "NO", "BAD", "BYE", "PREAUTH"}
	g.plain = words[0] == "+" || len(words) > 1 && slices.Contains(status, words[1])
}

// count reads the size of a literal: {5}, {5+} or ~{5} at the end of a line.
func (g *guard) count(b byte) {
	switch {
	case b == '{':
		g.size, g.counted = 0, false
	case g.size >= 0 && b >= '0' && b <= '9':
		if !g.counted {
			g.size = min(g.size*10+int64(b-'0'), 1<<40)
			return
		}
		g.size, g.counted = -1, false
	case g.size >= 0 && b == '}':
		g.counted = true
	case b == '+' || b == '\r' || b == ' ':
	default:
		g.size, g.counted = -1, false
	}
}
