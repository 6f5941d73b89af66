package backup_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"saltmine/internal/backup"
)

const phrase = "test-only passphrase of the backup"

// pair makes a lock for a new recipient, and its key: no passphrase to work out.
func pair(t testing.TB) (backup.Lock, backup.Key) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := backup.RecipientLock("# ours\n" + id.Recipient().String())
	key, err2 := backup.IdentityKey(id.String())
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return lock, key
}

// content is what is put into a backup and comes out of one.
type content struct {
	Head  string
	Files map[string]string
	Rows  map[string][][]any
}

func write(t testing.TB, lock backup.Lock, files map[string]string, rows [][]any) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := backup.NewWriter(&out, lock, map[string]string{"made": "now"})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := w.File(backup.File{Name: name, Mode: 0o600, Size: int64(len(text))}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	columns := []backup.Column{{Name: "a", Kind: backup.Whole}, {Name: "b", Kind: backup.Text}, {Name: "c", Kind: backup.Bytes}, {Name: "d", Kind: backup.Number}}
	if err := w.Table(backup.Table{Name: "things", Columns: columns}); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(file []byte, key backup.Key) (content, backup.Counts, error) {
	c := content{Files: map[string]string{}, Rows: map[string][][]any{}}
	table := ""
	counts, err := backup.Read(bytes.NewReader(file), key, backup.Taker{
		Head: func(text json.RawMessage) error { c.Head = string(text); return nil },
		File: func(f backup.File, r io.Reader) error {
			b, err := io.ReadAll(r)
			c.Files[f.Name] = string(b)
			return err
		},
		Table: func(t backup.Table) error { table = t.Name; return nil },
		Row:   func(row []any) error { c.Rows[table] = append(c.Rows[table], row); return nil },
	})
	return c, counts, err
}

func TestComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	lock, key := pair(t)
	value := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return b }), rapid.Map(rapid.Float64(), func(f float64) any { return f }))
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(rapid.SliceOfN(value, 4, 4)).Draw(t, "rows")
		c := content{Head: `{"made":"now"}`, Files: map[string]string{"keys/a": rapid.String().Draw(t, "file"), "big": strings.Repeat("x", rapid.IntRange(0, 300_000).Draw(t, "size"))}, Rows: map[string][][]any{}}
		if len(rows) > 0 {
			c.Rows["things"] = rows
		}
		var out bytes.Buffer
		w, err := backup.NewWriter(&out, lock, map[string]string{"made": "now"})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range c.Files {
			if err := w.File(backup.File{Name: name, Mode: 0o600, Size: int64(len(text))}, strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Table(backup.Table{Name: "things", Columns: []backup.Column{{Name: "a", Kind: backup.Whole}, {Name: "b"}, {Name: "c"}, {Name: "d"}}}); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := w.Row(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, counts, err := read(out.Bytes(), key)
		if err != nil || counts.Rows != int64(len(rows)) || counts.Files != 2 || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v, %v: got %+v, want %+v", counts, err, got, c)
		}
	})
}

// TestEveryByteCounts flips a bit of every byte, and cuts the file off at every one.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	lock, key := pair(t)
	file := write(t, lock, map[string]string{"saltmine.toml": "[registry]\n"}, [][]any{{int64(7), "ab", []byte{1}, math.Pi}, {nil, "", []byte{}, -1.0}})
	if _, _, err := read(file, key); err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for bit := range 8 {
			changed := bytes.Clone(file)
			changed[i] ^= 1 << bit
			if _, _, err := read(changed, key); !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrKey) {
				t.Fatalf("bit %d of byte %d of %d was changed: %v", bit, i, len(file), err)
			}
		}
		if _, _, err := read(file[:i], key); err == nil {
			t.Fatalf("cut off at byte %d of %d: no error", i, len(file))
		}
	}
	if _, _, err := read(append(bytes.Clone(file), 0), key); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestLargeIsCutOffAnywhere looks at the joints of a file of several chunks.
