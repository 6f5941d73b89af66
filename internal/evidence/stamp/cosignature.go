package stamp

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// algCosignature is the signature type of a timestamped Ed25519 cosignature.
const algCosignature = 0x04

// Cosigner is a witness's public key. It is a [note.Verifier] of its cosignatures
// (C2SP tlog-cosignature, cosignature/v1).
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// ParseCosigner reads a verifier key, NAME+HASH+BASE64, whose signature type is 4.
func ParseCosigner(vkey string) (*Cosigner, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(vkey), "+")
	hash, text, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || name == "" || strings.ContainsAny(name, " \n\t") || len(raw) != 1+ed25519.PublicKeySize {
		return nil, errors.New("not a witness's key: want NAME+HASH+BASE64 (C2SP signed-note)")
	}
	if raw[0] != algCosignature {
		return nil, fmt.Errorf("not a witness's key: its signature type is %d, and %d (Ed25519 cosignature) is taken", raw[0], algCosignature)
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	c := &Cosigner{name, binary.BigEndian.Uint32(sum[:]), raw[1:]}
	if hash != fmt.Sprintf("%08x", c.hash) {
		return nil, errors.New("not a witness's key: the hash in it is another key's")
	}
	return c, nil
}

// Name is the witness's.
func (c *Cosigner) Name() string { return c.name }

// KeyHash names the key in signature lines.
func (c *Cosigner) KeyHash() uint32 { return c.hash }

// Verify verifies a timestamped signature over the text of a note.
func (c *Cosigner) Verify(text, sig []byte) bool {
	const stampSize = 8
	if len(sig) != stampSize+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	if at == 0 || at > math.MaxInt64 {
		return false
	}
	return ed25519.Verify(c.key, append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...), sig[stampSize:])
}

// Cosigned is what a witness has signed.
type Cosigned struct {
	Witness string    `json:"witness"`
	Time    time.Time `json:"time"` // by the witness's clock, to the second
	Line    string    `json:"-"`    // of the note, with its line feed
}

// Cosignatures returns those of the witnesses that stand under a checkpoint. Lines of
// others are passed over; a line that names a witness's key and is not signed by it
// makes the note no note (C2SP signed-note).
func Cosignatures(checkpoint []byte, witnesses ...*Cosigner) ([]Cosigned, error) {
	known := make([]note.Verifier, len(witnesses))
	for i, w := range witnesses {
		known[i] = w
	}
	n, err := note.Open(checkpoint, note.VerifierList(known...))
	if nobody := (*note.UnverifiedNoteError)(nil); errors.As(err, &nobody) {
		return nil, nil
	}
	if err != nil {
		return nil, falsely("the checkpoint: %w", err)
	}
	var out []Cosigned
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil || len(raw) < 12 {
			return nil, falsely("the cosignature of %s is spelt in another way than it should be", s.Name)
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC() //nolint:gosec // Verify has bounded it
		out = append(out, Cosigned{s.Name, at, "\u2014 " + s.Name + " " + s.Base64 + "\n"})
	}
	return out, nil
}

// Witness is one to whom checkpoints are sent (C2SP tlog-witness).
type Witness struct {
	URL    string // the submission prefix
	Key    *Cosigner
	Client *http.Client
	Now    func() time.Time
}

// Prover gives the proof that a log of old acts is the beginning of one of size.
type Prover func(ctx context.Context, old, size int64) (tlog.TreeProof, error)

// Add sends a checkpoint, which is of size acts, and returns the witness's line. old is
// what it is thought to have seen last; where it has seen another, it says so, and is
// asked once more.
func (w *Witness) Add(ctx context.Context, checkpoint []byte, old, size int64, prove Prover) (c Cosigned, err error) {
	seen, c, err := w.add(ctx, checkpoint, old, size, prove)
	if err == nil && seen >= 0 && seen != old {
		if seen > size {
			return c, fmt.Errorf("the witness has seen %d acts, and there are %d", seen, size)
		}
		seen, c, err = w.add(ctx, checkpoint, seen, size, prove)
	}
	if err == nil && seen >= 0 {
		err = fmt.Errorf("the witness says that it has seen %d acts, and then that it has not", seen)
	}
	return c, err
}

// add sends it once. seen is the size that the witness wants a proof from, or -1.
func (w *Witness) add(ctx context.Context, checkpoint []byte, old, size int64, prove Prover) (seen int64, c Cosigned, err error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	if old > 0 && old < size {
		proof, err := prove(ctx, old, size)
		if err != nil {
			return -1, c, fmt.Errorf("prove %d acts to be the beginning of %d: %w", old, size, err)
		}
		for _, h := range proof {
			fmt.Fprintf(&body, "%s\n", h)
		}
	}
	body.WriteByte('\n')
	body.Write(checkpoint)
	ask := call{http.MethodPost, strings.TrimRight(w.URL, "/") + "/add-checkpoint", "text/plain; charset=utf-8", "*/*", body.Bytes(), maxAnswer}
	status, kind, answer, err := ask.do(ctx, w.Client)
	switch {
	case err != nil:
		return -1, c, err
	case status == http.StatusConflict && strings.HasPrefix(kind, "text/x.tlog.size"):
		seen, err = strconv.ParseInt(strings.TrimSuffix(string(answer), "\n"), 10, 64)
		if err != nil || seen < 0 {
			return -1, c, errors.New("the witness says that it has seen another size, and not which")
		}
		return seen, c, nil
	case status == http.StatusUnprocessableEntity:
		return -1, c, errors.New("the witness says that the log is not a continuation of what it has seen (status 422)")
	case status != http.StatusOK:
		return -1, c, fmt.Errorf("the witness answers with status %d", status)
	}
	c, err = w.take(checkpoint, answer)
	return -1, c, err
}

// take verifies the lines that a witness answers.
func (w *Witness) take(checkpoint, answer []byte) (c Cosigned, err error) {
	all, err := Cosignatures(append(bytes.Clone(checkpoint), answer...), w.Key)
	if err != nil {
		return c, err
	}
	for _, one := range all {
		if bytes.Contains(answer, []byte(one.Line)) {
			if off := one.Time.Sub(w.Now()); off.Abs() > clockOff {
				return c, falsely("the witness's time is %s off our clock", off.Round(time.Second))
			}
			return one, nil
		}
	}
	return c, falsely("the witness has not signed it")
}
