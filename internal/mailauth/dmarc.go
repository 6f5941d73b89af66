package mailauth

import (
	"errors"
	"net"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"saltmine/internal/token"
)

const maxFrom = 16 << 10 // bytes of a From field that are read

// checkDMARC judges the domain of the From field (RFC 7489 §6.6).
func checkDMARC(m mail, found *Report, r *recorder) DMARC {
	domain, fault := fromDomain(m)
	if fault != nil {
		return DMARC{Result: fault.result, Why: fault.why}
	}
	out := DMARC{Domain: domain, Result: None}
	at, rec, err := policyOf(domain, r)
	switch {
	case err != nil:
		out.Result, out.Why = TempError, "the policy could not be had"
		return out
	case rec == nil:
		out.Why = "the domain has no policy"
	default:
		out.At, out.Policy = at, asks(rec, at == domain)
	}
	tight := func(mode dmarc.AlignmentMode) bool { return mode == dmarc.AlignmentStrict }
	if rec == nil {
		rec = &dmarc.Record{}
	}
	temporary := alignment(&out, found, tight(rec.SPFAlignment), tight(rec.DKIMAlignment))
	switch {
	case out.Policy == "":
	case out.SPF || out.DKIM:
		out.Result = Pass
	case temporary:
		out.Result, out.Why = TempError, "what could make it pass could not be found out"
	default:
		out.Result, out.Why = Fail, "neither SPF nor DKIM passes for a domain that is aligned with it"
	}
	return out
}

// asks is the policy for the domain itself or for what is below it.
func asks(rec *dmarc.Record, itself bool) string {
	if !itself && rec.SubdomainPolicy != "" {
		return string(rec.SubdomainPolicy)
	}
	return string(rec.Policy)
}

// alignment says which identifiers are aligned with From and pass, and whether
// one that is aligned may pass later.
func alignment(out *DMARC, found *Report, tightSPF, tightDKIM bool) (temporary bool) {
	if s, has := found.envelope(); has && aligned(s.Domain, out.Domain, tightSPF) {
		out.SPF = s.Result == Pass
		temporary = s.Result == TempError
	}
	for _, s := range found.DKIM {
		if !aligned(s.Domain, out.Domain, tightDKIM) {
			continue
		}
		out.DKIM = out.DKIM || s.Result == Pass && s.Weak == ""
		temporary = temporary || s.Result == TempError
	}
	return temporary
}

// envelope is the SPF result that speaks for the sender: that of the null
// sender is the HELO name's (RFC 7208 §2.4).
func (r *Report) envelope() (SPF, bool) {
	for _, scope := range []string{scopeFrom, scopeHelo} {
		for _, s := range r.SPF {
			if s.Scope == scope {
				return s, true
			}
		}
	}
	return SPF{}, false
}

// aligned compares two names (RFC 7489 §3.1): strictly they are the same,
// otherwise they belong to one organisation.
func aligned(a, b string, strict bool) bool {
	if a == "" || b == "" {
		return false
	}
	return a == b || !strict && organisation(a) == organisation(b)
}

// organisation is the part of a name that one pays for, by the public suffix
// list (RFC 7489 §3.2). A public suffix is its own.
func organisation(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return org
}

// policyOf finds the record of a domain or of its organisation. An error means
// that it may exist.
func policyOf(domain string, r *recorder) (at string, rec *dmarc.Record, err error) {
	for _, at := range slices.Compact([]string{domain, organisation(domain)}) {
		texts, err := r.texts("_dmarc." + at)
		var asked *net.DNSError
		if errors.As(err, &asked) && !asked.IsNotFound {
			return "", nil, err
		}
		if rec := onlyRecord(texts); rec != nil {
			return at, rec, nil
		}
	}
	return "", nil, nil
}

// onlyRecord reads a policy; several, or a broken one, are none (§6.6.3).
func onlyRecord(texts []string) *dmarc.Record {
	texts = slices.DeleteFunc(texts, func(s string) bool {
		version, _, _ := strings.Cut(s, ";")
		return bare(version) != "v=DMARC1"
	})
	if len(texts) != 1 {
		return nil
	}
	rec, err := dmarc.Parse(texts[0])
	if err != nil {
		return nil
	}
	return rec
}

// fromDomain is the domain that a reader sees. A mail that shows several, or
// none, has none (RFC 7489 §6.6.1).
func fromDomain(m mail) (string, *verdict) {
	if m.large {
		return "", perm("the header is too large")
	}
	var from []string
	for i := range m.fields {
		if m.fields[i].name == "from" {
			from = append(from, m.fields[i].value())
		}
	}
	if len(from) != 1 || len(from[0]) > maxFrom {
		return "", perm("it has no From field, or several")
	}
	list, err := netmail.ParseAddressList(strings.TrimSpace(from[0]))
	if err != nil {
		return "", perm("its From field cannot be read")
	}
	var domain string
	for _, a := range list {
		d, err := token.Domain(a.Address[strings.LastIndexByte(a.Address, '@')+1:])
		if err != nil || domain != "" && domain != d {
			return "", perm("its From field names several domains, or none")
		}
		domain = d
	}
	return domain, nil
}
