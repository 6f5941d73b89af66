package dnsd_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"saltmine/listener/dnsd"
)

// answers gives the records of some questions, as a text.
func answers(t *testing.T, seed string, zone dnsd.Zone, ask ...string) string {
	t.Helper()
	cfg := config(new(store))
	cfg.Zones, cfg.Seed = []dnsd.Zone{zone}, []byte(seed)
	srv, err := dnsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, text := range ask {
		f := strings.Fields(text)
		name := strings.TrimPrefix(f[0]+"."+zone.Name, "@.")
		var got dns.Msg
		if err := got.Unpack(srv.Respond(context.WithoutCancel(t.Context()), pack(t, question(name, dns.StringToType[f[1]])), mustPeer("192.0.2.1:53"), false)); err != nil {
			t.Fatal(err)
		}
		for _, rr := range append(got.Answer, got.Ns...) {
			b.WriteString(strings.ReplaceAll(rr.String(), zone.Name+".", "@") + "\n")
		}
	}
	return b.String()
}

func addr(name string) dnsd.Zone {
	return dnsd.Zone{Name: name, Nameservers: []string{"ns1.example.org"}, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}
}

// usual is what a stranger asks to tell one domain from another.
func usual() []string {
	return []string{"@ SOA", "@ MX", "@ TXT", "@ CAA", "@ A", "_dmarc TXT", "_mta-sts TXT", "www CNAME", "x MX"}
}

func TestDomainsDoNotLookAlike(t *testing.T) {
	t.Parallel()
	const domains = 300
	looks, serials := map[string]int{}, map[string]bool{}
	has := map[string]int{}
	for i := range domains {
		name := fmt.Sprintf("d%d.example", i)
		look := answers(t, "seed", addr(name), usual()...)
		if again := answers(t, "seed", addr(name), usual()...); again != look {
			t.Fatalf("two edges differ:\n%s\n%s", look, again)
		}
		soa := strings.Fields(look)
		serials[soa[6]] = true
		looks[strings.Replace(look, soa[6], "", 1)]++ // even without the serial
		for _, what := range []string{"DMARC1", "STSv1", "CAA", "CNAME\t@", "google-site", "~all", "hostmaster."} {
			if strings.Contains(look, what) {
				has[what]++
			}
		}
	}
	most := 0
	for _, n := range looks {
		most = max(most, n)
	}
	if len(looks) < domains*9/10 || most > 5 || len(serials) < domains*8/10 {
		t.Errorf("%d looks and %d serials of %d domains, the commonest %d times", len(looks), len(serials), domains, most)
	}
	for what, n := range has {
		if n < domains/20 || n > domains*19/20 {
			t.Errorf("%d of %d domains have %s", n, domains, what)
		}
	}
	if len(has) != 7 {
		t.Errorf("seen of them: %v", has)
	}
	if answers(t, "seed", addr("d1.example"), usual()...) == answers(t, "other", addr("d1.example"), usual()...) {
		t.Error("the seed does not matter")
	}
}

func TestNegativeAnswersLiveForTheLesser(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		"@ 600 SOA ns1 h 1 2 3 4 300": "@\t300\tIN\tSOA", "@ 200 SOA ns1 h 1 2 3 4 300": "@\t200\tIN\tSOA",
	} {
		zone := addr("example.net")
		zone.Records = []string{record}
		if got := answers(t, "", zone, "@ SRV"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s", record, got)
		}
	}
}

func TestRecordsAndOmissions(t *testing.T) {
	t.Parallel()
	zone := addr("example.net")
	zone.Records = []string{"@ 77 MX 3 mx.example.com.", "@ 77 MX 4 mx2.example.com.", "x.y 77 A 192.0.2.9", `_dmarc TXT "v=DMARC1; p=reject"`}
	zone.Omit = []string{"* MX", "@ TXT", "nowhere TXT"}
	got := answers(t, "", zone, "@ MX", "x.y A", "y A", "z MX", "@ TXT", "_dmarc TXT")
	for _, want := range []string{"MX\t3 mx.example.com.\n", "MX\t4 mx2.example.com.\n", "x.y.@\t77\tIN\tA\t192.0.2.9\n", `"v=DMARC1; p=reject"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Count(got, "SOA") != 3 || strings.Count(got, "MX") != 2 || strings.Contains(got, "spf1") {
		t.Errorf("got\n%s", got)
	}
	for _, www := range []string{"www CNAME y.@", "www A 192.0.2.9"} { // whatever the profile has there
		for _, domain := range []string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"} {
			zone := addr(domain)
			zone.Records = []string{strings.Replace(www, "@", domain+".", 1)}
			if got := answers(t, "", zone, "www CNAME", "www A"); !strings.Contains(got, strings.Fields(www)[1]) {
				t.Errorf("got\n%s", got)
			}
		}
	}
	// What is omitted leaves no empty name behind.
	zone.Records, zone.Omit = []string{`deep.down TXT x`}, nil
	zone.Omit = []string{"* MX", "* A"}
	if got := answers(t, "", zone, "down A", "other A"); strings.Count(got, "SOA") != 2 {
		t.Errorf("got\n%s", got)
	}
}

func TestZoneFaults(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*dnsd.Zone){
		"not a record":       func(z *dnsd.Zone) { z.Records = []string{"@ MX"} },
		"two in a line":      func(z *dnsd.Zone) { z.Records = []string{"a A 192.0.2.1\nb A 192.0.2.1"} },
		"nothing":            func(z *dnsd.Zone) { z.Records = []string{""} },
		"an include":         func(z *dnsd.Zone) { z.Records = []string{"$INCLUDE /etc/passwd"} },
		"another zone's":     func(z *dnsd.Zone) { z.Records = []string{"example.com. A 192.0.2.1"} },
		"another class":      func(z *dnsd.Zone) { z.Records = []string{"a CH TXT x"} },
		"a delegation":       func(z *dnsd.Zone) { z.Records = []string{"sub NS ns.example.com."} },
		"a signature's key":  func(z *dnsd.Zone) { z.Records = []string{"@ DNSKEY 257 3 13 aGVsbG8="} },
		"an alias beside":    func(z *dnsd.Zone) { z.Records = []string{"a CNAME b", "a A 192.0.2.1"} },
		"two aliases":        func(z *dnsd.Zone) { z.Records = []string{"a CNAME b", "a CNAME c"} },
		"an alias at top":    func(z *dnsd.Zone) { z.Records = []string{"@ CNAME b"} },
		"omit without type":  func(z *dnsd.Zone) { z.Omit = []string{"@"} },
		"omit of the SOA":    func(z *dnsd.Zone) { z.Records, z.Omit = nil, []string{"@ SOA"} },
		"omit of the NS":     func(z *dnsd.Zone) { z.Records, z.Omit = nil, []string{"@ NS"} },
		"too many":           func(z *dnsd.Zone) { z.Records = slices.Repeat([]string{"a A 192.0.2.1"}, 1001) },
		"a label too long":   func(z *dnsd.Zone) { z.Records = []string{strings.Repeat("a", 64) + " A 192.0.2.1"} },
		"a second authority": func(z *dnsd.Zone) { z.Records = []string{"sub SOA ns h 1 2 3 4 5"} },
	} {
		cfg := config(new(store))
		change(&cfg.Zones[0])
		if _, err := dnsd.New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
