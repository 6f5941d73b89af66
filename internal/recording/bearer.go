package recording

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"time"

	"saltmine/internal/webhook"
)

// tokenLife is how long a token for one request can be used.
const tokenLife = 5 * time.Minute

// parseKey reads an RSA private key in PEM, as PKCS #8 or PKCS #1.
func parseKey(text webhook.Hidden) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("%w: the private key is not in PEM", ErrConfig)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%w: the private key is not one for RSA", ErrConfig), err)
	}
	return key, nil
}

// authorize puts an account's credentials to a request.
func (f *Fetcher) authorize(req *http.Request, a Account) error {
	switch key := f.keys[a.Kind]; {
	case key != nil:
		token, err := bearer(key, a.User, f.cfg.Now())
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case a.User != "":
		req.SetBasicAuth(a.User, string(a.Password))
	}
	return nil
}

// bearer makes a token as Vonage wants it (RFC 7519, RS256): which application,
// from when, until when, and an id that is used once.
func bearer(key *rsa.PrivateKey, application string, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"application_id": application, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "jti": rand.Text()})
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}
