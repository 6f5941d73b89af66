package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The headers of Plivo.
const (
	HeaderPlivoV3      = "X-Plivo-Signature-V3"
	headerPlivoV3Nonce = "X-Plivo-Signature-V3-Nonce"
	HeaderPlivoV2      = "X-Plivo-Signature-V2"
	headerPlivoV2Nonce = "X-Plivo-Signature-V2-Nonce"
)

// maxPlivoSignatures bounds the signatures in one header: Plivo sends one for
// each auth token while tokens change.
const maxPlivoSignatures = 8

// VerifyPlivo checks Plivo's scheme V3 (plivo-python, signature_v3.py): HMAC-
// SHA256 over address and fields, a full stop, and the nonce. The fields are
// sorted by key, values of one key sorted too: "k=v&k=v" where they stand in
// the query, "kvkv" where they stand in a form. There is no time in it: whoever
// wants replays to have no effect keeps the event's id. The errors are
// ErrSecret, ErrHeader, ErrBody and ErrSignature.
func VerifyPlivo(token string, q Request) error {
	form, err := Form(q.Header, q.Body)
	if err != nil {
		return err
	}
	if len(form) == 0 && len(q.Body) > 0 {
		return fmt.Errorf("%w: not a form", ErrBody)
	}
	before, query := q.cutQuery()
	asked, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("%w: not a query", ErrBody)
	}
	signed := before
	if len(asked)+len(form) > 0 {
		signed += "?"
	}
	switch {
	case q.Method == http.MethodGet:
		if len(form) > 0 { // Plivo sends none; it would not be covered
			return fmt.Errorf("%w: a form in a GET", ErrBody)
		}
		signed += joined(asked, "=", "&")
	case len(asked) > 0:
		signed += joined(asked, "=", "&") + "." + joined(form, "", "")
	default:
		signed += joined(form, "", "")
	}
	return plivoFits(token, q.Header, HeaderPlivoV3, headerPlivoV3Nonce, signed+".")
}

// VerifyPlivoV2 checks Plivo's older scheme, which text messages still carry:
// HMAC-SHA256 over the address without its query, and the nonce. It says that
// Plivo sent something to this address and nothing about what: whoever has seen
// one signed request can send any other text under it. The errors are those of
// VerifyPlivo.
func VerifyPlivoV2(token string, q Request) error {
	before, _ := q.cutQuery()
	return plivoFits(token, q.Header, HeaderPlivoV2, headerPlivoV2Nonce, before)
}

func plivoFits(token string, h http.Header, name, nonceName, signed string) error {
	if token == "" {
		return fmt.Errorf("%w: empty", ErrSecret)
	}
	nonce, err := single(h, nonceName)
	if err != nil {
		return err
	}
	text, err := single(h, name)
	if err != nil {
		return err
	}
	sigs := strings.SplitN(text, ",", maxPlivoSignatures+1)
	if len(sigs) > maxPlivoSignatures {
		return fmt.Errorf("%w: more than %d signatures", ErrHeader, maxPlivoSignatures)
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(signed + nonce))
	want, fits := mac.Sum(nil), false
	for _, sig := range sigs {
		given, err := base64Bytes(name, strings.TrimSpace(sig), sha256.Size)
		if err != nil {
			return err
		}
		if hmac.Equal(want, given) {
			fits = true
		}
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

// joined writes fields down sorted by key and then by value.
func joined(fields url.Values, equals, between string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		for _, v := range slices.Sorted(slices.Values(fields[key])) {
			if b.Len() > 0 {
				b.WriteString(between)
			}
			b.WriteString(key + equals + v)
		}
	}
	return b.String()
}

// base64Bytes decodes a signature of a known length.
func base64Bytes(name, text string, size int) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("%w: %s is not base64 of %d bytes", ErrHeader, strings.ToLower(name), size)
	}
	return b, nil
}
