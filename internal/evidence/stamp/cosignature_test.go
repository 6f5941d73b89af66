package stamp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/evidence/stamp"
)

// TestPublicCosignature verifies what another implementation has signed.
func TestPublicCosignature(t *testing.T) {
	t.Parallel()
	w, err := stamp.ParseCosigner(string(testdata(t, "witness.vkey")))
	if err != nil {
		t.Fatal(err)
	}
	msg := testdata(t, "cosigned.note")
	got, err := stamp.Cosignatures(msg, w)
	if err != nil || len(got) != 1 || got[0].Witness != "witness.example/w1" || got[0].Time.Unix() != 1795815605 || !bytes.HasSuffix(msg, []byte(got[0].Line)) {
		t.Fatalf("%+v, %v", got, err)
	}
	others := bytes.Index(msg, []byte("— example.com")) // the log's own line, which is not the witness's to prove
	for i := range msg {
		if i >= others && i < len(msg)-len(got[0].Line) {
			continue
		}
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if got, err := stamp.Cosignatures(bad, w); err == nil && len(got) > 0 {
			t.Fatalf("byte %d: the change is not found", i)
		}
	}
}

func TestCosignerKeys(t *testing.T) {
	t.Parallel()
	good := strings.TrimSpace(string(testdata(t, "witness.vkey")))
	for name, bad := range map[string]string{
		"empty": "", "no key": "witness.example/w1+6544625c+", "another hash": strings.Replace(good, "+6544625c+", "+6544625d+", 1),
		"another name": "x" + good, "a log's key": "example.com/behind-the-sofa+3ad8a913+AQ5ZRhQxI/d6HAzmE1oReclVkm4lG7410shD5BHK1OF8", "a space": "a " + good,
	} {
		if _, err := stamp.ParseCosigner(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// testLog is a log with all its hashes.
type testLog struct {
	signer note.Signer
	verify note.Verifier
	hashes []tlog.Hash
	n      int64
}

func newLog(t *testing.T) *testLog {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, "saltmine/test")
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{}
	l.signer, err = note.NewSigner(skey)
	if err == nil {
		l.verify, err = note.NewVerifier(vkey)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *testLog) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, n := range at {
		out[i] = l.hashes[n]
	}
	return out, nil
}

func (l *testLog) grow(t *testing.T, to int64) {
	t.Helper()
	for ; l.n < to; l.n++ {
		more, err := tlog.StoredHashes(l.n, fmt.Appendf(nil, "act %d", l.n), l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, more...)
	}
}

func (l *testLog) checkpoint(t *testing.T) []byte {
	t.Helper()
	root, err := tlog.TreeHash(l.n, l)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: fmt.Sprintf("saltmine/test\n%d\n%s\n", l.n, root)}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func (l *testLog) prove(_ context.Context, old, size int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(size, old, l)
}

// witness is one that follows one log, as C2SP tlog-witness has it.
type witness struct {
	log  note.Verifier
	key  ed25519.PrivateKey
	now  func() time.Time
	url  string
	size int64
	root tlog.Hash
	// answer takes the place of the lines; nil leaves them
	answer func(string) string
	mu     sync.Mutex
}

func newWitness(t *testing.T, log note.Verifier) *witness {
	t.Helper()
	w := &witness{log: log, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32)), now: time.Now}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *witness) raw() []byte {
	return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *witness) hash() []byte {
	sum := sha256.Sum256(append([]byte("test/witness\n"), w.raw()...))
	return sum[:4]
}

