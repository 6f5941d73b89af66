package console_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/people"
	"saltmine/internal/webhook"
)

// clock goes on an hour at each look, so that nobody fails too often.
func clock() func() time.Time {
	var hours atomic.Int64
	return func() time.Time { return inc().Opened.Add(time.Duration(hours.Add(1)) * time.Hour) }
}

// TestLooksAreRecorded before they are answered: with whose, of which page, and
// nothing that strangers write.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	var got []string
	fails := false
	s := serve(t, func(c *console.Config) {
		c.Door = people.New([]people.Person{{Name: "ops", Sum: webhook.TokenSum("ops-0123456789abcdef"), Roles: []people.Role{people.Responder}}}, clock())
		c.Record = func(_ context.Context, a canary.Act) error {
			if fails {
				return errDown
			}
			got = append(got, strings.Join([]string{a.Who, a.Via, a.What, a.About, a.Outcome}, "|"))
			return nil
		}
	})
	look := func(path, token string) *http.Response {
		t.Helper()
		res, _ := askAs(t, s, http.MethodGet, path, func(r *http.Request) { r.SetBasicAuth("ops", token) })
		return res
	}
	look("/incidents/"+string(inc().ID), "ops-0123456789abcdef")
	look("/zzmark?zzmark", "ops-0123456789abcdef")
	look("/notices", "zzmark")
	want := "ops|console|GET /incidents/{id}|i_aaaaaaaaaaaaaaaa|shown\nops|console|a page that is not there||shown\n-|console|GET /notices||refused"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("recorded: %s", text)
	}
	fails = true
	if res := look("/", "ops-0123456789abcdef"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("not recorded, and answered %s", res.Status)
	}
}

// TestGuessing: who guesses is slowed down; responders are not.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *console.Config) {
		c.Door = people.New([]people.Person{{Name: "ops", Sum: webhook.TokenSum("ops-0123456789abcdef"), Roles: []people.Role{people.Responder}}},
			func() time.Time { return inc().Opened })
	})
	got := map[int]int{}
	for range 20 {
		res, _ := ask(t, s, http.MethodGet, "/")
		got[res.StatusCode]++
		if res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "6" {
			t.Errorf("retry after %q", res.Header.Get("Retry-After"))
		}
	}
	if got[http.StatusUnauthorized] != 10 || got[http.StatusTooManyRequests] != 10 {
		t.Errorf("%v", got)
	}
	res, _ := askAs(t, s, http.MethodGet, "/", func(r *http.Request) { r.SetBasicAuth("ops", "ops-0123456789abcdef") })
	if res.StatusCode != http.StatusOK {
		t.Errorf("a responder: %s", res.Status)
	}
}

func TestOnlyRespondersSeeIncidents(t *testing.T) {
	t.Parallel()
	hashed := webhook.HashToken("ops-0123456789abcdef")
	s := serve(t, func(c *console.Config) {
		c.Door = people.New([]people.Person{
			{Name: "ops", Sum: webhook.TokenSum(hashed), Roles: []people.Role{people.Responder}},
			{Name: "sue", Sum: webhook.TokenSum("sue-0123456789abcdef"), Roles: []people.Role{people.Seeder, people.Auditor}},
		}, clock())
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
		for _, path := range []string{"/", "/incidents/" + string(inc().ID), "/notices", "/none"} {
			resp, body := askAs(t, s, http.MethodGet, path, tc.set)
			want := tc.want
			if want == 200 && path == "/none" {
				want = 404
			}
			if resp.StatusCode != want || want >= 401 && want < 404 && strings.Contains(body, "i_aaaa") {
				t.Errorf("%s %s: status %d: %s", name, path, resp.StatusCode, body)
			}
			if want == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: browsers will not ask", name)
			}
		}
	}
}
