package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"saltmine/internal/conf"
)

// edgeConfig is the configuration of an edge of a core: its domains, the rule's
// rates, and ears as the core has them, on the ports of the internet.
func edgeConfig(cfg *conf.Config, port string) ([]byte, error) {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# An edge: ears and a spool that it cannot read. It needs to know no more than this,")
	p("# and refuses to start with more.")
	p("[edge]\nlisten = %q\n", net.JoinHostPort("", port))
	p("[pool]\ndomains = %s\naccept_one_in = %d", quoted(cfg.Pool.Domains), cfg.Pool.AcceptOneIn)
	if len(cfg.Pool.Accept) > 0 {
		p("[pool.accept]")
	}
	for _, domain := range slices.Sorted(maps.Keys(cfg.Pool.Accept)) {
		p("%q = %d", domain, cfg.Pool.Accept[domain])
	}
	smtp := conf.SMTP{Costume: "postfix", Hostname: "mx." + cfg.Pool.Domains[0]}
	if cfg.SMTP != nil {
		smtp = *cfg.SMTP
	}
	p("\n[smtp]\nlisten = [\":25\"]\nhostname = %q\ncostume = %q", smtp.Hostname, smtp.Costume)
	p("# tls_cert = \"mx.pem\"\n# tls_key = \"mx.key\"")
	if cfg.DNS != nil {
		edgeNames(p, cfg.DNS)
	}
	p("\n[spool]\ndir = \"spool/\"\nmax_bytes = %d", cfg.Spool.MaxBytes)
	p("\n# [admin]\n# listen = \"127.0.0.1:9090\"")
	text := []byte(b.String())
	if _, err := conf.Parse(text, "the edge's saltmine.toml", "/"); err != nil {
		return nil, fmt.Errorf("enroll: what this configuration says cannot be handed on: %w", err)
	}
	return text, nil
}

// edgeNames writes the name server's part.
func edgeNames(p func(format string, args ...any), d *conf.DNS) {
	p("\n[dns]\nlisten = [\":53\"]\nnameservers = %s\nanswers_per_second = %d\nslip = %d", quoted(d.Nameservers), d.AnswersPerSecond, d.Slip)
	p("# what the domains' A and AAAA records say: the addresses of this machine\naddresses = %s", quoted(addrTexts(d.Addresses)))
	for _, z := range d.Zones {
		p("[[dns.zone]]\nname = %q", z.Name)
		for _, x := range []struct {
			key  string
			list []string
		}{
			{"nameservers", z.Nameservers}, {"mail_hosts", z.MailHosts}, {"addresses", addrTexts(z.Addresses)}, {"txt", z.TXT}, {"records", z.Records}, {"omit", z.Omit},
		} {
			if len(x.list) > 0 {
				p("%s = %s", x.key, quoted(x.list))
			}
		}
	}
}

func addrTexts(addrs []netip.Addr) []string {
	out := make([]string, len(addrs))
	for i, addr := range addrs {
		out[i] = addr.String()
	}
	return out
}

// quoted is a list of TOML strings.
func quoted(list []string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = fmt.Sprintf("%q", text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
