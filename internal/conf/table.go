package conf

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"saltmine/internal/canary"
)

// table is one TOML table being read. Each method reads one key into a place,
// leaves the place alone when the key is absent, and writes a fault into the
// book when the value is not what it should be. Keys nobody asked for are
// reported by finish.
type table struct {
	book  *book
	dir   string // relative paths start here
	path  string // dotted; empty at the top
	vals  map[string]any
	asked []string
}

func (t *table) key(key string) string {
	if t.path == "" {
		return key
	}
	return t.path + "." + key
}

func (t *table) take(key string) (any, bool) {
	t.asked = append(t.asked, key)
	v, ok := t.vals[key]
	return v, ok
}

func (t *table) wrong(key, want string, got any) {
	t.book.add(t.key(key), "want %s, found %s", want, typeName(got))
}

// perhaps reads a string that may be empty.
func (t *table) perhaps(key string, into *string) {
	if s, ok := t.vals[key].(string); ok && s == "" {
		t.take(key)
		*into = ""
		return
	}
	t.text(key, into)
}

// text reads a string that is not empty.
func (t *table) text(key string, into *string) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	s, ok := v.(string)
	switch {
	case !ok:
		t.wrong(key, "a string", v)
	case s == "":
		t.book.add(t.key(key), "is empty")
	default:
		*into = s
	}
}

// file reads a path and makes it absolute.
func (t *table) file(key string, into *string) {
	var s string
	if t.text(key, &s); s != "" {
		*into = resolve(t.dir, s)
		t.book.name(t.key(key), *into)
	}
}

// texts reads a list of strings. A single string is a fault: a list of one is
// meant, and guessing would hide a missing bracket.
func (t *table) texts(key string, into *[]string) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	list, ok := v.([]any)
	if !ok {
		t.wrong(key, "a list of strings", v)
		return
	}
	out := make([]string, 0, len(list))
	for i, item := range list {
		s, ok := item.(string)
		if !ok {
			t.wrong(fmt.Sprintf("%s[%d]", key, i), "a string", item)
			continue
		}
		out = append(out, s)
	}
	*into = out
}

// whole reads an integer.
func (t *table) whole(key string, into *int) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	n, ok := v.(int64)
	if !ok {
		t.wrong(key, "an integer", v)
		return
	}
	if int64(int(n)) != n {
		t.book.add(t.key(key), "%d is too large", n)
		return
	}
	*into = int(n)
}

// number reads a number with or without a fraction.
func (t *table) number(key string, into *float64) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	switch n := v.(type) {
	case float64:
		*into = n
	case int64:
		*into = float64(n)
	default:
		t.wrong(key, "a number", v)
	}
}

// truth reads true or false.
func (t *table) truth(key string, into *bool) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	b, is := v.(bool)
	if !is {
		t.wrong(key, "true or false", v)
		return
	}
	*into = b
}

// size reads bytes: an integer, or a string such as "20GiB".
func (t *table) size(key string, into *int64) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	switch s := v.(type) {
	case int64:
		*into = s
	case string:
		n, err := ParseSize(s)
		if err != nil {
			t.book.addErr(t.key(key), err)
			return
		}
		*into = n
	default:
		t.wrong(key, `a size such as "20GiB"`, v)
	}
}

// duration reads a string such as "30d" or "36h".
func (t *table) duration(key string, into *time.Duration) {
	v, ok := t.take(key)
	if !ok {
		return
	}
	s, ok := v.(string)
	if !ok {
		t.wrong(key, `a duration such as "30d"`, v)
		return
	}
	d, err := ParseDuration(s)
	if err != nil {
		t.book.addErr(t.key(key), err)
		return
	}
	*into = d
}

// severity reads "P1" to "P4".
func (t *table) severity(key string, into *canary.Severity) {
	var s string
	if t.text(key, &s); s == "" {
		return
	}
	got, err := canary.ParseSeverity(s)
	if err != nil {
		t.book.addErr(t.key(key), err)
		return
	}
	*into = got
}

// sub gives the table under key, nil when it is absent.
func (t *table) sub(key string) *table {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	vals, ok := v.(map[string]any)
	if !ok {
		t.wrong(key, "a table ["+t.key(key)+"]", v)
		return nil
	}
	return t.child(t.key(key), vals)
}

// subs gives the tables of a list [[key]].
func (t *table) subs(key string) []*table {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	var out []*table
	for i, vals := range tableList(v) {
		name := fmt.Sprintf("%s[%d]", t.key(key), i)
		if vals == nil {
			t.book.add(name, "want a table [[%s]]", t.key(key))
			continue
		}
		out = append(out, t.child(name, vals))
	}
	if out == nil && !isList(v) {
		t.wrong(key, "tables [["+t.key(key)+"]]", v)
	}
	return out
}

// tableList gives the tables of a list; a member that is none is nil.
func tableList(v any) []map[string]any {
	if tables, ok := v.([]map[string]any); ok {
		return tables
	}
	list, _ := v.([]any)
	out := make([]map[string]any, len(list))
	for i, item := range list {
		out[i], _ = item.(map[string]any)
	}
	return out
}

func isList(v any) bool {
	switch v.(type) {
	case []any, []map[string]any:
		return true
	}
	return false
}

// each gives the tables one level below t by name, in the order of the names.
func (t *table) each() []*table {
	var out []*table
	for _, name := range slices.Sorted(maps.Keys(t.vals)) {
		if sub := t.sub(name); sub != nil {
			out = append(out, sub)
		}
	}
	return out
}

func (t *table) child(path string, vals map[string]any) *table {
	return &table{book: t.book, dir: t.dir, path: path, vals: vals}
}

// finish reports every key that nobody asked for.
func (t *table) finish() {
	for _, key := range slices.Sorted(maps.Keys(t.vals)) {
		if slices.Contains(t.asked, key) {
			continue
		}
		if near := nearest(key, t.asked); near != "" {
			t.book.add(t.key(key), "unknown key; did you mean %q?", near)
			continue
		}
		t.book.add(t.key(key), "unknown key")
	}
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a number with a fraction"
	case bool:
		return "a boolean"
	case time.Time:
		return "a date"
	case map[string]any:
		return "a table"
	}
	return "a list"
}
