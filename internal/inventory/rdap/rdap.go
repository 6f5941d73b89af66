// Package rdap asks the registration data of a domain when it runs out and who
// its registrar is (RDAP: RFC 7480, RFC 9082, RFC 9083).
//
// Which server knows a domain is read once from the list that IANA publishes
// (RFC 9224):
//
//	{"services": [[["net", "com"], ["https://rdap.example/v1/"]]]}
//
// and the answer, of which two things are taken, looks like
//
//	{"events": [{"eventAction": "expiration", "eventDate": "2027-08-01T00:00:00Z"}],
//	 "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Example Registrar"]]]}]}
//
// It speaks HTTPS alone, follows three redirects at most, and reads a bounded
// answer in bounded time. The registry learns from the question what it knows
// already: that the domain is there.
//
// The invariant: a time that comes back was in an answer that the server of
// that domain's zone gave over TLS. A domain that no server knows is
// [ErrUnknown]; everything else that goes wrong comes back wrapped.
package rdap

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// ErrUnknown is returned for a domain that has no registration data.
var ErrUnknown = errors.New("no registration data")

// IANA is where the list of the servers is published.
const IANA = "https://data.iana.org/rdap/dns.json"

const (
	maxAnswer    = 1 << 20 // bytes
	maxList      = 4 << 20
	maxRedirects = 3
	maxTime      = 20 * time.Second
	maxName      = 100 // runes of a registrar's name
)

// Config is what a client needs.
type Config struct {
	// Client sends the requests; its limits on time and redirects are replaced.
	// nil is Go's own.
	Client *http.Client
	// Servers is the address of the list of servers. Default [IANA].
	Servers string
}

// Client asks. It is safe for concurrent use.
type Client struct {
	http    http.Client
	servers string

	mu       sync.Mutex
	services map[string]string // by zone, the address of its server
}

// New makes a client; nothing is asked yet.
func New(cfg Config) *Client {
	c := &Client{servers: cmp.Or(cfg.Servers, IANA)}
	if cfg.Client != nil {
		c.http = *cfg.Client
	}
	c.http.Timeout = maxTime
	c.http.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		return onlyHTTPS(req.URL)
	}
	return c
}

func onlyHTTPS(u *url.URL) error {
	if u.Scheme != "https" || u.Host == "" {
		return errors.New("not an https address")
	}
	return nil
}

// Registration is what the registration data say.
type Registration struct {
	Expires   time.Time // zero when they do not say
	Registrar string
}

// Domain asks about a registered domain in canonical form.
func (c *Client) Domain(ctx context.Context, name string) (Registration, error) {
	base, err := c.server(ctx, name)
	if err != nil {
		return Registration{}, fmt.Errorf("registration data of %s: %w", name, err)
	}
	var body answer
	if err := c.get(ctx, strings.TrimSuffix(base, "/")+"/domain/"+url.PathEscape(name), maxAnswer, &body); err != nil {
		return Registration{}, fmt.Errorf("registration data of %s: %w", name, err)
	}
	return body.registration(), nil
}

// server finds the server of the longest zone that holds the name.
func (c *Client) server(ctx context.Context, name string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.services == nil {
		var list struct {
			Services [][][]string `json:"services"`
		}
		if err := c.get(ctx, c.servers, maxList, &list); err != nil {
			return "", fmt.Errorf("list of servers: %w", err)
		}
		c.services = servers(list.Services)
	}
	for _, zone, found := strings.Cut(name, "."); found; _, zone, found = strings.Cut(zone, ".") {
		if base := c.services[zone]; base != "" {
			return base, nil
		}
	}
	return "", fmt.Errorf("%w: its zone has no server", ErrUnknown)
}

// servers gives the first https address for each zone.
func servers(services [][][]string) map[string]string {
	out := map[string]string{}
	for _, s := range services {
		if len(s) != 2 {
			continue
		}
		i := slices.IndexFunc(s[1], func(text string) bool {
			u, err := url.Parse(text)
			return err == nil && onlyHTTPS(u) == nil
		})
		if i < 0 {
			continue
		}
		for _, zone := range s[0] {
			out[strings.ToLower(zone)] = s[1][i]
		}
	}
	return out
}

func (c *Client) get(ctx context.Context, address string, limit int64, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	if err := onlyHTTPS(req.URL); err != nil {
		return err
	}
	req.Header.Set("Accept", "application/rdap+json, application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return ErrUnknown
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the server answers %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return err
	}
	if int64(len(body)) > limit {
		return fmt.Errorf("an answer of more than %d bytes", limit)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("an answer that is not understood: %w", err)
	}
	return nil
}

// answer is the part of a domain's data that is read (RFC 9083 §5.3).
type answer struct {
	Events []struct {
		Action string `json:"eventAction"`
		Date   string `json:"eventDate"`
	} `json:"events"`
	Entities []struct {
		Roles []string        `json:"roles"`
		VCard json.RawMessage `json:"vcardArray"`
	} `json:"entities"`
}

func (a *answer) registration() Registration {
	var r Registration
	for _, e := range a.Events {
		at, err := time.Parse(time.RFC3339, e.Date)
		if strings.EqualFold(e.Action, "expiration") && err == nil {
			r.Expires = at.UTC().Truncate(time.Microsecond)
		}
	}
	for _, e := range a.Entities {
		if slices.Contains(e.Roles, "registrar") {
			r.Registrar = formattedName(e.VCard)
			break
		}
	}
	return r
}

// formattedName takes "fn" out of a jCard, ["vcard", [["fn", {}, "text", NAME]]]
// (RFC 7095), without what does not print.
func formattedName(card json.RawMessage) string {
	var parts []json.RawMessage
	var properties [][]json.RawMessage
	if json.Unmarshal(card, &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[1], &properties) != nil {
		return ""
	}
	for _, p := range properties {
		var key, name string
		if len(p) < 4 || json.Unmarshal(p[0], &key) != nil || key != "fn" || json.Unmarshal(p[3], &name) != nil {
			continue
		}
		runes := []rune(strings.Map(printable, name))
		return string(runes[:min(len(runes), maxName)])
	}
	return ""
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}
