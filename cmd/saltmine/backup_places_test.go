package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/backup"
	"saltmine/internal/conf"
	"saltmine/internal/seal"
)

// TestBackupKeysFolderOnce: a secret that lies in the keys folder is packed once.
func TestBackupKeysFolderOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := seal.Generate(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	put("keys/hook.secret", "whsec_dGVzdC1vbmx5LW5vdC1hLXNlY3JldC10ZXN0LW9ubHk=")
	config := put("saltmine.toml", "[registry]\ndsn = \"sqlite:r.db\"\nkeys = \"keys/\"\n[pool]\ndomains = [\"example.net\"]\n[[route]]\nkind = \"webhook\"\nurl = \"https://pager.example.net/hook\"\nsecret_file = \"keys/hook.secret\"\nmin_severity = \"P2\"\n")
	cfg, err := conf.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := backupFiles(config, cfg)
	if err != nil {
		t.Fatal(err)
	}
	head := backupHead{Keys: "keys"}
	seen := map[string]bool{}
	for _, f := range list {
		at := head.place(f.name)
		if seen[at] {
			t.Errorf("%s is packed twice", at)
		}
		seen[at] = true
	}
	if !seen["keys/hook.secret"] || !seen["keys/master.key"] || !seen["saltmine.toml"] {
		t.Errorf("packed: %v", seen)
	}
}

// TestBackupTwoForOnePlace: such a backup is refused before anything is written.
func TestBackupTwoForOnePlace(t *testing.T) {
	t.Parallel()
	f := newSafe(t)
	lock, err := backup.RecipientLock(f.recipient)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(f.out)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := backup.NewWriter(out, lock, backupHead{What: backupOfRegistry, Made: time.Now(), Keys: "keys"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{inFolder + "keys/hook.secret", inKeys + "hook.secret"} {
		if err := w.File(backup.File{Name: name, Mode: 0o600, Size: 1}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.identity)
	if err != nil {
		t.Fatal(err)
	}
	key, err := backup.IdentityKey(string(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{path: f.out, key: key}
	if err := s.verify(backupOfRegistry, nil); err == nil || !strings.Contains(err.Error(), "to which another one goes") {
		t.Errorf("%v", err)
	}
}

// TestRestoreStays: what fails after a database was filled says that it is.
func TestRestoreStays(t *testing.T) {
	t.Parallel()
	for _, p := range []*putting{{flags: &restoringFlags{dsnFile: "x"}}, {filled: true, flags: &restoringFlags{}}, {filled: true, flags: &restoringFlags{dsnFile: "x"}}} {
		err := p.stays(os.ErrInvalid)
		if want := p.filled && p.flags.dsnFile != ""; strings.Contains(err.Error(), "empty the database, then run this again") != want || !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%v", err)
		}
	}
}
