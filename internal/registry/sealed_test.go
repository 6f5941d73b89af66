package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"saltmine/internal/canary"
)

// TestFileShowsNoCanary looks for everything that identifies a canary in every
// byte of the database's files, in the shapes in which it may lie there.
func TestFileShowsNoCanary(t *testing.T) {
	t.Parallel()
	dir, v := t.TempDir(), vault(t)
	r := openAt(t, "sqlite:"+filepath.Join(dir, "r.db"), v)
	ctx := t.Context()
	p := planting(1)
	p.Keys = []byte("primary key 4711")
	must(t, r.Intend(ctx, []canary.Planting{p}))
	must(t, r.OpenBatch(ctx, canary.Batch{ID: "b", Place: "db:main", Seed: []byte("seed of the batch"), Opened: start()}))
	must(t, r.Commit(ctx, outcome(r)))
	p.Rows = []byte("another row image")
	must(t, r.Amend(ctx, canary.Amendment{Canary: p.ID, Rows: p.Rows}))
	secrets := []string{"Whitfield", "whitfield", "example.net", "example.org", "row image", "primary key", "seed of the batch", "country=GB", "tom.placebo", "192.0.2.7", "RCPT TO"}
	for _, tok := range p.Tokens {
		secrets = append(secrets, tok.Text)
	}
	for _, tok := range p.Placebos {
		secrets = append(secrets, tok.Text, string(tok.ID))
	}
	all := files(t, dir)
	for _, secret := range secrets {
		for _, shape := range shapes(secret) {
			if bytes.Contains(all, shape) {
				t.Errorf("%q lies in the registry's files as %q", secret, shape)
			}
		}
	}
	// The test of the test: what may be read is found.
	index := binary.BigEndian.AppendUint64(nil, uint64(v.Index("email", p.Tokens[0].Text)))
	for _, plain := range []string{string(p.ID), string(p.Tokens[0].ID), "db:main", string(index)} {
		if !bytes.Contains(all, []byte(plain)) {
			t.Errorf("%q is not found: this test looks in the wrong place", plain)
		}
	}
}

func shapes(s string) [][]byte {
	return [][]byte{
		[]byte(s), []byte(hex.EncodeToString([]byte(s))), []byte(url.QueryEscape(s)),
		[]byte(base64.RawStdEncoding.EncodeToString([]byte(s))),
		// Inside a longer text base64 may begin one or two bytes before or after.
		[]byte(base64.RawStdEncoding.EncodeToString([]byte(s)[1:])), []byte(base64.RawStdEncoding.EncodeToString([]byte(s)[2:])),
	}
}

// files gives all bytes of all files of a directory.
func files(t *testing.T, dir string) []byte {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// TestFileShowsNoHashOfEvidence: a plain hash would let anybody who holds a copy
// try addresses and numbers against it.
func TestFileShowsNoHashOfEvidence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := openAt(t, "sqlite:"+filepath.Join(dir, "r.db"), vault(t))
	o := outcome(r)
	must(t, r.Commit(t.Context(), o))
	all := files(t, dir)
	for _, e := range o.Entries {
		plain, err := e.Contact.MarshalBinary()
		must(t, err)
		for _, b := range [][]byte{plain, e.Contact.Raw} {
			sum := sha256.Sum256(b)
			if bytes.Contains(all, sum[:]) || bytes.Contains(all, []byte(hex.EncodeToString(sum[:]))) {
				t.Errorf("the hash of %s lies in the registry's files", e.Contact.ID)
			}
		}
	}
}
