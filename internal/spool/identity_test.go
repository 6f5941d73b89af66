package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"saltmine/internal/spool"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := spool.Identity(dir); !errors.Is(err, spool.ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := spool.Identity(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	s, err := spool.Open(spool.Config{Dir: dir, Now: time.Now, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"open", "closed"} {
		if id, err := spool.Identity(dir); err != nil || id != s.ID() {
			t.Errorf("%s: %x, %v; want %x", when, id, err, s.ID())
		}
		if when == "open" {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	other, err := spool.Open(spool.Config{Dir: t.TempDir(), Now: time.Now, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.ID() == s.ID() {
		t.Error("two spools have one identity")
	}
}
