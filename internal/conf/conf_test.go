package conf_test

import (
	"os"
	"path/filepath"
	"testing"

	"saltmine/internal/conf"
)

// write puts a file into dir with the given rights.
func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken rights away
		t.Fatal(err)
	}
	return path
}

func TestExampleLoads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := conf.Load(write(t, dir, "saltmine.toml", conf.Example(), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if c.Registry.Source.Path != filepath.Join(dir, "saltmine.db") {
		t.Error("relative path was not taken from the file's folder:", c.Registry.Source.Path)
	}
}
