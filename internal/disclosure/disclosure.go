// Package disclosure commits to canaries and placebos when they are registered, and
// later proves of one canary that it was among them, without showing another.
//
// A commitment is the root of a Merkle tree (RFC 6962 §2.1, SHA-256) with a leaf for
// each canary and one for each placebo. A leaf is 32 bytes of salt and then JSON:
//
//	{"role":"planted","canary":"c_…","place":"db:main","tokens":[{"id":"t_…","kind":"email","text":"…","from":{…}}]}
//	{"role":"placebo","tokens":[{"id":"t_…","kind":"email","text":"…"}]}
//
// The salt of leaf n is HMAC-SHA256 of n (8 bytes, big-endian) under 32 random bytes
// of this commitment alone: whoever is shown one leaf and the hashes beside it can
// guess at no other. What is put on the evidence log is the [Statement], one line:
//
//	root=BASE64 canaries=5 email=495 phone=10
//
// with how many placebos there are of each kind, so that neither the canaries nor the
// control group can be fewer or more afterwards than they are said to have been.
//
// A [Disclosure] is a file of JSON: for each commitment in which the canary stands the
// act of the evidence log, the leaf, its salt, its place in the tree, and the hashes up to the root,
// all signed by the core's key. [Check] needs the file and the public key. It refuses
// whatever is not byte for byte as it was written, and says what is wrong first.
//
// With each act come checkpoints of the evidence log in which it stands, and what others
// have said of them: else when it was is the core's own word ([Logged]).
package disclosure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
)

// Leaf is what is committed to of one canary or one placebo.
type Leaf struct {
	Role   canary.Role  `json:"role"`
	Canary canary.ID    `json:"canary,omitempty"`
	Place  canary.Place `json:"place,omitempty"`
	Tokens []Token      `json:"tokens"`
}

// Token is a token as it was when it was registered.
type Token struct {
	ID   canary.TokenID `json:"id"`
	Kind canary.Kind    `json:"kind"`
	Text string         `json:"text"`
	From canary.Moment  `json:"from,omitzero"` // of its window, as far as it was known
}

// SaltSize is the length of a commitment's secret and of each leaf's salt, in bytes.
const SaltSize = 32

func (t *Tree) saltOf(n int64) []byte {
	t.mac.Reset()
	t.mac.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // it counts up from 0
	return t.mac.Sum(nil)
}

// Tree takes the leaves of one commitment.
type Tree struct {
	mac    hash.Hash      // keyed with the secret: keying it takes longer than using it
	hashes []tlog.Hash    // as package tlog stores them
	tops   evidence.Range // of the tree
	n      int64
	tally  Statement
}

// NewTree begins a tree whose salts come from a secret of [SaltSize] random bytes.
func NewTree(secret []byte) *Tree {
	return &Tree{mac: hmac.New(sha256.New, secret), tally: Statement{Placebos: map[canary.Kind]int{}}}
}

// Add puts a leaf at the end and returns its JSON, which is to be kept where it cannot
// be made again.
func (t *Tree) Add(l *Leaf) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("leaf: %w", err)
	}
	t.AddText(l.Role, l.Tokens[0].Kind, text)
	return text, nil
}

// AddText puts a leaf at the end that was made into JSON before.
func (t *Tree) AddText(role canary.Role, kind canary.Kind, text []byte) {
	t.hashes = append(t.hashes, t.tops.Add(leafHash(t.saltOf(t.n), text))...)
	t.n++
	if role == canary.RolePlacebo {
		t.tally.Placebos[kind]++
	} else {
		t.tally.Canaries++
	}
}

func leafHash(salt, text []byte) tlog.Hash {
	return tlog.RecordHash(append(slices.Clip(salt), text...))
}

// ReadHashes gives hashes of the tree to package tlog.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("hash %d is not in the tree", at)
		}
		out[i] = t.hashes[at]
	}
	return out, nil
}

// Len is how many leaves there are.
func (t *Tree) Len() int64 { return t.n }

// Statement is what is put on the evidence log of all leaves so far.
func (t *Tree) Statement() Statement {
	s := t.tally
	s.Root = t.tops.Root()
	return s
}

// prove gives the hashes that lead from a leaf to the root.
func (t *Tree) prove(n int64) (tlog.RecordProof, error) { return tlog.ProveRecord(t.n, n, t) }

// Statement is the root of a commitment, and how many leaves of each sort it has.
type Statement struct {
	Root     tlog.Hash
	Canaries int
	Placebos map[canary.Kind]int
}

// String is the one form that a statement has. Kinds without placebos are left out.
func (s Statement) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "root=%v canaries=%d", s.Root, s.Canaries)
	for _, kind := range kinds() {
		if n := s.Placebos[kind]; n > 0 {
			fmt.Fprintf(&b, " %s=%d", kind, n)
		}
	}
	return b.String()
}

// leaves is how many the tree has.
func (s *Statement) leaves() int64 {
	n := int64(s.Canaries)
	for _, more := range s.Placebos {
		n += int64(more)
	}
	return n
}

func kinds() []canary.Kind { return []canary.Kind{canary.Email, canary.Phone, canary.Ticket} }

// ParseStatement reads what String gave, and nothing that is only like it.
func ParseStatement(text string) (Statement, error) {
	s := Statement{Placebos: map[canary.Kind]int{}}
	fault := fmt.Errorf("%.40q is no statement of a commitment", text)
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		if key == "root" {
			root, err := tlog.ParseHash(value)
			if err != nil {
				return s, fault
			}
			s.Root = root
			continue
		}
		var n int
		if _, err := fmt.Sscanf(value, "%d", &n); err != nil || n < 0 {
			return s, fault
		}
		if key == "canaries" {
			s.Canaries = n
		} else {
			s.Placebos[canary.Kind(key)] = n
		}
	}
	if s.String() != text {
		return s, fault
	}
	return s, nil
}
