package testkit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// dovecotConf is a Dovecot of its own: IMAP over TLS on one port of loopback,
// users in a file, mail in Maildirs below the directory.
const dovecotConf = `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
namespace inbox {
  inbox = yes
  separator = /
  mailbox Unerwünscht {
    special_use = \Junk
    auto = create
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN %[1]s/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s/mail/%%u
}
default_process_limit = 500
default_client_limit = 2000
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  service_count = 0
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = %[2]d
    ssl = yes
  }
}
%[3]s
`

// DovecotJunk is the folder for spam, as IMAP clients are shown its name.
const DovecotJunk = "Unerwünscht"

// dovecotJunkDir is the same folder on the disk.
const dovecotJunkDir = ".Unerw&APw-nscht"

// Dovecot is a private IMAP server.
type Dovecot struct {
	Addr  string // host:port of IMAP over TLS
	Roots string // PEM file of the authority of its certificate

	dir   string
	owner [2]int
	count atomic.Int64
}

// StartDovecot runs Debian's Dovecot with these users and their passwords, and
// further lines of configuration, until the test ends. It needs root, as Dovecot
// does.
func StartDovecot(tb testing.TB, users map[string]string, more string) *Dovecot {
	tb.Helper()
	d := &Dovecot{}
	var err error
	if d.dir, err = os.MkdirTemp("/var/tmp", "saltmine-dovecot-"); err != nil { //nolint:usetesting // Dovecot's own users must get in
		tb.Fatal(err)
	}
	reaper, err := startReaper(tb.Context(), d.dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if os.RemoveAll(d.dir) == nil {
			reaper.dismiss()
			return
		}
		reaper.call()
	})
	if err := errors.Join(d.lookUp(), d.layOut(users)); err != nil {
		tb.Fatalf("dovecot (package dovecot-imapd) is needed: %v", err)
	}
	for range startTries {
		if err = d.start(tb, more); err == nil {
			return d
		}
	}
	tb.Fatal(err)
	return nil
}

func (d *Dovecot) lookUp() error {
	nobody, err := osuser.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(nobody.Uid)
	gid, err2 := strconv.Atoi(nobody.Gid)
	d.owner = [2]int{uid, gid}
	return errors.Join(err, err2)
}

func (d *Dovecot) layOut(users map[string]string) error {
	errs := []error{os.Chmod(d.dir, 0o755)}
	var list strings.Builder
	for name, password := range users {
		fmt.Fprintf(&list, "%s:{PLAIN}%s\n", name, password)
	}
	cert, key, err := selfSigned()
	for name, text := range map[string][]byte{"users": []byte(list.String()), "cert.pem": cert, "key.pem": key} {
		errs = append(errs, os.WriteFile(filepath.Join(d.dir, name), text, 0o644))
	}
	mail := filepath.Join(d.dir, "mail")
	errs = append(errs, err, os.Mkdir(mail, 0o700), os.Chown(mail, d.owner[0], d.owner[1]))
	d.Roots = filepath.Join(d.dir, "cert.pem")
	return errors.Join(errs...)
}

func selfSigned() (cert, key []byte, err error) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), err
}

func (d *Dovecot) start(tb testing.TB, more string) error {
	tb.Helper()
	port, err := freePort(tb.Context())
	if err != nil {
		return err
	}
	d.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	conf := filepath.Join(d.dir, "dovecot.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, dovecotConf, d.dir, port, more), 0o644); err != nil {
		return err
	}
	program, err := exec.LookPath("/usr/sbin/dovecot")
	if err != nil {
		return fmt.Errorf("no Dovecot found: install the Debian package dovecot-imapd: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), program, "-F", "-c", conf)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("dovecot: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil { // for the reaper
		return errors.Join(err, cmd.Process.Kill())
	}
	ended := make(chan struct{})
	go func() { // ends with the program
		cmd.Wait() //nolint:errcheck // its words are in the log
		close(ended)
	}()
	tb.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		select {
		case <-ended:
		case <-time.After(stopLimit):
			cmd.Process.Kill() //nolint:errcheck // it may have ended
		}
	})
	return d.await(tb.Context(), ended)
}

