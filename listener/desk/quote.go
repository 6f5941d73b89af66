package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"saltmine/listener"
)

// headerOnce lets a client send a request again without it counting twice.
const headerOnce = "Idempotency-Key"

// Bounds of a request.
const (
	maxBody   = 16 << 10 // bytes
	maxCaller = 200      // bytes
	maxNote   = 8 << 10  // bytes
	maxKey    = 200      // bytes
)

var (
	errLong  = fmt.Errorf("the body is over %d bytes", maxBody)
	errQuote = errors.New("not recorded")
)

// Quote is a ticket number that a caller quoted.
type Quote struct {
	Ticket string `json:"ticket"`           // as the caller said it
	Caller string `json:"caller,omitempty"` // who called: number or name
	Note   string `json:"note,omitempty"`   // what was said
}

// readQuote reads and checks a request's body; it gives the bytes as well.
func readQuote(w http.ResponseWriter, r *http.Request) ([]byte, Quote, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, Quote{}, errLong
	}
	if err != nil {
		return nil, Quote{}, fmt.Errorf("%w: the body breaks off", errQuote)
	}
	if keys := r.Header.Values(headerOnce); len(keys) > 1 || len(r.Header.Get(headerOnce)) > maxKey {
		return nil, Quote{}, fmt.Errorf("%w: want at most one %s of up to %d characters", errQuote, headerOnce, maxKey)
	}
	q, err := parseQuote(body)
	return body, q, err
}

func parseQuote(body []byte) (Quote, error) {
	if !utf8.Valid(body) {
		return Quote{}, fmt.Errorf("%w: the body is not UTF-8", errQuote)
	}
	var q Quote
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return Quote{}, fmt.Errorf(`%w: want {"ticket":"…","caller":"…","note":"…"}: %w`, errQuote, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Quote{}, fmt.Errorf("%w: something follows the object", errQuote)
	}
	return q, q.validate()
}

// validate reports every fault at once, without repeating what was sent. What is
// no ticket number is no fault: a caller may make one up, and that is evidence.
func (q Quote) validate() error {
	var faults []string
	if strings.TrimSpace(q.Ticket) == "" {
		faults = append(faults, "ticket is empty")
	} else if len(q.Ticket) > maxNumber {
		faults = append(faults, fmt.Sprintf("ticket is over %d bytes", maxNumber))
	}
	if len(q.Caller) > maxCaller {
		faults = append(faults, fmt.Sprintf("caller is over %d bytes", maxCaller))
	}
	if len(q.Note) > maxNote {
		faults = append(faults, fmt.Sprintf("note is over %d bytes", maxNote))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", errQuote, strings.Join(faults, "; "))
}

func slowDown(w http.ResponseWriter, wait time.Duration, why string) {
	w.Header().Set("Retry-After", listener.RetryAfter(wait))
	listener.Refuse(w, http.StatusTooManyRequests, why)
}
