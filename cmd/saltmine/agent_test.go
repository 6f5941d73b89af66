package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// TestAgentsToken makes a token, of which the file has the hash alone, and uses it.
func TestAgentsToken(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	token := strings.TrimSpace(s.run("agent", "j.doe", "--file", s.path("agents.txt")))
	kept, err := os.ReadFile(s.path("agents.txt"))
	if err != nil || len(token) < 26 || strings.Contains(string(kept), token) || !strings.Contains(string(kept), "j.doe sha256:") {
		t.Fatalf("token of %d characters, file %q, %v", len(token), kept, err)
	}
	wants(t, s.fails(exitFailed, "agent", "j.doe", "--file", s.path("agents.txt")), `agent "j.doe" is named twice`)
	wants(t, s.fails(exitUsage, "agent", "j.doe"), "--file is wanted")

	list, err := conf.Agents(s.path("agents.txt"))
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	ear, err := desk.New(desk.Config{Agents: []desk.Agent{{Name: list[0].Name, Token: webhook.Hidden(list[0].Token.Reveal())}}, Now: time.Now,
		Hear: func(_ context.Context, c canary.Contact) error { heard <- c.Source; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(ln, ear)           //nolint:errcheck // ends with the listener
	t.Cleanup(func() { ln.Close() }) // the test is over
	s.write("me.token", token)
	wants(t, s.run("ticket", "TK-1", "--token-file", s.path("me.token"), "--url", "http://"+ln.Addr().String()), "recorded, thank you")
	if who := <-heard; who != "j.doe" {
		t.Errorf("heard of %q", who)
	}
}
