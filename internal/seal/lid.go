package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/binary"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// What is sealed to the core.
const (
	sealForm = 2                     // the first byte
	sealInfo = "saltmine contact v2" // binds it to its purpose (RFC 9180 §5.1)
	keyUse   = "record key"          // exporter context (RFC 9180 §5.3)

	encLen    = 32
	sealHead  = 1 + encLen + 4
	keyLife   = 5 * time.Second
	keyMost   = 4096 // records of one key
	openedAll = 16   // keys that an opener remembers
)

// Lid is the public half of the core's key: it closes, and cannot open. It is
// safe for concurrent use.
type Lid struct {
	pub hpke.PublicKey
	raw []byte

	current atomic.Pointer[shortKey] // nil when the last one's time is over
	making  sync.Mutex               // one encapsulation at a time; guards drop
	drop    *time.Timer              // lets go of the current key
}

// shortKey closes a few records, each with a number of its own as the nonce.
type shortKey struct {
	aead cipher.AEAD
	enc  [encLen]byte
	used atomic.Uint32
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
	return &Lid{pub: pub, raw: p.Bytes()}, nil
}

// Public gives the 32 bytes of core.pub.
func (l *Lid) Public() []byte { return bytes.Clone(l.raw) }

// Seal encrypts plain to the core.
func (l *Lid) Seal(plain []byte) ([]byte, error) { return l.AppendSealed(nil, plain) }

// AppendSealed encrypts plain to the core and puts that behind dst.
func (l *Lid) AppendSealed(dst, plain []byte) ([]byte, error) {
	key, number, err := l.turn()
	if err != nil {
		return dst, fmt.Errorf("seal to the core: %w", err)
	}
	dst = slices.Grow(dst, sealHead+len(plain)+chacha20poly1305.Overhead)
	at := len(dst)
	dst = append(append(dst, sealForm), key.enc[:]...)
	dst = binary.BigEndian.AppendUint32(dst, number)
	nonce := nonceOf(number)
	return key.aead.Seal(dst, nonce[:], plain, dst[at:]), nil
}

// turn gives a key and a number that it has not been used with.
func (l *Lid) turn() (*shortKey, uint32, error) {
	if key, number := l.next(); key != nil {
		return key, number, nil
	}
	l.making.Lock()
	defer l.making.Unlock()
	if key, number := l.next(); key != nil {
		return key, number, nil // somebody else made it
	}
	key, err := l.newKey()
	if err != nil {
		return nil, 0, err
	}
	if l.drop != nil {
		l.drop.Stop() // else it would hold a key that is used up
	}
	key.used.Store(1)
	l.current.Store(key)
	l.drop = time.AfterFunc(keyLife, func() { l.forget(key) })
	return key, 0, nil
}

// forget lets go of a key, and of the timer, which holds it too.
func (l *Lid) forget(key *shortKey) {
	l.making.Lock()
	defer l.making.Unlock()
	if l.current.CompareAndSwap(key, nil) {
		l.drop = nil
	}
}

// next takes a number of the current key; nil when that one has none left.
func (l *Lid) next() (*shortKey, uint32) {
	key := l.current.Load()
	if key == nil || key.used.Load() >= keyMost {
		return nil, 0
	}
	n := key.used.Add(1)
	if n > keyMost {
		return nil, 0
	}
	return key, n - 1
}

