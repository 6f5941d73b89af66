package console_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/internal/webhook"
)

const version = "0123456789abcdef"

// deeds notes what is done, and knows one version.
type deeds struct {
	mu   sync.Mutex
	done []string
	acts []string
	woke int
}

func (d *deeds) note(by registry.By, format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if by.Version != version && by.Version != "" {
		return registry.ErrStale
	}
	d.done = append(d.done, fmt.Sprintf(format, args...)+" by "+by.Who+" via "+by.Via)
	return nil
}

func (d *deeds) Acknowledge(_ context.Context, id canary.IncidentID, by registry.By) error {
	return d.note(by, "ack %s", id)
}

func (d *deeds) AcknowledgeNotice(_ context.Context, id canary.NoticeID, by registry.By) error {
	return d.note(by, "ack %s", id)
}

func (d *deeds) SetVerdict(_ context.Context, id canary.IncidentID, v canary.Verdict, by registry.By) error {
	return d.note(by, "%s %s", v, id)
}

func (d *deeds) Merge(_ context.Context, into, from canary.IncidentID, by registry.By) error {
	if into == from {
		return canary.ErrInvalid
	}
	return d.note(by, "merge %s into %s", from, into)
}

func (d *deeds) Split(_ context.Context, id canary.IncidentID, contacts []canary.ContactID, by registry.By) (canary.IncidentID, error) {
	if contacts != nil {
		return "", canary.ErrInvalid
	}
	return id, d.note(by, "split %s", id)
}

// TestForms: what a responder does on a page is done once, by name, with the version
// that was shown; other people's forms, other roles and old pages do nothing.
func TestForms(t *testing.T) {
	t.Parallel()
	const id = "/incidents/i_aaaaaaaaaaaaaaaa"
	for name, tc := range map[string]struct {
		path, form, from string // from is a header Sec-Fetch-Site
		token            string
		status           int
		done, act        string
	}{
		"acknowledged":           {id + "/acknowledge", "version=" + version, "same-origin", "ops", 303, "ack i_aaaaaaaaaaaaaaaa by ops via console", "ops|POST /incidents/{id}/acknowledge|i_aaaaaaaaaaaaaaaa|asked"},
		"a verdict":              {id + "/verdict", "verdict=leak&version=" + version, "same-origin", "ops", 303, "leak i_aaaaaaaaaaaaaaaa by ops via console", "ops|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|asked"},
		"merged":                 {id + "/merge", "into=i_bbbbbbbbbbbbbbbb&version=" + version, "same-origin", "ops", 303, "merge i_aaaaaaaaaaaaaaaa into i_bbbbbbbbbbbbbbbb by ops via console", "ops|POST /incidents/{id}/merge|i_aaaaaaaaaaaaaaaa|asked"},
		"taken back":             {id + "/unmerge", "version=" + version, "same-origin", "ops", 303, "split i_aaaaaaaaaaaaaaaa by ops via console", "ops|POST /incidents/{id}/unmerge|i_aaaaaaaaaaaaaaaa|asked"},
		"a notice":               {"/notices/n_aaaaaaaaaaaaaaaa/acknowledge", "", "same-origin", "ops", 303, "ack n_aaaaaaaaaaaaaaaa by ops via console", "ops|POST /notices/{id}/acknowledge|n_aaaaaaaaaaaaaaaa|asked"},
		"an old page":            {id + "/verdict", "verdict=leak&version=fedcba9876543210", "same-origin", "ops", 409, "", "ops|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|asked"},
		"no version":             {id + "/acknowledge", "", "same-origin", "ops", 400, "", "ops|POST /incidents/{id}/acknowledge|i_aaaaaaaaaaaaaaaa|asked"},
		"a verdict of their own": {id + "/verdict", "verdict=maybe&version=" + version, "same-origin", "ops", 400, "", "ops|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|asked"},
		"into what is none":      {id + "/merge", "into=../x&version=" + version, "same-origin", "ops", 400, "", "ops|POST /incidents/{id}/merge|i_aaaaaaaaaaaaaaaa|asked"},
		"into itself":            {id + "/merge", "into=i_aaaaaaaaaaaaaaaa&version=" + version, "same-origin", "ops", 409, "", "ops|POST /incidents/{id}/merge|i_aaaaaaaaaaaaaaaa|asked"},
		"too much":               {id + "/acknowledge", "version=" + version + "&x=" + strings.Repeat("x", 5000), "same-origin", "ops", 400, "", "ops|POST /incidents/{id}/acknowledge|i_aaaaaaaaaaaaaaaa|asked"},
		"other people's form":    {id + "/verdict", "verdict=noise&version=" + version, "cross-site", "ops", 403, "", "ops|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|refused"},
		"a neighbour's":          {id + "/verdict", "verdict=noise&version=" + version, "same-site", "ops", 403, "", "ops|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|refused"},
		"another role":           {id + "/verdict", "verdict=noise&version=" + version, "same-origin", "sue", 403, "", "sue|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|refused"},
		"nobody":                 {id + "/verdict", "verdict=noise&version=" + version, "same-origin", "none", 401, "", "-|POST /incidents/{id}/verdict|i_aaaaaaaaaaaaaaaa|refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &deeds{}
			s := serve(t, d.of(t, people.Responder))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+tc.path, strings.NewReader(tc.form))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", tc.from)
			r.SetBasicAuth(tc.token, tc.token+"-0123456789abcdef")
			client := *s.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			var done []string
			if tc.done != "" {
				done = []string{tc.done}
			}
			if res.StatusCode != tc.status || !slices.Equal(d.done, done) || d.woke != len(done) || !slices.Equal(d.acts, []string{tc.act}) || !guarded(res) {
				t.Errorf("%s: %s; done %q, woke %d, acts %q", res.Status, body, d.done, d.woke, d.acts)
			}
			page := id
			if strings.HasPrefix(tc.path, "/notices") {
				page = "/notices"
			}
			if tc.status == http.StatusSeeOther && res.Header.Get("Location") != page {
				t.Errorf("leads to %s", res.Header.Get("Location"))
			}
		})
	}
}

