package survey

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"saltmine/internal/inventory"
)

const (
	maxExchangers = 5        // whose addresses are asked
	maxSaid       = 64 << 10 // bytes that an exchanger may say
	smtpTime      = 20 * time.Second
)

// look is one look at one domain.
type look struct {
	survey   *Survey
	domain   string
	seen     inventory.Seen
	unasked  map[string]bool // parts of seen that could not be asked
	findings []inventory.Finding
}

func (l *look) found(what, do string) {
	l.findings = append(l.findings, inventory.Finding{What: what, Do: do})
}

// missed reports what could not be looked at.
func (l *look) missed(part, what string, err error) {
	l.unasked[part] = true
	l.findings = append(l.findings, inventory.Finding{
		What: what + " could not be looked at: " + cause(err), Do: "check the resolver and the network, and check again", Unasked: true,
	})
}

// cause is a fault without the addresses of our own resolvers.
func cause(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	return err.Error()
}

// whole is what was seen, with what could not be asked as it was: that is no
// change.
func (l *look) whole(before inventory.Seen) inventory.Seen {
	now := l.seen
	if l.unasked["ns"] {
		now.NS = before.NS
	}
	if l.unasked["mx"] {
		now.MX = before.MX
	}
	if l.unasked["a"] {
		now.A = before.A
	}
	if l.unasked["certificate"] {
		now.Issuer, now.Leaf = before.Issuer, before.Leaf
	}
	return now
}

// names asks what every domain must have.
func (l *look) names(ctx context.Context) {
	r, name := l.survey.cfg.Resolver, l.domain+"."
	servers, err := r.LookupNS(ctx, name)
	switch {
	case len(servers) > 0:
		for _, s := range servers {
			l.seen.NS = append(l.seen.NS, host(s.Host))
		}
		slices.Sort(l.seen.NS)
	case absent(err):
		l.found("it is not delegated: it has no name servers", "look at the registrar's account: it has run out, or its name servers were taken out")
	default:
		l.missed("ns", "its name servers", err)
	}
	l.exchangers(ctx)
	if l.seen.A, err = l.addresses(ctx, l.domain); err != nil {
		l.missed("a", "its addresses", err)
	}
}

func (l *look) exchangers(ctx context.Context) {
	list, err := l.survey.cfg.Resolver.LookupMX(ctx, l.domain+".")
	const renew = "point its MX record to the mail ear, or to where its mailbox is"
	switch {
	case len(list) == 1 && list[0].Host == ".":
		l.found("it takes no mail: its MX record is empty (RFC 7505)", renew)
		l.seen.MX = []string{"."}
		l.unasked["certificate"] = true
		return
	case len(list) == 0 && absent(err):
		l.found("it has no MX record: what is sent to it is lost", renew)
		l.unasked["certificate"] = true
		return
	case len(list) == 0:
		l.missed("mx", "its MX record", err)
		l.unasked["certificate"] = true
		return
	}
	first := host(list[0].Host) // sorted by preference
	for _, mx := range list[:min(len(list), maxExchangers)] {
		name := host(mx.Host)
		l.seen.MX = append(l.seen.MX, name)
		at, err := l.addresses(ctx, name)
		switch {
		case err != nil:
			l.missed("exchanger", "the address of "+name, err)
		case len(at) == 0:
			l.found("its mail exchanger "+name+" has no address", renew)
		}
	}
	slices.Sort(l.seen.MX)
	l.seen.MX = slices.Compact(l.seen.MX)
	l.certificate(ctx, first)
}

