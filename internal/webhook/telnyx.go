package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
)

// The headers of Telnyx.
const (
	HeaderTelnyx     = "Telnyx-Signature-Ed25519"
	headerTelnyxTime = "Telnyx-Timestamp"
)

// ParseTelnyxKey reads the public key that Telnyx's portal shows: base64 of 32
// bytes. White space around it is dropped.
func ParseTelnyxKey(text string) (ed25519.PublicKey, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: want base64 of %d bytes", ErrSecret, ed25519.PublicKeySize)
	}
	return key, nil
}

// VerifyTelnyx checks an Ed25519 signature over the header telnyx-timestamp, a
// bar, and the raw body (telnyx-go, lib/webhook_verification.go). The address
// is not signed. The errors are ErrSecret, ErrHeader, ErrSignature, ErrTime.
func VerifyTelnyx(key ed25519.PublicKey, q Request) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: no public key", ErrSecret)
	}
	stamp, err := single(q.Header, headerTelnyxTime)
	if err != nil {
		return err
	}
	sent, err := unixSeconds(stamp)
	if err != nil {
		return err
	}
	sig, err := base64Header(q.Header, HeaderTelnyx, ed25519.SignatureSize)
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, append([]byte(stamp+"|"), q.Body...), sig) {
		return ErrSignature
	}
	return q.fresh(sent)
}
