package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/strike"
	"saltmine/internal/testkit"
	"saltmine/internal/webhook"
)

var (
	mariadb testkit.Shared
	// program is saltmine as a user builds it. The children run without the race
	// detector, which would make planting ten times as slow; the rooms' own tests
	// look for races.
	program string
)

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if code, child := strike.Child(); child {
		return code
	}
	dir, err := os.MkdirTemp("", "saltmine-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	program = filepath.Join(dir, "saltmine")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build saltmine: %v\n%s", err, out)
		return 1
	}
	return testkit.Main(m, &mariadb)
}

// Secrets of the tests' sites; they guard loopback for a few seconds.
const (
	testTwilio  = "test-only-twilio-token-0123456789"
	testHook    = "whsec_dGVzdC1vbmx5LW5vdC1hLXNlY3JldC10ZXN0LW9ubHk="
	testGeneric = "whsec_Z2VuZXJpYy10ZXN0LW9ubHktbm90LWEtc2VjcmV0LSE="
	testAgent   = "test-only-agent-token-0123456789"
	testCalls   = "https://calls.example.net"
)

// site is one installation: a folder with keys, configuration and registry, a
// support database, and a receiver of pages.
type site struct {
	t    *testing.T
	dir  string
	dsn  string
	db   *sql.DB
	hook *hookServer
	// support is what else stands in [support.main].
	support string
}

// newSite initialises an installation the way a user does: init, configure, inspect.
func newSite(t *testing.T, dsn string, db *sql.DB) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site"), dsn: dsn, db: db, hook: newHookServer(t)}
	out, err := command(t, "init", s.dir).CombinedOutput()
	if err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	s.configure("")
	s.write("support.dsn", "mysql://"+dsn)
	s.write("twilio.token", testTwilio)
	s.write("generic.secret", testGeneric)
	s.write("hook.secret", testHook)
	s.write("agents.txt", "agent1 "+testAgent)
	s.write("numbers.csv", "number\n"+strings.Join(testNumbers(), "\n"))
	s.run("inspect", "--write", s.path("recipe.toml"))
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func testDomains() []string {
	return []string{"hollowbrook.example", "tinkersfield.example", "marlowpost.example", "greyheron.example", "northlane.example"}
}

func (s *site) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s *site) configure(extra string) {
	s.write("saltmine.toml", `[support.main]
dsn_file = "support.dsn"
recipe = "recipe.toml"
`+s.support+`
[pool]
domains = ["`+strings.Join(testDomains(), `", "`)+`"]
phones = "numbers.csv"
soak = "0s"
[gate]
off = true
[smtp]
listen = ["127.0.0.1:0"]
hostname = "mx1.hollowbrook.example"
[dns]
listen = ["127.0.0.1:0"]
nameservers = ["ns1.example.net"]
[phone]
listen = "127.0.0.1:0"
public_url = "`+testCalls+`"
[[phone.provider]]
kind = "twilio"
secret_file = "twilio.token"
[[phone.provider]]
kind = "generic"
secret_file = "generic.secret"
[ticket]
listen = "127.0.0.1:0"
agents_file = "agents.txt"
[api]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[[route]]
kind = "webhook"
name = "on-call"
url = "`+s.hook.url()+`"
secret_file = "hook.secret"
min_severity = "P2"
`+extra)
}

// testNumbers are numbers of several countries that are set aside for fiction.
func testNumbers() []string {
	var list []string
	for i := range 400 {
		list = append(list, fmt.Sprintf("+447700900%03d", i), fmt.Sprintf("+33199000%03d", i), fmt.Sprintf("+493023125%03d", i))
	}
	return list
}

// command is saltmine as a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), program, args...)
}

func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	return command(s.t, append([]string{"--config", s.path("saltmine.toml")}, args...)...)
}

