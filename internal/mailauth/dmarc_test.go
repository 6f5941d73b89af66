package mailauth_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/miekg/dns"

	"saltmine/internal/mailauth"
)

// TestAlignment: which of the two identifiers is aligned with From, by the
// modes that the domain asks for.
func TestAlignment(t *testing.T) {
	t.Parallel()
	_, edKey, _, edText := keys(t)
	zone := []string{
		txt("_dmarc.example.org", "v=DMARC1; p=reject; sp=quarantine"), txt("_dmarc.strict.org", "v=DMARC1; p=reject; adkim=s; aspf=s"),
		txt("_dmarc.bbc.co.uk", "v=DMARC1; p=none"), txt("_dmarc.own.example.org", "v=DMARC1; p=none"),
		txt("_dmarc.broken.org", "v=DMARC1; p=perhaps"), txt("_dmarc.double.org", "v=DMARC1; p=none"), txt("_dmarc.double.org", "v=DMARC1; p=reject"),
		txt("_dmarc.xn--bcher-kva.example", "v=DMARC1; p=reject"), txt("_dmarc.co.uk", "v=DMARC1; p=reject"),
	}
	for _, d := range []string{"example.org", "mail.example.org", "evil.org", "strict.org", "sub.strict.org", "bbc.co.uk", "news.bbc.co.uk", "shop.co.uk", "xn--bcher-kva.example"} {
		zone = append(zone, txt("s._domainkey."+d, edText), txt(d, "v=spf1 ip4:192.0.2.7 -all"))
	}
	r := serve(t, zone...)
	r.breaks("_dmarc.down.org.", dns.RcodeServerFailure)
	for _, tt := range []struct {
		from, envelope, signer string
		want                   mailauth.Result
		spf, dkim              bool
		policy                 string
	}{
		{"example.org", "example.org", "example.org", mailauth.Pass, true, true, "reject"},
		{"example.org", "mail.example.org", "evil.org", mailauth.Pass, true, false, "reject"},
		{"example.org", "evil.org", "mail.example.org", mailauth.Pass, false, true, "reject"},
		{"example.org", "evil.org", "evil.org", mailauth.Fail, false, false, "reject"},
		{"mail.example.org", "example.org", "", mailauth.Pass, true, false, "quarantine"},
		{"mail.example.org", "evil.org", "", mailauth.Fail, false, false, "quarantine"},
		{"own.example.org", "evil.org", "", mailauth.Fail, false, false, "none"},
		{"strict.org", "strict.org", "sub.strict.org", mailauth.Pass, true, false, "reject"},
		{"strict.org", "sub.strict.org", "strict.org", mailauth.Pass, false, true, "reject"},
		{"strict.org", "sub.strict.org", "sub.strict.org", mailauth.Fail, false, false, "reject"},
		{"bbc.co.uk", "news.bbc.co.uk", "", mailauth.Pass, true, false, "none"},
		{"bbc.co.uk", "shop.co.uk", "shop.co.uk", mailauth.Fail, false, false, "none"}, // co.uk is nobody's organisation
		{"shop.co.uk", "shop.co.uk", "", mailauth.None, true, false, ""},
		{"evil.org", "evil.org", "evil.org", mailauth.None, true, true, ""},
		{"broken.org", "evil.org", "", mailauth.None, false, false, ""},
		{"double.org", "evil.org", "", mailauth.None, false, false, ""},
		{"down.org", "evil.org", "", mailauth.TempError, false, false, ""},
		{"BÜCHER.example", "xn--bcher-kva.example", "xn--bcher-kva.example", mailauth.Pass, true, true, "reject"},
	} {
		raw := []byte("From: Ann <ann@" + tt.from + ">\r\n\r\nhello\r\n")
		if tt.signer != "" {
			raw = sign(t, string(raw), dkim.SignOptions{Domain: tt.signer, Selector: "s", Signer: edKey})
		}
		m := mailauth.Message{Peer: netip.MustParseAddr("192.0.2.7"), MailFrom: "x@" + tt.envelope, At: came, Raw: raw}
		report := r.judge(t, m)
		if got := report.DMARC; got.Result != tt.want || got.SPF != tt.spf || got.DKIM != tt.dkim || got.Policy != tt.policy {
			t.Errorf("from %s, envelope %s, signed by %q:\n%+v\nwant %s, %v, %v, %q", tt.from, tt.envelope, tt.signer, got, tt.want, tt.spf, tt.dkim, tt.policy)
		}
	}
}

