package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/witness"
)

// signer is a key of the tests'.
type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(m []byte) []byte         { return ed25519.Sign(s.key, m) }
func (s signer) Public() ed25519.PublicKey    { return s.key.Public().(ed25519.PublicKey) }
func keyOf(n byte) signer                     { return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))} }
func link(n int64) string                     { return fmt.Sprintf("%032x", n) }
func note(at time.Time, n int64) witness.Note { return witness.Note{At: at, Count: n, Link: link(n)} }
func start() time.Time                        { return time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC) }

func line(t *testing.T, n witness.Note, by signer) string {
	t.Helper()
	b, err := witness.Sign(n, by)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTheFormat: what others may have built on, signature and all.
func TestTheFormat(t *testing.T) {
	t.Parallel()
	const want = `{"type":"evidence.head","timestamp":"2026-08-05T10:00:00.000000Z","data":{"count":4711,"link":"00000000000000000000000000001267",` +
		`"key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=","signature":"UUZjIriLbpbHxyqILbLL5zW3NnVQg6g0R5+bq0N+QXrQR2t4jN411F/aQuASPr2y0HkO5YXw4QhJBigk3GPJCw=="}}`
	got := line(t, note(start(), 4711), keyOf(1))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	n, some, err := witness.Parse([]byte("<134>1 core1 saltmine - evidence - "+got+" and so on\n"), keyOf(1).Public())
	if err != nil || !some || n != note(start(), 4711) {
		t.Errorf("%+v, %v, %v", n, some, err)
	}
}

// TestRead: notes among other lines, parts of them, and what the core did not sign.
func TestRead(t *testing.T) {
	t.Parallel()
	first, last := line(t, note(start(), 1), keyOf(1)), line(t, note(start().Add(time.Hour), 9), keyOf(1))
	text := "Aug 5 something else\n\n" + first + "\n" + first[:100] + "\nmore " + last + "\n" + last[:80]
	list, parts, err := witness.Read(strings.NewReader(text), keyOf(1).Public())
	if err != nil || parts != 2 || len(list) != 2 || list[0].Line != 3 || list[1].Count != 9 || list[1].Line != 5 {
		t.Errorf("%+v, %d parts, %v", list, parts, err)
	}
	for name, text := range map[string]string{
		"another's":       line(t, note(start(), 1), keyOf(2)),
		"another count":   strings.Replace(first, `"count":1`, `"count":2`, 1),
		"another link":    strings.Replace(first, link(1), link(2), 1),
		"another time":    strings.Replace(first, "T10:", "T11:", 1),
		"no signature":    first[:strings.Index(first, `,"signature"`)] + "}}",
		"another's claim": strings.Replace(line(t, note(start(), 1), keyOf(2)), "gTl3DqhJwSpSXYoEpqjtMzN2+SBLI5/8xaHvXqzCpr4=", "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=", 1),
	} {
		if _, _, err := witness.Read(strings.NewReader(first+"\n"+text+"\n"), keyOf(1).Public()); !errors.Is(err, witness.ErrForged) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := witness.Read(strings.NewReader(strings.Repeat("x", 1<<20)), keyOf(1).Public()); err == nil {
		t.Error("a line without end was read")
	}
}

// TestBackwards: an older copy of the log shows, and cores that mix do not.
func TestBackwards(t *testing.T) {
	t.Parallel()
	other := note(start().Add(time.Hour), 5)
	other.Link = link(6)
	for name, c := range map[string]struct {
		list []witness.Note
		want string
	}{
		"grows":       {[]witness.Note{note(start(), 1), note(start().Add(time.Hour), 5), note(start().Add(2*time.Hour), 5)}, ""},
		"two cores":   {[]witness.Note{note(start(), 5), note(start().Add(-time.Second), 4), note(start().Add(time.Second), 4)}, ""},
		"an old copy": {[]witness.Note{note(start(), 5), note(start().Add(time.Hour), 4)}, "there were 5 acts at 2026-08-05T10:00:00Z, and 4 at"},
		"another act": {[]witness.Note{note(start(), 5), other}, "act 5 was one thing"},
	} {
		if err := witness.Backwards(c.list); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// outside is an evidence log and a witness of it.
type outside struct {
	mu    sync.Mutex
	count int64
	down  bool
	got   []witness.Note
	told  []string
}

func (o *outside) set(count int64, down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count, o.down = count, down
}

func (o *outside) seen() (got []witness.Note, told string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.got), strings.Join(o.told, ",")
}

func (o *outside) head(context.Context) (count int64, end string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count, link(o.count), nil
}

func (o *outside) silent(_ context.Context, name string, since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, fmt.Sprint(name, " ", !since.IsZero()))
}

func (o *outside) send(_ context.Context, line []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return errors.New("down")
	}
	n, _, err := witness.Parse(line, keyOf(1).Public())
	o.got = append(o.got, n)
	return err
}

// TestKeeper: a note within a minute of an act, none of what has not changed but once
// an hour; a witness that is silent for an hour is told of until it is not.
func TestKeeper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outside{count: 1}
		k := witness.New(witness.Config{Head: o.head, Signer: keyOf(1), Now: time.Now, Log: slog.New(slog.DiscardHandler), Silent: o.silent},
			witness.Outside{Name: "file", Send: o.send})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		const up, silent = "file false", "file false,file true,file true"
		for _, step := range []struct {
			when     string
			pass     time.Duration
			count    int64
			down     bool
			notes    int
			silences string
		}{
			{"at once", 0, 1, false, 1, up},
			{"nothing has changed", 59 * time.Minute, 1, false, 1, up},
			{"after an hour", 2 * time.Minute, 1, false, 2, up},
			{"a minute after an act", time.Minute, 7, false, 3, up},
			{"down for less than an hour", time.Hour, 8, true, 3, up},
			{"down for an hour", time.Minute, 8, true, 3, silent},
			{"up again", time.Minute, 8, false, 4, silent + ",file false"},
		} {
			o.set(step.count, step.down)
			time.Sleep(step.pass)
			synctest.Wait()
			if got, told := o.seen(); len(got) != step.notes || got[step.notes-1].Count != step.count && !step.down || told != step.silences {
				t.Errorf("%s: notes %+v, told %q; want %d, %q", step.when, got, told, step.notes, step.silences)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(path, []byte(`{"type":"evidence.head","time`), 0o600); err != nil { // cut off
		t.Fatal(err)
	}
	if err := witness.CheckFile(path); err != nil {
		t.Error(err)
	}
	for n := range int64(3) {
		if err := witness.File(path)(t.Context(), []byte(line(t, note(start(), n+1), keyOf(1)))); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if list, parts, err := witness.Read(f, keyOf(1).Public()); err != nil || parts != 1 || len(list) != 3 || list[2].Count != 3 {
		t.Errorf("%+v, %d, %v", list, parts, err)
	}
	if err := witness.File(t.TempDir())(t.Context(), nil); err == nil {
		t.Error("a folder took a note")
	}
}

func FuzzParse(f *testing.F) {
	key := keyOf(1)
	b, err := witness.Sign(note(start(), 3), key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"type":"evidence.head","timestamp":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		n, some, err := witness.Parse(line, key.Public())
		if some && err == nil && (n != note(start(), 3)) {
			t.Errorf("%+v was never signed", n)
		}
	})
}
