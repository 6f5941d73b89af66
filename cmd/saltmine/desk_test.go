package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
)

// TestHelpDesk has an agent at the page of a running serve look up planted and
// other numbers: the answers are the same in bytes and time, the agent's token
// opens nothing else, and the run of look-ups is an incident that a responder
// sees, across a kill, once.
func TestHelpDesk(t *testing.T) {
	t.Parallel()
	s, _, all := planted(t, 20)
	s.with("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[api]\n", "[api]\npeople_file = \"people.txt\"\n", 1))
	if err := os.Remove(s.path("agents.txt")); err != nil {
		t.Fatal(err)
	}
	agent := strings.TrimSpace(s.run("agent", "j.doe", "--file", s.path("agents.txt")))
	responder := strings.TrimSpace(s.run("agent", "d.ops", "--file", s.path("people.txt"), "--role", "responder"))
	seeder := strings.TrimSpace(s.run("agent", "sue", "--file", s.path("people.txt"), "--role", "seeder"))
	var numbers []string // planted and free ones in turn
	for i := range 150 {
		p := all[i%len(all)]
		if p.ticket != "" {
			numbers = append(numbers, p.ticket, fmt.Sprint(88_000_000+i*i*7%100_000))
		}
	}
	srv := s.serve()
	d := deskOf(t, srv.addrs["ticket"], agent)
	seen := map[string]bool{}
	var took [2][]float64
	for i, number := range slices.Concat(numbers, []string{"--", "no number", "' OR 1=1"}) {
		began := time.Now()
		seen[d.enter(number)] = true
		if i < len(numbers) {
			took[i%2] = append(took[i%2], time.Since(began).Seconds())
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d different answers: %v", len(seen), seen)
	}
	if score := welchT(took[0], took[1]); math.Abs(score) > 4.5 {
		t.Errorf("planted and free numbers: Welch t = %.1f", score)
	}
	for token, want := range map[string]int{"": 401, agent: 401, seeder: 403, responder: 200} {
		if status, _ := d.get("http://"+srv.addrs["api"]+"/v1/incidents", token); status != want {
			t.Errorf("console: status %d, want %d", status, want)
		}
	}
	run := func() (found []canary.Incident) {
		_, body := d.get("http://"+srv.addrs["api"]+"/v1/incidents", responder)
		var list []canary.Incident
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		for _, inc := range list {
			if inc.Place == canary.AtDesk("j.doe") {
				found = append(found, inc)
			}
		}
		return found
	}
	eventually(t, "the run of look-ups is an incident", func() bool { return len(run()) == 1 && run()[0].Severity == canary.P2 })
	if status, page := d.get("http://"+srv.addrs["api"]+"/incidents/"+string(run()[0].ID), responder); status != http.StatusOK || !strings.Contains(page, "They lead to no extract") {
		t.Errorf("the incident's page: status %d: %s", status, page)
	}
	srv.kill()
	srv = s.serve()
	d = deskOf(t, srv.addrs["ticket"], agent)
	d.enter(numbers[0])
	eventually(t, "after a restart the look-ups are one incident's", func() bool {
		list := run()
		return len(list) == 1 && list[0].Support >= len(numbers)/2
	})
	for _, p := range all {
		if p.ticket != "" && strings.Contains(srv.log.String(), p.ticket) {
			t.Error("the log shows a number")
		}
	}
}

// deskPage is a browser at the help desk's page.
type deskPage struct {
	t            *testing.T
	client       *http.Client
	home, cookie string
	form         string
}

func deskOf(t *testing.T, addr, token string) *deskPage {
	t.Helper()
	d := &deskPage{t: t, home: "http://" + addr, client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	resp, _ := d.do(http.MethodPost, "/login", url.Values{"token": {token}}.Encode())
	d.cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	_, page := d.do(http.MethodGet, "/", "")
	found := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("not logged in: status %d", resp.StatusCode)
	}
	d.form = found[1]
	return d
}

func (d *deskPage) do(method, path, body string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.home+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", d.cookie) // by hand: such a cookie goes over TLS alone
	resp, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(text)
}

// enter gives all that an agent gets for a number, but the date.
func (d *deskPage) enter(number string) string {
	d.t.Helper()
	resp, text := d.do(http.MethodPost, "/", url.Values{"form": {d.form}, "ticket": {number}, "caller": {"+12025550143"}}.Encode())
	resp.Header.Del("Date")
	return fmt.Sprint(resp.StatusCode, resp.Header, text)
}

func (d *deskPage) get(address, token string) (int, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// welchT compares two samples without their slowest tenth.
func welchT(a, b []float64) float64 {
	mean := func(list []float64) (m, v float64) {
		list = slices.Sorted(slices.Values(list))[:len(list)*9/10]
		for _, x := range list {
			m += x / float64(len(list))
		}
		for _, x := range list {
			v += (x - m) * (x - m) / float64(len(list)-1) / float64(len(list))
		}
		return m, v
	}
	ma, va := mean(a)
	mb, vb := mean(b)
	return (ma - mb) / math.Sqrt(va+vb)
}
