package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

// RecordKey is the secret of one kept record: what it is sealed with, and the salt
// of its leaf on the evidence log. A record whose key was destroyed is not opened
// by the master key either, and nobody can find out from its leaf whether a guess
// at what it said is right.
type RecordKey struct {
	raw  []byte
	aead cipher.AEAD
	salt []byte
}

// NewRecordKey makes a random one.
func NewRecordKey() (*RecordKey, error) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails since Go 1.24
	return recordKey(raw)
}

func recordKey(raw []byte) (*RecordKey, error) {
	sealKey, err := hkdf.Key(sha256.New, raw, nil, "saltmine record seal v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("record key: %w", err)
	}
	defer clear(sealKey)
	salt, err := hkdf.Key(sha256.New, raw, nil, "saltmine record leaf v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("record key: %w", err)
	}
	aead, err := chacha20poly1305.NewX(sealKey)
	if err != nil {
		return nil, fmt.Errorf("record key: %w", err)
	}
	return &RecordKey{raw: raw, aead: aead, salt: salt}, nil
}

// SealKey encrypts the key of a record for the field named by what.
func (v *Vault) SealKey(what string, k *RecordKey) []byte { return v.Seal(what, k.raw) }

// OpenKey decrypts what SealKey made for the same field.
func (v *Vault) OpenKey(what string, sealed []byte) (*RecordKey, error) {
	raw, err := v.Open(what, sealed)
	if err != nil {
		return nil, err
	}
	return recordKey(raw)
}

// Seal encrypts plain for the field named by what.
func (k *RecordKey) Seal(what string, plain []byte) []byte { return sealWith(k.aead, what, plain) }

// Open decrypts what Seal made for the same field.
func (k *RecordKey) Open(what string, sealed []byte) ([]byte, error) {
	return openWith(k.aead, what, sealed)
}

// Leaf is what stands for plain on the evidence log, 64 hex digits: HMAC-SHA256
// under the salt.
func (k *RecordKey) Leaf(plain []byte) string {
	mac := hmac.New(sha256.New, k.salt)
	mac.Write(plain)
	return hex.EncodeToString(mac.Sum(nil))
}

// Salt is what the leaf is made with: whoever is shown the record needs it to check the
// leaf, and can open nothing with it.
func (k *RecordKey) Salt() []byte { return bytes.Clone(k.salt) }

// LogValue keeps the key out of logs.
func (k *RecordKey) LogValue() slog.Value { return slog.StringValue("record key") }

// String keeps the key out of texts.
func (k *RecordKey) String() string { return "record key" }

// GoString keeps the key out of texts.
func (k *RecordKey) GoString() string { return "record key" }
