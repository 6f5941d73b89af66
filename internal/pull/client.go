package pull

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"saltmine/internal/spool"
)

// ClientConfig is what the core's side needs. All fields must be set.
type ClientConfig struct {
	URL string // https://host:port
	TLS *tls.Config
	// Poll is how long it asks the edge to wait for a contact, from a second to
	// 50: an edge at rest is heard from so often.
	Poll time.Duration
	Now  func() time.Time
}

// State is what is known of an edge.
type State struct {
	Spool [16]byte  // its id
	Began time.Time // when its ears opened, by its clock
	// Ahead is by how much its clock is ahead of ours, give or take Unsure.
	Ahead, Unsure time.Duration
	Heard         time.Time // of the last answer, by our clock
	// Refused is when its spool could not take a contact last, by its clock; zero
	// is never since Began.
	Refused time.Time
}

// Off reports whether the edge's clock is off by more than a second for sure.
func (s State) Off() bool { return s.Ahead.Abs() > time.Second+s.Unsure }

// Client takes records from one edge. It is safe for concurrent use, but one
// spool has one taker.
type Client struct {
	cfg  ClientConfig
	base string
	http *http.Client

	mu    sync.Mutex // guards the rest
	state State
	known bool
	acked spool.Cursor
	ready batch // what a Wait has brought for the Read after it
}

// batch are the records from a cursor on.
type batch struct {
	from    spool.Cursor
	records []spool.Record
}

const (
	mostAnswer = spool.MaxRecord + 16<<20 // bytes; Read of a spool gives 8 MiB and a record
	fetchLimit = 1000
	answerTime = 2 * time.Minute // for one answer, waiting included
)

// NewClient returns a client; it opens no connection yet.
func NewClient(cfg ClientConfig) *Client {
	t := &http.Transport{
		TLSClientConfig: cfg.TLS, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: mostWait + 15*time.Second,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 2 * time.Minute, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
	}
	return &Client{cfg: cfg, base: strings.TrimRight(cfg.URL, "/"), http: &http.Client{
		Transport: t, Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Greet asks the edge which spool it has. Everything after it is about that one.
func (c *Client) Greet(ctx context.Context) (State, error) {
	began := c.cfg.Now()
	resp, err := c.ask(ctx, http.MethodGet, pathSpool, nil)
	if err != nil {
		return State{}, err
	}
	drop(resp)
	if resp.StatusCode != http.StatusNoContent {
		return State{}, fmt.Errorf("%w: status %d", ErrAnswer, resp.StatusCode)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.acked, c.ready = false, 0, batch{}
	if err := c.learn(resp.Header, began); err != nil {
		return State{}, err
	}
	c.known = true
	return c.state, nil
}

// State gives what the last answer told.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Began gives when the edge's ears opened last, by its clock.
func (c *Client) Began() time.Time { return c.State().Began }

// Read returns records from a cursor on, or none where there are none.
func (c *Client) Read(ctx context.Context, from spool.Cursor, limit int) ([]spool.Record, error) {
	if got := c.take(from, limit); len(got) > 0 {
		return got, nil
	}
	if err := c.fetch(ctx, from, 0); err != nil {
		return nil, err
	}
	return c.take(from, limit), nil
}

// take gives records that were fetched before.
func (c *Client) take(from spool.Cursor, limit int) []spool.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready.from != from || len(c.ready.records) == 0 {
		return nil
	}
	if limit <= 0 || limit > len(c.ready.records) {
		limit = len(c.ready.records)
	}
	out := c.ready.records[:limit]
	c.ready = batch{out[limit-1].Next, c.ready.records[limit:]}
	return out
}

// Wait returns when the edge has a record from the cursor on.
func (c *Client) Wait(ctx context.Context, from spool.Cursor) error {
	for {
		c.mu.Lock()
		here := c.ready.from == from && len(c.ready.records) > 0
		c.mu.Unlock()
		if here {
			return nil
		}
		if err := c.fetch(ctx, from, min(max(c.cfg.Poll, time.Second), mostWait-10*time.Second)); err != nil {
			return err
		}
	}
}

// fetch asks for records and keeps them for Read.
func (c *Client) fetch(ctx context.Context, from spool.Cursor, wait time.Duration) error {
	began := c.cfg.Now()
	resp, err := c.ask(ctx, http.MethodGet, pathRecords, url.Values{
		"from": {from.String()}, "limit": {strconv.Itoa(fetchLimit)}, "wait": {strconv.Itoa(int(wait / time.Second))},
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if wait > 0 {
		began = time.Time{} // how long the edge waited is not known
	}
	if err := c.check(resp, began); err != nil {
		return err
	}
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	records, err := readRecords(bytes.NewReader(body), from)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = batch{from, records}
	return nil
}

// Ack tells the edge what has been committed. What it was told before is not
// told again.
func (c *Client) Ack(ctx context.Context, upTo spool.Cursor) error {
	c.mu.Lock()
	told := upTo <= c.acked && c.acked > 0
	c.mu.Unlock()
	if told {
		return nil
	}
	began := c.cfg.Now()
	resp, err := c.ask(ctx, http.MethodPost, pathAck, url.Values{"to": {upTo.String()}})
	if err != nil {
		return err
	}
	drop(resp)
	if err := c.check(resp, began); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked = max(c.acked, upTo)
	return nil
}

func (c *Client) ask(ctx context.Context, method, path string, q url.Values) (*http.Response, error) {
	target := c.base + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the edge: %w", err)
	}
	c.mu.Lock()
	if c.known {
		req.Header.Set(headerSpool, hex.EncodeToString(c.state.Spool[:]))
	}
	c.mu.Unlock()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the edge: %w", err)
	}
	return resp, nil
}

// check turns an answer that is none into an error, and learns from the others.
func (c *Client) check(resp *http.Response, began time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return c.learn(resp.Header, began)
	case http.StatusPreconditionFailed:
		return ErrOther
	case http.StatusConflict:
		c.acked = 0 // the spool is older than it was: the next Ack is to be asked for
		return fmt.Errorf("%w (at the edge)", spool.ErrAhead)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%w (at the edge)", spool.ErrBroken)
	}
	return fmt.Errorf("%w: status %d", ErrAnswer, resp.StatusCode)
}

// learn takes what the headers tell; the edge's clock is compared with the
// middle of the time that the answer took, when that is known.
func (c *Client) learn(h http.Header, began time.Time) error {
	now := c.cfg.Now()
	id, err := hex.DecodeString(h.Get(headerSpool))
	open, err2 := strconv.ParseInt(h.Get(headerBegan), 10, 64)
	clock, err3 := strconv.ParseInt(h.Get(headerClock), 10, 64)
	refused, err4 := strconv.ParseInt(h.Get(headerLost), 10, 64)
	if err := errors.Join(err, err2, err3, err4); err != nil || len(id) != len(c.state.Spool) {
		return fmt.Errorf("%w: its headers are not an edge's", ErrAnswer)
	}
	if c.known && c.state.Spool != [16]byte(id) {
		return ErrOther
	}
	c.state.Spool, c.state.Began, c.state.Heard, c.state.Refused = [16]byte(id), time.UnixMicro(open).UTC(), now, time.Time{}
	if refused > 0 {
		c.state.Refused = time.UnixMicro(refused).UTC()
	}
	if !began.IsZero() {
		c.state.Unsure = now.Sub(began) / 2
		c.state.Ahead = time.UnixMicro(clock).Sub(began.Add(c.state.Unsure))
	}
	return nil
}

func drop(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) //nolint:errcheck // so that the connection is used again
	resp.Body.Close()                                    //nolint:errcheck // it was read
}
