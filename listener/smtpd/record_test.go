package smtpd_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	record  = flag.String("record", "", `write the recordings of a real server anew: "postfix" or "exim"; as root`)
	eximBin = flag.String("exim", "/usr/sbin/exim4", "Exim's program, for -record exim")
)

// TestRecord asks the real servers. Without -record it has nothing to do; the
// recordings are compared with the ear by TestRealDialogs.
func TestRecord(t *testing.T) {
	var doors map[string]string
	switch *record {
	case "":
		return
	case "postfix":
		doors = map[string]string{"": freePort(t), "tls": freePort(t), "short": freePort(t), "strict": freePort(t)}
		startPostfix(t, "",
			doors[""]+" inet n - n - - smtpd -o smtpd_tls_security_level=none -o smtpd_hard_error_limit=1000",
			doors["strict"]+" inet n - n - - smtpd -o smtpd_tls_security_level=none",
			doors["tls"]+" inet n - n - - smtpd -o smtpd_tls_security_level=may",
			doors["short"]+" inet n - n - - smtpd -o smtpd_timeout=1s")
	case "exim":
		doors = startExim(t)
	default:
		t.Fatalf("no server is called %q", *record)
	}
	var text strings.Builder
	text.WriteString("# What a real " + *record + " says to testdata/strangers.txt; made by go test -run TestRecord -record " + *record + ".\n")
	for _, s := range strangers(t, "testdata/strangers.txt") {
		text.WriteString(s.ask(t, doors[s.flags]))
	}
	if err := os.WriteFile("testdata/"+*record+".real", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask plays a stranger to a real server and returns the recording.
func (s stranger) ask(t *testing.T, addr string) string {
	t.Helper()
	c := call(t, addr)
	out := "## " + strings.TrimSpace(s.name+" "+s.flags) + "\n" + c.hearAll("")
	held := ""
	for _, line := range s.lines {
		out += line + "\n"
		mark, text, _ := strings.Cut(line, " ")
		if mark == "!" {
			if text == "tls" {
				if !willing(out) {
					break
				}
				c.upgrade(nil)
			}
			out += c.hearAll(text)
			continue
		}
		more, hold := words(t, mark, text)
		if held += more; !hold {
			_, _ = c.conn.Write([]byte(held)) // the server may have hung up: the recording shows it
			held = ""
			out += c.hearAll(strings.ToLower(text))
		}
	}
	_ = c.conn.Close()
	return out
}

// willing reports whether the last reply invites to the handshake.
func willing(recording string) bool {
	lines := strings.Split(strings.TrimSpace(recording), "\n")
	return len(lines) > 1 && strings.HasPrefix(lines[len(lines)-2], "< 220 ")
}

// hearAll reads replies until the server is silent.
func (c *caller) hearAll(what string) string {
	c.t.Helper()
	out, patience := "", 150*time.Millisecond
	switch what {
	case "quit": // Exim takes its time over the last word
		patience = time.Second
	case "wait":
		patience = 4 * time.Second
	}
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		line, err := c.in.ReadString('\n')
		if line != "" {
			out += "< " + normal(strings.TrimSuffix(line, "\r\n")) + "\n"
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = c.conn.SetReadDeadline(time.Time{})
			return out
		}
		if err != nil {
			return out + "< EOF\n"
		}
	}
}

// eximConf is the configuration of the Exim that the recordings show: the rules
// of Debian's package, without CHUNKING, as Exim's authors advise against
// smuggling, without PRDR, and patient with clients that do not wait (mail that
// a sender pipelined wrongly is evidence, too).
const eximConf = `primary_hostname = mx.example.net
spool_directory = %[1]s
log_file_path = %[1]s/%%slog
pid_file_path = %[1]s/PID
exim_user = Debian-exim
domainlist local_domains = example.net : xn--bcher-kva.example : mx.example.net
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_mail = acl_check_mail
message_size_limit = 30M
smtp_enforce_sync = false
chunking_advertise_hosts =
pipelining_connect_advertise_hosts =
smtputf8_advertise_hosts =
rfc1413_query_timeout = 0s
host_lookup =
tls_certificate = %[1]s/cert.pem
tls_privatekey = %[1]s/key.pem
daemon_smtp_ports = %[2]s
local_interfaces = 127.0.0.1
queue_only = true
keep_environment =
%[3]s
begin acl
acl_check_mail:
  accept
acl_check_rcpt:
  accept hosts = :
  deny domains = +local_domains
       local_parts = ^[.] : ^.*[@%%!/|` + "`#&?]" + `
       message = restricted characters in address
  deny domains = !+local_domains
       local_parts = ^[./|] : ^.*[@%%!` + "`#&?]" + ` : ^.*/\\.\\./
       message = restricted characters in address
  accept local_parts = postmaster
         domains = +local_domains
  require message = relay not permitted
          domains = +local_domains
  require verify = recipient
  accept
begin routers
names:
  driver = accept
  domains = example.net : xn--bcher-kva.example
  condition = ${if match{$local_part}{\N(?i)^(dana|amir|yes.*)$\N}{yes}{no}}
  local_part_suffix = +*
  local_part_suffix_optional
  transport = gone
begin transports
gone:
  driver = appendfile
  file = /dev/null
  user = Debian-exim
`

// startExim runs three of Debian's Exim, one a door, until the test ends.
func startExim(t *testing.T) map[string]string {
	t.Helper()
	doors := map[string]string{}
	for flag, extra := range map[string]string{
		"":       "tls_advertise_hosts =\nsmtp_max_synprot_errors = 1000\nsmtp_max_unknown_commands = 1000\nsmtp_accept_max_nonmail = 1000",
		"strict": "tls_advertise_hosts =",
		"tls":    "tls_advertise_hosts = *",
		"short":  "tls_advertise_hosts =\nsmtp_receive_timeout = 1s",
	} {
		dir, err := os.MkdirTemp("/var/tmp", "exim") //nolint:usetesting // Exim's own user must get in
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if t.Failed() {
				log, _ := os.ReadFile(filepath.Join(dir, "mainlog"))
				t.Logf("exim: %s", log)
			}
			_ = os.RemoveAll(dir)
		})
		if err := os.Chmod(dir, 0o777); err != nil { // Exim's own user writes here
			t.Fatal(err)
		}
		doors[flag] = freePort(t)
		_, port, _ := net.SplitHostPort(doors[flag])
		cert, key := pemPair(t)
		for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "conf": fmt.Sprintf(eximConf, dir, port, extra)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), *eximBin, "-C", filepath.Join(dir, "conf"), "-bd").CombinedOutput()
		if err != nil {
			t.Fatalf("exim: %v\n%s", err, out)
		}
		t.Cleanup(func() { endDaemon(t, filepath.Join(dir, "PID")) })
		awaitPort(t, doors[flag])
	}
	return doors
}

// endDaemon ends the process whose number is in the file.
func endDaemon(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("a daemon without a number: %v", err)
		return
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Error(err)
		return
	}
	if p, err := os.FindProcess(n); err == nil {
		_ = p.Kill()
	}
}

// awaitPort waits until somebody listens.
func awaitPort(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s: %v", addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
