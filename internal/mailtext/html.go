package mailtext

import (
	"html"
	"strings"
)

// stripHTML gives the text of HTML simply: no tags, no scripts, styles or
// comments; breaks where blocks end; entities decoded. It reads the input once.
func stripHTML(s string) string {
	var out strings.Builder
	for s != "" {
		text, rest, found := strings.Cut(s, "<")
		out.WriteString(text)
		if !found {
			break
		}
		s = skipTag(&out, rest)
	}
	return html.UnescapeString(out.String())
}

// skipTag reads over what follows a "<" and returns what comes after it. What
// is never closed is dropped to the end of the input, as browsers do for
// comments and scripts, and so that no byte is looked at twice.
func skipTag(out *strings.Builder, s string) string {
	if strings.HasPrefix(s, "!--") {
		_, after, _ := strings.Cut(s[3:], "-->")
		return after
	}
	name := tagName(s)
	if name == "" && !strings.HasPrefix(s, "!") && !strings.HasPrefix(s, "?") {
		out.WriteByte('<') // "a < b"
		return s
	}
	_, after, _ := strings.Cut(s, ">")
	switch name {
	case "script", "style", "title":
		return skipElement(after, name)
	case "br", "/p", "/div", "/tr", "/li", "/table", "/blockquote",
		"/h1", "/h2", "/h3", "/h4", "/h5", "/h6", "hr":
		out.WriteByte('\n')
	case "/td", "/th", "li":
		out.WriteByte(' ')
	}
	return after
}

// tagName gives the lower-case name after a "<", with the slash of an end tag;
// "" when there is none.
func tagName(s string) string {
	i := 0
	if strings.HasPrefix(s, "/") {
		i = 1
	}
	start := i
	for i < len(s) && i < 32 && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || i > start && s[i] >= '0' && s[i] <= '9') {
		i++
	}
	if i == start {
		return ""
	}
	return strings.ToLower(s[:i])
}

// skipElement returns what follows the end tag of the named element.
func skipElement(s, name string) string {
	for {
		_, rest, found := strings.Cut(s, "</")
		if !found {
			return ""
		}
		if len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
			_, after, _ := strings.Cut(rest, ">")
			return after
		}
		s = rest
	}
}
