package replay

import "strings"

// scan is what the characters of a statement tell without its grammar.
type scan struct {
	shape   string
	words   []string // in lower case, names without their quotes
	tokens  []string // the first ones: words, "database.name" as one, and signs
	quoted  []string // what stands in double quotes: a text, or a name under ANSI_QUOTES
	pipes   bool     // ||
	texts   bool     // a text in quotes
	deepest int      // parentheses in each other
	hidden  bool     // a comment that the server runs holds more than a hint
	several bool     // more statements follow
	// text is the statement as the parser has to have it, which takes '\%' for '%'
	// and any '--' for a comment.
	text string
}

// lex reads a statement from its beginning. Its strings end as they do without
// NO_BACKSLASH_ESCAPES.
func lex(s string) *scan { return lexWithin(s, 0) }

// lexWithin reads what stands in so many comments.
func lexWithin(s string, comments int) *scan {
	l := &lexer{text: s, scan: &scan{}, comments: comments}
	for l.at < len(s) {
		l.token()
	}
	l.scan.text = s
	if l.spelt > 0 {
		l.scan.text = l.spelling.String() + s[l.spelt:]
	}
	l.shape = strings.ReplaceAll(strings.TrimSpace(l.out.String()), "?, ?", "?")
	for strings.Contains(l.shape, "?, ?") {
		l.shape = strings.ReplaceAll(l.shape, "?, ?", "?")
	}
	return l.scan
}

type lexer struct {
	*scan
	text string
	at   int
	out  strings.Builder

	comments int
	open     int // parentheses
	strung   int // texts behind each other
	// spelling is what becomes of the text before spelt.
	spelling strings.Builder
	spelt    int
}

// insert puts a character before the one at i, for the parser.
func (l *lexer) insert(c byte, i int) {
	l.spelling.WriteString(l.text[l.spelt:i])
	l.spelling.WriteByte(c)
	l.spelt = i
}

func (l *lexer) token() { //nolint:cyclop // a flat table of characters
	c := l.text[l.at]
	rest := l.text[l.at:]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
		l.at++
	case c == '\'' || c == '"':
		inside := l.quotedBy(c)
		if c == '"' {
			l.quoted = append(l.quoted, strings.ToLower(inside))
		}
		l.texts = true
		l.note("?")
		l.put("?")
		if l.strung++; l.strung > maxStrung {
			l.deepest = maxLevels
		}
	case c == '`':
		name := strings.ToLower(l.quotedBy(c))
		l.words = append(l.words, name)
		l.note(name)
		l.put(name)
	case strings.HasPrefix(rest, "/*"):
		l.comment(rest)
	case c == '#' || strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
		l.at += lineLength(rest)
	case c >= '0' && c <= '9':
		l.number()
	case wordByte(c):
		l.word()
	case strings.HasPrefix(rest, "--"):
		l.put("-")
		l.at++
		l.insert(' ', l.at)
	default:
		l.pipes = l.pipes || strings.HasPrefix(rest, "||")
		l.several = l.several || c == ';' && strings.TrimSpace(rest[1:]) != ""
		switch c {
		case '(':
			l.open++
			l.deepest = max(l.deepest, l.open)
		case ')':
			l.open--
		}
		l.note(string(c))
		l.put(string(c))
		l.at++
	}
}

// maxComments is how deep comments that the server runs are read in each other.
const maxComments = 3

// maxTokens is how far the names of the tables are looked for that a statement
// fills.
const maxTokens = 512

// maxName bounds a name with what it is in. maxStrung is how many texts may
// follow each other, which the parser joins one by one.
const (
	maxName   = 256
	maxStrung = 100
)

func (l *lexer) note(token string) {
	last := len(l.tokens) - 1
	switch {
	case len(l.tokens) >= maxTokens:
	case last > 0 && l.tokens[last] == "." && token != "." && len(l.tokens[last-1]) < maxName:
		l.tokens = append(l.tokens[:last-1], l.tokens[last-1]+"."+token)
	default:
		l.tokens = append(l.tokens, token)
	}
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c == '@' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// put adds a token to the shape.
func (l *lexer) put(token string) {
	if token != "?" {
		l.strung = 0
	}
	s := l.out.String()
	if len(s) > 0 && token != "," && token != ")" && token != "." && !strings.HasSuffix(s, "(") && !strings.HasSuffix(s, ".") {
		l.out.WriteByte(' ')
	}
	l.out.WriteString(token)
}

// quotedBy reads up to the closing quote, which doubled stands for itself.
func (l *lexer) quotedBy(quote byte) string {
	from := l.at + 1
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\\' && quote != '`':
			if l.at++; l.at < len(l.text) && (l.text[l.at] == '%' || l.text[l.at] == '_') {
				l.insert('\\', l.at)
			}
		case c == quote && l.at+1 < len(l.text) && l.text[l.at+1] == quote:
			l.at++
		case c == quote:
			l.at++
			return l.text[from : l.at-1]
		}
	}
	l.at = len(l.text)
	return l.text[from:]
}

func (l *lexer) word() {
	from := l.at
	for l.at < len(l.text) && wordByte(l.text[l.at]) {
		l.at++
	}
	word := strings.ToLower(l.text[from:l.at])
	l.words = append(l.words, word)
	l.note(word)
	l.put(word)
}

func (l *lexer) number() {
	from := l.at
	for l.at < len(l.text) && (wordByte(l.text[l.at]) || l.text[l.at] == '.') {
		l.at++
	}
	// A name may begin with digits.
	if word := l.text[from:l.at]; strings.Trim(word, "0123456789.eExXaAbBcCdDfF") == "" {
		l.note("?")
		l.put("?")
	} else {
		l.note(strings.ToLower(word))
		l.words = append(l.words, strings.ToLower(word))
		l.put(strings.ToLower(word))
	}
}

// comment passes over a comment. One that the server runs is harmless when it
// is a hint.
func (l *lexer) comment(rest string) {
	inside, _, closed := strings.Cut(rest[2:], "*/")
	l.at += len(inside) + 2
	if closed {
		l.at += 2
	}
	run, isRun := strings.CutPrefix(inside, "!")
	if mariadb, ok := strings.CutPrefix(inside, "M!"); ok {
		run, isRun = mariadb, true
	}
	if !isRun {
		return
	}
	switch strings.ToUpper(strings.Trim(run, " 0123456789")) {
	case "", "SQL_NO_CACHE", "SQL_CACHE", "LOCAL", "HIGH_PRIORITY", "STRAIGHT_JOIN":
	default:
		l.hidden = true
		if l.comments >= maxComments {
			return
		}
		inner := lexWithin(strings.TrimLeft(run, "0123456789"), l.comments+1)
		l.words = append(l.words, inner.words...)
		for _, token := range inner.tokens {
			l.note(token)
		}
	}
}
