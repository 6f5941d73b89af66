package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ErrNote is returned for a note that is not signed by the key, or that is not
// written as it must be.
var ErrNote = errors.New("not a note that the key has signed")

// Key signs for a log. Signer is what holds the private key.
type Key struct {
	Signer interface {
		Sign(message []byte) []byte
		Public() ed25519.PublicKey
	}
}

// public are the public keys, the first first: a Signer whose key was replaced also
// has the method Past, with those of before.
func (k Key) public() []ed25519.PublicKey {
	now := k.Signer.Public()
	if s, replaced := k.Signer.(interface{ Past() []ed25519.PublicKey }); replaced {
		return append(s.Past(), now)
	}
	return []ed25519.PublicKey{now}
}

// Log is the name of the log, after its first key: it stays when the key is replaced.
func (k Key) Log() string {
	return logOf(k.public()[0])
}

func logOf(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return fmt.Sprintf("saltmine/%x", sum[:8])
}

// Verifier is the public key of now in the form in which it is given to others:
// NAME+HASH+BASE64.
func (k Key) Verifier() (string, error) {
	list, err := k.Verifiers()
	if err != nil {
		return "", err
	}
	return list[len(list)-1], nil
}

// Verifiers are the public keys, the first first, of which each has signed for the log.
func (k Key) Verifiers() (list []string, err error) {
	for _, pub := range k.public() {
		v, err := note.NewEd25519VerifierKey(k.Log(), pub)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		list = append(list, v)
	}
	return list, nil
}

// OpenCheckpoint reads a checkpoint that this key or one before it has signed.
func (k Key) OpenCheckpoint(msg []byte) (c Checkpoint, err error) {
	list, err := k.Verifiers()
	if err != nil {
		return c, err
	}
	v, err := ParseVerifier(strings.Join(list, "\n"))
	if err != nil {
		return c, err
	}
	return v.OpenCheckpoint(msg)
}

// Sign makes a note of a text, which ends with a line's end.
func (k Key) Sign(text string) ([]byte, error) {
	verifier, err := k.Verifier()
	if err != nil {
		return nil, err
	}
	v, err := ParseVerifier(verifier)
	if err != nil {
		return nil, err
	}
	msg, err := note.Sign(&note.Note{Text: text}, signer{v, k})
	if err != nil {
		return nil, fmt.Errorf("sign a note: %w", err)
	}
	return msg, nil
}

// signer is a key as package note wants it.
type signer struct {
	*Verifier
	key Key
}

// Sign signs.
func (s signer) Sign(msg []byte) ([]byte, error) { return s.key.Signer.Sign(msg), nil }

// KeyHash names the key.
func (s signer) KeyHash() uint32 { return s.all[len(s.all)-1].KeyHash() }

// Verifier is a log's public key, with those that were before it.
type Verifier struct{ all []note.Verifier }

// ParseVerifier reads what [Key.Verifiers] gave, one a line, or the 32 bytes in base64
// of sign.pub: the log's name is then that of the first line.
func ParseVerifier(text string) (*Verifier, error) {
	v := &Verifier{}
	for line := range strings.FieldsSeq(text) {
		if raw, err := base64.StdEncoding.DecodeString(line); err == nil && len(raw) == ed25519.PublicKeySize {
			name := logOf(raw)
			if len(v.all) > 0 {
				name = v.Name()
			}
			if line, err = note.NewEd25519VerifierKey(name, raw); err != nil {
				return nil, fmt.Errorf("public key: %w", err)
			}
		}
		one, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("public key: %w: want NAME+HASH+BASE64, as 'saltmine evidence key' prints it, or the line of sign.pub", err)
		}
		if v.all = append(v.all, one); one.Name() != v.Name() {
			return nil, fmt.Errorf("public key: they are of two logs, %s and %s", v.Name(), one.Name())
		}
	}
	if len(v.all) == 0 {
		return nil, errors.New("public key: there is none: want NAME+HASH+BASE64, as 'saltmine evidence key' prints it")
	}
	return v, nil
}

// Name is the name of the key, which is that of its log.
func (v *Verifier) Name() string { return v.all[0].Name() }

// Last is the number of the key of now, where the first is 0.
func (v *Verifier) Last() int { return len(v.all) - 1 }

// OpenBy returns the text of a note that one of the keys has signed, and nobody else
// unless others may, whose lines are then of any key; and which key that is.
func (v *Verifier) OpenBy(msg []byte, others bool) (text string, by int, err error) {
	if text, by, err = v.open(msg, others); err != nil {
		return "", 0, fmt.Errorf("%w: %w", ErrNote, err)
	}
	return text, by, nil
}

func (v *Verifier) open(msg []byte, others bool) (text string, by int, err error) {
	n, err := note.Open(msg, note.VerifierList(v.all...))
	if err != nil {
		return "", 0, err
	}
	if len(n.Sigs) != 1 || !others && len(n.UnverifiedSigs) > 0 {
		return "", 0, errors.New("it has other signatures")
	}
	// A signature in base64 can be spelt in several ways.
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(raw) != 4+ed25519.SignatureSize || binary.BigEndian.Uint32(raw) != n.Sigs[0].Hash {
		return "", 0, errors.New("the signature is not 68 bytes")
	}
	line := "\u2014 " + v.Name() + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
	if !others && string(msg) != n.Text+"\n"+line || !bytes.Contains(msg, []byte("\n"+line)) {
		return "", 0, errors.New("the signature is not spelt as it must be")
	}
	by = slices.IndexFunc(v.all, func(k note.Verifier) bool { return k.KeyHash() == n.Sigs[0].Hash })
	return n.Text, by, nil
}

// Checkpoint is the log as it stood once.
type Checkpoint struct {
	Log  string
	Size int64
	Root Hash
}

// Text is what is signed.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Log, c.Size, c.Root) }

// OpenCheckpoint reads a checkpoint that the key has signed. Others may have signed it
// too.
func (v *Verifier) OpenCheckpoint(msg []byte) (c Checkpoint, err error) {
	text, _, err := v.OpenBy(msg, true)
	if err != nil {
		return c, err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("%w: its text is not the three lines of a checkpoint", ErrNote)
	}
	c.Log = lines[0]
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	raw, err2 := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || err2 != nil || len(raw) != len(c.Root) || c.Size < 0 {
		return c, fmt.Errorf("%w: its text is not that of a checkpoint", ErrNote)
	}
	copy(c.Root[:], raw)
	if c.Text() != text || c.Log != v.Name() {
		return c, fmt.Errorf("%w: it is no checkpoint of %s", ErrNote, v.Name())
	}
	return c, nil
}
