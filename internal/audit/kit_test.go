package audit_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/audit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// read reads a whole log: its events, its faults, and the error that ended it.
func read(t testing.TB, in io.Reader, cfg audit.Config) (events []*audit.Event, faults []*audit.Fault, err error) {
	t.Helper()
	r, err := audit.Open(in, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if fault, ok := errors.AsType[*audit.Fault](err); ok {
			faults = append(faults, fault)
			continue
		}
		if errors.Is(err, io.EOF) {
			return events, faults, nil
		}
		if err != nil {
			return events, faults, err
		}
		events = append(events, e.Clone())
	}
}

// readText reads a log that must be whole.
func readText(t testing.TB, text string, cfg audit.Config) []*audit.Event {
	t.Helper()
	events, faults, err := read(t, strings.NewReader(text), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Errorf("%v: %q", f, f.Raw)
	}
	return events
}

// one is the single event of a log.
func one(t testing.TB, text string, cfg audit.Config) *audit.Event {
	t.Helper()
	events := readText(t, text, cfg)
	if len(events) != 1 {
		t.Fatalf("%d events in %q, want 1", len(events), text)
	}
	return events[0]
}

// describe is an event in one line, with what is usual left out.
func describe(e *audit.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d %s+%s %s/%s", e.Where.Line, e.Where.Offset, e.At.Format("2006-01-02T15:04:05.999999Z07:00"), e.Precision, e.Kind, e.Op)
	for _, f := range []struct{ name, value string }{
		{"server", e.Server}, {"user", e.User}, {"host", e.Host}, {"account", e.Account}, {"program", e.Program}, {"db", e.Database}, {"object", e.Object},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, " %s=%q", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name         string
		value, usual int64
	}{
		{"port", int64(e.Port), 0}, {"conn", int64(e.Connection), 0}, {"seq", int64(e.Sequence), 0}, {"code", int64(e.Code), audit.Unknown},
		{"sent", e.RowsSent, audit.Unknown}, {"examined", e.RowsExamined, audit.Unknown}, {"repeat", int64(e.Repeat), 0},
	} {
		if f.value != f.usual {
			fmt.Fprintf(&b, " %s=%d", f.name, f.value)
		}
	}
	if e.Truncated {
		b.WriteString(" truncated")
	}
	if e.Low {
		b.WriteString(" low")
	}
	if e.Text != nil {
		text := e.Text
		if len(text) > 120 {
			text = append(bytes.Clone(text[:60]), fmt.Sprintf("…%d bytes…%s", len(text), text[len(text)-20:])...)
		}
		fmt.Fprintf(&b, " %q", text)
	}
	return b.String()
}

// golden reads a log of testdata and compares what comes out.
func golden(t *testing.T, name string, cfg audit.Config) []*audit.Event {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	events, faults, err := read(t, bytes.NewReader(text), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, e := range events {
		out.WriteString(describe(e) + "\n")
	}
	for _, f := range faults {
		fmt.Fprintf(&out, "fault: %v: %q\n", f, f.Raw)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s comes out other than in %s:\n%s", name, file, firstDifference(out.String(), string(want)))
	}
	return events
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