func TestLargeIsCutOffAnywhere(t *testing.T) {
	t.Parallel()
	lock, key := pair(t)
	var rows [][]any
	for i := range int64(4000) {
		rows = append(rows, []any{i, strings.Repeat("r", 50), []byte{byte(i)}, 0.5})
	}
	file := write(t, lock, nil, rows)
	const chunk = 64<<10 + 16
	for at := len(file) % chunk; at < len(file); at += chunk {
		for _, cut := range []int{at - 1, at, at + 1} {
			if cut < 0 {
				continue
			}
			if _, _, err := read(file[:cut], key); err == nil {
				t.Errorf("cut off at byte %d of %d: no error", cut, len(file))
			}
		}
	}
	if _, counts, err := read(file, key); err != nil || counts.Rows != 4000 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	lock, err := backup.PassphraseLock(phrase)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, lock, nil, [][]any{{int64(1), "", nil, nil}})
	for text, want := range map[string]error{phrase: nil, phrase + "r": backup.ErrKey} {
		key, err := backup.PassphraseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(file, key); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if _, err := backup.PassphraseLock("short"); err == nil {
		t.Error("a passphrase of five letters was taken")
	}
	if _, key := pair(t); true {
		if _, _, err := read(file, key); !errors.Is(err, backup.ErrKey) {
			t.Errorf("an identity for a passphrase's file: %v", err)
		}
	}
}

// TestForgedFramesAreRefused writes, with the right key, what no Writer writes.
func TestForgedFramesAreRefused(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key, err := backup.IdentityKey(id.String())
	if err != nil {
		t.Fatal(err)
	}
	const head = "H000000027b7d" // {}
	for name, text := range map[string]string{
		"no end":              head,
		"no head":             "T000000027b7d",
		"two heads":           head + head,
		"a path":              head + "F" + frame(`{"name":"../x","mode":384,"size":0}`),
		"an absolute path":    head + "F" + frame(`{"name":"/etc/x","mode":384,"size":0}`),
		"rows of no table":    head + "R" + "0000000100",
		"a value of no sort":  head + "T" + frame(`{"name":"t","columns":[{"name":"a"}]}`) + "R0000000109",
		"a longer text":       head + "T" + frame(`{"name":"t","columns":[{"name":"a"}]}`) + "R0000000303ff61",
		"a file too short":    head + "F" + frame(`{"name":"x","mode":384,"size":2}`) + "D0000000161" + "E" + frame(`{}`),
		"a piece of 4 GB":     head + "Rffffffff",
		"an end of elsewhere": head + "E" + frame(`{"frames":1,"rows":0,"sum":"00"}`),
	} {
		var out bytes.Buffer
		w, err := age.Encrypt(&out, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "saltmine backup 1\n"+unhex(t, text)) //nolint:errcheck // to memory
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(out.Bytes(), key); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func frame(text string) string {
	return hex.EncodeToString([]byte{0, 0, byte(len(text) >> 8), byte(len(text))}) + hex.EncodeToString([]byte(text))
}

// unhex reads "K" and hexadecimal digits, again and again.
func unhex(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	digits := ""
	flush := func() {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		digits = ""
	}
	for _, c := range text {
		if strings.ContainsRune("HFDTRE", c) {
			flush()
			out.WriteRune(c)
			continue
		}
		digits += string(c)
	}
	flush()
	return out.String()
}

func TestPrintsNoSecret(t *testing.T) {
	t.Parallel()
	lock, err := backup.PassphraseLock(phrase)
	key, err2 := backup.PassphraseKey(phrase)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{lock.String(), lock.GoString(), key.String(), key.GoString(), lock.LogValue().String(), key.LogValue().String()} {
		if strings.Contains(text, "test-only") {
			t.Error(text)
		}
	}
	if _, err := backup.IdentityKey("AGE-SECRET-KEY-1BROKEN"); err == nil || strings.Contains(err.Error(), "BROKEN") {
		t.Errorf("a broken identity: %v", err)
	}
}
