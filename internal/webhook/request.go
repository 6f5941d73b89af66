package webhook

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is a request that is to be verified, as it arrived.
type Request struct {
	Method string
	// Address is scheme, host and request URI as the provider was told them:
	// from configuration, never from the request's Host or forwarding headers.
	Address string
	Header  http.Header
	Body    []byte
	Now     time.Time // by our clock; schemes with a time in them compare it
}

// formType is the content type of a form.
const formType = "application/x-www-form-urlencoded"

// Form reads the body's form. A body of another content type gives an empty
// form, a form that cannot be read gives ErrBody.
func Form(h http.Header, body []byte) (url.Values, error) {
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

// Values gives the fields of a request: of the query for GET, else of the form
// in the body. What cannot be read gives ErrBody.
func (q Request) Values() (url.Values, error) {
	if q.Method != http.MethodGet {
		return Form(q.Header, q.Body)
	}
	_, query := q.cutQuery()
	form, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%w: not a query", ErrBody)
	}
	return form, nil
}

// cutQuery parts the address at the first question mark. What follows a "#"
// never reaches a server, so it is not looked for.
func (q Request) cutQuery() (before, query string) {
	before, query, _ = strings.Cut(q.Address, "?")
	return before, query
}

// path gives the path of the address, escapes as they were sent.
func (q Request) path() string {
	before, _ := q.cutQuery()
	_, rest, _ := strings.Cut(before, "://")
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
	}
	return "/"
}

// fresh reports ErrTime unless the time lies within Tolerance of now.
func (q Request) fresh(sent time.Time) error {
	if off := q.Now.Sub(sent); off > Tolerance || off < -Tolerance {
		return ErrTime
	}
	return nil
}
