package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
)

// VerifyBasic checks HTTP Basic credentials (RFC 7617), which is all that
// Bandwidth sends: they say who sent a request, and nothing about its content,
// so they are worth what the TLS in front of the ear is worth. The errors are
// ErrSecret, ErrHeader and ErrSignature.
func VerifyBasic(user string, password Hidden, h http.Header) error {
	if user == "" || password == "" {
		return fmt.Errorf("%w: empty", ErrSecret)
	}
	if _, err := single(h, headerAuthorization); err != nil {
		return err
	}
	u, p, ok := (&http.Request{Header: h}).BasicAuth()
	if !ok {
		return fmt.Errorf("%w: authorization is not Basic", ErrHeader)
	}
	// Digests, because the time of a comparison shows the length of its sides.
	gotUser, wantUser := sha256.Sum256([]byte(u)), sha256.Sum256([]byte(user))
	got, want := sha256.Sum256([]byte(p)), sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(gotUser[:], wantUser[:])&subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return ErrSignature
	}
	return nil
}
