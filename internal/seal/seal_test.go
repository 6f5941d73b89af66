package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"saltmine/internal/seal"
)

// keys makes and loads a new keys directory.
func keys(t *testing.T) (*seal.Keys, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	k, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k, dir
}

func TestVaultRoundTrip(t *testing.T) {
	t.Parallel()
	k, _ := keys(t)
	other, _ := keys(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		field := rapid.String().Draw(t, "field")
		sealed := k.Vault.Seal(field, plain)
		got, err := k.Vault.Open(field, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x came back as %x, %v", plain, got, err)
		}
		if bytes.Equal(k.Vault.Seal(field, plain), sealed) {
			t.Fatal("the same twice is sealed to the same bytes")
		}
		if _, err := k.Vault.Open(field+"x", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens for another field: %v", err)
		}
		if _, err := other.Vault.Open(field, sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens with another key: %v", err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := k.Vault.Open(field, sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens although a bit was changed: %v", err)
		}
		if _, err := k.Vault.Open(field, sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")]); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens although it was cut: %v", err)
		}
	})
}

func TestLidAndOpener(t *testing.T) {
	t.Parallel()
	k, _ := keys(t)
	other, _ := keys(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed, err := k.Core.Lid().Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Core.Open(sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x came back as %x, %v", plain, got, err)
		}
		if again, _ := k.Core.Lid().Seal(plain); bytes.Equal(again, sealed) {
			t.Fatal("the same twice is sealed to the same bytes")
		}
		if _, err := other.Core.Open(sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens with another core's key: %v", err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1
		if _, err := k.Core.Open(sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("opens although a bit was changed: %v", err)
		}
	})
	if _, err := seal.NewLid([]byte("short")); err == nil {
		t.Error("a lid of five bytes")
	}
}

// TestLidFromFile: what an edge is given closes, and only the core opens it.
func TestLidFromFile(t *testing.T) {
	t.Parallel()
	k, dir := keys(t)
	lid, err := seal.NewLid(raw(t, filepath.Join(dir, "core.pub")))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := lid.Seal([]byte("heard"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Core.Open(sealed); err != nil || string(got) != "heard" {
		t.Errorf("%q, %v", got, err)
	}
	if !bytes.Equal(k.Accept(), raw(t, filepath.Join(dir, "accept.key"))) {
		t.Error("the acceptance key is not the file's")
	}
}

func TestSigner(t *testing.T) {
	t.Parallel()
	k, dir := keys(t)
	sig := k.Signer.Sign([]byte("message"))
	pub := ed25519.PublicKey(raw(t, filepath.Join(dir, "sign.pub")))
	if !pub.Equal(k.Signer.Public()) || !ed25519.Verify(pub, []byte("message"), sig) || ed25519.Verify(pub, []byte("massage"), sig) {
		t.Error("the signature does not verify with sign.pub, or verifies too much")
	}
}

// TestBlindIsForever pins the blind index under a fixed key: the registry
// finds its tokens by it.
func TestBlindIsForever(t *testing.T) {
	t.Parallel()
	_, dir := keys(t)
	overwrite(t, filepath.Join(dir, "master.key"), base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))+"\n")
	k, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.Vault.Blind("email", "dana@example.net"), "765062d03cd5af4da49d28b9f972d935"; got != want {
		t.Errorf("blind index %s, want %s", got, want)
	}
	if got := k.Vault.Index("email", "dana@example.net"); got != 0x765062d03cd5af4d {
		t.Errorf("blind index %x", got)
	}
}

