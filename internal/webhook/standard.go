package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far a request's time may lie from ours, either way.
const Tolerance = 5 * time.Minute

// maxID bounds the id of a message.
const maxID = 256

// Sign returns the value of the header webhook-signature, "v1," and base64,
// for one secret; several are joined with spaces while secrets change. The id
// must not contain a full stop. An unusable secret gives the empty string,
// which no Verify accepts.
func Sign(secret Secret, id string, ts time.Time, body []byte) string {
	if !secret.Usable() {
		return ""
	}
	stamp := strconv.FormatInt(ts.Unix(), 10)
	return "v1," + base64.StdEncoding.EncodeToString(standardMAC(secret, id, stamp, body))
}

// SetHeaders sets the three headers of a signed message on h.
func SetHeaders(h http.Header, secret Secret, id string, ts time.Time, body []byte) {
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(ts.Unix(), 10))
	h.Set(HeaderSignature, Sign(secret, id, ts, body))
}

// Verify checks the headers against the body as it was received. It succeeds
// when one of the v1 signatures fits one of the secrets and the time lies
// within [Tolerance] of now, both ends included. The errors are ErrSecret (none
// named, or one is unusable), ErrHeader, ErrSignature and ErrTime; ErrTime
// means that the sender is known and its clock, or ours, is wrong, or that the
// message is an old one sent again.
func Verify(secrets []Secret, h http.Header, body []byte, now time.Time) error {
	if len(secrets) == 0 {
		return fmt.Errorf("%w: none configured", ErrSecret)
	}
	for _, s := range secrets {
		if !s.Usable() {
			return fmt.Errorf("%w: empty", ErrSecret)
		}
	}
	id, stamp, sigs, err := standardHeaders(h)
	if err != nil {
		return err
	}
	sent, err := unixSeconds(stamp)
	if err != nil {
		return err
	}
	if !anyFits(secrets, sigs, id, stamp, body) {
		return ErrSignature
	}
	if off := now.Sub(sent); off > Tolerance || off < -Tolerance {
		return ErrTime
	}
	return nil
}

func standardMAC(secret Secret, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret.key())
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

func standardHeaders(h http.Header) (id, stamp, sigs string, err error) {
	if id, err = single(h, HeaderID); err != nil {
		return "", "", "", err
	}
	if stamp, err = single(h, HeaderTimestamp); err != nil {
		return "", "", "", err
	}
	if sigs, err = single(h, HeaderSignature); err != nil {
		return "", "", "", err
	}
	// With a full stop in it, one signature would fit two splits of the
	// signed text into id, time and body.
	if len(id) > maxID || strings.Contains(id, ".") {
		return "", "", "", fmt.Errorf("%w: id of %d bytes, want up to %d without full stops", ErrHeader, len(id), maxID)
	}
	return id, stamp, sigs, nil
}

// single gives the value of a header that must stand exactly once.
func single(h http.Header, name string) (string, error) {
	v := h.Values(name)
	if len(v) != 1 || v[0] == "" {
		return "", fmt.Errorf("%w: %s stands %d times, want once", ErrHeader, strings.ToLower(name), len(v))
	}
	return v[0], nil
}

// unixSeconds reads a time of 1 to 11 decimal digits; no sign, no space.
func unixSeconds(s string) (time.Time, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) > 11 {
		return time.Time{}, fmt.Errorf("%w: timestamp is not in whole seconds", ErrHeader)
	}
	return time.Unix(int64(n), 0), nil // at most 11 digits
}

func anyFits(secrets []Secret, sigs, id, stamp string, body []byte) bool {
	var given [][]byte
	for sig := range strings.FieldsSeq(sigs) {
		text, ok := strings.CutPrefix(sig, "v1,")
		if !ok {
			continue // another version, meant for other receivers
		}
		if mac, err := base64.StdEncoding.Strict().DecodeString(text); err == nil {
			given = append(given, mac)
		}
	}
	fits := false
	for _, s := range secrets {
		want := standardMAC(s, id, stamp, body)
		for _, mac := range given {
			if hmac.Equal(want, mac) {
				fits = true
			}
		}
	}
	return fits
}
