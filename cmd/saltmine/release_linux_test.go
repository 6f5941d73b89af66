package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReleaseFullDisk fills the disk of the copy: what was begun is cleared
// away and told, and the same command finishes it once there is room.
func TestReleaseFullDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "site")
	s := &site{t: t, dir: dir}
	if out, err := command(t, "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	s.write("saltmine.toml", "[registry]\ndsn = \"sqlite:saltmine.db\"\nkeys = \"keys/\"\n[pool]\ndomains = [\"example.net\"]\nplacebos_per_email = 2\naccept_one_in = 4")
	s.write("list.csv", madeUpList(2000))
	d := newDisk(t, s.path("disk"))
	d.fill()
	args := []string{"extracts", "release", "--to", "acme", "--canaries", "10", s.path("list.csv"), s.path("disk/acme.csv")}
	if said := s.fails(exitFailed, args...); !strings.Contains(said, "no space left on device") || !strings.Contains(said, "run the same command again") {
		t.Errorf("on a full disk it said:\n%s", said)
	}
	if left, err := filepath.Glob(s.path("disk/.*")); err != nil || len(left) > 0 {
		t.Errorf("left on the disk: %q, %v", left, err)
	}
	d.empty()
	if said := s.run(args...); !strings.Contains(said, "2000 rows and 10 canaries") {
		t.Errorf("then it said:\n%s", said)
	}
	if list := s.run("list", "--state", "planted"); strings.Count(list, "copy:acme") != 10 {
		t.Errorf("canaries:\n%s", list)
	}
	if _, err := os.Stat(s.path("disk/acme.csv")); err != nil {
		t.Error(err)
	}
}

// madeUpList is a list of people with short names.
func madeUpList(rows int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	syllable := func(n int) (out string) {
		for range n {
			out += string("bdfghklmnprstvw"[rng.IntN(15)]) + string("aeiou"[rng.IntN(5)])
		}
		return strings.ToUpper(out[:1]) + out[1:]
	}
	var b strings.Builder
	b.WriteString("id,first_name,last_name,email\n")
	for id := range rows {
		first, last := syllable(2), syllable(3)
		fmt.Fprintf(&b, "%d,%s,%s,%s.%s@post.example.org\n", 10+id*2+rng.IntN(2)*id%2, first, last, strings.ToLower(first), strings.ToLower(last))
	}
	return b.String()
}
