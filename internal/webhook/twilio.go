package webhook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's scheme is HMAC-SHA1; the MAC does not rest on collision resistance
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// HeaderTwilio is the header that carries Twilio's signature.
const HeaderTwilio = "X-Twilio-Signature"

// TwilioSignature signs a request as Twilio does: HMAC-SHA1 with the auth token
// over the URL, then every key with each of its values, keys and values sorted
// bytewise, repeated values once; base64. The URL is taken as it stands.
//
// Keys and values are joined without separators, so the scheme itself cannot
// tell a=bc from ab=c; what is read from a form must not rest on that.
func TwilioSignature(token, address string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(twilioMAC(token, address, form))
}

// VerifyTwilio checks the signature of a request whose public address is given:
// scheme, host and request URI as Twilio was told, from configuration and never
// from the request's Host or forwarding headers. It returns the form, which is
// empty for a body that is not a form.
//
// A form's fields are part of what is signed. Any other body must be covered by
// the query parameter bodySHA256 (hex SHA-256 of the body), which is checked
// wherever it stands. The URL is tried as given, and with its port dropped or,
// where it has none, the scheme's port added, because Twilio's servers have
// done all three. The errors are ErrSecret, ErrHeader, ErrBody and ErrSignature.
func VerifyTwilio(token, address string, h http.Header, body []byte) (url.Values, error) {
	if token == "" {
		return nil, fmt.Errorf("%w: empty", ErrSecret)
	}
	text, err := single(h, HeaderTwilio)
	if err != nil {
		return nil, err
	}
	given, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(given) != sha1.Size {
		return nil, fmt.Errorf("%w: %s is not base64 of %d bytes", ErrHeader, strings.ToLower(HeaderTwilio), sha1.Size)
	}
	form, err := Form(h, body)
	if err != nil {
		return nil, err
	}
	fits := false
	for _, u := range portVariants(address) {
		if hmac.Equal(twilioMAC(token, u, form), given) {
			fits = true
		}
	}
	if !fits || !bodyCovered(address, len(form) > 0, body) {
		return nil, ErrSignature
	}
	return form, nil
}

func twilioMAC(token, address string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, key := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[key])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			mac.Write([]byte(key + v))
		}
	}
	return mac.Sum(nil)
}

// bodyCovered reports whether the signature, which fits, speaks for the body:
// through bodySHA256 where the URL has it, else as a form, else because there
// is nothing to speak for.
func bodyCovered(address string, isForm bool, body []byte) bool {
	_, query, _ := strings.Cut(address, "?")
	query, _, _ = strings.Cut(query, "#")
	for pair := range strings.SplitSeq(query, "&") {
		want, ok := strings.CutPrefix(pair, "bodySHA256=")
		if !ok {
			continue
		}
		sum := sha256.Sum256(body)
		return hmac.Equal([]byte(strings.ToLower(want)), []byte(hex.EncodeToString(sum[:])))
	}
	return isForm || len(body) == 0
}

// portVariants gives the spellings of an address that Twilio may have signed.
func portVariants(address string) []string {
	before, port, after, ok := cutPort(address)
	switch {
	case !ok:
		return []string{address}
	case port != "":
		return []string{address, before + after}
	}
	return []string{address, before + schemePort(before) + after}
}

// cutPort splits an address around the port, ":8443" or nothing. It cuts text
// and never parses: escapes, case and order stay as they are, and the colons of
// an IPv6 address are no port.
func cutPort(address string) (before, port, after string, ok bool) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address, "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, after := rest[:end], rest[end:]
	hostAt := strings.LastIndexByte(authority, '@') + 1
	colon := strings.LastIndexByte(authority, ':')
	if colon < hostAt || colon < strings.LastIndexByte(authority, ']') {
		colon = len(authority)
	}
	return scheme + "://" + authority[:colon], authority[colon:], after, true
}

// schemePort gives the port that an address of its scheme has unsaid.
func schemePort(address string) string {
	if len(address) >= 5 && strings.EqualFold(address[:5], "http:") {
		return ":80"
	}
	return ":443"
}
