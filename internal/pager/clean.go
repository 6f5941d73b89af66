package pager

import (
	"net/url"
	"strings"
	"unicode"

	"saltmine/internal/canary"
)

// What a page may hold of texts, in characters, and of lines in a list.
const (
	maxSummary = 200
	maxText    = 1000
	maxLine    = 400
	maxLines   = 12
	maxLink    = 500
)

// Clean makes a page's texts inert, whoever had a hand in them: valid UTF-8 of
// bounded length on one line, without characters that steer a terminal, turn
// the direction of writing round or cannot be seen; nothing that a spreadsheet
// takes for a formula, a template engine for a directive, or a reader for a
// link. What has a meaning in one medium alone (HTML, XML, Markdown …) is left
// to the route. Texts of our own come out as they are, but for URLs in them.
func Clean(p canary.Page) canary.Page {
	p.Place = canary.Place(inert(string(p.Place), maxSummary))
	p.Summary = inert(p.Summary, maxSummary)
	p.Reasons, p.Next = inertAll(p.Reasons), inertAll(p.Next)
	p.Proves, p.ProvesNot, p.Sure = inert(p.Proves, maxText), inert(p.ProvesNot, maxText), inert(p.Sure, maxText)
	p.Window, p.Suspects = inertAll(p.Window), inertAll(p.Suspects)
	if u, err := url.Parse(p.Link); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(p.Link) > maxLink {
		p.Link = ""
	} else {
		p.Link = u.String() // with everything escaped that must be
	}
	return p
}

func inertAll(list []string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, 0, min(len(list), maxLines))
	for _, s := range list[:min(len(list), maxLines)] {
		out = append(out, inert(s, maxLine))
	}
	return out
}

// inert cleans one text of at most so many characters.
func inert(s string, most int) string {
	if len(s) > 8*most { // of what is cut off, most need not be looked at
		s = s[:8*most]
	}
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r, seen := visible(r); seen {
			if n++; n > most {
				break
			}
			b.WriteRune(r)
		}
	}
	out := disarm(strings.TrimSpace(b.String()))
	if out != "" && strings.ContainsRune("=+-@|%", rune(out[0])) {
		out = "'" + out
	}
	if r := []rune(out); len(r) > most || n > most {
		out = string(r[:min(len(r), most)-1]) + "…"
	}
	return out
}

// visible gives what is shown of a character, false for one that is dropped.
func visible(r rune) (rune, bool) {
	switch {
	case r == '\t', r == '\n', r == '\r', r == '\v', r == '\f', unicode.In(r, unicode.Zl, unicode.Zp):
		return ' ', true
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), unicode.Is(unicode.Variation_Selector, r):
		return 0, false
	case unicode.Is(unicode.Zs, r):
		return ' ', true
	}
	return r, true
}

// disarm takes directives of template engines and links apart.
func disarm(s string) string {
	return strings.NewReplacer("{{", "{ {", "}}", "} }", "${", "$ {", "#{", "# {", "<%", "< %", "{%", "{ %", "://", "[:]//").Replace(s)
}
