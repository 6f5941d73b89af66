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
		if filepath.Base(path) == "mailboxes.toml" { // TestPoolExamplesLoad
			continue
		}
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

// TestPoolExamplesLoad loads the examples that [pool] names.
func TestPoolExamplesLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	example := func(name string) string {
		text, err := os.ReadFile(filepath.Join("../../configs", name))
		if err != nil {
			t.Fatal(err)
		}
		return write(t, dir, name, string(text), 0o600)
	}
	for _, name := range []string{"whitfield.secret", "doe.secret", "lindqvist.token"} {
		write(t, dir, name, "hunter2", 0o600)
	}
	mailboxes, err := conf.Mailboxes(example("mailboxes.toml"), conf.Landing{Domains: []string{"example.net"}})
	if err != nil || len(mailboxes) != 4 {
		t.Errorf("%d mailboxes, %v", len(mailboxes), err)
	}
	phones, err := conf.Phones(example("numbers.csv"))
	if err != nil || len(phones) != 3 || phones[2].Provider != "pbx" || phones[0].Expires.Year() != 2027 || phones[1].Added.Month() != 8 {
		t.Errorf("%d phones, %v", len(phones), err)
	}
}
