package dnsd_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestNmapFindsNothing runs nmap's scripts for name servers: no transfer, no
// recursion, no update, no name of the machine, and nothing for its fuzzer. They
// speak over UDP, for which nmap must be root.
func TestNmapFindsNothing(t *testing.T) {
	t.Parallel()
	e := start(t, config(new(store)))
	_, port, err := net.SplitHostPort(e.udp)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "nmap", "-Pn", "-n", "-sU", "-p", port,
		"--script", "+dns-zone-transfer,+dns-recursion,+dns-nsid,+dns-update,+dns-cache-snoop,+dns-fuzz", "--script-args",
		"dns-zone-transfer.domain=example.net,dns-update.hostname=x.example.net,dns-update.ip=192.0.2.1,dns-update.test=1,dns-fuzz.timelimit=1s", "127.0.0.1").CombinedOutput()
	if err != nil {
		t.Fatalf("nmap (package nmap) is needed: %v\n%s", err, out)
	}
	for _, want := range []string{"0 of 100 tested domains are cached", "The server seems impervious to our assault"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nmap does not say %q:\n%s", want, out)
		}
	}
	for _, wrong := range []string{"Recursion appears", "SOA", "Successfully", "id.server", "bind.version", "NSID"} {
		if strings.Contains(string(out), wrong) {
			t.Errorf("nmap says %q:\n%s", wrong, out)
		}
	}
	if got := ask(t, e, "udp", question("example.net", dns.TypeA)); len(got.Answer) != 1 || e.Stats().Recovered != 0 {
		t.Errorf("got %v, stats %+v", got, e.Stats())
	}
}
