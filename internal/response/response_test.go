package response_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager/post"
	"saltmine/internal/registry"
	"saltmine/internal/response"
	"saltmine/internal/seal"
	"saltmine/internal/webhook"
)

// desk is a registry with a clock, and what is told to people.
type desk struct {
	*registry.Registry
	t    *testing.T
	mu   sync.Mutex
	at   time.Time
	told []canary.Response
	dir  string

	failing time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, at: time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC), dir: t.TempDir()}
	if err := seal.Generate(filepath.Join(d.dir, "keys")); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(filepath.Join(d.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	d.Registry, err = registry.Open(t.Context(), registry.Config{DSN: "sqlite:" + filepath.Join(d.dir, "r.db"), Vault: keys.Vault, Now: d.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func (d *desk) In(ctx context.Context, rule string, states ...canary.ResponseState) ([]canary.Response, error) {
	return d.Responses(ctx, registry.ResponseFilter{Rule: rule, States: states})
}

// keeper keeps a rule named "r" that answers to P1, which is armed.
func (d *desk) keeper(rule response.Rule) *response.Keeper {
	d.t.Helper()
	rule.Name, rule.On = "r", "severity:P1"
	if rule.Timeout == 0 {
		rule.Timeout = 20 * time.Second
	}
	if err := d.ArmResponse(d.t.Context(), rule.Name, rule.On); err != nil {
		d.t.Fatal(err)
	}
	return response.New(response.Config{
		Rule: rule, Store: d, Begin: d, Core: "this", Incident: d.Incident, Every: time.Millisecond, Now: d.now, Log: slog.New(slog.DiscardHandler),
		Facts: func(_ context.Context, inc *canary.Incident) (response.Facts, error) {
			return response.Facts{Incident: inc.ID, Severity: inc.Severity, Place: inc.Place, Account: `j.doe'; rm -rf / #`}, nil
		},
		Moved: func(err error) bool { return errors.Is(err, registry.ErrMoved) },
		Tell: func(_ context.Context, _ string, open []canary.Response, failing time.Time) error {
			d.told, d.failing = open, failing
			return nil
		},
	})
}

func (d *desk) incident(id canary.IncidentID) {
	d.t.Helper()
	err := d.Commit(d.t.Context(), canary.Outcome{Incidents: []canary.Incident{{ID: id, Place: "db:" + canary.Place(id), Severity: canary.P1, Opened: d.now(), Updated: d.now()}}})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) look(k *response.Keeper) {
	d.t.Helper()
	if err := k.Look(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) of(id canary.IncidentID) canary.Response {
	d.t.Helper()
	a, err := d.Response(d.t.Context(), d.ResponseID("r", id))
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// script writes a program of the shell's.
func (d *desk) script(text string) response.Deed {
	d.t.Helper()
	path := filepath.Join(d.dir, "deed.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	return response.Command([]string{path, "$(id)", "a b"})
}

func (d *desk) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(d.dir, name))
	return string(text)
}

// TestCommand: a command is run once about an incident, with the facts on its input, its
// arguments as they are, and nothing of our environment.
func TestCommand(t *testing.T) {
	t.Setenv("SECRET_OF_OURS", "x")
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script(`cat >>"` + d.dir + `/in"; echo "$1|$2|$#"; env; pwd; echo oops >&2`)})
	d.look(k)
	d.incident("i_one")
	d.look(k)
	d.look(k)
	a := d.of("i_one")
	if a.State != canary.ResponseDone || a.Outcome != "exit 0" || a.Attempts != 1 {
		t.Errorf("%+v", a)
	}
	if !strings.HasPrefix(a.Output, "$(id)|a b|2\n") || !strings.HasSuffix(a.Output, "/\noops\n") || strings.Contains(a.Output, "SECRET") {
		t.Errorf("it said %q", a.Output)
	}
	for line := range strings.Lines(a.Output) {
		if name, _, is := strings.Cut(line, "="); is && name != "PATH" && name != "LANG" && name != "HOME" && name != "PWD" && name != "SHLVL" && name != "_" && name != "OLDPWD" {
			t.Errorf("it has the environment %s", line)
		}
	}
	var f response.Facts
	if err := json.Unmarshal([]byte(d.read("in")), &f); err != nil || f.Incident != "i_one" || f.Type != "response" || f.Account != `j.doe'; rm -rf / #` || f.ID != a.ID {
		t.Errorf("%v: %+v of %s", err, f, d.read("in"))
	}
	if string(a.Facts) != d.read("in") {
		t.Errorf("kept is %s", a.Facts)
	}
}

// TestFaults: what goes wrong is written down, told, and not tried again.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script, outcome string
		timeout         time.Duration
		state           canary.ResponseState
	}{
		"it says no":      {"echo refused; exit 3", "exit status 3", 0, canary.ResponseFailed},
		"it dies":         {"kill -9 $$", "signal: killed", 0, canary.ResponseFailed},
		"it hangs":        {"sleep 1000 & echo $! >\"$(dirname $0)/child\"; sleep 1000", "it was killed, with all that it had started", time.Second, canary.ResponseFailed},
		"it will not end": {"trap '' TERM INT; sleep 1000 & echo $! >\"$(dirname $0)/child\"; while :; do :; done", "it was killed, with all that it had started", time.Second, canary.ResponseFailed},
		"it leaves one":   {"sleep 1000 & echo $! >\"$(dirname $0)/child\"", "exit 0; what it had left running was killed", 0, canary.ResponseDone},
		"it floods":       {"head -c 50000000 /dev/zero; exit 1", "exit status 1", 0, canary.ResponseFailed},
		"it reads not":    {"exec true", "exit 0", 0, canary.ResponseDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			k := d.keeper(response.Rule{Do: d.script(tc.script), Timeout: tc.timeout})
			d.incident("i_one")
			d.look(k)
			a := d.of("i_one")
			if a.State != tc.state || !strings.HasPrefix(a.Outcome, tc.outcome) || len(a.Output) > 16<<10 {
				t.Errorf("%s: %s, %d bytes", a.State, a.Outcome, len(a.Output))
			}
			if name == "it floods" && a.OutputBytes != 50_000_000 {
				t.Errorf("%d bytes", a.OutputBytes)
			}
			if told := len(d.told) == 1; told != (tc.state != canary.ResponseDone) {
				t.Errorf("told: %+v", d.told)
			}
			d.pass(24 * time.Hour)
			d.look(k)
			if again := d.of("i_one"); again.Attempts != 1 {
				t.Error("it was begun again")
			}
			if child, err := strconv.Atoi(strings.TrimSpace(d.read("child"))); err == nil {
				gone(t, child)
			}
		})
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(state), ") Z ") {
			return
		}
	}
	t.Errorf("process %d lives on", pid)
}

