package conf_test

import (
	"path/filepath"
	"slices"
	"testing"

	"saltmine/internal/conf"
)

// TestFilesAreNamed wants every file that belongs to a configuration, and no other.
func TestFilesAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"support.dsn": "mysql://u:p@tcp(127.0.0.1:1)/x", "hook.secret": "whsec_dGVzdC1vbmx5LW5vdC1hLXNlY3JldC10ZXN0LW9ubHk=", "box.secret": "hunter2", "witness.secret": "whsec_dGVzdC1vbmx5LW5vdC1hLXNlY3JldC10ZXN0LW9ubHk=",
	} {
		write(t, dir, name, text, 0o600)
	}
	write(t, dir, "boxes.toml", "[[mailbox]]\naddress = \"d.whitfield@mail.example\"\nimap = { host = \"imap.mail.example:993\", user = \"d\", secret_file = \"box.secret\" }\n", 0o600)
	write(t, dir, "numbers.csv", "number\n+447700900001\n", 0o600)
	c, err := conf.Load(write(t, dir, "saltmine.toml", `[registry]
keys = "mykeys/"
[support.main]
dsn_file = "support.dsn"
recipe = "recipe.toml"
[support.other]
dsn_file = "support.dsn"
recipe = "rt5"
[pool]
domains = ["example.net"]
mailboxes = "boxes.toml"
phones = "numbers.csv"
[[route]]
kind = "webhook"
url = "https://pager.example.net/hook"
secret_file = "hook.secret"
min_severity = "P2"
[[witness]]
kind = "file"
path = "/mnt/worm/saltmine.heads"
`, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	files, err := c.Files()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		name, err := filepath.Rel(dir, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Secret {
			name += " (secret)"
		}
		got = append(got, name)
	}
	want := []string{"box.secret (secret)", "boxes.toml (secret)", "hook.secret (secret)", "numbers.csv (secret)", "recipe.toml", "support.dsn (secret)"}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}
