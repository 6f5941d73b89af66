package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) demoCmd() *cobra.Command {
	var once bool
	var dir, console string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story with real parts on this machine",
		Long: `Starts an embedded MySQL support database with made-up customers, plants canaries
in it, lets sixty days pass in which forty people take two hundred extracts and
canaries change their addresses, leaks one extract, contacts some of its rows
over real DNS, SMTP and signed webhooks on loopback, receives the page, and
traces the leak. Nothing leaves the machine; nobody real is in the data.

With --once it ends by itself, with exit code 0 only when every step was seen to
have its effect. Without it the console stays up until you press Ctrl-C.`,
		Example: "  saltmine demo\n  saltmine demo --once",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if once && !cmd.Flags().Changed("console") {
				console = "127.0.0.1:0"
			}
			return a.demo(cmd.Context(), dir, console, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end by itself; fail unless every step was observed")
	cmd.Flags().StringVar(&dir, "dir", "", "keep keys, registry and spool in `DIR`; default is a folder that is removed")
	cmd.Flags().StringVar(&console, "console", "127.0.0.1:8080", "`ADDRESS` of the console")
	return cmd
}

// story is one run of the demo.
type story struct {
	app   *app
	dir   string
	clock *clock
	steps []demoStep
	began time.Time
	world *world
	stage *stage
}

// demoStep is one thing that was done and how its effect was seen.
type demoStep struct {
	What string `json:"what"`
	Seen string `json:"seen"`
	Took string `json:"took"`
}

func (a *app) demo(ctx context.Context, dir, console string, once bool) (err error) {
	// Better now than after the story has been half told.
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", console)
	if err != nil {
		return usage("demo: the console's address is not free: %w; choose another with --console 127.0.0.1:0", err)
	}
	if err := ln.Close(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "saltmine-demo-"); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	// The embedded engine copies tables as it commits; collecting that garbage
	// less often halves the wait and costs some memory for a minute.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	d := &story{app: a, dir: dir, clock: &clock{}, began: time.Now()}
	if err := d.play(ctx, console); err != nil {
		d.close()
		return fmt.Errorf("demo: %w", err)
	}
	defer d.close()
	if err := d.lastScreen(ctx); err != nil {
		return err
	}
	if once {
		return nil
	}
	a.say("\nThe console stays up at http://%s (Ctrl-C ends the demo).", d.stage.server.ears.addrs["api"])
	<-ctx.Done()
	return nil
}

// play tells the story; it stops at the first effect that is not seen.
func (d *story) play(ctx context.Context, console string) error {
	acts := []struct {
		what string
		do   func(context.Context) (seen string, err error)
	}{
		{"Start a support database and fill it", d.fill},
		{"Plant canaries", d.plant},
		{"Let sixty days pass", d.pass},
		{"Start the ears, the intake and the pager", func(ctx context.Context) (string, error) { return d.listen(ctx, console) }},
		{"Leak one extract; its buyer looks up a domain", d.lookUp},
		{"The buyer sends a mail", d.mail},
		{"A responder is paged", d.paged},
		{"The buyer writes to more", d.moreMail},
		{"The buyer rings one and knows the name", d.call},
		{"Somebody forges a call", d.forge},
		{"A caller quotes a ticket to the help desk", d.quote},
		{"Trace the leak", d.trace},
	}
	for i, act := range acts {
		start := time.Now()
		d.app.say("%2d/%d  %s …", i+1, len(acts), act.what)
		seen, err := act.do(ctx)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, strings.ToLower(act.what[:1])+act.what[1:], err)
		}
		took := time.Since(start).Round(time.Millisecond)
		d.steps = append(d.steps, demoStep{act.what, seen, took.String()})
		d.app.say("       %s (%s)", seen, took)
	}
	return nil
}

func (d *story) close() {
	if d.stage != nil {
		d.stage.close()
	}
	if d.world != nil {
		d.world.close()
	}
}

// clock is the demo's time: simulated while the past is played, the machine's
// own from then on.
type clock struct{ past time.Time }

// Now is a time of the story.
func (c *clock) Now() time.Time {
	if !c.past.IsZero() {
		return c.past
	}
	return time.Now()
}

// writeConfig writes the configuration and the secrets that it names.
func (d *story) writeConfig(console string) error {
	files := map[string]string{
		"saltmine.toml": demoConfig(console, d.stage.receiver.url()),
		"twilio.token":  demoTwilio + "\n",
		"hook.secret":   demoHook + "\n",
		"agents.txt":    "demo-agent " + demoAgent + "\n",
		"numbers.csv":   "number\n" + strings.Join(dramaNumbers(), "\n") + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Secrets of the demo: everything they protect is on loopback and is gone when
// the demo ends.
const (
	demoTwilio = "demo-only-not-a-secret-token"
	demoAgent  = "demo-only-not-a-secret-agent"
	demoHook   = "whsec_ZGVtby1vbmx5LW5vdC1hLXNlY3JldC1kZW1vLW9ubHk="
	demoCalls  = "https://calls.demo.example"
)

func demoConfig(console, hook string) string {
	quoted := make([]string, len(demoDomains()))
	for i, name := range demoDomains() {
		quoted[i] = `"` + name + `"`
	}
	return `[pool]
domains = [` + strings.Join(quoted, ", ") + `]
phones = "numbers.csv"
[gate]
off = true
[smtp]
listen = ["127.0.0.1:0"]
hostname = "mx1.demo.example"
[dns]
listen = ["127.0.0.1:0"]
nameservers = ["ns1.demo.example", "ns2.demo.example"]
addresses = ["127.0.0.1"]
[phone]
listen = "127.0.0.1:0"
public_url = "` + demoCalls + `"
[[phone.provider]]
kind = "twilio"
secret_file = "twilio.token"
[ticket]
listen = "127.0.0.1:0"
agents_file = "agents.txt"
[api]
listen = "` + console + `"
[[route]]
kind = "webhook"
name = "on-call"
url = "` + hook + `"
secret_file = "hook.secret"
min_severity = "P2"
`
}