func TestNoSuchCommand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: response.Command([]string{"/no/such/program"})})
	d.incident("i_one")
	d.look(k)
	if a := d.of("i_one"); a.State != canary.ResponseFailed || a.Outcome != "it could not be started: no such file or directory" {
		t.Errorf("%+v", a)
	}
}

// TestNothingBeforeItIsSaid: a dry run does nothing, and what waits waits.
func TestNothingBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	do := d.script(`echo x >>"` + d.dir + `/done"`)
	dry := d.keeper(response.Rule{Do: do, What: "suspend", Dry: true})
	d.incident("i_dry")
	d.look(dry)
	if a := d.of("i_dry"); a.State != canary.ResponseDry || a.Outcome != "dry run: suspend" || !strings.Contains(string(a.Facts), "i_dry") {
		t.Errorf("%+v", a)
	}
	asks := d.keeper(response.Rule{Do: do, Confirm: true})
	d.incident("i_asks")
	d.incident("i_no")
	d.look(asks)
	if len(d.told) != 2 || d.read("done") != "" {
		t.Fatalf("told %+v, done %q", d.told, d.read("done"))
	}
	by := registry.By{Who: "dana", Via: "cli"}
	if _, err := d.DecideResponse(t.Context(), d.ResponseID("r", "i_asks"), true, by); err != nil {
		t.Fatal(err)
	}
	if _, err := d.DecideResponse(t.Context(), d.ResponseID("r", "i_no"), false, by); err != nil {
		t.Fatal(err)
	}
	d.look(asks)
	if a := d.of("i_asks"); a.State != canary.ResponseDone || !strings.Contains(string(a.Facts), `"confirmed_by":"dana"`) || d.read("done") != "x\n" || len(d.told) != 0 {
		t.Errorf("%+v, done %q, told %+v", a, d.read("done"), d.told)
	}
}

// TestInterval: a rule rests after it began, and then goes on with the oldest.
func TestInterval(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script("true"), MinInterval: time.Hour})
	for _, id := range []canary.IncidentID{"i_a", "i_b", "i_c"} {
		d.incident(id)
		d.pass(time.Second)
		d.look(k)
	}
	for want := 1; want <= 3; want++ {
		done, err := d.In(t.Context(), "r", canary.ResponseDone)
		if err != nil || len(done) != want {
			t.Fatalf("%d are done, want %d, %v", len(done), want, err)
		}
		d.pass(time.Hour)
		d.look(k)
	}
	if a, b := d.of("i_b"), d.of("i_c"); !a.Begun.Before(b.Begun) {
		t.Error("not the oldest first")
	}
}

