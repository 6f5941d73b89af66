package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ErrNoMariaDB is returned on a machine without a MariaDB server.
var ErrNoMariaDB = errors.New("no MariaDB server found (mariadbd, mysqld and mariadb-install-db; in PATH or /usr/sbin): install the Debian package mariadb-server")

const (
	startLimit = 90 * time.Second // a cold start on a busy machine takes a few seconds
	stopLimit  = 30 * time.Second
	startTries = 4 // with a new port each
)

// Server is a private MariaDB.
type Server struct {
	program  string
	dir      string // everything of this server
	port     int
	password string // of the administrator's account
	reaper   *reaper

	extra []string // options

	mu    sync.Mutex
	run   *run // nil while the server is down
	desks desks
	rts   rts
}

// StartMariaDB starts a server; stop ends it and removes its files. It is for
// TestMain; tests call [MariaDB] or [Shared.MariaDB]. ctx is only needed while
// it starts. Options of the program go before the usual ones of this package.
func StartMariaDB(ctx context.Context, options ...string) (s *Server, stop func(), err error) {
	program, installer, err := findPrograms()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "saltmine-mariadb-")
	if err != nil {
		return nil, nil, fmt.Errorf("mariadb: %w", err)
	}
	s = &Server{program: program, dir: dir, password: randomName(""), extra: options}
	if s.reaper, err = startReaper(ctx, dir); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err = s.install(ctx, installer); err == nil {
		err = s.startSomewhere(ctx)
	}
	if err != nil {
		s.remove()
		return nil, nil, err
	}
	return s, s.remove, nil
}

func findPrograms() (server, installer string, err error) {
	if server, err = find("mariadbd", "mysqld"); err != nil {
		return "", "", err
	}
	if installer, err = find("mariadb-install-db", "mysql_install_db"); err != nil {
		return "", "", err
	}
	return server, installer, nil
}

func find(names ...string) (string, error) {
	for _, name := range names {
		for _, place := range []string{name, "/usr/sbin/" + name, "/usr/bin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(place); err == nil {
				return path, nil
			}
		}
	}
	return "", ErrNoMariaDB
}

func (s *Server) install(ctx context.Context, installer string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	args := append(s.options(), "--auth-root-authentication-method=normal", "--skip-test-db")
	out, err := exec.CommandContext(ctx, installer, args...).CombinedOutput() // found above
	if err != nil {
		return fmt.Errorf("mariadb: install in %s: %w\n%s", s.dir, err, out)
	}
	return nil
}

// options are those that the installer takes too.
func (s *Server) options() []string {
	options := []string{
		"--no-defaults", "--datadir=" + filepath.Join(s.dir, "data"), "--skip-name-resolve",
		// A server that starts clears the temporary tables of any other away.
		"--tmpdir=" + s.dir,
		"--innodb-log-file-size=16M", "--innodb-buffer-pool-size=96M", "--innodb-flush-method=nosync",
		"--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0", "--performance-schema=off",
	}
	if os.Geteuid() == 0 {
		options = append(options, "--user=root") // refused otherwise
	}
	return append(options, s.extra...)
}

// startSomewhere starts the server on a port that was free just before: another
// process may take it in between, so there are several tries.
func (s *Server) startSomewhere(ctx context.Context) (err error) {
	for range startTries {
		if s.port, err = freePort(ctx); err != nil {
			return fmt.Errorf("mariadb: find a port: %w", err)
		}
		if err = s.start(ctx); err == nil {
			return s.admit(ctx)
		}
	}
	return err
}

