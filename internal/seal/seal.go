// Package seal holds the keys and what is done with them: sealing at rest, the
// blind index, sealing to the core, signing.
//
// A keys directory (mode 0700, files 0600) holds
//
//	master.key   32 random bytes; the registry's AEAD key and blind-index key
//	             are derived from it (HKDF-SHA256, RFC 5869)
//	core.key     X25519 private key: opens what the ears sealed
//	core.pub     its public half; all an edge needs to record contacts
//	accept.key   32 random bytes of the acceptance rule; goes to the edges
//	sign.key     Ed25519 private key (RFC 8032) for evidence and tokens of trust
//	sign.pub     its public half
//
// Every file is one line of standard base64. At rest: XChaCha20-Poly1305 with
// a random 24-byte nonce before the ciphertext; what a blob belongs to is bound
// to it as associated data, so blobs cannot be swapped between rows. To the
// core: HPKE (RFC 9180) in base mode, DHKEM(X25519), HKDF-SHA256,
// ChaCha20-Poly1305, one encapsulation a record, so that a stolen edge holds
// no key to what it has already written. Blind index: HMAC-SHA256 over kind,
// a zero byte and the canonical text, cut to 16 bytes, in hex; or to 8, as a number.
//
// The package never returns key bytes except for the acceptance rule's, and
// its key types print nothing.
package seal

import (
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen is returned when sealed bytes do not open: another key, or changed.
var ErrOpen = errors.New("sealed data does not open with these keys")

// Vault seals the registry's fields and computes the blind index.
type Vault struct {
	aead cipher.AEAD
	macs sync.Pool // of keyed hash.Hash: keying one takes longer than using it
}

func newVault(master []byte) (*Vault, error) {
	sealKey, err := hkdf.Key(sha256.New, master, nil, "saltmine registry seal v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive seal key: %w", err)
	}
	index, err := hkdf.Key(sha256.New, master, nil, "saltmine registry index v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive index key: %w", err)
	}
	aead, err := chacha20poly1305.NewX(sealKey)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &Vault{aead: aead, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, index) }}}, nil
}

// Seal encrypts plain for the field named by what (table, row, column).
func (v *Vault) Seal(what string, plain []byte) []byte {
	nonce := make([]byte, v.aead.NonceSize(), v.aead.NonceSize()+len(plain)+v.aead.Overhead())
	rand.Read(nonce) // never fails since Go 1.24
	return v.aead.Seal(nonce, nonce, plain, []byte(what))
}

// Open decrypts what Seal made for the same field.
func (v *Vault) Open(what string, sealed []byte) ([]byte, error) {
	n := v.aead.NonceSize()
	if len(sealed) < n+v.aead.Overhead() {
		return nil, ErrOpen
	}
	plain, err := v.aead.Open(nil, sealed[:n], sealed[n:], []byte(what))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Blind gives the blind index of a canonical text: 32 hex digits.
func (v *Vault) Blind(kind, text string) string {
	sum := v.blind(kind, text)
	return hex.EncodeToString(sum[:16])
}

// Index gives the first 64 bits of the blind index of a canonical text as a
// number. What is found by it is to be compared with the text.
func (v *Vault) Index(kind, text string) int64 {
	sum := v.blind(kind, text)
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // all 64 bits, whatever the sign
}

func (v *Vault) blind(kind, text string) (sum [sha256.Size]byte) {
	mac := v.macs.Get().(hash.Hash) // nothing else is in it
	defer v.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(kind + "\x00" + text))
	mac.Sum(sum[:0])
	return sum
}

// LogValue keeps the keys out of logs.
func (v *Vault) LogValue() slog.Value { return slog.StringValue("vault") }

// String keeps the keys out of texts.
func (v *Vault) String() string { return "vault" }

// GoString keeps the keys out of texts.
func (v *Vault) GoString() string { return "vault" }

// sealInfo binds what is sealed to the core to its purpose (RFC 9180 §5.1).
const sealInfo = "saltmine contact v1"

// Lid is the public half of the core's key: it closes, and cannot open.
type Lid struct {
	pub hpke.PublicKey
	raw []byte
}

// NewLid reads a lid from the 32 bytes of core.pub.
func NewLid(raw []byte) (*Lid, error) {
	p, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("core.pub: %w", err)
	}
	pub, err := hpke.NewDHKEMPublicKey(p)
	if err != nil {
		return nil, fmt.Errorf("core.pub: %w", err)
	}
	return &Lid{pub, p.Bytes()}, nil
}

// Seal encrypts plain to the core.
func (l *Lid) Seal(plain []byte) ([]byte, error) {
	out, err := hpke.Seal(l.pub, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(sealInfo), plain)
	if err != nil {
		return nil, fmt.Errorf("seal to the core: %w", err)
	}
	return out, nil
}

// Opener is the private half of the core's key.
type Opener struct {
	key hpke.PrivateKey
	lid *Lid
}

func newOpener(raw []byte) (*Opener, error) {
	k, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("core.key: %w", err)
	}
	key, err := hpke.NewDHKEMPrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("core.key: %w", err)
	}
	lid, err := NewLid(k.PublicKey().Bytes())
	if err != nil {
		return nil, err
	}
	return &Opener{key: key, lid: lid}, nil
}

// Open decrypts what a lid sealed.
func (o *Opener) Open(sealed []byte) ([]byte, error) {
	plain, err := hpke.Open(o.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(sealInfo), sealed)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Lid returns the public half.
func (o *Opener) Lid() *Lid { return o.lid }

// LogValue keeps the key out of logs.
func (o *Opener) LogValue() slog.Value { return slog.StringValue("core key") }

// String keeps the key out of texts.
func (o *Opener) String() string { return "core key" }

// GoString keeps the key out of texts.
func (o *Opener) GoString() string { return "core key" }

// Signer signs evidence.
type Signer struct{ key ed25519.PrivateKey }

// Sign returns the Ed25519 signature of message.
func (s *Signer) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// Public returns the public key.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// LogValue keeps the key out of logs.
func (s *Signer) LogValue() slog.Value { return slog.StringValue("signing key") }

// String keeps the key out of texts.
func (s *Signer) String() string { return "signing key" }

// GoString keeps the key out of texts.
func (s *Signer) GoString() string { return "signing key" }
