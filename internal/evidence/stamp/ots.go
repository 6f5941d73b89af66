package stamp

import (
	"bytes"
	"cmp"
	"crypto/sha1" //nolint:gosec // an operation of the format
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ripemd160" //nolint:gosec,staticcheck // an operation of the format, met in old proofs
)

// The format of OpenTimestamps, as python-opentimestamps reads and writes it
// (the modules timestamp, op and notary of its core): a file is the magic, the
// version, the operation that made the digest, the digest, and a timestamp. A timestamp
// is what is attested of a message and what is done with it to come to further ones: each
// but the last after 0xff, an attestation after 0x00.
const (
	otsMagic   = "\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
	otsVersion = 1

	opSHA1    = 0x02
	opRIPEMD  = 0x03
	opSHA256  = 0x08
	opAppend  = 0xf0
	opPrepend = 0xf1
	opReverse = 0xf2
	opHexlify = 0xf3

	attPending = "\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e"
	attBitcoin = "\x05\x88\x96\x0d\x73\xd7\x19\x01"

	maxDepth   = 256
	maxMessage = 4096
	maxPayload = 8192
	maxURI     = 1000
	maxOTS     = 1 << 20
	maxNodes   = 10_000
)

// Proof is a detached proof of OpenTimestamps over a SHA-256.
type Proof struct{ root *node }

// node is a message with what is attested of it, and what is done with it.
type node struct {
	message []byte
	atts    []attestation
	steps   []step
}

type attestation struct{ tag, payload string }

type step struct {
	op   byte
	arg  string
	next *node
}

// Attested is one thing that a proof says. Exactly one of the fields is set.
type Attested struct {
	Pending string `json:"pending,omitempty"` // the calendar that has promised
	// Bitcoin is the height of the block whose Merkle root is Root, as block explorers
	// write it: whoever has the chain looks there whether it is, and when it was mined.
	Bitcoin uint64 `json:"bitcoin,omitempty"`
	Root    string `json:"root,omitempty"`
	Unknown string `json:"unknown,omitempty"` // the tag of a notary that is not known, in hex digits
}

// ParseProof reads a detached proof whose digest is a SHA-256.
func ParseProof(file []byte) (*Proof, error) {
	if len(file) > maxOTS {
		return nil, falsely("the proof is larger than %d bytes", maxOTS)
	}
	rest, ok := bytes.CutPrefix(file, []byte(otsMagic))
	if !ok {
		return nil, falsely("it is no proof of OpenTimestamps")
	}
	r := &otsReader{rest: rest}
	if v := r.number(); v != otsVersion {
		return nil, falsely("the proof is of version %d", v)
	}
	if op := r.byte(); op != opSHA256 {
		return nil, falsely("the proof is not over a SHA-256")
	}
	root := r.node(r.take(sha256.Size), maxDepth)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("%d bytes stand after the proof", len(r.rest))
	}
	if r.err != nil {
		return nil, r.err
	}
	return &Proof{root}, nil
}

// otsReader reads the format; after the first fault it gives nothing.
type otsReader struct {
	rest  []byte
	nodes int
	err   error
}

func (r *otsReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = falsely(format, args...)
	}
	r.rest = nil
}

func (r *otsReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail("the proof breaks off")
		return make([]byte, max(0, min(n, maxPayload)))
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *otsReader) byte() byte { return r.take(1)[0] }

func (r *otsReader) number() uint64 {
	n, used := binary.Uvarint(r.rest)
	if used <= 0 || used > 1 && r.rest[used-1] == 0 { // one number has one spelling
		r.fail("a number in the proof cannot be read")
		return 0
	}
	r.rest = r.rest[used:]
	return n
}

func (r *otsReader) text(most uint64) string {
	n := r.number()
	if n > most {
		r.fail("%d bytes in the proof, %d at most are taken", n, most)
		return ""
	}
	return string(r.take(int(n))) //nolint:gosec // it was bounded
}

// node reads a timestamp of a message.
func (r *otsReader) node(message []byte, depth int) *node {
	n := &node{message: bytes.Clone(message)}
	if r.nodes++; depth == 0 || r.nodes > maxNodes {
		r.fail("the proof is too deep or too large")
	}
	for r.err == nil {
		tag := r.byte()
		more := tag == 0xff
		if more {
			tag = r.byte()
		}
		r.part(n, tag, depth)
		if !more {
			break
		}
	}
	return n
}

