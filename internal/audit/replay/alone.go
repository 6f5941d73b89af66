package replay

import (
	"slices"
	"strings"
	"time"
)

// pieces are the tokens of a statement where they stand, since the parser does not know all
// of the dialect.
type pieces struct {
	text  string
	list  []bit
	names map[string]bool
	// from is the piece that is FROM, table the one with the table's name, and alias what it
	// is called; in the order in which they stand.
	from, table int
	alias       string
	depth       int // of parentheses
}

// bit is a token: a word or a name in lower case and without its quotes, or a sign.
type bit struct {
	at    int
	raw   string
	text  string
	plain bool // it is a word, and not in quotes
	named bool // it may be a name
}

// piecesOf cuts a statement up. It is not ok when something in it looks at more than a row,
// or at what a session is.
func piecesOf(text string) (*pieces, bool) {
	p := &pieces{text: text, names: map[string]bool{}, from: -1}
	l := &lexer{text: text, scan: &scan{}}
	for l.at < len(text) {
		from := l.at
		l.token()
		one := bitOf(from, text[from:l.at])
		if one.text == "" {
			continue
		}
		if one.foreign() || !p.place(&one) {
			return nil, false
		}
		if one.named {
			p.names[one.text] = true
		}
		p.list = append(p.list, one)
	}
	return p, p.from > 1 && p.list[0].plain && p.list[0].text == "select" && !p.calls()
}

// foreign tells what is beyond the row, a variable, a number that a name may begin with, and
// letters that depend on a session's character set.
func (b *bit) foreign() bool {
	switch {
	case strings.ContainsFunc(b.text, func(c rune) bool { return c >= 0x80 }), b.text == ":", b.text == "@":
		return true
	case b.plain && (strings.Contains(b.text, "@") || b.text[0] <= '9' && strings.Contains(b.text, ".")):
		return true
	}
	return b.named && beyondRow(b.text)
}

// place notes where FROM is. There is one, and one SELECT before it.
func (p *pieces) place(b *bit) bool {
	switch {
	case b.text == "(":
		p.depth++
	case b.text == ")":
		p.depth--
	case b.plain && b.text == "select":
		return len(p.list) == 0
	case b.plain && b.text == "from" && p.depth == 0:
		if p.from >= 0 {
			return false
		}
		p.from = len(p.list)
	}
	return true
}

func bitOf(at int, raw string) bit {
	c := raw[0]
	switch {
	case strings.TrimSpace(raw) == "", c == '#', strings.HasPrefix(raw, "/*"), strings.HasPrefix(raw, "--") && len(raw) > 2:
		return bit{}
	case c == '`' || c == '"':
		return bit{at: at, raw: raw, text: strings.ToLower(strings.Trim(raw, raw[:1])), named: true}
	case c == '\'':
		if strings.ContainsFunc(raw, func(c rune) bool { return c >= 0x80 }) {
			return bit{at: at, raw: raw, text: raw}
		}
		return bit{at: at, raw: raw, text: "'"}
	case wordByte(c):
		word := strings.Trim(raw, "0123456789.") != ""
		return bit{at: at, raw: raw, text: strings.ToLower(raw), plain: word, named: word}
	}
	return bit{at: at, raw: raw, text: raw}
}

// calls reports whether a function is called by its database: it is no server's own.
func (p *pieces) calls() bool {
	for i := 2; i < len(p.list)-1; i++ {
		if p.list[i].named && p.list[i-1].text == "." && p.list[i+1].text == "(" {
			return true
		}
	}
	return false
}

// beyondRow tells words of what depends on more than the row: on other rows, on the session,
// on chance, or on what a server has beside its tables.
func beyondRow(word string) bool {
	return harmful(word) || slices.Contains(otherRows(), word) || slices.Contains(otherThings(), word) ||
		strings.HasPrefix(word, "wsrep") || strings.HasPrefix(word, "gtid") || strings.HasPrefix(word, "spider")
}

