package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// TestRetain: what is over is given up, by the command and by the chore alike, the
// dry run changes nothing, and the log says it.
func TestRetain(t *testing.T) {
	t.Parallel()
	dir := poolSite(t)
	f, err := os.OpenFile(filepath.Join(dir, "saltmine.toml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n[retention]\n[[retention.keep]]\nchannel = \"voice\"\ncountry = \"DE\"\nfor = \"30d\"\n[[retention.keep]]\nchannel = \"voice\"\nfor = \"90d\"\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	a, c := poolCore(t, dir)
	ctx := t.Context()
	for i, number := range []string{"+4930901820", "+35315550123"} {
		call := canary.Contact{ID: canary.ContactID([]string{"k_call-to-germany", "k_call-to-ireland"}[i]), Channel: canary.Voice, At: a.now(), Ear: "phone/twilio", Source: "+31612345678",
			Targets: []canary.Target{{Kind: canary.Phone, Text: number}}, Raw: []byte("who was it for?")}
		if err := c.reg.Commit(ctx, canary.Outcome{Entries: []canary.Entry{{Contact: call}}}); err != nil {
			t.Fatal(err)
		}
	}
	later := func(d time.Duration) {
		t.Helper()
		at := a.now().Add(d)
		a.now = func() time.Time { return at }
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		if c, err = a.openCore(ctx); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		root := a.root()
		a.stdout = &out
		root.SetArgs(append(args, "--config", filepath.Join(dir, "saltmine.toml")))
		if err := root.ExecuteContext(ctx); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	wants(t, run("retention", "run"), "nothing is over")
	later(31 * 24 * time.Hour)
	wants(t, run("retention", "run", "--dry-run"), "voice   DE  1 would be given up, 0 kept")
	if _, err := c.reg.Contact(ctx, "k_call-to-germany"); err != nil {
		t.Error("after a dry run:", err)
	}
	wants(t, run("retention", "run"), "voice   DE  1 given up")
	if _, err := c.reg.Contact(ctx, "k_call-to-germany"); !errors.Is(err, registry.ErrShredded) {
		t.Error(err)
	}
	later(60 * 24 * time.Hour)
	chores, err := (&server{app: a, core: c, log: a.quietLogger()}).retaining()
	if err != nil || len(chores) != 1 {
		t.Fatal(chores, err)
	}
	if err := chores[0].run(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.reg.Contact(ctx, "k_call-to-ireland"); !errors.Is(err, registry.ErrShredded) {
		t.Error(err)
	}
	wants(t, run("acts", "--shredded"), "(retention)", "k_call-to-germany", "kept for 30 days", "kept for 90 days")
	wants(t, run("acts", "--verify"), "0 contacts are as they were filed, 2 were given up")
}