func (r *otsReader) part(n *node, tag byte, depth int) {
	if r.err != nil {
		return
	}
	if tag == 0 {
		a := attestation{tag: string(r.take(len(attPending)))}
		a.payload = r.text(maxPayload)
		n.atts = append(n.atts, a)
		return
	}
	s := step{op: tag}
	if tag == opAppend || tag == opPrepend {
		if s.arg = r.text(maxMessage); s.arg == "" {
			r.fail("the proof appends nothing")
		}
	}
	message, err := s.do(n.message)
	if err != nil {
		r.fail("%w", err)
		return
	}
	s.next = r.node(message, depth-1)
	n.steps = append(n.steps, s)
}

// do applies an operation.
func (s *step) do(message []byte) (out []byte, err error) {
	switch s.op {
	case opAppend:
		out = append(bytes.Clone(message), s.arg...)
	case opPrepend:
		out = append([]byte(s.arg), message...)
	case opSHA256:
		sum := sha256.Sum256(message)
		out = sum[:]
	case opSHA1:
		sum := sha1.Sum(message) //nolint:gosec // an operation of the format
		out = sum[:]
	case opRIPEMD:
		h := ripemd160.New() //nolint:gosec // an operation of the format
		h.Write(message)
		out = h.Sum(nil)
	case opReverse:
		out = bytes.Clone(message)
		slices.Reverse(out)
	case opHexlify:
		out = hex.AppendEncode(nil, message)
	default:
		return nil, fmt.Errorf("the operation %#x is not known", s.op)
	}
	if len(out) > maxMessage {
		return nil, errors.New("a message in the proof is too long")
	}
	return out, nil
}

// Encode writes the proof as a file, each part in the order of the format's own writer.
func (p *Proof) Encode() []byte {
	out := append([]byte(otsMagic), otsVersion, opSHA256)
	return p.root.append(append(out, p.root.message...))
}

func (n *node) append(out []byte) []byte {
	slices.SortFunc(n.atts, func(a, b attestation) int { return cmp.Or(cmp.Compare(a.tag, b.tag), n.compare(a, b)) })
	slices.SortFunc(n.steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(a.arg, b.arg)) })
	left := len(n.atts) + len(n.steps)
	mark := func() {
		if left--; left > 0 {
			out = append(out, 0xff)
		}
	}
	for _, a := range n.atts {
		mark()
		out = append(append(out, 0), a.tag...)
		out = appendText(out, a.payload)
	}
	for _, s := range n.steps {
		mark()
		if out = append(out, s.op); s.arg != "" {
			out = appendText(out, s.arg)
		}
		out = s.next.append(out)
	}
	return out
}

// compare orders attestations of one tag: blocks by their height, all else as bytes.
func (n *node) compare(a, b attestation) int {
	if a.tag == attBitcoin && b.tag == attBitcoin {
		x, _ := binary.Uvarint([]byte(a.payload))
		y, _ := binary.Uvarint([]byte(b.payload))
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a.payload, b.payload)
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// Verify reports what a proof says of a message, which must be the one it is over. What
// is pending proves nothing yet, and of a block it is to be looked up whether it has
// that root.
func (p *Proof) Verify(message []byte) ([]Attested, error) {
	if sum := sha256.Sum256(message); !bytes.Equal(sum[:], p.root.message) {
		return nil, falsely("the proof is over something else")
	}
	var out []Attested
	err := p.root.each(func(n *node, a attestation) error {
		r := &otsReader{rest: []byte(a.payload)}
		var said Attested
		switch a.tag {
		case attPending:
			said.Pending = r.text(maxURI)
		case attBitcoin:
			said.Bitcoin = r.number()
			if len(n.message) != sha256.Size {
				r.fail("what a block attests is no Merkle root")
			}
			root := bytes.Clone(n.message)
			slices.Reverse(root)
			said.Root = hex.EncodeToString(root)
		default:
			said.Unknown, r.rest = hex.EncodeToString([]byte(a.tag)), nil
		}
		if len(r.rest) > 0 {
			r.fail("an attestation has more in it than it should")
		}
		out = append(out, said)
		return r.err
	})
	if err == nil && len(out) == 0 {
		err = falsely("the proof attests nothing")
	}
	return out, err
}

func (n *node) each(fn func(*node, attestation) error) error {
	for _, a := range n.atts {
		if err := fn(n, a); err != nil {
			return err
		}
	}
	for _, s := range n.steps {
		if err := s.next.each(fn); err != nil {
			return err
		}
	}
	return nil
}

// merge takes over what another timestamp of the same message says.
func (n *node) merge(other *node) {
	for _, a := range other.atts {
		if !slices.Contains(n.atts, a) {
			n.atts = append(n.atts, a)
		}
	}
	for _, s := range other.steps {
		i := slices.IndexFunc(n.steps, func(t step) bool { return t.op == s.op && t.arg == s.arg })
		if i < 0 {
			n.steps = append(n.steps, s)
		} else {
			n.steps[i].next.merge(s.next)
		}
	}
}
