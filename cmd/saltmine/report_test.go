package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"saltmine/internal/canary"
)

// TestReports has victims and an agent report at a running serve, kills it the
// moment that they are thanked, and finds each report once afterwards: joined to the
// incident of the caller's call, or an incident of its own where it names a record.
// How a reporter can be reached is on no page, and in no log.
func TestReports(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 12)
	s.with("saltmine.toml", s.read("saltmine.toml")+"[report]\nlisten = \"127.0.0.1:0\"\nagents_file = \"agents.txt\"\n")
	const one = "all strangers are one source"
	wants(t, s.run("check"), "ok      report form (", one)
	srv := s.serve()
	addr := "http://" + srv.addrs["report"]
	page := &deskPage{t: t, home: addr, client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	const own = "Edith, 01632 960999"
	if resp, text := page.do(http.MethodPost, "/report", url.Values{
		"by": {"020 7946 0018"}, "how": {"call"}, "knew": {all[0].name + " and " + all[0].ticket}, "said": {"he wanted to see my screen"}, "contact": {own},
	}.Encode()); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("form: %d: %s", resp.StatusCode, text)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, addr+"/v1/reports", strings.NewReader(fmt.Sprintf(`{"by":"+44 20 7946 0018","said":"he rang me too","contact":%q}`, own)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testAgent)
	resp, err := page.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("api: %d", resp.StatusCode)
	}
	srv.kill() // the spool has them, the registry perhaps not yet
	s.with("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[report]\n", "[report]\nproxy_from = [\"127.0.0.1\"]\n", 1))
	if out := s.run("check"); strings.Contains(out, one) {
		t.Errorf("a proxy is named, and check says: %s", out)
	}
	logs := srv.log.String()
	srv = s.serve()
	var inc canary.Incident
	eventually(t, "the report that names a record is an incident", func() bool {
		list, err := reg.Incidents(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 && list[0].Support == 1 {
			inc = list[0]
		}
		return inc.ID != ""
	})
	if inc.Severity != canary.P1 || inc.Place != "db:main" || inc.Contacts != 1 {
		t.Errorf("%+v", inc)
	}
	eventually(t, "it is paged", func() bool { return posted(s) != "" })
	counts, err := reg.ContactCounts(t.Context())
	if err != nil || counts["report"] != 4 {
		t.Errorf("contacts %v, %v: want two reports and how to reach who made them", counts, err)
	}
	const why = "the same caller +44…, at the same time"
	wants(t, s.run("incidents", "show", string(inc.ID)), "P1  "+string(inc.ID), "P4: a person reported the same caller", why)
	var shown struct {
		Joined []canary.Joined `json:"joined"`
	}
	for name, text := range map[string]string{
		"command": s.run("incidents", "show", string(inc.ID), "--output", "json"),
		"api":     s.seen(t, srv, "/v1/incidents/"+string(inc.ID)),
	} {
		if err := json.Unmarshal([]byte(text), &shown); err != nil || len(shown.Joined) != 1 || shown.Joined[0].Why != why {
			t.Errorf("%s: %v: %s", name, err, text)
		}
	}
	wants(t, strings.ReplaceAll(s.seen(t, srv, "/incidents/"+string(inc.ID)), "&#43;", "+"), "Joined by their author", why)
	for _, text := range []string{logs, srv.log.String(), posted(s), s.seen(t, srv, "/incidents/"+string(inc.ID)), s.seen(t, srv, "/v1/contacts")} {
		for _, secret := range []string{"Edith", "960999", "7946", all[0].ticket} {
			if strings.Contains(text, secret) {
				t.Errorf("%s in: %s", secret, text)
			}
		}
	}
}

// seen is a page of the console or of its interface.
func (s *site) seen(t *testing.T, srv *running, path string) string {
	t.Helper()
	d := &deskPage{t: t, client: http.DefaultClient}
	status, text := d.get("http://"+srv.addrs["api"]+path, "")
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, status, text)
	}
	return text
}

// posted is all that the webhook got.
func posted(s *site) string {
	_, raw := s.hook.received()
	return raw
}
