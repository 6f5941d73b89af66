package seal_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"saltmine/internal/seal"
)

const head = 1 + 32 + 4

// fixed gives an opener whose key is the bytes 0 to 31.
func fixed(t testing.TB) (*seal.Opener, *ecdh.PrivateKey) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(i)
	}
	overwrite(t, filepath.Join(dir, "core.key"), base64.StdEncoding.EncodeToString(secret)+"\n")
	k, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k.Core, private
}

func mustSeal(t testing.TB, l *seal.Lid, plain string) []byte {
	t.Helper()
	sealed, err := l.Seal([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// golden is "hello", sealed to the key of bytes 0 to 31 as the fourth record.
const golden = "023932c3f0d2d8825ded1f04ba1b1a77a75d6f09c0f68087556fba7f601aa18e66000000031daa85164ac97829279a36bd4131ba25cd22df9af1"

// TestSealedIsForever pins the form: spools outlive programs.
func TestSealedIsForever(t *testing.T) {
	t.Parallel()
	core, _ := fixed(t)
	record, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := core.Open(record); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSealedAsDescribed opens records by the package comment alone.
func TestSealedAsDescribed(t *testing.T) {
	t.Parallel()
	core, private := fixed(t)
	for number := range uint32(3) {
		sealed := mustSeal(t, core.Lid(), "hello")
		if sealed[0] != 2 || binary.BigEndian.Uint32(sealed[33:]) != number || len(sealed) != head+5+16 {
			t.Fatalf("record %d: %x", number, sealed)
		}
		key, err := hpke.NewDHKEMPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		r, err := hpke.NewRecipient(sealed[1:33], key, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte("saltmine contact v2"))
		if err != nil {
			t.Fatal(err)
		}
		secret, err := r.Export("record key", 32)
		if err != nil {
			t.Fatal(err)
		}
		aead, err := chacha20poly1305.New(secret)
		if err != nil {
			t.Fatal(err)
		}
		nonce := append(make([]byte, 8), sealed[33:37]...)
		if got, err := aead.Open(nil, nonce, sealed[37:], sealed[:37]); err != nil || string(got) != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// TestKeyIsShort: a key closes so many records and lives so long, and is then
// held by nothing, though nothing more is sealed.
func TestKeyIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, _ := fixed(t)
		lid := core.Lid()
		first := mustSeal(t, lid, "x")
		used := seal.CurrentKey(lid)
		for n := 1; n < seal.KeyMost; n++ {
			if next := mustSeal(t, lid, "x"); !bytes.Equal(next[:33], first[:33]) || int(binary.BigEndian.Uint32(next[33:])) != n {
				t.Fatalf("record %d has the head %x, the first %x", n, next[:head], first[:head])
			}
		}
		second := mustSeal(t, lid, "x")
		if bytes.Equal(second[:33], first[:33]) {
			t.Fatalf("a key for more than %d records", seal.KeyMost)
		}
		runtime.GC()
		if used.Value() != nil {
			t.Error("a key that is used up is still held")
		}
		idle := seal.CurrentKey(lid)
		time.Sleep(seal.KeyLife - 1)
		if again := mustSeal(t, lid, "x"); !bytes.Equal(again[:33], second[:33]) {
			t.Error("a key was dropped before its time")
		}
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		runtime.GC()
		if idle.Value() != nil {
			t.Error("a key whose time is over is still held")
		}
		if third := mustSeal(t, lid, "x"); bytes.Equal(third[:33], second[:33]) {
			t.Error("a key came back")
		}
	})
}

// TestSealAtOnce seals in several goroutines, over more than one key: no head
// comes twice, and everything opens.
func TestSealAtOnce(t *testing.T) {
	t.Parallel()
	core, _ := fixed(t)
	var mu sync.Mutex
	heads := map[string]bool{}
	var all sync.WaitGroup
	const each = seal.KeyMost/2 + 1
	for range 8 {
		all.Go(func() {
			for range each {
				sealed, err := core.Lid().Seal([]byte("x"))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := core.Open(sealed); err != nil || string(got) != "x" {
					t.Errorf("%q, %v", got, err)
					return
				}
				mu.Lock()
				heads[string(sealed[:head])] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(heads) != 8*each {
		t.Errorf("%d heads of %d records", len(heads), 8*each)
	}
}

// TestOpenerRemembersFew: more keys than it remembers, in any order, and none
// of those that open nothing.
func TestOpenerRemembersFew(t *testing.T) {
	t.Parallel()
	core, private := fixed(t)
	var records [][]byte
	for range 40 {
		lid, err := seal.NewLid(private.PublicKey().Bytes())
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, mustSeal(t, lid, "a"), mustSeal(t, lid, "b"))
	}
	for i := range 2 * len(records) {
		at := i * 7 % len(records)
		if got, err := core.Open(records[at]); err != nil || string(got) != string("ab"[at%2]) {
			t.Fatalf("record %d: %q, %v", at, got, err)
		}
		if n := seal.Remembered(core); n > 16 {
			t.Fatalf("%d keys are remembered", n)
		}
	}
	other, _ := fixed(t)
	bad := bytes.Clone(records[0])
	bad[len(bad)-1] ^= 1
	if _, err := other.Open(bad); !errors.Is(err, seal.ErrOpen) || seal.Remembered(other) != 0 {
		t.Errorf("%v, %d keys remembered", err, seal.Remembered(other))
	}
}

// TestOtherFormsAreNamed: what an older program sealed is not called damaged.
func TestOtherFormsAreNamed(t *testing.T) {
	t.Parallel()
	core, _ := fixed(t)
	sealed := mustSeal(t, core.Lid(), "hello")
	sealed[0] = 1
	if _, err := core.Open(sealed); !errors.Is(err, seal.ErrOpen) || !strings.Contains(err.Error(), "form 1") {
		t.Errorf("%v", err)
	}
	if _, err := core.Open(sealed[:0]); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("%v", err)
	}
}

// FuzzOpen: foreign bytes never open and never break the opener; what is
// changed anywhere does not open either.
func FuzzOpen(f *testing.F) {
	core, _ := fixed(f)
	record, err := hex.DecodeString(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Add(record[:head+16])
	f.Add([]byte{2})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		plain, err := core.Open(sealed)
		if bytes.Equal(sealed, record) {
			if err != nil || string(plain) != "hello" {
				t.Fatalf("%q, %v", plain, err)
			}
			return
		}
		if !errors.Is(err, seal.ErrOpen) || plain != nil {
			t.Fatalf("%x opens as %q, %v", sealed, plain, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	core, _ := fixed(b)
	plain := make([]byte, 400)
	b.SetBytes(400)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := core.Lid().Seal(plain); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	core, _ := fixed(b)
	sealed := mustSeal(b, core.Lid(), strings.Repeat("x", 400))
	b.SetBytes(400)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := core.Open(sealed); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSealedBehindWhatIsThere has two records in one array: each opens by itself.
func TestSealedBehindWhatIsThere(t *testing.T) {
	t.Parallel()
	core, _ := fixed(t)
	first, err := core.Lid().AppendSealed(make([]byte, 0, 1000), []byte("heard"))
	if err != nil {
		t.Fatal(err)
	}
	both, err := core.Lid().AppendSealed(first, []byte("heard again"))
	if err != nil {
		t.Fatal(err)
	}
	for sealed, want := range map[string]string{string(both[:len(first)]): "heard", string(both[len(first):]): "heard again"} {
		if plain, err := core.Open([]byte(sealed)); err != nil || string(plain) != want {
			t.Errorf("opened %q, %v, want %q", plain, err, want)
		}
	}
}
