package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/drill"
	"saltmine/internal/pager"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// sentPages is a route that keeps what it is sent.
type sentPages struct {
	list []pager.Delivery
	no   bool // it takes nothing
}

func (s *sentPages) send(_ context.Context, d pager.Delivery) (pager.Receipt, error) {
	if s.no {
		return "", errors.New("no")
	}
	s.list = append(s.list, d)
	return "ok", nil
}

// idleSwitch is a switch beside a pager that does nothing, with a clock of its own.
func idleSwitch(t *testing.T) (d *deadman, route *sentPages, pass func(time.Duration)) {
	t.Helper()
	dir := t.TempDir()
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	keys, reg := registryIn(t, dir, now)
	t.Cleanup(func() { reg.Close() })
	cfg := conf.Default(dir)
	cfg.Deadman = &conf.Deadman{Every: 5 * time.Minute, Silence: 15 * time.Minute}
	cfg.Routes = []conf.Route{{Name: "first"}, {Name: "second"}}
	route = &sentPages{}
	log := slog.New(slog.DiscardHandler)
	s := &server{app: &app{now: now}, core: &core{cfg, keys, reg}, log: log, sends: map[string]pager.Send{"second": route.send}}
	s.pager = pager.New(pager.Config{Outbox: reg.Outbox(), Now: now})
	m, err := newMarksman(s.core, canary.Deadman)
	if err != nil {
		t.Fatal(err)
	}
	d = &deadman{marksman: m, s: s, cfg: cfg.Deadman, began: at, seen: at, quiet: map[string]bool{}, fronts: []drill.Front{{Kind: drill.SMTP, Address: "127.0.0.1:25"}}}
	if err := reg.BeginDrill(t.Context(), canary.Run{ID: canary.Deadman, Route: canary.Muted}, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reg.Issue(t.Context(), canary.Deadman, d.fronts[0].Name(), "a@example.net", func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	return d, route, func(by time.Duration) { at = at.Add(by) }
}

// TestDeadPager: what the pager does not even try is sent past it, once.
func TestDeadPager(t *testing.T) {
	t.Parallel()
	d, route, pass := idleSwitch(t)
	pass(14 * time.Minute)
	d.look(t.Context())
	if list, err := d.reg.Notices(t.Context(), registry.NoticeFilter{}); err != nil || len(list) != 0 {
		t.Fatalf("before its time: %+v, %v", list, err)
	}
	pass(2 * time.Minute)
	d.look(t.Context()) // writes the page
	if d.calm.Load() || len(route.list) != 0 {
		t.Errorf("calm, or sent at once: %+v", route.list)
	}
	pass(3 * time.Minute)
	route.no = true
	d.look(t.Context())
	route.no = false
	for range 3 {
		d.look(t.Context())
		pass(time.Minute)
	}
	if len(route.list) != 1 || !strings.Contains(route.list[0].Page.Summary, "front smtp 127.0.0.1:25 is silent") || route.list[0].Page.Notice == "" {
		t.Errorf("%+v", route.list)
	}
	if due, err := d.reg.Outbox().Due(t.Context(), d.s.app.now(), 10); err != nil || len(due) != 0 {
		t.Errorf("it lies in the outbox all the same: %+v, %v", due, err)
	}
}

// TestDeadRegistry: when the registry says nothing for so long, the page goes past
// the outbox, once.
func TestDeadRegistry(t *testing.T) {
	t.Parallel()
	d, route, pass := idleSwitch(t)
	d.look(t.Context())
	if err := d.reg.Close(); err != nil {
		t.Fatal(err)
	}
	pass(14 * time.Minute)
	d.look(t.Context())
	if len(route.list) != 0 {
		t.Errorf("before its time: %+v", route.list)
	}
	for range 3 {
		pass(time.Minute)
		d.look(t.Context())
	}
	if len(route.list) != 1 || !strings.Contains(route.list[0].Page.Summary, "the registry does not answer since 2026-08-05 10:00:00") || d.calm.Load() {
		t.Errorf("%+v", route.list)
	}
	d.past(t.Context(), nil, d.s.app.now()) // it answers again
	if len(route.list) != 2 || route.list[1].Kind != pager.Resolve || route.list[1].Page.ID != route.list[0].Page.ID {
		t.Errorf("%+v", route.list)
	}
}

// TestSilenceBeforeServe: the time in which serve did not run is no silence.
func TestSilenceBeforeServe(t *testing.T) {
	t.Parallel()
	d, _, pass := idleSwitch(t)
	pass(8 * time.Hour)
	d.began = d.s.app.now()
	pass(6 * time.Minute)
	d.look(t.Context())
	list, err := d.reg.Notices(t.Context(), registry.NoticeFilter{})
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Text, " is silent for 6m0s") {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestTurns: each front sees each domain that is in the pool, and no other.
func TestTurns(t *testing.T) {
	t.Parallel()
	d, _, _ := idleSwitch(t)
	d.core.cfg.Pool.Domains = []string{"a.example", "b.example"}
	for _, text := range []string{"x@a.example", "x@b.example", "x@old.example"} {
		d.tokens = append(d.tokens, d.mint(canary.Email, text))
	}
	smtp, dns, got := drill.Front{Kind: drill.SMTP, Address: "mx:25"}, drill.Front{Kind: drill.DNS, Address: "ns:53"}, ""
	for range 3 {
		got += d.next(&smtp) + " " + d.next(&dns) + " "
	}
	if got != "x@a.example a.example x@b.example b.example x@a.example a.example " {
		t.Error(got)
	}
}
