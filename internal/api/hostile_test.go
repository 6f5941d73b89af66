package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestHostile sends what no client of ours would. ask holds every answer against
// the description; nothing of it may come back, or into a log.
func TestHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 1)
	const mark = "%3Cscript%3Ezzmark"
	at := "/v1/incidents/" + string(incident(0))
	for path, want := range map[string]int{
		"/v1/incidents?state=" + mark:                     http.StatusBadRequest,
		"/v1/incidents?" + mark + "=1":                    http.StatusBadRequest,
		"/v1/incidents?place=db:main'%20OR%201":           http.StatusBadRequest,
		"/v1/incidents?limit=0":                           http.StatusBadRequest,
		"/v1/incidents?limit=201":                         http.StatusBadRequest,
		"/v1/incidents?limit=1e2":                         http.StatusBadRequest,
		"/v1/incidents?limit=99999999999999999999":        http.StatusBadRequest,
		"/v1/incidents?after=1":                           http.StatusBadRequest,
		"/v1/incidents?after=9999999999999999.i_aaaaaaaa": http.StatusOK,
		"/v1/incidents?after=-1.i_aaaaaaaa":               http.StatusBadRequest,
		"/v1/incidents?since=2026-08-05":                  http.StatusBadRequest,
		"/v1/incidents?since=9999-12-31T00:00:00Z":        http.StatusBadRequest,
		"/v1/incidents?a=%zz":                             http.StatusBadRequest,
		"/v1/incidents?a;b":                               http.StatusBadRequest,
		"/v1/incidents?severity=P5":                       http.StatusBadRequest,
		"/v1/incidents/" + mark:                           http.StatusNotFound,
		"/v1/incidents/i_short":                           http.StatusNotFound,
		"/v1/incidents/dana.whitfield1@example.net":       http.StatusNotFound,
		"/v1/incidents/..%2f..%2fetc%2fpasswd":            http.StatusNotFound,
		"/v1/incidents/" + strings.Repeat("i", 5000):      http.StatusNotFound,
		"/v1/incidents/i_aaaaaaaaaaaaaaaa%00":             http.StatusNotFound,
		"/v1/incidents/":                                  http.StatusNotFound,
		"/v1/nowhere/" + mark:                             http.StatusNotFound,
		"/v1/":                                            http.StatusNotFound,
		at + "?x=" + mark:                                 http.StatusBadRequest,
		at + "/verdict":                                   http.StatusMethodNotAllowed,
		at + "/trace":                                     http.StatusOK,
		"/v1/incidents/i_0000000000000001/trace":          http.StatusInternalServerError,
		"/v1/incidents/i_0000000000000002/trace":          http.StatusNotFound,
		"/v1/incidents/i_0000000000000002/contacts":       http.StatusNotFound,
	} {
		if r := w.get("responder", path, want); strings.Contains(r.body, "zzmark") || strings.Contains(r.body, "<") {
			t.Errorf("%s comes back: %s", path, r.body)
		}
	}
	version := `"version":"0123456789abcdef"`
	for body, want := range map[string]int{
		`{"verdict":"leak",` + version + `}`:                http.StatusConflict,
		`{"verdict":"zzmark",` + version + `}`:              http.StatusBadRequest,
		`{"verdict":"leak"}`:                                http.StatusBadRequest,
		`{"verdict":"leak","version":"0123456789ABCDEF"}`:   http.StatusBadRequest,
		`{"verdict":["leak"],` + version + `}`:              http.StatusBadRequest,
		`{"verdict":"leak",` + version + `,"who":"zzmark"}`: http.StatusBadRequest,
		`{"verdict":"leak",` + version + `}{}`:              http.StatusBadRequest,
		`{"verdict":"leak",` + version + "}\xff":            http.StatusBadRequest,
		"{\"verdict\":\"leak\xff\"}":                        http.StatusBadRequest,
		`null`:                                              http.StatusBadRequest,
		`[]`:                                                http.StatusBadRequest,
		`zzmark`:                                            http.StatusBadRequest,
		strings.Repeat("[", 4000):                           http.StatusBadRequest,
		`{"verdict":"leak",` + version + strings.Repeat(" ", 5000) + `}`:      http.StatusRequestEntityTooLarge,
		`{"verdict":"` + strings.Repeat("zzmark", 500) + `",` + version + `}`: http.StatusBadRequest,
	} {
		if r := w.post("responder", at+"/verdict", body, want); strings.Contains(r.body, "zzmark") {
			t.Errorf("%q comes back: %s", body, r.body)
		}
	}
	for kind, want := range map[string]int{"text/plain": 415, "application/x-www-form-urlencoded": 415, "": 415, "application/json; charset=utf-8": 409, "APPLICATION/JSON": 409} {
		if r := w.ask("responder", http.MethodPost, at+"/verdict", `{"verdict":"leak",`+version+`}`, "Content-Type", kind); r.status != want {
			t.Errorf("%q: status %d", kind, r.status)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "ZZMARK"} {
		if r := w.ask("responder", method, at, ""); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d, allowed %s", method, r.status, r.header.Get("Allow"))
		}
	}
	if r := w.ask("responder", http.MethodHead, "/v1/incidents", ""); r.status != http.StatusOK || r.body != "" || r.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %+v", r)
	}
	if log := strings.Join(w.acts(), "\n"); strings.Contains(strings.ToLower(log), "zzmark") || strings.Contains(log, "@") || strings.Contains(log, "passwd") {
		t.Errorf("on the evidence log: %s", log)
	}
	if s := w.log.String(); strings.Contains(strings.ToLower(s), "zzmark") || strings.Contains(s, "@") {
		t.Errorf("in the log: %s", s)
	}
}

// TestStrangers who guess fill nothing, and keep nobody out.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.fill(0, 1)
	got := map[int]int{}
	for range 200 {
		r := w.ask("guess", http.MethodGet, "/v1/incidents", "")
		got[r.status]++
		if r.status == http.StatusTooManyRequests && r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if got[http.StatusUnauthorized] != 10 || got[http.StatusTooManyRequests] != 190 {
		t.Errorf("%v", got)
	}
	w.get("responder", "/v1/incidents", http.StatusOK)
	w.pass(w.now().Sub(w.now()) + 6_000_000_000)
	w.get("", "/v1/nowhere", http.StatusUnauthorized)
	acts := w.acts()
	if len(acts) != 12 || acts[11] != "-|api|GET (no such path)||401, after 190 over the rate" {
		t.Errorf("%d acts, the last %q", len(acts), acts[len(acts)-1])
	}
	if slices.ContainsFunc(acts, func(s string) bool { return strings.Contains(s, "test-only") }) {
		t.Error("a token is on the evidence log")
	}
}
