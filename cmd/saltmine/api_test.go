package main

import (
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/smtp"
	"regexp"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestInterface gives people tokens, lets a stranger write to a canary, and has
// them look and decide over HTTP; then the evidence log has it all, and a change
// behind its back is found.
func TestInterface(t *testing.T) {
	t.Parallel()
	s, _, all := planted(t, 4)
	s.with("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[api]\n", "[api]\npeople_file = \"people.txt\"\n", 1))
	tokens := map[string]string{}
	for who, role := range map[string]string{"d.ops": "responder", "f.law": "forensics", "a.udit": "auditor"} {
		tokens[who] = strings.TrimSpace(s.run("agent", who, "--file", s.path("people.txt"), "--role", role))
	}
	srv := s.serve()
	call := func(who, method, path, body string, want int, into any) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+srv.addrs["api"]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+tokens[who])
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s %s as %s: status %d, %v: %s", method, path, who, resp.StatusCode, err, text)
		}
		if into != nil {
			if err := json.Unmarshal(text, into); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
		}
		return string(text)
	}
	if err := smtp.SendMail(srv.addrs["smtp"], nil, "sam@scammers.example", []string{all[0].email}, []byte("Subject: hello\r\n\r\nI know you.\r\n")); err != nil {
		t.Fatal(err)
	}
	var list []registry.Case
	eventually(t, "there is an incident", func() bool {
		call("d.ops", http.MethodGet, "/v1/incidents?state=open", "", http.StatusOK, &list)
		return len(list) == 1
	})
	at := "/v1/incidents/" + string(list[0].ID)
	var one struct {
		registry.Case
		Listed []registry.FiledContact `json:"contact_list"`
	}
	if text := call("d.ops", http.MethodGet, at, "", http.StatusOK, &one); strings.Contains(text, all[0].email) || strings.Contains(text, "sam@") {
		t.Errorf("a responder sees %s", text)
	}
	call("d.ops", http.MethodGet, at+"/trace", "", http.StatusOK, nil)
	evidence := "/v1/contacts/" + string(one.Listed[0].ID) + "/evidence"
	call("d.ops", http.MethodGet, evidence, "", http.StatusForbidden, nil)
	// There are three people, so a second one has to approve.
	call("f.law", http.MethodGet, evidence, "", http.StatusForbidden, nil)
	var asked canary.Approval
	call("f.law", http.MethodPost, "/v1/approvals", `{"what":"evidence","contact":"`+string(one.Listed[0].ID)+`"}`, http.StatusOK, &asked)
	s.write("a.udit.token", tokens["a.udit"])
	wants(t, s.run("approvals"), string(asked.ID), "f.law (api)", "evidence "+string(one.Listed[0].ID))
	wants(t, s.run("approve", string(asked.ID), "--token-file", s.path("a.udit.token")), "approved", "by a.udit")
	if text := call("f.law", http.MethodGet, evidence, "", http.StatusOK, nil); !strings.Contains(text, all[0].email) {
		t.Errorf("forensics sees %s", text)
	}
	call("nobody", http.MethodGet, at, "", http.StatusUnauthorized, nil)
	acknowledges(t, "http://"+srv.addrs["api"]+"/incidents/"+string(list[0].ID), "d.ops", tokens["d.ops"])
	call("d.ops", http.MethodGet, at, "", http.StatusOK, &one)
	said := `{"verdict":"leak","version":"` + one.Version + `"}`
	call("f.law", http.MethodPost, at+"/verdict", said, http.StatusForbidden, nil)
	call("d.ops", http.MethodPost, at+"/verdict", said, http.StatusOK, &list[0])
	call("d.ops", http.MethodPost, at+"/verdict", said, http.StatusConflict, nil)
	if list[0].Verdict != "leak" {
		t.Errorf("%+v", list[0])
	}
	text := call("a.udit", http.MethodGet, "/v1/acts?about="+string(one.ID), "", http.StatusOK, nil)
	for _, part := range []string{`"who":"d.ops","via":"api","what":"verdict"`, `"what":"POST /v1/incidents/{id}/verdict"`, `"outcome":"409"`,
		`"who":"d.ops","via":"console","what":"acknowledge"`, `"who":"d.ops","via":"console","what":"POST /incidents/{id}/acknowledge"`} {
		if !strings.Contains(text, part) {
			t.Errorf("the log has no %s: %s", part, text)
		}
	}
	wants(t, s.run("acts", "--who", "f.law"), "reveal", "GET /v1/contacts/{id}/evidence", "403")
	for who, token := range tokens {
		if strings.Contains(srv.log.String()+s.run("acts", "--limit", "0"), token) {
			t.Errorf("the token of %s is in a log", who)
		}
	}
	wants(t, srv.log.String(), "end of the evidence log", "noted=")
	s.redacts(string(one.ID), string(one.Listed[0].ID), tokens)
	srv.kill()
	s.verifiesActs()
}