// of makes a console's forms these deeds, for ops and sue.
func (d *deeds) of(t *testing.T, role people.Role) func(*console.Config) {
	t.Helper()
	forms, err := people.Forms("https://console.example.net")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *console.Config) {
		c.Door = people.New([]people.Person{
			{Name: "ops", Sum: webhook.TokenSum("ops-0123456789abcdef"), Roles: []people.Role{role}},
			{Name: "sue", Sum: webhook.TokenSum("sue-0123456789abcdef"), Roles: []people.Role{people.Auditor}},
		}, clock())
		c.Deeds, c.Forms = d, forms
		c.Wake = func() { d.woke++ }
		c.Record = func(_ context.Context, a canary.Act) error {
			d.acts = append(d.acts, strings.Join([]string{a.Who, a.What, a.About, a.Outcome}, "|"))
			return nil
		}
	}
}

// TestFormsOnPages: each page offers what can be done, with the version; to nobody in
// particular it offers nothing, and does nothing.
func TestFormsOnPages(t *testing.T) {
	t.Parallel()
	merged, acked, closed := inc(), inc(), inc()
	merged.Merged, closed.Verdict = "i_bbbbbbbbbbbbbbbb", canary.Leak
	for name, tc := range map[string]struct {
		one  registry.Case
		want []string
	}{
		"open":         {registry.Case{Incident: inc(), Version: version}, []string{"acknowledge", "verdict", "merge"}},
		"acknowledged": {registry.Case{Incident: acked, Version: version, Ack: &registry.Ack{Who: "dana", At: time.Date(2026, 8, 5, 10, 5, 0, 0, time.UTC)}}, []string{"verdict", "merge"}},
		"closed":       {registry.Case{Incident: closed, Version: version}, []string{"acknowledge", "verdict"}},
		"merged":       {registry.Case{Incident: merged, Version: version}, []string{"unmerge"}},
	} {
		for _, named := range []bool{true, false} {
			d := &deeds{}
			s := serve(t, func(c *console.Config) {
				d.of(t, people.Responder)(c)
				c.Incident = func(context.Context, canary.IncidentID) (registry.Case, error) { return tc.one, nil }
				if !named {
					c.Door = people.New(nil, time.Now)
				}
			})
			get := func(path string) string {
				res, body := askAs(t, s, http.MethodGet, path, func(r *http.Request) { r.SetBasicAuth("ops", "ops-0123456789abcdef") })
				if res.StatusCode != http.StatusOK {
					t.Fatalf("%s: %s", path, res.Status)
				}
				return body
			}
			page, notices := get("/incidents/"+string(inc().ID)), get("/notices")
			for _, what := range []string{"acknowledge", "verdict", "merge", "unmerge"} {
				form := `<form method="post" action="/incidents/i_aaaaaaaaaaaaaaaa/` + what + `"><input type="hidden" name="version" value="` + version + `">`
				if got, want := strings.Contains(page, form), named && slices.Contains(tc.want, what); got != want {
					t.Errorf("%s, named %v: form %s %v, want %v", name, named, what, got, want)
				}
			}
			if got := strings.Contains(notices, `action="/notices/n_aaaaaaaaaaaaaaaa/acknowledge"`); got != named {
				t.Errorf("named %v: the notice's form is there: %v", named, got)
			}
			if tc.one.Ack != nil && !strings.Contains(page, "dana is at it since 2026-08-05 10:05:00 UTC") {
				t.Errorf("nobody is at it:\n%s", page)
			}
			if !named {
				res, err := s.Client().PostForm(s.URL+"/incidents/i_aaaaaaaaaaaaaaaa/acknowledge", url.Values{"version": {version}})
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusForbidden || len(d.done) > 0 {
					t.Errorf("nobody in particular did %q: %s", d.done, res.Status)
				}
			}
		}
	}
}
