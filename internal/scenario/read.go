package scenario

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/forensics/posterior"
)

// read gives the named columns of every row of a file. The fields are good until
// the next row.
func (w *World) read(name string, columns []string, row func([]string) error) (err error) {
	f, err := os.Open(filepath.Join(w.dir, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var at []int
	var parts []string // used again for every line, of which there are many
	fields := make([]string, len(columns))
	number, err := eachLine(z, func(line string) error {
		parts = cut(parts[:0], line)
		if at == nil {
			at, err = places(parts, columns)
			return err
		}
		for i, n := range at {
			if n >= len(parts) {
				return fmt.Errorf("it has %d fields", len(parts))
			}
			fields[i] = parts[n]
		}
		return row(fields)
	})
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: cut off after line %d", name, number)
	case err != nil:
		return fmt.Errorf("%s: line %d: %w", name, number, err)
	case at == nil:
		return fmt.Errorf("%s: empty", name)
	}
	return nil
}

// cut appends what stands between the commas.
func cut(parts []string, line string) []string {
	for {
		i := strings.IndexByte(line, ',')
		if i < 0 {
			return append(parts, line)
		}
		parts = append(parts, line[:i])
		line = line[i+1:]
	}
}

// mostLine is the longest line, in bytes.
const mostLine = 1 << 20

// eachLine calls f for every whole line, and gives the number of the last one, or
// of the one at which it stopped.
func eachLine(from io.Reader, f func(string) error) (number int, err error) {
	in := bufio.NewReaderSize(from, mostLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return number, nil
		case errors.Is(err, io.EOF): // the last one needs no end
		case errors.Is(err, io.ErrUnexpectedEOF):
			return number, err
		case err != nil:
			return number + 1, err
		}
		number++
		if err := f(string(bytes.TrimRight(line, "\r\n"))); err != nil {
			return number, err
		}
	}
}

// places gives where columns stand.
func places(header, columns []string) (at []int, err error) {
	for _, c := range columns {
		i := slices.Index(header, c)
		if i < 0 {
			return nil, fmt.Errorf("no column %s", c)
		}
		at = append(at, i)
	}
	return at, nil
}

func parseTime(text string) (posterior.Day, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of RFC 3339", text)
	}
	return day(t), nil
}

func (w *World) readTokens() error {
	segments, domains := ids{}, ids{}
	languages := map[string]map[int]bool{}
	err := w.read("canaries.csv.gz", []string{"canary_id", "kind", "region", "language", "product", "domain", "guessable", "planted_at", "retired_at"}, func(f []string) error {
		domain, guessable := domains.of(f[5]), f[6] == "1"
		if f[1] == "placebo" {
			w.controls[strings.Clone(f[0])] = len(w.base.Controls)
			w.base.Controls = append(w.base.Controls, posterior.Control{Domain: domain, Guessable: guessable})
			return nil
		}
		from, err := parseTime(f[7])
		if err != nil {
			return err
		}
		until, err := parseTime(f[8])
		if err != nil {
			return err
		}
		if until < from {
			return errors.New("a window that ends before it begins")
		}
		s := segments.of(f[2] + "/" + f[4])
		if languages[f[3]] == nil {
			languages[strings.Clone(f[3])] = map[int]bool{}
		}
		languages[f[3]][s] = true
		w.tokens[strings.Clone(f[0])] = len(w.base.Tokens)
		w.base.Tokens = append(w.base.Tokens, posterior.Token{From: from, Until: until, Segment: s, Domain: domain, Guessable: guessable})
		return nil
	})
	if err != nil {
		return err
	}
	w.base.Scopes = scopes(len(segments), languages)
	return nil
}

// scopes are what a copy may be of: one segment, all of a language, everything.
func scopes(segments int, languages map[string]map[int]bool) [][]int {
	var list [][]int
	for s := range segments {
		list = append(list, []int{s})
	}
	var more [][]int
	for _, set := range languages {
		var scope []int
		for s := range set {
			scope = append(scope, s)
		}
		if slices.Sort(scope); len(scope) > 1 {
			more = append(more, scope)
		}
	}
	slices.SortFunc(more, slices.Compare)
	all := make([]int, segments)
	for i := range all {
		all[i] = i
	}
	return append(append(list, more...), all)
}

func (w *World) readExtracts() error {
	actors, known := ids{}, map[string]bool{}
	err := w.read("extracts.csv.gz", []string{"extract_id", "actor_id", "at", "n_rows"}, func(f []string) error {
		at, err := parseTime(f[2])
		if err != nil {
			return err
		}
		rows, err := strconv.ParseFloat(f[3], 64)
		if err != nil || rows < 0 {
			return fmt.Errorf("%q is no number of rows", f[3])
		}
		if known[f[0]] {
			return errors.New("an extract that was there before")
		}
		known[strings.Clone(f[0])] = true
		actor := actors.of(f[1])
		if actor == len(w.actors) {
			w.actors = append(w.actors, strings.Clone(f[1]))
		}
		w.extracts = append(w.extracts, strings.Clone(f[0]))
		w.base.Extracts = append(w.base.Extracts, posterior.Extract{Actor: actor, At: at, Rows: rows})
		return nil
	})
	return err
}

func (w *World) readMembers() error {
	number := make(map[string]int, len(w.extracts))
	for i, id := range w.extracts {
		number[id] = i
	}
	last, e := "", -1 // an extract's lines mostly stand together
	err := w.read("extract_canaries.csv.gz", []string{"extract_id", "canary_id"}, func(f []string) error {
		if e < 0 || f[0] != last {
			n, ok := number[f[0]]
			if !ok {
				return errors.New("an extract that the list does not have")
			}
			last, e = f[0], n
		}
		t, ok := w.tokens[f[1]]
		if !ok {
			w.Unknown++
			return nil
		}
		x := &w.base.Extracts[e]
		x.Held = append(x.Held, int32(t)) //nolint:gosec // fewer than lines
		return nil
	})
	for i := range w.base.Extracts {
		x := &w.base.Extracts[i]
		slices.Sort(x.Held)
		x.Held = slices.Compact(x.Held)
	}
	return err
}
