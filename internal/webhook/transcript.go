package webhook

import (
	"bytes"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
)

// Transcript writes a request down as evidence: the request line with the URI
// as it was sent, "Host" first, the other headers sorted by name in canonical
// spelling, an empty line, then the body byte for byte. Lines end in CRLF:
//
//	POST /twilio/sms?x=%41 HTTP/1.1
//	Host: calls.example.net
//	Content-Type: application/x-www-form-urlencoded
//	X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=
//
//	Body=Hello&From=%2B14158675309
//
// The order and the spelling of header names are not what was on the wire, the
// HTTP library does not keep them; nor are the chunks in which a body came. The
// values of the headers named in hide are replaced by "[hidden]".
func Transcript(r *http.Request, body []byte, hide ...string) []byte {
	secret := map[string]bool{}
	for _, name := range hide {
		secret[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + " " + r.Proto + "\r\n")
	b.WriteString("Host: " + r.Host + "\r\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if secret[name] {
				value = mask
			}
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