// acknowledges presses the button of an incident's page as a browser does: other
// people's pages cannot, and the second time the page is an old one.
func acknowledges(t *testing.T, page, name, token string) {
	t.Helper()
	ask := func(method, address, body, site string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(name, token)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	_, text := ask(http.MethodGet, page, "", "none")
	found := regexp.MustCompile(`action="[^"]*(/acknowledge)"><input type="hidden" name="(version)" value="([^"]+)">`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no button on %s", text)
	}
	form := found[2] + "=" + found[3]
	if status, text := ask(http.MethodPost, page+found[1], form, "cross-site"); status != http.StatusForbidden {
		t.Errorf("another page: %d %s", status, text)
	}
	if status, text := ask(http.MethodPost, page+found[1], form, "same-origin"); status != http.StatusOK || !strings.Contains(text, name+" is at it since") {
		t.Errorf("acknowledged: %d %s", status, text)
	}
	if status, text := ask(http.MethodPost, page+found[1], form, "same-origin"); status != http.StatusConflict || !strings.Contains(text, "nothing was done") {
		t.Errorf("acknowledged again: %d %s", status, text)
	}
}

// redacts gives up what somebody said, which no one person can, nor anybody while
// it is held.
func (s *site) redacts(incident, contact string, tokens map[string]string) {
	t := s.t
	t.Helper()
	for who, token := range tokens {
		s.write(who+".token", token)
	}
	two := func(args ...string) string {
		t.Helper()
		args = append(args, "--token-file", s.path("f.law.token"))
		text := s.fails(exitFailed, args...)
		ask := strings.Fields(text[strings.Index(text, "a_"):])[0]
		s.run("approve", ask, "--token-file", s.path("a.udit.token"))
		return strings.Join(args, " ")
	}
	wants(t, s.run("hold", incident, "--reason", "case 4711"), incident, "case 4711")
	reason := strings.Repeat("wrong-number", 12) // it must not push the approval off the log
	wants(t, s.fails(exitUsage, "redact", contact, "--reason", reason+reason), "at most 150")
	redact := strings.Fields(two("redact", contact, "--reason", reason))
	wants(t, s.fails(exitFailed, redact...), "kept")
	s.run(strings.Fields(two("hold", incident, "--end"))...)
	wants(t, s.run("hold"), "no holds")
	wants(t, s.run(redact...), "1 redacted")
	wants(t, s.run("acts", "--about", contact), "shred", reason+" under a_", "f.law")
	wants(t, s.run("acts", "--verify"), "1 were given up")
}

// verifiesActs shows that a whole log is found whole, and one that was changed not.
func (s *site) verifiesActs() {
	t := s.t
	t.Helper()
	text := s.run("acts", "--verify")
	wants(t, text, "whole, up to ")
	noted := strings.Fields(text)[3]
	wants(t, s.run("acts", "--noted", noted), "whole, up to "+noted)
	wants(t, s.fails(exitFound, "acts", "--noted", strings.Replace(noted, ":", "9:", 1)), "there was an act")
	wants(t, s.fails(exitUsage, "acts", "--noted", "1"), "NUMBER:LINK")
	db, err := sql.Open("sqlite", "file:"+s.path("saltmine.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE acts SET who = 'mallory' WHERE what = 'verdict'"); err != nil {
		t.Fatal(err)
	}
	wants(t, s.fails(exitFound, "acts", "--verify"), "not as it was written")
	wants(t, s.fails(exitFailed, "check"), "FAILED  evidence log", "not as it was written")
}
