package disclosure

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
)

// Disclosure proves that one canary was registered when it is said to have been.
type Disclosure struct {
	Type      string    `json:"type"`
	Canary    canary.ID `json:"canary"`
	Shown     []Shown   `json:"commitments"` // the oldest first
	Key       []byte    `json:"key"`         // the core's public key, Ed25519 (RFC 8032)
	Signature []byte    `json:"signature"`   // over all of it, with this empty; see signed
}

// Shown is one leaf of one commitment.
type Shown struct {
	Act  canary.Act  `json:"act"`      // by which the commitment came upon the evidence log
	Seal []byte      `json:"act_salt"` // of the act's leaf in the log; see package evidence
	Log  []Logged    `json:"log"`      // where it stands there; none: no checkpoint had it yet
	Leaf string      `json:"leaf"`     // JSON, byte for byte as it was hashed
	Salt []byte      `json:"salt"`     // before the leaf
	At   int64       `json:"index"`    // of the leaf
	Size int64       `json:"size"`     // of the tree
	Path []tlog.Hash `json:"path"`     // from the leaf to the root
}

const kind = "saltmine.disclosure.v1"

// Show makes the proof of one leaf, whose JSON is text.
func (t *Tree) Show(act canary.Act, n int64, text []byte) (Shown, error) {
	path, err := t.prove(n)
	if err != nil {
		return Shown{}, fmt.Errorf("disclose: %w", err)
	}
	return Shown{Act: act, Leaf: string(text), Salt: t.saltOf(n), At: n, Size: t.n, Path: path}, nil
}

// Signer is the core's key.
type Signer interface {
	Sign(message []byte) []byte
	Public() ed25519.PublicKey
}

// New makes and signs the file of a disclosure. What is in it is checked first; before
// are the keys that the core had before.
func New(id canary.ID, shown []Shown, by Signer, before ...ed25519.PublicKey) ([]byte, error) {
	d := Disclosure{Type: kind, Canary: id, Shown: shown, Key: by.Public()}
	message, err := d.signed()
	if err != nil {
		return nil, err
	}
	d.Signature = by.Sign(message)
	out, err := d.encode()
	if err != nil {
		return nil, err
	}
	_, err = Check(out, Outside{}, by.Public(), before...)
	return out, err
}

// signed is what the signature is over: a line with the type, and the file without it.
func (d *Disclosure) signed() ([]byte, error) {
	bare := *d
	bare.Signature = nil
	text, err := bare.encode()
	return append([]byte(kind+"\n"), text...), err
}

// encode gives the only form in which a disclosure is taken.
func (d *Disclosure) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("disclosure: %w", err)
	}
	return b.Bytes(), nil
}

// ErrFalse is returned for a disclosure that does not prove what it says.
var ErrFalse = errors.New("the disclosure is not as it was made")

// ErrLog is returned for a disclosure whose checkpoints are of another log than that of
// the keys: mostly, the first of these is missing, after which a log is named.
var ErrLog = errors.New("the keys are not those of its log")

// Proved is what a disclosure proves of its canary by one commitment.
type Proved struct {
	Act       canary.Act `json:"act"`
	Statement Statement  `json:"-"`
	// Canaries and Placebos are how many were committed to with it.
	Canaries int                 `json:"canaries"`
	Placebos map[canary.Kind]int `json:"placebos"`
	Leaf     Leaf                `json:"leaf"`
	Log      []string            `json:"log,omitempty"` // what proves when, in words
}

// Check reads a disclosure and gives what it proves. key is the core's, from elsewhere:
// the file's own proves nothing. Further ones are those that the core had before. All
// faults but of a key's length, and [ErrLog], are [ErrFalse].
func Check(file []byte, by Outside, key ed25519.PublicKey, before ...ed25519.PublicKey) ([]Proved, error) {
	keys := append([]ed25519.PublicKey{key}, before...)
	for _, k := range keys {
		if len(k) != ed25519.PublicKeySize {
			return nil, errors.New("the key is not one of Ed25519")
		}
	}
	d, err := parse(file)
	if err != nil {
		return nil, err
	}
	message, err := d.signed()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(d.Key, key) || !ed25519.Verify(key, message, d.Signature) {
		return nil, fmt.Errorf("%w: it is not signed by this key", ErrFalse)
	}
	if len(d.Shown) == 0 {
		return nil, fmt.Errorf("%w: it shows no commitment", ErrFalse)
	}
	var out []Proved
	for i := range d.Shown {
		p, err := d.Shown[i].check(d.Canary)
		if err == nil {
			err = d.Shown[i].checkLog(&p, keys, by)
		}
		if errors.Is(err, ErrLog) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: commitment %s: %w", ErrFalse, d.Shown[i].Act.About, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// parse takes nothing but what encode gives.
func parse(file []byte) (*Disclosure, error) {
	var d Disclosure
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFalse, err)
	}
	if d.Type != kind {
		return nil, fmt.Errorf("%w: it is of type %.40q, and %s is known", ErrFalse, d.Type, kind)
	}
	again, err := d.encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, file) {
		return nil, fmt.Errorf("%w: it is not written as it should be", ErrFalse)
	}
	return &d, nil
}

func (s *Shown) checkLog(p *Proved, keys []ed25519.PublicKey, by Outside) error {
	for i := range s.Log {
		said, err := s.Log[i].check(s.Act, s.Seal, keys, by)
		if err != nil {
			return err
		}
		p.Log = append(p.Log, said)
	}
	return nil
}

func (s *Shown) check(id canary.ID) (p Proved, err error) {
	p.Act = s.Act
	if s.Act.What != canary.ActCommit {
		return p, fmt.Errorf("act %d commits to nothing", s.Act.Seq)
	}
	if p.Statement, err = ParseStatement(s.Act.Outcome); err != nil {
		return p, err
	}
	p.Canaries, p.Placebos = p.Statement.Canaries, p.Statement.Placebos
	switch {
	case len(s.Salt) != SaltSize:
		return p, errors.New("its salt has another length")
	case s.Size != p.Statement.leaves():
		return p, fmt.Errorf("the tree has %d leaves, and %d are committed to", s.Size, p.Statement.leaves())
	case s.At < 0 || s.At >= s.Size:
		return p, fmt.Errorf("there is no leaf %d", s.At)
	}
	if err := tlog.CheckRecord(s.Path, s.Size, p.Statement.Root, s.At, leafHash(slices.Clone(s.Salt), []byte(s.Leaf))); err != nil {
		return p, errors.New("the leaf is not under its root")
	}
	if err := json.Unmarshal([]byte(s.Leaf), &p.Leaf); err != nil {
		return p, fmt.Errorf("its leaf: %w", err)
	}
	if p.Leaf.Role != canary.RolePlanted || p.Leaf.Canary != id {
		return p, fmt.Errorf("its leaf is not that of %s", id)
	}
	return p, nil
}
