package conf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/conf"
)

// TestConfigsLoad loads every example in configs/, with the files that they
// name beside them.
func TestConfigsLoad(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../configs/*.toml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("examples: %q, %v", examples, err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		secretFiles(t, dir)
		c, err := conf.Load(write(t, dir, "saltmine.toml", string(text), 0o644))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for name, s := range c.Support {
			recipe, err := filepath.Rel(dir, s.Recipe)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join("../../configs", recipe)); strings.HasSuffix(recipe, ".toml") && err != nil {
				t.Errorf("%s: support.%s: no recipe %s in configs/", path, name, recipe)
			}
		}
	}
}
