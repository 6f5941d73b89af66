package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/spool"
)

// bareSite is a site whose support database nobody needs, on ports that are known.
func bareSite(t *testing.T, extra string) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site"), hook: newHookServer(t)}
	if out, err := command(t, "init", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for name, text := range map[string]string{
		"support.dsn": "mysql://nobody:no@tcp(127.0.0.1:1)/none", "twilio.token": testTwilio, "generic.secret": testGeneric,
		"hook.secret": testHook, "agents.txt": "agent1 " + testAgent, "numbers.csv": "number\n" + testNumbers()[0],
	} {
		s.write(name, text)
	}
	s.configure(extra)
	text := s.read("saltmine.toml")
	for range strings.Count(text, "127.0.0.1:0") {
		text = strings.Replace(text, "127.0.0.1:0", "127.0.0.1:"+freePort(t), 1)
	}
	text = strings.Replace(text, "[support.main]\ndsn_file = \"support.dsn\"\nrecipe = \"recipe.toml\"\n", "", 1)
	s.write("saltmine.toml", text)
	return s
}

// pipe is a front that can be cut: it hands connections on while it is open.
type pipe struct {
	addr string
	ln   net.Listener
	to   string
	shut atomic.Bool
	wg   sync.WaitGroup
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{addr: ln.Addr().String(), ln: ln}
	t.Cleanup(func() { ln.Close() })
	return p
}

func (p *pipe) run(ctx context.Context) {
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(ctx, "tcp", p.to)
		if err != nil || p.shut.Load() {
			in.Close()
			if err == nil {
				out.Close()
			}
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			p.wg.Go(func() { // ends when either side closes
				io.Copy(way[0], way[1]) //nolint:errcheck // either side may have gone
				way[0].Close()
				way[1].Close()
			})
		}
	}
}

func listenOf(s *site, section string) string {
	_, rest, _ := strings.Cut(s.read("saltmine.toml"), "["+section+"]")
	_, rest, _ = strings.Cut(rest, "127.0.0.1:")
	port, _, _ := strings.Cut(rest, "\"")
	return "127.0.0.1:" + port
}

// count counts the messages of a receiver by type.
func (h *hookServer) count(word string) int {
	_, raw := h.received()
	return strings.Count(raw, `"type":"`+word+`"`)
}

