package seal

import (
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
)

// Signer signs evidence, with the key of now: one that replaces it is taken up while
// the process runs. It is safe for concurrent use.
type Signer struct {
	now atomic.Pointer[signing]
	dir string
}

// signing is a signing key with the public halves of those before it.
type signing struct {
	key  ed25519.PrivateKey
	past []ed25519.PublicKey
	file os.FileInfo // which it was read from
}

func newSigner(dir string) (*Signer, error) {
	now, err := readSigning(dir)
	if err != nil {
		return nil, err
	}
	s := &Signer{dir: dir}
	s.now.Store(now)
	return s, nil
}

func readSigning(dir string) (*signing, error) {
	path := filepath.Join(dir, signFile)
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	seed, err := readKey(path)
	if err != nil {
		return nil, err
	}
	now := &signing{key: ed25519.NewKeyFromSeed(seed), file: file}
	past, err := oldKeys(dir, string(PartSign), ".pub", publicOf(seed))
	for _, pub := range past {
		now.past = append(now.past, ed25519.PublicKey(pub))
	}
	return now, err
}

// current is the key of now; the last that could be read.
func (s *Signer) current() *signing {
	now := s.now.Load()
	file, err := os.Stat(filepath.Join(s.dir, signFile))
	if err != nil || os.SameFile(file, now.file) {
		return now
	}
	if fresh, err := readSigning(s.dir); err == nil {
		s.now.Store(fresh)
		return fresh
	}
	return now
}

// Sign returns the Ed25519 signature of message.
func (s *Signer) Sign(message []byte) []byte { return ed25519.Sign(s.current().key, message) }

// Public returns the public key.
func (s *Signer) Public() ed25519.PublicKey {
	return s.current().key.Public().(ed25519.PublicKey)
}

// Past are the public keys that were before this one, the first first: what they have
// signed stays signed.
func (s *Signer) Past() []ed25519.PublicKey { return slices.Clone(s.current().past) }

// LogValue keeps the key out of logs.
func (s *Signer) LogValue() slog.Value { return slog.StringValue("signing key") }

// String keeps the key out of texts.
func (s *Signer) String() string { return "signing key" }

// GoString keeps the key out of texts.
func (s *Signer) GoString() string { return "signing key" }
