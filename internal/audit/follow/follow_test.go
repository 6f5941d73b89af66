package follow_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"saltmine/internal/audit"
	"saltmine/internal/audit/follow"
)

// writer writes numbered statements as MariaDB's plugin does.
type writer struct {
	t    *testing.T
	path string
	n    int
}

func (w *writer) write(count int) {
	w.t.Helper()
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	for range count {
		w.n++
		_, err := fmt.Fprintf(f, "20261127 12:%02d:%02d,db1,root,localhost,7,%d,QUERY,shop,'SELECT %d',0\n", w.n/60%60, w.n%60, w.n, w.n)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// rotate does as the plugin does: the oldest has the highest number.
func (w *writer) rotate() {
	w.t.Helper()
	for n := 8; n >= 1; n-- {
		from := fmt.Sprintf("%s.%d", w.path, n)
		if _, err := os.Stat(from); err == nil {
			w.rename(from, fmt.Sprintf("%s.%d", w.path, n+1))
		}
	}
	w.rename(w.path, w.path+".1")
}

func (w *writer) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(from, to); err != nil {
		w.t.Fatal(err)
	}
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	return &writer{t: t, path: filepath.Join(t.TempDir(), "audit[1].log")}
}

func open(t *testing.T, path string, from audit.State) *follow.Log {
	t.Helper()
	l, err := follow.Open(path, audit.Config{}, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// read gives the numbers of the statements that are there now.
func read(t *testing.T, l *follow.Log) (list []int) {
	t.Helper()
	for range 10_000 {
		e, err := l.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimPrefix(string(e.Text), "SELECT "))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	t.Fatal("it does not end")
	return nil
}

// inOrder wants the numbers from one to another, each once.
func inOrder(t *testing.T, got []int, from, to int) {
	t.Helper()
	for i, n := range got {
		if n != from+i {
			t.Fatalf("number %d is %d, want %d: %v", i, n, from+i, got)
		}
	}
	if len(got) != to-from+1 {
		t.Fatalf("%d came, want %d to %d", len(got), from, to)
	}
}

func TestALogIsFollowedAcrossRotations(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.write(3)
	l := open(t, w.path, audit.State{})
	inOrder(t, read(t, l), 1, 3)
	w.write(2)
	w.rotate()
	w.write(2)
	inOrder(t, read(t, l), 4, 7)
	for range 3 { // several times between two looks
		w.write(2)
		w.rotate()
	}
	inOrder(t, read(t, l), 8, 13) // and there is no file now
	w.write(1)
	inOrder(t, read(t, l), 14, 14)
	if l.Lost() {
		t.Error("nothing was lost")
	}
}

// TestALineThatIsNotWhole comes when it is.
func TestALineThatIsNotWhole(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.write(1)
	l := open(t, w.path, audit.State{})
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, part := range []struct {
		text string
		last int
	}{{"20261127 12:00:02,db1,root,localhost,7,2,QUERY,shop,'SELE", 1}, {"CT 2',0\n2026", 2}, {"1127 12:00:03,db1,root,localhost,7,3,QUERY,shop,'SELECT 3',0", 0}} {
		if _, err := f.WriteString(part.text); err != nil {
			t.Fatal(err)
		}
		if got := read(t, l); part.last > 0 {
			inOrder(t, got, part.last, part.last)
		} else if len(got) != 0 {
			t.Errorf("%v came", got)
		}
	}
	w.rotate() // now it is as whole as it will be
	w.n = 3
	w.write(1)
	inOrder(t, read(t, l), 3, 4)
}

func TestARestartFindsItsPlace(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*writer){
		"nothing":   func(*writer) {},
		"rotated":   func(w *writer) { w.rotate() },
		"twice":     func(w *writer) { w.rotate(); w.write(5); w.rotate() },
		"no file":   func(w *writer) { w.write(5); w.rotate(); w.n -= 5 },
		"and again": func(w *writer) { w.rotate(); w.write(1) },
		"by gzip":   func(w *writer) { w.rotate(); zip(w) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t)
			w.write(4)
			l := open(t, w.path, audit.State{})
			inOrder(t, read(t, l), 1, 4)
			state := l.State()
			w.write(3)
			meanwhile(w)
			want := w.n
			if name == "no file" {
				want += 5
			} else {
				w.write(2)
				want += 2
			}
			again := open(t, w.path, state)
			inOrder(t, read(t, again), 5, want)
			if again.Lost() {
				t.Error("nothing was lost")
			}
		})
	}
}

func zip(w *writer) {
	w.t.Helper()
	text, err := os.ReadFile(w.path + ".1")
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := os.Create(w.path + ".1.gz")
	if err != nil {
		w.t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write(text); err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close(), os.Remove(w.path+".1")); err != nil {
		w.t.Fatal(err)
	}
}

// TestWhatIsGoneIsTold: the file that was read was deleted, or cut off in place.
func TestWhatIsGoneIsTold(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.write(4)
	l := open(t, w.path, audit.State{})
	read(t, l)
	state := l.State()
	w.rotate()
	w.write(2)
	if err := os.Remove(w.path + ".1"); err != nil {
		t.Fatal(err)
	}
	again := open(t, w.path, state)
	inOrder(t, read(t, again), 5, 6)
	if !again.Lost() || again.Lost() {
		t.Error("it is told once")
	}
	inOrder(t, read(t, l), 5, 6) // it had the file open
	if l.Lost() {
		t.Error("nothing was lost")
	}
	if err := os.Truncate(w.path, 0); err != nil {
		t.Fatal(err)
	}
	w.write(1)
	inOrder(t, read(t, l), 7, 7)
	if !l.Lost() {
		t.Error("it was cut off in place")
	}
}

// TestALogThatIsNotThereYet is an error at the beginning: the path may be wrong.
func TestALogThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	if _, err := follow.Open(w.path, audit.Config{}, audit.State{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(w.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, w.path, audit.State{})
	inOrder(t, read(t, l), 1, 0)
	w.write(2)
	inOrder(t, read(t, l), 1, 2)
}
