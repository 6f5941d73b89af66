package rdap_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"saltmine/internal/inventory/rdap"
)

const good = `{"objectClassName": "domain", "events": [
 {"eventAction": "registration", "eventDate": "2001-08-01T00:00:00Z"},
 {"eventAction": "expiration", "eventDate": "2027-08-01T02:00:00+02:00"}],
 "entities": [{"roles": ["technical"], "vcardArray": ["vcard", [["fn", {}, "text", "Nobody"]]]},
 {"roles": ["registrar"], "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Example\u001b[1m Registrar"]]]}]}`

// world is a registry: its list of servers and its answers by path.
type world struct {
	*httptest.Server
	lists atomic.Int32
}

func start(t *testing.T, answers map[string]http.HandlerFunc) (*world, *rdap.Client) {
	t.Helper()
	w := &world{}
	mux := http.NewServeMux()
	w.Server = httptest.NewTLSServer(mux)
	t.Cleanup(w.Close)
	mux.HandleFunc("/dns.json", func(rw http.ResponseWriter, _ *http.Request) {
		w.lists.Add(1)
		fmt.Fprintf(rw, `{"services": [[["com"], ["http://open.example/", "%[1]s/com/v1/"]], [["NET", "example"], ["%[1]s/net"]], [["odd"]], [["open"], ["http://open.example/"]]]}`, w.URL) //nolint:errcheck // the client tells
	})
	for path, h := range answers {
		mux.HandleFunc(path, h)
	}
	return w, rdap.New(rdap.Config{Client: w.Client(), Servers: w.URL + "/dns.json"})
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) } //nolint:errcheck // the client tells
}

func TestDomain(t *testing.T) {
	t.Parallel()
	w, c := start(t, map[string]http.HandlerFunc{
		"/com/v1/domain/one.com":       says(good),
		"/net/domain/two.net":          says(`{}`),
		"/net/domain/three.co.example": http.RedirectHandler("/net/domain/two.net", http.StatusFound).ServeHTTP,
	})
	got, err := c.Domain(t.Context(), "one.com")
	if want := (rdap.Registration{Expires: time.Date(2027, 8, 1, 0, 0, 0, 0, time.UTC), Registrar: "Example[1m Registrar"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, name := range []string{"two.net", "three.co.example"} {
		if got, err := c.Domain(t.Context(), name); err != nil || got != (rdap.Registration{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if n := w.lists.Load(); n != 1 {
		t.Errorf("the list of servers was read %d times", n)
	}
}

func TestDomainRefuses(t *testing.T) {
	t.Parallel()
	hops := 0
	_, c := start(t, map[string]http.HandlerFunc{
		"/net/domain/plain.net":  http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP,
		"/net/domain/broken.net": says(`{"events": 7}`),
		"/net/domain/huge.net":   says(strings.Repeat(" ", 1<<20) + "{}"),
		"/net/domain/busy.net":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"/net/domain/circular.net": func(w http.ResponseWriter, r *http.Request) {
			hops++
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
	})
	for name, want := range map[string]string{
		"nobody.net": "no registration data", "x.zone": "its zone has no server", "x.open": "its zone has no server", "x.odd": "its zone has no server",
		"plain.net": "not an https address", "broken.net": "not understood", "huge.net": "more than 1048576 bytes", "busy.net": "answers 429", "circular.net": "too many redirects",
	} {
		_, err := c.Domain(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if unknown := strings.HasPrefix(want, "no ") || strings.HasPrefix(want, "its "); errors.Is(err, rdap.ErrUnknown) != unknown {
			t.Errorf("%s: unknown is %v", name, !unknown)
		}
	}
	if hops != 4 {
		t.Errorf("%d redirects were followed, 3 and the first request wanted", hops)
	}
	open := rdap.New(rdap.Config{Servers: "http://127.0.0.1:1/dns.json"})
	if _, err := open.Domain(t.Context(), "one.com"); err == nil || !strings.Contains(err.Error(), "not an https address") {
		t.Errorf("a list over http: %v", err)
	}
}

// FuzzAnswer gives anything for an answer: it is refused, or understood to be
// something that can be stored and printed.
func FuzzAnswer(f *testing.F) {
	f.Add(good)
	f.Add(`{"events":[{"eventAction":"expiration","eventDate":"0001-01-01T00:00:00Z"}],"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn"]]]}]}`)
	f.Add(`{"entities":[{"roles":["registrar"],"vcardArray":7}]}`)
	var text atomic.Value
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dns.json" {
			fmt.Fprintf(w, `{"services": [[["net"], ["https://%s/"]]]}`, r.Host) //nolint:errcheck // the client tells
			return
		}
		io.WriteString(w, text.Load().(string)) //nolint:errcheck // the client tells
	}))
	f.Cleanup(srv.Close)
	c := rdap.New(rdap.Config{Client: srv.Client(), Servers: srv.URL + "/dns.json"})
	f.Fuzz(func(t *testing.T, answer string) {
		text.Store(answer)
		r, err := c.Domain(t.Context(), "one.net")
		if err != nil {
			return
		}
		if !json.Valid([]byte(answer)) || len([]rune(r.Registrar)) > 100 || strings.ContainsFunc(r.Registrar, unicode.IsControl) {
			t.Errorf("took %+v", r)
		}
	})
}
