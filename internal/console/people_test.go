package console_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"saltmine/internal/console"
	"saltmine/internal/webhook"
)

func TestOnlyRespondersSeeIncidents(t *testing.T) {
	t.Parallel()
	hashed := webhook.HashToken("ops-0123456789abcdef")
	s := serve(t, func(c *console.Config) {
		c.People = []console.Person{
			{Name: "ops", Sum: webhook.TokenSum(hashed), Responder: true},
			{Name: "sue", Sum: webhook.TokenSum("sue-0123456789abcdef")},
		}
	})
	for name, tc := range map[string]struct {
		set  func(*http.Request)
		want int
	}{
		"nobody":              {func(*http.Request) {}, 401},
		"a responder":         {func(r *http.Request) { r.SetBasicAuth("ops", "ops-0123456789abcdef") }, 200},
		"a program of his":    {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ops-0123456789abcdef") }, 200},
		"under another name":  {func(r *http.Request) { r.SetBasicAuth("sue", "ops-0123456789abcdef") }, 401},
		"with the hash":       {func(r *http.Request) { r.SetBasicAuth("ops", hashed) }, 401},
		"with nothing":        {func(r *http.Request) { r.SetBasicAuth("ops", "") }, 401},
		"another role":        {func(r *http.Request) { r.SetBasicAuth("sue", "sue-0123456789abcdef") }, 403},
		"a help-desk agent's": {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ann-0123456789abcdef") }, 401},
	} {
		for _, path := range []string{"/", "/incidents/" + string(inc().ID), "/notices", "/v1/incidents", "/v1/notices", "/v1/incidents/" + string(inc().ID) + "/trace", "/none"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			tc.set(r)
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want := tc.want
			if want == 200 && path == "/none" {
				want = 404
			}
			if resp.StatusCode != want || want >= 401 && want < 404 && strings.Contains(string(body), "i_aaaa") {
				t.Errorf("%s %s: status %d: %s", name, path, resp.StatusCode, body)
			}
			if want == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: browsers will not ask", name)
			}
		}
	}
}
