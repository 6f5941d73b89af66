package dnsd_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sipVector is the key and the longest input of the reference code's vectors.
func sipVector() (key [16]byte, input []byte) {
	input = make([]byte, 64)
	for i := range input {
		input[i] = byte(i)
	}
	copy(key[:], input)
	return key, input
}

// TestSipHash has the vectors of the reference code (vectors_sip64): key 00…0f,
// input the first n bytes of 00, 01, 02 …
func TestSipHash(t *testing.T) {
	t.Parallel()
	key, input := sipVector()
	for n, want := range map[int]string{
		0: "310e0edd47db6f72", 1: "fd67dc93c539f874", 2: "5a4fa9d909806c0d", 3: "2d7efbd796666785",
		7: "37d1018bf50002ab", 8: "6224939a79f5f593", 15: "e545be4961ca29a1", 63: "724506eb4c328a95",
	} {
		if got := binary.LittleEndian.AppendUint64(nil, dnsd.SipSum(key, input[:n])); hex.EncodeToString(got) != want {
			t.Errorf("%d bytes: %x, want %s", n, got, want)
		}
	}
}

// TestLongSumHasTheAuthorsVectors has some of those of SipHash's own code.
func TestLongSumHasTheAuthorsVectors(t *testing.T) {
	t.Parallel()
	key, input := sipVector()
	for n, want := range map[int]string{
		0: "a3817f04ba25a8e66df67214c7550293", 1: "da87c1d86b99af44347659119b22fc45", 7: "a1f1ebbed8dbc153c0b84aa61ff08239",
		8: "3b62a9ba6258f5610f83e264f31497b4", 15: "5493e99933b0a8117e08ec0f97cfc3d9", 63: "5150d1772f50834a503e069a973fbd7c",
	} {
		if got := dnsd.LongSipSum(key, input[:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x, want %s", n, got, want)
		}
	}
}

// TestCookiesAreInteroperable has the vectors of RFC 9018 appendix A.
func TestCookiesAreInteroperable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		client, peer, secret string
		at                   int64
		server               string
	}{
		{"2464c4abcf10c957", "198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf", 1559731985, "010000005cf79f111f8130c3eee29480"},
		{"2464c4abcf10c957", "198.51.100.100", "e5e973e5a6b2a43f48e7dc849e37bfcf", 1559734385, "010000005cf7a871d4a564a1442aca77"},
		{"22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", "445536bcd2513298075a5d379663c962", 1559741961, "010000005cf7c609a6bb79d16625507a"},
	} {
		client := unhex(t, tc.client)
		got := dnsd.Bake([16]byte(unhex(t, tc.secret)), client, netip.MustParseAddr(tc.peer), time.Unix(tc.at, 0))
		if want := tc.client + tc.server; hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, want %s", tc.peer, got, want)
		}
	}
	// A.3: what another implementation put into the reserved bytes is hashed too.
	client, server := unhex(t, "fc93fc62807ddb86"), unhex(t, "01abcdef5cf78f71a314227b6679ebf5")
	if !dnsd.SameCookie([16]byte(unhex(t, "e5e973e5a6b2a43f48e7dc849e37bfcf")), client, server, netip.MustParseAddr("203.0.113.203")) {
		t.Error("a cookie with reserved bytes does not hold")
	}
}

func TestCookiesAgeAndSecretsRotate(t *testing.T) {
	t.Parallel()
	var j dnsd.Jar
	peer, begin := netip.MustParseAddr("198.51.100.1"), time.Date(2026, 8, 5, 12, 0, 0, 0, time.UTC)
	valid, first := j.Check(unhex(t, "0102030405060708"), peer, begin)
	if valid || len(first) != 24 {
		t.Fatalf("%v, %x for a client cookie alone", valid, first)
	}
	for _, tc := range []struct {
		after          time.Duration
		valid, renewed bool
	}{
		{0, true, false}, {29 * time.Minute, true, false}, {31 * time.Minute, true, true},
		{time.Hour, true, true}, {time.Hour + time.Second, false, true},
		{-5 * time.Minute, true, false}, {-5*time.Minute - time.Second, false, true},
	} {
		valid, answer := j.Check(first, peer, begin.Add(tc.after))
		if valid != tc.valid || !bytes.Equal(answer, first) != tc.renewed {
			t.Errorf("after %v: %v, %x", tc.after, valid, answer)
		}
	}
	late := begin.Add(24*time.Hour - time.Minute)
	_, last := j.Check(first, peer, late)
	if valid, _ := j.Check(last, peer, late.Add(10*time.Minute)); !valid {
		t.Error("a cookie does not outlive the change of the secret")
	}
	for i := range last {
		changed := bytes.Clone(last)
		changed[i] ^= 1
		if valid, _ := j.Check(changed, peer, late); valid {
			t.Errorf("byte %d is not looked at", i)
		}
	}
	if valid, _ := j.Check(last, netip.MustParseAddr("198.51.100.2"), late); valid {
		t.Error("it holds for another address")
	}
	var other dnsd.Jar
	if valid, _ := other.Check(last, peer, late); valid {
		t.Error("two processes have one secret")
	}
}

// cookieOf gives the COOKIE option of a message, in hex.
func cookieOf(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

func withCookie(m *dns.Msg, cookie string) *dns.Msg {
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
	return m
}

// learn gives a cookie of the ear's for this machine.
func learn(t *testing.T, e ear) string {
	t.Helper()
	return cookieOf(ask(t, e, "udp", withCookie(question("example.com", dns.TypeA), "0102030405060708")))
}

func TestCookieExchange(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	for _, proto := range []string{"udp", "tcp"} {
		first := cookieOf(ask(t, e, proto, withCookie(question("example.net", dns.TypeA), "0102030405060708")))
		if len(first) != 48 || first[:16] != "0102030405060708" || first[16:24] != "01000000" {
			t.Fatalf("%s: got cookie %q", proto, first)
		}
		got := ask(t, e, proto, withCookie(question("example.net", dns.TypeA), first))
		if cookieOf(got) != first || got.Rcode != 0 || len(got.Answer) != 1 {
			t.Errorf("%s: a cookie of ours got %v", proto, got)
		}
		stale := "0102030405060708" + "010000005cf79f111f8130c3eee29480"
		got = ask(t, e, proto, withCookie(question("example.net", dns.TypeA), stale))
		if fresh := cookieOf(got); fresh == stale || len(fresh) != 48 || got.Rcode != 0 {
			t.Errorf("%s: a cookie of somebody's got %v", proto, got)
		}
		bare := withCookie(new(dns.Msg), "0102030405060708")
		bare.Id = 7
		if got = ask(t, e, proto, bare); got.Rcode != 0 || len(got.Question) != 0 || len(cookieOf(got)) != 48 {
			t.Errorf("%s: a cookie asked for without a question: %v", proto, got)
		}
		for _, n := range []int{1, 7, 9, 15, 41} {
			m := withCookie(question("example.net", dns.TypeA), hex.EncodeToString(make([]byte, n)))
			if got := ask(t, e, proto, m); got.Rcode != dns.RcodeFormatError || got.IsEdns0() != nil {
				t.Errorf("%s: %d bytes of cookie got %v", proto, n, got)
			}
		}
		if got := ask(t, e, proto, question("example.net", dns.TypeA).SetEdns0(1232, false)); cookieOf(got) != "" {
			t.Errorf("%s: a cookie for one who did not ask: %v", proto, got)
		}
	}
}
