package dialect

import "bytes"

// maxKeys bounds the columns of JSON lines.
const maxKeys = 500

// objectKeys are the columns of JSON lines.
type objectKeys struct {
	names []string
	at    map[string]int
}

const noObject = "it is no JSON object"

// parse finds the cells of one line, or says what is wrong with it. It looks at
// the top level only: what lies deeper is passed over.
func (k *objectKeys) parse(raw []byte, rec *Record) (problem string) {
	rec.Cells = rec.Cells[:0]
	for range k.names {
		rec.Cells = append(rec.Cells, Cell{-1, -1})
	}
	at := blank(raw, 0)
	if !is(raw, at, '{') {
		return noObject
	}
	at = blank(raw, at+1)
	for n := 0; n > 0 || !is(raw, at, '}'); n++ {
		if at, problem = k.member(raw, at, n, rec); problem != "" {
			return problem
		}
		if !is(raw, at, ',') {
			break
		}
		at = blank(raw, at+1)
	}
	if !is(raw, at, '}') || blank(raw, at+1) != len(raw) {
		return noObject
	}
	return ""
}

func is(b []byte, at int, c byte) bool { return at < len(b) && b[at] == c }

// member reads the n-th key and its value, and gives the place behind them.
func (k *objectKeys) member(raw []byte, at, n int, rec *Record) (next int, problem string) {
	if !is(raw, at, '"') {
		return 0, noObject
	}
	end := stringEnd(raw, at)
	if end < 0 {
		return 0, "a string is not closed"
	}
	column, problem := k.column(raw[at+1:end-1], n, rec)
	if problem != "" {
		return 0, problem
	}
	if at = blank(raw, end); !is(raw, at, ':') {
		return 0, "a key has no value"
	}
	from := blank(raw, at+1)
	to := valueEnd(raw, from)
	if to <= from {
		return 0, "a key has no value"
	}
	rec.Cells[column] = Cell{from, to}
	return blank(raw, to), ""
}

// column gives a key's number. Lines mostly have the same keys in the same
// order, so the n-th is compared first.
func (k *objectKeys) column(key []byte, n int, rec *Record) (column int, problem string) {
	if n >= len(k.names) || k.names[n] != string(key) {
		known := false
		if n, known = k.at[string(key)]; !known {
			if len(k.names) == maxKeys {
				return 0, "there are too many different keys"
			}
			n = len(k.names)
			k.at[string(key)] = n
			k.names = append(k.names, string(key))
			rec.Cells = append(rec.Cells, Cell{-1, -1})
		}
	}
	if rec.Cells[n].From >= 0 {
		return 0, "a key stands twice"
	}
	return n, ""
}

func blank(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\r' || b[at] == '\n') {
		at++
	}
	return at
}

// stringEnd gives the place behind the string that begins at, -1 where it does
// not end.
func stringEnd(b []byte, at int) int {
	for from := at + 1; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return -1
		}
		if slashes(b[from:from+i])%2 == 0 {
			return from + i + 1
		}
		from += i + 1
	}
}

// valueEnd gives the place behind a value, or what is not behind it where there
// is none.
func valueEnd(b []byte, at int) int {
	if at == len(b) {
		return at
	}
	switch b[at] {
	case '"':
		return stringEnd(b, at)
	case '{', '[':
		return nestedEnd(b, at)
	}
	end := bytes.IndexAny(b[at:], ",}] \t\r\n")
	if end < 0 {
		return -1
	}
	return at + end
}

func nestedEnd(b []byte, at int) int {
	for depth := 0; at < len(b); at++ {
		switch b[at] {
		case '"':
			if at = stringEnd(b, at) - 1; at < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return -1
}
