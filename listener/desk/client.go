package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

var (
	// ErrQuote says that the ticket cannot be sent as it stands.
	ErrQuote = errors.New("ticket cannot be sent")
	// ErrDenied says that the ear does not know the token.
	ErrDenied = errors.New("token is not accepted")
	// ErrRate says that too many tickets were sent at once; try again later.
	ErrRate = errors.New("too many tickets at once")
	// ErrAway says that the ear could not be reached or could not record; try again.
	ErrAway = errors.New("ticket was not recorded")
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 10

// Post sends one quoted ticket number to the ear at baseURL (scheme and host,
// perhaps a path). It returns nil when the ear has recorded it. The errors are
// ErrQuote, ErrDenied, ErrRate and ErrAway, with what the ear said.
func Post(ctx context.Context, client *http.Client, baseURL string, tok webhook.Hidden, q Quote) error {
	if err := q.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrQuote, err)
	}
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrQuote, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(baseURL, "/")+Path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: address of the ear: %w", ErrQuote, err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(tok)))
	req.Header.Set("Content-Type", "application/json")
	// The transport sends such a request again by itself when a kept-open
	// connection turns out to be closed.
	req.Header.Set(headerOnce, canary.NewID("once"))
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		said = nil // the status says enough
	}
	return verdict(resp.StatusCode, said)
}

// verdict turns an answer into an error.
func verdict(status int, said []byte) error {
	var answer struct {
		Error string `json:"error"`
	}
	why := http.StatusText(status)
	if json.Unmarshal(said, &answer) == nil && answer.Error != "" {
		why = answer.Error
	}
	switch status {
	case http.StatusAccepted:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrDenied, why)
	case http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", ErrRate, why)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %s", ErrQuote, why)
	}
	return fmt.Errorf("%w: status %d: %s", ErrAway, status, why)
}
