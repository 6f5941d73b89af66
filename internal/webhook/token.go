package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// hashMark begins a bearer token that is configured as its hash.
const hashMark = "sha256:"

// HashToken is how a bearer token can stand in a configuration so that nobody
// who reads it can use it: "sha256:" and the hash in hexadecimal. The token must
// be random: a chosen word would be guessed from its hash.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hashMark + hex.EncodeToString(sum[:])
}

// TokenSum gives the hash of a configured bearer token, which stands there as it
// is or as [HashToken] writes it. What a request brings is hashed as it is: a
// hash is no token.
func TokenSum(configured string) [sha256.Size]byte {
	text := strings.TrimSpace(configured)
	if hexed, ok := strings.CutPrefix(text, hashMark); ok {
		if sum, err := hex.DecodeString(hexed); err == nil && len(sum) == sha256.Size {
			return [sha256.Size]byte(sum)
		}
	}
	return sha256.Sum256([]byte(text))
}