// run runs a command that must succeed and returns its standard output.
func (s *site) run(args ...string) string {
	s.t.Helper()
	var stderr bytes.Buffer
	cmd := s.command(args...)
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	s.t.Logf("saltmine %s took %s", args[0], time.Since(start).Round(time.Millisecond))
	if err != nil {
		s.t.Fatalf("saltmine %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// fails runs a command that must fail with a code and returns what it said.
func (s *site) fails(code int, args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err == nil {
		s.t.Fatalf("saltmine %s succeeded:\n%s", strings.Join(args, " "), out)
	}
	exit, ok := err.(*exec.ExitError) //nolint:errorlint // exec gives it bare
	if !ok || exit.ExitCode() != code {
		s.t.Fatalf("saltmine %s: %v, want exit code %d\n%s", strings.Join(args, " "), err, code, out)
	}
	return string(out)
}

// open opens the site's registry beside whatever process is using it.
func (s *site) open() *registry.Registry {
	s.t.Helper()
	_, reg := registryIn(s.t, s.dir, time.Now)
	s.t.Cleanup(func() { reg.Close() })
	return reg
}

// registryIn opens the registry of a folder with the keys that lie in it.
func registryIn(t *testing.T, dir string, now func() time.Time) (*seal.Keys, *registry.Registry) {
	t.Helper()
	keys, err := seal.Load(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(dir, "saltmine.db"), Vault: keys.Vault, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return keys, reg
}

// running is a serve process.
type running struct {
	cmd   *exec.Cmd
	addrs map[string]string
	log   *logBuffer
	done  chan error
}

// logBuffer collects what a process logs, for the reader and for the leak test.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

var listening = regexp.MustCompile(`msg=listening.* ear=(\S+) addr=(\S+)`)

// serve starts serve and waits until it is ready.
func (s *site) serve() *running {
	s.t.Helper()
	return s.start("serve")
}

// start starts a command that goes on, and waits until it is ready.
func (s *site) start(name string) *running {
	s.t.Helper()
	r, ready := launch(s.t, s.command(name))
	if !ready {
		s.t.Fatalf("%s ended:\n%s", name, r.log)
	}
	return r
}

// launch starts a process that goes on, and waits until it is ready or has ended.
func launch(t *testing.T, cmd *exec.Cmd) (r *running, ready bool) {
	t.Helper()
	r = &running{cmd: cmd, addrs: map[string]string{}, log: &logBuffer{}, done: make(chan error, 1)}
	pipe, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan bool, 2)
	go func() { // ends when the process closes its standard error
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fmt.Fprintln(r.log, lines.Text()) //nolint:errcheck // it writes to memory
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				r.addrs[m[1]] = m[2]
			}
			if strings.Contains(lines.Text(), "msg=ready") {
				up <- true
			}
		}
		r.done <- r.cmd.Wait()
		up <- false
	}()
	t.Cleanup(func() { r.cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	return r, <-up
}

// kill ends serve as a power cut would.
func (r *running) kill() {
	r.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-r.done             //nolint:errcheck // it says "killed"
}

// hookServer receives pages and checks their signatures.
type hookServer struct {
	srv *httptest.Server

	mu    sync.Mutex
	pages map[string]canary.Page // by webhook-id
	posts int
	raw   bytes.Buffer
}

func newHookServer(t *testing.T) *hookServer {
	t.Helper()
	h := &hookServer{pages: map[string]canary.Page{}}
	h.srv = httptest.NewServer(h)
	t.Cleanup(h.srv.Close)
	return h
}

func (h *hookServer) url() string { return h.srv.URL + "/hook" }

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	secret, err2 := webhook.ParseSecret(testHook)
	if err != nil || err2 != nil || webhook.Verify([]webhook.Secret{secret}, r.Header, body, time.Now()) != nil {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	var m struct {
		Data canary.Page `json:"data"`
	}
	if json.Unmarshal(body, &m) != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posts++
	h.pages[r.Header.Get("webhook-id")] = m.Data
	h.raw.Write(body)
}

// received returns the different pages and everything that was posted.
func (h *hookServer) received() (pages []canary.Page, raw string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.pages {
		pages = append(pages, p)
	}
	return pages, h.raw.String()
}

// eventually waits until cond holds, at most a minute.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	waitUpTo(t, time.Minute, what, cond)
}

func waitUpTo(t *testing.T, most time.Duration, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			t.Fatalf("after %s still not: %s", most, what)
		case <-tick.C:
		}
	}
}
