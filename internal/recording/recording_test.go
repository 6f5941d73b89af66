package recording_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/recording"
)

// provider is a real TLS server that serves recordings, with what it was asked.
type provider struct {
	srv   *httptest.Server
	host  string
	mu    sync.Mutex
	heard []*http.Request
}

func (p *provider) asked() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

func serve(t *testing.T, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{}
	p.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.heard = append(p.heard, r)
		p.mu.Unlock()
		answer(w, r)
	}))
	p.srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	p.srv.StartTLS()
	t.Cleanup(p.srv.Close)
	p.host = strings.TrimPrefix(p.srv.URL, "https://")
	return p
}

func audio(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = fmt.Fprint(w, text)
	}
}

// core is what a registry and a road do for a fetcher.
type core struct {
	calls []canary.Contact
	kept  []canary.Contact
	now   time.Time
	down  error
	since []time.Time // of each look
}

func (c *core) fetcher(t *testing.T, p *provider, change func(*recording.Config)) *recording.Fetcher {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.srv.Certificate())
	cfg := recording.Config{
		Accounts: []recording.Account{{Kind: "twilio", User: "AC1", Password: "hunter2"}},
		Calls: func(_ context.Context, ear string, since time.Time, fn func(*canary.Contact) error) error {
			c.since = append(c.since, since)
			for i := range c.calls {
				if one := &c.calls[i]; one.Ear == ear && !one.At.Before(since) {
					if err := fn(one); err != nil {
						return err
					}
				}
			}
			return nil
		},
		Filed: func(_ context.Context, ids []canary.ContactID) (map[canary.ContactID]bool, error) {
			out := map[canary.ContactID]bool{}
			for _, id := range ids {
				for _, k := range c.kept {
					out[id] = out[id] || k.ID == id
				}
			}
			return out, nil
		},
		Hear: func(_ context.Context, k canary.Contact) error {
			if c.down != nil {
				return c.down
			}
			c.kept = append(c.kept, k)
			return k.Validate()
		},
		Now: func() time.Time { return c.now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Hosts: map[string][]string{"twilio": {p.host + "/2010/"}}, Public: func(netip.Addr) bool { return true }, Roots: roots,
	}
	if change != nil {
		change(&cfg)
	}
	f, err := recording.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func noon() time.Time { return time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC) }

func newCore(address string) *core {
	return &core{now: noon(), calls: []canary.Contact{{
		ID: "k_tw-00000001", Channel: canary.Voice, At: noon(), Ear: "phone/twilio", Source: "+14155550100",
		Targets: []canary.Target{{Kind: canary.Phone, Text: "+14155550199"}},
		Facts:   map[string]string{"call": "k_tw-00000000", "recording_url": address},
	}}}
}

