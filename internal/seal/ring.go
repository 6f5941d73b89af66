package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeyIDLen is how many bytes before each field that a vault sealed name its key.
const KeyIDLen = 4

// ringKey is one master key, worked out.
type ringKey struct {
	id   [KeyIDLen]byte
	aead cipher.AEAD
}

// ring are the master keys, the first first. The last seals; all open.
type ring []ringKey

func (r ring) last() *ringKey { return &r[len(r)-1] }

func (r ring) find(sealed []byte) *ringKey {
	for i := range slices.Backward(r) {
		if bytes.HasPrefix(sealed, r[i].id[:]) {
			return &r[i]
		}
	}
	return nil
}

func newRingKey(master []byte) (k ringKey, err error) {
	id, err := hkdf.Key(sha256.New, master, nil, "saltmine registry key id v1", KeyIDLen)
	if err != nil {
		return k, fmt.Errorf("derive key id: %w", err)
	}
	raw, err := hkdf.Key(sha256.New, master, nil, "saltmine registry seal v1", chacha20poly1305.KeySize)
	if err != nil {
		return k, fmt.Errorf("derive seal key: %w", err)
	}
	defer clear(raw)
	copy(k.id[:], id)
	k.aead, err = chacha20poly1305.NewX(raw)
	return k, err
}

func newRing(masters [][]byte) (ring, error) {
	var r ring
	for _, m := range masters {
		k, err := newRingKey(m)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		if r.find(k.id[:]) != nil {
			continue // a rotation that was cut off had kept it already
		}
		r = append(r, k)
	}
	return r, nil
}

// oldDir is the folder, in a keys directory, of keys that were replaced: NAME-N.key, or
// sign-N.pub, numbered from 1 in the order in which they were.
const oldDir = "old"

// oldKeys reads the keys of a name that were replaced, the first first. One that is the
// key of now as well is left out.
func oldKeys(dir, stem, ending string, now []byte) (list [][]byte, err error) {
	names, err := os.ReadDir(filepath.Join(dir, oldDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	numbers := map[int]string{}
	for _, d := range names {
		rest, ours := strings.CutPrefix(d.Name(), stem+"-")
		rest, ours2 := strings.CutSuffix(rest, ending)
		if n, err := strconv.Atoi(rest); ours && ours2 && err == nil {
			numbers[n] = d.Name()
		}
	}
	for _, n := range sorted(numbers) {
		raw, err := readKey(filepath.Join(dir, oldDir, numbers[n]))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(raw, now) {
			list = append(list, raw)
		}
	}
	return list, nil
}

func sorted(m map[int]string) []int {
	list := make([]int, 0, len(m))
	for n := range m {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// Part is a key of a keys directory that can be replaced.
type Part string

// The keys that can be replaced. Not the key of the acceptance rule: the names of
// planted tokens were chosen to pass it, and under another one an edge would refuse
// the very mail that is waited for.
const (
	PartMaster Part = "master"
	PartCore   Part = "core"
	PartSign   Part = "sign"
)

// Parts are all that can be replaced.
func Parts() []Part { return []Part{PartMaster, PartCore, PartSign} }

// Rotate makes a new key and keeps the old one under old/, in an order in which a
// directory that is left at any moment loads, with the old key or the new. Of the
// signing key only the public half is kept, with the new one signed by it; see
// [Succession].
func Rotate(dir string, p Part) error {
	name := map[Part]string{PartMaster: masterFile, PartCore: coreFile, PartSign: signFile}[p]
	if name == "" {
		return fmt.Errorf("keys: there is no key %q that can be replaced", p)
	}
	raw, err := readKey(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails since Go 1.24
	defer clear(fresh)
	if err := keepOld(dir, p, raw, fresh); err != nil {
		return err
	}
	if err := replaceKey(filepath.Join(dir, name), fresh); err != nil {
		return err
	}
	return writePublic(dir, p, fresh)
}

func keepOld(dir string, p Part, raw, fresh []byte) error {
	if err := os.MkdirAll(filepath.Join(dir, oldDir), 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	ending, keep := ".key", raw
	if p == PartSign {
		ending, keep = ".pub", publicOf(raw)
	}
	n := 1
	for ; ; n++ {
		old, err := readKey(oldFile(dir, p, n, ending))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if bytes.Equal(old, keep) {
			break // it was kept, and then the rotation was cut off
		}
	}
	if err := replaceKey(oldFile(dir, p, n, ending), keep); err != nil || p != PartSign {
		return err
	}
	text := Succession(raw, fresh)
	return replaceFile(oldFile(dir, p, n, ".succession"), []byte(text))
}

func oldFile(dir string, p Part, n int, ending string) string {
	return filepath.Join(dir, oldDir, fmt.Sprintf("%s-%d%s", p, n, ending))
}

func publicOf(seed []byte) []byte {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}

func replaceKey(path string, raw []byte) error { return replaceFile(path, line(raw)) }

// replaceFile puts a file in the place of another, durably, as a whole or not at all.
func replaceFile(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keys: %w", err)
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writePublic writes the public half beside a key, where it has one.
func writePublic(dir string, p Part, raw []byte) error {
	switch p {
	case PartSign:
		return replaceKey(filepath.Join(dir, signPub), publicOf(raw))
	case PartCore:
		opener, err := newOpener(raw)
		if err != nil {
			return err
		}
		return replaceKey(filepath.Join(dir, lidFile), opener.lid.raw)
	case PartMaster:
	}
	return nil
}

// mendPublic writes the public halves again where a rotation was cut off before it did.
func mendPublic(dir string, core, sign []byte) error {
	for p, k := range map[Part]struct {
		file string
		raw  []byte
	}{PartCore: {lidFile, core}, PartSign: {signPub, sign}} {
		have, err := readKey(filepath.Join(dir, k.file))
		if err != nil {
			continue // Load needs neither
		}
		want := publicOf(k.raw)
		if p == PartCore {
			opener, err := newOpener(k.raw)
			if err != nil {
				return err
			}
			want = opener.lid.raw
		}
		if bytes.Equal(have, want) {
			continue
		}
		if err := writePublic(dir, p, k.raw); err != nil {
			return err
		}
	}
	return nil
}
