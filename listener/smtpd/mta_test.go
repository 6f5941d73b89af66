package smtpd_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"saltmine/internal/testkit"
)

// postfixMain is the configuration of the Postfix that the recordings show: the
// package's own, with the settings that Postfix's authors advise against
// smuggling (no CHUNKING), and without what would tell names apart (VRFY).
const postfixMain = `smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
myhostname = mx.example.net
myorigin = mx.example.net
mydestination = mx.example.net
mynetworks = 192.0.2.1
local_recipient_maps = regexp:%[1]s/etc/nobody
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
alias_maps =
alias_database =
virtual_mailbox_domains = example.net xn--bcher-kva.example
virtual_mailbox_maps = regexp:%[1]s/etc/names
recipient_delimiter = +
relay_domains =
virtual_transport = discard:
local_transport = discard:
default_transport = discard:
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_helo_required = yes
smtpd_forbid_bare_newline = reject
smtpd_discard_ehlo_keywords = chunking, etrn, dsn
disable_vrfy_command = yes
message_size_limit = 31457280
virtual_mailbox_limit = 0
mailbox_size_limit = 0
smtpd_tls_cert_file = %[1]s/etc/cert.pem
smtpd_tls_key_file = %[1]s/etc/key.pem
`

// postfix is a Postfix of the test's own.
type postfix struct{ *testkit.Postfix }

// startPostfix runs Debian's Postfix as the recordings show it.
func startPostfix(t *testing.T, main string, doors ...string) postfix {
	t.Helper()
	cert, key := pemPair(t)
	return postfix{testkit.StartPostfix(t, postfixMain+main, map[string]string{
		"names":  `/^(dana|amir|postmaster|yes[^@]*)(\+[^@]*)?@(example\.net|xn--bcher-kva\.example)$/ x` + "\n",
		"nobody": "", "cert.pem": cert, "key.pem": key,
	}, doors...)}
}

// swaks has Postfix take a mail, and starts it anew when it greets nobody.
func (p postfix) swaks(t *testing.T, addr string, args ...string) (out string, code int) {
	t.Helper()
	const noGreeting = 21
	for range 3 {
		if out, code = swaks(t, addr, args...); code != noGreeting {
			break
		}
		p.Restart()
		awaitPort(t, addr)
	}
	return out, code
}

// program finds what Debian keeps where only root looks.
func program(name string) string {
	if path := filepath.Join("/usr/sbin", name); exists(path) {
		return path
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// freePort gives an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(testkit.FreePort(t)))
}
