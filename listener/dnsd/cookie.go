package dnsd

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// Sizes and times of RFC 7873 §4 and RFC 9018 §4.
const (
	clientCookie = 8
	serverCookie = 16
	cookieForm   = 1 // the version that RFC 9018 defines

	cookieLife  = time.Hour        // a cookie that is older is not ours any more
	cookieAhead = 5 * time.Minute  // what another edge's clock may be ahead
	cookieRenew = 30 * time.Minute // from then on the asker gets a new one
	secretLife  = 24 * time.Hour   // cookies of the last secret hold until they age
)

// jar makes and recognises server cookies. The secrets are random and live in
// memory alone: an asker whose cookie is forgotten gets a new one.
type jar struct {
	mu       sync.Mutex
	now, old sipKey
	since    time.Time
}

func newSecret() sipKey {
	var b [16]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return newSipKey(b)
}

// secrets gives the secret that cookies are made with, and the one before it.
func (j *jar) secrets(at time.Time) (now, old sipKey) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch age := at.Sub(j.since); {
	case j.since.IsZero():
		j.now, j.old, j.since = newSecret(), newSecret(), at
	case age >= secretLife:
		j.now, j.old, j.since = newSecret(), j.now, at
	}
	return j.now, j.old
}

// check reports whether a COOKIE option (RFC 7873 §4) holds a server cookie of
// ours, and gives the option for the answer. An option of a wrong length is the
// caller's to refuse.
func (j *jar) check(option []byte, peer netip.Addr, at time.Time) (valid bool, answer []byte) {
	now, old := j.secrets(at)
	client, server := option[:clientCookie], option[clientCookie:]
	if len(server) == serverCookie && server[0] == cookieForm {
		stamp := binary.BigEndian.Uint32(server[4:8])
		age := time.Duration(int32(uint32(at.Unix())-stamp)) * time.Second //nolint:gosec // serial arithmetic (RFC 1982), as RFC 9018 §4.3 says
		fresh := -cookieAhead <= age && age <= cookieLife
		valid = fresh && (sameCookie(now, client, server, peer) || sameCookie(old, client, server, peer))
		if valid && age < cookieRenew {
			return true, bytes.Clone(option) // the packet's bytes do not outlive its reading
		}
	}
	return valid, bake(now, client, peer, at)
}

// bake makes a COOKIE option: client cookie, version, three zero bytes, seconds
// since 1970, hash (RFC 9018 §4).
func bake(secret sipKey, client []byte, peer netip.Addr, at time.Time) []byte {
	out := make([]byte, clientCookie, clientCookie+serverCookie)
	copy(out, client)
	out = append(out, cookieForm, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(at.Unix())) //nolint:gosec // wraps as RFC 9018 §4.3 says
	return binary.LittleEndian.AppendUint64(out, cookieHash(secret, out, peer))
}

func sameCookie(secret sipKey, client, server []byte, peer netip.Addr) bool {
	head := append(append(make([]byte, 0, clientCookie+8), client...), server[:8]...)
	want := binary.LittleEndian.AppendUint64(nil, cookieHash(secret, head, peer))
	return subtle.ConstantTimeCompare(want, server[8:]) == 1
}

func cookieHash(secret sipKey, head []byte, peer netip.Addr) uint64 {
	var room [clientCookie + 8 + 16]byte
	return secret.sum(append(append(room[:0], head...), peer.Unmap().WithZone("").AsSlice()...))
}