func otherRows() []string {
	return []string{
		"union", "except", "intersect", "minus", "join", "straight_join", "natural", "lateral", "json_table", "table", "values",
		"limit", "fetch", "offset", "top", "rownum", "row_number", "skip", "nowait", "lock", "for", "group", "having", "distinct", "distinctrow",
		"over", "window", "qualify", "rollup", "with", "recursive", "partition", "system_time", "match", "against", "connect", "prior", "into",
		"count", "sum", "avg", "min", "max", "std", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "group_concat",
		"bit_and", "bit_or", "bit_xor", "json_arrayagg", "json_objectagg", "any_value", "median", "percentile_cont", "percentile_disc",
		"st_collect", "grouping", "first_value", "last_value", "nth_value", "lag", "lead", "rank", "dense_rank", "ntile", "cume_dist", "percent_rank",
	}
}

func otherThings() []string {
	return []string{
		"rand", "random_bytes", "uuid", "uuid_short", "uuid_v4", "uuid_v7", "sys_guid", "encrypt", "des_encrypt", "des_decrypt", "kdf", "sysdate",
		"connection_id", "user", "current_user", "session_user", "system_user", "current_role", "database", "schema", "version",
		"found_rows", "row_count", "is_free_lock", "is_used_lock", "ps_thread_id", "ps_current_thread_id", "next", "previous", "icu_version",
		"binlog_gtid_pos", "roles_graphml", "default", "statement_digest", "validate_password_strength", "sqlcode", "sql", "set",
	}
}

// single finds the table of a statement of one table, in a database.
func (p *pieces) single(session, database string) (name string, ok bool) {
	p.table = p.from + 1
	if rest := p.list[p.table:]; len(rest) > 2 && rest[1].text == "." {
		session = rest[0].text
		p.table += 2
	}
	if !strings.EqualFold(session, database) || p.table >= len(p.list) || !p.list[p.table].named {
		return "", false
	}
	return p.list[p.table].text, p.ends(p.list[p.table+1:])
}

// ends reports whether behind a table there is nothing but what it is called, WHERE and ORDER.
func (p *pieces) ends(rest []bit) bool {
	if len(rest) > 1 && rest[0].plain && rest[0].text == "as" {
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0].named && !ends(&rest[0]) {
		p.alias = strings.Trim(rest[0].raw, "`\"")
		rest = rest[1:]
	}
	return len(rest) == 0 || ends(&rest[0])
}

// ends tells what may stand behind a table.
func ends(p *bit) bool { return p.plain && (p.text == "where" || p.text == "order") }

// keyed is the statement with the numbers of the rows behind what it shows, and without the
// database's name.
func (p *pieces) keyed(table string) string {
	of := p.alias
	if of == "" {
		of = table
	}
	key := ", `" + of + "`.`" + Label + "` AS `" + Label + "` "
	return p.text[:p.list[p.from].at] + key + "FROM " + p.text[p.list[p.table].at:]
}

// maxClocks bounds the times that are tried.
const maxClocks = 24

// clocks are the times that the session's clock may have shown, as far as the statement can
// tell them apart: by the second, or by the day, since a time alone is taken as of today.
func (p *pieces) clocks(s *Statement) (list []time.Time, ok bool) {
	step, ok := p.step()
	first, last := s.Began.Earliest.Truncate(time.Second), s.Began.Latest.Truncate(time.Second)
	if !ok || last.Sub(first) >= maxClocks*step || first.Unix() <= 0 {
		return nil, false
	}
	days := map[string]bool{}
	for at := first; ; at = at.Add(step) {
		if at.After(last) {
			at = last
		}
		day := at.In(s.Zone).Format(time.DateOnly) + at.UTC().Format(time.DateOnly)
		if step == time.Second || !days[day] {
			list = append(list, at)
		}
		if days[day] = true; !at.Before(last) {
			return list, true
		}
	}
}

// step is how near to each other times have to be tried; not ok where parts of a second count.
func (p *pieces) step() (time.Duration, bool) {
	step := time.Hour
	for i := range p.list {
		called := i+2 < len(p.list) && p.list[i+1].text == "(" && p.list[i+2].text != ")"
		switch name := p.list[i].text; {
		case !p.list[i].named, name == "unix_timestamp" && called:
		case !slices.Contains([]string{"now", "current_timestamp", "localtime", "localtimestamp", "current_time", "curtime", "utc_time", "utc_timestamp", "unix_timestamp"}, name):
		case called:
			return 0, false
		default:
			step = time.Second
		}
	}
	return step, true
}
