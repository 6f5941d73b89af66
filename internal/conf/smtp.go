package conf

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
)

// SMTP is the mail ear.
type SMTP struct {
	Listen []string `json:"listen"` // "host:port" each; may be empty where LMTP is given
	// Costume names the common server whose texts are spoken: "postfix", the
	// default, "exim" or "exchange".
	Costume string `json:"costume"`
	// Hostname is the name in the banner. Default "mx." and the pool's first domain.
	Hostname string `json:"hostname"`
	// TLSCert and TLSKey are PEM files for STARTTLS; both or neither. They are
	// read again when they change.
	TLSCert string `json:"tls_cert,omitempty"`
	TLSKey  string `json:"tls_key,omitempty"`
	// ACME is the directory of an authority that gives the certificate instead,
	// ACMEListen and ACMEHTTP where it finds its proof (port 443 or port 80 of the
	// hostname; one is enough), ACMEDir
	// where account and certificate are kept, ACMERoots a PEM
	// file for an authority of one's own.
	ACME       string `json:"acme,omitempty"`
	ACMEListen string `json:"acme_listen,omitempty"`
	ACMEHTTP   string `json:"acme_http_listen,omitempty"`
	ACMEDir    string `json:"acme_dir,omitempty"`
	ACMEEmail  string `json:"acme_email,omitempty"`
	ACMERoots  string `json:"acme_roots,omitempty"`
	// ProxyFrom are the proxies in front, which begin every connection with a
	// PROXY header.
	ProxyFrom []netip.Prefix `json:"proxy_from,omitempty"`
	// ForwardFrom are the mail servers in front that may tell by XFORWARD who their
	// clients are.
	ForwardFrom []netip.Prefix `json:"xforward_from,omitempty"`
	// LMTP is the Unix socket to which a mail server in front delivers, and
	// LMTPMode the permissions of it. Default 0660.
	LMTP     string      `json:"lmtp,omitempty"`
	LMTPMode fs.FileMode `json:"lmtp_mode,omitempty"`
	// Connections is how many may be open at one time, and ConnectionsPerAddress
	// how many of them from one address. Default 1000 and 50.
	Connections           int `json:"connections"`
	ConnectionsPerAddress int `json:"connections_per_address"`
}

func (c *Config) decodeSMTP(t *table) {
	if t == nil {
		return
	}
	s := &SMTP{Costume: "postfix", Connections: 1000, ConnectionsPerAddress: 50}
	c.SMTP = s
	if len(c.Pool.Domains) > 0 {
		s.Hostname = "mx." + c.Pool.Domains[0]
	}
	var mode string
	t.texts("listen", &s.Listen)
	t.text("costume", &s.Costume)
	t.text("hostname", &s.Hostname)
	t.file("tls_cert", &s.TLSCert)
	t.file("tls_key", &s.TLSKey)
	t.text("acme", &s.ACME)
	t.text("acme_listen", &s.ACMEListen)
	t.text("acme_http_listen", &s.ACMEHTTP)
	t.file("acme_dir", &s.ACMEDir)
	t.text("acme_email", &s.ACMEEmail)
	t.file("acme_roots", &s.ACMERoots)
	t.prefixes("proxy_from", &s.ProxyFrom)
	t.prefixes("xforward_from", &s.ForwardFrom)
	t.file("lmtp", &s.LMTP)
	t.text("lmtp_mode", &mode)
	t.whole("connections", &s.Connections)
	t.whole("connections_per_address", &s.ConnectionsPerAddress)
	t.finish()
	if s.LMTP != "" {
		s.LMTPMode = 0o660
	}
	if mode != "" {
		n, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || n > 0o777 {
			t.book.add(t.key("lmtp_mode"), "%q is not a file mode like \"0660\"", mode)
		}
		s.LMTPMode = fs.FileMode(n)
	}
}

// prefixes reads networks; a single address is one, too.
func (t *table) prefixes(key string, into *[]netip.Prefix) {
	var texts []string
	t.texts(key, &texts)
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, bare := netip.ParseAddr(text); bare == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil || p.Addr().Zone() != "" || p.Addr().Is4In6() {
			t.book.add(fmt.Sprintf("%s[%d]", t.key(key), i), "%q is not a network like 192.0.2.0/24", text)
			continue
		}
		*into = append(*into, p.Masked())
	}
}

func (k *checks) smtp(s *SMTP, domains bool) {
	if len(s.Listen) > 0 || s.LMTP == "" {
		k.listens("smtp.listen", s.Listen)
	}
	if !nameForm.MatchString(s.Costume) {
		k.bad("smtp.costume", "%q is not a name", s.Costume)
	}
	if s.Hostname != "" || domains { // without domains that is the fault
		k.domains("smtp.hostname", []string{s.Hostname})
	}
	k.together("smtp.tls_key", s.TLSKey != "", "tls_cert", s.TLSCert != "")
	k.together("smtp.tls_cert", s.TLSCert != "", "tls_key", s.TLSKey != "")
	k.acme(s)
	k.together("smtp.lmtp", s.LMTP != "", "lmtp_mode", s.LMTPMode != 0)
	for key, n := range map[string]int{"smtp.connections": s.Connections, "smtp.connections_per_address": s.ConnectionsPerAddress} {
		if n < 1 || n > 1_000_000 {
			k.bad(key, "%d is not between 1 and 1000000", n)
		}
	}
}

func (k *checks) acme(s *SMTP) {
	k.together("smtp.acme", s.ACME != "", "acme_listen", s.ACMEListen != "")
	k.together("smtp.acme", s.ACME != "", "acme_http_listen", s.ACMEHTTP != "")
	k.together("smtp.acme_listen", s.ACMEListen != "" || s.ACMEHTTP != "", "acme", s.ACME != "")
	k.together("smtp.acme_dir", s.ACMEDir != "", "acme", s.ACME != "")
	if s.ACME != "" {
		k.url("smtp.acme", s.ACME)
	}
	if s.ACME != "" && s.TLSCert != "" {
		k.bad("smtp.acme", "tls_cert is given too; keep one of them")
	}
	if s.ACMEListen != "" {
		k.listen("smtp.acme_listen", s.ACMEListen)
	}
	if s.ACMEHTTP != "" {
		k.listen("smtp.acme_http_listen", s.ACMEHTTP)
	}
}

// together wants a key where another one is given.
func (k *checks) together(key string, given bool, other string, also bool) {
	if also && !given {
		k.bad(key, "missing, but %s is given", other)
	}
}

func (p printer) smtp(s *SMTP) {
	p.value("smtp.listen", s.Listen)
	p.value("smtp.costume", s.Costume)
	p.value("smtp.hostname", s.Hostname)
	p.value("smtp.tls_cert", s.TLSCert)
	p.value("smtp.tls_key", s.TLSKey)
	p.value("smtp.acme", s.ACME)
	p.value("smtp.acme_listen", s.ACMEListen)
	p.value("smtp.acme_http_listen", s.ACMEHTTP)
	p.value("smtp.acme_dir", s.ACMEDir)
	p.value("smtp.acme_email", s.ACMEEmail)
	p.value("smtp.acme_roots", s.ACMERoots)
	p.value("smtp.proxy_from", texts(s.ProxyFrom))
	p.value("smtp.xforward_from", texts(s.ForwardFrom))
	p.value("smtp.lmtp", s.LMTP)
	if s.LMTP != "" {
		p.value("smtp.lmtp_mode", fmt.Sprintf("%04o", uint32(s.LMTPMode)))
	}
	p.value("smtp.connections", s.Connections)
	p.value("smtp.connections_per_address", s.ConnectionsPerAddress)
}
