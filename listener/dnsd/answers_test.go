package dnsd_test

import (
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// rdata gives records without owner, TTL and class.
func rdata(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		f := strings.SplitN(rr.String(), "\t", 5)
		out = append(out, f[3]+" "+f[4])
	}
	slices.Sort(out)
	return out
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const a, aaaa, mx = "A 192.0.2.7", "AAAA 2001:db8::7", "MX 10 mail.example.net."
	e := start(t, config(new(store)))
	known := learn(t, e)
	for _, tc := range []struct {
		name  string
		kind  uint16
		rcode int
		want  []string
	}{
		{"example.net", dns.TypeA, 0, []string{a}},
		{"example.net", dns.TypeAAAA, 0, []string{aaaa}},
		{"example.net", dns.TypeMX, 0, []string{mx}},
		{"example.net", dns.TypeNS, 0, []string{"NS ns1.example.net.", "NS ns2.example.net."}},
		{"example.net", dns.TypeTXT, 0, []string{`TXT "v=spf1 mx -all"`}},
		{"example.net", dns.TypeANY, 0, []string{a}},
		{"example.net", dns.TypeSRV, 0, nil},
		{"example.net", dns.TypeDS, 0, nil},
		{"example.net", 65280, 0, nil},
		{"mail.example.net", dns.TypeA, 0, []string{a}},
		{"any.thing.at-all.example.net", dns.TypeA, 0, []string{a}},
		{"any.thing.at-all.example.net", dns.TypeMX, 0, []string{mx}},
		{"*.example.net", dns.TypeAAAA, 0, []string{aaaa}},
		{"www.example.net", dns.TypeTXT, 0, nil},
		{"www.example.net", dns.TypeNS, 0, nil},
		{"www.example.net", dns.TypeSOA, 0, nil},
		{"_dmarc.example.net", dns.TypeTXT, 0, []string{`TXT "v=DMARC1; p=none"`}},
		{"_dmarc.example.net", dns.TypeA, 0, nil},
		{"x._dmarc.example.net", dns.TypeA, dns.RcodeNameError, nil}, // RFC 4592 §4.2: the wildcard is above
		{"_domainkey.example.net", dns.TypeTXT, 0, nil},              // an empty non-terminal (RFC 8020)
		{"_domainkey.example.net", dns.TypeANY, 0, nil},
		{"selector._domainkey.example.net", dns.TypeTXT, 0, []string{`TXT "k=rsa"`}},
		{"other._domainkey.example.net", dns.TypeA, dns.RcodeNameError, nil},
		{"x.selector._domainkey.example.net", dns.TypeA, dns.RcodeNameError, nil},
		{"x.*.example.net", dns.TypeA, dns.RcodeNameError, nil}, // RFC 4592 §2.3: nothing is below an asterisk
		{"shop.example.net", dns.TypeA, 0, []string{"A 192.0.2.8", "CNAME www.example.net."}},
		{"shop.example.net", dns.TypeCNAME, 0, []string{"CNAME www.example.net."}},
		{"shop.example.net", dns.TypeANY, 0, []string{"CNAME www.example.net."}},
		{"away.example.net", dns.TypeMX, 0, []string{"CNAME elsewhere.example.com."}},
		{"example.org", dns.TypeMX, 0, []string{"MX 10 mx1.example.com.", "MX 20 mx2.example.com."}},
		{"example.org", dns.TypeA, 0, nil},
	} {
		for _, proto := range []string{"udp", "tcp"} {
			got := ask(t, e, proto, withCookie(question(tc.name, tc.kind), known))
			label := tc.name + " " + dns.Type(tc.kind).String() + " " + proto
			if got.Rcode != tc.rcode || !got.Authoritative || got.RecursionAvailable || !got.RecursionDesired {
				t.Errorf("%s: header %v", label, got.MsgHdr)
			}
			if diff := cmp.Diff(tc.want, rdata(got.Answer)); diff != "" {
				t.Errorf("%s: answer (-want +got):\n%s", label, diff)
			}
			negative := len(got.Ns) == 1 && got.Ns[0].Header().Rrtype == dns.TypeSOA && got.Ns[0].Header().Ttl == 300
			if negative != (tc.want == nil) || len(got.Extra) != 1 {
				t.Errorf("%s: authority %v, additional %v", label, got.Ns, got.Extra)
			}
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	got := ask(t, e, "tcp", question("lost.example.net", dns.TypeA))
	if got.Rcode != dns.RcodeNameError || len(got.Answer) != 1 || len(got.Ns) != 1 { // RFC 2308 §2.1
		t.Errorf("an alias of nothing: %v", got)
	}
	got = ask(t, e, "tcp", question("shop.example.net", dns.TypeTXT))
	if got.Rcode != 0 || len(got.Answer) != 1 || len(got.Ns) != 1 {
		t.Errorf("an alias without the type: %v", got)
	}
	got = ask(t, e, "tcp", question("round.example.net", dns.TypeA))
	if got.Rcode != 0 || len(got.Answer) != 2 {
		t.Errorf("a circle: %v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := new(store)
	e := start(t, config(s))
	chaos := question("version.bind", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	chaosOurs := question("example.net", dns.TypeTXT)
	chaosOurs.Question[0].Qclass = dns.ClassCHAOS
	notify := new(dns.Msg).SetNotify("example.net.")
	update := new(dns.Msg).SetUpdate("example.net.")
	two := question("example.net", dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	none := question("example.net", dns.TypeA)
	none.Question = nil
	withAnswer := question("example.net", dns.TypeA)
	withAnswer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeA, Class: 1}, A: net.IP{1, 2, 3, 4}}}
	twoOPT := question("example.net", dns.TypeA).SetEdns0(1232, false).SetEdns0(1232, false)
	misplaced := question("example.net", dns.TypeA).SetEdns0(1232, false)
	misplaced.Extra[0].Header().Name = "example.net."
	for name, tc := range map[string]struct {
		m     *dns.Msg
		rcode int
	}{
		"another domain":  {question("example.com", dns.TypeA), dns.RcodeRefused},
		"a suffix":        {question("notexample.net", dns.TypeA), dns.RcodeRefused},
		"an escaped dot":  {question(`a\.example.net`, dns.TypeA), dns.RcodeRefused},
		"the parent":      {question("net", dns.TypeNS), dns.RcodeRefused},
		"the root":        {question(".", dns.TypeNS), dns.RcodeRefused},
		"chaos":           {chaos, dns.RcodeRefused},
		"chaos, our name": {chaosOurs, dns.RcodeRefused},
		"notify":          {notify, dns.RcodeNotImplemented},
		"update":          {update, dns.RcodeNotImplemented},
		"two questions":   {two, dns.RcodeFormatError},
		"no question":     {none, dns.RcodeFormatError},
		"with an answer":  {withAnswer, dns.RcodeFormatError},
		"two OPT":         {twoOPT, dns.RcodeFormatError},
		"OPT not at root": {misplaced, dns.RcodeFormatError},
	} {
		for _, proto := range []string{"udp", "tcp"} {
			got := ask(t, e, proto, tc.m)
			if got.Rcode != tc.rcode || got.Authoritative || got.RecursionAvailable || len(got.Answer)+len(got.Ns) != 0 {
				t.Errorf("%s over %s: got %v", name, proto, got)
			}
		}
	}
	if heard := s.all(); len(heard) != 0 {
		t.Errorf("%d refusals were recorded", len(heard))
	}
	if got := e.Stats(); got.Refused != 18 || got.Malformed != 10 || got.First != 0 {
		t.Errorf("stats %+v", got)
	}
}

func TestTransfersAreRefusedAndRecorded(t *testing.T) {
	t.Parallel()
	s := new(store)
	e := start(t, config(s))
	ixfr := new(dns.Msg).SetIxfr("example.net.", 1, "a.", "b.")
	for _, m := range []*dns.Msg{new(dns.Msg).SetAxfr("example.net."), ixfr} {
		if got := ask(t, e, "tcp", m); got.Rcode != dns.RcodeRefused || len(got.Answer) != 0 {
			t.Errorf("got %v", got)
		}
	}
	heard := s.all()
	if len(heard) != 2 || heard[0].Facts["qtype"] != "AXFR" || heard[1].Facts["qtype"] != "IXFR" {
		t.Errorf("heard %v", heard)
	}
}

func TestCaseIsKept(t *testing.T) {
	t.Parallel()
	s := new(store)
	e := start(t, config(s))
	const name = "mAiL.ExAmPlE.nEt."
	got := ask(t, e, "udp", question(name, dns.TypeMX))
	if got.Question[0].Name != name || len(got.Answer) != 1 || got.Answer[0].Header().Name != name {
		t.Errorf("got %v", got)
	}
	ask(t, e, "udp", question(strings.ToLower(name), dns.TypeMX))
	heard := s.all()
	if len(heard) != 1 || heard[0].Facts["qname"] != "mAiL.ExAmPlE.nEt" || heard[0].Targets[0].Text != "mail.example.net" {
		t.Errorf("heard %+v", heard)
	}
}

func TestEDNS(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	m := question("example.net", dns.TypeA).SetEdns0(4096, true)
	got := ask(t, e, "udp", m)
	if opt := got.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || !opt.Do() || opt.Version() != 0 {
		t.Errorf("got %v", got)
	}
	m.IsEdns0().SetVersion(1)
	got = ask(t, e, "udp", m)
	if opt := got.IsEdns0(); got.Rcode != dns.RcodeBadVers || opt == nil || opt.Version() != 0 || len(got.Answer) != 0 {
		t.Errorf("version 1: got %v", got)
	}
}

func TestLargeAnswersGoByTCP(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	for _, size := range []uint16{0, 100, 512, 1232, 4096, 65535} { // 0 is without EDNS
		m := question("example.org", dns.TypeTXT)
		if size > 0 {
			m.SetEdns0(size, false)
		}
		got := ask(t, e, "udp", m)
		if !got.Truncated || len(got.Answer) != 0 || got.Rcode != 0 || (got.IsEdns0() != nil) != (size > 0) {
			t.Errorf("size %d: got %v", size, got)
		}
	}
	got := ask(t, e, "tcp", question("example.org", dns.TypeTXT))
	if got.Truncated || len(got.Answer) != 8 {
		t.Fatalf("tcp: got %v", got.MsgHdr)
	}
	txt, ok := got.Answer[0].(*dns.TXT)
	if text := strings.Join(txt.Txt, ""); !ok || len(txt.Txt) != 2 || !strings.HasPrefix(text, `a \"long\\ text`) {
		t.Errorf("tcp: got %q", txt.Txt)
	}
}

func TestManySmallRecordsFitEDNS(t *testing.T) {
	t.Parallel()
	cfg := config(new(store))
	for i := range 60 { // 60 × 16 bytes
		cfg.Zones[0].Addrs = append(cfg.Zones[0].Addrs, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	e := start(t, cfg)
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); !got.Truncated {
		t.Error("more than 512 bytes without EDNS")
	}
	if got := ask(t, e, "udp", withCookie(question("example.net", dns.TypeA), learn(t, e))); got.Truncated || len(got.Answer) != 61 {
		t.Errorf("got %d answers, TC %v", len(got.Answer), got.Truncated)
	}
}

// TestWildSocket asks a socket that listens on every address by two of them:
// the answer must come from the one that was asked.
func TestWildSocket(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", "[::]:0"} {
		srv, err := dnsd.New(config(new(store)))
		if err != nil {
			t.Fatal(err)
		}
		pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", listen)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- srv.Run(t.Context(), []net.PacketConn{pc}, nil) }()
		t.Cleanup(func() {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		_, port, _ := net.SplitHostPort(pc.LocalAddr().String())
		for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
			e := ear{udp: net.JoinHostPort(host, port)}
			if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 {
				t.Errorf("%s: got %v", host, got)
			}
		}
	}
}

func TestKdig(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	for _, tc := range []struct {
		args string
		want []string
	}{
		{"+short example.net MX", []string{"10 mail.example.net."}},
		{"+short +tcp mail.example.net A", []string{"192.0.2.7"}},
		{"+short +edns=0 +bufsize=4096 x.example.net AAAA", []string{"2001:db8::7"}},
		{"example.net SRV", []string{"status: NOERROR", "Flags: qr aa rd;", "ANSWER: 0", "AUTHORITY: 1", "SOA\tns1.example.net."}},
		{"+cookie=0102030405060708 example.net A", []string{"status: NOERROR", "COOKIE: 010203040506070801000000"}},
		{"+nsid example.net A", []string{"status: NOERROR", "EDNS PSEUDOSECTION:\n;; Version: 0; flags: ; UDP size: 1232 B; ext-rcode: NOERROR\n\n"}},
		{"+dnssec example.net A", []string{"status: NOERROR", "flags: do; UDP size: 1232 B"}},
		{"+edns=1 example.net A", []string{"BADVERS"}},
		{"example.com A", []string{"REFUSED", "Flags: qr rd;"}},
		{"CH version.bind TXT", []string{"REFUSED"}},
		{"example.org TXT +ignore +notcp", []string{"Flags: qr aa tc rd;"}},
		{"+tcp example.org TXT", []string{"ANSWER: 8"}},
		{"+tcp example.net AXFR", []string{"REFUSED"}},
	} {
		addr := e.udp
		if strings.Contains(tc.args, "+tcp") {
			addr = e.tcp
		}
		host, port, _ := net.SplitHostPort(addr)
		args := append([]string{"@" + host, "-p", port}, strings.Fields(tc.args)...)
		out, err := exec.CommandContext(t.Context(), "kdig", args...).CombinedOutput()
		if err != nil && len(out) == 0 {
			t.Fatalf("kdig (of the package knot-dnsutils): %v", err)
		}
		for _, want := range tc.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("kdig %s: no %q in\n%s", tc.args, want, out)
			}
		}
	}
}
