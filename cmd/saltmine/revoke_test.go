package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/registry"
)

// TestEdgeRevoked: a core that is connected to an edge over TLS takes nothing from it
// once it is revoked, nor does one that is started later; what came since the theft is
// marked; and the edge that is enrolled anew is trusted.
func TestEdgeRevoked(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	e := s.enrollEdge()
	_, url, _ := strings.Cut(s.read("saltmine.toml"), "[[core.pull]]\nurl = \"")
	url, _, _ = strings.Cut(url, "\"")
	name := strings.Replace(strings.TrimPrefix(url, "https://"), ":", "-", 1)
	edge := e.start("edge")
	send := func(mark string) {
		t.Helper()
		if !sendMarked(t.Context(), edge.addrs["smtp"], "postmaster@"+testDomains()[0], mark) {
			t.Fatalf("%s was not acknowledged:\n%s", mark, edge.log)
		}
	}
	pending := func(n string) func() bool {
		return func() bool {
			return strings.Contains(get(t, edge.addrs["admin"], "/metrics"), "saltmine_spool_pending "+n+"\n")
		}
	}
	core := s.serve()
	send("before")
	eventually(t, "the core has the first", pending("0"))
	stolen := time.Now().UTC().Truncate(time.Second).Add(time.Second)
	time.Sleep(time.Until(stolen))
	send("stolen")
	eventually(t, "the core has the second", pending("0"))

	wants(t, s.fails(exitUsage, "edge", "revoke", "nobody", "--reason", "x"), "there is "+name)
	wants(t, s.fails(exitUsage, "edge", "revoke", name), "--reason is wanted")
	wants(t, s.fails(exitUsage, "edge", "revoke", name, "--reason", "x", "--since", "2100-01-01T00:00:00Z"), "has come")
	var out revoked
	if err := json.Unmarshal([]byte(s.run("edge", "revoke", name, "--since", stolen.Format(time.RFC3339), "--reason", "stolen from the rack", "--output", "json")), &out); err != nil || out.Marked != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	wants(t, s.run("acts", "--about", name), "revoke", out.Cert, "stolen from the rack")
	wants(t, s.fails(exitUsage, "edge", "revoke", name, "--reason", "x"), "revoked already")
	send("after")
	eventually(t, "the core says so", func() bool { return strings.Contains(core.log.String(), "edge is revoked") })
	if pending("0")() {
		t.Error("what the edge heard afterwards was taken")
	}
	if text := get(t, core.addrs["admin"], "/readyz"); !strings.HasPrefix(text, "ready") || strings.Contains(text, "edge") {
		t.Errorf("a revoked edge is missed:\n%s", text)
	}
	core.kill()
	core = s.serve()
	eventually(t, "the core says so again", func() bool { return strings.Contains(core.log.String(), "edge is revoked") })
	wants(t, s.fails(exitFailed, "check"), "edge "+name, "revoked since", "stolen from the rack")
	if pending("0")() {
		t.Error("a core that was started again takes from a revoked edge")
	}
	reg := s.open()
	list, err := reg.Contacts(t.Context(), registry.ContactFilter{})
	if err != nil {
		t.Fatal(err)
	}
	doubted := 0
	for _, c := range list {
		if c.Unverified {
			doubted++
		}
	}
	if len(list) < 2 || doubted != 1 {
		t.Errorf("%d of %d contacts are marked", doubted, len(list))
	}
	wants(t, s.run("acts", "--verify"), "whole")

	// The new machine has the old one's spool here, so that there is something to take.
	core.kill()
	edge.kill()
	bundle := filepath.Join(t.TempDir(), "again.bundle")
	s.run("edge", "enroll", "--url", url, "--out", bundle)
	fresh := filepath.Join(t.TempDir(), "edge")
	if text, err := command(t, "edge", "enroll", "--bundle", bundle, "--dir", fresh).CombinedOutput(); err != nil {
		t.Fatalf("enroll: %v\n%s", err, text)
	}
	for _, file := range []string{"edge.key", "edge.crt"} {
		if err := os.Rename(filepath.Join(fresh, "keys", file), filepath.Join(e.dir, "keys", file)); err != nil {
			t.Fatal(err)
		}
	}
	edge = e.start("edge")
	s.serve()
	eventually(t, "the edge that was enrolled anew is trusted", pending("0"))
}
