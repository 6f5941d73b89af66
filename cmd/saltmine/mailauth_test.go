package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"saltmine/internal/canary"
)

// TestMailauth sends a mail to a canary while the resolver is silent: the page
// goes out all the same. When the resolver answers, trace and console say what
// is proved of the sender, and it can be proved again.
func TestMailauth(t *testing.T) {
	t.Parallel()
	s, reg, prey := planted(t, 4)
	var asked atomic.Int64
	answering := make(chan struct{})
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resolver := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		<-answering
		m := new(dns.Msg).SetReply(q)
		if name := q.Question[0].Name; name == "scam.test." {
			rr, _ := dns.NewRR(`scam.test. 300 IN TXT "v=spf1 ip4:127.0.0.1 -all"`)
			m.Answer = append(m.Answer, rr)
		} else {
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m) //nolint:errcheck // whoever asked sees it
	})}
	go resolver.ActivateAndServe()            //nolint:errcheck // the end of the test ends it
	t.Cleanup(func() { resolver.Shutdown() }) //nolint:errcheck // nothing depends on it
	s.configure("[core.mailauth]\nresolver = \"" + pc.LocalAddr().String() + "\"")
	srv := s.serve()

	c := s.dialSMTP(srv)
	if err := errors.Join(c.Hello("localhost"), c.Mail("bob@scam.test"), c.Rcpt(prey[0].email)); err != nil {
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
	eventually(t, "it is paged, and the resolver asked", func() bool {
		pages, _ := s.hook.received()
		return len(pages) == 1 && asked.Load() > 0
	})
	close(answering)
	var id canary.ContactID
	eventually(t, "the sender was looked at", func() bool {
		for _, c := range s.contacts(reg) {
			if m, err := reg.MailOf(t.Context(), c.ID); err == nil && m.Report != nil {
				id = c.ID
			}
		}
		return id != ""
	})
	const want = "SPF pass (envelope scam.test)"
	if out := s.run("trace"); !strings.Contains(out, want) || !strings.Contains(out, "DKIM none") || !strings.Contains(out, "DMARC none (from scam.test)") {
		t.Errorf("trace says\n%s", out)
	}
	if out := s.run("mailauth", string(id)); !strings.Contains(out, want) || !strings.Contains(out, "from these alone: the same") {
		t.Errorf("mailauth says\n%s", out)
	}
	var shown struct {
		Report struct {
			Answers []struct{ Name, Type, Rcode string }
		} `json:"report"`
	}
	if err := json.Unmarshal([]byte(s.run("mailauth", string(id), "--output", "json")), &shown); err != nil || len(shown.Report.Answers) < 2 || shown.Report.Answers[0].Rcode != "NOERROR" {
		t.Errorf("%+v, %v", shown, err)
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
	if page, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(page), want) {
		t.Errorf("the console shows\n%s\n%v", page, err)
	}
	s.fails(1, "mailauth", "k_nobody-0000")
}
