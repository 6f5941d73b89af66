package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupOnAFullDisk wants an error and no file, and the next backup to succeed.
func TestBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, f := bareSite(t, ""), newSafe(t)
	reg := s.open()
	register(t, reg)
	s.write("numbers.csv", "number\n"+testNumbers()[0]+"\n#"+strings.Repeat("x", 1<<20)) // larger than what is left
	s.configure("")
	s.write("saltmine.toml", strings.Replace(s.read("saltmine.toml"), "[support.main]\ndsn_file = \"support.dsn\"\nrecipe = \"recipe.toml\"\n", "", 1))
	d := newDisk(t, filepath.Join(f.dir, "disk"))
	d.fill()
	out := filepath.Join(f.dir, "disk", "s.backup")
	args := append([]string{"backup", out}, f.sealing[:2]...)
	if text := s.fails(exitFailed, args...); !strings.Contains(text, "no space left") {
		t.Errorf("a full disk: %s", text)
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	d.empty()
	s.run(args...)

	// The same at the other end.
	d2 := newDisk(t, filepath.Join(f.dir, "disk2"))
	d2.fill()
	to := filepath.Join(f.dir, "disk2", "new")
	args = append([]string{"restore", out, "--to", to, "--keys-from", s.path("keys")}, f.unsealed[:2]...)
	if text, err := s.command(args...).CombinedOutput(); err == nil || !bytes.Contains(text, []byte("no space left")) && !bytes.Contains(text, []byte("full")) {
		t.Errorf("restore to a full disk: %v\n%s", err, text)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("there is half of it")
	}
	d2.empty()
	s.run(args...)
}
