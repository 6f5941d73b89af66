package mailauth

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/miekg/dns"

	"saltmine/internal/token"
)

const (
	scopeHelo = "helo"
	scopeFrom = "mailfrom"
)

// checkSPF evaluates both identities (RFC 7208 §2.3, §2.4). The null sender
// stands for postmaster at the HELO name, and gives one result.
func checkSPF(m Message, r *recorder) []SPF {
	var out []SPF
	names := resolver{r, m.Peer}
	if helo, err := token.Domain(m.Helo); err == nil && strings.Contains(helo, ".") && !strings.HasPrefix(helo, "[") {
		out = append(out, names.check(m, scopeHelo, "postmaster@"+helo))
	}
	if at := strings.LastIndexByte(m.MailFrom, '@'); at >= 0 {
		if domain, err := token.Domain(m.MailFrom[at+1:]); err == nil {
			// A second at-sign would let the sender choose which domain is meant.
			local := strings.ReplaceAll(m.MailFrom[:at], "@", "=")
			out = append(out, names.check(m, scopeFrom, local+"@"+domain))
		}
	}
	return out
}

// resolver is the recorder as the library for SPF asks it.
type resolver struct {
	*recorder
	peer netip.Addr
}

func (r resolver) check(m Message, scope, sender string) SPF {
	_, domain, _ := strings.Cut(sender, "@")
	out := SPF{Scope: scope, Domain: domain, Result: None}
	if !m.Peer.IsValid() {
		out.Why = "the sending host is not known"
		return out
	}
	helo, _ := token.Domain(m.Helo)
	result, err := spf.CheckHostWithSender(m.Peer.AsSlice(), helo, sender, spf.WithResolver(r))
	out.Result = Result(result)
	if out.Result != Pass {
		out.Why = reason(err)
	}
	return out
}

// reason gives the library's constant texts; what it made of foreign text is
// left out.
func reason(err error) string {
	if asked, ok := errors.AsType[*net.DNSError](err); ok {
		return asked.Err
	}
	for _, known := range []error{
		spf.ErrNoResult, spf.ErrLookupLimitReached, spf.ErrVoidLookupLimitReached, spf.ErrTooManyMXRecords, spf.ErrMultipleRecords,
		spf.ErrUnknownField, spf.ErrInvalidIP, spf.ErrInvalidMask, spf.ErrInvalidMacro, spf.ErrInvalidDomain,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

// LookupTXT gives the texts of a name.
func (r resolver) LookupTXT(_ context.Context, name string) ([]string, error) { return r.texts(name) }

// LookupMX gives the mail exchangers of a name.
func (r resolver) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	list, err := r.look(name, "MX")
	var out []*net.MX
	for _, rr := range list {
		if mx, ok := rr.(*dns.MX); ok {
			out = append(out, &net.MX{Host: mx.Mx, Pref: mx.Preference})
		}
	}
	return out, err
}

// LookupIPAddr gives the addresses of a name, of the kind that the sending host
// has (RFC 7208 §5.3); "exists" wants IPv4 in any case.
func (r resolver) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	list, err := r.look(host, "A")
	if r.peer.Is6() {
		six, err6 := r.look(host, "AAAA")
		if list = append(list, six...); len(six) > 0 || err == nil {
			err6 = nil
		}
		if err = err6; len(list) > 0 {
			err = nil
		}
	}
	var out []net.IPAddr
	for _, rr := range list {
		switch rr := rr.(type) {
		case *dns.A:
			out = append(out, net.IPAddr{IP: rr.A})
		case *dns.AAAA:
			out = append(out, net.IPAddr{IP: rr.AAAA})
		}
	}
	return out, err
}

// LookupAddr gives the names of an address.
func (r resolver) LookupAddr(_ context.Context, addr string) ([]string, error) {
	name, err := dns.ReverseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "no address", IsNotFound: true}
	}
	list, err := r.look(name, "PTR")
	var out []string
	for _, rr := range list {
		if p, ok := rr.(*dns.PTR); ok {
			out = append(out, p.Ptr)
		}
	}
	return out, err
}
