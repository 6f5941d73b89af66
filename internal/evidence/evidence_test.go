package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
)

type signer struct{ ed25519.PrivateKey }

func (s signer) Sign(msg []byte) []byte { return ed25519.Sign(s.PrivateKey, msg) }

func (s signer) Public() ed25519.PublicKey { return s.PrivateKey.Public().(ed25519.PublicKey) }

func key(seed byte) evidence.Key {
	return evidence.Key{Signer: signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}}
}

func verifier(t *testing.T, k evidence.Key) *evidence.Verifier {
	t.Helper()
	text, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	v, err := evidence.ParseVerifier(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRange: the tree that grows leaf by leaf is RFC 6962's, as the library reads it
// from what is stored, and can be continued from there.
func TestRange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stored []evidence.Hash
		read := func(at []int64) (out []evidence.Hash, err error) {
			for _, n := range at {
				out = append(out, stored[n])
			}
			return out, nil
		}
		var tree evidence.Range
		roots := map[int64]evidence.Hash{}
		size := rapid.Int64Range(0, 200).Draw(t, "size")
		for n := range size {
			if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
				c, err := evidence.Continue(n, evidence.Reader(read))
				if err != nil {
					t.Fatal(err)
				}
				tree = *c
			}
			if evidence.StoredLeaf(n) != int64(len(stored)) {
				t.Fatalf("leaf %d is stored as %d", n, len(stored))
			}
			stored = append(stored, tree.Add(evidence.Leaf([]byte{byte(n)}, []byte("text")))...)
			roots[n+1] = tree.Root()
		}
		if got := int64(len(stored)); got != evidence.Stored(size) {
			t.Fatalf("%d hashes stored of %d leaves", got, size)
		}
		root, err := evidence.Root(size, evidence.Reader(read))
		if err != nil || root != tree.Root() {
			t.Fatalf("root of %d leaves: %v", size, err)
		}
		if size == 0 {
			return
		}
		n := rapid.Int64Range(1, size).Draw(t, "before")
		if err := evidence.Extends(n, roots[n], size, root, evidence.Reader(read)); err != nil {
			t.Fatal(err)
		}
		if n < size {
			if err := evidence.Extends(n, root, size, root, evidence.Reader(read)); err == nil {
				t.Fatal("another beginning is accepted")
			}
		}
	})
}

