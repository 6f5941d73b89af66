package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// notary is a witness that keeps the notes posted to it, if they are signed.
type notary struct {
	*httptest.Server
	mu    sync.Mutex
	notes string
	bad   error
}

func newNotary(t *testing.T, secret string) *notary {
	t.Helper()
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &notary{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err == nil {
			err = webhook.Verify([]webhook.Secret{key}, q.Header, body, time.Now())
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bad, r.notes = err, r.notes+string(body)+"\n"
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *notary) held() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.notes
}

// TestWitness: three witnesses are told of an act. Whoever has the keys and puts an
// older copy back and goes on from there is found out by what any of them holds, and
// by nothing else.
func TestWitness(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "site")}
	if out, err := command(t, "init", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	posted := newNotary(t, testHook)
	log, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.write("witness.secret", testHook)
	s.write("saltmine.toml", "[pool]\ndomains = [\"hollowbrook.example\"]\n[smtp]\nlisten = [\"127.0.0.1:0\"]\n[[witness]]\nkind = \"file\"\npath = \"heads\"\n"+
		"[[witness]]\nkind = \"webhook\"\nurl = \""+posted.URL+"\"\nsecret_file = \"witness.secret\"\n[[witness]]\nkind = \"syslog\"\nurl = \"udp://"+log.LocalAddr().String()+"\"\n")
	wants(t, s.run("check"), "witness file-1 (file)", "witness webhook-2 (webhook)", "witness syslog-3 (syslog)")

	s.acts("one", "two")
	old, err := os.ReadFile(s.path("saltmine.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.acts("three")
	r := s.serve()
	eventually(t, "a note at each witness", func() bool {
		return strings.Contains(s.read("heads"), `"count":3`) && strings.Contains(posted.held(), `"count":3`)
	})
	packet := make([]byte, 1<<16)
	n, _, err := log.ReadFrom(packet)
	if err != nil {
		t.Fatal(err)
	}
	posted.mu.Lock()
	if posted.bad != nil {
		t.Errorf("what was posted: %v", posted.bad)
	}
	posted.mu.Unlock()
	s.write("posted", posted.held())
	s.write("logged", string(packet[:n]))
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"heads", "posted", "logged"} {
		wants(t, s.run("acts", "--verify", "--against", s.path(file)), "whole", "as the witness has it: 1 notes", "0 acts before the end")
	}

	if err := os.WriteFile(s.path("saltmine.db"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, s.run("acts", "--verify"), "whole")
	wants(t, s.fails(exitFound, "acts", "--against", s.path("heads")), "it ends at act 2, and there was an act 3")
	s.acts("another three", "four")
	wants(t, s.run("acts", "--verify"), "whole")
	for _, file := range []string{"heads", "posted", "logged"} {
		wants(t, s.fails(exitFound, "acts", "--against", s.path(file)), "acts 1 to 3 are not all as they were")
	}
	s.write("forged", strings.Replace(s.read("heads"), `"count":3`, `"count":1`, 1))
	wants(t, s.fails(exitFound, "acts", "--against", s.path("forged")), "not signed by this core's key")
	s.write("nothing", "nothing")
	wants(t, s.fails(exitFailed, "acts", "--against", s.path("nothing")), "no note")
}

// acts puts acts on the evidence log, and closes the registry.
func (s *site) acts(what ...string) {
	s.t.Helper()
	_, reg := registryIn(s.t, s.dir, time.Now)
	for _, w := range what {
		if err := reg.Record(s.t.Context(), canary.Act{Who: "dana", Via: "cli", What: w}); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := reg.Close(); err != nil {
		s.t.Fatal(err)
	}
}
