package disclosure_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/stamp"
)

// logged puts an act into a log of nine, as the seventh, and proves it there by a
// checkpoint that a witness has cosigned.
func logged(t *testing.T, a canary.Act, by, witness signer) (salt []byte, l disclosure.Logged, w *stamp.Cosigner) {
	t.Helper()
	salt = bytes.Repeat([]byte{5}, evidence.SaltSize)
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = hashes[n]
		}
		return out, nil
	})
	const size = 9
	for n := range int64(size) {
		one := canary.Act{Seq: n + 1, What: "other"}
		if n+1 == a.Seq {
			one = a
		}
		text, err := evidence.Text(one)
		if err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashesForRecordHash(n, evidence.Leaf(salt, text), read)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		t.Fatal(err)
	}
	key := evidence.Key{Signer: by}
	text := evidence.Checkpoint{Log: key.Log(), Size: size, Root: root}.Text()
	note, err := key.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	if l.Path, err = tlog.ProveRecord(size, a.Seq-1, read); err != nil {
		t.Fatal(err)
	}
	l.Checkpoint = string(note)
	raw := append([]byte{4}, witness.Public()...)
	sum := sha256.Sum256(append([]byte("w\n"), raw...))
	if w, err = stamp.ParseCosigner(fmt.Sprintf("w+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(raw))); err != nil {
		t.Fatal(err)
	}
	at := uint64(1_700_000_100)
	sig := append(binary.BigEndian.AppendUint64(sum[:4:4], at), witness.Sign(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))...)
	l.Said = &disclosure.Said{Source: "auditors", Kind: stamp.Cosignature, Proof: []byte("\u2014 w " + base64.StdEncoding.EncodeToString(sig) + "\n")}
	return salt, l, w
}

// TestWhenIsProved: the act of a commitment is proved to be in a log that others have
// seen, and neither another act nor another log passes.
func TestWhenIsProved(t *testing.T) {
	t.Parallel()
	by, witness := testSigner(1), testSigner(8)
	tree, texts, at := build(t, bytes.Repeat([]byte{9}, disclosure.SaltSize), 4, 6)
	s := tree.Statement()
	show := func() (disclosure.Shown, *stamp.Cosigner) {
		shown, err := tree.Show(act(s), at[1], texts[at[1]])
		if err != nil {
			t.Fatal(err)
		}
		salt, l, w := logged(t, shown.Act, by, witness)
		shown.Seal, shown.Log = salt, []disclosure.Logged{l}
		return shown, w
	}
	shown, w := show()
	file, err := disclosure.New("c_1", []disclosure.Shown{shown}, by)
	if err != nil {
		t.Fatal(err)
	}
	for want, outside := range map[string]disclosure.Outside{
		"auditors has cosigned it; not verified":     {},
		"w saw the log grow to it at 2023-11-14T22:": {Witnesses: []*stamp.Cosigner{w}},
	} {
		got, err := disclosure.Check(file, outside, by.Public())
		if err != nil || len(got[0].Log) != 1 || !strings.Contains(got[0].Log[0], "in the checkpoint of 9 acts: "+want) {
			t.Errorf("want %q: %+v, %v", want, got, err)
		}
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if _, err := disclosure.Check(bad, disclosure.Outside{}, by.Public()); !errors.Is(err, disclosure.ErrFalse) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	_, strange, _ := logged(t, shown.Act, testSigner(3), witness)
	for name, lie := range map[string]func(d *disclosure.Shown){
		"another time":   func(d *disclosure.Shown) { d.Act.At = d.Act.At.Add(-time.Hour) },
		"another number": func(d *disclosure.Shown) { d.Act.Seq-- },
		"behind the end": func(d *disclosure.Shown) { d.Act.Seq = 10 },
		"another salt":   func(d *disclosure.Shown) { d.Seal = bytes.Repeat([]byte{6}, evidence.SaltSize) },
		"another path":   func(d *disclosure.Shown) { d.Log[0].Path[1][3] ^= 1 },
		"another's log":  func(d *disclosure.Shown) { d.Log[0] = strange },
	} {
		d, _ := show()
		lie(&d)
		// Of another's log all may be right: it is the key that says nothing of it.
		other := name == "another's log"
		if _, err := disclosure.New("c_1", []disclosure.Shown{d}, by); errors.Is(err, disclosure.ErrFalse) == other || errors.Is(err, disclosure.ErrLog) != other {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What was signed by a key that the core had before is good with that.
	d, _ := show()
	d.Log[0] = strange
	if _, err := disclosure.New("c_1", []disclosure.Shown{d}, by, testSigner(3).Public()); err != nil {
		t.Error(err)
	}
}
