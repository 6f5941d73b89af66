package exclude

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

var (
	// ErrDenied says that the check does not know the token.
	ErrDenied = errors.New("token is not accepted")
	// ErrAway says that there was no answer: nobody may be treated on it.
	ErrAway = errors.New("there was no answer about whom to leave out")
)

// Client asks a check.
type Client struct {
	HTTP  *http.Client
	URL   string // scheme and host
	Token string
}

// Ask asks about customers, at most MaxCustomers, and gives Drop or Keep for
// each. The errors are ErrDenied, ErrBudget and ErrAway, with what was said.
func (c *Client) Ask(ctx context.Context, customers []string) ([]string, error) {
	body, err := json.Marshal(request{customers})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.URL, "/")+Path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	var said struct {
		answer
		Error string `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&said)
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, ErrDenied
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %s", ErrBudget, said.Error)
	case err != nil || resp.StatusCode != http.StatusOK || len(said.Answers) != len(customers):
		return nil, fmt.Errorf("%w: status %d: %s", ErrAway, resp.StatusCode, said.Error)
	}
	return said.Answers, nil
}
