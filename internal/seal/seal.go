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
//	old/         keys that were replaced, see [Rotate] and [Succession]
//
// Every file but the last is one line of standard base64. At rest: XChaCha20-Poly1305 with
// a random 24-byte nonce before the ciphertext, and before it 4 bytes that name the
// master key (not before what a record key sealed); what a blob belongs to is bound
// to it as associated data, so blobs cannot be swapped between rows. A record that
// may have to be given up has a random key of its own, see [RecordKey]. Blind
// index: HMAC-SHA256 over kind, a zero byte and the canonical text, cut to 16
// bytes, in hex; or to 8, as a number.
//
// To the core: a record is
//
//	 0  1 form, 2
//	 1 32 encapsulated key
//	33  4 number of the record under this key, from 0, big-endian
//	37  n ciphertext, and 16 bytes of tag
//
// The key is that of ChaCha20-Poly1305, exported ("record key", 32 bytes) from
// HPKE (RFC 9180 §5.3) in base mode, DHKEM(X25519), HKDF-SHA256, export-only,
// info "saltmine contact v2"; the nonce is the number behind 8 zero bytes, the
// associated data are the 37 bytes before the ciphertext. A lid makes a key for
// 4,096 records or 5 seconds, whichever is over first, and then lets go of it,
// though nothing more be sealed. So whoever takes an edge's memory can open what
// was sealed in the last 5 seconds, and what was until the collector has written
// over the older keys, which an edge makes it do every 15 seconds; not the rest.
//
// The package never returns key bytes except for the acceptance rule's, and
// its key types print nothing.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrOpen is returned when sealed bytes do not open: another key, or changed.
var ErrOpen = errors.New("sealed data does not open with these keys")

// Vault seals the registry's fields and computes the blind index.
type Vault struct {
	keys  atomic.Pointer[ring]
	macs  sync.Pool // of keyed hash.Hash: keying one takes longer than using it
	again func() (ring, error)
}

// newVault works out master keys, the first first. The blind index is the first one's.
// again reads them anew, for a field that none of them has sealed.
func newVault(masters [][]byte, again func() (ring, error)) (*Vault, error) {
	keys, err := newRing(masters)
	if err != nil {
		return nil, err
	}
	index, err := hkdf.Key(sha256.New, masters[0], nil, "saltmine registry index v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive index key: %w", err)
	}
	v := &Vault{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, index) }}, again: again}
	v.keys.Store(&keys)
	return v, nil
}

// KeyID is with what each field begins that is sealed now.
func (v *Vault) KeyID() []byte { return slices.Clone(v.keys.Load().last().id[:]) }

// Keys is how many master keys there are, of which the last seals.
func (v *Vault) Keys() int { return len(*v.keys.Load()) }

// Reread takes up a master key that has come since.
func (v *Vault) Reread() error {
	keys, err := v.again()
	if err == nil {
		v.keys.Store(&keys)
	}
	return err
}

// Seal encrypts plain for the field named by what (table, row, column).
func (v *Vault) Seal(what string, plain []byte) []byte {
	k := v.keys.Load().last()
	return append(k.id[:len(k.id):len(k.id)], sealWith(k.aead, what, plain)...)
}

func sealWith(aead cipher.AEAD, what string, plain []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails since Go 1.24
	return aead.Seal(nonce, nonce, plain, []byte(what))
}

// Open decrypts what Seal made for the same field.
func (v *Vault) Open(what string, sealed []byte) ([]byte, error) {
	k := v.keyOf(sealed)
	if k == nil {
		return nil, ErrOpen
	}
	return openWith(k.aead, what, sealed[KeyIDLen:])
}

// keyOf finds the key of a field. One that is not known may have come while this
// process ran: another one has replaced the master key.
func (v *Vault) keyOf(sealed []byte) *ringKey {
	if len(sealed) < KeyIDLen {
		return nil
	}
	if k := v.keys.Load().find(sealed); k != nil || v.again == nil {
		return k
	}
	keys, err := v.again()
	if err != nil || len(keys) <= v.Keys() {
		return nil
	}
	v.keys.Store(&keys)
	return keys.find(sealed)
}

func openWith(aead cipher.AEAD, what string, sealed []byte) ([]byte, error) {
	n := aead.NonceSize()
	if len(sealed) < n+aead.Overhead() {
		return nil, ErrOpen
	}
	plain, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(what))
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
