package webhook

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the provider's scheme; the MAC around it is HMAC-SHA256
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// The headers of Sinch.
const (
	headerAuthorization = "Authorization"
	headerSinchTime     = "X-Timestamp"
	HeaderSinch         = "X-Sinch-Webhook-Signature"
	headerSinchNonce    = "X-Sinch-Webhook-Signature-Nonce"
	headerSinchSent     = "X-Sinch-Webhook-Signature-Timestamp"
	headerSinchAlg      = "X-Sinch-Webhook-Signature-Algorithm"
)

// ParseSinchSecret reads the secret of a Sinch voice application: base64. White
// space around it is dropped.
func ParseSinchSecret(text string) (Hidden, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) < 8 {
		return "", fmt.Errorf("%w: want base64 of 8 bytes or more", ErrSecret)
	}
	return Hidden(key), nil
}

// VerifySinchVoice checks a callback of Sinch's Voice API: the header
// Authorization "application KEY:SIGNATURE" (version 2: "service"), an HMAC-
// SHA256 over verb, base64 of the body's MD5, content type as it was sent,
// x-timestamp and path (developers.sinch.com, "callback signed request"). Host
// and query are not signed. The secret is what ParseSinchSecret gave. The errors
// are ErrSecret, ErrHeader, ErrSignature and ErrTime.
func VerifySinchVoice(key string, secret Hidden, q Request) error {
	if key == "" || secret == "" {
		return fmt.Errorf("%w: empty", ErrSecret)
	}
	text, err := single(q.Header, headerAuthorization)
	if err != nil {
		return err
	}
	stamp, err := single(q.Header, headerSinchTime)
	if err != nil {
		return err
	}
	sent, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return fmt.Errorf("%w: x-timestamp is not of RFC 3339", ErrHeader)
	}
	scheme, rest, _ := strings.Cut(text, " ")
	if !strings.EqualFold(scheme, "application") && !strings.EqualFold(scheme, "service") {
		return fmt.Errorf("%w: authorization is neither application nor service", ErrHeader)
	}
	named, sig, _ := strings.Cut(rest, ":")
	given, err := base64Bytes(headerAuthorization, sig, sha256.Size)
	if err != nil {
		return err
	}
	digest := ""
	if len(q.Body) > 0 {
		sum := md5.Sum(q.Body) //nolint:gosec // as above
		digest = base64.StdEncoding.EncodeToString(sum[:])
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.Join([]string{q.Method, digest, q.Header.Get("Content-Type"), "x-timestamp:" + stamp, q.path()}, "\n")))
	known := subtle.ConstantTimeCompare([]byte(strings.ToLower(named)), []byte(strings.ToLower(key))) == 1
	if !hmac.Equal(mac.Sum(nil), given) || !known {
		return ErrSignature
	}
	return q.fresh(sent)
}

// VerifySinchSMS checks a callback of Sinch's SMS and Conversation APIs: HMAC-
// SHA256 over body, nonce and time in seconds, joined by full stops. A full stop
// in the nonce is refused: one signature would fit two splits of the text. The
// algorithm is pinned. The errors are those of VerifySinchVoice.
func VerifySinchSMS(secret Hidden, q Request) error {
	if secret == "" {
		return fmt.Errorf("%w: empty", ErrSecret)
	}
	nonce, err := single(q.Header, headerSinchNonce)
	if err != nil {
		return err
	}
	stamp, err := single(q.Header, headerSinchSent)
	if err != nil {
		return err
	}
	sent, err := unixSeconds(stamp)
	if err != nil {
		return err
	}
	given, err := base64Header(q.Header, HeaderSinch, sha256.Size)
	if err != nil {
		return err
	}
	if alg := q.Header.Values(headerSinchAlg); len(alg) > 1 || len(alg) == 1 && alg[0] != "HmacSHA256" || strings.Contains(nonce, ".") {
		return fmt.Errorf("%w: another algorithm than HmacSHA256, or a nonce with a full stop", ErrHeader)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(q.Body)
	mac.Write([]byte("." + nonce + "." + stamp))
	if !hmac.Equal(mac.Sum(nil), given) {
		return ErrSignature
	}
	return q.fresh(sent)
}