// start runs the program and returns when it takes connections.
func (s *Server) start(ctx context.Context) error {
	args := append(s.options(),
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port), "--socket="+s.socket(),
		"--pid-file="+filepath.Join(s.dir, "pid"), "--skip-log-bin", "--max-connections=200", "--max-allowed-packet=128M",
		"--character-set-server=utf8mb4", "--default-time-zone=+00:00", "--secure-file-priv="+s.dir,
		"--tmpdir="+s.dir, "--table-open-cache=400", "--innodb-lock-wait-timeout=20")
	r := &run{out: &output{ready: make(chan struct{})}, ended: make(chan struct{})}
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), s.program, args...) // found above
	r.cmd.Stderr = r.out
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("mariadb: start: %w", err)
	}
	go func() { // ends with the program
		r.cmd.Wait() //nolint:errcheck // its words are in r.out
		close(r.ended)
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-r.out.ready:
		s.run = r
		return nil
	case <-r.ended:
		return fmt.Errorf("mariadb: ended while it started on port %d:\n%s", s.port, r.out.text())
	case <-limit.C:
	case <-ctx.Done():
	}
	r.kill()
	return fmt.Errorf("mariadb: not up within %s on port %d:\n%s", startLimit, s.port, r.out.text())
}

func (s *Server) socket() string { return filepath.Join(s.dir, "sock") }

// Stop shuts the server down as an administrator would: transactions are rolled
// back, connections closed. Its data stays for [Server.Restart].
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.end(syscall.SIGTERM); err != nil {
		tb.Fatal(err)
	}
}

// Kill ends the server with -9. Its data stays for [Server.Restart].
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if err := s.end(syscall.SIGKILL); err != nil {
		tb.Fatal(err)
	}
}

// Restart brings the server up again on the same port with the same data,
// after [Server.Stop] or [Server.Kill], or stops it first.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.end(syscall.SIGTERM); err != nil {
		tb.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// end signals the program and waits for its end; no program is no error.
func (s *Server) end(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.run
	if r == nil {
		return nil
	}
	s.run = nil
	r.cmd.Process.Signal(sig) //nolint:errcheck // it may have ended by itself
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-r.ended:
		return nil
	case <-limit.C:
		r.kill()
		return fmt.Errorf("mariadb: did not end within %s of %s:\n%s", stopLimit, sig, r.out.text())
	}
}

// remove ends the server and removes its files.
func (s *Server) remove() {
	s.end(syscall.SIGKILL) //nolint:errcheck // nothing in it is needed any more
	if err := os.RemoveAll(s.dir); err == nil {
		s.reaper.dismiss()
		return
	}
	s.reaper.call()
}

// run is one life of the program.
type run struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

func (r *run) kill() {
	r.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	<-r.ended
}

// output keeps the last words of the program and notices when it is up.
type output struct {
	ready chan struct{}

	mu   sync.Mutex
	kept []byte
	up   bool
}

const keptOutput = 16 << 10

// Write takes what the program wrote.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p...)
	if !o.up && bytes.Contains(o.kept, []byte("ready for connections")) {
		o.up = true
		close(o.ready)
	}
	if len(o.kept) > keptOutput {
		o.kept = append([]byte(nil), o.kept[len(o.kept)-keptOutput:]...)
	}
	return len(p), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}

// reaper is a shell that outlives us: when its pipe closes without a word, it
// kills the server and removes its directory.
type reaper struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

const reap = `trap '' HUP INT TERM
if read -r _; then exit 0; fi
if [ -s "$1/pid" ]; then kill -9 "$(cat "$1/pid")"; sleep 0.2; fi
rm -rf "$1"`

func startReaper(ctx context.Context, dir string) (*reaper, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", reap, "reap", dir) // our own text
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("mariadb: reaper: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("mariadb: reaper: %w", err)
	}
	return &reaper{cmd: cmd, pipe: pipe}, nil
}

// dismiss sends it away with nothing to do.
func (r *reaper) dismiss() {
	io.WriteString(r.pipe, "done\n") //nolint:errcheck // it then reaps what is gone already
	r.call()
}

// call lets it do its work, and waits.
func (r *reaper) call() {
	r.pipe.Close() //nolint:errcheck // a broken pipe is closed too
	r.cmd.Wait()   //nolint:errcheck // it has nothing to say
}