// await waits until the server takes connections.
func (d *Dovecot) await(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.Addr); err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
			continue
		case <-ended:
		case <-ctx.Done():
		}
		return fmt.Errorf("dovecot does not run:\n%s", d.Log())
	}
}

// Log is what the server has logged.
func (d *Dovecot) Log() string {
	text, err := os.ReadFile(filepath.Join(d.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *Dovecot) maildir(name, folder string) string {
	dir := filepath.Join(d.dir, "mail", name, "Maildir")
	switch folder {
	case "INBOX":
	case DovecotJunk:
		dir = filepath.Join(dir, dovecotJunkDir)
	default:
		dir = filepath.Join(dir, "."+folder)
	}
	return dir
}

// Deliver puts a message into a folder of a user as a delivery agent does: it
// arrived at that time.
func (d *Dovecot) Deliver(tb testing.TB, name, folder, message string, arrived time.Time) {
	tb.Helper()
	dir := d.maildir(name, folder)
	errs := []error{}
	for _, sub := range []string{"", "tmp", "new", "cur"} {
		errs = append(errs, os.MkdirAll(filepath.Join(dir, sub), 0o700))
	}
	for at := dir; at != filepath.Join(d.dir, "mail"); at = filepath.Dir(at) {
		errs = append(errs, os.Chown(at, d.owner[0], d.owner[1]))
	}
	file := fmt.Sprintf("%d.M%dP%d.saltmine", arrived.Unix(), d.count.Add(1), os.Getpid())
	tmp := filepath.Join(dir, "tmp", file)
	errs = append(errs, os.WriteFile(tmp, []byte(message), 0o600), os.Chown(tmp, d.owner[0], d.owner[1]), os.Chtimes(tmp, arrived, arrived))
	for _, sub := range []string{"tmp", "new", "cur"} {
		errs = append(errs, os.Chown(filepath.Join(dir, sub), d.owner[0], d.owner[1]))
	}
	if err := errors.Join(append(errs, os.Rename(tmp, filepath.Join(dir, "new", file)))...); err != nil {
		tb.Fatal(err)
	}
}

// Untouched counts the messages of a folder that no client has seen yet, and
// those that one has.
func (d *Dovecot) Untouched(tb testing.TB, name, folder string) (untouched, seen int) {
	tb.Helper()
	for _, sub := range []string{"new", "cur"} {
		list, err := os.ReadDir(filepath.Join(d.maildir(name, folder), sub))
		if err != nil {
			tb.Fatal(err)
		}
		if sub == "new" {
			untouched = len(list)
		} else {
			seen = len(list)
		}
	}
	return untouched, seen
}

// Renumber has the server forget the UIDs of a folder: it makes new ones, with
// another UIDVALIDITY.
func (d *Dovecot) Renumber(tb testing.TB, name, folder string) {
	tb.Helper()
	dir := d.maildir(name, folder)
	list := filepath.Join(dir, "dovecot-uidlist")
	text, err := os.ReadFile(list)
	if err != nil {
		tb.Fatal(err)
	}
	var validity, next int64
	if _, err := fmt.Sscanf(string(text), "3 V%d N%d", &validity, &next); err != nil {
		tb.Fatalf("a list of UIDs that begins %.20q: %v", text, err)
	}
	index, err := filepath.Glob(filepath.Join(dir, "dovecot.index*"))
	errs := []error{err}
	for _, file := range index {
		errs = append(errs, os.Remove(file))
	}
	head := fmt.Appendf(nil, "3 V%d N%d G%032x\n", validity+1000, next+10, validity)
	if err := errors.Join(append(errs, os.WriteFile(list, head, 0o600), os.Chown(list, d.owner[0], d.owner[1]))...); err != nil {
		tb.Fatal(err)
	}
}