// TestBlindAtOnce computes the index in several goroutines: one does not get
// into what another is computing.
func TestBlindAtOnce(t *testing.T) {
	t.Parallel()
	k, _ := keys(t)
	var all sync.WaitGroup
	for n := range 8 {
		text := strings.Repeat("x", 100*n)
		want := k.Vault.Blind("email", text)
		all.Go(func() {
			for range 200 {
				if got := k.Vault.Blind("email", text); got != want {
					t.Errorf("%s, then %s", want, got)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestBlindTellsApart(t *testing.T) {
	t.Parallel()
	k, _ := keys(t)
	other, _ := keys(t)
	shape := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]string{}
	for name, index := range map[string]string{
		"one": k.Vault.Blind("email", "a@b"), "kind": k.Vault.Blind("phone", "a@b"), "text": k.Vault.Blind("email", "a@c"),
		"key": other.Vault.Blind("email", "a@b"), "edge": k.Vault.Blind("emaila", "@b"),
	} {
		if !shape.MatchString(index) || seen[index] != "" {
			t.Errorf("%s: %q, the same as %q", name, index, seen[index])
		}
		seen[index] = name
	}
	if again := k.Vault.Blind("email", "a@b"); seen[again] != "one" {
		t.Error("the blind index changes")
	}
}

func TestGenerateNeverOverwrites(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"master.key", "core.key", "core.pub", "accept.key", "sign.key", "sign.pub"} {
		_, dir := keys(t)
		kept := map[string][]byte{}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 6 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, f := range files {
			if f.Name() != name {
				if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
					t.Fatal(err)
				}
			}
		}
		kept[name] = raw(t, filepath.Join(dir, name))
		if err := seal.Generate(dir); err == nil {
			t.Errorf("keys were made beside %s", name)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || !bytes.Equal(kept[name], raw(t, filepath.Join(dir, name))) {
			t.Errorf("%s: changed, or %d files beside it; %v", name, len(left)-1, err)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	_, dir := keys(t)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory's mode is %v, %v", info.Mode(), err)
	}
	for _, name := range []string{"master.key", "core.key", "accept.key", "sign.key"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		for _, mode := range []os.FileMode{0o640, 0o604, 0o622} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := seal.Load(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("%s with mode %o: %v", name, mode, err)
			}
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := seal.Load(dir); err != nil {
		t.Error(err)
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "short": "AAAA\n", "no base64": strings.Repeat("!", 44) + "\n", "two lines": strings.Repeat("A", 43) + "=\nAAAA\n"} {
		for _, file := range []string{"master.key", "core.key", "accept.key", "sign.key"} {
			_, dir := keys(t)
			overwrite(t, filepath.Join(dir, file), text)
			if _, err := seal.Load(dir); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s in %s: %v", name, file, err)
			}
		}
	}
	_, err := seal.Load(t.TempDir())
	for _, file := range []string{"master.key", "core.key", "accept.key", "sign.key"} {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s is missing, and not in: %v", file, err)
		}
	}
}

func TestKeysPrintNothing(t *testing.T) {
	t.Parallel()
	k, dir := keys(t)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{k, k.Vault, k.Core, k.Signer} {
		log.Info("loaded", "keys", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, file := range []string{"master.key", "core.key", "accept.key", "sign.key"} {
		key := raw(t, filepath.Join(dir, file))
		for _, shape := range []string{string(key[:6]), hex.EncodeToString(key[:6]), strings.Trim(fmt.Sprint(key[:6]), "[]"), base64.StdEncoding.EncodeToString(key[:6])} {
			if strings.Contains(out.String(), shape) {
				t.Errorf("%s was printed as %q", file, shape)
			}
		}
	}
	if strings.Contains(out.String(), "0x") || len(out.String()) > 4000 {
		t.Errorf("more than names was printed:\n%s", out.String())
	}
}

func raw(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != 32 {
		t.Fatalf("%s holds %d bytes, %v", path, len(b), err)
	}
	return b
}

func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An edge's keys close what only the core opens, print nothing, and never lie
// beside a key of the core.
func TestEdgeKeys(t *testing.T) {
	t.Parallel()
	k, dir := keys(t)
	edge := t.TempDir()
	for name, content := range k.ForEdge() {
		if err := os.WriteFile(filepath.Join(edge, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blind, err := seal.LoadEdge(edge)
	if err != nil || !bytes.Equal(blind.Accept(), k.Accept()) {
		t.Fatalf("the rule's key is another: %v", err)
	}
	closed, err := blind.Lid.Seal([]byte("heard"))
	if err != nil {
		t.Fatal(err)
	}
	if open, err := k.Core.Open(closed); err != nil || string(open) != "heard" {
		t.Errorf("%q, %v", open, err)
	}
	for _, text := range []string{fmt.Sprint(blind), fmt.Sprintf("%+v %#v", blind, blind), slog.AnyValue(blind).Resolve().String()} {
		if !strings.HasPrefix(text, "edge keys") {
			t.Errorf("%q", text)
		}
	}
	if _, err := seal.LoadEdge(dir); err == nil || !strings.Contains(err.Error(), "must not be on an edge") {
		t.Errorf("the core's folder: %v", err)
	}
	if _, err := seal.LoadEdge(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}
