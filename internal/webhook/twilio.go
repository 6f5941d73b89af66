package webhook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's scheme is HMAC-SHA1; the MAC does not rest on collision resistance
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// HeaderTwilio is the header that carries Twilio's signature.
const HeaderTwilio = "X-Twilio-Signature"

// formType is the content type of Twilio's own webhooks.
const formType = "application/x-www-form-urlencoded"

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
	form, err := TwilioForm(h, body)
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

// TwilioForm reads the body's form. A body of another content type gives an
// empty form, a form that cannot be read gives ErrBody.
func TwilioForm(h http.Header, body []byte) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != formType {
		return url.Values{}, nil //nolint:nilerr // an unreadable content type is not a form
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("%w: not a form", ErrBody)
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
// It cuts text and never parses: escapes, case and order stay as they are, and
// the colons of an IPv6 address are no port.
func portVariants(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	hostAt := strings.LastIndexByte(authority, '@') + 1
	colon := strings.LastIndexByte(authority, ':')
	if colon >= hostAt && colon > strings.LastIndexByte(authority, ']') {
		return []string{address, scheme + "://" + authority[:colon] + tail}
	}
	port := ":443"
	if strings.EqualFold(scheme, "http") {
		port = ":80"
	}
	return []string{address, scheme + "://" + authority + port + tail}
}