// addresses gives the addresses of a name, none where it has none.
func (l *look) addresses(ctx context.Context, name string) ([]string, error) {
	list, err := l.survey.cfg.Resolver.LookupNetIP(ctx, "ip", name+".")
	if len(list) == 0 {
		if absent(err) {
			return nil, nil
		}
		return nil, err
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Unmap().String()
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func host(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// absent reports whether the answer was that there is nothing.
func absent(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}

// certificate reads what the first exchanger shows. Many networks let no mail
// out: an exchanger that was never reached is no finding.
func (l *look) certificate(ctx context.Context, name string) {
	if l.survey.cfg.Dial == nil {
		l.unasked["certificate"] = true
		return
	}
	c, err := l.read(ctx, name)
	if errors.Is(err, errPlain) {
		return
	}
	if err != nil {
		l.unasked["certificate"] = true
		return
	}
	l.seen.Issuer, l.seen.Leaf = c.issuer, c.leaf
	if now := l.survey.cfg.Now(); now.After(c.until) {
		l.found(fmt.Sprintf("the certificate of its mail exchanger %s ran out on %s", name, c.until.UTC().Format(time.DateOnly)), "renew it, or ask the host to")
	}
}

// errPlain says that an exchanger answers and has no TLS.
var errPlain = errors.New("no STARTTLS")

// read opens an SMTP session up to STARTTLS (RFC 3207) and leaves it.
func (l *look) read(ctx context.Context, name string) (certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, smtpTime)
	defer cancel()
	conn, err := l.survey.cfg.Dial(ctx, "tcp", net.JoinHostPort(name, "25"))
	if err != nil {
		return certificate{}, err
	}
	defer conn.Close()                                      //nolint:errcheck // it was only read
	stop := context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck // the session fails of it
	defer stop()
	client, err := smtp.NewClient(&bounded{Conn: conn, left: maxSaid}, name)
	if err != nil {
		return certificate{}, err
	}
	if err := client.StartTLS(readOnly(name)); err != nil {
		if _, said := errors.AsType[*textproto.Error](err); said {
			return certificate{}, errPlain
		}
		return certificate{}, err
	}
	state, ok := client.TLSConnectionState()
	if !ok || len(state.PeerCertificates) == 0 {
		return certificate{}, errors.New("no certificate")
	}
	client.Quit() //nolint:errcheck // nothing was sent
	leaf := state.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	return certificate{issuer: printable(leaf.Issuer.String()), leaf: hex.EncodeToString(sum[:]), until: leaf.NotAfter}, nil
}

func printable(text string) string {
	text = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text), "")
	return text[:min(len(text), 200)]
}

// bounded is a connection on which so much may be read and no more.
type bounded struct {
	net.Conn
	left int
}

// Read reads while there is something left.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// registration asks when the domain runs out.
func (l *look) registration(ctx context.Context, c *inventory.Check) {
	expires, registrar, err := l.survey.cfg.Registration(ctx, l.domain)
	if err != nil {
		l.missed("registration", "its registration data", err)
		return
	}
	if was := c.Registrar; was != "" && registrar != "" && was != registrar {
		l.found(fmt.Sprintf("its registrar was %s and is now %s", was, registrar), "if you did not move it, somebody else did: call both registrars today")
	}
	if !expires.IsZero() {
		c.Expires = expires
	}
	if registrar != "" {
		c.Registrar = registrar
	}
}

// blocked asks the block lists. Only 127.0.0.0/8 is an entry (RFC 5782 §2.3);
// 127.255.255.0/24 and 127.0.0.1 are how lists say that they do not answer this
// resolver.
func (l *look) blocked(ctx context.Context) {
	for _, zone := range l.survey.cfg.BlockLists {
		err := l.survey.sound(ctx, zone)
		if err == nil {
			var listed bool
			if listed, err = l.survey.listed(ctx, l.domain, zone); listed {
				l.found("it is on the block list "+zone, "look up why at the list's own page and ask for removal; if it stays there, retire it")
			}
		}
		if err != nil {
			l.missed("list", "the block list "+zone, err)
		}
	}
}

// sound asks once whether a list is one: "invalid" is on none (RFC 5782 §5).
func (s *Survey) sound(ctx context.Context, zone string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, asked := s.lists[zone]
	if asked {
		return err
	}
	listed, err := s.listed(ctx, "invalid", zone)
	if listed {
		err = errors.New("it lists every name")
	}
	if ctx.Err() == nil {
		s.lists[zone] = err
	}
	return err
}

func (s *Survey) listed(ctx context.Context, name, zone string) (bool, error) {
	list, err := s.cfg.Resolver.LookupNetIP(ctx, "ip4", name+"."+host(zone)+".")
	if len(list) == 0 {
		if absent(err) {
			return false, nil
		}
		return false, err
	}
	refused, entries := netip.MustParsePrefix("127.255.255.0/24"), netip.MustParsePrefix("127.0.0.0/8")
	for _, a := range list {
		switch a = a.Unmap(); {
		case !entries.Contains(a):
			return false, errors.New("its answers are those of a resolver that invents some")
		case refused.Contains(a) || a == netip.MustParseAddr("127.0.0.1"):
			return false, errors.New("it does not answer this resolver: use one of your own, or register with the list")
		}
	}
	return true, nil
}