// TestDeadman: contacts through every front come out muted; a front that is cut is
// a page on the second route, one for all kills, and its end is told there too.
func TestDeadman(t *testing.T) {
	t.Parallel()
	second, cut := newHookServer(t), newPipe(t)
	var pings atomic.Int64
	watcher := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hunter2" {
			pings.Add(1)
		}
	}))
	defer watcher.Close()
	s := bareSite(t, `[[route]]
kind = "webhook"
name = "second"
url = "`+second.url()+`"
secret_file = "hook.secret"
after = "1h"
[deadman]
every = "1s"
silence = "4s"
smtp = ["`+cut.addr+`"]
ping_file = "ping.url"
`)
	s.write("ping.url", watcher.URL+"/hunter2")
	cut.to = listenOf(s, "smtp")
	go cut.run(t.Context()) // ends with its listener
	srv := s.serve()
	reg := s.open()
	id, err := spool.Identity(s.path("spool"))
	if err != nil {
		t.Fatal(err)
	}
	of := " of core " + coreOf(id)
	names := []string{"smtp " + cut.addr, "dns " + listenOf(s, "dns") + of, "phone/twilio " + listenOf(s, "phone") + of, "phone/generic " + listenOf(s, "phone") + of}
	came := func() map[string]registry.Front {
		states, err := reg.Fronts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return states
	}
	eventually(t, "every front comes through", func() bool {
		states := came()
		return !slices.ContainsFunc(names, func(n string) bool { return states[n].Came.IsZero() })
	})
	eventually(t, "the watcher is asked", func() bool { return pings.Load() > 0 })
	if list, err := reg.Incidents(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("incidents: %+v, %v", list, err)
	}
	if text := get(t, srv.addrs["admin"], "/metrics"); !strings.Contains(text, `saltmine_deadman_came_timestamp_seconds{front="`+names[1]+`"}`) {
		t.Errorf("metrics:\n%s", text)
	}
	if out := s.run("check"); !strings.Contains(out, "dead-man's switch; "+names[0]+" came through at ") {
		t.Errorf("check:\n%s", out)
	}
	if s.hook.count("notice.page")+s.hook.count("incident.page") > 0 {
		t.Error("the first route was paged")
	}

	cut.shut.Store(true)
	eventually(t, "silence is told on the second route", func() bool { return second.count("notice.page") > 0 })
	for range 2 {
		srv.kill()
		srv = s.serve()
		last := came()[names[1]].Came
		eventually(t, "the other fronts come through again", func() bool { return came()[names[1]].Came.After(last) })
	}
	pages, raw := second.received()
	if len(pages) != 1 || !strings.Contains(pages[0].Summary, names[0]+" is silent") || pages[0].Severity != canary.P2 {
		t.Errorf("pages %+v\n%s", pages, raw)
	}
	if out := s.fails(exitFailed, "check"); !strings.Contains(out, "front "+names[0]+" is silent") {
		t.Errorf("check:\n%s", out)
	}
	before := pings.Load()
	cut.shut.Store(false)
	eventually(t, "the end is told", func() bool { return second.count("notice.resolved") == 1 })
	eventually(t, "the watcher is asked again", func() bool { return pings.Load() > before })
	pages, _ = second.received()
	if len(pages) != 2 || s.hook.count("notice.page") > 0 { // the notice, and its end
		t.Errorf("%d pages: %+v", len(pages), pages)
	}
	tokens, err := reg.DrillTokens(t.Context(), canary.Deadman)
	if err != nil || len(tokens) != len(testDomains())+1 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
	log := srv.log.String()
	for _, tok := range tokens {
		if strings.Contains(log, tok.Text) {
			t.Error("the log names a token")
		}
	}
	if strings.Contains(log, "hunter2") || strings.Contains(log, "level=ERROR") && !strings.Contains(log, "silent=true") {
		t.Errorf("log:\n%s", log)
	}
}

// TestWatchdog: systemd is told that serve is ready, alive, and stopping.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "")
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cmd := s.command("serve")
	cmd.Env = append(cmd.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=400000")
	r, ready := launch(t, cmd)
	if !ready {
		t.Fatalf("serve ended:\n%s", r.log)
	}
	heard := func() string {
		buf := make([]byte, 100)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%v\n%s", err, r.log)
		}
		return string(buf[:n])
	}
	if got := []string{heard(), heard(), heard(), heard()}; !slices.Equal(got, []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"}) {
		t.Errorf("told %q", got)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for state := heard(); state != "STOPPING=1"; state = heard() {
		if state != "WATCHDOG=1" {
			t.Fatalf("told %q", state)
		}
	}
}

// TestUnmarkedPages: whoever uses a token of the switch without its mark is no drill.
func TestUnmarkedPages(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "[deadman]\nevery = \"1s\"\nsilence = \"1h\"\n")
	srv := s.serve()
	reg := s.open()
	var tokens []canary.DrillToken
	eventually(t, "tokens are minted", func() (ok bool) {
		var err error
		tokens, err = reg.DrillTokens(t.Context(), canary.Deadman)
		return err == nil && len(tokens) > 0
	})
	i := slices.IndexFunc(tokens, func(tok canary.DrillToken) bool { return tok.Kind == canary.Email })
	if !sendMarked(t.Context(), srv.addrs["smtp"], tokens[i].Text, "hello") {
		t.Fatal("the mail was refused")
	}
	eventually(t, "it pages", func() bool { return s.hook.count("incident.page") == 1 })
	pages, raw := s.hook.received()
	if len(pages) != 1 || pages[0].Place != canary.Unmarked || pages[0].Severity != canary.P2 || strings.Contains(raw, tokens[i].Text) {
		t.Errorf("%s", raw)
	}
}