func (w *witness) cosigner(t *testing.T) *stamp.Cosigner {
	t.Helper()
	c, err := stamp.ParseCosigner(fmt.Sprintf("test/witness+%x+%s", w.hash(), base64.StdEncoding.EncodeToString(w.raw())))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	head, msg, ok := strings.Cut(string(body), "\n\n")
	n, err2 := note.Open([]byte(msg), note.VerifierList(w.log))
	if err != nil || err2 != nil || !ok || r.URL.Path != "/add-checkpoint" {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	rows := strings.Split(head, "\n")
	text := strings.Split(n.Text, "\n")
	old, _ := strconv.ParseInt(strings.TrimPrefix(rows[0], "old "), 10, 64)
	size, _ := strconv.ParseInt(text[1], 10, 64)
	root, err := tlog.ParseHash(text[2])
	if err != nil || old > size {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	if old != w.size {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", w.size) //nolint:errcheck // the reader went away
		return
	}
	var proof tlog.TreeProof
	for _, row := range rows[1:] {
		h, err := tlog.ParseHash(row)
		if err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		proof = append(proof, h)
	}
	if old > 0 && old < size && tlog.CheckTree(proof, size, root, old, w.root) != nil || old == size && root != w.root {
		rw.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	w.size, w.root = size, root
	line := w.sign(n.Text)
	if w.answer != nil {
		line = w.answer(line)
	}
	io.WriteString(rw, line) //nolint:errcheck // the reader went away
}

func (w *witness) sign(text string) string {
	at := w.now().Unix()
	sig := ed25519.Sign(w.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))
	raw := append(binary.BigEndian.AppendUint64(w.hash(), uint64(at)), sig...)
	return "— test/witness " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// TestWitness follows a log that grows, finds out what the witness has seen, and sees it
// refuse a log that was rewritten.
func TestWitness(t *testing.T) {
	t.Parallel()
	log := newLog(t)
	far := newWitness(t, log.verify)
	near := &stamp.Witness{URL: far.url, Key: far.cosigner(t), Client: stamp.NewClient(), Now: time.Now}
	add := func(l *testLog, old int64) (stamp.Cosigned, error) {
		return near.Add(t.Context(), l.checkpoint(t), old, l.n, l.prove)
	}
	for _, step := range []struct{ size, old int64 }{{3, 0}, {3, 3}, {20, 3}, {21, 0}, {40, 7}} { // the last two do not know what it saw
		log.grow(t, step.size)
		c, err := add(log, step.old)
		if err != nil || c.Witness != "test/witness" || time.Since(c.Time) > time.Minute {
			t.Fatalf("%+v: %+v, %v", step, c, err)
		}
		s := stamp.Stamp{Source: "w", Kind: stamp.Cosignature, Checkpoint: log.checkpoint(t), Proof: []byte(c.Line)}
		if said, err := s.Verify(nil, near.Key); err != nil || !strings.Contains(said, "test/witness") {
			t.Errorf("%q, %v", said, err)
		}
	}
	other := newLog(t) // the same key, another past
	other.signer = log.signer
	other.hashes = append(other.hashes, tlog.RecordHash([]byte("another act 0")))
	other.n = 1
	other.grow(t, 50)
	if _, err := add(other, 40); err == nil || !strings.Contains(err.Error(), "422") {
		t.Errorf("a log that was rewritten: %v", err)
	}
	log.n = 10 // an older copy was put back
	if _, err := add(log, 10); err == nil || !strings.Contains(err.Error(), "has seen 40 acts, and there are 10") {
		t.Errorf("a log that was cut off: %v", err)
	}
	log.n = 40
	for name, answer := range map[string]func(string) string{
		"nothing":           func(string) string { return "" },
		"another's line":    func(string) string { return "— other " + base64.StdEncoding.EncodeToString(make([]byte, 76)) + "\n" },
		"a wrong signature": func(s string) string { return s[:40] + "AAAA" + s[44:] },
		"another clock": func(string) string {
			far.now = func() time.Time { return time.Now().Add(-time.Hour) }
			defer func() { far.now = time.Now }()
			return far.sign(noteText(t, log))
		},
		"another checkpoint": func(string) string { return far.sign("saltmine/test\n1\n" + tlog.Hash{}.String() + "\n") },
	} {
		far.mu.Lock()
		far.answer = answer
		far.mu.Unlock()
		if c, err := add(log, 40); !errors.Is(err, stamp.ErrFalse) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func noteText(t *testing.T, l *testLog) string {
	t.Helper()
	n, err := note.Open(l.checkpoint(t), note.VerifierList(l.verify))
	if err != nil {
		t.Fatal(err)
	}
	return n.Text
}