func (l *Lid) newKey() (*shortKey, error) {
	enc, sender, err := hpke.NewSender(l.pub, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(sealInfo))
	if err != nil {
		return nil, err
	}
	raw, err := sender.Export(keyUse, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	key := &shortKey{enc: [encLen]byte(enc)}
	key.aead, err = chacha20poly1305.New(raw)
	return key, err
}

func nonceOf(number uint32) (nonce [chacha20poly1305.NonceSize]byte) {
	binary.BigEndian.PutUint32(nonce[len(nonce)-4:], number)
	return nonce
}

// Opener is the private half of the core's key, with those that were before it: what
// was sealed to one of them, an edge still sends. It is safe for concurrent use.
type Opener struct {
	keys atomic.Pointer[[]hpke.PrivateKey] // the last first
	lid  *Lid
	dir  string // from which they are read anew; empty: never

	mu     sync.Mutex
	opened []openedKey // the last used first
}

// openedKey is the key of records that have the same encapsulation.
type openedKey struct {
	enc  [encLen]byte
	aead cipher.AEAD
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
	o := &Opener{lid: lid}
	o.keys.Store(&[]hpke.PrivateKey{key})
	return o, nil
}

// newOpeners is an opener of several keys, of which now is the last.
func newOpeners(old [][]byte, now []byte, dir string) (*Opener, error) {
	o, err := newOpener(now)
	if err != nil {
		return nil, err
	}
	keys := *o.keys.Load()
	for _, raw := range slices.Backward(old) {
		before, err := newOpener(raw)
		if err != nil {
			return nil, err
		}
		keys = append(keys, *before.keys.Load()...)
	}
	o.keys.Store(&keys)
	o.dir = dir
	return o, nil
}

// Keys is how many there are that open.
func (o *Opener) Keys() int { return len(*o.keys.Load()) }

// reread takes up a key that has come while this process runs.
func (o *Opener) reread() (more bool) {
	if o.dir == "" {
		return false
	}
	now, err := readKey(filepath.Join(o.dir, coreFile))
	if err != nil {
		return false
	}
	old, err := oldKeys(o.dir, string(PartCore), ".key", now)
	if err != nil || len(old)+1 <= len(*o.keys.Load()) {
		return false
	}
	fresh, err := newOpeners(old, now, "")
	if err != nil {
		return false
	}
	o.keys.Store(fresh.keys.Load())
	return true
}

// Open decrypts what a lid sealed.
func (o *Opener) Open(sealed []byte) ([]byte, error) {
	if len(sealed) > 0 && sealed[0] != sealForm {
		return nil, fmt.Errorf("%w: it has the form %d, and this program reads the form %d", ErrOpen, sealed[0], sealForm)
	}
	if len(sealed) < sealHead+chacha20poly1305.Overhead {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrOpen, len(sealed))
	}
	enc := [encLen]byte(sealed[1:])
	if aead, known := o.recall(enc); known {
		plain, err := openRecord(aead, sealed)
		if err != nil {
			return nil, ErrOpen
		}
		return plain, nil
	}
	if plain, ok := o.try(enc, sealed); ok {
		return plain, nil
	}
	if o.reread() {
		if plain, ok := o.try(enc, sealed); ok {
			return plain, nil
		}
	}
	return nil, ErrOpen
}

// try opens a record with each key, and remembers with what it did: not before, so
// that what does not open drives out nothing.
func (o *Opener) try(enc [encLen]byte, sealed []byte) ([]byte, bool) {
	for _, key := range *o.keys.Load() {
		aead, err := decapsulate(key, enc)
		if err != nil {
			continue
		}
		if plain, err := openRecord(aead, sealed); err == nil {
			o.remember(openedKey{enc, aead})
			return plain, true
		}
	}
	return nil, false
}

func openRecord(aead cipher.AEAD, sealed []byte) ([]byte, error) {
	nonce := nonceOf(binary.BigEndian.Uint32(sealed[1+encLen:]))
	return aead.Open(nil, nonce[:], sealed[sealHead:], sealed[:sealHead])
}

func decapsulate(key hpke.PrivateKey, enc [encLen]byte) (cipher.AEAD, error) {
	recipient, err := hpke.NewRecipient(enc[:], key, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(sealInfo))
	if err != nil {
		return nil, err
	}
	raw, err := recipient.Export(keyUse, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	return chacha20poly1305.New(raw)
}

func (o *Opener) recall(enc [encLen]byte) (cipher.AEAD, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, k := range o.opened {
		if k.enc == enc {
			copy(o.opened[1:i+1], o.opened[:i])
			o.opened[0] = k
			return k.aead, true
		}
	}
	return nil, false
}

func (o *Opener) remember(k openedKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.opened) < openedAll {
		o.opened = append(o.opened, openedKey{})
	}
	copy(o.opened[1:], o.opened)
	o.opened[0] = k
}

// Lid returns the public half.
func (o *Opener) Lid() *Lid { return o.lid }

// LogValue keeps the key out of logs.
func (o *Opener) LogValue() slog.Value { return slog.StringValue("core key") }

// String keeps the key out of texts.
func (o *Opener) String() string { return "core key" }

// GoString keeps the key out of texts.
func (o *Opener) GoString() string { return "core key" }
