package conf

import (
	"net"
	"net/netip"
)

// MailAuth has the core look at who sent a mail that reached a canary: SPF, DKIM
// and DMARC. It asks the DNS about the sender's domains, which their servers
// see; without the section nothing is asked.
type MailAuth struct {
	// Resolver is the "address:port", or the address, of the resolver that is
	// asked. Empty, the default, is the system's.
	Resolver string `json:"resolver,omitempty"`
}

// dnsPort is where resolvers listen.
const dnsPort = "53"

func (c *Config) decodeMailAuth(t *table) {
	if t == nil {
		return
	}
	c.MailAuth = &MailAuth{}
	t.perhaps("resolver", &c.MailAuth.Resolver)
	if addr, err := netip.ParseAddr(c.MailAuth.Resolver); err == nil {
		c.MailAuth.Resolver = net.JoinHostPort(addr.String(), dnsPort)
	}
	t.finish()
}

func (c *Config) checkMailAuth(k *checks) {
	if c.MailAuth == nil || c.MailAuth.Resolver == "" {
		return
	}
	if _, err := netip.ParseAddrPort(c.MailAuth.Resolver); err != nil {
		k.bad("core.mailauth.resolver", "%q is not an IP address, with or without a port", c.MailAuth.Resolver)
	}
}