func (c *core) sweep(t *testing.T, f *recording.Fetcher) {
	t.Helper()
	if err := f.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRecordingIsKeptOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, audio("the caller's voice"))
	c := newCore(p.srv.URL + "/2010/RE1.mp3#x")
	again := c.calls[0] // the transcript's webhook names the recording too
	again.ID = "k_tw-00000002"
	c.calls = append(c.calls, again)
	f := c.fetcher(t, p, nil)
	c.sweep(t, f)
	c.sweep(t, f)
	c.sweep(t, c.fetcher(t, p, nil)) // after a restart
	if len(c.kept) != 1 || len(p.asked()) != 1 {
		t.Fatalf("%d kept, asked %d times", len(c.kept), len(p.asked()))
	}
	k := c.kept[0]
	if string(k.Raw) != "the caller's voice" || k.Facts["call"] != "k_tw-00000000" || k.Channel != canary.Voice || k.Ear != "recording/twilio" || len(k.Targets) != 1 || k.Text != "" {
		t.Errorf("kept %+v", k)
	}
	r := p.asked()[0]
	if user, password, _ := r.BasicAuth(); user != "AC1" || password != "hunter2" || r.URL.Path != "/2010/RE1.mp3" || r.Header.Get("Cookie") != "" {
		t.Errorf("asked %s with %q", r.URL, user)
	}
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"transcripts":[{"text":"this is Dana","confidence":0.9},{"text":"about ticket 4711"}]}`: "this is Dana\nabout ticket 4711",
		`{"transcripts":[{"text":"` + strings.Repeat("é", 40<<10) + `"}]}`:                        strings.Repeat("é", 32<<10),
		`{}`:                             "",
		`[` + strings.Repeat(`[`, 20000): "refused",
	} {
		p := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, body)
		})
		c := newCore("")
		c.calls[0].Facts["transcription_url"] = p.srv.URL + "/2010/T1"
		c.sweep(t, c.fetcher(t, p, nil))
		if want == "refused" {
			if len(c.kept) != 0 {
				t.Errorf("%.40s was kept", body)
			}
			continue
		}
		if len(c.kept) != 1 || c.kept[0].Text != want || string(c.kept[0].Raw) != body || c.kept[0].Facts["call"] != "k_tw-00000000" {
			t.Errorf("%.40s: %d kept", body, len(c.kept))
		}
	}
	p := serve(t, audio("x"))
	c := newCore("")
	c.calls[0].Facts["transcription_url"] = p.srv.URL + "/2010/T1"
	c.sweep(t, c.fetcher(t, p, nil))
	if len(c.kept) != 0 {
		t.Error("audio was taken for a transcript")
	}
}

func TestTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	ready := false
	p := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !ready {
			http.NotFound(w, r)
			return
		}
		audio("late")(w, r)
	})
	c := newCore(p.srv.URL + "/2010/RE1")
	f := c.fetcher(t, p, nil)
	for range 3 * 60 {
		c.sweep(t, f)
		c.now = c.now.Add(time.Minute)
	}
	if len(p.asked()) != recording.Tries {
		t.Errorf("asked %d times, want %d", len(p.asked()), recording.Tries)
	}
	ready = true
	c.sweep(t, c.fetcher(t, p, nil)) // a restart tries anew
	if len(c.kept) != 1 {
		t.Errorf("%d kept", len(c.kept))
	}
	c.kept, c.now = nil, noon().Add(recording.Horizon+time.Second)
	c.sweep(t, c.fetcher(t, p, nil))
	if len(c.kept) != 0 {
		t.Error("fetched after the horizon")
	}
}

func TestStoreDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := serve(t, audio("x"))
	c := newCore(p.srv.URL + "/2010/RE1")
	c.down = errors.New("spool is full")
	f := c.fetcher(t, p, nil)
	c.sweep(t, f)
	c.down, c.now = nil, c.now.Add(time.Hour)
	c.sweep(t, f)
	if len(c.kept) != 1 {
		t.Errorf("%d kept", len(c.kept))
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	inside := serve(t, audio("secrets of the house"))
	cases := map[string]struct {
		address string
		answer  http.HandlerFunc
		asked   int
	}{
		"another host":     {inside.srv.URL + "/2010/x", nil, 0},
		"host in the user": {"https://HOST@" + inside.host + "/2010/x", nil, 0},
		"a user":           {"https://a:b@HOST/2010/x", nil, 0},
		"plain http":       {"http://HOST/2010/x", nil, 0},
		"a file":           {"file:///etc/passwd", nil, 0},
		"another path":     {"https://HOST/2011/x", nil, 0},
		"dots":             {"https://HOST/2010/../admin", nil, 0},
		"escaped dots":     {"https://HOST/2010/%2e%2e/admin", nil, 0},
		"name as a suffix": {"https://HOST.evil.example/2010/x", nil, 0},
		"nothing":          {"https:///2010/x", nil, 0},
		"redirect":         {"https://HOST/2010/x", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.srv.URL, http.StatusFound) }, 1},
		"a page":           {"https://HOST/2010/x", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }, 1},
		"bytes of no name": {"https://HOST/2010/x", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "binary/octet-stream") }, 1},
		"no type":          {"https://HOST/2010/x", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }, 1},
		"too large": {"https://HOST/2010/x", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			_, _ = w.Write(bytes.Repeat([]byte("a"), recording.MaxBytes+1))
		}, 1},
	}
	for name, one := range cases {
		if one.answer == nil {
			one.answer = audio("x")
		}
		p := serve(t, one.answer)
		c := newCore(strings.ReplaceAll(one.address, "HOST", p.host))
		f := c.fetcher(t, p, nil)
		c.sweep(t, f)
		c.now = c.now.Add(time.Hour)
		c.sweep(t, f) // a refusal is final
		if len(c.kept) != 0 || len(p.asked()) != one.asked {
			t.Errorf("%s: %d kept, asked %d times, want %d", name, len(c.kept), len(p.asked()), one.asked)
		}
	}
	if len(inside.asked()) != 0 {
		t.Errorf("another host was asked %d times", len(inside.asked()))
	}
}

// TestNamesThatResolveInside: the name is one of the provider's, and what it
// resolves to is this machine. Nothing may connect.
func TestNamesThatResolveInside(t *testing.T) {
	t.Parallel()
	p := serve(t, audio("secrets of the house"))
	_, port, _ := strings.Cut(p.host, ":")
	for _, host := range []string{"localhost:" + port, p.host} {
		c := newCore("https://" + host + "/2010/x")
		f := c.fetcher(t, p, func(cfg *recording.Config) {
			cfg.Hosts = map[string][]string{"twilio": {host}}
			cfg.Public = recording.Public
		})
		c.sweep(t, f)
		if len(c.kept) != 0 || len(p.asked()) != 0 {
			t.Errorf("%s was reached", host)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"54.172.60.0": true, "2606:4700::1111": true, "127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false, "0.0.0.0": false, "::": false, "100.100.100.200": false,
		"224.0.0.1": false, "255.255.255.255": false, "ff02::1": false, "::ffff:10.0.0.1": false, "::ffff:54.172.60.0": true, "64:ff9b::a9fe:a9fe": false,
		"2002:0a00:0001::1": false, "2001:0:1::1": false, "::7f00:1": false, "198.18.0.1": false, "192.0.0.192": false, "203.0.113.9": false, "2001:db8::1": false,
	} {
		if got := recording.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v, want %v", text, got, want)
		}
	}
}

func TestOnlyWhatIsConfigured(t *testing.T) {
	t.Parallel()
	p := serve(t, audio("x"))
	for name, change := range map[string]func(*canary.Contact){
		"another provider": func(c *canary.Contact) { c.Ear = "phone/plivo" },
		"unverified":       func(c *canary.Contact) { c.Unverified = true },
		"no address":       func(c *canary.Contact) { c.Facts = nil },
	} {
		c := newCore(p.srv.URL + "/2010/RE1")
		change(&c.calls[0])
		c.sweep(t, c.fetcher(t, p, nil))
		if len(c.kept) != 0 || len(p.asked()) != 0 {
			t.Errorf("%s: fetched", name)
		}
	}
	if _, err := recording.New(recording.Config{Accounts: []recording.Account{{Kind: "sinch", Password: "hunter2"}}}); !errors.Is(err, recording.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a kind without hosts: %v", err)
	}
}

// TestPlaces: the providers' own hosts, and names that look like them.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"twilio https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1":              true,
		"twilio https://API.TWILIO.COM:443/RE1":                                             true,
		"twilio https://api.ie1.twilio.com/RE1":                                             true,
		"twilio https://api.twilio.com:8443/RE1":                                            false,
		"twilio https://eviltwilio.com/RE1":                                                 false,
		"twilio https://api.twilio.com.evil.example/RE1":                                    false,
		"twilio https://api.twilio.com@evil.example/RE1":                                    false,
		"twilio https://evil.example/#.twilio.com":                                          false,
		"twilio https://evil.example/.twilio.com":                                           false,
		"plivo https://aps1.media.plivo.com/v1/Account/MA/Recording/1.mp3":                  true,
		"plivo https://api.twilio.com/RE1":                                                  false,
		"telnyx https://s3.amazonaws.com/telephony-recorder-prod/a/1.wav?X-Amz-Expires=600": true,
		"telnyx https://s3.amazonaws.com/telephony-recorder-prod-evil/1.wav":                false,
		"telnyx https://s3.amazonaws.com/evil/telephony-recorder-prod/1.wav":                false,
		"telnyx https://evil.s3.amazonaws.com/telephony-recorder-prod/1.wav":                false,
	} {
		kind, address, _ := strings.Cut(address, " ")
		got, err := recording.Place(address, recording.Hosts()[kind])
		if want != (err == nil) || err != nil && !errors.Is(err, recording.ErrRefused) || err == nil && !strings.EqualFold(got, address) {
			t.Errorf("%s %s: %q, %v", kind, address, got, err)
		}
	}
}

func TestFailuresShowNoAddress(t *testing.T) {
	t.Parallel()
	p := serve(t, audio("x"))
	p.srv.Close()
	c := newCore(p.srv.URL + "/2010/REsecret")
	var out bytes.Buffer
	f := c.fetcher(t, p, func(cfg *recording.Config) { cfg.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	c.sweep(t, f)
	if out.Len() == 0 || strings.Contains(out.String(), "REsecret") || strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "4155550") {
		t.Errorf("logged %s", out.String())
	}
}