func TestTemporaryFaultsThatCouldPass(t *testing.T) {
	t.Parallel()
	_, edKey, _, _ := keys(t)
	r := serve(t, txt("_dmarc.example.org", "v=DMARC1; p=reject"))
	r.breaks("s._domainkey.example.org.", dns.RcodeRefused)
	report := r.judge(t, mailauth.Message{At: came, Raw: sign(t, plain, dkim.SignOptions{Domain: "example.org", Selector: "s", Signer: edKey})})
	if report.DKIM[0].Result != mailauth.TempError || report.DMARC.Result != mailauth.TempError || !report.Temporary() {
		t.Errorf("%+v %+v", report.DKIM, report.DMARC)
	}
}

func TestFromThatShowsNobody(t *testing.T) {
	t.Parallel()
	r := serve(t, txt("_dmarc.example.org", "v=DMARC1; p=reject"))
	for _, head := range []string{
		"", "From:\r\n", "From: nobody\r\n", "From: a@example.org\r\nFrom: a@example.org\r\n", "From: a@example.org, b@example.net\r\n",
		"From: a@\x00\r\n", "From: " + strings.Repeat("(", 5000) + "\r\n", "From: " + strings.Repeat("a@example.org,", 3000) + "\r\n",
	} {
		report := r.judge(t, mailauth.Message{At: came, Raw: []byte(head + "\r\nhello\r\n")})
		if report.DMARC.Result != mailauth.PermError || report.DMARC.Domain != "" {
			t.Errorf("%.40q: %+v", head, report.DMARC)
		}
	}
	report := r.judge(t, mailauth.Message{At: came, Raw: []byte("From: Ann <a@example.org>, b@EXAMPLE.org\r\n\r\n")})
	if report.DMARC.Result != mailauth.Fail || report.DMARC.Domain != "example.org" {
		t.Errorf("two addresses of one domain: %+v", report.DMARC)
	}
}

