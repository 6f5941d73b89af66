package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxToken bounds a bearer token in bytes.
const maxToken = 4 << 10

// claims are what a Vonage token says.
type claims struct {
	Issued  *int64 `json:"iat"`
	Expires *int64 `json:"exp"`
	Payload string `json:"payload_hash"`
}

// VerifyVonage checks a webhook of Vonage's Voice and Messages APIs: a bearer
// JWT, algorithm HS256 and no other, whose payload_hash is the hexadecimal
// SHA-256 of the body, or for GET of the query's fields as a JSON object in the
// order in which they came ("signed webhooks" of developer.vonage.com). A token
// without iat or payload_hash is refused, because it would fit any request for
// ever. The errors are ErrSecret, ErrHeader, ErrSignature, ErrBody and ErrTime.
func VerifyVonage(secret Hidden, q Request) error {
	text, err := single(q.Header, headerAuthorization)
	if err != nil {
		return err
	}
	token, ok := strings.CutPrefix(text, "Bearer ")
	if !ok {
		return fmt.Errorf("%w: authorization is not Bearer", ErrHeader)
	}
	c, err := readToken(secret, token)
	if err != nil {
		return err
	}
	body := q.Body
	if q.Method == http.MethodGet {
		if len(q.Body) > 0 {
			return fmt.Errorf("%w: a body in a GET", ErrBody)
		}
		if body, err = queryJSON(q); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(body)
	if !hmac.Equal([]byte(strings.ToLower(c.Payload)), []byte(hex.EncodeToString(sum[:]))) {
		return ErrSignature
	}
	if c.Issued == nil || c.Expires != nil && !q.Now.Before(time.Unix(*c.Expires, 0)) {
		return ErrTime
	}
	return q.fresh(time.Unix(*c.Issued, 0))
}

// readToken checks the signature of a JWT (RFC 7519) and gives its claims.
func readToken(secret Hidden, token string) (claims, error) {
	if secret == "" {
		return claims{}, fmt.Errorf("%w: empty", ErrSecret)
	}
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return claims{}, fmt.Errorf("%w: not a token", ErrHeader)
	}
	var head struct {
		Alg  string          `json:"alg"`
		Crit json.RawMessage `json:"crit"`
	}
	// Whatever else the token names (none, RS256) is not what the secret is for.
	if err := tokenPart(parts[0], &head); err != nil || head.Alg != "HS256" || head.Crit != nil {
		return claims{}, fmt.Errorf("%w: not a token of HS256", ErrHeader)
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return claims{}, fmt.Errorf("%w: the token's signature is not base64url", ErrHeader)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if !hmac.Equal(mac.Sum(nil), given) {
		return claims{}, ErrSignature
	}
	var c claims
	if err := tokenPart(parts[1], &c); err != nil {
		return claims{}, fmt.Errorf("%w: the token's claims cannot be read", ErrHeader)
	}
	return c, nil
}

func tokenPart(text string, into any) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return fmt.Errorf("base64url: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}

// queryJSON writes the query's fields as a JSON object of texts, in the order
// in which they came.
func queryJSON(q Request) ([]byte, error) {
	_, query := q.cutQuery()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		for i, text := range []string{key, value} {
			plain, err := url.QueryUnescape(text)
			if err != nil {
				return nil, fmt.Errorf("%w: not a query", ErrBody)
			}
			if i == 0 && b.Len() > 1 {
				b.WriteByte(',')
			}
			if err := enc.Encode(plain); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrBody, err)
			}
			b.Truncate(b.Len() - 1) // the encoder ends each value with a line feed
			if i == 0 {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
