package mailauth_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/internal/mailauth"
)

func txt(name, text string) string {
	var parts []string
	for len(text) > 250 {
		parts = append(parts, `"`+text[:250]+`"`)
		text = text[250:]
	}
	return name + `. 300 IN TXT ` + strings.Join(append(parts, `"`+text+`"`), " ")
}

func spfZone() []string {
	zone := []string{
		txt("ip4.test", "v=spf1 ip4:192.0.2.0/24 -all"), txt("ip4.test", "another text"),
		txt("soft.test", "v=spf1 ~all"), txt("neutral.test", "v=spf1 ?all"), txt("empty.test", "v=spf1"),
		txt("six.test", "v=spf1 ip6:2001:db8::/32 a:host.test -all"),
		txt("a.test", "v=spf1 a -all"), "a.test. 300 IN A 192.0.2.7", "host.test. 300 IN AAAA 2001:db9::7", "host.test. 300 IN A 192.0.2.8",
		txt("mx.test", "v=spf1 mx -all"), "mx.test. 300 IN MX 10 host.test.",
		txt("ptr.test", "v=spf1 ptr:in.test -all"), "9.2.0.192.in-addr.arpa. 300 IN PTR mail.in.test.", "mail.in.test. 300 IN A 192.0.2.9",
		txt("macro.test", "v=spf1 exists:%{ir}.%{v}.%{l1r-}.%{d2}.%{h} -all"), "7.2.0.192.in-addr.list.macro.test.helo.test. 300 IN A 127.0.0.2",
		txt("to.test", "v=spf1 redirect=ip4.test"), txt("two.test", "v=spf1 -all"), txt("two.test", "v=spf1 +all"),
		txt("loop.test", "v=spf1 include:loop.test -all"), txt("void.test", "v=spf1 a:no1.test a:no2.test a:no3.test +all"),
		txt("helo.test", "v=spf1 ip4:192.0.2.7 -all"), txt("bad.test", "v=spf1 frobnicate -all"), txt("gone.test", "v=spf1 include:servfail.test -all"),
		txt("alias.test", "v=spf1 include:named.test -all"), "named.test. 300 IN CNAME ip4.test.",
		txt("circle.test", "v=spf1 include:round.test -all"), "round.test. 300 IN CNAME about.test.", "about.test. 300 IN CNAME round.test.",
		txt("huge.test", "v=spf1 "+strings.Repeat("ip4:198.51.100.1 ", 3500)+"+all"),
	}
	var chain strings.Builder
	chain.WriteString("v=spf1")
	for i := range 11 {
		fmt.Fprintf(&chain, " include:n%d.test", i)
		zone = append(zone, txt(fmt.Sprintf("n%d.test", i), "v=spf1 ?all"))
	}
	return append(zone, txt("eleven.test", chain.String()+" +all"), txt("ten.test", strings.Replace(chain.String(), " include:n10.test", "", 1)+" +all"))
}

