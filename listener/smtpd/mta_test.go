package smtpd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postfixMain is the configuration of the Postfix that the recordings show: the
// package's own, with the settings that Postfix's authors advise against
// smuggling (no CHUNKING), and without what would tell names apart (VRFY).
const postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
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

// postfixMaster has the doors in front; a door is an address and its options.
const postfixMaster = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`

// postfix is a Postfix of the test's own.
type postfix struct{ dir string }

// startPostfix runs Debian's Postfix with its own directories until the test
// ends. It needs root, as Postfix does.
func startPostfix(t *testing.T, main string, doors ...string) postfix {
	t.Helper()
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatalf("postfix (package postfix) is needed: %v", err)
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/var/tmp", "mx") //nolint:usetesting // Postfix's own user must get in, which it may not in t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, sub := range []string{"", "etc", "queue", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "data"), uid, -1); err != nil {
		t.Fatal(err)
	}
	cert, key := pemPair(t)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("main.cf", fmt.Sprintf(postfixMain, dir)+main)
	write("master.cf", strings.Join(doors, "\n")+"\n"+postfixMaster)
	write("names", `/^(dana|amir|postmaster|yes[^@]*)(\+[^@]*)?@(example\.net|xn--bcher-kva\.example)$/ x`+"\n")
	write("nobody", "")
	write("cert.pem", cert)
	write("key.pem", key)
	p := postfix{dir}
	t.Cleanup(func() {
		if err := p.do(t, "stop"); err != nil {
			p.kill()
		}
	})
	// On a machine with much to do its master has been seen to take connections
	// and to start nobody who answers them.
	for range 3 {
		if err := p.do(t, "start"); err != nil {
			t.Fatal(err)
		}
		if greets(t, strings.Fields(doors[0])[0]) {
			return p
		}
		p.kill()
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("postfix greets nobody:\n%s", log)
	return p
}

// greets reports whether a server says something within a while.
func greets(t *testing.T, addr string) bool {
	t.Helper()
	awaitPort(t, addr)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close() // it was only to hear it
	if err := conn.SetReadDeadline(time.Now().Add(25 * time.Second)); err != nil {
		return false
	}
	word := make([]byte, 4)
	_, err = io.ReadFull(conn, word)
	return err == nil && string(word) == "220 "
}

// kill ends the master that the test has started.
func (p postfix) kill() {
	text, err := os.ReadFile(filepath.Join(p.dir, "queue", "pid", "master.pid"))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// swaks has Postfix take a mail, and starts it anew when it greets nobody.
func (p postfix) swaks(t *testing.T, addr string, args ...string) (out string, code int) {
	t.Helper()
	const noGreeting = 21
	for range 3 {
		if out, code = swaks(t, addr, args...); code != noGreeting {
			break
		}
		p.kill()
		if err := p.do(t, "start"); err != nil {
			t.Fatal(err)
		}
		awaitPort(t, addr)
	}
	return out, code
}

// do runs a command of Postfix.
func (p postfix) do(t *testing.T, word string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program("postfix"), "-c", filepath.Join(p.dir, "etc"), word).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		return fmt.Errorf("postfix %s: %w\n%s%s", word, err, out, log)
	}
	return nil
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

// freePort gives a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // the port is what is wanted
	return ln.Addr().String()
}
