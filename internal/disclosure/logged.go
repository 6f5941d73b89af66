package disclosure

import (
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/stamp"
)

// Logged proves that an act stands in the evidence log of a checkpoint.
type Logged struct {
	Checkpoint string      `json:"checkpoint"` // the note
	Path       []tlog.Hash `json:"path"`       // from the act's leaf to its root
	// Said is what somebody outside has said of the checkpoint; nil: nobody.
	Said *Said `json:"said,omitempty"`
}

// Said is a stamp without its checkpoint.
type Said struct {
	Source string     `json:"source"`
	Kind   stamp.Kind `json:"kind"`
	Proof  []byte     `json:"proof"`
}

// Outside is with what is verified what others have said. What the zero value cannot
// verify is told as such.
type Outside struct {
	Roots     *x509.CertPool    // of time stamping authorities
	Witnesses []*stamp.Cosigner // who cosign
}

// check verifies that an act is in the checkpoint's log, and says what that proves. keys
// are the core's, one of which has signed the checkpoint.
func (l *Logged) check(act canary.Act, salt []byte, keys []ed25519.PublicKey, by Outside) (string, error) {
	c, err := openCheckpoint([]byte(l.Checkpoint), keys)
	if err != nil {
		return "", err
	}
	text, err := evidence.Text(act)
	if err != nil {
		return "", err
	}
	if act.Seq < 1 || act.Seq > c.Size {
		return "", fmt.Errorf("act %d is not in a log of %d", act.Seq, c.Size)
	}
	if err := tlog.CheckRecord(l.Path, c.Size, c.Root, act.Seq-1, evidence.Leaf(salt, text)); err != nil {
		return "", fmt.Errorf("act %d is not in the log of its checkpoint", act.Seq)
	}
	where := fmt.Sprintf("in the checkpoint of %d acts", c.Size)
	if l.Said == nil {
		return where + ", signed by the core", nil
	}
	said, err := l.Said.check([]byte(l.Checkpoint), by)
	return where + ": " + said, err
}

// openCheckpoint reads a checkpoint by one of keys: that of now, and those before it,
// the first first.
func openCheckpoint(msg []byte, keys []ed25519.PublicKey) (c evidence.Checkpoint, err error) {
	key := evidence.Key{Signer: ring{public(keys[0]), keys[1:]}}
	name := key.Log()
	if log, _, _ := strings.Cut(string(msg), "\n"); log != name && strings.HasPrefix(log, "saltmine/") {
		return c, fmt.Errorf("%w: the checkpoint is of log %.40q, the key of %s: give every line that 'saltmine evidence key' prints", ErrLog, log, name)
	}
	if c, err = key.OpenCheckpoint(msg); err != nil {
		return c, fmt.Errorf("the checkpoint: %w", err)
	}
	return c, nil
}

// ring is a public key with those that were before it.
type ring struct {
	public
	past []ed25519.PublicKey
}

// Past returns those before it.
func (r ring) Past() []ed25519.PublicKey { return slices.Clone(r.past) }

// public is a key that signs nothing: what is asked for is its name.
type public ed25519.PublicKey

// Sign gives no signature.
func (public) Sign([]byte) []byte { return nil }

// Public returns the key.
func (k public) Public() ed25519.PublicKey { return ed25519.PublicKey(k) }

func (s *Said) check(checkpoint []byte, by Outside) (string, error) {
	whole := stamp.Stamp{Source: s.Source, Kind: s.Kind, Checkpoint: checkpoint, Proof: s.Proof}
	switch s.Kind {
	case stamp.TSA:
		if by.Roots == nil {
			return s.Source + " has stamped it; not verified, for want of the authority's roots", nil
		}
	case stamp.OTS: // says itself what is to be looked up
	case stamp.Cosignature:
		list, err := stamp.Cosignatures(slices.Concat(checkpoint, s.Proof), by.Witnesses...)
		switch {
		case err != nil:
			return "", err
		case len(list) == 0:
			return s.Source + " has cosigned it; not verified, for want of the witness's key", nil
		}
		return fmt.Sprintf("%s saw the log grow to it at %s", list[0].Witness, list[0].Time.Format("2006-01-02T15:04:05Z")), nil
	}
	return whole.Verify(by.Roots, nil)
}