func TestSPF(t *testing.T) {
	t.Parallel()
	r := serve(t, spfZone()...)
	r.breaks("servfail.test.", dns.RcodeServerFailure)
	for _, tt := range []struct {
		ip, sender string
		want       mailauth.Result
	}{
		{"192.0.2.7", "ann@ip4.test", mailauth.Pass},
		{"192.0.3.7", "ann@ip4.test", mailauth.Fail},
		{"192.0.2.7", "ANN@IP4.Test", mailauth.Pass},
		{"192.0.2.7", "ann@soft.test", mailauth.SoftFail},
		{"192.0.2.7", "ann@neutral.test", mailauth.Neutral},
		{"192.0.2.7", "ann@empty.test", mailauth.Neutral},
		{"192.0.2.7", "ann@nothing.test", mailauth.None},
		{"2001:db8::1", "ann@six.test", mailauth.Pass},
		{"2001:db9::7", "ann@six.test", mailauth.Pass},
		{"2001:db9::8", "ann@six.test", mailauth.Fail},
		{"192.0.2.8", "ann@six.test", mailauth.Pass},
		{"192.0.2.7", "ann@a.test", mailauth.Pass},
		{"192.0.2.8", "ann@mx.test", mailauth.Pass},
		{"192.0.2.9", "ann@mx.test", mailauth.Fail},
		{"192.0.2.9", "ann@ptr.test", mailauth.Pass},
		{"192.0.2.8", "ann@ptr.test", mailauth.Fail},
		{"192.0.2.7", "list-17@macro.test", mailauth.Pass},
		{"192.0.2.7", "other-17@macro.test", mailauth.Fail},
		{"192.0.2.7", "ann@to.test", mailauth.Pass},
		{"192.0.2.7", "ann@two.test", mailauth.PermError},
		{"192.0.2.7", "ann@loop.test", mailauth.PermError},
		{"192.0.2.7", "ann@ten.test", mailauth.Pass},
		{"192.0.2.7", "ann@eleven.test", mailauth.PermError},
		{"192.0.2.7", "ann@void.test", mailauth.PermError},
		{"192.0.2.7", "ann@bad.test", mailauth.PermError},
		{"192.0.2.7", "ann@gone.test", mailauth.TempError},
		{"192.0.2.7", "ann@servfail.test", mailauth.TempError},
		{"192.0.2.7", "ann@alias.test", mailauth.Pass},
		{"192.0.2.7", "ann@circle.test", mailauth.PermError},
		{"192.0.2.7", "ip4.test@two.test", mailauth.PermError},
		{"192.0.2.7", "a@ip4.test@two.test", mailauth.PermError},
	} {
		report := r.judge(t, from(tt.ip, "helo.test", tt.sender))
		if n := len(report.SPF); n != 2 {
			t.Fatalf("%s: %d results, 2 wanted", tt.sender, n)
		}
		if got := report.SPF[1]; got.Result != tt.want || got.Scope != "mailfrom" {
			t.Errorf("%s from %s: %+v, want %s", tt.sender, tt.ip, got, tt.want)
		}
		wantHelo := mailauth.Fail
		if tt.ip == "192.0.2.7" {
			wantHelo = mailauth.Pass
		}
		if got := report.SPF[0]; got.Result != wantHelo || got.Domain != "helo.test" {
			t.Errorf("%s from %s: %+v, want %s", tt.sender, tt.ip, got, wantHelo)
		}
		if got := report.Temporary(); got != (tt.want == mailauth.TempError) {
			t.Errorf("%s: to be tried again: %v", tt.sender, got)
		}
	}
}

// TestHugeText: more than fits into a datagram is asked for over TCP, and what
// is beyond the bound of a text is not read.
func TestHugeText(t *testing.T) {
	t.Parallel()
	report := serve(t, spfZone()...).judge(t, from("192.0.2.7", "", "ann@huge.test"))
	if got := report.SPF[0]; got.Result == mailauth.Pass || got.Result == mailauth.TempError {
		t.Errorf("%+v; the end of the record is beyond what is read", got)
	}
}

func TestNullSenderIsTheHelo(t *testing.T) {
	t.Parallel()
	r := serve(t, append(spfZone(), txt("_dmarc.helo.test", "v=DMARC1; p=reject; aspf=s"))...)
	m := from("192.0.2.7", "helo.test", "")
	m.Raw = []byte("From: postmaster@helo.test\r\n\r\n")
	report := r.judge(t, m)
	if len(report.SPF) != 1 || report.SPF[0].Result != mailauth.Pass || report.DMARC.Result != mailauth.Pass || !report.DMARC.SPF {
		t.Errorf("%+v %+v", report.SPF, report.DMARC)
	}
}

func TestAMailboxsProviderIsNoSender(t *testing.T) {
	t.Parallel()
	r := serve(t, spfZone()...)
	report := r.judge(t, from("", "", "ann@soft.test"))
	if len(report.SPF) != 1 || report.SPF[0].Result != mailauth.None {
		t.Errorf("%+v", report.SPF)
	}
	for _, helo := range []string{"[192.0.2.7]", "localhost", "a b.test", strings.Repeat("a", 300) + ".test", "\x00.test"} {
		if report := r.judge(t, from("192.0.2.7", helo, "")); len(report.SPF) != 0 {
			t.Errorf("helo %q: %+v", helo, report.SPF)
		}
	}
}

// TestNoAnswer: a resolver that is silent, or not there, gives temperror.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for _, addr := range []string{silent.LocalAddr().String(), "127.0.0.1:1"} {
		m := from("192.0.2.7", "", "ann@ip4.test")
		report := mailauth.New(mailauth.Config{Resolver: addr, Now: func() time.Time { return came }}).Evaluate(ctx, m)
		if report.SPF[0].Result != mailauth.TempError || report.DMARC.Result != mailauth.TempError || !report.Temporary() {
			t.Errorf("%+v %+v", report.SPF, report.DMARC)
		}
		if len(report.Answers) == 0 || report.Answers[0].Fault == "" || report.Answers[0].At.IsZero() {
			t.Errorf("that there was no answer is not recorded: %+v", report.Answers)
		}
		replay(t, m, report)
	}
}
