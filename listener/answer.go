package listener

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Answer sends JSON that is made already, as an ear for people does. That the other
// side has gone changes nothing: what was to be durable is.
func Answer(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // see above
}

// Refuse answers {"error": why}.
func Refuse(w http.ResponseWriter, status int, why string) {
	b, err := json.Marshal(map[string]string{"error": why})
	if err != nil {
		b = []byte(`{"error":"unknown"}`)
	}
	Answer(w, status, string(b))
}

// RetryAfter is a wait in whole seconds, at least one, as the header Retry-After
// wants it (RFC 9110 §10.2.3).
func RetryAfter(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}

// PagePolicy is the Content-Security-Policy of a page without scripts, of which the
// style stands in it, that sends its forms to where it comes from.
func PagePolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}
