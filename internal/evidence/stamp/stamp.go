// Package stamp has people outside say when a checkpoint of the evidence log was there,
// and checks what they said. It knows three sorts of them:
//
//	rfc3161      a time stamping authority (RFC 3161 over HTTP): its answer, whole, as
//	             'openssl ts -verify -in X.tsr -data CHECKPOINT -CAfile ROOTS' reads it
//	ots          OpenTimestamps calendars: a detached proof (.ots) over the SHA-256 of
//	             the checkpoint, which says "pending" until a calendar has put it into
//	             Bitcoin, and is fetched again until then
//	cosignature  witnesses that follow the log and sign that it only grew (C2SP
//	             tlog-witness, tlog-cosignature "cosignature/v1"): a line of the note
//
// A checkpoint is a signed note, which is nobody's secret and names no canary. The other
// side is told no more: an authority and the calendars get a hash of it, calendars one
// with 16 random bytes, so that they cannot tell two proofs of one log.
//
// Whatever comes back is checked before it is kept, and as strictly as it will be later;
// what cannot be checked is refused, and asked for again. Answers are bounded in bytes
// and time, redirections are not followed, and a calendar's proof leads to no address
// but those that are configured. A [Collector] does the asking; that one who is asked
// fails never stops it: the next checkpoint says more than the one that was missed.
//
// The verification of RFC 3161 is written here, on crypto/x509, since what it takes is
// small: one signer, signed attributes, ESS certificate identifiers, and an extended key
// usage that is critical. It takes DER alone.
package stamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Kind is a sort of stamp.
type Kind string

// The kinds.
const (
	TSA         Kind = "rfc3161"
	OTS         Kind = "ots"
	Cosignature Kind = "cosignature"
)

// Stamp is what somebody outside said of a checkpoint.
type Stamp struct {
	Source     string    `json:"source"` // who, by the name in the configuration
	Kind       Kind      `json:"kind"`
	Size       int64     `json:"size"` // acts in the log
	Made       time.Time `json:"made"` // when it was taken, by our clock
	Pending    bool      `json:"pending,omitempty"`
	Checkpoint []byte    `json:"checkpoint"` // the note that was sent
	Proof      []byte    `json:"proof"`
}

// ErrFalse is returned for what does not prove what it is taken for.
var ErrFalse = errors.New("it does not stamp this")

func falsely(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrFalse, fmt.Errorf(format, args...))
}

const (
	answerTime = 20 * time.Second
	maxAnswer  = 64 << 10
)

// NewClient returns a client for Stamp, Submit and the like: bounded in time, and
// following no redirection.
func NewClient() *http.Client {
	return &http.Client{
		Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: answerTime, ResponseHeaderTimeout: answerTime,
			MaxResponseHeaderBytes: 16 << 10, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		},
	}
}

// call is one request.
type call struct {
	method, url, kind, accept string // kind of the body
	body                      []byte
	most                      int64 // bytes of the answer
}

// do makes a request and returns the answer's status, kind and body.
func (c *call) do(ctx context.Context, client *http.Client) (status int, kind string, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return 0, "", nil, fmt.Errorf("ask: %w", err)
	}
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	req.Header.Set("Accept", c.accept)
	req.Header.Set("User-Agent", "saltmine")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err = io.ReadAll(io.LimitReader(resp.Body, c.most+1))
	if err != nil {
		return 0, "", nil, fmt.Errorf("ask: %w", err)
	}
	if int64(len(body)) > c.most {
		return 0, "", nil, fmt.Errorf("the answer is larger than %d bytes", c.most)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, nil
}
