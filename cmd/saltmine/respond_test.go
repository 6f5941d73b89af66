package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/response"
)

// TestRespond: a mail to a canary runs a command, the core is killed in the middle, and
// after its restart the response is unknown, told, and begun again only by a person's
// word. A verdict waits for one; a dry run does nothing.
func TestRespond(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 4)
	script := s.path("suspend")
	s.write("suspend", "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\ncat >>begun; echo >>begun\nwhile [ ! -e go ]; do sleep .05; done\necho suspended")
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	rule := func(name, on, more string) string {
		return "[[response]]\nname = \"" + name + "\"\non = \"" + on + "\"\ncommand = [\"" + script + "\"]\nmin_interval = \"0s\"\n" + more + "\n"
	}
	s.configure(rule("suspend", "severity:P2", "dry_run = false\nconfirm = false\ntimeout = \"1m\"") + rule("ask", "verdict:leak", "dry_run = false") + rule("think", "severity:P2", "confirm = false"))
	wants(t, s.run("check"), "response suspend (severity:P2, at once)", "response ask (verdict:leak, when a person says yes)", "response think (severity:P2, dry run: nothing is done)")
	srv := s.serve()
	eventually(t, "the rules are armed", func() bool { return strings.Count(s.run("acts", "--limit", "0"), "armed on ") == 3 })
	c := s.dialSMTP(srv)
	if err := errors.Join(c.Mail("bob@scam.test"), c.Rcpt(prey[0].email)); err != nil {
		t.Fatal(err)
	}
	wr, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(wr, "From: bob@scam.test\r\nSubject: hello\r\n\r\nhello\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(wr.Close(), c.Quit()); err != nil {
		t.Fatal(err)
	}
	begun := func() []string {
		text, _ := os.ReadFile(s.path("begun"))
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	eventually(t, "the command is begun", func() bool { return begun()[0] != "" })
	srv.kill()
	wants(t, s.run("respond", "list"), "begun", "suspend")
	s.write("go", "")
	srv = s.serve()
	state := func(rule string) (r canary.Response) {
		t.Helper()
		var list []canary.Response
		if err := json.Unmarshal([]byte(s.run("respond", "list", "--output", "json")), &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Rule == rule {
				return r
			}
		}
		return r
	}
	eventually(t, "it is unknown", func() bool { return state("suspend").State == canary.ResponseUnknown })
	eventually(t, "somebody is told", func() bool {
		_, raw := s.hook.received()
		return strings.Contains(raw, "whether it was done is not known")
	})
	if n := len(begun()); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
	id := string(state("suspend").ID)
	wants(t, s.run("respond", "confirm", id), "due")
	eventually(t, "it is done", func() bool { return state("suspend").State == canary.ResponseDone })
	wants(t, s.run("respond", "show", id), "exit 0", "suspended", "attempt 2", `"incident":"i_`)
	wants(t, s.fails(exitFailed, "respond", "confirm", id), "nothing is to be decided")
	if think := state("think"); think.State != canary.ResponseDry || !strings.HasPrefix(think.Outcome, "dry run: "+script) {
		t.Errorf("%+v", think)
	}
	inc := state("suspend").Incident
	s.run("verdict", string(inc), "leak")
	eventually(t, "the verdict's waits", func() bool { return state("ask").State == canary.ResponseWaiting })
	wants(t, s.run("respond", "list", "--open"), "waiting", "1 responses")
	wants(t, s.run("notices"), "response ask waits for a person's yes about incident "+string(inc))
	wants(t, s.run("respond", "confirm", string(state("ask").ID)), "due")
	eventually(t, "it is done", func() bool { return state("ask").State == canary.ResponseDone })
	given := begun()
	if len(given) != 3 {
		t.Fatalf("%d commands were begun", len(given))
	}
	var facts response.Facts
	if err := json.Unmarshal([]byte(given[2]), &facts); err != nil || facts.Incident != inc || facts.Verdict != canary.Leak || facts.Place != "db:main" || facts.Confirmed == "" || !strings.HasSuffix(facts.Link, string(inc)) {
		t.Errorf("%v: %+v", err, facts)
	}
	for _, p := range prey {
		if all := strings.Join(given, ""); strings.Contains(all, p.email) || strings.Contains(all, p.phone) || strings.Contains(all, string(p.id)) {
			t.Error("a canary is among the facts")
		}
	}
	wants(t, s.run("respond", "try", "ask"), "would do: "+script, `"rule":"ask"`)
	s.fails(exitUsage, "respond", "try", "nobody")
	wants(t, string(s.get("http://"+srv.addrs["admin"]+"/metrics")), `saltmine_responses{response="ask",state="done"} 1`, `saltmine_responses{response="think",state="dry"} 1`)
	wants(t, s.run("acts", "--about", id), "begun: suspend", "unknown: ", "confirmed", "done: exit 0 output ")
	wants(t, s.run("acts", "--verify"), "whole")
	if _, err := reg.Response(t.Context(), canary.ResponseID(id)); err != nil {
		t.Error(err)
	}
}

// TestConfirmable: nobody says yes to what would not be done.
func TestConfirmable(t *testing.T) {
	t.Parallel()
	cfg := &conf.Config{Responses: []conf.Response{{Name: "does"}, {Name: "thinks", DryRun: true}}}
	for rule, want := range map[string]string{"does": "", "thinks": "is a dry run now", "gone": "no [[response]] is called"} {
		err := confirmable(cfg, &canary.Response{ID: "r_1", Rule: rule})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", rule, err, want)
		}
	}
}
