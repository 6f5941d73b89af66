package webhook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's scheme is HMAC-SHA1; the MAC does not rest on collision resistance
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// HeaderSignalWire is the header that carries SignalWire's signature.
const HeaderSignalWire = "X-Signalwire-Signature"

// VerifySignalWire checks either of SignalWire's schemes (signalwire-python,
// core/security/webhook_validator.py): 40 hexadecimal digits are HMAC-SHA1 over
// the URL and the raw body; base64 is Twilio's scheme, but repeated fields count
// as often as they stand and in their order, and of ports only the scheme's own
// may be said or left out. The signature stands in X-SignalWire-Signature or,
// where that is missing, in X-Twilio-Signature. The errors are those of
// VerifyTwilio.
func VerifySignalWire(key string, q Request) error {
	if key == "" {
		return fmt.Errorf("%w: empty", ErrSecret)
	}
	name := HeaderSignalWire
	if len(q.Header.Values(name)) == 0 {
		name = HeaderTwilio
	}
	text, err := single(q.Header, name)
	if err != nil {
		return err
	}
	if given, err := hex.DecodeString(text); err == nil && len(given) == sha1.Size {
		return fitsAny(given, standardPorts(q.Address), func(address string) []byte {
			return macSHA1(key, address+string(q.Body))
		})
	}
	given, err := base64Header(q.Header, name, sha1.Size)
	if err != nil {
		return err
	}
	form, err := Form(q.Header, q.Body)
	if err != nil {
		return err
	}
	if !bodyCovered(q.Address, len(form) > 0, q.Body) {
		return ErrSignature
	}
	return fitsAny(given, standardPorts(q.Address), func(address string) []byte {
		return macSHA1(key, address+inOrder(form))
	})
}

// inOrder writes a form down sorted by key, the values of a key as they came.
func inOrder(form url.Values) (text string) {
	for _, key := range slices.Sorted(maps.Keys(form)) {
		for _, v := range form[key] {
			text += key + v
		}
	}
	return text
}

// standardPorts gives the address, and the same with the port of its scheme
// left out or said.
func standardPorts(address string) []string {
	before, port, after, ok := cutPort(address)
	switch {
	case !ok || port != "" && port != schemePort(before):
		return []string{address}
	case port != "":
		return []string{address, before + after}
	}
	return []string{address, before + schemePort(before) + after}
}

func macSHA1(key, text string) []byte {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// fitsAny tries each spelling, and takes the same time whichever fits.
func fitsAny(given []byte, spellings []string, sign func(string) []byte) error {
	fits := false
	for _, s := range spellings {
		if hmac.Equal(sign(s), given) {
			fits = true
		}
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

// base64Header reads a header that must stand once and hold so many bytes.
func base64Header(h http.Header, name string, size int) ([]byte, error) {
	text, err := single(h, name)
	if err != nil {
		return nil, err
	}
	return base64Bytes(name, text, size)
}
