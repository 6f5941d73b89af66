package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"saltmine/internal/seal"
)

// TestPictures mails a canary and a placebo, knocks at another canary, and finds all of
// it in the trace's picture, in its text and on the console's page.
func TestPictures(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 4)
	keys, err := seal.Load(s.path("keys"))
	if err != nil {
		t.Fatal(err)
	}
	srv := s.serve()
	c := s.dialSMTP(srv)
	send := func(to string, data bool) {
		t.Helper()
		err := errors.Join(c.Reset(), c.Mail("bob@scam.test"), c.Rcpt(to))
		if data && err == nil {
			wr, dataErr := c.Data()
			if err = dataErr; err == nil {
				_, err = io.WriteString(wr, "From: bob@scam.test\r\nSubject: hello\r\n\r\nhello\r\n")
				err = errors.Join(err, wr.Close())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	send(prey[0].email, true)
	send(s.placebos(keys)[0], true)
	send(prey[1].email, true)
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all three are filed", func() bool { return s.filed(reg)["smtp"] == 3 })

	text := s.run("trace", "--svg", s.path("trace.svg"))
	for _, want := range []string{"access window", "x first contact", "Tokens that could be read then and stayed silent: ", "smtp                     3 |", "p contact with a placebo"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %q:\n%s", want, text)
		}
	}
	svg := s.read("trace.svg")
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Errorf("%v in %s", err, svg)
	}
	list, err := reg.Incidents(t.Context(), 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.addrs["api"]+"/incidents/"+string(list[0].ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{svg, string(page)} {
		for _, want := range []string{"Access window: when the extract was taken", ">contact with a placebo</text>", ">access window</text>"} {
			if !strings.Contains(body, want) {
				t.Errorf("no %s in\n%s", want, body)
			}
		}
		if strings.Contains(body, prey[0].email) || strings.Contains(body, prey[0].phone) {
			t.Error("a token is drawn")
		}
	}
	if out := s.fails(1, "trace", "--svg", s.path("trace.svg")); !strings.Contains(out, "file exists") {
		t.Errorf("it says %s", out)
	}
	s.fails(2, "trace", "--svg", "x.svg", "--scenario", "y")
}
