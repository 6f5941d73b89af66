package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The keys of RFC 8463 appendix A, whose mail is the company's own here.
const (
	ownKeyName = "brisbane._domainkey.football.example.com."
	ownKey     = `"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`
)

// TestOwnMail sends a signed mail of the company's to a canary, and the same with
// one word changed: the first is counted and wakes nobody, the second pages and
// says what it claims to be.
func TestOwnMail(t *testing.T) {
	t.Parallel()
	mail, err := os.ReadFile("../../internal/mailauth/testdata/rfc8463.eml")
	if err != nil {
		t.Fatal(err)
	}
	s, reg, prey := planted(t, 4)
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resolver := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == ownKeyName && q.Question[0].Qtype == dns.TypeTXT {
			rr, _ := dns.NewRR(ownKeyName + " 300 IN TXT " + ownKey)
			m.Answer = append(m.Answer, rr)
		} else {
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m) //nolint:errcheck // whoever asked sees it
	})}
	go resolver.ActivateAndServe()            //nolint:errcheck // the end of the test ends it
	t.Cleanup(func() { resolver.Shutdown() }) //nolint:errcheck // nothing depends on it
	s.configure("[core.mailauth]\nresolver = \"" + pc.LocalAddr().String() + "\"\n\n[[own]]\nname = \"newsletter\"\ndomains = [\"football.example.com\"]\nalways = true\n")
	if out := s.run("own"); !strings.Contains(out, "no mail of the company's own") {
		t.Errorf("own says %q", out)
	}
	srv := s.serve()
	send := func(to string, raw []byte) {
		t.Helper()
		c := s.dialSMTP(srv)
		if err := errors.Join(c.Hello("localhost"), c.Mail("joe@football.example.com"), c.Rcpt(to)); err != nil {
			t.Fatal(err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), c.Quit()); err != nil {
			t.Fatal(err)
		}
	}
	send(prey[0].email, mail)
	eventually(t, "the company's own mail is counted", func() bool {
		return strings.Contains(get(t, srv.addrs["admin"], "/metrics"), `saltmine_own_mails{sender="newsletter",expected="yes"} 1`)
	})
	if list, err := reg.Incidents(t.Context(), 5); err != nil || len(list) > 0 {
		t.Errorf("it makes incidents: %+v, %v", list, err)
	}
	if out := s.run("own"); !strings.Contains(out, "newsletter") || !strings.Contains(out, " 1          0 ") {
		t.Errorf("own says %q", out)
	}
	send(prey[1].email, bytes.ReplaceAll(mail, []byte("hungry"), []byte("thirsty")))
	eventually(t, "the other is paged", func() bool {
		pages, _ := s.hook.received()
		return len(pages) == 1
	})
	list, err := reg.Incidents(t.Context(), 5)
	if err != nil || len(list) != 1 || !strings.Contains(strings.Join(list[0].Reasons, "\n"), "newsletter and is not signed by it") {
		t.Errorf("%+v, %v", list, err)
	}
}
