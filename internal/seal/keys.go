package seal

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// The files of a keys directory.
const (
	masterFile = "master.key"
	coreFile   = "core.key"
	lidFile    = "core.pub"
	acceptFile = "accept.key"
	signFile   = "sign.key"
	signPub    = "sign.pub"
)

// Keys is a loaded keys directory.
type Keys struct {
	Vault  *Vault
	Core   *Opener
	Signer *Signer
	accept []byte
}

// Accept returns the key of the blind acceptance rule.
func (k *Keys) Accept() []byte { return k.accept }

// LogValue keeps the keys out of logs.
func (k *Keys) LogValue() slog.Value { return slog.StringValue("keys") }

// String keeps the keys out of texts.
func (k *Keys) String() string { return "keys" }

// GoString keeps the keys out of texts.
func (k *Keys) GoString() string { return "keys" }

// Generate makes a new keys directory. It refuses a directory that already
// holds any of the files: keys that are overwritten take the registry with them.
func Generate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	core, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	pub, sign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	random := make([]byte, 64)
	rand.Read(random) // never fails since Go 1.24
	files := []struct {
		name string
		raw  []byte
	}{
		{masterFile, random[:32]}, {acceptFile, random[32:]},
		{coreFile, core.Bytes()}, {lidFile, core.PublicKey().Bytes()},
		{signFile, sign.Seed()}, {signPub, pub},
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keys: %s is already there and is not overwritten", filepath.Join(dir, f.name))
		}
	}
	for _, f := range files {
		if err := writeKey(filepath.Join(dir, f.name), f.raw); err != nil {
			return err
		}
	}
	return nil
}

// EdgeKeys are what an edge has of a keys directory: it can ask the acceptance
// rule and close contacts up, and nothing more.
type EdgeKeys struct {
	Lid    *Lid
	accept []byte
}

// Accept returns the key of the blind acceptance rule.
func (k *EdgeKeys) Accept() []byte { return k.accept }

// LogValue keeps the key out of logs.
func (k *EdgeKeys) LogValue() slog.Value { return slog.StringValue("edge keys") }

// String keeps the key out of texts.
func (k *EdgeKeys) String() string { return "edge keys" }

// GoString keeps the key out of texts.
func (k *EdgeKeys) GoString() string { return "edge keys" }

// ForEdge gives the files of an edge's keys directory, by name.
func (k *Keys) ForEdge() map[string][]byte {
	return map[string][]byte{acceptFile: line(k.accept), lidFile: line(k.Core.lid.raw)}
}

// LoadEdge reads an edge's keys directory. One that holds a key of the core is
// refused: it is more than an edge may lose.
func LoadEdge(dir string) (*EdgeKeys, error) {
	for _, name := range []string{masterFile, coreFile, signFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("keys: %s must not be on an edge: whoever takes the edge would have it", filepath.Join(dir, name))
		}
	}
	accept, err := readKey(filepath.Join(dir, acceptFile))
	pub, err2 := readKey(filepath.Join(dir, lidFile))
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	lid, err := NewLid(pub)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return &EdgeKeys{Lid: lid, accept: accept}, nil
}

func line(raw []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(raw) + "\n") }

func writeKey(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if _, err = f.Write(line(raw)); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// Load reads a keys directory. Private files that others may read are refused.
func Load(dir string) (*Keys, error) {
	var faults []error
	read := func(name string) []byte {
		raw, err := readKey(filepath.Join(dir, name))
		if err != nil {
			faults = append(faults, err)
		}
		return raw
	}
	master, core, accept, sign := read(masterFile), read(coreFile), read(acceptFile), read(signFile)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	k := &Keys{accept: accept}
	masters, err := oldKeys(dir, string(PartMaster), ".key", master)
	cores, err2 := oldKeys(dir, string(PartCore), ".key", core)
	signer, err3 := newSigner(dir)
	if err := errors.Join(err, err2, err3, mendPublic(dir, core, sign)); err != nil {
		return nil, err
	}
	k.Signer = signer
	if k.Vault, err = newVault(append(masters, master), func() (ring, error) { return rereadMasters(dir) }); err != nil {
		return nil, err
	}
	if k.Core, err = newOpeners(cores, core, dir); err != nil {
		return nil, err
	}
	return k, nil
}

// rereadMasters reads the master keys of now.
func rereadMasters(dir string) (ring, error) {
	master, err := readKey(filepath.Join(dir, masterFile))
	if err != nil {
		return nil, err
	}
	masters, err := oldKeys(dir, string(PartMaster), ".key", master)
	if err != nil {
		return nil, err
	}
	return newRing(append(masters, master))
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("keys: %s may be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("keys: %s: want 32 bytes in base64 on one line", path)
	}
	return raw, nil
}