// TestJudgedMeanwhile: what is due is not done when the incident turned out to be nothing.
func TestJudgedMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script(`echo x >>"` + d.dir + `/done"`), MinInterval: time.Hour})
	d.incident("i_a")
	d.look(k)
	d.pass(time.Second)
	d.incident("i_b")
	d.look(k)
	if err := d.SetVerdict(t.Context(), "i_b", canary.Noise, registry.By{Who: "dana", Via: "cli"}); err != nil {
		t.Fatal(err)
	}
	d.pass(time.Hour)
	d.look(k)
	if b := d.of("i_b"); b.State != canary.ResponseRefused || b.Outcome != "the incident was found to be noise before it was begun" || d.read("done") != "x\n" {
		t.Errorf("%+v, done %q", b, d.read("done"))
	}
}

// TestCutOff: what was begun and has no end is unknown after its time, told, and begun
// again only when somebody says so.
func TestCutOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script(`echo x >>"` + d.dir + `/done"`)})
	d.incident("i_one")
	if _, err := d.AddResponse(t.Context(), canary.Response{Rule: "r", Incident: "i_one", State: canary.ResponseDue}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.BeginResponse(t.Context(), d.ResponseID("r", "i_one"), "another", nil, time.Minute); err != nil { // and then it is killed
		t.Fatal(err)
	}
	d.look(k)
	if a := d.of("i_one"); a.State != canary.ResponseBegun {
		t.Errorf("another core may be at it: %+v", a)
	}
	d.pass(2 * time.Minute)
	d.look(k)
	d.look(k)
	if a := d.of("i_one"); a.State != canary.ResponseUnknown || len(d.told) != 1 || d.read("done") != "" {
		t.Fatalf("%+v, told %+v, done %q", a, d.told, d.read("done"))
	}
	if _, err := d.DecideResponse(t.Context(), d.ResponseID("r", "i_one"), true, registry.By{Who: "dana", Via: "cli"}); err != nil {
		t.Fatal(err)
	}
	d.look(k)
	if a := d.of("i_one"); a.State != canary.ResponseDone || a.Attempts != 2 || len(d.told) != 0 {
		t.Errorf("%+v, told %+v", a, d.told)
	}
	if _, err := d.AddResponse(t.Context(), canary.Response{Rule: "r", Incident: "i_two", State: canary.ResponseDue}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.BeginResponse(t.Context(), d.ResponseID("r", "i_two"), "this", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	d.look(k) // this core was killed, and is there again
	if a := d.of("i_two"); a.State != canary.ResponseUnknown || len(d.told) != 1 {
		t.Errorf("%+v, told %+v", a, d.told)
	}
}

// TestWebhook: facts are posted signed, once; a yes is a yes, a no is a no, and no answer
// is unknown, but where nobody was there.
func TestWebhook(t *testing.T) {
	t.Parallel()
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		answer  http.HandlerFunc
		gone    bool
		state   canary.ResponseState
		outcome string
	}{
		"yes": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("done\x1b[31m")) }, false, canary.ResponseDone, "status 200"},
		"no":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, false, canary.ResponseFailed, "status 418"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, false, canary.ResponseFailed, "status 307"},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, canary.ResponseUnknown, "it may have been told; no answer: cut off"},
		"nobody":  {nil, true, canary.ResponseFailed, "it was not told: connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			var mu sync.Mutex
			var got []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if err := webhook.Verify([]webhook.Secret{secret}, r.Header, body, d.now()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				got = append(got, r.Header.Get("Webhook-Id")+" "+string(body))
				mu.Unlock()
				tc.answer(w, r)
			}))
			defer s.Close()
			to, err := post.ParseURL(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if tc.gone {
				s.Close()
			}
			k := d.keeper(response.Rule{Do: response.Post(post.New(post.Config{Now: d.now}), to, secret, d.now)})
			d.incident("i_one")
			d.look(k)
			d.pass(time.Hour)
			d.look(k)
			a := d.of("i_one")
			if a.State != tc.state || a.Outcome != tc.outcome || strings.Contains(a.Output, "\x1b") {
				t.Errorf("%s: %s: %q", a.State, a.Outcome, a.Output)
			}
			mu.Lock()
			defer mu.Unlock()
			if want := string(a.ID) + " " + string(a.Facts); !tc.gone && (len(got) != 1 || got[0] != want) {
				t.Errorf("it got %q, want %s", got, want)
			}
		})
	}
}

// TestEnded: when the program is ended while something runs, that is given some time, and
// what comes of it is written down.
func TestEnded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.keeper(response.Rule{Do: d.script(`echo x >"` + d.dir + `/begun"; sleep 1; echo y`)})
	d.incident("i_one")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- k.Run(ctx) }()
	for d.read("begun") == "" {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if a := d.of("i_one"); a.State != canary.ResponseDone || a.Output != "y\n" {
		t.Errorf("%+v", a)
	}
}

func TestCheckCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte("#!/bin/sh\n"), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		write("good", 0o755): "", write("data", 0o644): "it is no program that can be run", write("open", 0o777): "others can write to it, and what they write would be run: chmod go-w",
		dir: "it is no program that can be run", dir + "/none": "no such file or directory",
	} {
		got := ""
		if err := response.CheckCommand([]string{path}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
