// Package evidence is the arithmetic of the evidence log: what stands for an act, the
// Merkle tree over the acts, and signed checkpoints of it. It keeps nothing itself; the
// registry does, and package pack writes and reads what is given to a third party.
//
// An act is written as one line of JSON, and has 32 random bytes of its own, its salt.
// What stands for it is
//
//	commitment = HMAC-SHA256(salt, line)
//	leaf       = SHA-256(0x00, commitment)
//
// so that a leaf says nothing of an act whose salt is not shown, whatever is guessed.
// The salts are random and kept with the acts: no key is needed to show one later, and
// none that is changed takes them away. The tree over the leaves is that of RFC 6962,
// section 2.1; act n is leaf n-1. A checkpoint is a signed note, as of the Go checksum
// database and of C2SP tlog-checkpoint:
//
//	saltmine/93a1f1b0c2d4e5f6
//	4711
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— saltmine/93a1f1b0c2d4e5f6 Az3grl…
//
// that is the log's name, how many acts it has, and the root of the tree over them. The
// log's name is made from its first key. The signature is Ed25519 over the text up to
// and with the line's end before the empty line; before it stand 4 bytes that name the
// key. Whoever else has signed a checkpoint does so with further lines at its end.
//
// One signature has one spelling here: a note that is not written as [Sign] writes it
// does not open. [ErrNote] is returned for every note that does not.
package evidence

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
)

// Hash is a hash of the tree.
type Hash = tlog.Hash

// SaltSize is how many bytes a salt has.
const SaltSize = 32

// NewSalt makes a random one.
func NewSalt() []byte {
	salt := make([]byte, SaltSize)
	rand.Read(salt) // never fails since Go 1.24
	return salt
}

// Commit is what stands for a text under a salt.
func Commit(salt, text []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, salt)
	mac.Write(text)
	mac.Sum(sum[:0])
	return sum
}

// Leaf is the leaf of a text under a salt.
func Leaf(salt, text []byte) Hash {
	c := Commit(salt, text)
	return tlog.RecordHash(c[:])
}

// Text is an act as it is hashed: one line of JSON without the act's link, which is a
// matter between the registry and its keys.
func Text(a canary.Act) ([]byte, error) {
	text, err := json.Marshal(shown{a.Seq, a.At, a.Who, a.Via, a.What, a.About, a.Outcome})
	if err != nil {
		return nil, fmt.Errorf("act %d: %w", a.Seq, err)
	}
	return append(text, '\n'), nil
}

// shown is what is hashed of an act.
type shown struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Via     string    `json:"via"`
	What    string    `json:"what"`
	About   string    `json:"about"`
	Outcome string    `json:"outcome"`
}

var errAct = errors.New("it is not an act as it is hashed")

// ParseText reads what [Text] wrote, and nothing else.
func ParseText(text []byte) (canary.Act, error) {
	var s shown
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&s)
	a := canary.Act{Seq: s.Seq, At: s.At, Who: s.Who, Via: s.Via, What: s.What, About: s.About, Outcome: s.Outcome}
	if again, err2 := Text(a); err != nil || err2 != nil || !bytes.Equal(again, text) || s.At.Location() != time.UTC {
		return canary.Act{}, errAct
	}
	return a, nil
}

// ListHash is what an act says of the things that it stands for, in hex digits: the
// SHA-256 of the file of their lines, which is also how it is found by hand.
func ListHash(lines []string) string {
	sum := sha256.New()
	for _, l := range lines {
		fmt.Fprintln(sum, l) //nolint:errcheck // a hash takes it
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// Line is one thing in such a list: the SHA-256, in hex digits, of its id, a space and
// what stands for it. So a list tells of the others neither id nor content.
func Line(id, leaf string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(id+" "+leaf)))
}
