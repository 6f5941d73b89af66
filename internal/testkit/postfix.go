package testkit

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postfixBase is what every Postfix of a test needs.
const postfixBase = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
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
virtual unix - n n - - virtual
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`

// Postfix is a Postfix of the test's own.
type Postfix struct {
	Dir string // "etc", "queue", "data", "mail", the file "log"
	t   testing.TB

	door string // the first, at which it greets
}

// StartPostfix runs Debian's Postfix with its own directories until the test
// ends. It needs root, as Postfix does. In main and in the files, which come to
// etc, %[1]s is the directory; mail is writable for Postfix's user.
func StartPostfix(t testing.TB, main string, files map[string]string, doors ...string) *Postfix {
	t.Helper()
	p := &Postfix{t: t, door: strings.Fields(doors[0])[0]}
	p.lay(main, files, doors)
	t.Cleanup(func() {
		if err := p.do("stop"); err != nil {
			p.kill()
		}
	})
	p.start()
	return p
}

// start starts it until it greets. On a machine with much to do its master has been
// seen to take connections and to start nobody who answers them, or not to come back
// from its start.
func (p *Postfix) start() {
	p.t.Helper()
	var err error
	for range 3 {
		if err = p.do("start"); err == nil && p.greets(p.door) {
			return
		}
		p.kill()
	}
	p.t.Fatalf("postfix greets nobody: %v\n%s", err, p.Log())
}

// PostfixUID is the number of Postfix's user.
func PostfixUID(t testing.TB) string {
	t.Helper()
	owner, err := osuser.Lookup("postfix")
	if err != nil {
		t.Fatalf("postfix (package postfix) is needed: %v", err)
	}
	return owner.Uid
}

// lay lays its files out.
func (p *Postfix) lay(main string, files map[string]string, doors []string) {
	p.t.Helper()
	uid, err := strconv.Atoi(PostfixUID(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	p.Dir, err = os.MkdirTemp("/var/tmp", "mx") // where its own user gets in, which it may not in t.TempDir
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = os.RemoveAll(p.Dir) })
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	for _, sub := range []string{"", "etc", "queue", "data", "mail"} {
		must(os.MkdirAll(filepath.Join(p.Dir, sub), 0o755))
	}
	must(os.Chmod(p.Dir, 0o755))
	must(os.Chown(filepath.Join(p.Dir, "data"), uid, -1))
	must(os.Chown(filepath.Join(p.Dir, "mail"), uid, -1))
	all := maps.Clone(files)
	if all == nil {
		all = map[string]string{}
	}
	all["main.cf"], all["master.cf"] = postfixBase+main, strings.Join(doors, "\n")+"\n"+postfixMaster
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := strings.ReplaceAll(all[name], "%[1]s", p.Dir)
		must(os.WriteFile(filepath.Join(p.Dir, "etc", name), []byte(text), 0o644)) // Postfix's user reads it
	}
}

// Restart kills it and starts it anew.
func (p *Postfix) Restart() {
	p.t.Helper()
	p.kill()
	p.start()
}

// Log is what it has logged.
func (p *Postfix) Log() string {
	log, _ := os.ReadFile(filepath.Join(p.Dir, "log"))
	return string(log)
}

// greets reports whether a server says something within a while.
func (p *Postfix) greets(addr string) bool {
	p.t.Helper()
	until := time.Now().Add(25 * time.Second)
	for time.Now().Before(until) {
		conn, err := (&net.Dialer{Deadline: until}).DialContext(p.t.Context(), "tcp", addr)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		word := make([]byte, 4)
		_ = conn.SetReadDeadline(until)
		_, err = io.ReadFull(conn, word)
		_ = conn.Close() // it was only to hear it
		return err == nil && string(word) == "220 "
	}
	return false
}

// kill ends the master that the test has started, with all that it has started: they
// are a group of their own, and hold what a next master waits for.
func (p *Postfix) kill() {
	text, err := os.ReadFile(filepath.Join(p.Dir, "queue", "pid", "master.pid"))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_ = syscall.Kill(pid, syscall.SIGKILL) // if it leads no group
	}
}

// do runs a command of Postfix.
func (p *Postfix) do(word string) error {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), 30*time.Second)
	defer cancel()
	program := "postfix"
	if _, err := os.Stat("/usr/sbin/postfix"); err == nil { // where only root looks
		program = "/usr/sbin/postfix"
	}
	cmd := exec.CommandContext(ctx, program, "-c", filepath.Join(p.Dir, "etc"), word)
	// A group of its own: what waits for a lock in its scripts ends with it. The master
	// that it starts has another.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // somebody may have its output still
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("postfix %s: %w\n%s%s", word, err, out, p.Log())
	}
	return nil
}
