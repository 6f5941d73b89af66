package recording

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"saltmine/internal/canary"
)

// Hosts are the places from which each kind of provider serves recordings.
// Sinch is missing, because it writes to a storage of the customer's own.
func Hosts() map[string][]string {
	return map[string][]string{
		"twilio":     {".twilio.com"},
		"signalwire": {".signalwire.com"},
		"telnyx":     {".telnyx.com", "s3.amazonaws.com/telephony-recorder-prod/", "s3.eu-central-1.amazonaws.com/telephony-recorder-prod-fr5/"},
		"plivo":      {".plivo.com"},
		"bandwidth":  {".bandwidth.com"},
		"vonage":     {".nexmo.com", ".vonage.com"},
	}
}

// Public reports whether an address belongs to the public internet, and to
// nothing that leads back inside (IANA special-purpose registries, RFC 6890).
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(text).Contains(a) {
			return false
		}
	}
	return true
}

// newClient makes a client that reaches public addresses alone. The check stands
// in the dialer's Control: it sees the address that is about to be connected to,
// so a name that resolves differently the second time gains nothing.
func newClient(cfg Config) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !cfg.Public(at.Addr()) {
			return ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, Proxy: nil, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second, MaxResponseHeaderBytes: 32 << 10,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
		},
	}
}

// fetch asks for a recording.
func (f *Fetcher) fetch(ctx context.Context, j *job) (canary.Contact, error) {
	address, err := place(j.address, f.cfg.Hosts[j.account.Kind])
	if err != nil {
		return canary.Contact{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return canary.Contact{}, fmt.Errorf("%w: no address", ErrRefused)
	}
	if err := f.authorize(req, j.account); err != nil {
		return canary.Contact{}, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address
		}
		return canary.Contact{}, fmt.Errorf("fetch: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	kind, got, err := read(resp, j.fact)
	if err != nil {
		return canary.Contact{}, err
	}
	c := canary.Contact{
		Channel: canary.Voice, At: canary.Micro(f.cfg.Now()), Ear: "recording/" + j.account.Kind, Source: j.source, Targets: j.targets,
		Facts: map[string]string{factCall: j.call, j.fact: j.address, "recording_type": kind}, Raw: got,
	}
	if j.fact == factWords {
		c.Text, err = words(got)
	}
	return c, err
}

// maxText bounds a transcript in bytes; the whole is in the evidence.
const maxText = 64 << 10

// words takes the text out of a transcript (dev.bandwidth.com, "get call
// transcription").
func words(b []byte) (string, error) {
	var t struct {
		Transcripts []struct {
			Text string `json:"text"`
		} `json:"transcripts"`
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return "", fmt.Errorf("%w: not a transcript", ErrRefused)
	}
	var said []string
	for _, one := range t.Transcripts {
		said = append(said, one.Text)
	}
	text := strings.Join(said, "\n")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text, nil
}

// read takes the bytes out of an answer and says of what type they are.
func read(resp *http.Response, fact string) (kind string, got []byte, err error) {
	if resp.StatusCode/100 == 3 {
		return "", nil, fmt.Errorf("%w: redirect", ErrRefused)
	}
	if resp.StatusCode != http.StatusOK { // providers are not ready at once: 404 too
		return "", nil, fmt.Errorf("fetch: status %d", resp.StatusCode)
	}
	kind, _, err = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	right := isAudio(kind, resp.Request.URL.Path)
	if fact == factWords {
		right = kind == "application/json"
	}
	if err != nil || !right {
		return "", nil, fmt.Errorf("%w: of another type", ErrRefused)
	}
	got, err = io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1))
	if err != nil {
		return "", nil, fmt.Errorf("fetch: %w", err)
	}
	if len(got) > MaxBytes {
		return "", nil, fmt.Errorf("%w: more than %d bytes", ErrRefused, MaxBytes)
	}
	return kind, got, nil
}

// isAudio takes the word of a storage that knows no types for the name's.
func isAudio(kind, path string) bool {
	if kind == "binary/octet-stream" || kind == "application/octet-stream" {
		return strings.HasSuffix(path, ".mp3") || strings.HasSuffix(path, ".wav")
	}
	return strings.HasPrefix(kind, "audio/")
}

// place checks where an address leads and gives it as it is asked for.
func place(address string, hosts []string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Hostname() == "" {
		return "", fmt.Errorf("%w: not an https address", ErrRefused)
	}
	host := strings.ToLower(u.Host)
	for _, known := range hosts {
		name, path, _ := strings.Cut(known, "/")
		fits := host == name || host == name+":443"
		if strings.HasPrefix(name, ".") {
			fits = strings.HasSuffix(strings.TrimSuffix(host, ":443"), name)
		}
		if fits && strings.HasPrefix(u.Path, "/"+path) && !strings.Contains(u.Path, "/../") {
			u.Fragment = ""
			return u.String(), nil
		}
	}
	return "", fmt.Errorf("%w: not a host of the provider's", ErrRefused)
}
