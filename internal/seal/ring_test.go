package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"saltmine/internal/seal"
)

func newDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T, dir string) *seal.Keys {
	t.Helper()
	k, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rotate(t *testing.T, dir string, p seal.Part) {
	t.Helper()
	if err := seal.Rotate(dir, p); err != nil {
		t.Fatal(err)
	}
}

// TestWhatAnOldKeySealedOpens replaces each key twice: what was sealed, signed and
// indexed before is as it was, and what is new is of the new key.
func TestWhatAnOldKeySealedOpens(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	type made struct {
		field, record []byte
		index         int64
	}
	var all []made
	for range 3 {
		k := load(t, dir)
		record, err := k.Core.Lid().Seal([]byte("heard"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made{k.Vault.Seal("t|1", []byte("plain")), record, k.Vault.Index("email", "a@b")})
		for _, p := range seal.Parts() {
			rotate(t, dir, p)
		}
	}
	k := load(t, dir)
	if k.Vault.Keys() != 4 || len(k.Signer.Past()) != 3 {
		t.Errorf("%d master keys, %d signing keys of before", k.Vault.Keys(), len(k.Signer.Past()))
	}
	for i, m := range all {
		if plain, err := k.Vault.Open("t|1", m.field); err != nil || string(plain) != "plain" {
			t.Errorf("field of key %d: %q, %v", i, plain, err)
		}
		if plain, err := k.Core.Open(m.record); err != nil || string(plain) != "heard" {
			t.Errorf("record of key %d: %q, %v", i, plain, err)
		}
		if bytes.HasPrefix(m.field, k.Vault.KeyID()) || m.index != all[0].index {
			t.Errorf("key %d: its id is that of now, or its index another", i)
		}
		if _, err := k.Vault.Open("t|2", m.field); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("another field's: %v", err)
		}
	}
	edge, err := os.ReadFile(filepath.Join(dir, "core.pub"))
	if err != nil || !bytes.Equal(edge, k.ForEdge()["core.pub"]) {
		t.Errorf("core.pub is not that of now: %v", err)
	}
	if err := seal.Rotate(dir, "accept"); err == nil {
		t.Error("the key of the acceptance rule was replaced")
	}
}

// TestARunningProcessTakesUpANewKey opens what another process sealed with a key that
// came after this one was started.
func TestARunningProcessTakesUpANewKey(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	running := load(t, dir)
	rotate(t, dir, seal.PartMaster)
	rotate(t, dir, seal.PartCore)
	other := load(t, dir)
	field := other.Vault.Seal("t|1", []byte("plain"))
	record, err := other.Core.Lid().Seal([]byte("heard"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := running.Vault.Open("t|1", field); err != nil || string(plain) != "plain" {
		t.Errorf("%q, %v", plain, err)
	}
	if !bytes.HasPrefix(running.Vault.Seal("t|1", nil), other.Vault.KeyID()) {
		t.Error("it goes on sealing with the old key")
	}
	if plain, err := running.Core.Open(record); err != nil || string(plain) != "heard" {
		t.Errorf("%q, %v", plain, err)
	}
}

// TestARotationThatIsCutOff leaves the directory as it is before each of its steps.
func TestARotationThatIsCutOff(t *testing.T) {
	t.Parallel()
	for _, p := range seal.Parts() {
		before := newDir(t)
		was := load(t, before)
		field := was.Vault.Seal("t|1", []byte("plain"))
		record, err := was.Core.Lid().Seal([]byte("heard"))
		if err != nil {
			t.Fatal(err)
		}
		after := t.TempDir()
		if err := os.CopyFS(after, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		private(t, after)
		rotate(t, after, p)
		// In the order of Rotate: what is kept, the key, the public half.
		steps := [][]string{{}, nil, nil}
		for _, name := range []string{"old/" + string(p) + "-1.key", "old/" + string(p) + "-1.pub", "old/" + string(p) + "-1.succession"} {
			if _, err := os.Stat(filepath.Join(after, name)); err == nil {
				steps[0] = append(steps[0], name)
			}
		}
		steps[1] = append(slices.Clone(steps[0]), string(p)+".key")
		steps[2] = append(slices.Clone(steps[1]), "core.pub", "sign.pub")
		for i, names := range steps {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(dir, "old"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				b, err := os.ReadFile(filepath.Join(after, name))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			private(t, dir)
			for range 2 { // as it is, and after it was done once more
				k := load(t, dir)
				plain, err := k.Vault.Open("t|1", field)
				heard, err2 := k.Core.Open(record)
				if err := errors.Join(err, err2); err != nil || string(plain) != "plain" || string(heard) != "heard" {
					t.Errorf("%s, step %d: %v", p, i, err)
				}
				pub, err := os.ReadFile(filepath.Join(dir, "core.pub"))
				if err != nil || !bytes.Equal(pub, k.ForEdge()["core.pub"]) {
					t.Errorf("%s, step %d: core.pub is another key's, %v", p, i, err)
				}
				rotate(t, dir, p)
			}
		}
	}
}

func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSuccession(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	signer := load(t, dir).Signer
	first, signed := signer.Public(), signer.Sign([]byte("evidence"))
	rotate(t, dir, seal.PartSign)
	now := load(t, dir).Signer
	b, err := os.ReadFile(filepath.Join(dir, "old", "sign-1.succession"))
	if err != nil {
		t.Fatal(err)
	}
	next, err := seal.Successor(string(b), first)
	if err != nil || !bytes.Equal(next, now.Public()) || !bytes.Equal(now.Past()[0], first) || !bytes.Equal(signer.Public(), now.Public()) {
		t.Errorf("%x, %v", next, err)
	}
	if bytes.Equal(now.Sign([]byte("evidence")), signed) {
		t.Error("it signs with the old key")
	}
	if _, err := seal.Successor(string(b), now.Public()); !errors.Is(err, seal.ErrSuccession) {
		t.Errorf("by a key that has not said it: %v", err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		if _, err := seal.Successor(string(changed), first); err == nil {
			t.Errorf("byte %d was changed", i)
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "old", "*")); err != nil || len(files) != 2 {
		t.Errorf("of the signing key there is kept %s", strings.Join(files, ", "))
	}
}
