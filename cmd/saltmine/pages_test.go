package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"saltmine/internal/canary"
)

// TestEscalation: where the first route fails, the second is paged, and the
// verdict is told to it; check and pager test say which of the two works.
func TestEscalation(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 4)
	var asked atomic.Int64
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	s.write("slack.url", broken.URL+"/services/T0/B0/hunter2")
	s.configure("after = \"1h\"\n[[route]]\nkind = \"slack\"\nname = \"first\"\nsecret_file = \"slack.url\"\n[pager]\naccept_within = \"1s\"\n")
	if out := s.fails(exitFailed, "check"); !strings.Contains(out, "FAILED  route first (slack): status 500") || !strings.Contains(out, "ok      route on-call (webhook)") {
		t.Errorf("check says\n%s", out)
	}
	out := s.fails(exitFailed, "pager", "test")
	if !strings.Contains(out, "ok      on-call: status 200") || !strings.Contains(out, "FAILED  first: status 500") || strings.Contains(out, "hunter2") {
		t.Errorf("pager test says\n%s", out)
	}
	if _, raw := s.hook.received(); !strings.Contains(raw, `"test":true`) {
		t.Errorf("the test page was %s", raw)
	}
	s.fails(exitUsage, "pager", "test", "--route", "nobody")

	srv := s.serve()
	c := s.dialSMTP(srv)
	if err := errors.Join(c.Hello("localhost"), c.Mail("bob@scam.test"), c.Rcpt(prey[0].email)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("From: bob@scam.test\r\nSubject: hello\r\n\r\nhello\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), c.Quit()); err != nil {
		t.Fatal(err)
	}
	var incident canary.IncidentID
	eventually(t, "the second route is paged", func() bool {
		pages, _ := s.hook.received()
		for _, p := range pages {
			if p.Incident != "" {
				incident = p.Incident
			}
		}
		return incident != ""
	})
	s.run("ack", string(incident))
	if ack, err := reg.AckOf(t.Context(), string(incident)); err != nil || ack.Via != "cli" || ack.Who == "" {
		t.Errorf("acknowledged: %+v, %v", ack, err)
	}
	if out := s.run("incident", "split", string(incident)); !strings.Contains(out, "stands by itself") {
		t.Errorf("what is merged with nothing: %s", out)
	}
	s.run("verdict", string(incident), "noise")
	eventually(t, "the second route is told that it is closed", func() bool {
		_, raw := s.hook.received()
		return strings.Contains(raw, `"incident.resolved"`) && strings.Contains(raw, `"verdict":"noise"`)
	})
	pages, raw := s.hook.received()
	for _, p := range pages {
		if p.Incident != "" && (p.Sure == "" || len(p.Window) == 0) {
			body, _ := json.Marshal(p) // to show it
			t.Errorf("a page without how sure, or when: %s", body)
		}
	}
	if strings.Contains(raw, prey[0].email) || asked.Load() < 3 {
		t.Errorf("%d attempts at the first route; pages: %s", asked.Load(), raw)
	}
}
