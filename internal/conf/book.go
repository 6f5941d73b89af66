package conf

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	File string // as the file was named to Load; empty for a Config made in code
	Line int    // from 1; what is missing altogether is reported on line 1; 0 without a file
	Key  string // dotted, tables of a list numbered from 0: "route[0].url"; empty for the whole file
	Err  error  // what is wrong
}

// Error gives "FILE:LINE: KEY: what is wrong".
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.File != "" && f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	return b.String() + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// book collects the faults of one file and knows the lines of its keys.
type book struct {
	file   string
	lines  map[string]int
	faults []*Fault
	named  []NamedFile
}

func newBook(name string, data []byte) *book {
	return &book{file: name, lines: keyLines(string(data))}
}

// add writes down a fault of a key.
func (b *book) add(key, format string, args ...any) {
	b.addErr(key, fmt.Errorf(format, args...))
}

func (b *book) addErr(key string, err error) {
	b.faults = append(b.faults, &Fault{File: b.file, Line: b.line(key), Key: key, Err: err})
}

// addAll takes over what validation found, except about keys whose value was
// already found unreadable: one mistake is to give one message.
func (b *book) addAll(found []*Fault) {
	known := len(b.faults)
	for _, f := range found {
		said := slices.ContainsFunc(b.faults[:known], func(k *Fault) bool { return within(f.Key, k.Key) })
		if !said {
			b.addErr(f.Key, f.Err)
		}
	}
}

// within reports whether key is outer or lies below it.
func within(key, outer string) bool {
	rest, ok := strings.CutPrefix(key, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// line gives the line of a key, or of the nearest table around it, or 1.
func (b *book) line(key string) int {
	for key != "" {
		if n, ok := b.lines[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 1
}

// err joins the faults in the order of their lines; nil when there are none.
func (b *book) err() error {
	slices.SortStableFunc(b.faults, func(x, y *Fault) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Key, y.Key))
	})
	return joinFaults(b.faults)
}

func joinFaults(faults []*Fault) error {
	all := make([]error, 0, len(faults))
	for _, f := range faults {
		all = append(all, f)
	}
	return errors.Join(all...)
}

// top reads the file's syntax; it is nil when that is broken, which is then
// the only fault that can be known.
func (b *book) top(dir string, data []byte) *table {
	vals := map[string]any{}
	if _, err := toml.Decode(string(data), &vals); err != nil {
		f := &Fault{File: b.file, Err: err}
		if syntax, ok := errors.AsType[toml.ParseError](err); ok {
			f.Line, f.Key, f.Err = syntax.Position.Line, syntax.LastKey, errors.New(syntax.Message)
		}
		b.faults = append(b.faults, f)
		return nil
	}
	return &table{book: b, dir: filepath.Clean(dir), vals: vals}
}
