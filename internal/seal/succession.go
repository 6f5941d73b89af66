package seal

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrSuccession is returned for a statement that does not name a key's successor.
var ErrSuccession = errors.New("it is no statement of a key about its successor")

const successionHead = "saltmine signing key succession v1"

// Succession is what a signing key says last: which key comes after it. It is four
// lines: the head, the old and the new public key in base64, and the signature
// (Ed25519) of the old one over the three lines before it. Whoever trusts the old key
// can so trust the new one.
func Succession(oldSeed, newSeed []byte) string {
	key := ed25519.NewKeyFromSeed(oldSeed)
	b64 := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf("%s\n%s\n%s\n", successionHead, b64(publicOf(oldSeed)), b64(publicOf(newSeed)))
	return text + b64(ed25519.Sign(key, []byte(text))) + "\n"
}

// Successor checks a statement by a key that is trusted and gives the key after it.
func Successor(statement string, trusted ed25519.PublicKey) (ed25519.PublicKey, error) {
	lines := strings.Split(statement, "\n")
	if len(lines) != 5 || lines[0] != successionHead || lines[4] != "" || lines[1] != base64.StdEncoding.EncodeToString(trusted) {
		return nil, ErrSuccession
	}
	next, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	sig, err2 := base64.StdEncoding.Strict().DecodeString(lines[3])
	text := strings.Join(lines[:3], "\n") + "\n"
	if err != nil || err2 != nil || len(next) != ed25519.PublicKeySize || !ed25519.Verify(trusted, []byte(text), sig) {
		return nil, ErrSuccession
	}
	return next, nil
}