// TestLeaf: the worked example of HOW-TO-VERIFY can be made with openssl; here it is
// made by hand.
func TestLeaf(t *testing.T) {
	t.Parallel()
	text, err := evidence.Text(canary.Act{Seq: 7, At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Who: "dana", Via: "cli", What: "verdict", About: "i_x", Outcome: "leak", Link: "not hashed"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"seq":7,"at":"2026-01-02T03:04:05.000006Z","who":"dana","via":"cli","what":"verdict","about":"i_x","outcome":"leak"}` + "\n"; string(text) != want {
		t.Errorf("%s", text)
	}
	a, b := evidence.NewSalt(), evidence.NewSalt()
	if len(a) != evidence.SaltSize || bytes.Equal(a, b) {
		t.Error("salts are not random")
	}
	if evidence.Leaf(a, text) == evidence.Leaf(b, text) || evidence.Leaf(a, text) == evidence.Leaf(a, text[1:]) {
		t.Error("a leaf does not depend on salt and text")
	}
}

// TestCheckpointNote: what a key signed opens, byte for byte as it was signed alone.
func TestCheckpointNote(t *testing.T) {
	t.Parallel()
	k, v := key(1), verifier(t, key(1))
	c := evidence.Checkpoint{Log: k.Log(), Size: 12}
	msg, err := k.Sign(c.Text())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.OpenCheckpoint(msg); err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := verifier(t, key(2)).OpenCheckpoint(msg); !errors.Is(err, evidence.ErrNote) {
		t.Errorf("another's key: %v", err)
	}
	for i := range msg {
		for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xff} {
			bad := bytes.Clone(msg)
			bad[i] ^= flip
			if _, err := v.OpenCheckpoint(bad); !errors.Is(err, evidence.ErrNote) {
				t.Errorf("byte %d ^ %#x: %v", i, flip, err)
			}
		}
	}
	witness := "\u2014 witness.example/w " + base64.StdEncoding.EncodeToString(make([]byte, 68)) + "\n"
	more := append(bytes.Clone(msg), witness...)
	if got, err := v.OpenCheckpoint(more); err != nil || got != c {
		t.Errorf("with a cosignature: %v", err)
	}
	if _, _, err := v.OpenBy(more, false); !errors.Is(err, evidence.ErrNote) {
		t.Errorf("with a cosignature, where none may be: %v", err)
	}
	for name, text := range map[string]string{
		"another log": strings.Replace(c.Text(), "saltmine/", "saltmine/0", 1), "a size with a nought": strings.Replace(c.Text(), "\n12\n", "\n012\n", 1),
		"a line more": c.Text() + "more\n", "no size": "x\n", "a size below nought": strings.Replace(c.Text(), "\n12\n", "\n-1\n", 1),
	} {
		msg, err := k.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.OpenCheckpoint(msg); !errors.Is(err, evidence.ErrNote) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestList: a line tells neither id nor leaf, and the hash is that of the file.
func TestList(t *testing.T) {
	t.Parallel()
	lines := []string{evidence.Line("k_1", "aa"), evidence.Line("k_2", "bb")}
	if len(lines[0]) != 64 || evidence.ListHash(lines) == evidence.ListHash(lines[:1]) {
		t.Errorf("%v", lines)
	}
	// printf '' | sha256sum
	if got := evidence.ListHash(nil); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Error(got)
	}
}

// replaced is a signer whose key has replaced another.
type replaced struct {
	signer
	past []ed25519.PublicKey
}

func (r replaced) Past() []ed25519.PublicKey { return r.past }

// TestKeyThatWasReplaced verifies what the old key and the new one have signed.
func TestKeyThatWasReplaced(t *testing.T) {
	t.Parallel()
	key := func(seed byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	}
	old := evidence.Key{Signer: signer{key(1)}}
	now := evidence.Key{Signer: replaced{signer{key(2)}, []ed25519.PublicKey{key(1).Public().(ed25519.PublicKey)}}}
	if old.Log() != now.Log() {
		t.Errorf("the log was %s and is %s", old.Log(), now.Log())
	}
	for i, k := range []evidence.Key{old, now} {
		note, err := k.Sign(evidence.Checkpoint{Log: k.Log(), Size: int64(i)}.Text())
		if err != nil {
			t.Fatal(err)
		}
		if c, err := now.OpenCheckpoint(note); err != nil || c.Size != int64(i) {
			t.Errorf("signed by key %d: %+v, %v", i, c, err)
		}
		if _, err := old.OpenCheckpoint(note); (err == nil) != (i == 0) {
			t.Errorf("signed by key %d, and the old one says: %v", i, err)
		}
	}
	list, err := now.Verifiers()
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	other, err := evidence.Key{Signer: signer{key(3)}}.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	// The lines of sign.pub, the first first, are the same.
	raw := base64.StdEncoding.EncodeToString(old.Signer.Public()) + "\n" + base64.StdEncoding.EncodeToString(now.Signer.Public())
	for _, text := range []string{strings.Join(list, "\n"), raw} {
		v, err := evidence.ParseVerifier(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range []evidence.Key{old, now} {
			note, err := k.Sign("text\n")
			if err != nil {
				t.Fatal(err)
			}
			if _, by, err := v.OpenBy(note, false); err != nil || by != i || v.Last() != 1 {
				t.Errorf("signed by key %d: by %d, %v", i, by, err)
			}
		}
	}
	for _, text := range []string{"", list[0] + "\n" + other} {
		if _, err := evidence.ParseVerifier(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
