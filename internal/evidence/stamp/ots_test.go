package stamp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"saltmine/internal/evidence/stamp"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPublicProofs reads proofs that the reference client made, and writes them again
// byte for byte.
func TestPublicProofs(t *testing.T) {
	t.Parallel()
	alice, bob := "https://alice.btc.calendar.opentimestamps.org", "https://bob.btc.calendar.opentimestamps.org"
	for name, want := range map[string][]stamp.Attested{
		"hello-world.txt":              {{Bitcoin: 358391, Root: "8a1b66ecb7cbd07d8139a7e7d7f2c41aab1f5009b8364aaf61d03ad245e47e00"}},
		"incomplete.txt":               {{Pending: alice}},
		"two-calendars.txt":            {{Pending: alice}, {Pending: bob}},
		"known-and-unknown-notary.txt": {{Pending: bob}, {Unknown: "0102030405060708"}},
	} {
		file, message := testdata(t, "ots/"+name+".ots"), testdata(t, "ots/"+name)
		p, err := stamp.ParseProof(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := p.Verify(message)
		slices.SortFunc(got, func(a, b stamp.Attested) int { return strings.Compare(a.Unknown+a.Pending, b.Unknown+b.Pending) })
		slices.SortFunc(want, func(a, b stamp.Attested) int { return strings.Compare(a.Unknown+a.Pending, b.Unknown+b.Pending) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if again := p.Encode(); !bytes.Equal(again, file) {
			t.Errorf("%s is written as\n%x\nnot\n%x", name, again, file)
		}
		if _, err := p.Verify(append(message, 'x')); !errors.Is(err, stamp.ErrFalse) {
			t.Errorf("%s of another message: %v", name, err)
		}
		if p.Complete() != (name == "hello-world.txt") {
			t.Errorf("%s: complete is %v", name, p.Complete())
		}
	}
	for _, bad := range []string{"bad-major-version", "exceeds-max-msg-length", "invalid-file-digest-type"} {
		if _, err := stamp.ParseProof(testdata(t, "ots/"+bad+".ots")); !errors.Is(err, stamp.ErrFalse) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestChangedProofs changes every byte of a complete proof, and cuts it: it is refused, or
// says something else. But for one: where a block's tree has a last node without a
// neighbour, that is joined with itself, and before it is as good as behind it.
func TestChangedProofs(t *testing.T) {
	t.Parallel()
	file, message := testdata(t, "ots/hello-world.txt.ots"), testdata(t, "ots/hello-world.txt")
	want, err := stamp.CheckProof(file, message)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for _, flip := range []byte{1, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			got, err := stamp.CheckProof(bad, message)
			if itself := i == 603 && flip == 1; err == nil && slices.Equal(got, want) && !itself {
				t.Fatalf("byte %d: the change is not found", i)
			}
		}
		if _, err := stamp.CheckProof(file[:i], message); !errors.Is(err, stamp.ErrFalse) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := stamp.CheckProof(append(file, 0), message); !errors.Is(err, stamp.ErrFalse) {
		t.Errorf("one byte more: %v", err)
	}
}

// calendar speaks the calendars' protocol, as otsserver does: POST /digest, GET
// /timestamp/HEX. Its bytes are put together here, not by the package.
type calendar struct {
	url string

	mu    sync.Mutex
	seen  [][]byte // what was submitted
	mined bool
	reply []byte // in place of an answer
}

func newCalendar(t *testing.T) *calendar {
	t.Helper()
	c := &calendar{}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// promised is what a submitted digest becomes: eight bytes before it, hashed.
func promised(digest []byte) []byte {
	sum := sha256.Sum256(append([]byte("calendar"), digest...))
	return sum[:]
}

func mined(commitment []byte) []byte {
	sum := sha256.Sum256(append(bytes.Clone(commitment), "beside"...))
	return sum[:]
}

func (c *calendar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch hash, upgrade := strings.CutPrefix(r.URL.Path, "/timestamp/"); {
	case c.reply != nil:
		w.Write(c.reply) //nolint:errcheck // the reader went away
	case r.Method == http.MethodPost && r.URL.Path == "/digest":
		digest, err := io.ReadAll(io.LimitReader(r.Body, 100))
		if err != nil || len(digest) == 0 || len(digest) > 64 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.seen = append(c.seen, digest)
		out := append([]byte{0xf1, 8}, "calendar"...)
		out = append(out, 0x08, 0x00, 0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e, byte(1+len(c.url)), byte(len(c.url)))
		w.Write(append(out, c.url...)) //nolint:errcheck // the reader went away
	case upgrade && c.mined && slices.ContainsFunc(c.seen, func(d []byte) bool { return hex.EncodeToString(promised(d)) == hash }):
		out := append([]byte{0xf0, 6}, "beside"...)
		w.Write(append(out, 0x08, 0x00, 0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01, 3, 0x80, 0xea, 0x30)) //nolint:errcheck // block 800000
	default:
		http.Error(w, "Pending confirmation in Bitcoin blockchain", http.StatusNotFound)
	}
}

func (c *calendar) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// TestCalendars submits to two calendars, one of which is away, and asks for what was
// promised until a block has it.
func TestCalendars(t *testing.T) {
	t.Parallel()
	one, two := newCalendar(t), newCalendar(t)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	cal := &stamp.Calendars{URLs: []string{one.url + "/", away.URL, two.url}, Client: stamp.NewClient()}
	message := []byte("note\n")
	p, err := cal.Submit(t.Context(), message)
	if p == nil || err == nil || !strings.Contains(err.Error(), away.URL) {
		t.Fatalf("%v, %v", p, err)
	}
	sum := sha256.Sum256(message)
	if len(one.seen) != 1 || bytes.Equal(one.seen[0], sum[:]) {
		t.Errorf("a calendar sees the digest itself: %x", one.seen)
	}
	again := func() []stamp.Attested { // as it is kept and read again
		list, err := stamp.CheckProof(p.Encode(), message)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := again(); len(got) != 2 || got[0].Pending == "" || got[1].Pending == "" {
		t.Errorf("%+v", got)
	}
	changed, pending, err := cal.Upgrade(t.Context(), p)
	if changed || !pending || err != nil {
		t.Errorf("too early: %v, %v, %v", changed, pending, err)
	}
	two.set(func() { two.mined = true })
	changed, pending, err = cal.Upgrade(t.Context(), p)
	if !changed || pending || err != nil {
		t.Errorf("mined: %v, %v, %v", changed, pending, err)
	}
	root := mined(promised(two.seen[0]))
	slices.Reverse(root)
	if got := again(); !slices.Contains(got, stamp.Attested{Bitcoin: 800000, Root: hex.EncodeToString(root)}) {
		t.Errorf("%+v", got)
	}
	if changed, _, err = cal.Upgrade(t.Context(), p); changed || err != nil {
		t.Errorf("again: %v, %v", changed, err)
	}
}

// TestCalendarsThatLie: what a calendar answers is bounded, and a proof leads nowhere but
// to the calendars that are configured.
func TestCalendarsThatLie(t *testing.T) {
	t.Parallel()
	c, inside := newCalendar(t), newCalendar(t)
	cal := &stamp.Calendars{URLs: []string{c.url}, Client: stamp.NewClient()}
	for name, reply := range map[string][]byte{
		"nothing":              {},
		"a web page":           []byte("<html>"),
		"no attestation":       {0x08},
		"half an attestation":  {0x00, 0x83},
		"an unknown operation": {0x42, 0x00},
		"too much":             bytes.Repeat([]byte{0x08}, 20_000),
		"too deep":             append(bytes.Repeat([]byte{0x08}, 300), 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0),
		"something behind":     {0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0},
		"another spelling":     {0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x00},
	} {
		c.set(func() { c.reply = reply })
		if p, err := cal.Submit(t.Context(), []byte("note\n")); p != nil || err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	elsewhere := append([]byte{0x00, 0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e, byte(1 + len(inside.url)), byte(len(inside.url))}, inside.url...)
	c.set(func() { c.reply = elsewhere })
	p, err := cal.Submit(t.Context(), []byte("note\n"))
	if err != nil {
		t.Fatal(err)
	}
	inside.set(func() { inside.reply = []byte{0x00} })
	if changed, pending, err := cal.Upgrade(t.Context(), p); changed || !pending || err != nil {
		t.Errorf("%v, %v, %v: the proof led to %s", changed, pending, err, inside.url)
	}
}

func FuzzProof(f *testing.F) {
	for _, name := range []string{"hello-world.txt.ots", "two-calendars.txt.ots"} {
		f.Add(testdata(f, "ots/"+name))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := stamp.ParseProof(file)
		if err != nil {
			return
		}
		again, err := stamp.ParseProof(p.Encode())
		if err != nil || !bytes.Equal(again.Encode(), p.Encode()) {
			t.Fatalf("%x is written as %x, which is not read again: %v", file, p.Encode(), err)
		}
	})
}