// TestHostile feeds what is made to hurt: none takes long, and none makes the
// core ask more than its bound.
func TestHostile(t *testing.T) {
	t.Parallel()
	_, edKey, _, _ := keys(t)
	zone := []string{txt("wide.test", "v=spf1 mx:m0.test mx:m1.test mx:m2.test mx:m3.test mx:m4.test mx:m5.test mx:m6.test mx:m7.test mx:m8.test mx:m9.test -all")}
	for i := range 10 {
		for j := range 10 {
			zone = append(zone, fmt.Sprintf("m%d.test. 300 IN MX 10 h%d-%d.test.", i, i, j), fmt.Sprintf("h%d-%d.test. 300 IN A 192.0.2.99", i, j))
		}
	}
	r := serve(t, zone...)
	many := strings.Repeat("DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=eA==; b=eA==\r\n", 10_000)
	names := strings.Repeat("from:", 100_000)
	body := strings.Repeat("a \t\r\n", 1<<20)
	for name, raw := range map[string]string{
		"10,000 signatures": many + "From: a@example.org\r\n\r\nx",
		"giant header":      "X: " + strings.Repeat("x", 2<<20) + "\r\nFrom: a@example.org\r\n\r\nx",
		"no end of header":  strings.Repeat("a:\n", 1<<20),
		"folds":             "From: a@example.org\r\nX:" + strings.Repeat("\r\n x", 1<<17) + "\r\n\r\nx",
		"signed names":      "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=" + names + "; bh=eA==; b=eA==\r\nFrom: a@example.org\r\n\r\nx",
		"tags":              "DKIM-Signature: " + strings.Repeat("a=b;", 100_000) + "\r\nFrom: a@example.org\r\n\r\nx",
		"large body":        string(sign(t, "From: a@example.org\r\n\r\n"+body, dkim.SignOptions{Domain: "example.org", Selector: "s", Signer: edKey})),
		"nothing":           "",
	} {
		m := from("192.0.2.7", "helo.test", "x@wide.test")
		m.Raw = []byte(raw)
		before, start := r.questions(), time.Now()
		report := r.judge(t, m)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if n := r.questions() - before; n > 110 || len(report.Answers) > 100 || len(report.DKIM) > 10 {
			t.Errorf("%s: %d questions, %d answers, %d signatures", name, n, len(report.Answers), len(report.DKIM))
		}
		if name == "10,000 signatures" && report.Unverified != 9990 {
			t.Errorf("%d signatures were not looked at", report.Unverified)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	_, edKey, _, edText := keys(t)
	r := serve(t, txt("s._domainkey.example.org", edText), txt("example.org", "v=spf1 ip4:192.0.2.7 -all"), txt("_dmarc.example.org", "v=DMARC1; p=reject"))
	m := from("192.0.2.7", "mx.example.org", "ann@example.org")
	m.Raw = sign(t, plain, dkim.SignOptions{Domain: "example.org", Selector: "s", Signer: edKey})
	report := r.judge(t, m)
	want := "SPF none (helo mx.example.org): no DNS record found\nSPF pass (envelope example.org)\nDKIM pass (example.org, selector s, ed25519-sha256)\nDMARC pass (from example.org, policy reject)"
	if got := strings.Join(report.Lines(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !report.Signed("other.example", "mail.example.org") || report.Signed("example.com", "") {
		t.Error("whose mail it is")
	}
}

// TestLinesAreSafeToShow: what a stranger wrote into a signature is shown in a
// terminal.
func TestLinesAreSafeToShow(t *testing.T) {
	t.Parallel()
	r := serve(t)
	m := from("192.0.2.7", "\x1b[2J.example.org", "a@\x1b[31m.example")
	m.Raw = []byte("DKIM-Signature: v=1; a=\x1b]0;x\a; d=dana@example.org\x1b[2J; s=\u202e\xff\x00; h=from; bh=eA==; b=eA==\r\nFrom: x@\x1b[2J\r\n\r\n")
	report := r.judge(t, m)
	if got := strings.Join(report.Lines(), ""); strings.ContainsFunc(got, func(c rune) bool { return c < ' ' || c > '~' }) || strings.Contains(got, "@") {
		t.Errorf("%q", got)
	}
}

// FuzzAgain feeds a foreign mail and a foreign answer.
func FuzzAgain(f *testing.F) {
	answer := new(dns.Msg).SetQuestion("s._domainkey.example.org.", dns.TypeTXT)
	rr, err := dns.NewRR(txt("s._domainkey.example.org", "v=DKIM1; k=ed25519; p="+brisbaneKey))
	if err != nil {
		f.Fatal(err)
	}
	answer.Answer = append(answer.Answer, rr)
	wire, err := answer.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from; bh=eA==; b=eA==; l=1\r\nFrom: a@example.org\r\n\r\nx"), wire, "a@example.org", "TXT")
	f.Add([]byte("dkim-signature: a=b;;=;b = c\n b=d\nFROM : <a@b>,(\n\n"), wire[:12], "%{s}@x", "MX")
	f.Add([]byte("From: a@b\r\n"), []byte("\x00"), "", "A")
	f.Fuzz(func(t *testing.T, raw, wire []byte, sender, kind string) {
		m := from("192.0.2.7", "mx.example.org", sender)
		m.Raw = raw
		var answers []mailauth.Answer
		for _, name := range []string{"s._domainkey.example.org", "example.org", "mx.example.org", "_dmarc.example.org"} {
			answers = append(answers, mailauth.Answer{Name: name, Type: kind, Wire: wire})
		}
		report := mailauth.Again(m, answers)
		replay(t, m, report)
		for _, s := range report.DKIM {
			if s.Result == mailauth.Pass {
				t.Errorf("a signature passes that nobody made: %+v", s)
			}
		}
	})
}

// TestConcurrent: one judge serves several mails at once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r := serve(t, spfZone()...)
	j := mailauth.New(mailauth.Config{Resolver: r.addr, Now: func() time.Time { return came }})
	results := make(chan mailauth.Result)
	for range 8 {
		go func() { // ends with its one mail
			results <- j.Evaluate(context.WithoutCancel(t.Context()), from("192.0.2.7", "", "ann@mx.test")).SPF[0].Result
		}()
	}
	for range 8 {
		if got := <-results; got != mailauth.Fail {
			t.Error(got)
		}
	}
}
